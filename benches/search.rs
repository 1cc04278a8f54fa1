//! Search on the shipped knowledge, beside the plainest thing tantivy can do: one field, BM25, default analysis.

#![allow(clippy::expect_used, reason = "a benchmark")]

use jiff::civil::date;
use madoguchi::faq::{Index, Knowledge, Question};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Schema, TEXT};
use tantivy::{TantivyDocument, Term};

fn main() {
    divan::main();
}

fn questions(knowledge: &Knowledge) -> Vec<Question> {
    knowledge
        .entries
        .iter()
        .flat_map(|e| e.questions.iter().map(move |q| (e.lang, q)))
        .step_by(7)
        .map(|(lang, text)| Question {
            text: text.clone(),
            lang,
            desk: None,
            today: date(2026, 11, 20),
        })
        .collect()
}

#[divan::bench]
fn desk(bencher: divan::Bencher) {
    let knowledge = Knowledge::load_embedded().knowledge;
    let index = Index::build(&knowledge).expect("the shipped knowledge can be indexed");
    let questions = questions(&knowledge);
    let mut next = questions.iter().cycle();
    bencher.bench_local(|| next.next().map(|q| index.search(q)));
}

#[divan::bench]
fn plain_bm25(bencher: divan::Bencher) {
    let knowledge = Knowledge::load_embedded().knowledge;
    let mut schema = Schema::builder();
    let text = schema.add_text_field("text", TEXT);
    let index = tantivy::Index::create_in_ram(schema.build());
    let mut writer = index
        .writer_with_num_threads(1, 20_000_000)
        .expect("memory");
    for q in knowledge.entries.iter().flat_map(|e| &e.questions) {
        let mut doc = TantivyDocument::default();
        doc.add_text(text, q);
        writer.add_document(doc).expect("added");
    }
    writer.commit().expect("committed");
    let searcher = index.reader().expect("a reader").searcher();
    let mut analyser = index.tokenizer_for_field(text).expect("the default");
    let questions = questions(&knowledge);
    let mut next = questions.iter().cycle();
    bencher.bench_local(|| {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        if let Some(q) = next.next() {
            let mut stream = analyser.token_stream(&q.text);
            while stream.advance() {
                let term = Term::from_field_text(text, &stream.token().text);
                clauses.push((
                    Occur::Should,
                    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
                ));
            }
        }
        searcher.search(
            &BooleanQuery::new(clauses),
            &TopDocs::with_limit(10).order_by_score(),
        )
    });
}

#[divan::bench]
fn build(bencher: divan::Bencher) {
    let knowledge = Knowledge::load_embedded().knowledge;
    bencher.bench_local(|| Index::build(&knowledge));
}
