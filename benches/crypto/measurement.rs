//! Rates of all operations of all that take part, taken in turn over several rounds.

use crate::cases;
use crate::child::Driver;
use crate::driver::Case;
use crate::field::{Entrant, Field, SOGOV, SOGOV_C};
use crate::support::measure::{Spread, pin, spread};
use sogov::crypto::sm2::PrivateKey;
use std::collections::BTreeMap;

const ROUNDS: usize = 7;
const MILLISECONDS: u64 = 100;
/// A multiple of every peer's lanes.
const CASES: usize = 1024;

/// Operations with the names under which their rates are kept; `@` tells how many keys the signatures are by where
/// that is not one.
const BY_ONE_KEY: [&str; 8] = [
    "verify_one",
    "verify_one_new_key",
    "verify_batch",
    "sign_one",
    "sign_batch",
    "sm3_stream",
    "sm3_lanes",
    "sm3_tree",
];
const BY_128_KEYS: [&str; 1] = ["verify_batch@128"];
const BY_NEW_KEYS: [&str; 1] = ["verify_batch_new_key@1024"];
const ON_THREADS: [&str; 2] = ["verify_one_thread", "verify_two_threads"];
/// By the C interface. The second is no rate: microseconds.
const IN_BACKGROUND: [&str; 2] = ["verify_async", VERIFY_ASYNC_P99];
const VERIFY_ASYNC_P99: &str = "verify_async_p99";

/// Units a second (or what the operation measures) in each round, by the name of who did it and the operation.
#[derive(Default)]
pub struct Rates(BTreeMap<(String, &'static str), Vec<f64>>);

impl Rates {
    /// Measures; this thread and those that run on one processor stay on the first one from then on.
    pub fn measure(field: &Field) -> Self {
        let mut runners = runners(field);
        let mut rates = Self::default();
        for round in 0..=ROUNDS {
            // By operation and not by contender: what is compared is measured close together.
            let mut turns: Vec<(&'static str, usize)> = runners
                .iter()
                .enumerate()
                .flat_map(|(i, runner)| runner.operations.iter().map(move |operation| (*operation, i)))
                .collect();
            turns.sort_unstable();
            for (operation, i) in turns {
                let runner = &mut runners[i];
                match runner.rate(operation) {
                    // The first round warms up.
                    Some(rate) if round > 0 => {
                        rates.0.entry((runner.name.clone(), operation)).or_default().push(rate);
                    }
                    Some(_) => {}
                    None => runner.operations.retain(|known| *known != operation),
                }
            }
        }
        rates
    }

    pub fn of(&self, name: &str, operation: &str) -> Option<Spread> {
        self.rounds(name, operation).map(|rounds| spread(rounds.clone()))
    }

    /// The median over the rounds of one rate over another of the same round.
    pub fn ratio(&self, ours: (&str, &str), peer: (&str, &str)) -> Option<f64> {
        let (ours, peer) = (self.rounds(ours.0, ours.1)?, self.rounds(peer.0, peer.1)?);
        Some(spread(ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect()).median)
    }

    /// Who was fastest at an operation, this library left out.
    pub fn best_peer(&self, operation: &str) -> Option<String> {
        let peers = self.0.keys().filter(|(name, of)| *of == operation && !name.starts_with(SOGOV));
        let rate = |name: &str| self.of(name, operation).map_or(0.0, |spread| spread.median);
        peers.max_by(|(a, _), (b, _)| rate(a).total_cmp(&rate(b))).map(|(name, _)| name.clone())
    }

    /// Everything that was measured.
    pub fn all(&self) -> impl Iterator<Item = (&str, &'static str, Spread)> {
        self.0.iter().map(|((name, operation), rounds)| (name.as_str(), *operation, spread(rounds.clone())))
    }

    fn rounds(&self, name: &str, operation: &str) -> Option<&Vec<f64>> {
        self.0.iter().find(|((of, what), _)| of == name && *what == operation).map(|(_, rounds)| rounds)
    }
}

/// A driver with cases loaded.
struct Runner {
    name: String,
    driver: Driver,
    operations: Vec<&'static str>,
}

impl Runner {
    /// Units a second: of the processor's time, so that other programs do not count; of the clock's where several
    /// processors are at work.
    fn rate(&mut self, operation: &str) -> Option<f64> {
        let (command, _) = operation.split_once('@').unwrap_or((operation, ""));
        let run = self.driver.run(command, MILLISECONDS)?;
        if operation == VERIFY_ASYNC_P99 {
            return Some(run.units as f64 / 1e3);
        }
        let by_clock = ON_THREADS.contains(&operation) || IN_BACKGROUND.contains(&operation);
        let time = if by_clock { run.nanoseconds } else { run.processor_nanoseconds };
        Some(run.units as f64 * 1e9 / time as f64)
    }
}

fn runners(field: &Field) -> Vec<Runner> {
    let signer = PrivateKey::generate().unwrap();
    let start = |entrant: &Entrant, cases: &[Case], operations: &[&'static str]| {
        let mut driver = entrant.start();
        let spki = signer.public_key().to_spki_der();
        driver.signer(&signer.to_pkcs8_der().unwrap(), signer.to_bytes().unwrap().as_slice(), &spki);
        driver.load(cases);
        Runner { name: entrant.name.clone(), driver, operations: operations.to_vec() }
    };
    let [one_key, keys_128, new_keys] = [1, 128, CASES].map(|keys| cases::good(CASES, keys));
    let ours = field.entrant(SOGOV).unwrap();
    let mut runners = vec![start(ours, &one_key, &ON_THREADS)];
    runners.extend(field.entrant(SOGOV_C).map(|entrant| start(entrant, &one_key, &IN_BACKGROUND)));
    // A driver stays where it is started.
    pin(0);
    for entrant in &field.entrants {
        runners.push(start(entrant, &one_key, &BY_ONE_KEY));
        runners.push(start(entrant, &new_keys, &BY_NEW_KEYS));
    }
    runners.push(start(ours, &keys_128, &BY_128_KEYS));
    runners
}
