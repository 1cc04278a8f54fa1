//! Every key, documented once: the commented example, the reference in `docs/` and the check for unknown keys all read this table.

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path; `*` stands for a name of the operator's choice, `channel` is a list.
    pub path: &'static str,
    /// Its value when not given, as TOML; empty when there is none.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

const fn key(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { path, default, doc }
}

/// Every key, in the order of the example.
pub const KEYS: &[Key] = &[
    key(
        "data_dir",
        "\"data\"",
        "Directory everything is kept below: the database `madoguchi.sqlite` and the default spool.",
    ),
    key(
        "default_desk",
        "\"keieiryoku\"",
        "The desk that takes what no rule places.",
    ),
    key(
        "web.listen",
        "\"127.0.0.1:8080\"",
        "Where the web part listens. Put a reverse proxy with TLS in front of it before it leaves this machine.",
    ),
    key(
        "log.format",
        "\"human\"",
        "`human` or `json`, on standard error. Log lines carry ids, never texts or addresses.",
    ),
    key(
        "log.level",
        "\"info\"",
        "Least level (`error`, `warn`, `info`, `debug`), or a filter such as `info,madoguchi=debug`.",
    ),
    key(
        "knowledge.dir",
        "",
        "Directory of the knowledge; the knowledge built in when not given. Changed files are picked up without a restart.",
    ),
    key(
        "prompts.dir",
        "",
        "Directory whose files replace the built-in texts of the same name, one by one.",
    ),
    key(
        "caps.per_sender",
        "10",
        "Automatic messages to one address within 24 hours; beyond it staff get the ticket and the desk keeps quiet.",
    ),
    key(
        "caps.per_ticket",
        "5",
        "Automatic messages in one ticket within 24 hours; notices to staff count too.",
    ),
    key(
        "caps.per_day",
        "5000",
        "Automatic messages of the whole desk within 24 hours.",
    ),
    key(
        "delivery.first_retry_seconds",
        "15",
        "Seconds before a departure is tried a second time; doubled after each further attempt.",
    ),
    key(
        "delivery.longest_retry_seconds",
        "3600",
        "Longest wait between two attempts, in seconds.",
    ),
    key(
        "delivery.attempts",
        "20",
        "Attempts after which a departure is a dead letter that staff see (`madoguchi outbox list --state dead`).",
    ),
    key(
        "tickets.reopen_days",
        "30",
        "A follow-up to a ticket closed longer ago than this many days becomes a new, linked ticket.",
    ),
    key(
        "trust.dns",
        "",
        "Name server asked about senders (SPF, DKIM, DMARC, ARC): `system`, `off`, or an address such as `127.0.0.1:53`. When not given: the system's for `email` channels, none for spools.",
    ),
    key(
        "trust.timeout_seconds",
        "5",
        "Longest time the checks of one message may take; what is not known then counts neither for nor against the sender.",
    ),
    key(
        "trust.trusted_hosts",
        "[]",
        "Names of your receiving mail servers as they stand behind `by` in their `Received` lines (`.example.jp` stands for all below it). Only with them the connecting address is known and SPF can be judged.",
    ),
    key(
        "trust.own_networks",
        "[]",
        "Networks of your own mail servers beyond the private ones (`203.0.113.0/24`). A hop from one of them is a hop between your servers; what connected before it counts.",
    ),
    key(
        "trust.authserv_ids",
        "[]",
        "Names your servers use in `Authentication-Results`; believed only where no sender could have written them.",
    ),
    key(
        "trust.trusted_sealers",
        "[]",
        "Domains of forwarders whose ARC seal is believed when a forwarded message fails DMARC.",
    ),
    key(
        "trust.known_domains",
        "[]",
        "Domains people trust, besides the desks' own: ministries, agencies, payers. Look-alikes are shown to staff.",
    ),
    key(
        "dkim.key_file",
        "",
        "PEM file with the private key (RSA or Ed25519) that signs departing mail; nothing is signed without it. `madoguchi mail dkim` prints the records to publish.",
    ),
    key(
        "dkim.selector",
        "\"madoguchi\"",
        "Name of the key below `_domainkey`.",
    ),
    key(
        "dkim.domains",
        "[]",
        "Domains that are signed for; those of the desks' addresses when empty.",
    ),
    key(
        "clamav.socket",
        "",
        "Where the virus scanner clamd listens: a socket file such as `/run/clamav/clamd.ctl`, or an address and port. Files are not scanned without it; where it does not answer, files stay locked and are shown to it again every minute.",
    ),
    key(
        "clamav.timeout_seconds",
        "10",
        "Longest time the scan of one file may take.",
    ),
    key(
        "calendar",
        "",
        "Opening hours of every desk without its own: `zone`, `opening` (lists of \"HH:MM-HH:MM\" by weekday), `japanese_holidays`, `yearly_closures`, `closures`, `special_openings`, `runs_out_on`. Default: Asia/Tokyo, Monday to Friday 09:30-17:00, national holidays of Japan and 29 December to 3 January closed.",
    ),
    key(
        "desk.*.address",
        "",
        "The address this desk's mail comes from. Default: `<desk>@desk.example.jp`; set your own.",
    ),
    key(
        "desk.*.lead",
        "",
        "Where notices about urgent, nearly due and breached tickets go.",
    ),
    key(
        "desk.*.first_response",
        "\"2bd\"",
        "Target of the first response: `2bd` (closing time of the second following business day) or business hours such as `15h`. Default: the desk's `desk.toml`.",
    ),
    key(
        "desk.*.resolution",
        "\"2bd\"",
        "Target of the resolution, in the same form.",
    ),
    key(
        "desk.*.threshold",
        "",
        "Confidence (0 to 1) from which an entry may be sent by itself; the calibrated one when not given.",
    ),
    key(
        "desk.*.largest_file_mb",
        "",
        "Largest file this desk takes, in megabytes (millions of bytes). Who sends a larger one is asked for several mails marked (1/3), (2/3) …; no limit when not given.",
    ),
    key(
        "desk.*.smime_certificate_file",
        "",
        "PEM file with the S/MIME certificate of the desk's address, followed by those that vouch for it; its letters are then signed.",
    ),
    key(
        "desk.*.smime_key_file",
        "",
        "PEM file with that certificate's private key (RSA or P-256).",
    ),
    key(
        "desk.*.plus_address",
        "false",
        "Put the signed token into the reply address too (`desk+md-….token@`); only with a server that takes sub-addresses (RFC 5233).",
    ),
    key(
        "desk.*.calendar",
        "",
        "This desk's own opening hours, in the form of `[calendar]`.",
    ),
    key(
        "agents.*",
        "",
        "Mail address of an agent, by account name: where notices about that agent's tickets go.",
    ),
    key(
        "channel.name",
        "",
        "Name of the channel, unique. Without any `[[channel]]`, a maildir spool below `data_dir` is used.",
    ),
    key(
        "channel.kind",
        "",
        "`maildir`, `email`, `telegram`, `discord` or `line`.",
    ),
    key(
        "channel.desk",
        "",
        "The desk all its messages belong to; routing decides when not given.",
    ),
    key(
        "channel.address",
        "",
        "The address answers come from; the desk's when not given.",
    ),
    key("channel.inbox", "", "maildir: drop an .eml here."),
    key("channel.sent", "", "maildir: get an .eml here."),
    key(
        "channel.poll_ms",
        "250",
        "maildir: milliseconds between two looks.",
    ),
    key(
        "channel.imap.host",
        "",
        "email: where mail is read; the certificate must carry this name.",
    ),
    key(
        "channel.imap.port",
        "",
        "email: 993 or 143 by `tls` when not given.",
    ),
    key(
        "channel.imap.tls",
        "\"implicit\"",
        "email: `implicit` or `starttls`. There is no setting without TLS.",
    ),
    key("channel.imap.user", "", "email: user name."),
    key(
        "channel.imap.password_env",
        "",
        "email: name of the environment variable that holds the password.",
    ),
    key(
        "channel.imap.password_file",
        "",
        "email: file whose first line is the password; read anew at each sign-in.",
    ),
    key(
        "channel.imap.oauth2.token_url",
        "",
        "email: sign in with an access token instead of a password: where the provider hands tokens out (`https`).",
    ),
    key(
        "channel.imap.oauth2.client_id",
        "",
        "email: id of the application at the provider.",
    ),
    key(
        "channel.imap.oauth2.client_secret_env",
        "",
        "email: name of the environment variable that holds the application's secret, where it has one.",
    ),
    key(
        "channel.imap.oauth2.client_secret_file",
        "",
        "email: file whose first line is that secret.",
    ),
    key(
        "channel.imap.oauth2.grant",
        "\"refresh_token\"",
        "email: `refresh_token`: somebody signed in once; `client_credentials`: the application has a right of its own (Microsoft 365).",
    ),
    key(
        "channel.imap.oauth2.refresh_token_env",
        "",
        "email: name of the environment variable that holds the refresh token.",
    ),
    key(
        "channel.imap.oauth2.refresh_token_file",
        "",
        "email: file whose first line is the refresh token.",
    ),
    key(
        "channel.imap.oauth2.scope",
        "",
        "email: what is asked for, parted by blanks.",
    ),
    key(
        "channel.imap.oauth2.token_file",
        "",
        "email: file a refresh token the provider replaced is kept in; below `data_dir` when not given.",
    ),
    key(
        "channel.imap.oauth2.ca_file",
        "",
        "email: PEM file of authorities to trust for `token_url` instead of the public ones.",
    ),
    key(
        "channel.imap.folders",
        "[\"INBOX\"]",
        "email: folders to read.",
    ),
    key(
        "channel.imap.ca_file",
        "",
        "email: PEM file of authorities to trust instead of the public ones.",
    ),
    key(
        "channel.imap.poll_seconds",
        "60",
        "email: seconds between two looks; with `idle` the longest time without one.",
    ),
    key(
        "channel.imap.idle",
        "true",
        "email: ask the server to tell of new mail at once (RFC 2177).",
    ),
    key(
        "channel.imap.first_connection",
        "\"from_now\"",
        "email: mail that is there already: `from_now` leaves it alone, `import` makes tickets and answers nobody.",
    ),
    key(
        "channel.imap.batch_messages",
        "50",
        "email: most messages stored in one transaction.",
    ),
    key(
        "channel.imap.batch_bytes",
        "8388608",
        "email: most bytes fetched at once; a larger message comes alone.",
    ),
    key(
        "channel.imap.move_to",
        "",
        "email: folder messages are moved to once they are stored; nothing is moved when not given.",
    ),
    key(
        "channel.imap.timeout_seconds",
        "30",
        "email: seconds to wait for a connection or an answer.",
    ),
    key(
        "channel.smtp.host",
        "",
        "email: where mail is sent; the certificate must carry this name.",
    ),
    key(
        "channel.smtp.port",
        "",
        "email: 465 or 587 by `tls` when not given.",
    ),
    key(
        "channel.smtp.tls",
        "\"implicit\"",
        "email: `implicit` or `starttls`. There is no setting without TLS.",
    ),
    key("channel.smtp.user", "", "email: user name."),
    key(
        "channel.smtp.password_env",
        "",
        "email: name of the environment variable that holds the password.",
    ),
    key(
        "channel.smtp.password_file",
        "",
        "email: file whose first line is the password; read anew at each sign-in.",
    ),
    key(
        "channel.smtp.oauth2.token_url",
        "",
        "email: sign in with an access token instead of a password: where the provider hands tokens out (`https`).",
    ),
    key(
        "channel.smtp.oauth2.client_id",
        "",
        "email: id of the application at the provider.",
    ),
    key(
        "channel.smtp.oauth2.client_secret_env",
        "",
        "email: name of the environment variable that holds the application's secret, where it has one.",
    ),
    key(
        "channel.smtp.oauth2.client_secret_file",
        "",
        "email: file whose first line is that secret.",
    ),
    key(
        "channel.smtp.oauth2.grant",
        "\"refresh_token\"",
        "email: `refresh_token`: somebody signed in once; `client_credentials`: the application has a right of its own (Microsoft 365).",
    ),
    key(
        "channel.smtp.oauth2.refresh_token_env",
        "",
        "email: name of the environment variable that holds the refresh token.",
    ),
    key(
        "channel.smtp.oauth2.refresh_token_file",
        "",
        "email: file whose first line is the refresh token.",
    ),
    key(
        "channel.smtp.oauth2.scope",
        "",
        "email: what is asked for, parted by blanks.",
    ),
    key(
        "channel.smtp.oauth2.token_file",
        "",
        "email: file a refresh token the provider replaced is kept in; below `data_dir` when not given.",
    ),
    key(
        "channel.smtp.oauth2.ca_file",
        "",
        "email: PEM file of authorities to trust for `token_url` instead of the public ones.",
    ),
    key(
        "channel.smtp.ca_file",
        "",
        "email: PEM file of authorities to trust instead of the public ones.",
    ),
    key(
        "channel.smtp.most_per_minute",
        "",
        "email: most messages given to the server within a minute; no limit when not given.",
    ),
    key(
        "channel.smtp.timeout_seconds",
        "60",
        "email: seconds to wait for a connection or an answer.",
    ),
    key(
        "channel.token_env",
        "",
        "telegram, discord: name of the environment variable that holds the bot's token.",
    ),
    key(
        "channel.token_file",
        "",
        "telegram, discord: file whose first line is the bot's token.",
    ),
    key(
        "channel.mode",
        "\"polling\"",
        "telegram: `polling`, or `webhook` where Telegram can reach the desk.",
    ),
    key(
        "channel.public_url",
        "",
        "telegram: address of the desk as Telegram reaches it, for webhooks (`https`).",
    ),
    key(
        "channel.webhook_secret_env",
        "",
        "telegram: name of the environment variable with the webhook's secret; made from the token when not given.",
    ),
    key(
        "channel.webhook_secret_file",
        "",
        "telegram: file with the same.",
    ),
    key(
        "channel.webhook_connections",
        "20",
        "telegram: calls at a time, 1 to 100.",
    ),
    key(
        "channel.webhook_watch_seconds",
        "60",
        "telegram: seconds between two looks at the webhook.",
    ),
    key(
        "channel.poll_seconds",
        "30",
        "telegram: seconds a poll waits for news, 1 to 50.",
    ),
    key(
        "channel.channel_secret_env",
        "",
        "line: name of the environment variable that holds the channel secret.",
    ),
    key(
        "channel.channel_secret_file",
        "",
        "line: file whose first line is the channel secret.",
    ),
    key(
        "channel.access_token_env",
        "",
        "line: name of the environment variable that holds a long-lived access token; short ones are fetched with `channel_id` when not given.",
    ),
    key("channel.access_token_file", "", "line: file with the same."),
    key(
        "channel.channel_id",
        "",
        "line: id of the channel, for short-lived tokens.",
    ),
    key(
        "channel.path",
        "\"/webhooks/line\"",
        "line: path of the webhook; the channel's name follows.",
    ),
    key(
        "channel.webhook_url",
        "",
        "line: address of the webhook as LINE reaches it; set there by the desk when given.",
    ),
    key("channel.flex_answers", "true", "line: answers as cards."),
    key(
        "channel.check_seconds",
        "",
        "line: seconds between two looks at the webhook and the token.",
    ),
    key(
        "channel.register_commands",
        "true",
        "discord: keep the slash commands in step with this version.",
    ),
    key(
        "channel.reconcile_days",
        "3",
        "discord: days back conversations are compared with what was stored.",
    ),
    key(
        "channel.largest_file_bytes",
        "20971520",
        "discord: largest file taken, in bytes.",
    ),
    key(
        "channel.max_file_bytes",
        "20971520",
        "telegram, line: largest file taken, in bytes.",
    ),
    key(
        "channel.timeout_seconds",
        "",
        "telegram, discord, line: seconds to wait for an answer of the server.",
    ),
    key(
        "channel.base_url",
        "",
        "telegram, discord, line: another server than the vendor's, for a proxy or a test; plain http only on this machine.",
    ),
    key("channel.data_url", "", "line: the same for files."),
];

/// A commented example: taken as it is, it changes nothing.
pub fn example_toml() -> String {
    let mut out = String::from(
        "# Madoguchi. Every line is a comment: the values shown are those that count when nothing is set.\n\
         # Each key without a list can also be set in the environment: MADOGUCHI_WEB__LISTEN=127.0.0.1:9000\n",
    );
    let mut section = String::new();
    for key in KEYS {
        let (head, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if head != section {
            section = head.to_owned();
            let shown = head.replace('*', "keieiryoku");
            let table = match shown.as_str() {
                "channel" => "[[channel]]".to_owned(),
                other => format!("[{other}]"),
            };
            out.push_str(&format!("\n# {table}\n"));
        }
        for line in key.doc.lines() {
            out.push_str(&format!("# {line}\n"));
        }
        let value = if key.default.is_empty() {
            "…"
        } else {
            key.default
        };
        let name = name.replace('*', "hanako");
        out.push_str(&format!("#   {name} = {value}\n"));
    }
    out
}

/// The reference in `docs/`.
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n`madoguchi.toml`, or the file named by `--config`. Written from the program by `madoguchi config --markdown`; `madoguchi config` prints a commented example.\n\
         Environment variables override the file: `MADOGUCHI_WEB__LISTEN` sets `web.listen`. `*` stands for a name of your choice.\n\n| key | default | what it does |\n| --- | --- | --- |\n",
    );
    for key in KEYS {
        let default = if key.default.is_empty() {
            String::new()
        } else {
            format!("`{}`", key.default)
        };
        out.push_str(&format!(
            "| `{}` | {default} | {} |\n",
            key.path,
            key.doc.replace('|', "\\|")
        ));
    }
    out
}

/// The names allowed below a path, for "did you mean".
pub fn names_below(path: &[&str]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KEYS
        .iter()
        .filter_map(|key| {
            let parts: Vec<&'static str> = key.path.split('.').collect();
            let fits = parts.len() > path.len()
                && parts.iter().zip(path).all(|(a, b)| *a == "*" || a == b);
            fits.then(|| parts.get(path.len()).copied()).flatten()
        })
        .collect();
    names.dedup();
    names
}
