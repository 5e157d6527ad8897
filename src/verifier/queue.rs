//! Where tickets wait for a thread, and answers to be polled. One short lock; the messages are copied outside of it.
//!
//! Who is woken: a wake-up costs as much as some verifications, so a ticket wakes a thread only if it is the first to
//! wait, or if it completes a batch. That suffices while one thing holds: *where a ticket waits, a thread is awake that
//! will look at the queue before it sleeps, or one sleeps no longer than until the oldest ticket is due*.
//! A thread that takes a part of what waits keeps it true for the rest.
#![forbid(unsafe_code)]

use super::Answer;
use super::sync::{Condvar, Mutex};
use crate::error::{Error, Result, Status};
use crate::sys::event_fd::EventFd;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// How many answers are handed out under one taking of the lock.
const POLLED_AT_ONCE: usize = 1024;

/// The numbers that a queue goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Threads that take batches.
    pub(super) threads: usize,
    /// Tickets in flight.
    pub(super) capacity: usize,
    /// How long a ticket waits for others.
    pub(super) max_wait: Duration,
    /// Tickets that are worth a batch at once: the lanes of SM3, and twice those of SM2.
    pub(super) full: usize,
    /// The most of a batch: what takes a part of a millisecond.
    pub(super) most: usize,
    /// Batches are whole multiples of this, where there is no hurry.
    pub(super) lanes: usize,
}

impl Limits {
    pub(super) const DEFAULT: Self =
        Self { threads: 1, capacity: 0, max_wait: Duration::ZERO, full: 16, most: 64, lanes: 8 };
}

/// Tickets on their way in and answers on their way out.
pub(super) struct Queue<T> {
    limits: Limits,
    state: Mutex<State<T>>,
    /// There may be a batch to take, or nothing will come any more.
    work: Condvar,
    /// There are answers to poll, or nothing will come any more.
    ready: Condvar,
    /// The last ticket was answered.
    ended: Condvar,
}

struct State<T> {
    /// Tickets that wait, the oldest first, with the time at which each came.
    pending: VecDeque<(Instant, Box<T>)>,
    /// Tickets without use, for the next submissions.
    spare: Vec<Box<T>>,
    /// What was not polled yet.
    answers: VecDeque<Answer>,
    /// Tickets from their submission to the delivery of their answer; at most the capacity.
    in_flight: usize,
    /// Tickets from their submission to their answer: what closing waits for.
    unanswered: usize,
    closed: bool,
    /// Threads that sleep.
    sleeping: usize,
    /// Those of them that sleep no longer than until the oldest ticket is due.
    timed: usize,
    /// Pollers that sleep.
    polling: usize,
    event: Option<EventFd>,
}

/// How long a poller waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    None,
    Until(Instant),
    Endless,
}

/// Room for one ticket, to be filled without the lock. Dropped instead of enqueued, it was never there.
pub(super) struct Reservation<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<Box<T>>,
}

impl<T: Default> Queue<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::new(State::new()),
            work: Condvar::default(),
            ready: Condvar::default(),
            ended: Condvar::default(),
        }
    }

    /// Room for a ticket, or [`Status::Busy`] or [`Status::Closed`].
    pub(super) fn reserve(&self) -> Result<Reservation<'_, T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(closed("was closed and takes no more tickets"));
        }
        if state.in_flight >= self.limits.capacity {
            drop(state);
            let capacity = self.limits.capacity;
            return Err(Error::new(
                Status::Busy,
                format!("verifier: expected fewer than {capacity} tickets in flight"),
            ));
        }
        state.in_flight += 1;
        state.unanswered += 1;
        let ticket = state.spare.pop();
        drop(state);
        Ok(Reservation { queue: self, ticket: Some(ticket.unwrap_or_default()) })
    }
}

impl<T> Queue<T> {
    /// Moves the next tickets into `batch`, which is empty; waits for them. False when none will come any more.
    pub(super) fn take(&self, batch: &mut Vec<Box<T>>) -> bool {
        let mut state = self.state.lock();
        loop {
            let count = self.share(&state);
            if count > 0 {
                batch.extend(state.pending.drain(..count).map(|(_, ticket)| ticket));
                let rest = state.pending.len();
                let wake = state.sleeping > 0 && rest > 0 && (rest >= self.limits.full || state.timed == 0);
                drop(state);
                if wake {
                    self.work.notify_one();
                }
                return true;
            }
            if state.has_ended() {
                return false;
            }
            state.sleeping += 1;
            match state.pending.front() {
                Some((since, _)) if state.timed == 0 => {
                    let due = *since + self.limits.max_wait;
                    state.timed += 1;
                    state = self.work.wait_until(state, due);
                    state.timed -= 1;
                }
                _ => state = self.work.wait(state),
            }
            state.sleeping -= 1;
        }
    }

    /// Puts the answers to the tickets of `batch` where they are polled; the tickets become spare ones.
    pub(super) fn answer(&self, batch: &mut Vec<Box<T>>, answers: &[Answer]) {
        let mut state = self.state.lock();
        state.spare.append(batch);
        state.answers.extend(answers);
        self.settle_locked(&mut state, answers.len());
    }

    /// The answers to the tickets of `batch` are about to be delivered: there is room for as many others.
    pub(super) fn give_back(&self, batch: &mut Vec<Box<T>>) {
        let mut state = self.state.lock();
        state.in_flight -= batch.len();
        state.spare.append(batch);
    }

    /// The answers to `count` tickets were delivered.
    pub(super) fn settle(&self, count: usize) {
        self.settle_locked(&mut self.state.lock(), count);
    }

    /// Hands out up to `most` answers, by parts: submitters wait for no more than one.
    pub(super) fn poll(&self, most: usize, patience: Patience, mut put: impl FnMut(Answer)) -> Result<usize> {
        let mut count = self.poll_part(most, patience, &mut put)?;
        let mut part = count;
        while part == POLLED_AT_ONCE && count < most {
            // The end is for the next call to tell.
            part = self.poll_part(most - count, Patience::None, &mut put).unwrap_or(0);
            count += part;
        }
        Ok(count)
    }

    fn poll_part(&self, most: usize, patience: Patience, put: impl FnMut(Answer)) -> Result<usize> {
        let mut state = self.state.lock();
        while state.answers.is_empty() {
            if state.has_ended() {
                return Err(closed("was closed, and every answer was polled"));
            }
            if patience.is_over() {
                return Ok(0);
            }
            state.polling += 1;
            state = if let Patience::Until(end) = patience {
                self.ready.wait_until(state, end)
            } else {
                self.ready.wait(state)
            };
            state.polling -= 1;
        }
        let count = most.min(state.answers.len()).min(POLLED_AT_ONCE);
        state.answers.drain(..count).for_each(put);
        state.in_flight -= count;
        if state.answers.is_empty() {
            state.silence();
        } else if state.polling > 0 {
            self.ready.notify_one();
        }
        Ok(count)
    }

    /// A descriptor that is readable while answers wait, and after the end. The same one each time.
    pub(super) fn event_fd(&self) -> Result<RawFd> {
        let mut state = self.state.lock();
        if let Some(event) = &state.event {
            return Ok(event.as_raw_fd());
        }
        let event = EventFd::new().map_err(|e| Error::io("eventfd", &e))?;
        let fd = event.as_raw_fd();
        if !state.answers.is_empty() || state.has_ended() {
            event.ring();
        }
        state.event = Some(event);
        Ok(fd)
    }

    /// Takes no more tickets; those that wait are taken at once.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.settle_locked(&mut state, 0);
        self.work.notify_all();
    }

    /// Waits, after [`close`](Self::close), until every ticket is answered.
    pub(super) fn wait_for_the_last_answer(&self) {
        let mut state = self.state.lock();
        while state.unanswered > 0 {
            state = self.ended.wait(state);
        }
    }

    /// Drops what was not polled, and answers how much it was.
    pub(super) fn drop_answers(&self) -> usize {
        let mut state = self.state.lock();
        let count = state.answers.len();
        state.answers.clear();
        state.in_flight -= count;
        count
    }

    fn enqueue(&self, ticket: Box<T>) {
        if self.push(ticket) {
            self.work.notify_one();
        }
    }

    /// Lets the ticket wait, and answers whether a thread has to be woken for it.
    fn push(&self, ticket: Box<T>) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.pending.push_back((now, ticket));
        let waiting = state.pending.len();
        state.sleeping > 0 && (waiting == 1 && state.timed == 0 || waiting.is_multiple_of(self.limits.full))
    }

    fn cancel(&self, ticket: Box<T>) {
        let mut state = self.state.lock();
        state.spare.push(ticket);
        state.in_flight -= 1;
        self.settle_locked(&mut state, 1);
    }

    /// How many of the waiting tickets make a batch now; 0: none yet.
    fn share(&self, state: &State<T>) -> usize {
        let Limits { full, most, lanes, max_wait, .. } = self.limits;
        let waiting = state.pending.len();
        let enough = waiting >= full;
        let is_due = |since: &Instant| state.closed || Instant::now() >= *since + max_wait;
        if !enough && !state.pending.front().is_some_and(|(since, _)| is_due(since)) {
            return 0;
        }
        // An even part for each thread that has nothing else to do: a long batch costs less for each of its signatures.
        let part =
            waiting.div_ceil(state.sleeping + 1).next_multiple_of(lanes).clamp(full, most).min(waiting);
        if enough { part - part % lanes } else { part }
    }

    fn settle_locked(&self, state: &mut State<T>, count: usize) {
        state.unanswered -= count;
        if state.has_ended() {
            self.work.notify_all();
            self.ready.notify_all();
            self.ended.notify_all();
        } else if state.polling > 0 && !state.answers.is_empty() {
            self.ready.notify_one();
        }
        if (count > 0 && !state.answers.is_empty() || state.has_ended())
            && let Some(event) = &state.event
        {
            event.ring();
        }
    }
}

impl<T> State<T> {
    fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            spare: Vec::new(),
            answers: VecDeque::new(),
            in_flight: 0,
            unanswered: 0,
            closed: false,
            sleeping: 0,
            timed: 0,
            polling: 0,
            event: None,
        }
    }

    /// Whether every answer was found, and no ticket will come any more.
    fn has_ended(&self) -> bool {
        self.closed && self.unanswered == 0
    }

    fn silence(&self) {
        if let Some(event) = &self.event
            && !self.has_ended()
        {
            event.silence();
        }
    }
}

impl<T> Reservation<'_, T> {
    /// The ticket to be filled.
    pub(super) fn ticket(&mut self) -> &mut T
    where
        T: Default,
    {
        self.ticket.get_or_insert_default()
    }

    /// Hands it in.
    pub(super) fn enqueue(mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.queue.enqueue(ticket);
        }
    }
}

impl<T> Drop for Reservation<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.queue.cancel(ticket);
        }
    }
}

impl Patience {
    fn is_over(self) -> bool {
        match self {
            Self::None => true,
            Self::Until(end) => Instant::now() >= end,
            Self::Endless => false,
        }
    }
}

fn closed(why: &str) -> Error {
    Error::new(Status::Closed, format!("verifier: {why}"))
}

/// `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`
#[cfg(all(test, loom))]
mod loom_models;
