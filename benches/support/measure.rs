//! Timing several ways of doing something in turn, so that whatever disturbs the machine disturbs all of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const ROUNDS: usize = 401;
/// Short against the scheduler's slices: other programs then disturb few rounds, and the median none.
const ROUND_NANOSECONDS: u64 = 250_000;

/// One way of doing something: does it `n` times and answers the nanoseconds that took.
pub type Loop<'a> = Box<dyn Fn(u64) -> u64 + Sync + 'a>;

/// What a quantity was over the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

/// Nanoseconds that one turn of each loop takes on each of `threads` threads that run it at once, every thread
/// pinned to a processor.
pub fn interleaved(loops: &[Loop<'_>], threads: usize) -> Vec<Spread> {
    let turns: Vec<u64> = loops.iter().map(|run| turns_of_a_round(run)).collect();
    let arrived = AtomicUsize::new(0);
    let on_thread = |processor: usize| {
        pin(processor);
        let mut rounds = vec![Vec::with_capacity(ROUNDS); loops.len()];
        let mut expected = 0;
        for round in 0..=ROUNDS {
            for ((run, turns), times) in loops.iter().zip(&turns).zip(&mut rounds) {
                // Spinning, not sleeping: woken threads would start one after the other and hardly meet.
                expected += threads;
                arrived.fetch_add(1, Ordering::AcqRel);
                while arrived.load(Ordering::Acquire) < expected {
                    std::hint::spin_loop();
                }
                let time = run(*turns) as f64 / *turns as f64;
                // The first round warms up.
                if round > 0 {
                    times.push(time);
                }
            }
        }
        rounds
    };
    let by_thread: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(move || on_thread(thread))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let mean = |of: usize, round: usize| {
        by_thread.iter().map(|rounds| rounds[of][round]).sum::<f64>() / threads as f64
    };
    (0..loops.len()).map(|of| spread((0..ROUNDS).map(|round| mean(of, round)).collect())).collect()
}

/// A loop around a Rust function.
pub fn rust_loop<'a>(turn: impl Fn() + Sync + 'a) -> Loop<'a> {
    Box::new(move |turns| {
        let begin = Instant::now();
        for _ in 0..turns {
            turn();
        }
        u64::try_from(begin.elapsed().as_nanos()).unwrap()
    })
}

/// The least, the middle and the greatest of some values.
pub fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    Spread { min: values[0], median: quantile(&values, 0.5), max: values[values.len() - 1] }
}

/// The value below which the part `q` of the sorted values lies.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

/// Keeps the calling thread on the `nth` of the processors that the process may use, counted round.
pub fn pin(nth: usize) {
    // SAFETY: a set of processors is plain bits; the calls read and write the one they are given.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(libc::getpid(), size_of_val(&allowed), &raw mut allowed), 0);
        let bits = libc::CPU_SETSIZE as usize;
        let processors: Vec<usize> = (0..bits).filter(|cpu| libc::CPU_ISSET(*cpu, &allowed)).collect();
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processors[nth % processors.len()], &mut one);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&one), &raw const one), 0);
    }
}

/// How often a loop turns in the time of a round.
fn turns_of_a_round(run: &Loop<'_>) -> u64 {
    let mut turns = 1;
    loop {
        let time = run(turns);
        if time > ROUND_NANOSECONDS / 8 {
            return (turns * ROUND_NANOSECONDS / time).max(1);
        }
        turns *= 2;
    }
}
