//! One connection to a submission server, kept open between messages.
//!
//! Opened here and not by the client's own pool because of one option: without TCP_NODELAY the message waits up to 40 ms in our
//! kernel for an acknowledgement before its final dot leaves (Nagle's algorithm). That is the very time in which a crash leaves a message
//! that will be delivered and is not recorded.

use crate::config::{Security, SmtpConfig};
use crate::fault::{Fault, Kind};
use crate::link::tls_config;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use rustls_pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A kept connection older than this is asked whether it still lives before a message is trusted to it.
const STALE: Duration = Duration::from_secs(2);
/// A kept connection older than this is not used again: most servers have closed it.
const TOO_OLD: Duration = Duration::from_secs(45);

/// Why nothing was delivered.
#[derive(Debug)]
pub enum Failure {
    /// The server's reply, or the connection broke.
    Smtp(Error),
    /// No connection, or it took too long.
    Fault(Fault),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// How a connection is opened.
pub struct Dial {
    host: String,
    port: u16,
    security: Security,
    starttls: TlsParameters,
    implicit: TlsConnector,
    credentials: Credentials,
    hello: ClientId,
    patience: Duration,
}

/// An open, signed-in connection.
pub struct Line {
    connection: AsyncSmtpConnection,
    used: Instant,
}

impl Dial {
    /// Reads the certificates; nothing is opened yet.
    pub fn new(config: &SmtpConfig) -> Result<Self, Fault> {
        let settings = |words: String| Fault::new(Kind::Settings, words);
        let implicit = TlsConnector::from(tls_config(config.ca_file.as_deref())?);
        let mut tls = TlsParameters::builder(config.host.clone());
        if let Some(path) = &config.ca_file {
            let unusable = |e: &dyn std::fmt::Display| {
                settings(format!("ca_file {} cannot be used: {e}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|e| unusable(&e))?;
            let certificate = Certificate::from_pem(&pem).map_err(|e| unusable(&e))?;
            tls = tls
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificate);
        } else {
            tls = tls.certificate_store(CertificateStore::WebpkiRoots);
        }
        let starttls = tls
            .build()
            .map_err(|e| settings(format!("TLS settings cannot be used: {e}")))?;
        Ok(Self {
            host: config.host.clone(),
            port: config.port(),
            security: config.tls,
            starttls,
            implicit,
            credentials: Credentials::new(config.user.clone(), config.password.expose().to_owned()),
            hello: ClientId::default(),
            patience: Duration::from_secs(config.timeout_seconds.max(1)),
        })
    }

    /// `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The kept connection when it still lives, else a new one.
    pub async fn line(&self, kept: Option<Line>) -> Result<Line, Failure> {
        if let Some(mut line) = kept.filter(|line| line.used.elapsed() < TOO_OLD) {
            let lives = line.used.elapsed() < STALE
                || matches!(
                    tokio::time::timeout(self.patience, line.connection.test_connected()).await,
                    Ok(true)
                );
            if lives && !line.connection.has_broken() {
                return Ok(line);
            }
        }
        self.within(self.open()).await
    }

    /// Delivers one message; the line is worth keeping when it succeeds.
    pub async fn send(
        &self,
        line: &mut Line,
        envelope: &Envelope,
        bytes: &[u8],
    ) -> Result<Response, Failure> {
        let sent = self
            .within(async { Ok(line.connection.send(envelope, bytes).await?) })
            .await;
        line.used = Instant::now();
        sent
    }

    /// Says good-bye.
    pub async fn close(&self, mut line: Line) {
        // A server that does not answer to it changes nothing.
        let _ = tokio::time::timeout(self.patience, line.connection.abort()).await;
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.patience, work).await {
            Ok(done) => done,
            Err(_) => Err(Failure::Fault(Fault::new(
                Kind::Unreachable,
                format!(
                    "{} did not answer within {} s",
                    self.server(),
                    self.patience.as_secs()
                ),
            ))),
        }
    }

    async fn open(&self) -> Result<Line, Failure> {
        let away = |error: io::Error| Failure::Fault(Fault::of_connection(&self.server(), &error));
        let socket = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(away)?;
        socket.set_nodelay(true).map_err(away)?;
        // Both ways refuse to go on without TLS.
        let mut connection = match self.security {
            Security::Starttls => {
                let mut connection =
                    AsyncSmtpConnection::connect_with_transport(Box::new(socket), &self.hello)
                        .await?;
                connection
                    .starttls(self.starttls.clone(), &self.hello)
                    .await?;
                connection
            }
            Security::Implicit => {
                let name = ServerName::try_from(self.host.clone()).map_err(|_| {
                    Failure::Fault(Fault::new(
                        Kind::Settings,
                        format!("host {} is no server name", self.host),
                    ))
                })?;
                let stream = self.implicit.connect(name, socket).await.map_err(away)?;
                AsyncSmtpConnection::connect_with_transport(
                    Box::new(Encrypted(stream)),
                    &self.hello,
                )
                .await?
            }
        };
        connection
            .auth(DEFAULT_MECHANISMS, &self.credentials)
            .await?;
        Ok(Line {
            connection,
            used: Instant::now(),
        })
    }
}

/// A TLS stream as the client's own kind of transport.
#[derive(Debug)]
struct Encrypted(TlsStream<TcpStream>);

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
