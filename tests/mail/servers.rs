//! Servers as they are: connections cut while mail arrives, a folder numbered anew, a long absence, recipients refused or told to wait. Each
//! time every mail ends in exactly one ticket or answer, and the ledger balances.

use crate::server::{Server, ready};
use crate::support::mail::Mail;
use crate::support::{TestDesk, eventually, eventually_step_by_step};
use std::collections::BTreeMap;

const UNKNOWN: &str = "庁舎の前のバス停から駅へ行くバスは、土曜日は何時にありますか。";

fn send(server: &Server, user: &str, ids: std::ops::Range<usize>) {
    let mails: Vec<(String, Vec<u8>)> = ids
        .map(|n| {
            let (id, from, subject) = (
                format!("s{n}@example.net"),
                format!("person{n}@example.net"),
                format!("バスの時刻 {n}"),
            );
            let bytes = Mail::new(&id, &subject, UNKNOWN)
                .from(&from)
                .to(user)
                .bytes();
            (from, bytes)
        })
        .collect();
    server.deliver(
        mails
            .iter()
            .map(|(from, bytes)| (from.as_str(), user, bytes.as_slice())),
    );
}

/// Waits until `count` arrivals are decided; each is one ticket, each ticket acknowledged once.
fn each_once(desk: &TestDesk, server: &Server, count: usize) {
    eventually_step_by_step("every mail is decided", || {
        let sums = desk
            .json(&["ledger", "--summary"])
            .pop()
            .unwrap_or_default();
        let ticketed = sums["ticketed"].as_u64().unwrap_or_default() as usize;
        let done = ticketed >= count && sums["waiting"] == 0;
        if done { Ok(()) } else { Err(sums.to_string()) }
    });
    eventually_step_by_step("everything is sent", || {
        let left = ["waiting", "sending"]
            .map(|state| desk.json(&["outbox", "list", "--state", state]).len());
        if left == [0, 0] { Ok(()) } else { Err(left) }
    });
    assert_eq!(
        desk.json(&["ticket", "list", "--limit", "5000"]).len(),
        count
    );
    desk.balanced_ledger();
    let mut replies: BTreeMap<String, usize> = BTreeMap::new();
    eventually_step_by_step("every acknowledgement is there", || {
        replies.clear();
        for id in server.replies("catchall@example.net") {
            *replies.entry(id).or_default() += 1;
        }
        if replies.len() >= count {
            Ok(())
        } else {
            Err(replies.len())
        }
    });
    let doubled: Vec<_> = replies.iter().filter(|(_, n)| **n > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

#[test]
fn connections_cut_a_folder_numbered_anew_and_a_long_absence_lose_and_double_nothing() {
    let mut server = Server::own(32000);
    server.start("valid");
    let user = "guarantor@desk.example.jp";
    let mut desk = server.desk(
        user,
        "[delivery]\nfirst_retry_seconds = 1\nlongest_retry_seconds = 2\nattempts = 1000\n\n[caps]\nper_day = 100000\n",
    );
    desk.start();
    ready(&desk);
    // The connection is cut again and again while mail comes in.
    for round in 0..6 {
        send(&server, user, round * 10..round * 10 + 10);
        server.kick(user);
    }
    each_once(&desk, &server, 60);
    // The server numbers its messages anew: what is known is known, what is new is taken.
    server.doveadm(&[
        "mailbox",
        "update",
        "-u",
        user,
        "--uid-validity",
        "4242424",
        "INBOX",
    ]);
    server.kick(user);
    send(&server, user, 60..80);
    each_once(&desk, &server, 80);
    // Days without the desk: everything waits at the server and is caught up with.
    assert!(desk.stop());
    send(&server, user, 80..280);
    desk.start();
    each_once(&desk, &server, 280);
}

#[test]
fn one_recipient_refused_and_one_told_to_wait_hold_nobody_else_up() {
    let mut server = Server::own(33000);
    server.start("valid");
    server.greylist("applicant@example.com", true);
    let user = "guarantor@desk.example.jp";
    let mut desk = server.desk(
        user,
        "[delivery]\nfirst_retry_seconds = 1\nlongest_retry_seconds = 2\nattempts = 1000\n",
    );
    desk.start();
    ready(&desk);
    for (id, from) in [
        ("refused@example.com", "reject@example.com"),
        ("waiting@example.com", "applicant@example.com"),
        ("fine@example.org", "patient@example.org"),
    ] {
        let mail = Mail::new(id, id, UNKNOWN).from(from).to(user).bytes();
        server.deliver(std::iter::once((from, user, mail.as_slice())));
    }
    eventually("the third person is answered", || {
        server
            .replies("patient@example.org")
            .contains(&"fine@example.org".to_owned())
            .then_some(())
    });
    let dead = eventually("the refusal is a dead letter", || {
        desk.json(&["outbox", "list", "--state", "dead"]).pop()
    });
    assert!(
        dead["server_said"].as_str().unwrap().contains("5.1.1"),
        "{dead}"
    );
    assert_eq!(
        desk.json(&["address", "list"])[0]["address"],
        "reject@example.com"
    );
    eventually("the second attempt to the greylisted one is noted", || {
        let waiting = desk.json(&["outbox", "list", "--state", "waiting"]);
        let line = waiting.first()?;
        (line["attempts"].as_u64()? >= 2 && line["server_said"].as_str()?.contains("4.2.0"))
            .then_some(())
    });
    server.greylist("applicant@example.com", false);
    eventually("then it is delivered", || {
        (server.replies("applicant@example.com") == ["waiting@example.com"]).then_some(())
    });
    desk.settle();
    assert_eq!(desk.json(&["ticket", "list"]).len(), 3);
    assert_eq!(server.replies("applicant@example.com").len(), 1);
    desk.balanced_ledger();
}
