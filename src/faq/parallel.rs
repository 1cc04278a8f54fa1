//! Work side by side on as many cores as there are; the results keep their order, so that learning stays reproducible.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` with each item and gives the results in the items' order; `told` hears how many are done.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    told: &(dyn Fn(usize) + Sync),
) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    // Small pieces: one slow item must not leave the other cores idle at the end.
    let piece = items.len().div_ceil(workers * 16).max(1);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let pieces: Vec<&[T]> = items.chunks(piece).collect();
    let mut results: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(items) = pieces.get(at) else {
                            return mine;
                        };
                        mine.push((at, items.iter().map(&work).collect()));
                        told(done.fetch_add(items.len(), Ordering::Relaxed) + items.len());
                    }
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(mine) => mine,
                // The work itself failed: so does the whole.
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().flat_map(|(_, list)| list).collect()
}

/// Tells nobody.
pub fn quietly(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        for count in [0, 1, 7, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let most = AtomicUsize::new(0);
            let doubled = each(&items, |n| n * 2, &|done| {
                most.fetch_max(done, Ordering::Relaxed);
            });
            assert_eq!(doubled, items.iter().map(|n| n * 2).collect::<Vec<_>>());
            assert_eq!(most.into_inner(), count);
        }
    }
}
