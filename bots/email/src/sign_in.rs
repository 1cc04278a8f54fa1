//! Whom the desk signs in as, and how often it may try: providers lock an account after a handful of wrong passwords.

use crate::config::{OAuth2Config, Secret};
use crate::fault::{Fault, Kind};
use crate::token::TokenSource;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// First pause after a refused password.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause after refused passwords.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

enum Way {
    Password(Secret),
    File(PathBuf),
    Token(Arc<TokenSource>),
}

/// What is shown to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// Password or access token.
    pub secret: Secret,
    /// True for an access token.
    pub token: bool,
}

#[derive(Default)]
struct Gate {
    refusals: u32,
    shut: Option<(Proof, Fault, Instant)>,
}

/// One account at one server, shared by all its connections.
pub struct SignIn {
    /// User name.
    pub user: String,
    way: Way,
    gate: Mutex<Gate>,
}

impl SignIn {
    /// By the settings of one section. `sources` lets IMAP and SMTP of one account share their tokens: where a provider replaces refresh
    /// tokens, two that know nothing of each other would lock each other out.
    pub fn new(
        section: &str,
        user: &str,
        password: Option<&Secret>,
        file: Option<&PathBuf>,
        oauth2: Option<&OAuth2Config>,
        sources: &mut Vec<Arc<TokenSource>>,
    ) -> Result<Self, Fault> {
        let way = match (password, file, oauth2) {
            (Some(password), None, None) => Way::Password(password.clone()),
            (None, Some(file), None) => Way::File(file.clone()),
            (None, None, Some(config)) => {
                let known = sources.iter().find(|source| source.config() == config);
                Way::Token(match known {
                    Some(source) => source.clone(),
                    None => {
                        let source = Arc::new(TokenSource::new(config)?);
                        sources.push(source.clone());
                        source
                    }
                })
            }
            _ => {
                return Err(Fault::new(
                    Kind::Settings,
                    format!("{section} needs exactly one of password, password_file and oauth2"),
                ));
            }
        };
        Ok(Self {
            user: user.to_owned(),
            way,
            gate: Mutex::default(),
        })
    }

    /// Signs in by `attempt`, once more where there is something else to show after a refusal (an expired token, a changed password).
    pub async fn open<T, F>(&self, attempt: impl Fn(Proof) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut proof = self.proof().await?;
        self.admit(&proof, Instant::now())?;
        let mut outcome = attempt(proof.clone()).await;
        if matches!(&outcome, Err(fault) if fault.kind == Kind::SignIn)
            && let Some(other) = self.other(&proof).await?
        {
            proof = other;
            outcome = attempt(proof.clone()).await;
        }
        match &outcome {
            Ok(_) => self.accepted(),
            Err(fault) if fault.kind == Kind::SignIn => {
                self.refused(&proof, fault, Instant::now());
            }
            Err(_) => {}
        }
        outcome
    }

    /// What to show now.
    pub async fn proof(&self) -> Result<Proof, Fault> {
        let (secret, token) = match &self.way {
            Way::Password(password) => (password.clone(), false),
            Way::File(path) => (read(path)?, false),
            Way::Token(source) => (source.token().await?, true),
        };
        Ok(Proof { secret, token })
    }

    /// What to show after a refusal; `None` when there is nothing else.
    pub async fn other(&self, refused: &Proof) -> Result<Option<Proof>, Fault> {
        match &self.way {
            Way::Token(source) => Ok(Some(Proof {
                secret: source.renew(&refused.secret).await?,
                token: true,
            })),
            Way::File(_) => Ok(Some(self.proof().await?).filter(|new| new != refused)),
            Way::Password(_) => Ok(None),
        }
    }

    /// Whether this may be shown now; a refused one only after a pause.
    pub fn admit(&self, proof: &Proof, now: Instant) -> Result<(), Fault> {
        match &self
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .shut
        {
            Some((refused, fault, until)) if refused == proof && now < *until => Err(fault.clone()),
            _ => Ok(()),
        }
    }

    /// The server refused it.
    pub fn refused(&self, proof: &Proof, fault: &Fault, now: Instant) {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pause_after(gate.refusals);
        gate.refusals = gate.refusals.saturating_add(1);
        gate.shut = Some((proof.clone(), fault.clone(), now + pause));
    }

    /// The server took it.
    pub fn accepted(&self) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Gate::default();
    }

    /// True when the password in the file is another than the refused one.
    pub fn changed(&self) -> bool {
        let Way::File(path) = &self.way else {
            return false;
        };
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        match (&gate.shut, read(path)) {
            (Some((refused, ..)), Ok(secret)) => refused.secret != secret,
            (None, Ok(_)) => true,
            (_, Err(_)) => false,
        }
    }
}

/// 1, 2, 4, 8, 15 minutes.
pub fn pause_after(refusals: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << refusals.min(8))
        .min(LONGEST_PAUSE)
}

fn read(path: &PathBuf) -> Result<Secret, Fault> {
    let unusable = |why: &str| {
        Fault::new(
            Kind::SignIn,
            format!("password_file {} cannot be used: {why}", path.display()),
        )
    };
    let text = std::fs::read_to_string(path).map_err(|e| unusable(&e.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(unusable("its first line is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(password: &str) -> SignIn {
        SignIn::new(
            "imap",
            "desk",
            Some(&Secret::new(password)),
            None,
            None,
            &mut Vec::new(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_refused_password_is_shown_ever_more_seldom_and_another_one_at_once() {
        let (account, start) = (sign_in("old"), Instant::now());
        let proof = account.proof().await.unwrap();
        let fault = Fault::new(Kind::SignIn, "refused");
        let mut now = start;
        for minutes in [1, 2, 4, 8, 15, 15] {
            account.admit(&proof, now).unwrap();
            account.refused(&proof, &fault, now);
            now += Duration::from_secs(minutes * 60);
            assert_eq!(
                account.admit(&proof, now - Duration::from_secs(1)),
                Err(fault.clone())
            );
        }
        account.refused(&proof, &fault, now);
        let new = sign_in("new").proof().await.unwrap();
        account.admit(&new, now).unwrap();
        account.accepted();
        account.admit(&proof, now).unwrap();
    }

    #[tokio::test]
    async fn a_changed_password_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "old\n").unwrap();
        let account =
            SignIn::new("imap", "desk", None, Some(&file), None, &mut Vec::new()).unwrap();
        let proof = account.proof().await.unwrap();
        account.refused(&proof, &Fault::new(Kind::SignIn, "refused"), Instant::now());
        assert!(!account.changed());
        assert!(account.other(&proof).await.unwrap().is_none());
        std::fs::write(&file, "new\nsecond line\n").unwrap();
        assert!(account.changed());
        assert_eq!(
            account
                .other(&proof)
                .await
                .unwrap()
                .unwrap()
                .secret
                .expose(),
            "new"
        );
        std::fs::write(&file, "").unwrap();
        assert_eq!(account.proof().await.err().unwrap().kind, Kind::SignIn);
    }

    #[test]
    fn exactly_one_way_to_sign_in_is_configured() {
        let secret = Secret::new("x");
        let both = SignIn::new(
            "smtp",
            "desk",
            Some(&secret),
            Some(&PathBuf::from("f")),
            None,
            &mut Vec::new(),
        );
        let none = SignIn::new("smtp", "desk", None, None, None, &mut Vec::new());
        for outcome in [both, none] {
            assert_eq!(outcome.err().unwrap().kind, Kind::Settings);
        }
    }
}
