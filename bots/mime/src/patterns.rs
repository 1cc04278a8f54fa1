//! The wordings mail programs use, language by language, in one place. Everything here is a table: a new habit is a new line.

use regex::Regex;
use std::sync::LazyLock;

/// One compiled table. One that does not compile matches nothing; the test below makes that impossible to miss.
pub(crate) struct Table(Option<Regex>);

impl Table {
    fn new(pattern: &str) -> Self {
        // A word's edge by ASCII: the kind that knows every script keeps the fast engine from being used.
        Self(Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).ok())
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
    /// Languages that put the verb before the writer: `Am … schrieb …:`. An address after it leaves no doubt.
    ATTRIBUTION_VERB_FIRST = r"(?is)^(?:Am|Op|Den|Dňa|Dne|Em|El|Il|Le|W dniu|Dnia)\s.{0,120}\d.{0,120}\s(?:schrieb|schreef|skrev|napsal\(?a?\)?|napísal\(?a?\)?|napisał\(?a?\)?|escreveu|escribió|ha scritto|a écrit)\s.{0,200}@.{0,120}[:：]$";
    /// A date, a name and an address alone: counts only where a quotation follows.
    ATTRIBUTION_BARE = r"^\d{4}[/.\-]\d{1,2}[/.\-]\d{1,2}\s.{0,120}<[^<>\s]+@[^<>\s]+>$";
    /// Lines of help desks below which nobody is to write.
    REPLY_ABOVE = concat!(
        r"(?i)^[\s>*]*[#=\-_*~—–]{2,}.{0,20}(?:(?:reply|write|type|respond|answer|response).{0,40}above this line|(?:この|本)(?:行|線|ライン)より(?:上|うえ).{0,30}(?:返信|記入|入力|書|ご記)|请在此(?:行|线)(?:以上|上方)|請在此(?:行|線)(?:以上|上方)|",
        r"(?:vui lòng )?trả lời (?:ở )?(?:phía )?trên dòng này|bitte (?:antworten|schreiben).{0,40}(?:über|oberhalb)|(?:répondre|répondez|écri(?:re|vez)).{0,40}au[- ]dessus de cette ligne)",
    );
    /// Mail programs that write the writer's name in brackets: `--- desk@desk.example.jp wrote:`.
    ATTRIBUTION_YAHOO = format!(r"(?i)^-{{2,4}}\s*\S.{{0,120}}(?:\b|\s){WROTE}\s*[:：]$");

    /// A line that says that another message follows.
    FOLLOWS = concat!(
        r"(?i)^[\s>*]*(?:[-_=—–―ー─]{2,}\s*)(?:",
        r"original message|original-nachricht|original appointment|forwarded message|forwarded by .{1,80}|reply message|replied message|original|",
        r"元のメッセージ|転送されたメッセージ|転送メッセージ|オリジナルメッセージ|元のメール|原始邮件|原始郵件|原邮件|邮件原件|原始信件|回复的原邮件|回复的邮件|回覆的原郵件|回覆的郵件|回复邮件|答复的邮件|原始信息|原始訊息|原始讯息|转发的邮件|转发邮件|轉寄郵件|转发邮件信息|轉寄的郵件|",
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
        r"(?:私の|マイ|ドコモの?|au ?の?|ソフトバンクの?|楽天モバイルの?|y!mobileの?|ワイモバイルの?)?\s?(?:iphone|ipad|android|スマートフォン|スマホ|携帯|galaxy|xperia|pixel|aquos|arrows|windows|yahoo!?メール|outlook|gmail)[^。]{0,30}から(?:の)?送信(?:しました|されました|しています)?。?|(?:iphone|ipad|android)から送信.{0,10}|outlook for (?:ios|android)\s*を(?:入手|取得)|(?:ios|android)\s*版\s*outlook\s*を(?:入手|取得)|",
        r"(?:发自|發自|来自|來自|发送自|傳送自|从|由|從)(?:我的|我)?\s*(?:iphone|ipad|android|华为|華為|huawei|小米|xiaomi|oppo|vivo|荣耀|三星|手机|手機|移动|安卓|qq|网易|foxmail|outlook|windows|mail|邮箱|新浪|雅虎|yahoo)[^，,。]{0,30}|从我的\s*\S+\s*发送|获取 ?outlook.{0,20}|下载 ?outlook.{0,20}|",
        r"(?:đã |được )?gửi từ (?:\S+ ){0,4}?(?:iphone|ipad|android|điện thoại|thiết bị|galaxy|samsung|outlook|yahoo|thư|mail|windows|oppo|xiaomi)[^,.]{0,40}\.?|(?:tải|nhận|lấy) outlook (?:cho|dành cho) .{0,20}|",
        r"(?:von (?:meinem|meiner) .{2,40} gesendet|gesendet (?:von|mit) .{2,50}|outlook für (?:ios|android) (?:beziehen|herunterladen)|diese nachricht wurde von meinem .{2,60} gesendet)\.?|",
        r"(?:envoyé (?:de|depuis|à partir de) (?:mon|ma|l['’]|outlook|yahoo|courrier).{0,40}|télécharger outlook pour .{2,20}|obtenez outlook pour .{2,20})\.?|",
        r"enviado desde (?:mi|el|outlook|yahoo).{0,40}|inviato da(?:l mio)? (?:iphone|ipad|smartphone|outlook|android|tablet|telefono|yahoo|libero).{0,30}|verzonden vanaf mijn .{2,30}|enviado do meu .{2,30}|skickat från min .{2,30}|отправлено с .{2,30}|나의 .{2,20}에서 보냄",
        r")[\s*_]*(?:[(<\[]https?://[^\s]{1,300}[)>\]])?[\s*_.。]*$",
    );
    /// What a signature block is about.
    CONTACT = r"(?i)(?:\b(?:tel|fax|phone|mobile)(?:$|[\s:：./＝=（(\d０-９\-])|電話|携帯|〒\s?\d{3}|e-?mail\s*[:：]|メール\s*[:：]|mail\s*[:：]|住所|所在地|电话|手机|传真|邮箱|地址|điện thoại|(?:^|\s)đt\s*[:：]|địa chỉ|[\w.+\-]+@[\w\-]+\.\w|https?://|\bwww\.)";

    /// Plain versions that only ask for the other one.
    STUB = concat!(
        r"(?i)(?:\b(?:does(?:n['’]t| not)|do(?:n['’]t| not)|cannot|can['’]t|can not|unable to|not able to) (?:currently )?(?:support|display|show|view|read|render)\b.{0,60}\bhtml|",
        r"\bhtml\b.{0,60}\b(?:not supported|is required|capable|compatible|enabled|to (?:view|read|display|see))|(?:view|read|see|open) (?:this|the) (?:e-?mail|message|mail|it) (?:in|with|using) (?:an? |your )?(?:html|browser|web)|this is an html|",
        r"this (?:e-?mail|message) (?:is|was sent) in html|html[- ](?:only )?(?:e-?mail|message|version)|",
        r"html\s*(?:形式|メール|表示).{0,60}(?:表示|対応|ご覧|受信|です)|html.{0,20}(?:显示|顯示|支持|支援|查看|檢視|格式)|(?:unterstützt|anzeigen|darstellen).{0,60}html|html.{0,60}(?:unterstützt|anzeigen|darstellen|nicht)|",
        r"html.{0,40}(?:không hỗ trợ|hiển thị|xem)|(?:không hỗ trợ|không thể hiển thị).{0,40}html|(?:ne (?:prend|supporte|peut)|afficher).{0,60}html)",
    );

    /// Subjects of bounces, at the beginning.
    BOUNCE_SUBJECT = concat!(
        r"(?i)^(?:undeliver(?:able|ed)|mail delivery (?:failed|failure|system|error)|delivery (?:status notification|failure|failed|has failed|report|notification|problem)|returned mail|failure notice|mail system error|message undeliverable|non[- ]?delivery|warning: (?:could not send|message)|rejected:|user unknown|unknown user|delayed mail|message delayed|mail not delivered|message not delivered|email delivery failure|",
        r"unzustellbar|nicht zustellbar|zustellung|fehler bei der zustellung|non remis|échec de (?:la )?(?:remise|distribution)|message non distribué|no se puede entregar|non recapitabile|",
        r"配信(?:不能|不可|エラー|失敗|できません)|配達(?:不能|不可|できません)|送信(?:エラー|できませんでした)|メール(?:の)?(?:配信|送信)(?:エラー|失敗|不能)|エラーメール|返送|",
        r"(?:系统)?退信|退回|邮件(?:退回|未送达|投递失败)|投递失败|郵件(?:退回|無法傳遞|傳送失敗)|無法傳遞|未送达|未传递|",
        r"không (?:gửi|thể gửi|thể chuyển|chuyển)|thư không (?:gửi|chuyển)|gửi thư thất bại|không thể phát)",
    );
    /// First words of bounces in no standard form.
    BOUNCE_OPENING = concat!(
        r"(?i)(?:\*{2,3} ?user unknown|your message to .{1,120} (?:couldn['’]t be delivered|wasn['’]t delivered|could not be delivered)|delivery has failed to these recipients|a message that you (?:have )?sent (?:could not|has not)|your message.{0,200}(?:delivery failed|could not be delivered|was not delivered)|message (?:wasn't|not) delivered|",
        r"次の(?:あて先|宛先|受信者).{0,60}(?:送信|配信|配達)|(?:送信先|宛先).{0,40}見つかりません|お?送りいただいたメール.{0,40}(?:届|配信)|die annahme ihrer nachricht|ihre nachricht.{0,80}(?:konnte nicht|nicht zugestellt)|la remise (?:a échoué|à)|votre message.{0,80}n['’]a pas pu|échec de la remise|無法傳遞|無法投遞|",
        r"this is the qmail-send program|this is the mail system at host|this message was created automatically by mail delivery software|your message (?:could not be|was not|wasn't|did not|couldn't be) (?:delivered|sent|reach)|delivery to the following recipients? (?:failed|has been delayed|was aborted)|",
        r"i(?:'m| am) (?:sorry|afraid).{0,60}(?:wasn't able|unable|couldn't) .{0,20}deliver|the following (?:addresses|recipients?|message).{0,60}(?:failed|error|could not|undeliverable)|sorry, we were unable to deliver|",
        r"以下の(?:宛先|受信者|アドレス).{0,40}(?:送信|配信|配達)でき|メールを(?:配信|配達|送信)できませんでした|您的邮件(?:无法|被退回|未能)|抱歉，您的邮件|无法投递|thư của bạn không)",
    );
    /// Subjects of vacation notes. The words must end there, or go on with a colon, bracket or quoted subject: a person who asks
    /// about an automatic reply is no machine.
    VACATION_SUBJECT = concat!(
        r"(?i)^(?:",
        r"(?:automatic reply|automatic response|automated (?:reply|response)|auto[- ]?(?:reply|response|responder|matic reply)|autoreply|out[- ]of[- ](?:the[- ])?office(?: auto-?reply| reply| response| message| notification| notice)?|ooo|vacation (?:reply|response|notice|message)|away from (?:the |my )?(?:office|mail|desk)|i am (?:currently )?(?:out of (?:the )?office|on (?:vacation|leave)))\s*(?:$|[:：(\[–—]|- |re:)|",
        r"[【\[（(]\s*(?:自動返信|自動応答|自動送信|自動配信|不在通知|不在(?:の)?(?:お知らせ|連絡|応答|返信)?|休暇(?:中|のお知らせ)?|自动回复|自动答复|自動回覆|自動回復|休假|外出)(?:メール|通知)?\s*[】\]）)]|",
        r"(?:自動返信|自動応答|自動返答|不在(?:時)?自動(?:返信|応答)|不在(?:通知|届|応答|メッセージ|のお知らせ|のご連絡|連絡)?|休暇中?のお知らせ|夏季休業のお知らせ\s*[(（]?自動)(?:メール|メッセージ)?\s*(?:$|[:：)）])|",
        r"(?:自动回复|自动答复|自動回覆|自動回復|自動答覆|不在办公室|外出自动回复|外出(?:通知)?|休假(?:通知|自动回复)?|离开办公室)\s*(?:$|[:：(（])|",
        r"(?:trả lời tự động|tự động trả lời|thư trả lời tự động|phản hồi tự động|vắng mặt(?: tại văn phòng)?|không có mặt (?:tại|ở) văn phòng|thông báo (?:vắng mặt|nghỉ phép))\s*(?:$|[:：(])|",
        r"(?:automatische (?:antwort|rückantwort)|abwesenheits(?:notiz|benachrichtigung|meldung|assistent)|abwesend|abwesenheit)\s*(?:$|[:：(])|",
        r"(?:réponse automatique|absence du bureau|message d['’]absence|absent(?:e)? du bureau)\s*(?:$|[:：(])|",
        r"(?:respuesta automática|fuera de la oficina|risposta automatica|fuori sede|resposta automática|automatisch antwoord|afwezig|automatiskt svar|автоответ|автоматический ответ|자동 ?(?:회신|응답)|부재중(?: 자동 ?(?:회신|응답))?)\s*(?:$|[:：(])",
        r")",
    );
    /// First words of vacation notes. Only whole formulas no asking person opens a mail with.
    VACATION_OPENING = concat!(
        r"(?i)^\W*(?:(?:this is an? )?(?:auto(?:matic|mated)?[- ]?(?:generated )?(?:reply|response)|autoreply)\b[^?？]{0,60}(?:[.:!]|\n)|",
        r"(?:thank you for your (?:e-?mail|message|mail)[.!,]?\s+)?i(?:['’]m| am) (?:currently |presently )?(?:out of (?:the |my )?office|on (?:annual |maternity |parental |sick |vacation )?(?:leave|vacation|holiday)|away from (?:the |my )?(?:office|desk))\b[^?]{0,160}\b(?:until|till|through|return|returning|back (?:on|in|at))\b|",
        r"(?:本メール|このメール|当メール)は[、,]?\s*(?:システム(?:から|により|より))?.{0,12}自動(?:的に)?(?:で)?(?:返信|送信|配信|応答)|",
        r"(?:只今|ただいま|現在)[、,]?(?:休暇(?:中|を(?:取得|頂|いただ))|不在(?:に|と)|出張中の?ため)|",
        r"(?:这是|此(?:邮件|为|信)(?:为|是)?|本邮件(?:为|是)?)(?:一封)?(?:系统)?自动(?:回复|发送)|(?:這是|此(?:郵件|信件)?為|本信件?為|本郵件為)(?:一封)?(?:系統)?自動(?:回覆|發送|回復)|(?:您好[，,！!]?\s*)?我(?:目前|现在|正在)(?:正在)?(?:休假|外出|不在办公室)|",
        r"(?:đây là )?(?:thư|email|tin nhắn) (?:trả lời|phản hồi) tự động|hiện tại tôi (?:đang )?(?:nghỉ phép|vắng mặt|không có mặt|đi công tác)|",
        r"(?:dies ist eine automatisch(?:e| generierte| erstellte))|ich bin (?:derzeit|zurzeit|zur zeit|momentan|aktuell|vom .{1,40}|bis .{1,40}|ab .{1,40})?\s*(?:nicht im (?:büro|haus)|im urlaub|abwesend|außer haus)\b[^?]{0,160}\b(?:bis|zurück|wieder|ab dem)\b|",
        r"(?:ceci est (?:une|un) (?:réponse|message) automatique)|je suis (?:actuellement )?(?:absente?|en (?:congés?|vacances|déplacement))[^?]{0,160}(?:jusqu|retour|du \d)|",
        r"자동\s?(?:회신|응답)\s?(?:메일|메시지)?\s?입니다|현재 (?:부재|휴가) ?중)",
    );
    /// What asks the sender to prove to be a person: subject …
    CHALLENGE_SUBJECT = r"(?i)(?:please (?:confirm|verify)|confirm(?:ation)? (?:your|required|request|of your)|verification required|verify your (?:e-?mail|message)|sender (?:verification|confirmation)|your (?:message|mail|e-?mail) (?:requires|is awaiting|awaits)|送信者(?:確認|認証)|发件人验证|absenderbestätigung)";
    /// … and first words.
    CHALLENGE_OPENING = r"(?i)(?:(?:your|this) (?:message|e-?mail|mail).{0,120}(?:held|quarantin|waiting|not (?:yet )?been delivered|queued|pending|blocked)|(?:click|follow|visit|reply to).{0,80}(?:to|and).{0,30}(?:confirm|verify|deliver|release|prove|approve)|challenge[-/ ]response|boxtrapper|spam ?arrest|tmda)";

    /// Where a free-form bounce begins to quote the message it is about.
    RETURNED = concat!(
        r"(?i)^[\s\-=*_#>|]*(?:below this line is (?:a copy|the original)|this is a copy of (?:the|your) message|(?:the )?original message(?: follows| headers?)?\b|included is (?:a|the) (?:copy|message)|message (?:header|headers?) follow|unsent message|returned (?:message|mail)|original mail|the (?:header|body|first|contents?) .{0,30}(?:message|mail)|(?:begin|start) of (?:the )?(?:returned|original)|",
        r"original-nachricht|ursprüngliche|元のメッセージ|元メッセージ|原始邮件|thư gốc|message d['’]origine|以下は?(?:送信|元)|diagnostic information for administrators|generating server|received: from )",
    );
    /// Said of a message that is still under way.
    DELAYED = concat!(
        r"(?i)(?:has not (?:yet )?been delivered|could not be delivered (?:yet|for (?:more than|the last))|delivery.{0,40}(?:has been |is )delayed|will (?:continue to|keep) (?:try|be retried)|still (?:be )?(?:trying|being retried)|this is a warning message only|you do not need to resend|no action is required on your part|",
        r"will (?:be )?(?:retry|retried)|temporary (?:problem|failure).{0,60}(?:retry|again)|warnung.{0,40}verzögert|noch nicht (?:zugestellt|ausgeliefert)|遅延|遅れて|再送(?:を|し)|暂时无法|延迟|chưa được (?:gửi|chuyển))",
    );
    /// Said of an address without any code.
    REFUSAL = concat!(
        r"(?i)(?:user unknown|unknown user|no such (?:user|mailbox|recipient|account)|unknown (?:address|recipient|mailbox)|(?:mailbox|account|address|user|recipient|domain).{0,40}(?:not (?:found|exist|available|listed)|does(?:n['’]t| not) exist|unavailable|disabled|invalid|is full|unknown|rejected)|",
        r"(?:mailbox|quota).{0,30}(?:full|exceeded)|couldn['’]t be found|not listed in|host (?:unknown|not found)|relay(?:ing)? (?:access )?denied|access denied|ユーザー?不明|(?:宛先|アドレス|ユーザー?|メールボックス).{0,20}(?:見つかりません|存在しません|不明|いっぱい|容量)|",
        r"(?:收件人|用户|帐号|邮箱|地址).{0,20}(?:不存在|无效|已满|找不到)|không (?:tồn tại|tìm thấy|hợp lệ)|(?:empfänger|postfach|adresse).{0,40}(?:unbekannt|nicht gefunden|existiert nicht|voll|ungültig)|(?:destinataire|adresse|boîte).{0,40}(?:inconnue?|introuvable|pleine|n['’]existe pas))",
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
