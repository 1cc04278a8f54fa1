//! The files that came along, by the hash of their content, in a directory; and the virus scanner beside it (clamd, over its socket).

use crate::domain::file::Scan;
use crate::flow::ports::{StoreError, Vault};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes handed to the scanner at a time.
const CHUNK: usize = 64 * 1024;
/// Longest answer of the scanner that is read, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// Where the scanner listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanner {
    /// A UNIX socket.
    Unix(PathBuf),
    /// An address.
    Tcp(SocketAddr),
}

impl Scanner {
    /// Reads `/path/to/socket` or `127.0.0.1:3310`.
    pub fn named(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Tcp(address),
            Err(_) => Self::Unix(PathBuf::from(text)),
        }
    }
}

/// Files below a directory.
#[derive(Debug)]
pub struct FileVault {
    directory: PathBuf,
    scanner: Option<Scanner>,
    patience: Duration,
}

impl FileVault {
    /// A vault below `directory`, which is made when the first file comes. The scanner is given up after `patience`.
    pub fn new(directory: PathBuf, scanner: Option<Scanner>, patience: Duration) -> Self {
        Self {
            directory,
            scanner,
            patience,
        }
    }

    fn path(&self, sha256: &str) -> Option<PathBuf> {
        file_path(&self.directory, sha256)
    }
}

/// `ab/cdef…` below the directory: few files a directory. `None` for what is no hash.
pub fn file_path(directory: &Path, sha256: &str) -> Option<PathBuf> {
    let lawful = sha256.len() == 64 && sha256.chars().all(|c| c.is_ascii_hexdigit());
    let (head, tail) = sha256.split_at_checked(2).filter(|_| lawful)?;
    Some(directory.join(head).join(tail))
}

#[async_trait]
impl Vault for FileVault {
    async fn keep(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        let Some(path) = self.path(&sha256) else {
            return Err(StoreError::Other("no path for a file".to_owned()));
        };
        let bytes = bytes.to_vec();
        tokio::task::spawn_blocking(move || write_whole(&path, &bytes))
            .await
            .map_err(|error| StoreError::Other(error.to_string()))?
            .map_err(|error| {
                StoreError::Unavailable(format!("a file could not be kept: {error}"))
            })?;
        Ok(sha256)
    }

    async fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(path) = self.path(sha256) else {
            return Ok(None);
        };
        match tokio::fs::read(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Other(format!(
                "a file could not be read: {error}"
            ))),
        }
    }

    async fn scan(&self, bytes: &[u8]) -> (Scan, Option<String>) {
        let Some(scanner) = &self.scanner else {
            return (Scan::Off, None);
        };
        match tokio::time::timeout(self.patience, ask(scanner, bytes)).await {
            Ok(Ok(answer)) => judge(&answer),
            Ok(Err(error)) => (
                Scan::Waiting,
                Some(format!("the virus scanner cannot be reached: {error}")),
            ),
            Err(_) => (
                Scan::Waiting,
                Some("the virus scanner does not answer".to_owned()),
            ),
        }
    }

    fn found_type(&self, bytes: &[u8]) -> Option<String> {
        infer::get(bytes).map(|kind| kind.mime_type().to_owned())
    }
}

/// Written beside, then renamed: a file under its name is whole.
///
/// # Errors
/// The disk is full, or may not be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let mut unfinished = tempfile_in(parent)?;
    unfinished.1.write_all(bytes)?;
    unfinished.1.sync_all()?;
    std::fs::rename(&unfinished.0, path)?;
    std::fs::File::open(parent)?.sync_all()
}

fn tempfile_in(parent: &Path) -> io::Result<(PathBuf, std::fs::File)> {
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = parent.join(format!(".{name}.tmp"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    Ok((path.clone(), options.open(path)?))
}

/// `INSTREAM` (clamd(8)): chunks, each led by its length, ended by an empty one.
async fn ask(scanner: &Scanner, bytes: &[u8]) -> io::Result<String> {
    match scanner {
        Scanner::Tcp(address) => talk(tokio::net::TcpStream::connect(address).await?, bytes).await,
        #[cfg(unix)]
        Scanner::Unix(path) => talk(tokio::net::UnixStream::connect(path).await?, bytes).await,
        #[cfg(not(unix))]
        Scanner::Unix(_) => Err(io::Error::other("there are no UNIX sockets here")),
    }
}

async fn talk(mut line: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<String> {
    line.write_all(b"zINSTREAM\0").await?;
    for chunk in bytes.chunks(CHUNK) {
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        line.write_all(&length.to_be_bytes()).await?;
        line.write_all(chunk).await?;
    }
    line.write_all(&0u32.to_be_bytes()).await?;
    line.flush().await?;
    let mut answer = Vec::new();
    line.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer)
        .trim_matches(['\0', '\n', ' '])
        .to_owned())
}

/// `stream: OK`, `stream: NAME FOUND`, or a fault.
fn judge(answer: &str) -> (Scan, Option<String>) {
    let words = answer.strip_prefix("stream: ").unwrap_or(answer);
    if words == "OK" {
        (Scan::Clean, None)
    } else if let Some(name) = words.strip_suffix(" FOUND") {
        (Scan::Infected, Some(name.to_owned()))
    } else {
        (
            Scan::Waiting,
            Some(format!("the virus scanner says: {words}")),
        )
    }
}
