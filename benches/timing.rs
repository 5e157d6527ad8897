//! Whether the time that a signature takes depends on the key or on the message: `make bench-timing`.
//!
//! The way of dudect (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", 2017): two classes of inputs,
//! one fixed and one random, measured in random order; Welch's t-test over all times and over those below several
//! percentiles, since interruptions only lengthen. |t| above 4.5 is taken for a difference; one below proves nothing. A
//! lower feature level is measured with `SOGOV_CPU`. Nonces cannot be chosen from outside and are random in both
//! classes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends at the first surprise, prints, and computes with times"
)]

mod support;

use sogov::crypto::sm2::{Order, PrivateKey, UserId, sign_batch};
use std::hint::black_box;
use std::time::Instant;
use support::measure::{pin, quantile};

const MEASUREMENTS: usize = 40_000;
/// In batches that fill the lanes there are fewer.
const BATCHES: usize = 8_000;
const LANES: usize = 8;
const INPUTS: usize = 1024;
const SUSPICIOUS: f64 = 4.5;

fn main() {
    pin(0);
    let id = UserId::default();
    let random_keys: Vec<_> = (0..INPUTS).map(|_| PrivateKey::generate().unwrap()).collect();
    // As many copies of one key as there are random ones, so that both classes use the caches alike. The scalar 1 has
    // the fewest digits there can be.
    let one = [&[0; 31], [1].as_slice()].concat();
    let fixed_keys: Vec<_> = (0..INPUTS).map(|_| PrivateKey::from_bytes(&one).unwrap()).collect();
    let random_messages: Vec<[u8; 64]> =
        random_keys.iter().map(|key| *key.sign(&id, b"").unwrap().as_bytes()).collect();
    let fixed_messages = vec![[0; 64]; INPUTS];

    println!("{:<44}{:>10}{:>10}  verdict", "signing", "largest t", "times");
    let keys = [&fixed_keys, &random_keys];
    report("one: a fixed key against random ones", MEASUREMENTS, &|class, i| {
        black_box(keys[class][i % INPUTS].sign(&id, &fixed_messages[i % INPUTS]).unwrap());
    });
    let (messages, longer) = ([&fixed_messages, &random_messages], [0; 128]);
    report("one: a fixed message against random ones", MEASUREMENTS, &|class, i| {
        black_box(random_keys[0].sign(&id, &messages[class][i % INPUTS]).unwrap());
    });
    // What a difference looks like: one more block to digest.
    report("control: 64 bytes against 128", MEASUREMENTS, &|class, _| {
        black_box(random_keys[0].sign(&id, &longer[..64 << class]).unwrap());
    });
    report("8 at once: a fixed key against random ones", BATCHES, &|class, i| {
        let order = |lane| {
            let key = &keys[class][(i * LANES + lane) % INPUTS];
            Order { key, user_id: &id, message: &fixed_messages[0] }
        };
        black_box(sign_batch(&(0..LANES).map(order).collect::<Vec<_>>()).unwrap());
    });
}

/// Measures an operation on inputs of class 0 and class 1 in random order, and prints t.
fn report(what: &str, measurements: usize, operation: &dyn Fn(usize, usize)) {
    let mut times = [Vec::new(), Vec::new()];
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for i in 0..measurements {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let class = (random >> 63) as usize;
        let begin = Instant::now();
        operation(class, i);
        let time = begin.elapsed().as_nanos() as f64;
        // The first ones fill caches.
        if i > measurements / 20 {
            times[class].push(time);
        }
    }
    let mut all = times.concat();
    all.sort_by(f64::total_cmp);
    let thresholds =
        (1..=20).map(|n| quantile(&all, 1.0 - 0.5_f64.powf(f64::from(n) / 2.0))).chain([f64::INFINITY]);
    let largest = thresholds
        .map(|limit| {
            let below =
                |class: &Vec<f64>| class.iter().copied().filter(|time| *time <= limit).collect::<Vec<_>>();
            welch(&below(&times[0]), &below(&times[1])).abs()
        })
        .fold(0.0, f64::max);
    let verdict = if largest > SUSPICIOUS { "a difference" } else { "no difference seen" };
    println!("{what:<44}{largest:>10.2}{:>10}  {verdict}", all.len());
}

/// Welch's t: the difference of two means in units of its standard error.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |of: &[f64]| {
        let len = of.len() as f64;
        let mean = of.iter().sum::<f64>() / len;
        let variance = of.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (len - 1.0);
        (mean, variance / len)
    };
    if a.len() < 2 || b.len() < 2 {
        return 0.0;
    }
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    let error = (error_a + error_b).sqrt();
    if error > 0.0 { (mean_a - mean_b) / error } else { 0.0 }
}
