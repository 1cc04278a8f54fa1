//! Habits of mail programs and of people, one case each, in `replies.txt`: `=== name`, the whole text, `=== new`, what of it is new.

#![allow(clippy::expect_used)]

use madoguchi_mime::reply_text;

#[test]
fn of_every_reply_only_what_is_new_is_left() {
    let table = include_str!("replies.txt");
    let mut pieces = table.split("\n=== ").skip(1);
    let (mut wrong, mut cases) = (Vec::new(), 0);
    while let (Some(whole), Some(new)) = (pieces.next(), pieces.next()) {
        let (name, whole) = whole.split_once('\n').expect("a name and a text");
        let (mark, new) = new.split_once('\n').unwrap_or((new, ""));
        assert_eq!(mark, "new", "after {name}");
        cases += 1;
        // `=== new` with `*` means: nothing is cut.
        let new = if new.trim() == "*" { whole } else { new };
        let read = reply_text(whole);
        if read != new.trim() {
            wrong.push(format!(
                "{name}\n  wanted {:?}\n  read   {read:?}",
                new.trim()
            ));
        }
    }
    assert!(cases >= 60, "{cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
