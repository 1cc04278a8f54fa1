//! Cuts text into the terms it is searched by. Two independent views of every text: words, and runs of one script (for English
//! pieces of words), so that what one view misspells the other still finds. Han forms are folded, so both views cross ja ↔ zh.

use crate::domain::language::Lang;
use crate::domain::text::{
    fold_for_search, fold_marks, is_han, is_hiragana, is_katakana, normalise,
};
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};
use std::collections::HashMap;
use tantivy::tokenizer::{
    Language, SimpleTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer,
};

/// Katakana from this length on may be compounds.
const LONG_KATAKANA: usize = 6;
/// Hiragana words below this length are mostly endings, or pieces of endings cut in the wrong place.
const SHORTEST_HIRAGANA: usize = 4;

/// Raised whenever terms change, so that stored calibrations can be told apart.
pub const ANALYSIS_VERSION: u32 = 2;

/// Words so common in questions that they say nothing. Question words stay: they tell "when" from "where".
const STOP_EN: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "am", "to", "of", "in", "on", "at",
    "for", "and", "or", "it", "its", "this", "that", "i", "we", "you", "my", "our", "your", "me",
    "us", "do", "does", "did", "can", "could", "would", "will", "shall", "should", "may", "have",
    "has", "had", "there", "please", "if", "with", "by", "as", "from", "so", "just", "any", "some",
    "s", "m", "d", "ll", "re", "ve", "t", "also", "hi", "hello",
];
const STOP_JA: &[&str] = &[
    "ください",
    "ました",
    "ますか",
    "ですか",
    "でしょうか",
    "について",
    "ところ",
    "という",
    "として",
    "ません",
    "ないですか",
    "いたし",
    "おり",
    "ござい",
    "よろしく",
    "れる",
    "られる",
    "ている",
    "できる",
    "できます",
    "できますか",
    "たい",
    "ほしい",
];
const STOP_VI: &[&str] = &[
    "tôi", "thì", "là", "và", "có", "cho", "của", "được", "không", "ạ", "ơi", "xin", "vui", "lòng",
    "mình", "em", "thế", "ở", "này", "đó",
];
const STOP_ZH: &[&str] = &[
    "的", "了", "吗", "呢", "我", "你", "您", "请", "請", "問", "是", "在", "有",
];

/// A text as terms; duplicates kept, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Words (ja), bigrams (zh), stems (en), syllables and pairs (vi).
    pub words: Vec<String>,
    /// Script runs (ja, zh), pieces of words (en), syllables and pairs without marks (vi).
    pub runs: Vec<String>,
}

/// Cuts text into terms. Cheap to clone.
#[derive(Clone)]
pub struct Analyser {
    segmenter: WordSegmenterBorrowed<'static>,
    english: TextAnalyzer,
}

impl Default for Analyser {
    fn default() -> Self {
        Self {
            segmenter: WordSegmenter::new_auto(Default::default()),
            english: TextAnalyzer::builder(SimpleTokenizer::default())
                .filter(Stemmer::new(Language::English))
                .build(),
        }
    }
}

impl Analyser {
    /// The terms of a text in a language.
    pub fn terms(&self, lang: Lang, text: &str) -> Terms {
        let text = normalise(text);
        match lang {
            Lang::Ja => {
                let folded = fold_for_search(&text);
                Terms {
                    words: self.japanese(&folded),
                    runs: script_runs(&folded),
                }
            }
            Lang::Zh => {
                let folded = fold_for_search(&text);
                Terms {
                    words: bigrams(&folded),
                    runs: script_runs(&folded),
                }
            }
            Lang::En => {
                let words = self.stems(&text);
                let runs = words.iter().flat_map(|w| pieces(w)).collect();
                Terms { words, runs }
            }
            Lang::Vi => {
                let syllables = syllables(&text);
                let bare: Vec<String> = syllables.iter().map(|s| fold_marks(s)).collect();
                Terms {
                    words: with_pairs(&syllables, STOP_VI),
                    runs: with_pairs(&bare, &[]),
                }
            }
        }
    }

    /// The form glossary words are looked for in: folded for ja and zh, words between single spaces for en and vi.
    pub fn concept_form(&self, lang: Lang, text: &str) -> String {
        let text = normalise(text);
        match lang {
            Lang::Ja | Lang::Zh => fold_for_search(&text),
            Lang::En => spaced(&self.all_stems(&text)),
            Lang::Vi => spaced(&syllables(&fold_marks(&text))),
        }
    }

    /// The text in pieces that make it up again, each with whether it is a word.
    pub fn pieces(&self, text: &str) -> Vec<(String, bool)> {
        let mut out = Vec::new();
        let mut start = 0;
        let it = self.segmenter.segment_str(text).iter_with_word_type();
        for (end, kind) in it {
            if let Some(piece) = text.get(start..end).filter(|p| !p.is_empty()) {
                out.push((piece.to_owned(), kind.is_word_like()));
            }
            start = end;
        }
        out
    }

    fn japanese(&self, folded: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut start = 0;
        let it = self.segmenter.segment_str(folded).iter_with_word_type();
        for (end, kind) in it {
            if let Some(word) = folded.get(start..end).filter(|_| kind.is_word_like()) {
                let kana = word.chars().all(is_hiragana);
                if !(kana && (word.chars().count() < SHORTEST_HIRAGANA || STOP_JA.contains(&word)))
                    && !word.is_empty()
                {
                    out.push(word.to_owned());
                }
            }
            start = end;
        }
        out
    }

    fn all_stems(&self, text: &str) -> Vec<String> {
        let mut analyser = self.english.clone();
        let mut stream = analyser.token_stream(text);
        let mut out = Vec::new();
        while stream.advance() {
            out.push(stream.token().text.clone());
        }
        out
    }

    fn stems(&self, text: &str) -> Vec<String> {
        let kept: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty() && !STOP_EN.contains(w))
            .collect();
        self.all_stems(&kept.join(" "))
    }
}

fn spaced(words: &[String]) -> String {
    format!(" {} ", words.join(" "))
}

fn syllables(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

fn with_pairs(syllables: &[String], stop: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = syllables
        .iter()
        .filter(|s| !stop.contains(&s.as_str()))
        .cloned()
        .collect();
    out.extend(syllables.windows(2).filter_map(|p| match p {
        [a, b] => Some(format!("{a}_{b}")),
        _ => None,
    }));
    out
}

/// Letter groups of three with the word's ends marked: a misspelt word shares most of them with the right one.
fn pieces(word: &str) -> Vec<String> {
    let chars: Vec<char> = std::iter::once('^')
        .chain(word.chars())
        .chain(std::iter::once('$'))
        .collect();
    if chars.len() <= 4 {
        return vec![chars.into_iter().collect()];
    }
    chars.windows(3).map(|w| w.iter().collect()).collect()
}

#[derive(PartialEq, Clone, Copy)]
enum Script {
    Han,
    Katakana,
    Hiragana,
    Word,
    None,
}

fn script(c: char) -> Script {
    if is_han(c) {
        Script::Han
    } else if is_katakana(c) && c != '・' {
        Script::Katakana
    } else if is_hiragana(c) {
        Script::Hiragana
    } else if c.is_alphanumeric() {
        Script::Word
    } else {
        Script::None
    }
}

fn runs_of(text: &str) -> Vec<(Script, Vec<char>)> {
    let mut out: Vec<(Script, Vec<char>)> = Vec::new();
    for c in text.chars() {
        let s = script(c);
        match out.last_mut() {
            Some((last, run)) if *last == s => run.push(c),
            _ => out.push((s, vec![c])),
        }
    }
    out
}

fn script_runs(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (script, run) in runs_of(text) {
        match script {
            Script::Han => {
                out.extend(run.iter().map(char::to_string));
                out.extend(run.windows(2).map(|w| w.iter().collect::<String>()));
            }
            Script::Katakana if run.len() >= LONG_KATAKANA => {
                // A compound (クラウドストレージ) shares its parts with the short word.
                out.extend(run.windows(4).map(|w| w.iter().collect::<String>()));
                out.push(run.into_iter().collect());
            }
            Script::Katakana | Script::Word => out.push(run.into_iter().collect()),
            Script::Hiragana if run.len() >= 3 => {
                // Long hiragana holds words people did not write in kanji; groups of three find them.
                out.extend(run.windows(3).map(|w| w.iter().collect::<String>()));
            }
            Script::Hiragana | Script::None => {}
        }
    }
    out
}

fn bigrams(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (script, run) in runs_of(text) {
        match script {
            Script::Han if run.len() == 1 => {
                let one: String = run.into_iter().collect();
                if !STOP_ZH.contains(&one.as_str()) {
                    out.push(one);
                }
            }
            Script::Han => out.extend(run.windows(2).map(|w| w.iter().collect::<String>())),
            Script::Katakana | Script::Word => out.push(run.into_iter().collect()),
            Script::Hiragana | Script::None => {}
        }
    }
    out
}

/// Glossary words by their first character, per language: finds the concepts a text speaks of.
#[derive(Default)]
pub struct Concepts {
    by_first: HashMap<(Lang, char), Vec<(String, u32)>>,
}

impl Concepts {
    /// Prepares the glossary; concept numbers are positions in it.
    pub fn new(analyser: &Analyser, glossary: &[super::load::Term]) -> Self {
        let mut by_first: HashMap<(Lang, char), Vec<(String, u32)>> = HashMap::new();
        for (id, term) in (0u32..).zip(glossary) {
            for lang in Lang::ALL {
                for word in term.words(*lang) {
                    let form = analyser.concept_form(*lang, word);
                    if let Some(first) = form.trim().chars().next() {
                        by_first.entry((*lang, first)).or_default().push((form, id));
                    }
                }
            }
        }
        Self { by_first }
    }

    /// The concepts named in a text, each once.
    pub fn find(&self, analyser: &Analyser, lang: Lang, text: &str) -> Vec<u32> {
        let form = analyser.concept_form(lang, text);
        let mut out = Vec::new();
        for (i, c) in form.char_indices() {
            // Spaced forms begin with a space; the bucket is that of the letter behind it.
            let spaced = matches!(lang, Lang::En | Lang::Vi);
            let key = if spaced {
                if c != ' ' {
                    continue;
                }
                form.get(i + 1..)
                    .and_then(|r| r.chars().next())
                    .unwrap_or(' ')
            } else {
                c
            };
            if let Some(words) = self.by_first.get(&(lang, key)) {
                let rest = form.get(i..).unwrap_or_default();
                out.extend(
                    words
                        .iter()
                        .filter(|(w, _)| rest.starts_with(w.as_str()))
                        .map(|(_, id)| *id),
                );
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// Which view of a text a tantivy field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// [`Terms::words`].
    Words,
    /// [`Terms::runs`].
    Runs,
}

/// One view of one language as a tantivy tokenizer.
#[derive(Clone)]
pub struct ViewTokenizer {
    /// Cuts the text.
    pub analyser: Analyser,
    /// The language.
    pub lang: Lang,
    /// The view.
    pub view: View,
}

impl Tokenizer for ViewTokenizer {
    type TokenStream<'a> = ListStream;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> ListStream {
        let terms = self.analyser.terms(self.lang, text);
        let list = match self.view {
            View::Words => terms.words,
            View::Runs => terms.runs,
        };
        ListStream {
            list: list.into_iter(),
            position: 0,
            token: Token::default(),
        }
    }
}

/// The tokens of a [`ViewTokenizer`].
pub struct ListStream {
    list: std::vec::IntoIter<String>,
    position: usize,
    token: Token,
}

impl TokenStream for ListStream {
    fn advance(&mut self) -> bool {
        match self.list.next() {
            Some(text) => {
                self.token = Token {
                    position: self.position,
                    text,
                    position_length: 1,
                    ..Token::default()
                };
                self.position += 1;
                true
            }
            None => false,
        }
    }
    fn token(&self) -> &Token {
        &self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
