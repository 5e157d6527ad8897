//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`
#![allow(clippy::panic, reason = "a model that cannot go on fails")]

use super::*;
use loom::sync::Arc;

const PROBE_LEASE_MS: u64 = 2000;

/// A breaker that opens at the second failure in a row.
fn breaker() -> Arc<Breaker> {
    let breaker = Breaker::default();
    breaker.set_rules(&BreakerRules {
        consecutive: 2,
        probe_lease_ms: PROBE_LEASE_MS,
        ..BreakerRules::default()
    });
    Arc::new(breaker)
}

fn fail(breaker: &Breaker) -> Option<Change> {
    let Admission::Admitted(note) = breaker.admit() else { return None };
    breaker.record(note, Outcome::Failure, || (0, 0))
}

/// Two failures on two threads: whatever their order, it opens, and one of them says so.
#[test]
fn it_opens_once_and_at_once() {
    loom::model(|| {
        let breaker = breaker();
        let other = {
            let breaker = Arc::clone(&breaker);
            loom::thread::spawn(move || fail(&breaker))
        };
        let here = fail(&breaker);
        let changes = [here, other.join().unwrap()];
        assert_eq!(changes.iter().flatten().count(), 1, "{changes:?}");
        assert_eq!(breaker.admit(), Admission::Refused);
        assert_eq!(breaker.report().opened, 1);
    });
}

/// An open breaker whose time is over gives one permit to two threads that ask.
#[test]
fn one_request_gets_the_permit() {
    loom::model(|| {
        let breaker = breaker();
        breaker.restore(Duration::ZERO);
        let ask = |breaker: &Breaker| matches!(breaker.admit(), Admission::Probe(_));
        let other = {
            let breaker = Arc::clone(&breaker);
            loom::thread::spawn(move || ask(&breaker))
        };
        let here = ask(&breaker);
        assert!(here ^ other.join().unwrap(), "one of them");
    });
}

/// The result of a lost probe comes while the next probe succeeds: it does not count.
#[test]
fn a_late_result_does_not_open_it_again() {
    loom::model(|| {
        let breaker = breaker();
        breaker.restore(Duration::ZERO);
        let Admission::Probe(lost) = breaker.admit() else { panic!("the first permit") };
        let word = breaker.word.load(Ordering::SeqCst);
        let later = now() + Duration::from_millis(2 * PROBE_LEASE_MS);
        let Admission::Probe(permit) = breaker.admit_at(word, later) else { panic!("the second permit") };
        let late = {
            let breaker = Arc::clone(&breaker);
            loom::thread::spawn(move || breaker.record(lost, Outcome::Failure, || (0, 0)))
        };
        assert_eq!(breaker.record(permit, Outcome::Success, || (0, 0)), Some(Change::Closed));
        assert_eq!(late.join().unwrap(), None);
        assert_eq!(breaker.report().phase, Phase::Closed);
    });
}

/// The negative control: were generations not compared, loom must find the late result that opens the breaker.
#[test]
#[should_panic(expected = "a late result counted")]
fn without_generations_the_model_fails() {
    loom::model(|| {
        let breaker = breaker();
        breaker.restore(Duration::ZERO);
        let Admission::Probe(lost) = breaker.admit() else { panic!("the first permit") };
        let word = breaker.word.load(Ordering::SeqCst);
        let later = now() + Duration::from_millis(2 * PROBE_LEASE_MS);
        let Admission::Probe(permit) = breaker.admit_at(word, later) else { panic!("the second permit") };
        let late = {
            let breaker = Arc::clone(&breaker);
            loom::thread::spawn(move || {
                // What a result would do that takes over the generation of the moment.
                let Note([_, began]) = lost;
                let now = breaker.word.load(Ordering::SeqCst);
                breaker.record(Note([now, began]), Outcome::Failure, || (0, 0))
            })
        };
        let answered = breaker.record(permit, Outcome::Success, || (0, 0));
        let late = late.join().unwrap();
        assert!(answered == Some(Change::Closed) && late.is_none(), "a late result counted");
    });
}
