//! LINE's own words, fit to be shown and logged.

/// Longest answer that is repeated, in characters.
const LONGEST_WORDS: usize = 300;

/// The words without any of the secrets, without ids of people, on one line, not too long.
pub fn scrub(words: &str, secrets: &[&str]) -> String {
    let mut words = words.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        words = words.replace(secret, "(secret)");
    }
    let mut shown = String::new();
    let mut word = String::new();
    for c in words.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        shown.push_str(if is_person(&word) { "(user)" } else { &word });
        word.clear();
        shown.push(if c.is_control() { ' ' } else { c });
    }
    shown.trim().chars().take(LONGEST_WORDS).collect()
}

/// LINE's ids of people, groups and rooms: a letter and 32 hexadecimal digits.
fn is_person(word: &str) -> bool {
    word.len() == 33
        && word.starts_with(['U', 'C', 'R'])
        && word.chars().skip(1).all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn secrets_people_and_line_breaks_are_taken_out() {
        let user = format!("U{}", "0a".repeat(16));
        let words = format!(
            "bad token s3cret\nfor \"{user}\" and {user}x {}",
            "y".repeat(400)
        );
        let shown = scrub(&words, &["s3cret", ""]);
        assert!(
            shown.starts_with("bad token (secret) for \"(user)\" and "),
            "{shown}"
        );
        assert_eq!(shown.chars().count(), 300);
    }
}
