//! The knowledge that serves: one version at a time, swapped whole. A wrong version is refused and the last good one goes on serving.

use super::alarm::Alarm;
use super::index::{Index, IndexError};
use super::load::{Knowledge, Problem};
use crate::domain::guard::Guards;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// One version: the knowledge, its index and its guards.
#[derive(Debug)]
pub struct Serving {
    /// What was read.
    pub knowledge: Knowledge,
    /// Its index.
    pub index: Index,
    /// Its guards.
    pub guards: Guards,
    /// Guards learned from examples.
    pub alarm: Alarm,
}

impl Serving {
    /// Builds what serves from a knowledge.
    ///
    /// # Errors
    /// What forbids serving it.
    pub fn build(knowledge: Knowledge) -> Result<Self, Vec<Problem>> {
        let guards = Guards::compile(&knowledge.guards)
            .map_err(|p| vec![Problem::error("guards.toml", p.line, p.message)])?;
        if !knowledge.calibration.is_empty() {
            super::model::Calibration::parse(&knowledge.calibration).map_err(|p| vec![p])?;
        }
        super::small_talk::SmallTalk::compile(&knowledge.small_talk).map_err(|p| vec![p])?;
        super::outside::all(&knowledge).map_err(|p| vec![p])?;
        let examples = super::alarm::parse(&knowledge.guard_examples).map_err(|p| vec![p])?;
        super::kinds::Kinds::compile(&knowledge.question_kinds).map_err(|p| vec![p])?;
        let (index, alarm) = std::thread::scope(|scope| {
            let alarm = scope.spawn(|| Alarm::learn(&examples, &knowledge));
            let index = Index::build(&knowledge);
            (index, alarm.join().unwrap_or_default())
        });
        let index = index.map_err(|e: IndexError| vec![Problem::error("", 1, e.to_string())])?;
        Ok(Self {
            knowledge,
            index,
            guards,
            alarm,
        })
    }
}

/// What became of a look at the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Nothing changed.
    Unchanged,
    /// This version serves now.
    Swapped(String),
    /// The files are wrong; the version before goes on serving. Reported once a change.
    Refused(Vec<Problem>),
}

type Fingerprint = Vec<(std::path::PathBuf, u64, Option<SystemTime>)>;

/// Holds the version that serves.
#[derive(Debug)]
pub struct Library {
    current: RwLock<Arc<Serving>>,
    seen: Mutex<Option<Fingerprint>>,
}

impl Library {
    /// Begins with a version.
    pub fn new(serving: Serving) -> Self {
        Self {
            current: RwLock::new(Arc::new(serving)),
            seen: Mutex::new(None),
        }
    }

    /// Begins with the knowledge built in.
    ///
    /// # Errors
    /// What forbids serving it.
    pub fn embedded() -> Result<Self, Vec<Problem>> {
        Ok(Self::new(Serving::build(
            Knowledge::load_embedded().into_result()?,
        )?))
    }

    /// Begins with a directory.
    ///
    /// # Errors
    /// What forbids serving it.
    pub fn open(dir: &Path) -> Result<Self, Vec<Problem>> {
        let before = fingerprint(dir);
        let library = Self::new(Serving::build(Knowledge::load_dir(dir).into_result()?)?);
        *library.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        Ok(library)
    }

    /// The version that serves now; whoever holds it sees one version throughout.
    pub fn current(&self) -> Arc<Serving> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at names, sizes and times of the files and reads them anew when one differs.
    pub fn reload_if_changed(&self, dir: &Path) -> Reload {
        let now = fingerprint(dir);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(&now) {
            return Reload::Unchanged;
        }
        *seen = Some(now);
        let serving = match Knowledge::load_dir(dir).into_result() {
            Ok(k) if k.version == self.current().knowledge.version => return Reload::Unchanged,
            Ok(k) => Serving::build(k),
            Err(problems) => Err(problems),
        };
        match serving {
            Ok(serving) => {
                let version = serving.knowledge.version.clone();
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(serving);
                Reload::Swapped(version)
            }
            Err(problems) => Reload::Refused(problems),
        }
    }
}

fn fingerprint(dir: &Path) -> Fingerprint {
    let mut out = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            match entry.metadata() {
                Ok(m) if m.is_dir() => open.push(path),
                Ok(m) if super::load::wanted(&path.to_string_lossy()) => {
                    out.push((path, m.len(), m.modified().ok()))
                }
                _ => {}
            }
        }
    }
    out.sort();
    out
}
