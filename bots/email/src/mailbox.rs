//! What the desk needs of an IMAP server, behind a trait of its own: the client library can be exchanged here.

use crate::config::ImapConfig;
use crate::fault::{Fault, Kind};
use crate::link::{Link, Plug};
use crate::sasl::{Mechanism, error_words};
use crate::sign_in::{Proof, SignIn};
use imap::types::{Flag, UnsolicitedResponse};
use jiff::Timestamp;
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Set on what was taken, where the server keeps such flags; nothing depends on it. `\Seen` belongs to people.
const TAKEN: &str = "$MadoguchiTaken";

/// A folder as the server describes it on opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// The server's numbering (RFC 9051 §2.3.1.1): ids are comparable only within one.
    pub uid_validity: u32,
    /// The id the next message gets.
    pub uid_next: Option<u32>,
    /// Whether [`Mailbox::mark_taken`] can work.
    pub keeps_flags: bool,
}

/// A message as fetched.
pub struct Fetched {
    /// Its id.
    pub uid: u32,
    /// When the server got it.
    pub internal_date: Option<Timestamp>,
    /// The message, byte for byte.
    pub bytes: Vec<u8>,
}

/// A signed-in connection to one mail account. Every call blocks.
pub trait Mailbox {
    /// Opens a folder.
    fn select(&mut self, folder: &str) -> Result<Selected, Fault>;
    /// All ids from `first` on, ascending, whatever the flags.
    fn uids_from(&mut self, first: u32) -> Result<Vec<u32>, Fault>;
    /// Sizes in bytes of those that still exist.
    fn sizes(&mut self, uids: &[u32]) -> Result<Vec<(u32, u64)>, Fault>;
    /// Those that still exist, without setting `\Seen`.
    fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, Fault>;
    /// Sets the keyword on what was taken.
    fn mark_taken(&mut self, uids: &[u32]) -> Result<(), Fault>;
    /// Moves what was taken to another folder. Where the server knows neither MOVE (RFC 6851) nor UIDPLUS (RFC 4315), the originals are
    /// left behind marked as deleted: to remove them would remove what others have marked.
    fn move_away(&mut self, uids: &[u32], folder: &str) -> Result<(), Fault>;
    /// True when the server can tell of new mail by itself.
    fn can_idle(&mut self) -> Result<bool, Fault>;
    /// Waits until the server tells of a change, or for `limit`.
    fn idle(&mut self, limit: Duration) -> Result<(), Fault>;
    /// Signs out.
    fn close(&mut self);
}

/// A [`Mailbox`] over a real connection.
pub struct ImapMailbox {
    session: imap::Session<Link>,
    server: String,
    /// Messages in the selected folder when it was selected.
    exists: u32,
}

impl ImapMailbox {
    /// Connects and signs in with whatever the account has to show.
    pub fn connect(
        config: &ImapConfig,
        account: &SignIn,
        tls: &Arc<ClientConfig>,
        plug: &Plug,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self, Fault> {
        runtime.block_on(
            account
                .open(async |proof| Self::open(config, &account.user, &proof, tls.clone(), plug)),
        )
    }

    fn open(
        config: &ImapConfig,
        user: &str,
        proof: &Proof,
        tls: Arc<ClientConfig>,
        plug: &Plug,
    ) -> Result<Self, Fault> {
        let server = format!("{}:{}", config.host, config.port());
        let (link, greeted) = Link::open(config, tls, plug)?;
        let mut client = imap::Client::new(link);
        if !greeted {
            let greeting = client.read_greeting().map_err(|e| lost(&server, &e))?;
            if !greeting.starts_with(b"* OK") {
                let words = String::from_utf8_lossy(&greeting).trim_end().to_owned();
                return Err(Fault::new(
                    Kind::Refused,
                    format!("{server} does not take connections: {words}"),
                ));
            }
        }
        let secret = proof.secret.expose();
        let session = if proof.token {
            let offered = client.capabilities().map_err(|e| lost(&server, &e))?;
            let mechanism = Mechanism::choose(|name| offered.has_str(format!("AUTH={name}")))
                .ok_or_else(|| no_token(&server))?;
            drop(offered);
            let dialogue = Dialogue {
                first: mechanism.first(user, secret, &config.host, config.port()),
                mechanism,
                state: Mutex::default(),
            };
            client
                .authenticate(mechanism.name(), &dialogue)
                .map_err(|(error, _)| match error {
                    imap::Error::No(_) | imap::Error::Bad(_) => {
                        let told = dialogue.error().unwrap_or_else(|| words(&error));
                        Fault::new(
                            Kind::SignIn,
                            format!("{server} refused the access token: {told}"),
                        )
                    }
                    other => lost(&server, &other),
                })?
        } else {
            client
                .login(user, secret)
                .map_err(|(error, _)| match error {
                    imap::Error::No(_) | imap::Error::Bad(_) => Fault::new(
                        Kind::SignIn,
                        format!("{server} refused user name or password: {}", words(&error)),
                    ),
                    imap::Error::Validate(_) => Fault::new(
                        Kind::Settings,
                        "user name or password hold a character IMAP cannot carry",
                    ),
                    other => lost(&server, &other),
                })?
        };
        Ok(Self {
            session,
            server,
            exists: 0,
        })
    }

    fn fault(&self, error: &imap::Error) -> Fault {
        lost(&self.server, error)
    }
}

impl Mailbox for ImapMailbox {
    fn select(&mut self, folder: &str) -> Result<Selected, Fault> {
        let opened = match self.session.select(crate::folder::to_wire(folder)) {
            Ok(opened) => opened,
            Err(error @ (imap::Error::No(_) | imap::Error::Validate(_) | imap::Error::Bye(_))) => {
                let there = self.folder_names();
                // A refusal whose words are not ASCII reads as a farewell to the library: it is none where the server goes on talking.
                if matches!(error, imap::Error::Bye(_)) && there.is_empty() {
                    return Err(lost(&self.server, &error));
                }
                return Err(Fault::new(
                    Kind::Folder,
                    format!(
                        "{} does not open the folder {folder}: {}; there are: {}",
                        self.server,
                        words(&error),
                        crate::folder::nearest(folder, &there).join(", ")
                    ),
                ));
            }
            Err(other) => return Err(lost(&self.server, &other)),
        };
        self.exists = opened.exists;
        let uid_validity = opened.uid_validity.ok_or_else(|| {
            Fault::new(
                Kind::Refused,
                format!(
                    "{} gives no lasting ids (UIDVALIDITY) in {folder}",
                    self.server
                ),
            )
        })?;
        let keeps_flags = !opened.is_read_only
            && opened.permanent_flags.iter().any(|flag| match flag {
                Flag::MayCreate => true,
                Flag::Custom(name) => name.eq_ignore_ascii_case(TAKEN),
                _ => false,
            });
        Ok(Selected {
            uid_validity,
            uid_next: opened.uid_next,
            keeps_flags,
        })
    }

    fn uids_from(&mut self, first: u32) -> Result<Vec<u32>, Fault> {
        let found = self
            .session
            .uid_search(format!("UID {first}:*"))
            .map_err(|e| self.fault(&e))?;
        // "n:*" also finds the last message when nothing is newer (RFC 9051 §9, seq-range).
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid >= first).collect();
        uids.sort_unstable();
        Ok(uids)
    }

    fn sizes(&mut self, uids: &[u32]) -> Result<Vec<(u32, u64)>, Fault> {
        let fetched = self
            .session
            .uid_fetch(list(uids), "(UID RFC822.SIZE)")
            .map_err(|e| self.fault(&e))?;
        let sizes = fetched
            .iter()
            .filter_map(|one| Some((one.uid?, u64::from(one.size?))));
        Ok(sizes.filter(|(uid, _)| uids.contains(uid)).collect())
    }

    fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, Fault> {
        let fetched = self
            .session
            .uid_fetch(list(uids), "(UID RFC822.SIZE INTERNALDATE BODY.PEEK[])")
            .map_err(|e| self.fault(&e))?;
        let mut messages = Vec::new();
        for one in fetched.iter() {
            // Flag changes by other clients come along as answers of their own: those have no size.
            if let (Some(uid), Some(_)) = (one.uid, one.size)
                && uids.contains(&uid)
            {
                let date = one
                    .internal_date()
                    .and_then(|d| Timestamp::from_second(d.timestamp()).ok());
                let bytes = one.body().unwrap_or_default().to_vec();
                messages.push(Fetched {
                    uid,
                    internal_date: date,
                    bytes,
                });
            }
        }
        messages.sort_by_key(|message| message.uid);
        Ok(messages)
    }

    fn mark_taken(&mut self, uids: &[u32]) -> Result<(), Fault> {
        let command = format!("+FLAGS.SILENT ({TAKEN})");
        self.session
            .uid_store(list(uids), command)
            .map_err(|e| self.fault(&e))?;
        Ok(())
    }

    fn move_away(&mut self, uids: &[u32], folder: &str) -> Result<(), Fault> {
        let known = self.session.capabilities().map_err(|e| self.fault(&e))?;
        let (moves, expunges) = (known.has_str("MOVE"), known.has_str("UIDPLUS"));
        drop(known);
        let (which, target) = (list(uids), crate::folder::to_wire(folder));
        let done = if moves {
            self.session.uid_mv(&which, &target)
        } else {
            self.session
                .uid_copy(&which, quoted(&target))
                .and_then(|()| {
                    self.session
                        .uid_store(&which, "+FLAGS.SILENT (\\Deleted)")?;
                    if expunges {
                        self.session.uid_expunge(&which)?;
                    }
                    Ok(())
                })
        };
        done.map_err(|e| self.fault(&e))
    }

    fn can_idle(&mut self) -> Result<bool, Fault> {
        let known = self.session.capabilities().map_err(|e| self.fault(&e))?;
        Ok(known.has_str("IDLE"))
    }

    fn idle(&mut self, limit: Duration) -> Result<(), Fault> {
        // Mail that came in while another command ran was told of in that command's answer: IDLE is silent about it (RFC 3501 §7).
        let known = self.exists;
        let news = self
            .session
            .take_all_unsolicited()
            .any(|told| matches!(told, UnsolicitedResponse::Exists(messages) if messages > known));
        if news {
            return Ok(());
        }
        let mut handle = self.session.idle();
        handle.timeout(limit).keepalive(false);
        let outcome = handle.wait_while(imap::extensions::idle::stop_on_any);
        drop(handle);
        outcome.map(|_| ()).map_err(|e| self.fault(&e))
    }

    fn close(&mut self) {
        // The connection ends either way.
        let _ = self.session.logout();
    }
}

impl ImapMailbox {
    /// The folders there are, as people write them; empty where the server does not tell.
    fn folder_names(&mut self) -> Vec<String> {
        let Ok(names) = self.session.list(None, Some("*")) else {
            return Vec::new();
        };
        names
            .iter()
            .map(|name| crate::folder::from_wire(name.name()))
            .collect()
    }
}

/// What is said on the server's questions.
struct Dialogue {
    mechanism: Mechanism,
    first: String,
    state: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    begun: bool,
    error: Option<String>,
}

impl Dialogue {
    fn error(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.error.clone()
    }
}

impl imap::Authenticator for Dialogue {
    type Response = String;

    fn process(&self, challenge: &[u8]) -> String {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut state.begun, true) {
            state.error = error_words(challenge);
            self.mechanism.last().to_owned()
        } else {
            self.first.clone()
        }
    }
}

/// The server takes no access tokens.
pub fn no_token(server: &str) -> Fault {
    Fault::new(
        Kind::Settings,
        format!("{server} takes no access token (neither OAUTHBEARER nor XOAUTH2)"),
    )
}

/// The library quotes names in its other commands, in COPY it does not.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn list(uids: &[u32]) -> String {
    let texts: Vec<String> = uids.iter().map(u32::to_string).collect();
    texts.join(",")
}

/// The server's own words. Other errors of the library can hold pieces of messages, so those are only named.
fn words(error: &imap::Error) -> String {
    match error {
        imap::Error::No(no) => no.information.clone(),
        imap::Error::Bad(bad) => bad.information.clone(),
        imap::Error::Bye(bye) => bye.information.clone(),
        imap::Error::Io(io) => io.to_string(),
        imap::Error::ConnectionLost => "the server ended the connection".into(),
        imap::Error::Validate(_) => "the name holds a character IMAP cannot carry".into(),
        _ => "an answer that could not be read".into(),
    }
}

fn lost(server: &str, error: &imap::Error) -> Fault {
    let kind = match error {
        imap::Error::No(_) | imap::Error::Bad(_) => Kind::Refused,
        _ => Kind::Lost,
    };
    Fault::new(kind, format!("{server}: {}", words(error)))
}
