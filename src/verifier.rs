//! Verifying in the background. Tickets go in from any thread and wait, for a bounded time, for others: a pool of threads
//! verifies them in batches that fill the lanes of the processor. Every ticket that was accepted is answered once.
//!
//! How tickets wait and who is woken is the subject of `queue`, what a ticket carries that of `ticket`, and what a
//! thread of the pool does that of `pool`.
#![forbid(unsafe_code)]

mod pool;
mod queue;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;
mod ticket;

use crate::crypto::sm2::PreparedKeys;
use crate::error::{Error, Result, Status};
use crate::sys::fork;
use pool::Pool;
use queue::{Limits, Patience, Queue};
use std::fmt;
use std::mem::ManuallyDrop;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ticket::Ticket;
pub use ticket::{Check, Submission};

const DEFAULT_CAPACITY: usize = 4096;
const MAX_CAPACITY: usize = 1 << 20;
const MAX_THREADS: usize = 1024;
const DEFAULT_MAX_WAIT: Duration = Duration::from_micros(50);
const MAX_MAX_WAIT: Duration = Duration::from_secs(1);

/// What became of a ticket.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number that was given when it was submitted.
    pub ticket: u64,
    /// SOGOV_STATUS_OK when the signature is valid; SOGOV_STATUS_SIGNATURE_INVALID when it is not, or is malformed;
    /// SOGOV_STATUS_UNSUPPORTED when its scheme was a registered one that is not registered any more;
    /// SOGOV_STATUS_INTERNAL for a fault inside sogov.
    pub status: Status,
}

/// Takes answers on a thread of the pool.
pub type Delivery = Box<dyn Fn(&[Answer]) + Send + Sync>;

/// Is told of each batch how many signatures were right, and how many were not.
pub type Count = fn(usize, usize);

/// What a verifier is opened with; all zero are the defaults.
#[derive(Default)]
pub struct VerifierOptions {
    /// Threads of the pool, at most 1,024; 0: one for each processor that the process may use.
    pub threads: usize,
    /// Tickets in flight, answers that were not polled included, at most 1,048,576; 0: 4,096.
    pub capacity: usize,
    /// How long a ticket waits for others, at most 1 s; 0: 50 microseconds.
    pub max_wait: Duration,
    /// Takes the answers; without it they are polled.
    pub deliver: Option<Delivery>,
    /// Counts what was verified.
    pub count: Option<Count>,
}

/// A pool of threads that verifies tickets. Any method may be called from any thread.
pub struct Verifier {
    pool: Arc<Pool>,
    /// The process that it was opened in; see [`fork::generation`].
    generation: u64,
}

impl Verifier {
    /// Starts the threads.
    pub fn open(options: VerifierOptions, keys: &'static PreparedKeys) -> Result<Self> {
        let limits = limits(&options)?;
        let threads = limits.threads;
        let pool = Arc::new(Pool::new(Queue::new(limits), keys, options.count, options.deliver));
        let verifier = Self { pool, generation: fork::generation() };
        // Where one cannot be started, dropping the verifier ends the others.
        (0..threads).try_for_each(|_| Pool::start(&verifier.pool))?;
        Ok(verifier)
    }

    /// Hands in a ticket; what it borrows is copied. Does not wait: [`Status::Busy`] when as many are in flight as may
    /// be, [`Status::Closed`] after [`close`](Self::close), [`Status::LimitExceeded`] for a message of more than 16 MiB, or
    /// of more than there is memory for.
    pub fn submit(&self, submission: &Submission<'_>) -> Result<()> {
        self.check_process()?;
        submission.check()?;
        let mut place = self.pool.queue.reserve()?;
        place.ticket().fill(submission)?;
        place.enqueue();
        Ok(())
    }

    /// Hands in a ticket that is not one of SM2: `check` verifies the message, which is copied, on a thread of the pool and
    /// on its own. Otherwise as [`submit`](Self::submit).
    pub fn submit_apart(&self, number: u64, message: &[u8], check: Check) -> Result<()> {
        self.check_process()?;
        ticket::check_len(message)?;
        let mut place = self.pool.queue.reserve()?;
        place.ticket().fill_apart(number, message, check)?;
        place.enqueue();
        Ok(())
    }

    /// Hands out up to `most` answers, in the order in which they were found, and says how many; none when none came within
    /// `patience`, which has no bound where it is `None`. [`Status::Closed`] when no answer will come any more. `put` is
    /// called under the lock of the queue.
    pub fn poll(&self, most: usize, patience: Option<Duration>, put: impl FnMut(Answer)) -> Result<usize> {
        self.check_process()?;
        self.check_polled()?;
        let patience = match patience {
            Some(Duration::ZERO) => Patience::None,
            // A time that cannot be named will not come.
            Some(patience) => Instant::now().checked_add(patience).map_or(Patience::Endless, Patience::Until),
            None => Patience::Endless,
        };
        self.pool.queue.poll(most, patience, put)
    }

    /// A descriptor that is readable while answers wait to be polled, and after the last one.
    pub fn event_fd(&self) -> Result<RawFd> {
        self.check_process()?;
        self.check_polled()?;
        self.pool.queue.event_fd()
    }

    /// Takes no more tickets, and waits until all that were accepted are answered: their answers delivered, or ready to
    /// be polled. [`Status::Deadlock`] on a thread of any verifier's pool: two that wait for each other's callbacks would
    /// wait for ever.
    pub fn close(&self) -> Result<()> {
        self.check_process()?;
        if pool::is_pool_thread() {
            return Err(Error::new(
                Status::Deadlock,
                "verifier: closing inside a callback could wait for the callback itself",
            ));
        }
        self.pool.queue.close();
        self.pool.queue.wait_for_the_last_answer();
        Ok(())
    }

    /// Closes, ends the threads and drops the answers that were not polled; answers how many these were. On a thread of
    /// any verifier's pool it waits for nothing and answers 0: the other tickets are answered afterwards.
    pub fn end(&self) -> usize {
        if self.check_process().is_err() {
            return 0;
        }
        self.pool.queue.close();
        if pool::is_pool_thread() {
            return 0;
        }
        self.pool.join();
        self.pool.queue.drop_answers()
    }

    /// The threads are those of another process, and so may be a lock's holder.
    fn check_process(&self) -> Result<()> {
        if self.generation == fork::generation() {
            return Ok(());
        }
        Err(Error::new(
            Status::Unsupported,
            "verifier: was opened before the fork of this process, where its threads do not exist; open another",
        ))
    }

    fn check_polled(&self) -> Result<()> {
        if self.pool.delivers() {
            return Err(Error::argument(
                "verifier: has a callback, which takes the answers; they are not polled",
            ));
        }
        Ok(())
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            self.end();
        } else {
            // Handles of threads that this process does not have cannot be let go of.
            let _ = ManuallyDrop::new(Arc::clone(&self.pool));
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn limits(options: &VerifierOptions) -> Result<Limits> {
    let at_most = |what: &str, found: usize, most: usize| {
        if found <= most {
            return Ok(());
        }
        Err(Error::argument(format!("{what}: expected at most {most}, found {found}")))
    };
    at_most("threads", options.threads, MAX_THREADS)?;
    at_most("capacity", options.capacity, MAX_CAPACITY)?;
    if options.max_wait > MAX_MAX_WAIT {
        let found = options.max_wait.as_micros();
        return Err(Error::argument(format!("max_wait_us: expected at most 1000000, found {found}")));
    }
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS),
        threads => threads,
    };
    Ok(Limits {
        threads,
        capacity: if options.capacity == 0 { DEFAULT_CAPACITY } else { options.capacity },
        max_wait: if options.max_wait.is_zero() { DEFAULT_MAX_WAIT } else { options.max_wait },
        ..Limits::DEFAULT
    })
}
