//! Routing: desk, queue, audience, category and priority of an inquiry. Rules first, the index where they are silent.
//!
//! The rules are data (`knowledge/routes.toml`, `knowledge/desks/<desk>/routes.toml`, `lookup.toml`), handed in as text and compiled once.

use crate::domain::ids::{DeskId, QueueId};
use crate::domain::inquiry::bare_subject;
use crate::domain::language::Lang;
use crate::domain::text::normalise;
use crate::domain::ticket::{Audience, Priority};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What routing is handed.
#[derive(Debug, Clone)]
pub struct RouteFacts<'a> {
    /// The desk the channel is bound to.
    pub channel_desk: Option<DeskId>,
    /// Addresses the message was sent to.
    pub recipients: &'a [String],
    /// Subject line.
    pub subject: &'a str,
    /// What was newly written.
    pub text: &'a str,
    /// The sender's address.
    pub sender: &'a str,
    /// The inquiry's language.
    pub lang: Lang,
    /// The sender is a registered agency (G6).
    pub known_agency: bool,
    /// The desk of the entry the index is sure of.
    pub index_desk: Option<DeskId>,
}

/// Where an inquiry goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Route {
    /// The desk.
    pub desk: DeskId,
    /// Its queue.
    pub queue: QueueId,
    /// The requester's role.
    pub audience: Audience,
    /// What it is about, where a rule says so.
    pub category: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// A friendly word for the requester.
    pub hint: Option<RouteHint>,
    /// The recipient by business code and prefecture (P7), where the text names both.
    pub lookup: Option<LookupHit>,
    /// What decided: the way to the desk, then the rule.
    pub why: String,
}

impl Route {
    /// True when the look-up says "ask the desk": no entry may answer it.
    pub fn staff_only(&self) -> bool {
        self.lookup.as_ref().is_some_and(|hit| hit.ask_desk)
    }
}

/// A friendly word for the requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "hint", rename_all = "snake_case")]
pub enum RouteHint {
    /// The subject line is not the one the tender asks for (Q1).
    WrongSubject {
        /// The right one.
        right_subject: String,
    },
}

/// A row of the look-up that fits (P7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookupHit {
    /// The business.
    pub name: String,
    /// The prefecture.
    pub prefecture: String,
    /// Who receives the plan.
    pub recipient: String,
    /// Staff must look at it; the recipient is a hint for them.
    pub ask_desk: bool,
}

/// The rules of one desk, as text.
#[derive(Debug, Clone)]
pub struct DeskRules<'a> {
    /// The desk.
    pub id: &'a str,
    /// Where a ticket lies when no rule says otherwise.
    pub default_queue: &'a str,
    /// Every queue of the desk.
    pub queues: Vec<String>,
    /// `routes.toml`; may be empty.
    pub routes: &'a str,
    /// `lookup.toml`, where there is one.
    pub lookup: Option<&'a str>,
}

/// What is wrong with a rule, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteProblem {
    /// Path below the knowledge directory.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct GlobalFile {
    default_desk: Option<String>,
    recipients: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct DeskFile {
    audience: Option<Audience>,
    claims: Vec<String>,
    subject_rule: Option<SubjectRule>,
    rule: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectRule {
    exact: Vec<String>,
    applies_when: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    subject: Option<String>,
    text: Option<String>,
    sender: Option<String>,
    lang: Option<Lang>,
    queue: Option<String>,
    audience: Option<Audience>,
    category: Option<String>,
    priority: Option<Priority>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LookupFile {
    row: Vec<LookupRow>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupRow {
    code: String,
    name_ja: String,
    prefectures: Vec<String>,
    recipient: String,
    #[serde(default)]
    ask_desk: bool,
}

#[derive(Debug)]
struct Rule {
    name: String,
    subject: Option<Regex>,
    text: Option<Regex>,
    sender: Option<Regex>,
    lang: Option<Lang>,
    queue: Option<QueueId>,
    audience: Option<Audience>,
    category: Option<String>,
    priority: Option<Priority>,
}

#[derive(Debug)]
struct DeskRouter {
    default_queue: QueueId,
    audience: Audience,
    claims: Vec<Regex>,
    subject: Option<(Vec<String>, Regex)>,
    rules: Vec<Rule>,
    lookup: Vec<LookupRow>,
}

/// Every rule, compiled.
#[derive(Debug)]
pub struct Router {
    default_desk: DeskId,
    recipients: BTreeMap<String, DeskId>,
    desks: BTreeMap<DeskId, DeskRouter>,
}

impl Router {
    /// Compiles the rules.
    ///
    /// # Errors
    /// Every file that is wrong, with line and what to do.
    pub fn compile(global: &str, desks: &[DeskRules<'_>]) -> Result<Self, Vec<RouteProblem>> {
        let mut problems = Vec::new();
        let global: GlobalFile = read("routes.toml", global, &mut problems);
        let known = |name: &str| desks.iter().any(|desk| desk.id == name);
        for name in global.recipients.values().chain(&global.default_desk) {
            if !known(name) {
                problems.push(problem(
                    "routes.toml",
                    1,
                    format!("there is no desk `{name}`"),
                ));
            }
        }
        let mut compiled = BTreeMap::new();
        for desk in desks {
            compiled.insert(DeskId::from(desk.id), compile_desk(desk, &mut problems));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let first = desks.first().map_or("", |desk| desk.id);
        Ok(Self {
            default_desk: DeskId::from(global.default_desk.as_deref().unwrap_or(first)),
            recipients: global
                .recipients
                .into_iter()
                .map(|(local, desk)| (local.to_lowercase(), DeskId(desk)))
                .collect(),
            desks: compiled,
        })
    }

    /// Where an inquiry goes.
    pub fn route(&self, facts: &RouteFacts<'_>) -> Route {
        let subject = normalise(facts.subject);
        let text = normalise(facts.text);
        let (desk, way) = self.desk_of(facts, &subject, &text);
        let Some(router) = self.desks.get(&desk) else {
            return Route {
                queue: QueueId(format!("{desk}-general")),
                desk,
                audience: Audience::Applicant,
                category: None,
                priority: Priority::Normal,
                hint: None,
                lookup: None,
                why: way.to_owned(),
            };
        };
        let rule = router.rules.iter().find(|rule| {
            let fits = |pattern: &Option<Regex>, text: &str| {
                pattern.as_ref().is_none_or(|p| p.is_match(text))
            };
            fits(&rule.subject, &subject)
                && rule
                    .text
                    .as_ref()
                    .is_none_or(|p| p.is_match(&text) || p.is_match(&subject))
                && fits(&rule.sender, facts.sender)
                && rule.lang.is_none_or(|lang| lang == facts.lang)
        });
        Route {
            queue: rule
                .and_then(|rule| rule.queue.clone())
                .unwrap_or_else(|| router.default_queue.clone()),
            audience: rule
                .and_then(|rule| rule.audience)
                .unwrap_or(router.audience),
            category: rule.and_then(|rule| rule.category.clone()),
            priority: rule
                .and_then(|rule| rule.priority)
                .unwrap_or(Priority::Normal),
            hint: hint(router, facts.subject, &text),
            lookup: router.look_up_in(&text),
            why: match rule {
                Some(rule) => format!("{way}, rule {}", rule.name),
                None => way.to_owned(),
            },
            desk,
        }
    }

    /// The row of the look-up for a business (code or name) and a prefecture.
    pub fn lookup(&self, code_or_name: &str, prefecture: &str) -> Option<LookupHit> {
        let wanted = normalise(code_or_name);
        self.desks.values().find_map(|desk| {
            desk.lookup
                .iter()
                .find(|row| {
                    (normalise(&row.code) == wanted || short_name(row).contains(&wanted))
                        && covers(row, prefecture)
                })
                .map(|row| hit(row, prefecture))
        })
    }

    /// The desk and the way it was found: channel, recipient address, words only one programme uses, the index, the default.
    fn desk_of(&self, facts: &RouteFacts<'_>, subject: &str, text: &str) -> (DeskId, &'static str) {
        if let Some(desk) = &facts.channel_desk {
            return (desk.clone(), "channel");
        }
        let by_recipient = facts.recipients.iter().find_map(|address| {
            let local = address.split('@').next()?.split('+').next()?.to_lowercase();
            self.recipients.get(&local)
        });
        if let Some(desk) = by_recipient {
            return (desk.clone(), "recipient");
        }
        // A subject speaks more plainly than a text: it is asked first, over every desk.
        for place in [subject, text] {
            let mut claiming = self
                .desks
                .iter()
                .filter(|(_, router)| router.claims.iter().any(|claim| claim.is_match(place)));
            // Two desks that both claim a text leave it to the index.
            if let (Some((desk, _)), None) = (claiming.next(), claiming.next()) {
                return (desk.clone(), "words");
            }
        }
        match &facts.index_desk {
            Some(desk) => (desk.clone(), "index"),
            None => (self.default_desk.clone(), "default"),
        }
    }
}

impl DeskRouter {
    /// A row whose business and prefecture both stand in the text.
    fn look_up_in(&self, text: &str) -> Option<LookupHit> {
        if self.lookup.is_empty() {
            return None;
        }
        let prefecture = PREFECTURES.iter().find(|name| {
            // 「東京」 and 「東京都」 both mean Tokyo; 「京都」 must not be found inside 「東京都」.
            let short = name.strip_suffix(['県', '府', '都']).unwrap_or(name);
            let text = if short == "京都" {
                text.replace("東京都", "")
            } else {
                text.to_owned()
            };
            text.contains(&normalise(short))
        })?;
        self.lookup
            .iter()
            .find(|row| {
                let name = short_name(row);
                !name.is_empty()
                    && name.split('・').any(|part| {
                        part.chars().count() >= 2 && text.contains(part.trim_end_matches('業'))
                    })
                    && covers(row, prefecture)
            })
            .map(|row| hit(row, prefecture))
    }
}

/// The name without what stands in brackets, normalised.
fn short_name(row: &LookupRow) -> String {
    let name = row.name_ja.split(['（', '(']).next().unwrap_or_default();
    normalise(name)
}

fn covers(row: &LookupRow, prefecture: &str) -> bool {
    row.prefectures.iter().any(|p| {
        p == "*" || p == prefecture || p.strip_suffix(['県', '府', '都']) == Some(prefecture)
    })
}

fn hit(row: &LookupRow, prefecture: &str) -> LookupHit {
    LookupHit {
        name: row.name_ja.clone(),
        prefecture: prefecture.to_owned(),
        recipient: row.recipient.clone(),
        ask_desk: row.ask_desk,
    }
}

/// A hint when the desk asks for an exact subject, the text is a question of that kind, and the subject is another.
fn hint(router: &DeskRouter, subject: &str, text: &str) -> Option<RouteHint> {
    let (exact, applies_when) = router.subject.as_ref()?;
    let squeeze = |s: &str| -> String {
        normalise(bare_subject(s))
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect()
    };
    let given = squeeze(subject);
    let right = exact.iter().any(|exact| given.contains(&squeeze(exact)));
    if right || !(applies_when.is_match(text) || applies_when.is_match(&normalise(subject))) {
        return None;
    }
    // Several calls, several subjects: the one that shares most characters with the text is meant.
    let right_subject = exact
        .iter()
        .max_by_key(|exact| squeeze(exact).chars().filter(|c| text.contains(*c)).count())?;
    Some(RouteHint::WrongSubject {
        right_subject: right_subject.clone(),
    })
}

fn compile_desk(desk: &DeskRules<'_>, problems: &mut Vec<RouteProblem>) -> DeskRouter {
    let file = format!("desks/{}/routes.toml", desk.id);
    let parsed: DeskFile = read(&file, desk.routes, problems);
    let lookup_file = format!("desks/{}/lookup.toml", desk.id);
    let lookup: LookupFile = read(&lookup_file, desk.lookup.unwrap_or_default(), problems);
    let line_of = |needle: &str| {
        desk.routes
            .lines()
            .position(|line| line.contains(needle))
            .map_or(1, |i| i + 1)
    };
    let mut pattern = |text: &str| {
        RegexBuilder::new(text)
            .case_insensitive(true)
            .build()
            .map_err(|error| {
                let line = line_of(text);
                problems.push(problem(
                    &file,
                    line,
                    format!("`{text}` is no pattern: {error}"),
                ));
            })
            .ok()
    };
    let claims: Vec<Regex> = parsed.claims.iter().filter_map(|c| pattern(c)).collect();
    let subject = parsed
        .subject_rule
        .and_then(|rule| Some((rule.exact, pattern(&rule.applies_when)?)));
    let rules: Vec<Rule> = parsed
        .rule
        .into_iter()
        .map(|rule| Rule {
            subject: rule.subject.as_deref().and_then(&mut pattern),
            text: rule.text.as_deref().and_then(&mut pattern),
            sender: rule.sender.as_deref().and_then(&mut pattern),
            lang: rule.lang,
            queue: rule.queue.map(QueueId),
            audience: rule.audience,
            category: rule.category,
            priority: rule.priority,
            name: rule.name,
        })
        .collect();
    for rule in &rules {
        if let Some(queue) = &rule.queue
            && !desk.queues.contains(&queue.0)
        {
            let line = line_of(queue.as_str());
            let message = format!(
                "rule `{}`: there is no queue `{queue}` at this desk; there are: {}",
                rule.name,
                desk.queues.join(", ")
            );
            problems.push(problem(&file, line, message));
        }
    }
    DeskRouter {
        default_queue: QueueId::from(desk.default_queue),
        audience: parsed.audience.unwrap_or(Audience::Applicant),
        claims,
        subject,
        rules,
        lookup: lookup.row,
    }
}

fn read<T: serde::de::DeserializeOwned + Default>(
    file: &str,
    text: &str,
    problems: &mut Vec<RouteProblem>,
) -> T {
    toml::from_str(text).unwrap_or_else(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1;
        problems.push(problem(file, line, error.message().to_owned()));
        T::default()
    })
}

fn problem(file: &str, line: usize, message: String) -> RouteProblem {
    RouteProblem {
        file: file.to_owned(),
        line,
        message,
    }
}

/// The prefectures of Japan.
const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];
