//! The knowledge as the use cases see it: [`Library`] and the router behind the ports of `flow`.

use super::library::{Library, Reload, Serving};
use super::load::{Knowledge as Texts, Problem, Severity};
use crate::domain::decide::Hit;
use crate::domain::guard::GuardHit;
use crate::domain::ids::{DeskId, EntryId};
use crate::domain::language::{Lang, recognise};
use crate::domain::route::{DeskRules, Route, RouteFacts, Router};
use crate::flow::ports::{AnswerText, Knowledge, KnowledgeVersion, Question};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// Confidence asked for when no calibration says otherwise: high enough that hardly anything is answered.
const UNCALIBRATED: f64 = 0.9;

/// The knowledge that serves, with its routes.
pub struct KnowledgeBase {
    library: Library,
    current: RwLock<Arc<Version>>,
}

struct Version {
    serving: Arc<Serving>,
    router: Router,
}

impl KnowledgeBase {
    /// The knowledge of a directory, or the one built in.
    ///
    /// # Errors
    /// What forbids serving it.
    pub fn open(dir: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::of(match dir {
            Some(dir) => Library::open(dir)?,
            None => Library::embedded()?,
        })
    }

    /// The same without its entries: desks, routes and guards, for commands that ask the index nothing and need no second to build it.
    ///
    /// # Errors
    /// What forbids serving it.
    pub fn open_without_entries(dir: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let mut knowledge = dir
            .map_or_else(Texts::load_embedded, Texts::load_dir)
            .into_result()?;
        knowledge.entries.clear();
        knowledge.outside.clear();
        knowledge.desk_outside.clear();
        knowledge.guard_examples.clear();
        Self::of(Library::new(Serving::build(knowledge)?))
    }

    fn of(library: Library) -> Result<Self, Vec<Problem>> {
        let serving = library.current();
        let router = router(&serving.knowledge)?;
        Ok(Self {
            current: RwLock::new(Arc::new(Version { serving, router })),
            library,
        })
    }

    /// The version that serves now.
    pub fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.version_now().serving)
    }

    fn version_now(&self) -> Arc<Version> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for changed files; a wrong version is refused whole.
    pub fn reload_if_changed(&self, dir: &Path) -> Reload {
        let reload = self.library.reload_if_changed(dir);
        if let Reload::Swapped(_) = &reload {
            let serving = self.library.current();
            match router(&serving.knowledge) {
                Ok(router) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                        Arc::new(Version { serving, router });
                }
                Err(problems) => return Reload::Refused(problems),
            }
        }
        reload
    }
}

/// Compiles the routes of a knowledge.
///
/// # Errors
/// Every wrong rule, with file and line.
pub fn router(knowledge: &Texts) -> Result<Router, Vec<Problem>> {
    let text = |path: &str| knowledge.texts.get(path).map_or("", String::as_str);
    let paths: Vec<(String, String)> = knowledge
        .desks
        .iter()
        .map(|desk| {
            (
                format!("desks/{}/routes.toml", desk.id),
                format!("desks/{}/lookup.toml", desk.id),
            )
        })
        .collect();
    let rules: Vec<DeskRules<'_>> = knowledge
        .desks
        .iter()
        .zip(&paths)
        .map(|(desk, (routes, lookup))| DeskRules {
            id: desk.id.as_str(),
            default_queue: desk.default_queue.as_str(),
            queues: desk.queues.iter().map(|q| q.id.0.clone()).collect(),
            routes: text(routes),
            lookup: knowledge.texts.get(lookup).map(String::as_str),
        })
        .collect();
    Router::compile(text("routes.toml"), &rules).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| Problem {
                file: problem.file,
                line: problem.line,
                severity: Severity::Error,
                message: problem.message,
            })
            .collect()
    })
}

impl Knowledge for KnowledgeBase {
    fn current(&self) -> Arc<dyn KnowledgeVersion> {
        self.version_now()
    }
}

impl KnowledgeVersion for Version {
    fn version(&self) -> String {
        self.serving.knowledge.version.clone()
    }

    fn search(&self, question: &Question) -> Vec<Hit> {
        self.serving.index.search(&super::search::Question {
            text: question.text.clone(),
            lang: question.lang,
            desk: question.desk.clone(),
            today: question.today,
        })
    }

    fn answer(&self, desk: &DeskId, id: &EntryId, lang: Lang) -> Option<AnswerText> {
        let knowledge = &self.serving.knowledge;
        // The asked language, else the two every entry has.
        let entry = [lang, Lang::En, Lang::Ja]
            .into_iter()
            .find_map(|lang| knowledge.entry(desk, id, lang))?;
        let document = knowledge.sources.iter().find(|d| d.id == entry.document);
        let title = document.map_or(entry.document.as_str(), |d| {
            if entry.lang == Lang::Ja || d.title_en.is_empty() {
                d.title.as_str()
            } else {
                d.title_en.as_str()
            }
        });
        Some(AnswerText {
            title: entry.questions.first().cloned().unwrap_or_default(),
            body: entry.answer.clone(),
            lang: entry.lang,
            updated: entry.updated.to_string(),
            source: format!("{title} {}", entry.section),
            category: entry.category.clone(),
            audience: entry.audience.first().copied(),
        })
    }

    fn guards(&self, text: &str) -> Vec<GuardHit> {
        let mut hits = self.serving.guards.check_all(text);
        for hit in self.serving.alarm.speaks(text) {
            if !hits.iter().any(|known| known.kind == hit.kind) {
                hits.push(hit);
            }
        }
        hits.sort_by_key(|hit| hit.kind);
        hits
    }

    fn route(&self, facts: &RouteFacts<'_>) -> Route {
        self.router.route(facts)
    }

    fn threshold(&self, desk: &DeskId) -> f64 {
        self.serving
            .index
            .calibration
            .as_ref()
            .map_or(UNCALIBRATED, |c| c.threshold(desk))
    }

    fn language(&self, text: &str, prior: Option<Lang>) -> Lang {
        recognise(text, prior).lang
    }
}
