//! One side of a book, with queues for slots, against a tree.
use std::collections::BTreeMap;

mod support;

use fafnir_book::{Half, Slot};
use support::shortened;
use types::rng::SplitMix64;

/// As the venue's: what a queue holds, and its ends, none of which is zero in an empty one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Queue {
    total: i64,
    head: u32,
}

impl Slot for Queue {
    const EMPTY: Queue = Queue { total: -1, head: u32::MAX };
    fn is_empty(&self) -> bool {
        self.head == u32::MAX
    }
}

const LEVELS_MAX: usize = 48;

/// Comes, changes, goes and walks agree with a tree, near the touch, far from it, and while the market runs away.
#[test]
fn agrees_with_a_tree_under_random_operations() {
    let (seed, steps) = (64, shortened(100_000) as u64);
    let mut rng = SplitMix64::new(seed);
    for (side, start) in [(0, 5_000_000i64), (1, !5_000_000), (2, 1), (3, !1)] {
        let (mut half, mut tree) = (Half::<Queue, 64>::new(LEVELS_MAX), BTreeMap::<i64, Queue>::new());
        let (mut middle, mut refused, mut changed_far, mut cleared) = (start, 0, 0, 0);
        for step in 0..steps as i64 {
            let at = format!("seed {seed} side {side} step {step}");
            if rng.below(200) == 0 {
                let jump = [40, 600, 9_000, 1_000_000][rng.below(4) as usize];
                middle = start + (middle - start + rng.below(2 * jump + 1) as i64 - jump as i64) % 3_000_000;
            }
            let spread = [30, 30, 700, 20_000][rng.below(4) as usize];
            let key = middle - rng.below(spread) as i64;
            let any = tree.keys().nth(rng.below(tree.len().max(1) as u64) as usize).copied().unwrap_or(key);
            let before = tree.get(&key).copied().unwrap_or(Queue::EMPTY);
            match rng.below(20) {
                0..11 => {
                    let queue = Queue { total: step, head: step as u32 };
                    let has_room = tree.contains_key(&key) || tree.len() < LEVELS_MAX;
                    assert_eq!(half.set(key, queue), has_room.then_some(before), "{at}");
                    match has_room {
                        true => drop(tree.insert(key, queue)),
                        false => refused += 1,
                    }
                }
                11..14 => {
                    let best = tree.last_key_value().map(|(&key, &queue)| (key, queue));
                    assert_eq!(half.best(), best.map(|best| best.0), "{at}");
                    if let Some((key, queue)) = best {
                        half.best_slot_mut().total += 1;
                        assert_eq!(
                            half.set(key, Queue::EMPTY),
                            Some(Queue { total: queue.total + 1, ..queue }),
                            "{at}"
                        );
                        tree.remove(&key);
                    }
                }
                14..17 => {
                    let queue = tree.remove(&any).unwrap_or(Queue::EMPTY);
                    assert_eq!(half.set(any, Queue::EMPTY), Some(queue), "{at}");
                }
                _ => {
                    assert_eq!(half.get_mut(key).copied(), tree.get(&key).copied(), "{at}");
                    if let (Some(queue), Some(same)) = (half.get_mut(any), tree.get_mut(&any)) {
                        (queue.total, same.total) = (queue.total + 7, same.total + 7);
                        changed_far += (half.best_key() - any > 4_096) as u64;
                    }
                }
            }
            if rng.below(steps / 5) == 0 {
                half.clear();
                tree.clear();
                cleared += 1;
            }
            let best = tree.last_key_value();
            assert_eq!(half.best_key(), best.map_or(i64::MIN, |best| *best.0), "{at}");
            assert_eq!(half.best_slot(), best.map_or(Queue::EMPTY, |best| *best.1), "{at}");
            for key in [key, any] {
                assert_eq!(half.get(key), tree.get(&key).copied().unwrap_or(Queue::EMPTY), "{at}");
            }
            assert_eq!((half.count(), half.is_full()), (tree.len(), tree.len() == LEVELS_MAX), "{at}");
            assert!(step % 16 != 0 || half.walk().eq(tree.iter().rev().map(|(&key, &queue)| (key, queue))), "{at}");
        }
        let seldom = [(refused, steps / 1_000), (changed_far, steps / 200), (cleared, 0)];
        assert!(seldom.iter().all(|(count, least)| count > least), "{seldom:?}");
    }
}

#[test]
fn it_says_what_it_is() {
    let mut half = Half::<i64, 1>::new(2);
    assert_eq!(format!("{half:?}"), "Half { best: None, count: 0 }");
    half.set(-5, 3);
    assert_eq!(format!("{half:?}"), "Half { best: Some(-5), count: 1 }");
}

/// Levels many words apart in a window of several summary words: the next best is found in whichever it stands, round
/// the end of the ring, and what is cleared is empty.
#[test]
fn finds_the_next_best_across_a_wide_window() {
    fn run<const WORDS: usize>(seed: u64) {
        let mut rng = SplitMix64::new(seed);
        let mut half = Half::<i64, WORDS>::new(LEVELS_MAX);
        for round in 0..400 {
            // Wherever the window's first word stands in the ring; what is deep behind the best is still in it.
            let best = 10_000_000 + 64 * rng.below(4 * WORDS as u64) as i64;
            let mut tree = BTreeMap::from([(best, 1)]);
            for _ in 0..1 + rng.below(3) {
                tree.insert(best - rng.below(48 * WORDS as u64) as i64, 2);
            }
            for (&key, &total) in tree.iter().rev() {
                assert_eq!(half.set(key, total), Some(0), "seed {seed} round {round}");
            }
            assert!(half.walk().eq(tree.iter().rev().map(|(&key, &total)| (key, total))), "seed {seed} round {round}");
            if rng.below(4) == 0 {
                half.clear();
                for &key in tree.keys() {
                    assert_eq!(half.get(key), 0, "seed {seed} round {round}");
                }
            }
            for &key in tree.keys().rev().filter(|_| half.count() > 0).collect::<Vec<_>>() {
                assert_eq!(half.best(), Some(key), "seed {seed} round {round}");
                half.set(key, 0);
            }
            assert_eq!((half.best(), half.count()), (None, 0));
        }
    }
    run::<64>(1);
    run::<256>(2);
    run::<1024>(3);
}
