//! A payment system's signatures: messages of 300 to 900 bytes, 70% of them signed with SM2-SM3, 15% with RSA-2048 and
//! PKCS#1 v1.5, 15% with RSA-2048-PSS, verified by 1, 8 and 64 callers, beside OpenSSL doing the same work:
//! `make bench-payment`.
//!
//! A caller is a thread that verifies one message after the other. The keys are known and decoded, ours prepared.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends at the first surprise, prints, and computes with times"
)]

#[path = "payment/mix.rs"]
mod mix;
mod support;

use mix::Mix;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use support::measure::{quantile, spread};

const MESSAGES: usize = 2000;
const CALLERS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(600);
/// Throughput and the latency that 1 in 100 exceeds, in the white paper that this design answers.
const PAPER: [(u32, u32); 2] = [(982, 42), (2140, 18)];
const RSA_NOTE: &str =
    "RSA beside our SM2 is the crate rsa 0.10.0-rc.20, by which the library verifies RSA-PSS too";

/// Verifies a message, by its number.
type Verify<'a> = &'a (dyn Fn(usize) -> bool + Sync);

/// What one of the two did with so many callers.
struct Result {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

fn main() {
    let mix = Mix::new(MESSAGES);
    let ours = |i| mix.verify_ours(i);
    let openssl = |i| mix.verify_openssl(i);
    println!("{:<9}{:<26}{:>12}{:>12}{:>12}", "callers", "", "per second", "p50, us", "p99, us");
    let rows: Vec<Value> =
        CALLERS.into_iter().flat_map(|callers| compare(&ours, &openssl, callers)).collect();
    for (per_second, p99) in PAPER {
        println!("{:<9}{:<26}{per_second:>12}{:>12}{:>12}", "", "the white paper", "", p99 * 1000);
    }
    println!("{RSA_NOTE}");
    let paper = PAPER.map(|(per_second, p99_ms)| json!({ "per_second": per_second, "p99_ms": p99_ms }));
    let document = json!({ "rows": rows, "paper": paper, "note": RSA_NOTE });
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("payment.json"), serde_json::to_string_pretty(&document).unwrap() + "\n")
        .unwrap();
}

/// Both in turn, over several rounds; prints and returns a row for each.
fn compare(ours: Verify<'_>, openssl: Verify<'_>, callers: usize) -> [Value; 2] {
    let rounds: Vec<[Result; 2]> =
        (0..ROUNDS).map(|_| [ours, openssl].map(|verify| run(verify, callers))).collect();
    let median = |who: usize, of: fn(&Result) -> f64| {
        spread(rounds.iter().map(|round| of(&round[who])).collect()).median
    };
    [(0, "sogov"), (1, "OpenSSL 3")].map(|(who, name)| {
        let (per_second, p50, p99) =
            (median(who, |r| r.per_second), median(who, |r| r.p50_us), median(who, |r| r.p99_us));
        println!("{callers:<9}{name:<26}{per_second:>12.0}{p50:>12.0}{p99:>12.0}");
        json!({ "callers": callers, "who": name, "per_second": per_second, "p50_us": p50, "p99_us": p99 })
    })
}

/// Callers at work for the time of a round.
fn run(verify: Verify<'_>, callers: usize) -> Result {
    let begin = Instant::now();
    let caller = |first: usize| {
        let mut latencies = Vec::new();
        while begin.elapsed() < ROUND {
            let asked = Instant::now();
            // Callers begin at different places of the mix.
            assert!(verify(first * 31 + latencies.len()), "a good signature was refused");
            latencies.push(asked.elapsed().as_nanos() as f64 / 1e3);
        }
        latencies
    };
    let mut latencies: Vec<f64> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|i| scope.spawn(move || caller(i))).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let per_second = latencies.len() as f64 / begin.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    Result { per_second, p50_us: quantile(&latencies, 0.5), p99_us: quantile(&latencies, 0.99) }
}
