//! Which files of the inbox are complete, and where they go once stored.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A file counts as complete when size and modification time stood still this long between two looks:
/// longer than the pauses of a local `cp`, short enough to answer within half a second.
pub const SETTLE: Duration = Duration::from_millis(250);
/// An empty file may be one whose writer has only begun.
const SETTLE_EMPTY: Duration = Duration::from_secs(2);
/// So long a taken file is watched for a writer that paused longer than [`SETTLE`] and went on.
const LATE: Duration = Duration::from_secs(120);
/// Where stored files go, inside the inbox.
const TAKEN: &str = ".taken";

/// One complete file.
pub struct Found {
    /// `<file name>/<first 16 hex digits of the SHA-256 of the content>`: the same name with other content is new.
    pub external_id: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What one look saw.
#[derive(Default)]
pub struct Seen {
    /// Complete files, in order of name.
    pub ready: Vec<PathBuf>,
    /// Files taken before whose writer went on afterwards.
    pub late: Vec<PathBuf>,
    /// True when some files are not known to be complete yet.
    pub waiting: bool,
    /// Files that could not be looked at, in words without their content.
    pub problems: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    size: u64,
    modified: Option<SystemTime>,
}

impl Shape {
    fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            modified: meta.modified().ok(),
        }
    }
}

/// A file set aside lately.
struct Taken {
    shape: Shape,
    /// When it was taken, or seen to change.
    at: Instant,
    /// It changed after it was taken and was not taken again yet.
    changed: bool,
}

/// Remembers the shape of files between looks.
pub struct Watch {
    inbox: PathBuf,
    pending: BTreeMap<PathBuf, (Shape, Instant)>,
    taken: BTreeMap<PathBuf, Taken>,
}

impl Watch {
    /// A watch over `inbox` that has seen nothing yet.
    pub fn new(inbox: PathBuf) -> Self {
        Self {
            inbox,
            pending: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }

    /// Makes the directories and makes sure that they can be read and written.
    pub fn prepare(&self) -> io::Result<()> {
        let taken = self.inbox.join(TAKEN);
        fs::create_dir_all(&taken)?;
        fs::read_dir(&self.inbox)?;
        let probe = taken.join(".probe.tmp");
        fs::write(&probe, b"")?;
        fs::remove_file(&probe)
    }

    /// Looks at the inbox, `moment` being the present of a clock that never goes back.
    pub fn look(&mut self, moment: Instant) -> io::Result<Seen> {
        fs::create_dir_all(self.inbox.join(TAKEN))?;
        let mut seen = Seen::default();
        let mut still = BTreeMap::new();
        // A maildir's writer moves a finished file into new/ (cur/): what is there is complete.
        for (directory, finished) in [
            (self.inbox.clone(), false),
            (self.inbox.join("new"), true),
            (self.inbox.join("cur"), true),
        ] {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if finished && error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) if finished => {
                    seen.problems.push(error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                if passed_over(&path) {
                    continue;
                }
                match fs::metadata(&path) {
                    Ok(meta) if !meta.is_file() => {}
                    Ok(meta) => {
                        let shape = Shape::of(&meta);
                        let since = match self.pending.get(&path) {
                            Some((before, since)) if *before == shape => *since,
                            _ => moment,
                        };
                        let rest = if shape.size == 0 {
                            SETTLE_EMPTY
                        } else {
                            SETTLE
                        };
                        if finished || moment.duration_since(since) >= rest {
                            seen.ready.push(path.clone());
                        } else {
                            seen.waiting = true;
                        }
                        still.insert(path, (shape, since));
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => seen.problems.push(error.to_string()),
                }
            }
        }
        self.pending = still;
        seen.ready.sort();
        self.look_at_late_writers(moment, &mut seen);
        Ok(seen)
    }

    /// A writer that still held the file open when it was renamed writes on in the place it was moved to.
    fn look_at_late_writers(&mut self, moment: Instant, seen: &mut Seen) {
        self.taken
            .retain(|_, file| moment.duration_since(file.at) < LATE);
        for (path, file) in &mut self.taken {
            let Ok(meta) = fs::metadata(path) else {
                continue;
            };
            let present = Shape::of(&meta);
            if present != file.shape {
                *file = Taken {
                    shape: present,
                    at: moment,
                    changed: true,
                };
            } else if file.changed && moment.duration_since(file.at) >= SETTLE {
                file.changed = false;
                seen.late.push(path.clone());
            }
            seen.waiting |= file.changed;
        }
    }

    /// Moves a stored file to `.taken`. When that fails the file stays, and its external id keeps it from being
    /// stored twice.
    pub fn set_aside(&mut self, path: &Path, external_id: &str, moment: Instant) -> io::Result<()> {
        let name = path.file_name().unwrap_or(OsStr::new("unnamed"));
        let directory = self.inbox.join(TAKEN);
        let mut target = directory.join(name);
        if target.exists() {
            let digest = external_id.rsplit('/').next().unwrap_or_default();
            // Its own folder per content keeps both the name and the earlier file.
            let folder = directory.join(digest);
            fs::create_dir_all(&folder)?;
            target = folder.join(name);
        }
        fs::rename(path, &target)?;
        if let Some((shape, _)) = self.pending.remove(path) {
            self.taken.insert(
                target,
                Taken {
                    shape,
                    at: moment,
                    changed: false,
                },
            );
        }
        Ok(())
    }

    /// All files taken so far, in order of name.
    pub fn taken(&self) -> io::Result<Vec<PathBuf>> {
        fs::create_dir_all(self.inbox.join(TAKEN))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(self.inbox.join(TAKEN))? {
            let path = entry?.path();
            if passed_over(&path) {
                continue;
            }
            if path.is_dir() {
                for inner in fs::read_dir(&path)? {
                    files.push(inner?.path());
                }
            } else {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Names a writer uses for what is not finished.
fn passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part")
}

/// Reads a file; `None` when somebody took it away.
pub fn read(path: &Path) -> io::Result<Option<Found>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut external_id = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    // A maildir client changes the flags after `:2,`; the message is the same.
    if let Some((base, _)) = external_id.split_once(":2,") {
        external_id = base.to_owned();
    }
    external_id.push('/');
    for byte in Sha256::digest(&bytes).iter().take(8) {
        write!(external_id, "{byte:02x}").map_err(io::Error::other)?;
    }
    Ok(Some(Found { external_id, bytes }))
}
