//! A linear classifier over letter groups, one per language: for each card, how much each group speaks for it and against the others.
//! Unlike the comparison with single phrasings it learns which words tell entries apart. Learned anew with every version of the index.

use super::analyse::Analyser;
use crate::domain::language::Lang;
use crate::domain::text::{fold_for_search, fold_marks, normalise};
use std::collections::{BTreeSet, HashMap};

/// Passes over the phrasings. More gained nothing on folds that share no phrasing.
const PASSES: usize = 6;
/// First step; falls with each pass.
const STEP: f32 = 4.0;
/// Weights at most; a knowledge with more cards or words goes without a classifier, whose memory would grow with their product.
const MOST_WEIGHTS: usize = 16_000_000;
/// An answer teaches its words, but half as much as a phrasing: nobody asks in its words.
pub const ANSWER_WEIGHT: f32 = 0.5;

/// A text of a card.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// The card.
    pub card: usize,
    /// The text.
    pub text: &'a str,
    /// How much it counts; 1 for a phrasing.
    pub weight: f32,
}

/// What was learned about one language. One byte a weight: the order of the cards does not need more.
#[derive(Debug, Default)]
pub struct Classifier {
    groups: HashMap<String, u32>,
    rarity: Vec<f32>,
    cards: Vec<usize>,
    weights: Vec<i8>,
    scale: f32,
    wide: bool,
}

impl Classifier {
    /// Learns from the phrasings and answers of one language. The same lessons give the same classifier.
    pub fn learn(analyser: &Analyser, lang: Lang, lessons: &[Lesson<'_>]) -> Self {
        Self::learn_from(analyser, lang, lessons, false)
    }

    /// The same; `wide` also looks at pairs of words and at groups of three signs, which tell orders and threats from talk about them.
    pub fn learn_from(analyser: &Analyser, lang: Lang, lessons: &[Lesson<'_>], wide: bool) -> Self {
        let cards: Vec<usize> = lessons
            .iter()
            .map(|l| l.card)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut groups: HashMap<String, u32> = HashMap::new();
        let mut counts: Vec<u32> = Vec::new();
        let texts: Vec<Vec<u32>> = lessons
            .iter()
            .map(|lesson| {
                letter_groups(analyser, lang, lesson.text, wide)
                    .into_iter()
                    .map(|group| {
                        let next = groups.len() as u32;
                        let id = *groups.entry(group).or_insert(next);
                        if let Some(n) = counts.get_mut(id as usize) {
                            *n += 1;
                        } else {
                            counts.push(1);
                        }
                        id
                    })
                    .collect()
            })
            .collect();
        let all = lessons.len() as f32;
        let rarity: Vec<f32> = counts
            .iter()
            .map(|n| ((all + 1.0) / (*n as f32 + 1.0)).ln() + 1.0)
            .collect();
        let mut learned = Self {
            groups,
            rarity,
            cards,
            weights: Vec::new(),
            scale: 0.0,
            wide,
        };
        if learned.rarity.len().saturating_mul(learned.cards.len()) > MOST_WEIGHTS {
            return Self::default();
        }
        // What stays is laid out before what goes, so that the memory of learning can be given back.
        let mut small = Vec::with_capacity(learned.rarity.len() * learned.cards.len());
        let weights = learned.descend(lessons, &texts);
        let largest = weights.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
        if largest > 0.0 {
            learned.scale = largest / 127.0;
            small.extend(weights.iter().map(|w| (w / learned.scale).round() as i8));
            learned.weights = small;
        }
        learned
    }

    /// Softmax regression by stochastic descent in a fixed, scattered order.
    fn descend(&self, lessons: &[Lesson<'_>], texts: &[Vec<u32>]) -> Vec<f32> {
        let width = self.cards.len();
        let mut weights = vec![0.0_f32; self.rarity.len() * width];
        let mut sums = vec![0.0_f32; width];
        let vectors: Vec<Vec<(u32, f32)>> = texts.iter().map(|t| self.unit(t)).collect();
        let stride = scattering(lessons.len());
        for pass in 0..PASSES {
            let step = STEP / (1.0 + 0.3 * pass as f32);
            for i in 0..lessons.len() {
                let at = (i * stride + pass) % lessons.len();
                let (Some(lesson), Some(vector)) = (lessons.get(at), vectors.get(at)) else {
                    continue;
                };
                sums.fill(0.0);
                for (group, value) in vector {
                    if let Some(row) = row(&weights, *group, width) {
                        for (sum, weight) in sums.iter_mut().zip(row) {
                            *sum += value * weight;
                        }
                    }
                }
                softmax(&mut sums);
                let right = self.cards.binary_search(&lesson.card).unwrap_or(usize::MAX);
                for (class, share) in sums.iter_mut().enumerate() {
                    *share = f32::from(u8::from(class == right)) - *share;
                }
                for (group, value) in vector {
                    let change = step * lesson.weight * value;
                    let from = *group as usize * width;
                    if let Some(row) = weights.get_mut(from..from + width) {
                        for (weight, pull) in row.iter_mut().zip(&sums) {
                            *weight += change * pull;
                        }
                    }
                }
            }
        }
        weights
    }

    /// What speaks for each card, in no unit; compare by [`shares`].
    pub fn votes(&self, analyser: &Analyser, lang: Lang, text: &str) -> Vec<(usize, f32)> {
        let width = self.cards.len();
        let known: Vec<u32> = letter_groups(analyser, lang, text, self.wide)
            .iter()
            .filter_map(|group| self.groups.get(group).copied())
            .collect();
        let mut sums = vec![0.0_f32; width];
        for (group, value) in self.unit(&known) {
            if let Some(row) = row(&self.weights, group, width) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += value * f32::from(*weight) * self.scale;
                }
            }
        }
        self.cards.iter().copied().zip(sums).collect()
    }

    /// Groups weighted by rarity, as a vector of length one.
    fn unit(&self, groups: &[u32]) -> Vec<(u32, f32)> {
        let weights: Vec<(u32, f32)> = groups
            .iter()
            .map(|g| (*g, self.rarity.get(*g as usize).copied().unwrap_or(1.0)))
            .collect();
        let length = weights
            .iter()
            .map(|(_, w)| w * w)
            .sum::<f32>()
            .sqrt()
            .max(1e-6);
        weights.into_iter().map(|(g, w)| (g, w / length)).collect()
    }
}

fn row<T>(weights: &[T], group: u32, width: usize) -> Option<&[T]> {
    let from = group as usize * width;
    weights.get(from..from + width)
}

fn softmax(sums: &mut [f32]) {
    let top = sums.iter().copied().fold(f32::MIN, f32::max);
    let mut all = 0.0;
    for s in sums.iter_mut() {
        *s = (*s - top).exp();
        all += *s;
    }
    for s in sums.iter_mut() {
        *s /= all;
    }
}

/// A step that visits every place below `n` once and leaves neighbours far apart.
fn scattering(n: usize) -> usize {
    let divides = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (n * 5 / 13 + 1..)
        .find(|stride| divides(n.max(1), *stride) == 1)
        .unwrap_or(1)
}

/// The share of each card among those that may answer; sums to 1.
pub fn shares(votes: &[(usize, f32)], keep: impl Fn(usize) -> bool) -> HashMap<usize, f64> {
    let kept: Vec<(usize, f64)> = votes
        .iter()
        .filter(|(card, _)| keep(*card))
        .map(|(card, vote)| (*card, f64::from(*vote)))
        .collect();
    let top = kept.iter().map(|(_, v)| *v).fold(f64::MIN, f64::max);
    let all: f64 = kept.iter().map(|(_, v)| (v - top).exp()).sum();
    kept.into_iter()
        .map(|(card, vote)| (card, (vote - top).exp() / all))
        .collect()
}

/// Distinct letter groups: one and two letters of Japanese and Chinese; two to four letters of each word elsewhere, ends marked, and for
/// Vietnamese also the syllables with their marks.
fn letter_groups(analyser: &Analyser, lang: Lang, text: &str, wide: bool) -> BTreeSet<String> {
    let text = normalise(text);
    let mut out = BTreeSet::new();
    let mut words = |text: &str, longest: usize| {
        for word in text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
        {
            let letters: Vec<char> = std::iter::once(' ')
                .chain(word.chars())
                .chain(std::iter::once(' '))
                .collect();
            for length in 2..=longest {
                out.extend(
                    letters
                        .windows(length)
                        .map(|w| w.iter().collect::<String>()),
                );
            }
        }
    };
    match lang {
        Lang::Ja | Lang::Zh => {
            let letters: Vec<char> = fold_for_search(&text)
                .chars()
                .filter(|c| c.is_alphanumeric())
                .collect();
            out.extend(letters.iter().map(char::to_string));
            out.extend(letters.windows(2).map(|w| w.iter().collect::<String>()));
            if wide {
                out.extend(letters.windows(3).map(|w| w.iter().collect::<String>()));
            }
        }
        Lang::En => words(&text, 4),
        Lang::Vi => {
            words(&fold_marks(&text), 4);
            out.extend(analyser.terms(lang, &text).words);
        }
    }
    if wide && matches!(lang, Lang::En | Lang::Vi) {
        let bare = fold_marks(&text);
        let list: Vec<&str> = bare
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .collect();
        out.extend(list.windows(2).map(|pair| pair.join("_")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_what_tells_cards_apart() {
        let analyser = Analyser::default();
        let lessons: Vec<Lesson<'_>> = [
            (3, "How do I change my address?"),
            (3, "change the registered address"),
            (3, "our address has changed"),
            (9, "How do I delete my account?"),
            (9, "close and delete the account"),
            (9, "remove our account"),
        ]
        .into_iter()
        .map(|(card, text)| Lesson {
            card,
            text,
            weight: 1.0,
        })
        .collect();
        let classifier = Classifier::learn(&analyser, Lang::En, &lessons);
        for (text, right) in [
            ("How do I tell you a new address?", 3),
            ("please remove me", 9),
        ] {
            let votes = classifier.votes(&analyser, Lang::En, text);
            let shares = shares(&votes, |_| true);
            assert!(shares[&right] > 0.6, "{text}: {shares:?}");
        }
        let nothing = classifier.votes(&analyser, Lang::En, "");
        assert_eq!(nothing.len(), 2);
    }

    #[test]
    fn a_knowledge_too_large_for_it_goes_without() {
        let analyser = Analyser::default();
        let texts: Vec<String> = (0..3000)
            .map(|i| format!("kind{i}word x{i}y z{}w", i * 7919))
            .collect();
        let lessons: Vec<Lesson<'_>> = texts
            .iter()
            .enumerate()
            .map(|(card, text)| Lesson {
                card,
                text,
                weight: 1.0,
            })
            .collect();
        let classifier = Classifier::learn(&analyser, Lang::En, &lessons);
        assert!(
            classifier
                .votes(&analyser, Lang::En, "kind1word")
                .is_empty()
        );
    }

    #[test]
    fn every_place_is_visited_once() {
        for n in 1..200 {
            let stride = scattering(n);
            let seen: BTreeSet<usize> = (0..n).map(|i| i * stride % n).collect();
            assert_eq!(seen.len(), n);
        }
    }
}
