//! Which cards are worth a closer look: the fields of the tantivy index and the query over them.

use super::index::{Asked, Index};
use crate::domain::language::Lang;
use std::collections::HashMap;
use tantivy::Term;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};

/// Weight of the runs beside the words.
const RUNS_WEIGHT: f32 = 0.6;
/// Weight of an answer's text beside a phrasing.
const BODY_WEIGHT: f32 = 0.25;
/// Weight of a concept of the glossary.
const CONCEPT_WEIGHT: f32 = 0.5;
/// Phrasings looked at more closely.
const CANDIDATES: usize = 80;
/// Cards the classifier adds.
const VOTED: usize = 5;

/// The fields of a phrasing in tantivy.
pub(super) struct Fields {
    pub(super) lang: Field,
    pub(super) card: Field,
    pub(super) variant: Field,
    pub(super) words: HashMap<Lang, Field>,
    pub(super) runs: HashMap<Lang, Field>,
    pub(super) body: HashMap<Lang, Field>,
    pub(super) concepts: Field,
}

impl Index {
    /// The cards worth a closer look: by tantivy over words, runs, answers and concepts, each term once. Cards in the question's
    /// language, then cards of entries that do not exist in it.
    pub fn candidates(&self, asked: &Asked) -> Vec<usize> {
        let mut cards = self.retrieve(asked, asked.lang, CANDIDATES);
        for lang in Lang::ALL.iter().filter(|l| **l != asked.lang) {
            let others = self.retrieve(asked, *lang, CANDIDATES / 4);
            cards.extend(others.into_iter().filter(|c| {
                self.cards
                    .get(*c)
                    .is_some_and(|card| !card.siblings.contains(&asked.lang))
            }));
        }
        // What the classifier thinks of most; where nothing is in common it has nothing to say.
        let mut votes: Vec<&(usize, f32)> = asked.votes.iter().collect();
        votes.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = if cards.is_empty() { 0 } else { VOTED };
        for (card, _) in votes.into_iter().take(found) {
            if !cards.contains(card) {
                cards.push(*card);
            }
        }
        cards
    }

    fn retrieve(&self, asked: &Asked, lang: Lang, limit: usize) -> Vec<usize> {
        if !self.counts.contains_key(&lang) {
            return Vec::new();
        }
        let f = &self.fields;
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut add = |field: Option<&Field>, term: &str, weight: f32| {
            if let Some(field) = field {
                let query = TermQuery::new(
                    Term::from_field_text(*field, term),
                    IndexRecordOption::WithFreqs,
                );
                clauses.push((
                    Occur::Should,
                    Box::new(BoostQuery::new(Box::new(query), weight)),
                ));
            }
        };
        for (t, id) in &asked.words {
            if id.is_some() {
                add(f.words.get(&lang), t, 1.0);
                add(f.body.get(&lang), t, BODY_WEIGHT);
            }
        }
        for (t, id) in &asked.runs {
            if id.is_some() {
                add(f.runs.get(&lang), t, RUNS_WEIGHT);
            }
        }
        for c in &asked.concepts {
            add(Some(&f.concepts), &c.to_string(), CONCEPT_WEIGHT);
        }
        if clauses.is_empty() {
            return Vec::new();
        }
        let language = TermQuery::new(
            Term::from_field_text(f.lang, lang.as_str()),
            IndexRecordOption::Basic,
        );
        let query = BooleanQuery::new(vec![
            (
                Occur::Must,
                Box::new(ConstScoreQuery::new(Box::new(language), 0.0)) as Box<dyn Query>,
            ),
            (Occur::Must, Box::new(BooleanQuery::new(clauses))),
        ]);
        let searcher = self.reader.searcher();
        let Ok(found) = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())
        else {
            return Vec::new();
        };
        let mut cards = Vec::new();
        for (_, address) in found {
            let column = searcher
                .segment_reader(address.segment_ord)
                .fast_fields()
                .u64("card");
            if let Some(card) = column.ok().and_then(|c| c.first(address.doc_id)) {
                let card = card as usize;
                if !cards.contains(&card) {
                    cards.push(card);
                }
            }
        }
        cards
    }
}

/// The schema, and its fields by name.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let mut text = |prefix: &str, tokenizer: &str| -> HashMap<Lang, Field> {
        Lang::ALL
            .iter()
            .map(|lang| {
                let indexing = TextFieldIndexing::default()
                    .set_tokenizer(&format!("{tokenizer}_{lang}"))
                    .set_index_option(IndexRecordOption::WithFreqs);
                let options = TextOptions::default().set_indexing_options(indexing);
                (
                    *lang,
                    builder.add_text_field(&format!("{prefix}_{lang}"), options),
                )
            })
            .collect()
    };
    let (words, runs, body) = (
        text("words", "words"),
        text("runs", "runs"),
        text("body", "words"),
    );
    let fields = Fields {
        words,
        runs,
        body,
        lang: builder.add_text_field("lang", STRING),
        card: builder.add_u64_field("card", FAST),
        variant: builder.add_u64_field("variant", FAST),
        concepts: builder.add_text_field("concepts", STRING),
    };
    (builder.build(), fields)
}
