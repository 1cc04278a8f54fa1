//! Sending: one message to one requester over a signed-in, encrypted connection, kept open between messages.

use crate::config::SmtpConfig;
use crate::fault::{Fault, Kind};
use crate::pace::Pace;
use crate::smtp_line::{Dial, Envelope, Failure, Line, reply};
use crate::token::TokenSource;
use lettre::Address;
use lettre::transport::smtp::response::Response;
use madoguchi_channel::{OutboundMessage, Receipt, SendError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// So many receipts are remembered against sending twice.
const REMEMBERED: usize = 1000;

/// A sender of mail.
pub struct Sender {
    dial: Dial,
    kept: tokio::sync::Mutex<Option<Line>>,
    delivered: Mutex<VecDeque<(String, Receipt)>>,
    pace: Mutex<Pace>,
    /// Seals what is sent.
    pub seal: Option<Arc<dyn madoguchi_mime::Seal>>,
}

impl Sender {
    /// Prepares connections; none is opened yet.
    pub fn new(config: &SmtpConfig, sources: &mut Vec<Arc<TokenSource>>) -> Result<Self, Fault> {
        Ok(Self {
            dial: Dial::new(config, sources)?,
            pace: Mutex::new(Pace::new(config.most_per_minute)),
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
        let to = address(&composed.envelope_to)?;
        if let Err(wait) = self.pace().begin(Instant::now()) {
            return Err(SendError::Later {
                words: format!("{} is not given more messages now", self.dial.server()),
                retry_after: wait,
            });
        }
        let bytes = match &self.seal {
            Some(seal) => seal
                .seal(&composed.envelope_from, composed.bytes)
                .map_err(SendError::Temporary)?,
            None => composed.bytes,
        };
        let envelope = || Envelope {
            from: from.clone(),
            to: to.clone(),
        };
        let response = self
            .deliver(envelope, &bytes)
            .await
            .map_err(|failure| self.judge(&failure))?;
        self.pace().taken();
        let words: Vec<&str> = response.message().collect();
        let receipt = Receipt::new(format!("{} {}", response.code(), words.join(" ")));
        self.remember(&message.message_id, &receipt);
        Ok(receipt)
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One message over the kept connection or a new one. A kept one that turns out closed is replaced once, where the server cannot have
    /// taken the message: it never saw the content, or it said so (421).
    async fn deliver(
        &self,
        envelope: impl Fn() -> Envelope,
        bytes: &[u8],
    ) -> Result<Response, Failure> {
        let mut kept = self.kept.lock().await;
        let was_kept = kept.is_some();
        let mut line = self.dial.line(kept.take()).await?;
        let mut outcome = self.dial.send(&mut line, envelope(), bytes).await;
        if was_kept && matches!(&outcome, Err(failure) if was_closed(failure)) {
            line = self.dial.line(None).await?;
            outcome = self.dial.send(&mut line, envelope(), bytes).await;
        }
        match outcome {
            Ok(response) => {
                *kept = Some(line);
                Ok(response)
            }
            Err(failure) => {
                self.dial.close(line).await;
                Err(failure)
            }
        }
    }

    /// Connects and signs in; tells what the server takes.
    pub async fn check(&self) -> Result<String, Fault> {
        let line = self.dial.line(None).await?;
        let takes = match line.most_bytes() {
            Some(most) => format!("takes messages of up to {most} bytes"),
            None => "names no limit to the size of messages".to_owned(),
        };
        self.dial.close(line).await;
        Ok(format!("{} {takes}", self.dial.server()))
    }

    /// A reply of the server decides by its class. Without one nothing is known against the recipient: try again later.
    /// That includes a connection lost after DATA, where the message may have been taken; a double is then possible and
    /// carries the same Message-ID.
    fn judge(&self, failure: &Failure) -> SendError {
        let error = match failure {
            Failure::Unfit(words) => return SendError::Permanent(words.clone()),
            Failure::Fault(fault) => {
                let words = format!("{}; {}", fault.problem, fault.advice());
                return match fault.kind {
                    // The server as a whole takes nothing now; asking for each message would only annoy it.
                    Kind::Refused => SendError::Later {
                        words,
                        retry_after: self.pace().rest(Instant::now()),
                    },
                    _ => SendError::Temporary(words),
                };
            }
            Failure::Smtp { error, .. } => error,
        };
        match error.status().map(u16::from) {
            // 421 and 521 speak of the server as a whole (RFC 5321 §3.8, RFC 7504).
            Some(421 | 521) => SendError::Later {
                words: reply(error),
                retry_after: self.pace().rest(Instant::now()),
            },
            Some(_) if error.is_permanent() => SendError::Permanent(reply(error)),
            Some(_) => SendError::Temporary(reply(error)),
            None => {
                let fault = self.dial.fault(error);
                SendError::Temporary(format!("{}; {}", fault.problem, fault.advice()))
            }
        }
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

/// The server had closed the connection before it could take anything.
fn was_closed(failure: &Failure) -> bool {
    let Failure::Smtp {
        error,
        content_sent,
    } = failure
    else {
        return false;
    };
    match error.status().map(u16::from) {
        Some(code) => code == 421,
        None => !content_sent,
    }
}
