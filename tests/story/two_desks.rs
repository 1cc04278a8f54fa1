//! Two desks that write to each other, and a desk that writes to somebody on vacation: the exchange stops by itself.

use crate::first_mail::UNKNOWN;
use crate::support::TestDesk;
use crate::support::mail::Mail;

/// Turns of the post between two parties that are looked at; a loop would go on for ever.
const TURNS: usize = 6;

/// Carries what one desk sent to the other, as a mail server would, and tells how many there were. `strip` drops the headers a careless
/// gateway drops.
fn carry(
    from: &TestDesk,
    to: &TestDesk,
    turn: usize,
    carried: &mut usize,
    strip: &[&str],
) -> usize {
    from.settle();
    let mut letters = from.sent_mail();
    letters.sort_by_key(|letter| letter.id());
    let mut new = 0;
    for (n, letter) in letters.iter().enumerate() {
        let name = format!("turn{turn}-{n}.eml");
        let text = String::from_utf8_lossy(&letter.raw).into_owned();
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| {
                !strip.iter().any(|name| {
                    line.to_ascii_lowercase()
                        .starts_with(&name.to_ascii_lowercase())
                })
            })
            .collect();
        to.drop_mail(&name, kept.as_bytes());
        to.decided(&name);
        new += 1;
    }
    // What was carried once is not carried again.
    for file in std::fs::read_dir(from.sent())
        .into_iter()
        .flatten()
        .flatten()
    {
        let _ = std::fs::remove_file(file.path());
    }
    *carried += new;
    new
}

fn exchange(strip: &[&str]) -> usize {
    let more =
        |name: &str| format!("[desk.keieiryoku]\naddress = \"{name}\"\n\n[caps]\nper_sender = 4\n");
    let mut one = TestDesk::new(&more("one@desk.example.jp"));
    let mut two = TestDesk::new(&more("two@desk.example.com"));
    one.start();
    two.start();
    // Desk two's address asks desk one: each answer goes to the other desk.
    let first =
        Mail::new("start@desk.example.com", "バスの件", UNKNOWN).from("two@desk.example.com");
    one.drop_mail("start.eml", &first.bytes());
    one.decided("start.eml");
    let mut carried = 0;
    for turn in 0..TURNS {
        let there = carry(&one, &two, turn, &mut carried, strip);
        let back = carry(&two, &one, turn, &mut carried, strip);
        if there + back == 0 {
            break;
        }
        assert!(turn + 1 < TURNS, "they never stop");
    }
    one.balanced_ledger();
    two.balanced_ledger();
    carried
}

#[test]
fn two_desks_stop_after_one_message() {
    assert_eq!(exchange(&[]), 1);
}

#[test]
fn two_desks_stop_within_two_messages_though_a_gateway_drops_the_marks_of_a_machine() {
    let carried = exchange(&[
        "X-Madoguchi-Installation",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
    ]);
    assert!(carried <= 2, "{carried} messages");
}
