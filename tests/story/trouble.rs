//! What goes wrong, and that nothing is lost by it.

use crate::support::mail::Mail;
use crate::support::{TestDesk, eventually, get};

#[test]
fn a_poison_mail_among_good_ones_becomes_a_ticket_and_the_others_go_on() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "a.eml",
        &Mail::new("a@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    desk.drop_mail("poison.eml", &[0xff, 0xfe, 0x00, 0x80, 0x81, 0x00, 0x1b]);
    desk.drop_mail("empty.eml", b"");
    desk.drop_mail(
        "b.eml",
        &Mail::new("b@example.com", "電車", crate::first_mail::UNKNOWN)
            .from("b@example.org")
            .bytes(),
    );
    desk.reply_to("a@example.com");
    desk.reply_to("b@example.com");
    for name in ["poison.eml", "empty.eml"] {
        let line = desk.decided(name);
        assert_eq!(line["outcome"], "ticketed", "{line}");
        assert!(line["ticket"].as_str().unwrap().starts_with("MD-"));
    }
    desk.balanced_ledger();
}

#[test]
fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    let mut desk = TestDesk::new("");
    desk.start();
    let count = 60;
    for i in 0..count {
        let id = format!("m{i}@example.com");
        let from = format!("person{i}@example.com");
        desk.drop_mail(
            &format!("m{i}.eml"),
            &Mail::new(&id, &format!("件 {i}"), crate::first_mail::UNKNOWN)
                .from(&from)
                .bytes(),
        );
        if i % 10 == 5 {
            desk.kill();
            desk.start();
        }
    }
    eventually("every mail is answered", || {
        (desk.sent_mail().len() >= count).then_some(())
    });
    desk.settle();
    assert_eq!(desk.sent_mail().len(), count, "each exactly once");
    let sums = desk.balanced_ledger();
    assert_eq!(sums["stored"], count);
    assert_eq!(desk.json(&["ticket", "list"]).len(), count);
}

#[test]
fn a_backup_taken_while_serving_is_restored_with_a_new_installation_id() {
    let mut desk = TestDesk::new("");
    desk.start();
    desk.drop_mail(
        "a.eml",
        &Mail::new("a@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    let before = desk.reply_to("a@example.com");
    desk.settle();
    let file = desk.dir.path().join("backup.sqlite");
    let file = file.to_str().unwrap();
    desk.cli_ok(&["backup", file]);
    assert!(
        !desk.cli(&["backup", file]).status.success(),
        "an existing file is not overwritten"
    );
    assert!(desk.stop());
    let refused = desk.cli(&["restore", file]);
    assert!(
        !refused.status.success(),
        "an existing database is not overwritten without being told"
    );
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("force"),
        "it says what to do"
    );
    desk.cli_ok(&["restore", file, "--force"]);
    desk.start();
    // The old thread is still known, the new installation is another.
    desk.drop_mail(
        "b.eml",
        &Mail::new(
            "b@example.com",
            &format!("Re: {}", before.subject()),
            "追加です。日曜日は？",
        )
        .answering(&before)
        .bytes(),
    );
    assert_eq!(desk.decided("b.eml")["ticket"], "MD-000001");
    desk.drop_mail(
        "c.eml",
        &Mail::new("c@example.com", "別件", crate::first_mail::UNKNOWN).bytes(),
    );
    let after = desk.reply_to("c@example.com");
    let installation = |id: &str| {
        id.split('.')
            .nth(1)
            .unwrap()
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_ne!(installation(&before.id()), installation(&after.id()));
}

#[test]
fn ready_says_what_is_wrong_and_recovers_by_itself() {
    let mut desk = TestDesk::new("");
    desk.start();
    eventually("ready", || {
        (get(desk.port, "/readyz")?.0 == 200).then_some(())
    });
    // The spool's directory is replaced by a file: the desk can't work there.
    let inbox = desk.inbox();
    let aside = desk.data().join("aside");
    std::fs::rename(&inbox, &aside).unwrap();
    std::fs::write(&inbox, "in the way").unwrap();
    let body = eventually("not ready", || {
        let (status, body) = get(desk.port, "/readyz")?;
        (status == 503).then_some(body)
    });
    let ready: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_ne!(
        ready["channels"]["spool"]["advice"],
        serde_json::Value::Null,
        "{ready}"
    );
    std::fs::remove_file(&inbox).unwrap();
    std::fs::rename(&aside, &inbox).unwrap();
    eventually("ready again", || {
        (get(desk.port, "/readyz")?.0 == 200).then_some(())
    });
    desk.drop_mail(
        "a.eml",
        &Mail::new("a@example.com", "バス", crate::first_mail::UNKNOWN).bytes(),
    );
    desk.reply_to("a@example.com");
}
