//! Sockets and TLS: a connection whose every wait ends, and that another thread can cut.

use crate::config::{ImapConfig, Security};
use crate::fault::{Fault, Kind};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Longest line read before TLS begins, in bytes.
const LONGEST_LINE: usize = 4096;

/// Names ring as the provider of cryptography for this program, unless that is done.
pub fn install_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost a race: then another thread has done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// TLS settings that trust `ca_file`, or the public authorities.
pub fn tls_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Fault> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                Fault::new(
                    Kind::Settings,
                    format!("ca_file {} cannot be used: {error}", path.display()),
                )
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(&e))? {
                let certificate = certificate.map_err(|e| unreadable(&e))?;
                roots.add(certificate).map_err(|e| unreadable(&e))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it holds no certificate"));
            }
        }
    }
    install_provider();
    Ok(Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    ))
}

/// Lets a running connection be cut from another thread.
#[derive(Clone)]
pub struct Plug {
    stop: CancellationToken,
    socket: Arc<Mutex<Option<TcpStream>>>,
}

impl Plug {
    /// A plug pulled once `stop` is cancelled and [`Plug::pull`] called.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            socket: Arc::default(),
        }
    }

    /// True once the connection is to end.
    pub fn pulled(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The token behind the plug.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cuts the connection under way; every wait on it ends at once.
    pub fn pull(&self) {
        if let Some(socket) = &*self.socket.lock().unwrap_or_else(PoisonError::into_inner) {
            // A socket that is closed already needs no cutting.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn attach(&self, socket: &TcpStream) -> io::Result<()> {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket.try_clone()?);
        if self.pulled() {
            self.pull();
        }
        Ok(())
    }
}

/// A TLS connection.
#[derive(Debug)]
pub struct Link {
    tls: StreamOwned<ClientConnection, TcpStream>,
    patience: Duration,
    /// End of a wait as a whole: a server that says "still here" now and then would postpone a limit per read for ever.
    deadline: Option<Instant>,
}

impl Link {
    /// Connects and shakes hands; true is returned beside it when the server has greeted already (STARTTLS).
    pub fn open(
        config: &ImapConfig,
        tls: Arc<ClientConfig>,
        plug: &Plug,
    ) -> Result<(Self, bool), Fault> {
        let server = format!("{}:{}", config.host, config.port());
        let patience = Duration::from_secs(config.timeout_seconds.max(1));
        let away = |error: io::Error| Fault::of_connection(&server, &error);
        let name = ServerName::try_from(config.host.clone()).map_err(|_| {
            Fault::new(
                Kind::Settings,
                format!("host {} is no server name", config.host),
            )
        })?;
        let mut socket = connect(&config.host, config.port(), patience).map_err(away)?;
        socket
            .set_read_timeout(Some(patience))
            .and_then(|()| socket.set_write_timeout(Some(patience)))
            .and_then(|()| socket.set_nodelay(true))
            .and_then(|()| plug.attach(&socket))
            .map_err(away)?;
        let greeted = config.tls == Security::Starttls;
        if greeted {
            start_tls(&mut socket, &server)?;
        }
        let mut connection = ClientConnection::new(tls, name)
            .map_err(|error| Fault::of_connection(&server, &error))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).map_err(away)?;
        }
        let tls = StreamOwned::new(connection, socket);
        Ok((
            Self {
                tls,
                patience,
                deadline: None,
            },
            greeted,
        ))
    }
}

fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// STARTTLS (RFC 9051 §6.2.1), read byte by byte: nothing sent before the handshake can count as sent after it.
fn start_tls(socket: &mut TcpStream, server: &str) -> Result<(), Fault> {
    let away = |error: io::Error| Fault::of_connection(server, &error);
    let greeting = read_line(socket).map_err(away)?;
    if !greeting.starts_with("* OK") {
        return Err(Fault::new(
            Kind::Refused,
            format!("{server} does not take connections: {greeting}"),
        ));
    }
    socket.write_all(b"t1 STARTTLS\r\n").map_err(away)?;
    loop {
        let line = read_line(socket).map_err(away)?;
        if line.starts_with("t1 OK") {
            return Ok(());
        }
        if line.starts_with("t1 ") {
            return Err(Fault::new(
                Kind::Tls,
                format!("{server} refused STARTTLS: {line}"),
            ));
        }
    }
}

fn read_line(socket: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0_u8; 1];
    while line.len() < LONGEST_LINE {
        socket.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        line.extend_from_slice(&byte);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "an endless line instead of a greeting",
    ))
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.tls.sock.set_read_timeout(Some(left))?;
        }
        self.tls.read(buffer)
    }
}

impl Write for Link {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tls.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tls.flush()
    }
}

impl imap::extensions::idle::SetReadTimeout for Link {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> imap::Result<()> {
        // The client ends IDLE with "no limit"; here that means the usual one, for a wait never is without an end.
        self.deadline = timeout.map(|limit| Instant::now() + limit);
        self.tls
            .sock
            .set_read_timeout(Some(timeout.unwrap_or(self.patience)))
            .map_err(imap::Error::Io)
    }
}
