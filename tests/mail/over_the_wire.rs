//! One inquiry over real servers: question, receipt, staff reply, answer into the same ticket, and no loop with a vacation program.

use crate::server::{Server, ready};
use crate::support::mail::{Mail, Sent};
use crate::support::{eventually, get};

const UNKNOWN: &str = "庁舎の前のバス停から駅へ行くバスは、土曜日は何時にありますか。";

#[test]
fn a_conversation_over_smtp_and_imap_stays_in_one_ticket_and_starts_no_loop() {
    let server = Server::running();
    let (user, requester) = ("guarantor@desk.example.jp", "agency@example.net");
    server.empty(requester);
    let mut desk = server.desk(user, "");
    desk.start();
    ready(&desk);
    let send = |mail: &Mail<'_>| {
        server.deliver(std::iter::once((requester, user, mail.bytes().as_slice())))
    };
    let arrives = |what: &str, fits: &dyn Fn(&Sent) -> bool| {
        eventually(what, || {
            server.mailbox(requester).into_iter().find(|m| fits(m))
        })
    };
    send(
        &Mail::new("one@example.net", "バスの時刻", UNKNOWN)
            .from(requester)
            .to(user),
    );
    let receipt = arrives("the receipt", &|m| m.in_reply_to() == "one@example.net");
    assert!(receipt.body().contains("MD-000001"), "{}", receipt.body());
    assert_eq!(receipt.header("Auto-Submitted"), "auto-replied");
    desk.cli_ok(&[
        "ticket",
        "reply",
        "1",
        "土曜日は10時と15時です。",
        "--by",
        "hanako",
    ]);
    let reply = arrives("the staff reply", &|m| m.body().contains("10時と15時"));
    assert_eq!(reply.in_reply_to(), "one@example.net");
    assert_eq!(
        reply.header("References"),
        format!("<{}> <one@example.net>", receipt.id())
    );

    let subject = format!("Re: {}", reply.subject());
    send(
        &Mail::new("two@example.net", &subject, "日曜日はどうですか。")
            .from(requester)
            .to(user)
            .answering(&reply),
    );
    eventually("the answer is in the ticket", || {
        let shown = &desk.json(&["ticket", "show", "1"])[0];
        (shown["articles"]
            .as_array()?
            .iter()
            .filter(|a| a["kind"] == "inbound")
            .count()
            == 2)
            .then_some(())
    });
    let before = server.mailbox(requester).len();
    let vacation = Mail::new("three@example.net", &subject, "ただいま休暇中です。")
        .from(requester)
        .to(user);
    send(
        &vacation
            .answering(&reply)
            .header("Auto-Submitted", "auto-replied"),
    );
    eventually("the vacation note is decided", || {
        (desk.balanced_ledger()["ignored"] == 1).then_some(())
    });
    desk.settle();
    assert_eq!(server.mailbox(requester).len(), before, "no loop");
    assert_eq!(desk.json(&["ticket", "list", "--all"]).len(), 1);
}

#[test]
fn a_wrong_password_is_told_with_advice_and_a_right_one_recovers() {
    let server = Server::running();
    let mut desk = server.desk("procurement@desk.example.jp", "");
    let right = desk.env.pop().unwrap();
    desk.env
        .push(("DESK_PASSWORD".to_owned(), "wrong".to_owned()));
    desk.start();
    let told = eventually("not ready, and why", || {
        let (status, body) = get(desk.port, "/readyz")?;
        let value: serde_json::Value = serde_json::from_str(&body).ok()?;
        let problem = value["channels"]["mail"]["problem"].as_str()?.to_owned();
        (status == 503 && !problem.contains("not connected")).then_some(value)
    });
    assert_eq!(told["store"]["ok"], true, "the rest goes on");
    assert!(
        told["channels"]["mail"]["advice"]
            .as_str()
            .is_some_and(|a| a.contains("password")),
        "{told}"
    );
    assert!(!desk.log().contains("wrong"), "no password in the log");
    assert!(desk.stop());
    desk.env.clear();
    desk.env.push(right);
    desk.start();
    ready(&desk);
}
