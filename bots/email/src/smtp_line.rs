//! One connection to a submission server, kept open between messages.
//!
//! Opened here and not by the client's own pool because of one option: without TCP_NODELAY the message waits up to 40 ms in our
//! kernel for an acknowledgement before its final dot leaves (Nagle's algorithm). That is the very time in which a crash leaves a message
//! that will be delivered and is not recorded.

use crate::config::{Security, SmtpConfig};
use crate::fault::{Fault, Kind};
use crate::link::tls_config;
use crate::mailbox::no_token;
use crate::sasl::{Mechanism, error_words};
use crate::sign_in::{Proof, SignIn};
use crate::token::TokenSource;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use rustls_pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
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

/// Sender and recipient as the servers see them (RFC 5321 §2.3.1).
pub struct Envelope {
    /// `None`: the empty return path of automatic answers (RFC 3834 §3.3).
    pub from: Option<Address>,
    /// Who gets it.
    pub to: Address,
}

impl Envelope {
    /// Addresses that only a server with SMTPUTF8 can carry (RFC 6531).
    fn is_international(&self) -> bool {
        let foreign = |address: &Address| !address.user().is_ascii();
        self.from.as_ref().is_some_and(foreign) || foreign(&self.to)
    }
}

/// Why nothing was delivered.
#[derive(Debug)]
pub enum Failure {
    /// No connection, no sign-in, or it took too long.
    Fault(Fault),
    /// The server's reply, or the connection broke.
    Smtp {
        /// What the client says of it.
        error: Error,
        /// False: the server never saw the content, so that it cannot have taken it.
        content_sent: bool,
    },
    /// It would never take this message: the words say why.
    Unfit(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How a connection is opened.
pub struct Dial {
    host: String,
    port: u16,
    security: Security,
    starttls: TlsParameters,
    implicit: TlsConnector,
    account: SignIn,
    hello: ClientId,
    patience: Duration,
}

/// An open, signed-in connection.
pub struct Line {
    connection: AsyncSmtpConnection,
    /// Most bytes the server takes in one message (RFC 1870), where it says.
    most_bytes: Option<u64>,
    /// It knows the keyword at all.
    knows_size: bool,
    used: Instant,
}

impl Line {
    /// Most bytes the server takes in one message, where it says.
    pub fn most_bytes(&self) -> Option<u64> {
        self.most_bytes
    }
}

impl Dial {
    /// Reads the certificates; nothing is opened yet.
    pub fn new(config: &SmtpConfig, sources: &mut Vec<Arc<TokenSource>>) -> Result<Self, Fault> {
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
            account: SignIn::new(
                "smtp",
                &config.user,
                config.password.as_ref(),
                config.password_file.as_ref(),
                config.oauth2.as_ref(),
                sources,
            )?,
            hello: ClientId::default(),
            patience: Duration::from_secs(config.timeout_seconds.max(1)),
        })
    }

    /// `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The kept connection when it still lives, else a new one.
    pub async fn line(&self, kept: Option<Line>) -> Result<Line, Fault> {
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
        self.account
            .open(|proof| self.within(self.open(proof)))
            .await
    }

    /// Delivers one message; the line is worth keeping when it succeeds.
    pub async fn send(
        &self,
        line: &mut Line,
        envelope: Envelope,
        bytes: &[u8],
    ) -> Result<Response, Failure> {
        if let Some(most) = line.most_bytes.filter(|most| *most < bytes.len() as u64) {
            return Err(Failure::Unfit(format!(
                "{} takes at most {most} bytes in one message (RFC 1870), this one has {}",
                self.server(),
                bytes.len()
            )));
        }
        let server = line.connection.server_info();
        let mut parameters = Vec::new();
        if envelope.is_international() {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::Unfit(format!(
                    "{} cannot carry an address with letters beyond ASCII (no SMTPUTF8, RFC 6531)",
                    self.server()
                )));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            if !server.supports_feature(Extension::EightBitMime) {
                return Err(Failure::Unfit(format!(
                    "{} carries ASCII only (no 8BITMIME, RFC 6152)",
                    self.server()
                )));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if line.knows_size {
            parameters.push(MailParameter::Size(bytes.len()));
        }
        let mut content_sent = false;
        let talk = async {
            let talk = &mut line.connection;
            talk.command(Mail::new(envelope.from, parameters)).await?;
            talk.command(Rcpt::new(envelope.to, Vec::new())).await?;
            talk.command(Data).await?;
            content_sent = true;
            talk.message(bytes).await
        };
        let outcome = tokio::time::timeout(self.patience, talk).await;
        line.used = Instant::now();
        match outcome {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failure::Smtp {
                error,
                content_sent,
            }),
            Err(_) => Err(self.silent().into()),
        }
    }

    /// Says good-bye.
    pub async fn close(&self, mut line: Line) {
        // A server that does not answer to it changes nothing.
        let _ = tokio::time::timeout(self.patience, line.connection.abort()).await;
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::time::timeout(self.patience, work)
            .await
            .unwrap_or_else(|_| Err(self.silent()))
    }

    fn silent(&self) -> Fault {
        Fault::new(
            Kind::Unreachable,
            format!(
                "{} did not answer within {} s",
                self.server(),
                self.patience.as_secs()
            ),
        )
    }

    async fn open(&self, proof: Proof) -> Result<Line, Fault> {
        let away = |error: io::Error| Fault::of_connection(&self.server(), &error);
        let lost = |error: Error| self.fault(&error);
        let socket = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(away)?;
        socket.set_nodelay(true).map_err(away)?;
        // Both ways refuse to go on without TLS.
        let mut connection = match self.security {
            Security::Starttls => {
                let mut connection =
                    AsyncSmtpConnection::connect_with_transport(Box::new(socket), &self.hello)
                        .await
                        .map_err(lost)?;
                connection
                    .starttls(self.starttls.clone(), &self.hello)
                    .await
                    .map_err(lost)?;
                connection
            }
            Security::Implicit => {
                let name = ServerName::try_from(self.host.clone()).map_err(|_| {
                    Fault::new(
                        Kind::Settings,
                        format!("host {} is no server name", self.host),
                    )
                })?;
                let stream = self.implicit.connect(name, socket).await.map_err(away)?;
                AsyncSmtpConnection::connect_with_transport(
                    Box::new(Encrypted(stream)),
                    &self.hello,
                )
                .await
                .map_err(lost)?
            }
        };
        // Asked by ourselves: the client does not keep the size.
        let offers = connection
            .command(Ehlo::new(self.hello.clone()))
            .await
            .map_err(lost)?;
        if proof.token {
            self.show_token(&mut connection, &proof, &offers).await?;
        } else {
            let credentials =
                Credentials::new(self.account.user.clone(), proof.secret.expose().to_owned());
            connection
                .auth(DEFAULT_MECHANISMS, &credentials)
                .await
                .map_err(|error| self.refused_sign_in(&error, "user name or password", None))?;
        }
        let size = keyword(&offers, "SIZE");
        Ok(Line {
            connection,
            most_bytes: size
                .as_deref()
                .and_then(|text| text.trim().parse().ok())
                .filter(|most| *most > 0),
            knows_size: size.is_some(),
            used: Instant::now(),
        })
    }

    /// Signs in with an access token (RFC 4954 §4, RFC 7628).
    async fn show_token(
        &self,
        connection: &mut AsyncSmtpConnection,
        proof: &Proof,
        offers: &Response,
    ) -> Result<(), Fault> {
        let ways = keyword(offers, "AUTH").unwrap_or_default();
        let offered = |name: &str| {
            ways.split_whitespace()
                .any(|way| way.eq_ignore_ascii_case(name))
        };
        let mechanism = Mechanism::choose(offered).ok_or_else(|| no_token(&self.server()))?;
        let secret = proof.secret.expose();
        let first = mechanism.first(&self.account.user, secret, &self.host, self.port);
        let command = format!("AUTH {} {}\r\n", mechanism.name(), STANDARD.encode(first));
        let refused = |error: &Error, told| self.refused_sign_in(error, "the access token", told);
        let answer = connection
            .command(command)
            .await
            .map_err(|error| refused(&error, None))?;
        if answer.has_code(334) {
            let told = answer
                .first_line()
                .and_then(|line| STANDARD.decode(line.trim()).ok())
                .and_then(|challenge| error_words(&challenge));
            let last = format!("{}\r\n", STANDARD.encode(mechanism.last()));
            match connection.command(last).await {
                Ok(answer) if !answer.has_code(334) => {}
                Ok(_) => {
                    return Err(Fault::new(
                        Kind::SignIn,
                        self.words_of_refusal("the access token", told),
                    ));
                }
                Err(error) => return Err(refused(&error, told)),
            }
        }
        Ok(())
    }

    fn words_of_refusal(&self, what: &str, told: Option<String>) -> String {
        format!(
            "{} refused {what}: {}",
            self.server(),
            told.unwrap_or_default()
        )
    }

    /// Replies that refuse AUTH (RFC 4954 §6); a broken connection is no refusal.
    fn refused_sign_in(&self, error: &Error, what: &str, told: Option<String>) -> Fault {
        match error.status().map(u16::from) {
            Some(432 | 454 | 500..) => Fault::new(
                Kind::SignIn,
                self.words_of_refusal(what, told.or_else(|| Some(reply(error)))),
            ),
            _ => self.fault(error),
        }
    }

    /// An error outside a message: it speaks of the server, never of a recipient.
    pub fn fault(&self, error: &Error) -> Fault {
        if error.status().is_some() {
            return Fault::new(
                Kind::Refused,
                format!("{}: {}", self.server(), reply(error)),
            );
        }
        let mut fault = Fault::of_connection(&self.server(), error);
        if fault.kind == Kind::Unreachable && error.is_client() {
            // The client itself refused to go on: no STARTTLS on offer, or no common way to sign in.
            fault.kind = Kind::Tls;
        }
        fault
    }
}

/// What follows a keyword in the answer to EHLO; empty where nothing does.
fn keyword(offers: &Response, name: &str) -> Option<String> {
    offers.message().find_map(|line| {
        let (word, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
        word.eq_ignore_ascii_case(name).then(|| rest.to_owned())
    })
}

/// Code and text of the server's reply.
pub fn reply(error: &Error) -> String {
    let text = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    match error.status() {
        Some(code) => format!("{code} {text}").trim_end().to_owned(),
        None => error.to_string(),
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
