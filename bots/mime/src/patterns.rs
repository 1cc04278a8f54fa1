//! The wordings mail programs use, language by language, in one place. Everything here is a table: a new habit is a new line.

use regex::Regex;
use std::sync::LazyLock;

/// One compiled table. One that does not compile matches nothing; the test below makes that impossible to miss.
pub(crate) struct Table(Option<Regex>);

impl Table {
    fn new(pattern: &str) -> Self {
        Self(Regex::new(pattern).ok())
    }

    /// True when the table knows this text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<Table> = LazyLock::new(|| Table::new(&$pattern));)*
        #[cfg(test)]
        const SOURCES: &[(&str, fn() -> String)] = &[$((stringify!($name), || $pattern.to_string())),*];
    };
}

/// Verbs that end an attribution line.
const WROTE: &str = r"(?:wrote|writes|said|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev|kirjoitti|napisał(?:\(a\))?|napsal(?:\(a\))?|написал\(?а?\)?|пишет|viết|写道|寫道|写到|提到|のメール|さんのメッセージ|さんの?書きました|さんは書きました|が書きました|さんからのメール|작성)";

/// Words an attribution of several lines begins with.
const OPENER: &str = r"(?:On|At|Am|Le|El|Il|Em|Op|Den|På|Vào|Ngày|Lúc|Dne|W dniu|Dnia|在|于|於|В|\d{4}\s?[年/.\-]|\d{1,2}[./]\d{1,2}[./]\d{2,4})";

tables! {
    /// An attribution, its lines joined: opener, something with a number in it, verb and colon.
    ATTRIBUTION = format!(r"(?is)^(?:-{{2,}}\s*)?{OPENER}(?:\b|\s)?.{{0,300}}\d.{{0,300}}{WROTE}\s*(?:[^\s:：]{{0,20}}\s*)?[:：]\s*(?:-{{2,}})?$");
    /// The same where a name or address comes first: one line only, with a date or an address in it.
    ATTRIBUTION_LINE = format!(r"(?is)^[^>].{{0,300}}(?:@|\d{{1,4}}\s?[年月日/:.\-]\s?\d{{1,2}}).{{0,300}}{WROTE}\s*(?:[:：]|\.\.\.)$");
    /// Japanese and Korean Gmail: date, time, name and address, no verb.
    ATTRIBUTION_DATED = r"(?s)^(?:\d{4}\s?[年/.\-]\s?\d{1,2}\s?[月/.\-]\s?\d{1,2}\s?日?|\d{4}년 \d{1,2}월 \d{1,2}일).{0,200}<[^<>\s]+@[^<>\s]+>\s*[:：]$";
    /// Any line before a quotation that ends in a colon and names an address, or a date and a time, or has one of the verbs.
    ATTRIBUTION_ANY = format!(r"(?is)^[^>].{{0,300}}(?:<?[\w.+\-]+@[\w.\-]+>?.{{0,80}}|\d{{1,4}}[年/.\-]\d{{1,2}}.{{0,120}}\d{{1,2}}[:時]\d{{2}}.{{0,160}}|{WROTE}\s*)[:：]$");
    /// Mail programs that write the writer's name in brackets: `--- desk@desk.example.jp wrote:`.
    ATTRIBUTION_YAHOO = format!(r"(?i)^-{{2,4}}\s*\S.{{0,120}}\b{WROTE}\s*[:：]$");

    /// A line that says that another message follows.
    FOLLOWS = concat!(
        r"(?i)^[\s>*]*(?:[-_=—–―ー─]{2,}\s*)(?:",
        r"original message|original-nachricht|original appointment|forwarded message|forwarded by .{1,80}|reply message|replied message|original|",
        r"元のメッセージ|転送されたメッセージ|転送メッセージ|オリジナルメッセージ|元のメール|原始邮件|原始郵件|原邮件|邮件原件|原始信件|回复的邮件|回覆的郵件|转发的邮件|转发邮件|轉寄郵件|转发邮件信息|轉寄的郵件|",
        r"ursprüngliche nachricht|weitergeleitete nachricht|urspr\. nachricht|originalnachricht|",
        r"message d['’]origine|message original|message transféré|message initial|courriel original|",
        r"thư gốc|tin nhắn gốc|thư đã chuyển tiếp|tin nhắn đã chuyển tiếp|thư được chuyển tiếp|thư chuyển tiếp|email gốc|",
        r"mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|mensagem original|mensagem encaminhada|",
        r"oorspronkelijk bericht|doorgestuurd bericht|ursprungligt meddelande|vidarebefordrat meddelande|原文|исходное сообщение|пересылаемое сообщение|원본 메일|원본 메시지|전달된 메시지",
        r")\s*(?:[-_=—–―ー─]{2,})?[\s*]*$",
    );
    /// The same without dashes (Apple Mail).
    FOLLOWS_BARE = concat!(
        r"(?i)^[\s>*]*(?:begin forwarded message|forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)|début du (?:message réexpédié|message transféré)|",
        r"転送されたメッセージ|転送メッセージ|下記は転送されたメッセージです|开始转发的邮件|开始转发|以下是转发的邮件|轉寄郵件開始|bắt đầu thư được chuyển tiếp|bắt đầu thư chuyển tiếp|inicio del mensaje reenviado|inizio messaggio inoltrato)\s*[:：][\s*]*$",
    );
    /// Dashes, any words, dashes: counts only with header lines below it.
    DASHED = r"^[\s>*]*[-_=—–―─]{2,}\s*\S.{1,80}?\s*[-_=—–―─]{2,}[\s*]*$";
    /// A line of dashes or underscores alone.
    RULE = r"^\s*[-_=—–―─━＿*]{4,}\s*$";

    /// A header line in a quoted block: which field it is.
    QUOTED_FROM = r"(?i)^[\s>*|]*(?:from|de|von|da|van|från|fra|от|от кого|差出人|送信者|送信元|发件人|寄件者|寄件人|发信人|từ|người gửi|보낸 ?사람)\s*\*?\s*[|:：]";
    QUOTED_OTHER = concat!(
        r"(?i)^[\s>*|]*(?:sent|date|to|cc|bcc|subject|reply-to|importance|attachments|",
        r"gesendet|datum|an|betreff|antwort an|envoyé|envoyé le|date|à|a|pour|objet|sujet|répondre à|copie à|",
        r"送信日時|送信日|日時|日付|宛先|送信先|件名|ｃｃ|返信先|重要度|",
        r"发送时间|发送日期|日期|时间|收件人|抄送|主题|主旨|傳送時間|寄件日期|收件者|副本|",
        r"đã gửi|ngày gửi|ngày|ngày tháng|thời gian|tới|đến|gửi tới|gửi đến|người nhận|chủ đề|tiêu đề|",
        r"enviado|fecha|para|asunto|inviato|data|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|til|emne|sendt|отправлено|дата|кому|тема|보낸 ?날짜|날짜|받는 ?사람|제목|참조)",
        r"\s*\*?\s*[|:：]",
    );

    /// Signatures phones and mail apps add.
    PHONE_FOOTER = concat!(
        r"(?i)^[\s*_]*(?:",
        r"sent (?:from|via|with|using|by) (?:my |the |a |an )?(?:[\w®™'-]+ ){0,4}?(?:iphone|ipad|ipod|blackberry|android|galaxy|mobile|phone|smartphone|handheld|device|xperia|pixel|huawei|xiaomi|nokia|samsung|windows|outlook|yahoo|gmail|mail|proton ?mail|spark|bluemail|thunderbird|symbian|airmail|superhuman|fastmail)(?: [^,;]{0,50})?\.?|",
        r"get outlook for (?:ios|android|mac)|sent from outlook.{0,30}|get bluemail.{0,40}|",
        r"(?:私の|マイ)?(?:iphone|ipad|android|スマートフォン|スマホ|携帯|galaxy|xperia|pixel|aquos|arrows|windows|yahoo!?メール|outlook|gmail)[^。]{0,30}から(?:の)?送信(?:しました|されました|しています)?。?|(?:iphone|ipad|android)から送信.{0,10}|outlook for (?:ios|android)\s*を(?:入手|取得)|(?:ios|android)\s*版\s*outlook\s*を(?:入手|取得)|",
        r"(?:发自|發自|来自|來自|发送自|傳送自|从|由|從)(?:我的|我)?\s*(?:iphone|ipad|android|华为|華為|huawei|小米|xiaomi|oppo|vivo|荣耀|三星|手机|手機|移动|安卓|qq|网易|foxmail|outlook|windows|mail|邮箱|新浪|雅虎|yahoo)[^，,。]{0,30}|从我的\s*\S+\s*发送|获取 ?outlook.{0,20}|下载 ?outlook.{0,20}|",
        r"(?:đã |được )?gửi từ (?:\S+ ){0,4}?(?:iphone|ipad|android|điện thoại|thiết bị|galaxy|samsung|outlook|yahoo|thư|mail|windows|oppo|xiaomi)[^,.]{0,40}\.?|(?:tải|nhận|lấy) outlook (?:cho|dành cho) .{0,20}|",
        r"(?:von (?:meinem|meiner) .{2,40} gesendet|gesendet (?:von|mit) .{2,50}|outlook für (?:ios|android) (?:beziehen|herunterladen)|diese nachricht wurde von meinem .{2,60} gesendet)\.?|",
        r"(?:envoyé (?:de|depuis|à partir de) (?:mon|ma|l['’]|outlook|yahoo|courrier).{0,40}|télécharger outlook pour .{2,20}|obtenez outlook pour .{2,20})\.?|",
        r"enviado desde (?:mi|el|outlook|yahoo).{0,40}|inviato da(?:l mio)? (?:iphone|ipad|smartphone|outlook|android|tablet|telefono|yahoo|libero).{0,30}|verzonden vanaf mijn .{2,30}|enviado do meu .{2,30}|skickat från min .{2,30}|отправлено с .{2,30}|나의 .{2,20}에서 보냄",
        r")[\s*_]*$",
    );
    /// What a signature block is about.
    CONTACT = r"(?i)(?:\btel\b|\bfax\b|\bphone\b|\bmobile\b|電話|携帯|〒\s?\d{3}|e-?mail\s*[:：]|メール\s*[:：]|mail\s*[:：]|住所|所在地|电话|手机|传真|邮箱|地址|điện thoại|\bđt\s*[:：]|địa chỉ|[\w.+\-]+@[\w\-]+\.\w|https?://|\bwww\.)";

    /// Subjects of bounces, at the beginning.
    BOUNCE_SUBJECT = concat!(
        r"(?i)^(?:undeliver(?:able|ed)|mail delivery (?:failed|failure|system|error)|delivery (?:status notification|failure|failed|has failed|report|notification|problem)|returned mail|failure notice|mail system error|message undeliverable|non[- ]?delivery|warning: (?:could not send|message)|rejected:|mail not delivered|message not delivered|email delivery failure|",
        r"unzustellbar|nicht zustellbar|zustellung|fehler bei der zustellung|non remis|échec de (?:la )?(?:remise|distribution)|message non distribué|no se puede entregar|non recapitabile|",
        r"配信(?:不能|不可|エラー|失敗|できません)|配達(?:不能|不可|できません)|送信(?:エラー|できませんでした)|メール(?:の)?(?:配信|送信)(?:エラー|失敗|不能)|エラーメール|返送|",
        r"(?:系统)?退信|退回|邮件(?:退回|未送达|投递失败)|投递失败|郵件(?:退回|無法傳遞|傳送失敗)|無法傳遞|未送达|未传递|",
        r"không (?:gửi|thể gửi|thể chuyển|chuyển)|thư không (?:gửi|chuyển)|gửi thư thất bại|không thể phát)",
    );
    /// First words of bounces in no standard form.
    BOUNCE_OPENING = concat!(
        r"(?i)(?:this is the qmail-send program|this is the mail system at host|this message was created automatically by mail delivery software|your message (?:could not be|was not|wasn't|did not|couldn't be) (?:delivered|sent|reach)|delivery to the following recipients? (?:failed|has been delayed|was aborted)|",
        r"i(?:'m| am) (?:sorry|afraid).{0,60}(?:wasn't able|unable|couldn't) .{0,20}deliver|the following (?:addresses|recipients?|message).{0,60}(?:failed|error|could not|undeliverable)|sorry, we were unable to deliver|",
        r"以下の(?:宛先|受信者|アドレス).{0,40}(?:送信|配信|配達)でき|メールを(?:配信|配達|送信)できませんでした|您的邮件(?:无法|被退回|未能)|抱歉，您的邮件|无法投递|thư của bạn không)",
    );
    /// Subjects of vacation notes. The words must end there, or go on with a colon, bracket or quoted subject: a person who asks
    /// about an automatic reply is no machine.
    VACATION_SUBJECT = concat!(
        r"(?i)^(?:",
        r"(?:automatic reply|automatic response|automated (?:reply|response)|auto[- ]?(?:reply|response|responder|matic reply)|autoreply|out[- ]of[- ](?:the[- ])?office(?: auto-?reply| reply| response| message| notification| notice)?|ooo|vacation (?:reply|response|notice|message)|away from (?:the |my )?(?:office|mail|desk)|i am (?:currently )?(?:out of (?:the )?office|on (?:vacation|leave)))\s*(?:$|[:：(\[–—]|- |re:)|",
        r"[【\[（(]\s*(?:自動返信|自動応答|自動送信|自動配信|不在通知|不在(?:の)?(?:お知らせ|連絡|応答|返信)?|休暇(?:中|のお知らせ)?|自动回复|自动答复|自動回覆|自動回復|休假|外出)(?:メール|通知)?\s*[】\]）)]|",
        r"(?:自動返信|自動応答|自動返答|不在(?:時)?自動(?:返信|応答)|不在(?:通知|届|応答|メッセージ|のお知らせ|のご連絡|連絡|のため)?|休暇中?のお知らせ|夏季休業のお知らせ\s*[(（]?自動)(?:メール|メッセージ)?\s*(?:$|[:：)）])|",
        r"(?:自动回复|自动答复|自動回覆|自動回復|自動答覆|不在办公室|外出自动回复|外出(?:通知)?|休假(?:通知|自动回复)?|离开办公室)\s*(?:$|[:：(（])|",
        r"(?:trả lời tự động|tự động trả lời|thư trả lời tự động|phản hồi tự động|vắng mặt(?: tại văn phòng)?|không có mặt (?:tại|ở) văn phòng|thông báo (?:vắng mặt|nghỉ phép))\s*(?:$|[:：(])|",
        r"(?:automatische (?:antwort|rückantwort)|abwesenheits(?:notiz|benachrichtigung|meldung|assistent)|abwesend|abwesenheit)\s*(?:$|[:：(])|",
        r"(?:réponse automatique|absence du bureau|message d['’]absence|absent(?:e)? du bureau)\s*(?:$|[:：(])|",
        r"(?:respuesta automática|fuera de la oficina|risposta automatica|fuori sede|resposta automática|automatisch antwoord|afwezig|automatiskt svar|автоответ|автоматический ответ|자동 ?(?:회신|응답)|부재중(?: 자동 ?(?:회신|응답))?)\s*(?:$|[:：(])",
        r")",
    );
    /// Local parts of addresses nobody reads.
    NO_REPLY_LOCAL = r"(?i)(?:^|[._+\-])(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|donot[-_.]?reply|noreply|notifications?|mailrobot|bounces?|newsletter|nicht-antworten)(?:$|[._+\-\d])|^(?:noreply|no-reply|donotreply)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_compiles() {
        for (name, source) in SOURCES {
            assert!(
                Regex::new(&source()).is_ok(),
                "{name}: {:?}",
                Regex::new(&source()).err()
            );
        }
    }

    #[test]
    fn people_who_ask_about_automatic_replies_are_no_machines() {
        for subject in [
            "自動返信メールが届きません",
            "Automatic replies: how do I stop them?",
            "Out of office hours – can I call?",
            "不在者投票について",
            "Re: Automatic reply: Question",
            "休暇の申請について",
            "外出先からの申請",
        ] {
            assert!(!VACATION_SUBJECT.is_match(subject), "{subject}");
        }
        for subject in [
            "Automatic reply: Question",
            "Out of Office Re: Question",
            "【自動返信】お問い合わせありがとうございます",
            "自動返信：お問い合わせ",
            "不在通知",
            "自动回复:关于签证",
            "Trả lời tự động: Hồ sơ",
            "Abwesenheitsnotiz: Frage",
            "Réponse automatique : Question",
        ] {
            assert!(VACATION_SUBJECT.is_match(subject), "{subject}");
        }
    }
}
