//! Every text a person gets: templates in `prompts/<lang>/<name>.txt`, built in, a directory overrides them file by file.
//!
//! Fields are named; a field a template asks for and nobody gives is an error, found by `check` and never by a requester.

use crate::domain::language::Lang;
use include_dir::{Dir, include_dir};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::collections::BTreeMap;
use std::path::Path;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/prompts");

macro_rules! prompts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal [$($required:literal),*] [$($optional:literal),*]),+ $(,)?) => {
        /// The closed set of texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Prompt {
            $($(#[$doc])* $variant),+
        }
        impl Prompt {
            /// Every text.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Name of its file.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
            /// Fields it must show.
            pub const fn required(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($required),*]),+ }
            }
            /// Fields it may show.
            pub const fn optional(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($optional),*]),+ }
            }
        }
    };
}

prompts!(
    /// An automatic answer: the entry, its date and source, and the way to a person.
    Answer = "answer" ["ticket", "answer", "entry", "updated", "source"] ["desk", "title"],
    /// Receipt with number and due date.
    Acknowledgement = "acknowledgement" ["ticket", "due"] ["desk", "subject", "closed"],
    /// Receipt, and a few entries one of which may answer.
    Offer = "offer" ["ticket", "due", "list"] ["desk"],
    /// Something is missing.
    AskAgain = "ask_again" ["ticket"] ["desk", "missing"],
    /// Files are larger than the desk takes.
    TooLarge = "too_large" ["ticket", "limit"] ["desk"],
    /// The desk is closed at the moment; part of a receipt.
    Closed = "closed" ["opens"] ["due"],
    /// A staff member's reply with what stands around it.
    Reply = "reply" ["text", "ticket"] ["desk"],
    /// Emergency guidance.
    Emergency = "emergency" ["ticket"] ["desk"],
    /// What to do at once about a leaked number (W2).
    LeakedSecret = "leaked_secret" ["ticket"] ["desk", "subject", "due", "closed"],
    /// The right subject line (Q1).
    SubjectHint = "subject_hint" ["right_subject"] [],
    /// The answer did not help; a person takes over.
    NotHelped = "not_helped" ["ticket", "due"] ["desk", "subject", "closed"],
    /// What the desk cannot judge (G8).
    CannotJudge = "cannot_judge" ["ticket", "due"] ["desk", "subject", "closed"],
    /// To staff: a clock comes near its end.
    StaffWarning = "staff_warning" ["ticket", "due"] ["desk", "queue", "subject"],
    /// To staff: a clock has passed its end.
    StaffBreach = "staff_breach" ["ticket", "due"] ["desk", "queue", "subject"],
    /// To staff: something that cannot wait.
    StaffUrgent = "staff_urgent" ["ticket"] ["desk", "queue", "subject"],
    /// Subject line of notices to staff.
    SubjectStaff = "subject_staff" ["ticket"] ["desk", "queue", "subject", "due"],
    /// Chat: the first word, with what is kept and why.
    ChatWelcome = "chat_welcome" ["desk"] [],
    /// Chat: what can be done.
    ChatHelp = "chat_help" [] ["desk"],
    /// Chat: the language was changed, or which there are.
    ChatLanguage = "chat_language" [] ["desk"],
    /// Chat: how the inquiry stands.
    ChatStatus = "chat_status" ["ticket", "due"] ["desk", "settled", "waiting"],
    /// Chat: there is no inquiry.
    ChatStatusNone = "chat_status_none" [] ["desk"],
    /// Chat: the answer helped; a mark is asked for.
    ChatRate = "chat_rate" ["ticket"] ["desk"],
    /// Chat: thanks for the mark.
    ChatRated = "chat_rated" ["ticket"] ["desk"],
    /// Chat, on a button: the answer helped.
    ChatSolved = "chat_solved" [] [],
    /// Chat, on a button: it did not.
    ChatUnsolved = "chat_unsolved" [] [],
    /// Chat, on a button: a person is wanted.
    ChatHuman = "chat_human" [] [],
);

/// What is wrong with a text, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptProblem {
    /// Path below the directory of texts.
    pub file: String,
    /// Line from 1; 0 when there is none.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl std::fmt::Display for PromptProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A text could not be written.
#[derive(Debug, thiserror::Error)]
#[error("text `{file}`: {message}")]
pub struct PromptError {
    file: String,
    message: String,
}

/// Every text, compiled.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
}

impl Prompts {
    /// Reads the built-in texts, then those of a directory over them.
    ///
    /// # Errors
    /// Every problem found, not only the first.
    pub fn load(dir: Option<&Path>) -> Result<Self, Vec<PromptProblem>> {
        let mut problems = Vec::new();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        for prompt in Prompt::ALL {
            for lang in Lang::ALL {
                let file = file_of(*prompt, *lang);
                match source(dir, &file) {
                    Err(message) => problems.push(PromptProblem {
                        file,
                        line: 0,
                        message,
                    }),
                    Ok(text) => {
                        if let Err(problem) = compile(&mut environment, *prompt, &file, text) {
                            problems.push(problem);
                        }
                    }
                }
            }
        }
        if problems.is_empty() {
            Ok(Self { environment })
        } else {
            Err(problems)
        }
    }

    /// Writes a text. Fields are data: what looks like a template inside them stays as it is.
    ///
    /// # Errors
    /// A field is missing (`load` proves that none is).
    pub fn render(
        &self,
        prompt: Prompt,
        lang: Lang,
        fields: &[(&str, &str)],
    ) -> Result<String, PromptError> {
        let file = file_of(prompt, lang);
        // Optional fields may be left out by a caller; they are empty then.
        let mut values: BTreeMap<String, String> = prompt
            .optional()
            .iter()
            .map(|name| ((*name).to_owned(), String::new()))
            .collect();
        values.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.environment
            .get_template(&file)
            .and_then(|template| template.render(values))
            .map(|text| text.trim().to_owned())
            .map_err(|error| PromptError {
                file,
                message: error.to_string(),
            })
    }
}

fn file_of(prompt: Prompt, lang: Lang) -> String {
    format!("{}/{}.txt", lang.as_str(), prompt.name())
}

fn source(dir: Option<&Path>, file: &str) -> Result<String, String> {
    if let Some(path) = dir.map(|dir| dir.join(file)).filter(|path| path.exists()) {
        return std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot be read as UTF-8 text: {error}"));
    }
    BUILT_IN
        .get_file(file)
        .and_then(|file| file.contents_utf8())
        .map(str::to_owned)
        .ok_or_else(|| "this text is missing; write it".to_owned())
}

fn compile(
    environment: &mut Environment<'static>,
    prompt: Prompt,
    file: &str,
    text: String,
) -> Result<(), PromptProblem> {
    let problem = |line: usize, message: String| PromptProblem {
        file: file.to_owned(),
        line,
        message,
    };
    let line_of = |needle: &str| {
        text.lines()
            .position(|line| line.contains(needle))
            .map_or(0, |i| i + 1)
    };
    environment
        .add_template_owned(file.to_owned(), text.clone())
        .map_err(|error| problem(error.line().unwrap_or(0), error.to_string()))?;
    let used = environment
        .get_template(file)
        .map(|template| template.undeclared_variables(false))
        .map_err(|error| problem(0, error.to_string()))?;
    let allowed: Vec<&str> = prompt
        .required()
        .iter()
        .chain(prompt.optional())
        .copied()
        .collect();
    if let Some(unknown) = used.iter().find(|name| !allowed.contains(&name.as_str())) {
        let message = format!(
            "there is no field `{unknown}` here; there are: {}",
            allowed.join(", ")
        );
        return Err(problem(line_of(unknown), message));
    }
    if let Some(missing) = prompt.required().iter().find(|name| !used.contains(**name)) {
        let message = format!("the field `{{{{ {missing} }}}}` must be shown");
        return Err(problem(1, message));
    }
    Ok(())
}

/// An instant as people read it, in the desk's zone.
pub fn due_in_words(at: jiff::Timestamp, zone: &jiff::tz::TimeZone, lang: Lang) -> String {
    let local = at.to_zoned(zone.clone());
    let day = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
    let pick = |names: [&'static str; 7]| names.get(day).copied().unwrap_or_default();
    let (year, month, date) = (local.year(), local.month(), local.day());
    let time = local.strftime("%H:%M").to_string();
    let tokyo = zone.iana_name() == Some("Asia/Tokyo");
    let name = zone.iana_name().unwrap_or("UTC");
    let zone_words = match (tokyo, lang) {
        (true, Lang::Ja) => "日本時間",
        (true, Lang::En) => "Japan time",
        (true, Lang::Zh) => "日本时间",
        (true, Lang::Vi) => "giờ Nhật Bản",
        (false, _) => name,
    };
    match lang {
        Lang::Ja => {
            let weekday = pick(["月", "火", "水", "木", "金", "土", "日"]);
            format!("{year}年{month}月{date}日({weekday}) {time}（{zone_words}）")
        }
        Lang::En => {
            let weekday = pick([
                "Monday",
                "Tuesday",
                "Wednesday",
                "Thursday",
                "Friday",
                "Saturday",
                "Sunday",
            ]);
            let month = local.strftime("%B").to_string();
            format!("{weekday} {date} {month} {year}, {time} ({zone_words})")
        }
        Lang::Zh => {
            let weekday = pick(["周一", "周二", "周三", "周四", "周五", "周六", "周日"]);
            format!("{year}年{month}月{date}日（{weekday}）{time}（{zone_words}）")
        }
        Lang::Vi => {
            let weekday = pick([
                "thứ Hai",
                "thứ Ba",
                "thứ Tư",
                "thứ Năm",
                "thứ Sáu",
                "thứ Bảy",
                "Chủ nhật",
            ]);
            format!("{time} {weekday}, ngày {date} tháng {month} năm {year} ({zone_words})")
        }
    }
}
