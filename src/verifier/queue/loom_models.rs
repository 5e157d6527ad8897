//! The orders in which tickets, threads, pollers and a closing can meet. Who is not woken waits for ever in the model, and
//! loom fails with a deadlock; who is answered twice or not at all fails an assertion.
#![forbid(unsafe_code)]

use super::*;
use crate::error::Status;
use std::sync::Arc;

/// Time does not pass: a wait is either over at once, or goes on until somebody wakes the thread.
const AT_ONCE: Duration = Duration::ZERO;
const FOR_EVER: Duration = Duration::from_secs(1 << 20);

fn limits(threads: usize, full: usize, max_wait: Duration) -> Limits {
    Limits { threads, capacity: 4, max_wait, full, most: 2, lanes: 1 }
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(2);
    bounded.check(model);
}

fn submit(queue: &Queue<u64>, number: u64) {
    let mut place = queue.reserve().unwrap();
    *place.ticket() = number;
    place.enqueue();
}

/// What a thread of the pool does.
fn work(queue: &Queue<u64>) {
    let mut batch = Vec::new();
    while queue.take(&mut batch) {
        let answers: Vec<Answer> =
            batch.iter().map(|number| Answer { ticket: **number, status: Status::Ok }).collect();
        queue.answer(&mut batch, &answers);
    }
}

/// Polls `count` answers, or until the end.
fn poll(queue: &Queue<u64>, count: usize) -> Vec<u64> {
    let mut found = Vec::new();
    while found.len() < count {
        if let Err(end) = queue.poll(1, Patience::Endless, |answer| found.push(answer.ticket)) {
            assert_eq!(end.status(), Status::Closed);
            break;
        }
    }
    found.sort_unstable();
    found
}

fn spawn(queue: &Arc<Queue<u64>>, body: impl FnOnce(&Queue<u64>) + 'static) -> loom::thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    loom::thread::spawn(move || body(&queue))
}

/// Two submitters and two threads of the pool; the poller closes when it has every answer.
#[test]
fn every_ticket_is_answered_once() {
    check(|| {
        let queue = Arc::new(Queue::new(limits(2, 1, AT_ONCE)));
        let submitter = spawn(&queue, |queue| submit(queue, 1));
        let workers = [spawn(&queue, work), spawn(&queue, work)];
        submit(&queue, 2);
        assert_eq!(poll(&queue, 2), [1, 2]);
        queue.close();
        assert!(poll(&queue, 1).is_empty());
        submitter.join().unwrap();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// Tickets that are not due wake a thread when they make a full batch, though none came first to wait for it.
#[test]
fn a_full_batch_wakes_a_thread() {
    check(|| {
        let queue = Arc::new(Queue::new(limits(2, 2, FOR_EVER)));
        let submitter = spawn(&queue, |queue| submit(queue, 1));
        let workers = [spawn(&queue, work), spawn(&queue, work)];
        submit(&queue, 2);
        assert_eq!(poll(&queue, 2), [1, 2]);
        queue.close();
        submitter.join().unwrap();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// A closing in the middle: what was accepted is answered, what came later was refused, and the wait ends.
#[test]
fn closing_answers_what_was_accepted() {
    check(|| {
        let queue = Arc::new(Queue::new(limits(1, 2, FOR_EVER)));
        let worker = spawn(&queue, work);
        let closer = spawn(&queue, |queue| {
            queue.close();
            queue.wait_for_the_last_answer();
        });
        let accepted = (1..=2).filter(|number| match queue.reserve() {
            Ok(mut place) => {
                *place.ticket() = *number;
                place.enqueue();
                true
            }
            Err(refusal) => {
                assert_eq!(refusal.status(), Status::Closed);
                false
            }
        });
        let accepted: Vec<u64> = accepted.collect();
        assert_eq!(poll(&queue, usize::MAX), accepted);
        closer.join().unwrap();
        worker.join().unwrap();
    });
}

/// A reservation that is dropped leaves nothing behind that a closing would wait for.
#[test]
fn closing_does_not_wait_for_what_was_not_handed_in() {
    check(|| {
        let queue: Arc<Queue<u64>> = Arc::new(Queue::new(limits(1, 1, AT_ONCE)));
        let worker = spawn(&queue, work);
        let closer = spawn(&queue, |queue| {
            queue.close();
            queue.wait_for_the_last_answer();
        });
        drop(queue.reserve());
        closer.join().unwrap();
        worker.join().unwrap();
    });
}

/// The negative control: a ticket that wakes nobody is found by the model.
#[test]
#[should_panic(expected = "deadlock")]
fn without_the_wake_up_the_model_fails() {
    check(|| {
        let queue = Arc::new(Queue::new(limits(1, 1, AT_ONCE)));
        let worker = spawn(&queue, work);
        let mut place = queue.reserve().unwrap();
        let ticket = place.ticket.take().unwrap();
        queue.push(ticket);
        poll(&queue, 1);
        queue.close();
        worker.join().unwrap();
    });
}
