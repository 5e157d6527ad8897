//! The threads of a verifier.
#![forbid(unsafe_code)]

use super::queue::Queue;
use super::{Answer, Count, Delivery, Ticket};
use crate::crypto::sm2::{Claim, PreparedKeys};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::quiet::Quiet;
use crate::sys::thread;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

/// What the threads of a verifier share.
pub(super) struct Pool {
    pub(super) queue: Queue<Ticket>,
    keys: &'static PreparedKeys,
    count: Option<Count>,
    deliver: Option<Delivery>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

thread_local! {
    /// Whether this thread is one of a pool.
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of a pool, of whichever verifier.
pub(super) fn is_pool_thread() -> bool {
    IN_POOL.get()
}

impl Pool {
    pub(super) fn new(
        queue: Queue<Ticket>,
        keys: &'static PreparedKeys,
        count: Option<Count>,
        deliver: Option<Delivery>,
    ) -> Self {
        Self { queue, keys, count, deliver, threads: Mutex::new(Vec::new()) }
    }

    /// Starts one more thread.
    pub(super) fn start(pool: &Arc<Self>) -> Result<()> {
        let shared = Arc::clone(pool);
        let thread = thread::spawn_quiet("sogov-verify", move || shared.run())
            .map_err(|e| Error::io("start a thread of the verifier", &e))?;
        pool.threads.lock().push(thread);
        Ok(())
    }

    /// Waits for the end of all threads; the queue was closed before.
    pub(super) fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // What a thread of the pool catches does not end it.
            let _ = thread.join();
        }
    }

    /// Whether answers are delivered rather than polled.
    pub(super) fn delivers(&self) -> bool {
        self.deliver.is_some()
    }

    fn run(&self) {
        IN_POOL.set(true);
        thread::precise_timers();
        let (mut batch, mut answers) = (Vec::new(), Vec::new());
        while self.queue.take(&mut batch) {
            self.verify(&batch, &mut answers);
            for ticket in &mut batch {
                ticket.trim();
            }
            match &self.deliver {
                None => self.queue.answer(&mut batch, &answers),
                Some(deliver) => {
                    // Before the callback, so that it can submit as many as it is told of.
                    self.queue.give_back(&mut batch);
                    let _ = catch_unwind(AssertUnwindSafe(|| deliver(&answers)));
                    self.queue.settle(answers.len());
                }
            }
        }
    }

    fn verify(&self, batch: &[Box<Ticket>], answers: &mut Vec<Answer>) {
        let claims: Vec<Claim<'_>> = batch.iter().filter_map(|ticket| ticket.claim()).collect();
        let _quiet = Quiet::enter();
        let verified = catch_unwind(AssertUnwindSafe(|| self.keys.verify_batch(&claims)));
        let mut verdicts = verified.as_ref().ok().map(|verdicts| verdicts.iter());
        answers.clear();
        answers.extend(batch.iter().map(|ticket| {
            let status = match (ticket.claim(), &mut verdicts) {
                (None, _) => verify_apart(ticket),
                (Some(_), None) => Status::Internal,
                (Some(_), Some(verdicts)) => match verdicts.next() {
                    Some(true) => Status::Ok,
                    Some(false) => Status::SignatureInvalid,
                    None => Status::Internal,
                },
            };
            Answer { ticket: ticket.number, status }
        }));
        let right = answers.iter().filter(|answer| answer.status == Status::Ok).count();
        if let Some(count) = self.count {
            count(right, answers.len().saturating_sub(right));
        }
    }
}

/// The answer to a ticket that is not verified with the others: one of another scheme, or a malformed one.
fn verify_apart(ticket: &Ticket) -> Status {
    match catch_unwind(AssertUnwindSafe(|| ticket.verify_apart())) {
        Ok(None) => Status::SignatureInvalid,
        Ok(Some(verdict)) => verdict.map_or_else(|refusal| refusal.status(), |()| Status::Ok),
        Err(_) => Status::Internal,
    }
}
