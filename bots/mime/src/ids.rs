//! Message ids (RFC 5322 §3.6.4).

/// No sender makes longer chains by itself; a hostile one shall not fill the table of ids.
const MOST_IDS: usize = 1000;

/// Every id of a field, in order, without brackets, each once. Ids without any brackets are taken as words.
pub(crate) fn ids(value: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut keep = |id: &str| {
        let id: String = id
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control())
            .collect();
        if !id.is_empty() && found.len() < MOST_IDS && !found.contains(&id) {
            found.push(id);
        }
    };
    if value.contains('<') {
        for piece in value.split('<').skip(1) {
            if let Some((id, _)) = piece.split_once('>') {
                keep(id);
            }
        }
    } else {
        // Words in an In-Reply-To of old mailers ("Your message of …") are no ids: an id has an @ or stands alone.
        let words: Vec<&str> = value
            .split([' ', '\t', ','])
            .filter(|w| !w.is_empty())
            .collect();
        let alone = words.len() == 1;
        for word in words {
            if alone || word.contains('@') {
                keep(word.trim_matches(['>', '"']));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lose_their_brackets_and_folding_and_appear_once() {
        assert_eq!(ids("<a@x> <b@y>\t<a@x>"), ["a@x", "b@y"]);
        assert_eq!(ids("<long.id @example.org>"), ["long.id@example.org"]);
        assert_eq!(ids("a@x b@y"), ["a@x", "b@y"]);
        assert_eq!(ids("0123456789"), ["0123456789"]);
        assert_eq!(ids("Your message of \"Mon, 1 Jan\""), Vec::<String>::new());
        assert_eq!(ids(""), Vec::<String>::new());
    }
}
