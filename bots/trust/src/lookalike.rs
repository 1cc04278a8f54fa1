//! Domains and names made to look like others.

use serde::{Deserialize, Serialize};

/// What looks like a trick. Shown to staff; nothing is refused for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// The domain looks like a known one and is another.
    LookAlike {
        /// The known one.
        known: String,
    },
    /// One label holds letters of several scripts that look alike (Latin with Cyrillic or Greek).
    MixedScripts,
    /// The display name holds an address that is not the sender's.
    NameHoldsAddress {
        /// The address in the name.
        address: String,
    },
    /// The display name names a known domain the sender does not belong to.
    NameClaims {
        /// The domain.
        known: String,
    },
    /// The name or the address holds signs that are not seen or turn the text around.
    HiddenSigns,
    /// Answers would go to another domain than the sender's.
    RepliesElsewhere {
        /// The domain answers would go to.
        domain: String,
    },
}

/// What is odd about a sender. `known` are domains that people trust: the desk's own and those of its partners, in lower case.
pub fn warnings(
    address: &str,
    name: Option<&str>,
    reply_to: Option<&str>,
    known: &[String],
) -> Vec<Warning> {
    let mut found = Vec::new();
    let domain = domain_of(address);
    let own = known.iter().any(|k| belongs(&domain, k));
    if !own {
        let looks = |known: &&String| {
            // Compared label by label from the end, so that `example.jp.evil.test` is not called a look-alike.
            skeleton(&domain) == skeleton(known)
                || domain
                    .split_once('.')
                    .is_some_and(|(_, parent)| skeleton(parent) == skeleton(known))
        };
        if let Some(known) = known.iter().find(looks) {
            found.push(Warning::LookAlike {
                known: known.clone(),
            });
        }
    }
    if domain.split('.').any(mixed) {
        found.push(Warning::MixedScripts);
    }
    let name = name.unwrap_or_default();
    if let Some(claimed) = address_in(name)
        && !claimed.eq_ignore_ascii_case(address)
    {
        found.push(Warning::NameHoldsAddress { address: claimed });
    } else if let Some(known) = known
        .iter()
        .find(|k| !own && name.to_lowercase().contains(k.as_str()))
    {
        found.push(Warning::NameClaims {
            known: known.clone(),
        });
    }
    if name.chars().chain(address.chars()).any(hidden) {
        found.push(Warning::HiddenSigns);
    }
    if let Some(other) = reply_to.map(domain_of)
        && !other.is_empty()
        && !belongs(&other, &domain)
        && !belongs(&domain, &other)
    {
        found.push(Warning::RepliesElsewhere { domain: other });
    }
    found
}

/// The domain as it is shown: in lower case, `xn--` labels in their own letters.
fn domain_of(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, d)| d);
    idna::domain_to_unicode(&domain.to_lowercase()).0
}

fn belongs(domain: &str, known: &str) -> bool {
    domain == known
        || domain
            .strip_suffix(known)
            .is_some_and(|head| head.ends_with('.'))
}

/// The address inside a text such as `"desk@example.jp" via somebody`.
fn address_in(name: &str) -> Option<String> {
    name.split(|c: char| c.is_whitespace() || "<>()[]\"',;：:＜＞（）「」".contains(c))
        .map(|word| word.replace('＠', "@"))
        .find(|word| {
            word.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && domain.contains('.') && !domain.contains('@')
            })
        })
        .map(|word| word.trim_end_matches('.').to_owned())
}

/// Signs that are not seen, or that turn the order of what is seen.
fn hidden(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}'
    ) || c.is_control()
}

/// A letter of Cyrillic or Greek.
fn foreign(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{1f00}'..='\u{1fff}')
}

fn mixed(label: &str) -> bool {
    label.chars().any(|c| c.is_ascii_alphabetic()) && label.chars().any(foreign)
}

/// What a domain looks like at a glance: letters that are drawn alike become one.
fn skeleton(domain: &str) -> String {
    let folded: String = domain
        .chars()
        .map(|c| match c {
            'а' | 'ɑ' | 'α' | 'à' | 'á' | 'ạ' | 'ä' => 'a',
            'с' | 'ϲ' | 'ç' => 'c',
            'ԁ' => 'd',
            'е' | 'ё' | 'é' | 'è' | 'ẹ' => 'e',
            'ɡ' => 'g',
            'һ' => 'h',
            'і' | 'ι' | 'í' | 'ì' | 'ị' | 'ı' | '1' | 'l' | '|' => 'l',
            'i' => 'l',
            'ј' => 'j',
            'κ' | 'к' => 'k',
            'м' => 'm',
            'п' | 'ո' => 'n',
            'о' | 'ο' | 'ö' | 'ó' | 'ọ' | '0' => 'o',
            'р' | 'ρ' => 'p',
            'ԛ' => 'q',
            'ѕ' => 's',
            'т' | 'τ' => 't',
            'υ' | 'ü' | 'ú' => 'u',
            'ν' => 'v',
            'ԝ' | 'ω' => 'w',
            'х' | 'χ' => 'x',
            'у' | 'γ' => 'y',
            other => other,
        })
        .filter(|c| *c != '-')
        .collect();
    folded
        .replace("rn", "m")
        .replace("vv", "w")
        .replace("cl", "d")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        vec![
            "desk.example.jp".to_owned(),
            "ministry.example.jp".to_owned(),
        ]
    }

    #[test]
    fn domains_drawn_like_a_known_one_are_named() {
        for (address, known_domain) in [
            ("a@mіnistry.example.jp", "ministry.example.jp"), // Cyrillic і
            ("a@minlstry.example.jp", "ministry.example.jp"),
            ("a@m1nistry.example.jp", "ministry.example.jp"),
            ("a@rninistry.example.jp", "ministry.example.jp"),
            ("a@desk-.example.jp", "desk.example.jp"),
            ("a@mail.mіnistry.example.jp", "ministry.example.jp"),
        ] {
            let found = warnings(address, None, None, &known());
            assert!(
                found.contains(&Warning::LookAlike {
                    known: known_domain.to_owned()
                }),
                "{address}: {found:?}"
            );
        }
        // The same in its wire form.
        let wire = idna::domain_to_ascii("mіnistry.example.jp").unwrap();
        assert!(wire.starts_with("xn--"), "{wire}");
        assert!(!warnings(&format!("a@{wire}"), None, None, &known()).is_empty());
    }

    #[test]
    fn names_that_claim_another_sender_are_named() {
        let found = |name| warnings("evil@example.net", Some(name), None, &known());
        assert_eq!(
            found("desk@desk.example.jp"),
            [Warning::NameHoldsAddress {
                address: "desk@desk.example.jp".to_owned()
            }]
        );
        assert_eq!(
            found("申請窓口 ministry.example.jp"),
            [Warning::NameClaims {
                known: "ministry.example.jp".to_owned()
            }]
        );
        assert_eq!(found("desk\u{202e}pj"), [Warning::HiddenSigns]);
        assert_eq!(
            warnings("a@example.com", None, Some("b@example.net"), &known()),
            [Warning::RepliesElsewhere {
                domain: "example.net".to_owned()
            }]
        );
    }

    #[test]
    fn honest_senders_are_not() {
        for (address, name) in [
            ("applicant@example.com", Some("株式会社例示 総務部")),
            ("nguyen@example.vn", Some("Nguyễn Thị Ví Dụ")),
            ("a@例え.example", Some("李例")),
            (
                "staff@ministry.example.jp",
                Some("ministry.example.jp 担当"),
            ),
            ("b@mail.ministry.example.jp", None),
            ("applicant@example.com", Some("applicant@example.com")),
            ("müller@example.de", Some("Müller")),
            ("a@пример.example", None),
        ] {
            assert_eq!(warnings(address, name, None, &known()), [], "{address}");
        }
        assert_eq!(
            warnings("a@example.com", None, Some("b@mail.example.com"), &known()),
            []
        );
    }
}
