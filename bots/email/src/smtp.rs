//! Sending: one message to one requester over a signed-in, encrypted connection, kept open between messages.

use crate::config::SmtpConfig;
use crate::fault::{Fault, Kind};
use crate::smtp_line::{Dial, Failure, Line};
use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;
use madoguchi_channel::{OutboundMessage, Receipt, SendError};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// So many receipts are remembered against sending twice.
const REMEMBERED: usize = 1000;

/// A sender of mail.
pub struct Sender {
    dial: Dial,
    kept: tokio::sync::Mutex<Option<Line>>,
    delivered: Mutex<VecDeque<(String, Receipt)>>,
    /// Seals what is sent.
    pub seal: Option<std::sync::Arc<dyn madoguchi_mime::Seal>>,
}

impl Sender {
    /// Prepares connections; none is opened yet.
    pub fn new(config: &SmtpConfig) -> Result<Self, Fault> {
        Ok(Self {
            dial: Dial::new(config)?,
            kept: tokio::sync::Mutex::default(),
            delivered: Mutex::default(),
            seal: None,
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
        let bytes = match &self.seal {
            Some(seal) => seal
                .seal(&composed.envelope_from, composed.bytes)
                .map_err(SendError::Temporary)?,
            None => composed.bytes,
        };
        let response = self
            .deliver(&envelope, &bytes)
            .await
            .map_err(|failure| self.judge(&failure))?;
        let words: Vec<&str> = response.message().collect();
        let receipt = Receipt::new(format!("{} {}", response.code(), words.join(" ")));
        self.remember(&message.message_id, &receipt);
        Ok(receipt)
    }

    /// One message over the kept connection or a new one. A kept one that turns out closed before the server took anything (421, or broken
    /// off before DATA was accepted) cannot be told from one broken off after it, so only the server's own 421 is tried once more.
    async fn deliver(&self, envelope: &Envelope, bytes: &[u8]) -> Result<Response, Failure> {
        let mut kept = self.kept.lock().await;
        let was_kept = kept.is_some();
        let mut line = self.dial.line(kept.take()).await?;
        match self.dial.send(&mut line, envelope, bytes).await {
            Ok(response) => {
                *kept = Some(line);
                Ok(response)
            }
            Err(Failure::Smtp(error)) if was_kept && code(&error) == Some(421) => {
                let mut line = self.dial.line(None).await?;
                let response = self.dial.send(&mut line, envelope, bytes).await?;
                *kept = Some(line);
                Ok(response)
            }
            Err(failure) => {
                self.dial.close(line).await;
                Err(failure)
            }
        }
    }

    /// Connects and signs in.
    pub async fn check(&self) -> Result<(), Fault> {
        let error = match self.dial.line(None).await {
            Ok(line) => {
                self.dial.close(line).await;
                return Ok(());
            }
            Err(Failure::Fault(fault)) => return Err(fault),
            Err(Failure::Smtp(error)) => error,
        };
        if is_sign_in(&error) {
            return Err(Fault::new(
                Kind::SignIn,
                format!(
                    "{} refused user name or password: {}",
                    self.dial.server(),
                    reply(&error)
                ),
            ));
        }
        if error.status().is_some() {
            let words = format!("{}: {}", self.dial.server(), reply(&error));
            return Err(Fault::new(Kind::Refused, words));
        }
        Err(self.connection(&error))
    }

    /// A reply of the server decides by its class. Without one nothing is known against the recipient: try again later.
    /// That includes a connection lost after DATA, where the message may have been taken; a double is then possible and
    /// carries the same Message-ID.
    fn judge(&self, failure: &Failure) -> SendError {
        let error = match failure {
            Failure::Smtp(error) => error,
            Failure::Fault(fault) => {
                return SendError::Temporary(format!("{}; {}", fault.problem, fault.advice()));
            }
        };
        if is_sign_in(error) {
            // Our own settings, not the recipient's fault.
            return SendError::Temporary(format!(
                "{} (the server refused the desk's own user name or password: correct the smtp settings)",
                reply(error)
            ));
        }
        match code(error) {
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
        let mut fault = Fault::of_connection(&self.dial.server(), error);
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

fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

/// Replies that only the AUTH command gives (RFC 4954 §6).
fn is_sign_in(error: &Error) -> bool {
    matches!(code(error), Some(432 | 454 | 530 | 534 | 535 | 538))
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
