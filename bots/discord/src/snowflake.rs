//! Discord's ids: 64-bit numbers that carry the moment they were made, in milliseconds since 2015, above 22 other bits.

use jiff::Timestamp;

/// 2015-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH: i64 = 1_420_070_400_000;

/// Reads an id as the server writes it.
pub fn parse(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|id| *id != 0)
}

/// When an id was made.
pub fn made_at(id: u64) -> Timestamp {
    let since = i64::try_from(id >> 22).unwrap_or_default();
    Timestamp::from_millisecond(since.saturating_add(EPOCH)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The smallest id of a moment.
pub fn first_of(time: Timestamp) -> u64 {
    let since = time.as_millisecond().saturating_sub(EPOCH).max(0);
    u64::try_from(since).unwrap_or_default() << 22
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_made() {
        let id = parse("175928847299117063").unwrap();
        assert_eq!(made_at(id).to_string(), "2016-04-30T11:18:25.796Z");
        assert!(first_of(made_at(id)) <= id);
        assert_eq!(made_at(first_of(made_at(id))), made_at(id));
        assert_eq!(first_of(Timestamp::UNIX_EPOCH), 0);
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "+7",
            "12a",
            "１２",
            "99999999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
