//! Departures: one file each, complete or not there at all.

use madoguchi_channel::{Receipt, SendError};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Longest part of a message id kept in a file name, in bytes.
const LONGEST: usize = 160;

/// Writes `<directory>/<message_id>.eml` once; a file that is there already is the receipt of an earlier attempt.
pub fn write(directory: &Path, message_id: &str, bytes: &[u8]) -> Result<Receipt, SendError> {
    let name = file_name(message_id);
    place(directory, &name, bytes).map_err(|error| {
        SendError::Temporary(match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                format!("no space left in the directory for sent mail: {error}")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("the desk's account may not write to the directory for sent mail: {error}")
            }
            _ => format!("the directory for sent mail cannot be written: {error}"),
        })
    })?;
    Ok(Receipt::new(name))
}

/// Makes the directory and makes sure that it can be written.
pub fn check(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let probe = directory.join(".probe.tmp");
    fs::write(&probe, b"")?;
    fs::remove_file(&probe)
}

fn place(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let target = directory.join(name);
    if !target.try_exists()? {
        let unfinished = directory.join(format!(".{name}.tmp"));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &target)
        });
        if written.is_err() {
            // The reason is reported; a rest that cannot be removed is overwritten by the next attempt.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
    }
    // Also for a file found there: the attempt that wrote it may have ended before this line.
    File::open(directory)?.sync_all()
}

/// A file name for a message id. An id that had to be changed gets a digest, so that two ids never share a name.
fn file_name(message_id: &str) -> String {
    let mut name: String = message_id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "@._-+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST)
        .collect();
    if name != message_id || name.starts_with('.') || name.is_empty() {
        name.insert(0, '_');
        name.push('-');
        for byte in Sha256::digest(message_id.as_bytes()).iter().take(8) {
            // Writing to a String does not fail.
            let _ = write!(name, "{byte:02x}");
        }
    }
    name.push_str(".eml");
    name
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn ordinary_ids_keep_their_name_and_odd_ones_never_leave_the_directory_or_collide() {
        assert_eq!(
            file_name("a.b-1@desk.example.jp"),
            "a.b-1@desk.example.jp.eml"
        );
        for odd in [
            "../../etc/x",
            "a/b",
            ".hidden",
            "",
            "a\0b",
            &"x".repeat(400),
        ] {
            let name = file_name(odd);
            assert!(
                name.starts_with('_') && !name.contains('/') && name.len() < 200,
                "{name}"
            );
        }
        assert_ne!(file_name("a/b"), file_name("a\\b"));
    }
}
