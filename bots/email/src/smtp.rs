//! Sending: one message to one requester over a signed-in, encrypted connection, kept open between messages.

use crate::config::{Security, SmtpConfig};
use crate::fault::{Fault, Kind};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use madoguchi_channel::{OutboundMessage, Receipt, SendError};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many receipts are remembered against sending twice.
const REMEMBERED: usize = 1000;

/// A sender of mail.
pub struct Sender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    delivered: Mutex<VecDeque<(String, Receipt)>>,
}

impl Sender {
    /// Prepares connections; none is opened yet. Must be called within a runtime.
    pub fn new(config: &SmtpConfig) -> Result<Self, Fault> {
        crate::link::install_provider();
        let server = format!("{}:{}", config.host, config.port());
        let settings = |words: String| Fault::new(Kind::Settings, words);
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
        let tls = tls
            .build()
            .map_err(|e| settings(format!("TLS settings cannot be used: {e}")))?;
        // Both refuse to go on without TLS.
        let tls = match config.tls {
            Security::Implicit => Tls::Wrapper(tls),
            Security::Starttls => Tls::Required(tls),
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port())
            .tls(tls)
            .credentials(Credentials::new(
                config.user.clone(),
                config.password.expose().to_owned(),
            ))
            .timeout(Some(Duration::from_secs(config.timeout_seconds.max(1))))
            .pool_config(
                PoolConfig::new()
                    .max_size(4)
                    .idle_timeout(Duration::from_secs(45)),
            )
            .build();
        Ok(Self {
            transport,
            server,
            delivered: Mutex::default(),
        })
    }

    /// Delivers one message. The same `message_id` gets the earlier receipt while this program remembers it.
    pub async fn send(&self, message: &OutboundMessage) -> Result<Receipt, SendError> {
        if let Some(receipt) = self.receipt(&message.message_id) {
            return Ok(receipt);
        }
        let composed = madoguchi_mime::compose(message)
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        let address = |text: &str| {
            text.parse::<Address>()
                .map_err(|e| SendError::Permanent(format!("not a mail address: {e}")))
        };
        let from = match composed.envelope_from.as_str() {
            "" => None, // the empty return path of automatic answers (RFC 3834 §3.3)
            text => Some(address(text)?),
        };
        let envelope = Envelope::new(from, vec![address(&composed.envelope_to)?])
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        let response = self
            .transport
            .send_raw(&envelope, &composed.bytes)
            .await
            .map_err(|error| self.judge(&error))?;
        let words: Vec<&str> = response.message().collect();
        let receipt = Receipt {
            server_said: format!("{} {}", response.code(), words.join(" ")),
        };
        self.remember(&message.message_id, &receipt);
        Ok(receipt)
    }

    /// Connects and signs in.
    pub async fn check(&self) -> Result<(), Fault> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::new(
                Kind::Refused,
                format!("{} closed the connection", self.server),
            )),
            Err(error) if is_sign_in(&error) => Err(Fault::new(
                Kind::SignIn,
                format!(
                    "{} refused user name or password: {}",
                    self.server,
                    reply(&error)
                ),
            )),
            Err(error) if error.status().is_some() => Err(Fault::new(
                Kind::Refused,
                format!("{}: {}", self.server, reply(&error)),
            )),
            Err(error) => Err(self.connection(&error)),
        }
    }

    /// A reply of the server decides by its class. Without one nothing is known against the recipient: try again later.
    /// That includes a connection lost after DATA, where the message may have been taken; a double is then possible and
    /// carries the same Message-ID.
    fn judge(&self, error: &Error) -> SendError {
        if is_sign_in(error) {
            // Our own settings, not the recipient's fault.
            return SendError::Temporary(format!(
                "{} (the server refused the desk's own user name or password: correct the smtp settings)",
                reply(error)
            ));
        }
        match error.status().map(u16::from) {
            // 421 and 521 speak of the server as a whole (RFC 7504).
            Some(521) => SendError::Temporary(reply(error)),
            Some(_) if error.is_permanent() => SendError::Permanent(reply(error)),
            Some(_) => SendError::Temporary(reply(error)),
            None => {
                let fault = self.connection(error);
                SendError::Temporary(format!("{}; {}", fault.problem, fault.advice()))
            }
        }
    }

    fn connection(&self, error: &Error) -> Fault {
        let mut fault = Fault::of_connection(&self.server, error);
        if fault.kind == Kind::Unreachable && error.is_client() {
            // The client itself refused to go on: no STARTTLS on offer, or no common way to sign in.
            fault.kind = Kind::Tls;
        }
        fault
    }

    fn receipt(&self, id: &str) -> Option<Receipt> {
        let delivered = self
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        delivered
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, receipt)| receipt.clone())
    }

    fn remember(&self, id: &str, receipt: &Receipt) {
        let mut delivered = self
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if delivered.len() >= REMEMBERED {
            delivered.pop_front();
        }
        delivered.push_back((id.to_owned(), receipt.clone()));
    }
}

/// Replies that only the AUTH command gives (RFC 4954 §6).
fn is_sign_in(error: &Error) -> bool {
    matches!(
        error.status().map(u16::from),
        Some(432 | 454 | 530 | 534 | 535 | 538)
    )
}

/// Code and text of the server's reply.
fn reply(error: &Error) -> String {
    let text = std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default();
    match error.status() {
        Some(code) => format!("{code} {text}").trim_end().to_owned(),
        None => error.to_string(),
    }
}
