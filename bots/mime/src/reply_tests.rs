//! Where a reply is cut, and where it is not.

use super::*;

#[test]
fn headers_of_quotations_in_four_languages_are_recognised() {
    for header in [
        "On Fri, Nov 20, 2026 at 10:00 AM Desk <desk@desk.example.jp> wrote:",
        "On Fri, Nov 20, 2026 at 10:00 AM Desk\n<desk@desk.example.jp> wrote:",
        "2026年11月20日(金) 10:00 窓口 <desk@desk.example.jp>:",
        "2026年11月20日(金) 10:00 窓口\n<desk@desk.example.jp>:",
        "2026/11/20 10:00、窓口 <desk@desk.example.jp>のメール：",
        "窓口さんは書きました (2026/11/20 10:00):",
        "On 2026/11/20 10:00, 窓口 wrote:",
        "窓口 <desk@desk.example.jp> 于2026年11月20日周五 10:00写道：",
        "在 2026-11-20 10:00:00，\"窓口\" <desk@desk.example.jp> 写道：",
        "Vào Th 6, 20 thg 11, 2026 vào lúc 10:00 Desk <desk@desk.example.jp> đã viết:",
        "Am 20.11.2026 um 10:00 schrieb Desk <desk@desk.example.jp>:",
        "Le ven. 20 nov. 2026 à 10:00, Desk <desk@desk.example.jp> a écrit :",
        "--- desk@desk.example.jp wrote:",
    ] {
        assert_eq!(
            reply_text(&format!("new\n\n{header}\n\n> old\n> old")),
            "new",
            "{header}"
        );
    }
}

#[test]
fn blocks_with_headers_are_cut_to_the_end() {
    for block in [
        "-----Original Message-----\nFrom: Desk\nSent: Friday\nTo: me\nSubject: x\n\nold",
        "差出人: 窓口 <desk@desk.example.jp>\n送信日時: 2026年11月20日 10:00\n宛先: me\n件名: Re: x\n\nold",
        "------------------ 原始邮件 ------------------\n发件人: \"窓口\" <desk@desk.example.jp>;\n发送时间: 2026年11月20日\n收件人: \"me\";\n主题: x\n\nold",
        "发件人： 窓口\n发送时间： 2026-11-20 10:00\n收件人： me\n主题： x\nold",
        "Từ: Desk <desk@desk.example.jp>\nĐã gửi: Thứ Sáu\nTới: me\nChủ đề: x\n\nold",
        "Von: Desk\nGesendet: Freitag\nAn: ich\nBetreff: x\n\nold",
        "De : Desk\nEnvoyé : vendredi\nÀ : moi\nObjet : x\n\nold",
        "________________________________\n*From:* Desk\n*Sent:* Friday\n*Subject:* x\n\nold",
        "---- Replied Message ----\n| From | Desk |\n| Date | 2026 |\n| To | me |\n\nold",
        "2026年11月20日(金) 10:00 窓口 <desk@desk.example.jp>:\nold without marks",
    ] {
        assert_eq!(reply_text(&format!("new\n\n{block}")), "new", "{block}");
    }
}

#[test]
fn answers_between_quoted_lines_are_kept() {
    let text =
        "On Fri, Nov 20, 2026, Desk wrote:\n> first?\nyes\n> second?\n\nno\n\n-- \nApplicant";
    assert_eq!(reply_text(text), "yes\n\nno");
}

#[test]
fn signatures_of_people_phones_and_firms_are_cut() {
    for signature in [
        "-- \nApplicant",
        "Sent from my iPhone",
        "iPhoneから送信",
        "发自我的iPhone",
        "Đã gửi từ iPhone của tôi",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Get Outlook for iOS",
        "━━━━━━━━━━━━\n株式会社例\n総務部\nTEL 00-0000-0000\n━━━━━━━━━━━━",
    ] {
        assert_eq!(
            reply_text(&format!("本文です。\n\n{signature}")),
            "本文です。",
            "{signature}"
        );
    }
}

#[test]
fn when_in_doubt_nothing_is_cut() {
    for text in [
        "From: Tokyo\nI want to go to Osaka.",
        "On your page it says:\n\nthe plan must be filed. Is that right?",
        "Sent from my desk, is much easier then my mobile phone.",
        "- one\n- Two",
        "件名: 変更申請\n質問です。",
        "-----Original Message-----\nFrom: a\nTo: b\nSubject: c\n\nonly a forward",
        "期限は 2026/11/20 10:00 です。次のとおり:\n・書類\n・図面",
    ] {
        assert_eq!(reply_text(text), text);
    }
}

#[test]
fn a_reply_that_only_quotes_says_nothing_new() {
    assert_eq!(
        reply_text("On Fri, Nov 20, 2026, Desk wrote:\n> all\n> of it"),
        ""
    );
}
