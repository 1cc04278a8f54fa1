//! What was set aside stays in sight: listed with its cause, shown, and taken out by a person.

use crate::first_mail::UNKNOWN;
use crate::support::TestDesk;
use crate::support::mail::Mail;

#[test]
fn staff_see_the_cause_and_take_a_message_out_without_the_desk_answering_a_machine() {
    let mut desk = TestDesk::new("");
    desk.start();
    let vacation = Mail::new("v@example.com", "自動返信: 不在です", UNKNOWN)
        .header("Auto-Submitted", "auto-replied");
    desk.drop_mail("v.eml", &vacation.bytes());
    desk.decided("v.eml");
    let listed = desk.json(&["quarantine", "list"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["cause"], "auto-submitted");
    assert_eq!(listed[0]["from"], "applicant@example.com");
    assert!(
        desk.json(&["quarantine", "list", "--cause", "duplicate"])
            .is_empty()
    );
    let id = listed[0]["id"].to_string();
    assert!(desk.cli_ok(&["quarantine", "show", &id]).contains(UNKNOWN));
    desk.cli_ok(&["quarantine", "restore", &id, "--by", "aoi"]);
    let line = desk.decided("v.eml");
    let restored = crate::support::eventually("the message is a ticket", || {
        desk.json(&["ticket", "list"]).pop()
    });
    assert_eq!(line["reason"], "restored", "{line}");
    assert_eq!(restored["state"], "new");
    desk.settle();
    assert!(desk.sent_mail().is_empty(), "no letter goes to a machine");
    assert!(desk.json(&["quarantine", "list"]).is_empty());
    let twice = desk.cli(&["quarantine", "restore", &id]);
    assert_eq!(twice.status.code(), Some(1));
    desk.balanced_ledger();
}
