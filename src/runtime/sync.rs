//! The atomics of the lease protocol: the real ones, or loom's when the model is checked (`--cfg loom`).
#![forbid(unsafe_code)]

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Stands between a sequentially consistent write and the read that must not pass it. The accesses' own order is
/// enough by the memory model; loom knows sequential consistency of fences only, and gets one.
#[inline]
pub(super) fn write_before_read() {
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// The litmus of the protocol: each of two threads writes and then reads what the other writes.
#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn on_this_processor_one_of_two_sees_the_other() {
        const ROUNDS: u64 = 10_000;
        let (x, y, arrived) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let side = |mine: &AtomicU64, other: &AtomicU64| -> Vec<bool> {
            let round = |round| {
                arrived.fetch_add(1, Ordering::SeqCst);
                while arrived.load(Ordering::SeqCst) < 2 * round {
                    std::thread::yield_now();
                }
                mine.store(round, Ordering::SeqCst);
                write_before_read();
                other.load(Ordering::SeqCst) >= round
            };
            (1..=ROUNDS).map(round).collect()
        };
        let (left, right) = std::thread::scope(|scope| {
            let right = scope.spawn(|| side(&y, &x));
            (side(&x, &y), right.join().unwrap())
        });
        let missed = left.iter().zip(&right).position(|(left, right)| !left && !right);
        assert_eq!(missed, None, "both looked past each other");
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;

    fn litmus(between: fn()) {
        loom::model(move || {
            let (x, y) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let side = move |mine: &AtomicU64, other: &AtomicU64| {
                mine.store(1, Ordering::SeqCst);
                between();
                other.load(Ordering::SeqCst) == 1
            };
            let there = {
                let (x, y) = (Arc::clone(&x), Arc::clone(&y));
                loom::thread::spawn(move || side(&y, &x))
            };
            let here = side(&x, &y);
            assert!(here | there.join().unwrap(), "both looked past each other");
        });
    }

    #[test]
    fn one_of_two_sees_the_other() {
        litmus(write_before_read);
    }

    #[test]
    #[should_panic(expected = "both looked past each other")]
    fn without_the_order_both_look_past_each_other() {
        litmus(|| ());
    }
}
