//! The verifier with real threads and real signatures.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "the helpers belong to the tests")]

use super::*;
use crate::crypto::sm2::{PrivateKey, Signature, UserId};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{OnceLock, Weak};
use std::thread;

static KEYS: PreparedKeys = PreparedKeys::new(16 << 20);

/// Messages, good and bad claims over them, and what is right for each.
struct Cases {
    keys: Vec<PrivateKey>,
    messages: Vec<Vec<u8>>,
    signatures: Vec<Signature>,
}

impl Cases {
    const COUNT: usize = 24;

    fn new() -> Self {
        let keys: Vec<_> = (0..3).map(|_| PrivateKey::generate().unwrap()).collect();
        let messages: Vec<_> = (0..Self::COUNT).map(|i| vec![7; [0, 1, 300, 5000][i % 4] + i]).collect();
        let signatures =
            (0..Self::COUNT).map(|i| keys[i % 3].sign(&UserId::DEFAULT, &messages[i]).unwrap()).collect();
        Self { keys, messages, signatures }
    }

    /// A submission for the ticket, of which every third one is wrong, in one of three ways.
    fn submission(&self, ticket: u64) -> (Submission<'_>, Status) {
        let i = usize::try_from(ticket).unwrap() % Self::COUNT;
        let good = Submission {
            ticket,
            key: self.keys[i % 3].public_key(),
            user_id: &UserId::DEFAULT,
            message: &self.messages[i],
            signature: Some(&self.signatures[i]),
        };
        let bad = match ticket % 9 {
            2 => Submission { signature: None, ..good },
            5 => Submission { signature: Some(&self.signatures[(i + 3) % Self::COUNT]), ..good },
            8 => Submission { key: self.keys[(i + 1) % 3].public_key(), ..good },
            _ => return (good, Status::Ok),
        };
        (bad, Status::SignatureInvalid)
    }
}

/// Every ticket once, with the right verdict.
fn check(cases: &Cases, accepted: &[u64], answers: &[Answer]) {
    let mut expected: BTreeMap<u64, Status> =
        accepted.iter().map(|ticket| (*ticket, cases.submission(*ticket).1)).collect();
    for answer in answers {
        assert_eq!(expected.remove(&answer.ticket), Some(answer.status), "{answer:?}");
    }
    assert!(expected.is_empty(), "without an answer: {expected:?}");
}

/// Hands in `count` tickets from `first` on, with patience; answers those that were accepted before the closing.
fn submit_all(verifier: &Verifier, cases: &Cases, first: u64, count: u64) -> Vec<u64> {
    let mut accepted = Vec::new();
    for ticket in first..first + count {
        loop {
            match verifier.submit(&cases.submission(ticket).0) {
                Ok(()) => accepted.push(ticket),
                Err(refusal) if refusal.status() == Status::Busy => {
                    thread::yield_now();
                    continue;
                }
                Err(refusal) => {
                    assert_eq!(refusal.status(), Status::Closed, "{refusal}");
                    return accepted;
                }
            }
            break;
        }
    }
    accepted
}

fn poll_to_the_end(verifier: &Verifier) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        match verifier.poll(50, None, |answer| answers.push(answer)) {
            Ok(count) => assert!((1..=50).contains(&count)),
            Err(end) => {
                assert_eq!(end.status(), Status::Closed, "{end}");
                return answers;
            }
        }
    }
}

#[test]
fn many_submitters_and_pollers() {
    const SUBMITTERS: u64 = 6;
    const EACH: u64 = 400;
    let cases = Cases::new();
    let options = VerifierOptions { threads: 3, capacity: 100, ..VerifierOptions::default() };
    let verifier = Verifier::open(options, &KEYS).unwrap();
    let (mut accepted, mut answers) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let (verifier, cases) = (&verifier, &cases);
        let pollers: Vec<_> = (0..2).map(|_| scope.spawn(move || poll_to_the_end(verifier))).collect();
        let submitters: Vec<_> = (0..SUBMITTERS)
            .map(|n| scope.spawn(move || submit_all(verifier, cases, n * EACH, EACH)))
            .collect();
        accepted.extend(submitters.into_iter().flat_map(|thread| thread.join().unwrap()));
        verifier.close().unwrap();
        answers.extend(pollers.into_iter().flat_map(|thread| thread.join().unwrap()));
    });
    assert_eq!(accepted.len() as u64, SUBMITTERS * EACH);
    check(&cases, &accepted, &answers);
}

#[test]
fn a_closing_in_the_middle_answers_what_was_accepted() {
    let cases = Cases::new();
    for round in 0..5 {
        let verifier = Verifier::open(VerifierOptions { threads: 2, ..Default::default() }, &KEYS).unwrap();
        let started = AtomicUsize::new(0);
        let (mut accepted, mut answers) = (Vec::new(), Vec::new());
        thread::scope(|scope| {
            let (verifier, cases, started) = (&verifier, &cases, &started);
            let submitters: Vec<_> = (0..3)
                .map(|n| {
                    scope.spawn(move || {
                        let mut accepted = submit_all(verifier, cases, n * 1000, round);
                        started.fetch_add(1, Ordering::SeqCst);
                        accepted.extend(submit_all(verifier, cases, n * 1000 + round, 300));
                        accepted
                    })
                })
                .collect();
            while started.load(Ordering::SeqCst) < 3 {
                thread::yield_now();
            }
            verifier.close().unwrap();
            // Every answer is there: none has to be waited for.
            while verifier.poll(7, Some(Duration::ZERO), |answer| answers.push(answer)).is_ok() {}
            accepted.extend(submitters.into_iter().flat_map(|thread| thread.join().unwrap()));
        });
        check(&cases, &accepted, &answers);
        assert_eq!(verifier.end(), 0);
    }
}

/// Each answer makes room for the next ticket, before its callback begins.
#[test]
fn callbacks_may_submit_and_may_not_close() {
    const COUNT: u64 = 900;
    const CAPACITY: usize = 9;
    let cases = Arc::new(Cases::new());
    let verifier: Arc<OnceLock<Weak<Verifier>>> = Arc::default();
    let (found, answers) = channel();
    let deliver = {
        let (cases, verifier) = (Arc::clone(&cases), Arc::clone(&verifier));
        move |delivered: &[Answer]| {
            let verifier = verifier.wait().upgrade().unwrap();
            assert_eq!(verifier.close().unwrap_err().status(), Status::Deadlock);
            for answer in delivered {
                let next = answer.ticket + CAPACITY as u64;
                if next < COUNT {
                    verifier.submit(&cases.submission(next).0).unwrap();
                }
                found.send(*answer).unwrap();
            }
        }
    };
    let options = VerifierOptions {
        threads: 2,
        capacity: CAPACITY,
        deliver: Some(Box::new(deliver)),
        ..Default::default()
    };
    let opened = Arc::new(Verifier::open(options, &KEYS).unwrap());
    verifier.set(Arc::downgrade(&opened)).unwrap();
    submit_all(&opened, &cases, 0, CAPACITY as u64);
    let mut answers: Vec<Answer> = answers.iter().take(usize::try_from(COUNT).unwrap()).collect();
    opened.close().unwrap();
    assert_eq!(opened.submit(&cases.submission(0).0).unwrap_err().status(), Status::Closed);
    answers.sort_unstable_by_key(|answer| answer.ticket);
    check(&cases, &(0..COUNT).collect::<Vec<_>>(), &answers);
}

/// The end waits for every callback, and takes none back.
#[test]
fn after_the_end_no_callback_runs() {
    let cases = Cases::new();
    let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
    let deliver = {
        let answers = Arc::clone(&answers);
        move |delivered: &[Answer]| answers.lock().extend(delivered)
    };
    let options = VerifierOptions { threads: 2, deliver: Some(Box::new(deliver)), ..Default::default() };
    let verifier = Verifier::open(options, &KEYS).unwrap();
    let accepted = submit_all(&verifier, &cases, 0, 500);
    assert_eq!(verifier.poll(1, None, drop).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(verifier.event_fd().unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(verifier.end(), 0);
    assert_eq!(Arc::strong_count(&answers), 2, "the pool's threads have ended");
    check(&cases, &accepted, &answers.lock());
}

/// What was not polled counts, so a poller that stays away stops the submitters and not the memory.
#[test]
fn unpolled_answers_hold_up_submissions() {
    let cases = Cases::new();
    let options = VerifierOptions { threads: 1, capacity: 5, ..Default::default() };
    let verifier = Verifier::open(options, &KEYS).unwrap();
    let submit = |ticket| verifier.submit(&cases.submission(ticket).0).map_err(|e| e.status());
    assert_eq!([0, 1, 2, 3, 4, 5].map(submit), [Ok(()), Ok(()), Ok(()), Ok(()), Ok(()), Err(Status::Busy)]);
    let mut answers = Vec::new();
    while answers.len() < 2 {
        verifier.poll(2 - answers.len(), None, |answer| answers.push(answer)).unwrap();
    }
    assert_eq!([5, 6, 7].map(submit), [Ok(()), Ok(()), Err(Status::Busy)]);
    verifier.close().unwrap();
    verifier.poll(2, None, |answer| answers.push(answer)).unwrap();
    assert_eq!(verifier.end(), 3);
    assert_eq!(verifier.poll(1, None, drop).unwrap_err().status(), Status::Closed);
}

/// More than are handed out under one taking of the lock.
#[test]
fn one_poll_hands_out_all_that_there_is_room_for() {
    const COUNT: usize = 2500;
    let cases = Cases::new();
    let verifier = Verifier::open(VerifierOptions::default(), &KEYS).unwrap();
    let submission = Submission { signature: None, ..cases.submission(0).0 };
    (0..COUNT as u64).for_each(|ticket| verifier.submit(&Submission { ticket, ..submission }).unwrap());
    verifier.close().unwrap();
    let mut tickets = Vec::new();
    let mut poll =
        |most| verifier.poll(most, None, |answer| tickets.push(answer.ticket)).map_err(|e| e.status());
    assert_eq!(
        [poll(400), poll(1024), poll(5000), poll(1)],
        [Ok(400), Ok(1024), Ok(1076), Err(Status::Closed)]
    );
    tickets.sort_unstable();
    assert!(tickets.into_iter().eq(0..COUNT as u64));
}

#[test]
fn messages_have_a_bound() {
    let cases = Cases::new();
    let verifier = Verifier::open(VerifierOptions { capacity: 1, ..Default::default() }, &KEYS).unwrap();
    let message = vec![0; ticket::MAX_MESSAGE + 1];
    let submission = Submission { message: &message, signature: None, ..cases.submission(0).0 };
    assert_eq!(verifier.submit(&submission).unwrap_err().status(), Status::LimitExceeded);
    // The refused one took no room.
    let submission = Submission { message: &message[1..], ..submission };
    verifier.submit(&submission).unwrap();
    assert_eq!(verifier.end(), 1);
}

/// Two verifiers whose callbacks waited for each other's end would wait for ever.
#[test]
fn no_verifier_is_waited_for_inside_a_callback() {
    let cases = Cases::new();
    let other = Verifier::open(VerifierOptions::default(), &KEYS).unwrap();
    let (told, outcome) = channel();
    let deliver = move |_: &[Answer]| {
        told.send((other.close().map_err(|e| e.status()), other.end())).unwrap();
    };
    let options = VerifierOptions { deliver: Some(Box::new(deliver)), ..Default::default() };
    let verifier = Verifier::open(options, &KEYS).unwrap();
    verifier.submit(&cases.submission(0).0).unwrap();
    assert_eq!(outcome.recv().unwrap(), (Err(Status::Deadlock), 0));
}

#[test]
fn options_have_bounds() {
    let refused = [
        VerifierOptions { threads: MAX_THREADS + 1, ..Default::default() },
        VerifierOptions { capacity: MAX_CAPACITY + 1, ..Default::default() },
        VerifierOptions { max_wait: MAX_MAX_WAIT + Duration::from_micros(1), ..Default::default() },
    ];
    for options in refused {
        assert_eq!(Verifier::open(options, &KEYS).unwrap_err().status(), Status::InvalidArgument);
    }
}
