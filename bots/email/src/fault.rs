//! What can be wrong with a mail server, in two voices: the problem with the server's own words, and what to do.

use madoguchi_channel::{Health, ReceiveError};
use std::error::Error;

/// Kinds of faults an operator treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection.
    Unreachable,
    /// The server's certificate is past its date or not valid yet.
    CertificateDate,
    /// The server's certificate comes from an authority that is not trusted.
    UnknownAuthority,
    /// The certificate is another server's.
    WrongName,
    /// TLS failed otherwise, or is not offered.
    Tls,
    /// User name or password refused.
    SignIn,
    /// The provider gives no access token.
    Token,
    /// The folder cannot be opened.
    Folder,
    /// The connection ended, or the answer could not be read.
    Lost,
    /// The server refused a command.
    Refused,
    /// The desk's own inbox could not store.
    Door,
    /// The settings cannot work.
    Settings,
}

/// One fault. Its text carries no secret and no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Fault {
    /// What kind.
    pub kind: Kind,
    /// What is wrong, with the server's own words.
    pub problem: String,
}

impl Fault {
    /// A fault of a kind.
    pub fn new(kind: Kind, problem: impl Into<String>) -> Self {
        Self {
            kind,
            problem: problem.into(),
        }
    }

    /// What the operator can do.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            Kind::Unreachable => {
                "check host, port and network, and that the mail server runs; the desk keeps trying"
            }
            Kind::CertificateDate => {
                "renew the mail server's certificate, and check this machine's clock; the desk keeps trying"
            }
            Kind::UnknownAuthority => {
                "set ca_file to the authority that signed the server's certificate, if you know it is the right server"
            }
            Kind::WrongName => {
                "set host to the name in the server's certificate, or give the server one for this name"
            }
            Kind::Tls => {
                "check that the port and tls setting belong together (993 and 465 implicit, 143 and 587 starttls)"
            }
            Kind::SignIn => {
                "check user and password, and whether the provider wants an app password; the desk keeps trying, slowly so as not to \
                 lock the account: a changed password_file is read at once, another password needs a restart of the desk"
            }
            Kind::Token => {
                "sign in at the provider again and store the new refresh_token; with client_credentials check client_id, the expiry of \
                 client_secret and the administrator's consent; then start the desk again"
            }
            Kind::Folder => {
                "create the folder at the server or correct the folder setting (names are case sensitive)"
            }
            Kind::Lost => {
                "nothing to do if it is back within minutes; else look at the mail server's log"
            }
            Kind::Refused => "look at the mail server's log for the reason; the desk keeps trying",
            Kind::Door => {
                "free disk space or repair the database; the mail stays at the server and is taken then"
            }
            Kind::Settings => "correct the settings of this channel and start again",
        }
    }

    /// The health this fault means.
    pub fn health(&self) -> Health {
        Health::Down {
            problem: self.problem.clone(),
            advice: self.advice().into(),
        }
    }

    /// Finds the cause of a failed connection in a chain of errors, so that a bad certificate is not reported as a bad network.
    pub fn of_connection(server: &str, error: &(dyn Error + 'static)) -> Self {
        let Some(tls) = find_tls(error) else {
            let mut words = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                let inner_words = inner.to_string();
                if !words.contains(&inner_words) {
                    words = format!("{words}: {inner_words}");
                }
                cause = inner.source();
            }
            return Self::new(
                Kind::Unreachable,
                format!("no connection to {server}: {words}"),
            );
        };
        use rustls::CertificateError as C;
        let (kind, what) = match tls {
            rustls::Error::InvalidCertificate(
                C::Expired
                | C::ExpiredContext { .. }
                | C::NotValidYet
                | C::NotValidYetContext { .. },
            ) => (
                Kind::CertificateDate,
                "its certificate has expired or is not valid yet",
            ),
            rustls::Error::InvalidCertificate(C::UnknownIssuer) => (
                Kind::UnknownAuthority,
                "its certificate comes from an authority that is not trusted",
            ),
            rustls::Error::InvalidCertificate(
                C::NotValidForName | C::NotValidForNameContext { .. },
            ) => (Kind::WrongName, "its certificate is for another name"),
            _ => (Kind::Tls, "TLS failed"),
        };
        Self::new(
            kind,
            format!("no secure connection to {server}: {what} ({tls})"),
        )
    }
}

/// rustls errors hide inside `io::Error`s, whose `source` skips them.
fn find_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

impl From<Fault> for ReceiveError {
    fn from(fault: Fault) -> Self {
        Self {
            advice: fault.advice().into(),
            permanent: fault.kind == Kind::Settings,
            problem: fault.problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError as C;

    #[test]
    fn a_bad_certificate_is_told_from_a_bad_network_even_deep_inside_other_errors() {
        for (cause, kind) in [
            (C::Expired, Kind::CertificateDate),
            (C::UnknownIssuer, Kind::UnknownAuthority),
            (C::NotValidForName, Kind::WrongName),
            (C::BadEncoding, Kind::Tls),
        ] {
            let inner = std::io::Error::other(rustls::Error::InvalidCertificate(cause));
            let outer = std::io::Error::other(inner);
            assert_eq!(
                Fault::of_connection("mail.example.org:993", &outer).kind,
                kind
            );
        }
        let away = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(
            Fault::of_connection("mail.example.org:993", &away).kind,
            Kind::Unreachable
        );
    }
}
