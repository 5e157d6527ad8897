#![allow(clippy::panic, reason = "a test that cannot go on fails")]

use super::*;

fn breaker(rules: BreakerRules) -> Breaker {
    let breaker = Breaker::default();
    breaker.set_rules(&rules);
    breaker
}

fn at_ms(time: u64) -> Duration {
    now() + Duration::from_millis(time)
}

fn admitted(breaker: &Breaker) -> Note {
    match breaker.admit() {
        Admission::Admitted(note) => note,
        other => panic!("{other:?}"),
    }
}

/// Calls once and answers whether the breaker changed by it.
fn call(breaker: &Breaker, outcome: Outcome) -> Option<Change> {
    let note = admitted(breaker);
    breaker.record(note, outcome, || (0, 0))
}

fn failures(breaker: &Breaker, pattern: &str) -> Vec<Option<Change>> {
    let outcome = |c| if c == 'x' { Outcome::Failure } else { Outcome::Success };
    pattern.chars().map(|c| call(breaker, outcome(c))).collect()
}

/// Lets the time of an open breaker pass and takes its permit.
fn probe(breaker: &Breaker) -> Note {
    let word = breaker.word.load(Ordering::SeqCst);
    match breaker.admit_at(word, at_ms(400_000)) {
        Admission::Probe(note) => note,
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_failures_in_a_row_open_it() {
    let breaker = breaker(BreakerRules { failures: 0, ..BreakerRules::default() });
    assert_eq!(failures(&breaker, "xx.xx.xx.xx.xx.xx"), [None; 17]);
    assert_eq!(call(&breaker, Outcome::Failure), Some(Change::Opened));
    assert_eq!(breaker.admit(), Admission::Refused);
    let report = breaker.report();
    assert_eq!((report.phase, report.opened), (Phase::Open, 1));
    assert!(report.remaining > Duration::from_secs(290) && report.remaining <= Duration::from_mins(5));
}

#[test]
fn six_failures_of_ten_open_it_once_ten_were_counted() {
    let rules = BreakerRules { consecutive: 0, ..BreakerRules::default() };
    let one = breaker(rules);
    assert_eq!(failures(&one, "xxxxxxxxx"), [None; 9], "nine say nothing yet");
    assert_eq!(call(&one, Outcome::Failure), Some(Change::Opened));
    let other = breaker(rules);
    assert_eq!(failures(&other, ".x.x.x.x.x.x.x.x.x.x"), [None; 20], "five of ten");
    assert_eq!(call(&other, Outcome::Failure), Some(Change::Opened));
    let full = breaker(rules);
    assert_eq!(failures(&full, "xxxxxx..."), [None; 9]);
    assert_eq!(call(&full, Outcome::Success), Some(Change::Opened), "the tenth outcome fills the window");
}

#[test]
fn a_healthy_version_stays_closed_and_its_ring_is_not_written() {
    let breaker = breaker(BreakerRules::default());
    assert_eq!(failures(&breaker, &".".repeat(20)), [None; 20]);
    assert!(breaker.failures.is_clean(generation(breaker.word.load(Ordering::SeqCst)), 10));
    assert_eq!(call(&breaker, Outcome::Neutral), None);
}

#[test]
fn one_probe_is_let_through_and_its_success_closes_it() {
    let breaker = breaker(BreakerRules::default());
    failures(&breaker, "xxx");
    let word = breaker.word.load(Ordering::SeqCst);
    assert_eq!(breaker.admit_at(word, at_ms(299_000)), Admission::Refused);
    let permit = probe(&breaker);
    assert_eq!((breaker.admit(), breaker.report().phase), (Admission::Refused, Phase::Probing));
    assert_eq!(breaker.record(permit, Outcome::Success, || (0, 0)), Some(Change::Closed));
    assert_eq!(failures(&breaker, "xx"), [None; 2], "what failed before is forgotten");
}

#[test]
fn a_failed_probe_opens_it_for_the_whole_time_again() {
    let breaker = breaker(BreakerRules::default());
    failures(&breaker, "xxx");
    let permit = probe(&breaker);
    assert_eq!(breaker.record(permit, Outcome::Failure, || (0, 0)), Some(Change::Reopened));
    assert_eq!((breaker.admit(), breaker.report().opened), (Admission::Refused, 2));
}

#[test]
fn several_probes_must_succeed_one_after_the_other() {
    let breaker = breaker(BreakerRules { probes: 2, ..BreakerRules::default() });
    failures(&breaker, "xxx");
    let first = probe(&breaker);
    assert_eq!(breaker.record(first, Outcome::Success, || (0, 0)), None);
    let Admission::Probe(second) = breaker.admit() else { panic!("the next request is the second probe") };
    assert_eq!(breaker.admit(), Admission::Refused);
    assert_eq!(breaker.record(second, Outcome::Success, || (0, 0)), Some(Change::Closed));
}

#[test]
fn a_permit_that_is_not_heard_of_makes_room_for_the_next() {
    let breaker = breaker(BreakerRules::default());
    failures(&breaker, "xxx");
    let lost = probe(&breaker);
    let word = breaker.word.load(Ordering::SeqCst);
    assert_eq!(breaker.admit_at(word, at_ms(401_000)), Admission::Refused, "its lease is two seconds");
    let Admission::Probe(next) = breaker.admit_at(word, at_ms(403_000)) else { panic!("its lease is over") };
    assert_eq!(breaker.record(lost, Outcome::Failure, || (0, 0)), None, "too late");
    assert_eq!(breaker.record(next, Outcome::Success, || (0, 0)), Some(Change::Closed));
}

#[test]
fn a_permit_given_back_without_an_outcome_goes_to_the_next_request() {
    let breaker = breaker(BreakerRules::default());
    failures(&breaker, "xxx");
    let permit = probe(&breaker);
    assert_eq!(breaker.record(permit, Outcome::Neutral, || (0, 0)), None);
    assert!(matches!(breaker.admit(), Admission::Probe(_)));
}

#[test]
fn results_of_an_older_generation_do_not_count() {
    let breaker = breaker(BreakerRules::default());
    let old: Vec<Note> = (0..20).map(|_| admitted(&breaker)).collect();
    failures(&breaker, "xxx");
    let permit = probe(&breaker);
    breaker.record(permit, Outcome::Success, || (0, 0));
    for note in old {
        assert_eq!(breaker.record(note, Outcome::Failure, || (0, 0)), None);
    }
    assert_eq!(breaker.report().phase, Phase::Closed);
}

#[test]
fn slow_calls_open_it_where_the_rules_say_so() {
    let breaker = breaker(BreakerRules { window: 4, slow_ms: 1, slow: 500, ..BreakerRules::default() });
    let begin = |breaker: &Breaker| {
        let Admission::Admitted(Note([word, at])) = breaker.admit() else { panic!("it is closed") };
        (word, at)
    };
    std::thread::sleep(Duration::from_millis(3));
    let mut changes = Vec::new();
    for slow in [true, false, false, true] {
        let (word, at) = begin(&breaker);
        let note = Note([word, if slow { at - 2 } else { at + 1_000_000 }]);
        changes.push(breaker.record(note, Outcome::Success, || (0, 0)));
    }
    assert_eq!(changes, [None, None, None, Some(Change::Opened)]);
}

#[test]
fn a_share_of_failures_over_time_opens_it() {
    let rules = BreakerRules {
        consecutive: 0,
        failures: 0,
        interval_ms: 60_000,
        min_calls: 10,
        interval_failures: 300,
        ..BreakerRules::default()
    };
    let breaker = breaker(rules);
    let fail = |totals| {
        let note = admitted(&breaker);
        breaker.record(note, Outcome::Failure, || totals)
    };
    assert_eq!(fail((100, 1)), None);
    assert_eq!(fail((105, 2)), None, "six calls are too few");
    assert_eq!(fail((109, 3)), Some(Change::Opened), "three of ten");
}

#[test]
fn it_can_be_switched_off() {
    let breaker = breaker(BreakerRules { enabled: false, ..BreakerRules::default() });
    assert_eq!(failures(&breaker, &"x".repeat(20)), [None; 20]);
    breaker.set_rules(&BreakerRules::default());
    failures(&breaker, "xxx");
    assert_eq!(breaker.admit(), Admission::Refused);
    breaker.set_rules(&BreakerRules { enabled: false, ..BreakerRules::default() });
    assert!(matches!(breaker.admit(), Admission::Admitted(_)), "off is closed");
}

#[test]
fn quarantine_is_for_good() {
    let breaker = breaker(BreakerRules::default());
    breaker.quarantine();
    breaker.close();
    breaker.set_rules(&BreakerRules::default());
    assert_eq!((breaker.admit(), breaker.report().phase), (Admission::Refused, Phase::Quarantined));
    breaker.reset();
    assert_eq!(breaker.report().phase, Phase::Closed, "the number is another version's now");
}

#[test]
fn an_open_one_is_restored() {
    let breaker = breaker(BreakerRules::default());
    breaker.restore(Duration::from_mins(1));
    assert_eq!(breaker.admit(), Admission::Refused);
    assert!(breaker.report().remaining > Duration::from_secs(50));
    breaker.close();
    assert!(matches!(breaker.admit(), Admission::Admitted(_)));
}
