//! Message ids (RFC 5322 §3.6.4).

use std::collections::{HashSet, VecDeque};

/// No sender makes longer chains by itself; a hostile one shall not fill the table of ids. Of a longer one the first and the
/// last are kept: where the thread began, and what is answered.
const MOST_IDS: usize = 1000;
/// An id longer than this is none (a line of a header has at most 998 characters).
const LONGEST_ID: usize = 998;

/// Every id of a field, in order, without brackets, each once. Ids without any brackets are taken as words.
pub(crate) fn ids(value: &str) -> Vec<String> {
    let mut first: Vec<String> = Vec::new();
    let mut last: VecDeque<String> = VecDeque::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut keep = |id: &str| {
        if id.len() > LONGEST_ID {
            return;
        }
        let id: String = id
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control())
            .collect();
        if id.is_empty() || !known.insert(id.clone()) {
            return;
        }
        if first.len() < MOST_IDS / 2 {
            first.push(id);
            return;
        }
        if last.len() >= MOST_IDS / 2
            && let Some(dropped) = last.pop_front()
        {
            known.remove(&dropped);
        }
        last.push_back(id);
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
    first.extend(last);
    first
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

    #[test]
    fn of_an_endless_chain_the_first_and_the_last_stay() {
        let chain: String = (0..5000).map(|n| format!("<{n}@x> ")).collect();
        let read = ids(&chain);
        assert_eq!(read.len(), MOST_IDS);
        assert_eq!(read.first().unwrap(), "0@x");
        assert_eq!(read.last().unwrap(), "4999@x");
    }
}
