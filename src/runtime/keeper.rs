//! The engine's housekeeping: one thread, started by the first job, for what must not hold up a caller (writing the
//! durable record after a rollback, unmapping versions once they have drained).
#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex};
use crate::sys::faults::fault;
use crate::sys::fork;
use crate::sys::quiet::Quiet;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a job answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The job is finished.
    Done,
    /// The job wants to be asked again soon.
    Again,
    /// The job wants to be asked again after that time, unless the keeper is dropped before.
    Later(Duration),
}

type Job = Box<dyn FnMut() -> Progress + Send>;

/// How long the thread rests before it asks an unfinished job again.
const RETRY: Duration = Duration::from_millis(20);

/// Runs jobs in the order in which they come. Dropping it lets the thread finish them and end.
pub struct Keeper {
    shared: Arc<Shared>,
    /// The process that it was made in; see [`fork::generation`].
    generation: u64,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// In the order in which they came, each with the time from which it may be asked.
    waiting: Vec<(Instant, Job)>,
    /// Jobs that can wait until later, and are given up when the keeper is dropped.
    deferred: Vec<(Instant, Job)>,
    /// The process in which the thread lives; a forked child has none and starts its own.
    thread_of: Option<u32>,
    closed: bool,
}

impl Default for Keeper {
    fn default() -> Self {
        Self { shared: Arc::default(), generation: fork::generation() }
    }
}

impl Keeper {
    /// Hands in a job.
    pub fn submit(&self, job: impl FnMut() -> Progress + Send + 'static) -> Result<()> {
        let mut queue = self.shared.queue.lock();
        queue.waiting.push((Instant::now(), Box::new(job)));
        let process = std::process::id();
        if queue.thread_of != Some(process) {
            if let Err(refused) = start(Arc::clone(&self.shared)) {
                queue.waiting.pop();
                return Err(refused);
            }
            queue.thread_of = Some(process);
        }
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.queue.lock().waiting.len();
        f.debug_struct("Keeper").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            // The jobs are the parent's, and its thread may have held the lock at the fork: left as they are.
            let _ = ManuallyDrop::new(Arc::clone(&self.shared));
            return;
        }
        self.shared.queue.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn start(shared: Arc<Shared>) -> Result<()> {
    fault!("keeper.start");
    crate::sys::thread::spawn_quiet("sogov-keeper", move || run(&shared))
        .map(drop)
        .map_err(|e| Error::io("start the housekeeping thread", &e))
}

fn run(shared: &Shared) {
    loop {
        let Some(jobs) = next(shared) else { return };
        for mut job in jobs {
            let progress = run_job(&mut job);
            let mut queue = shared.queue.lock();
            match progress {
                Progress::Done => {}
                Progress::Again => queue.waiting.push((Instant::now() + RETRY, job)),
                Progress::Later(delay) => queue.deferred.push((Instant::now() + delay, job)),
            }
        }
    }
}

/// Waits for jobs that are due. `None` when there will be none any more.
fn next(shared: &Shared) -> Option<Vec<Job>> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.closed {
            let given_up = std::mem::take(&mut queue.deferred);
            drop(queue);
            drop(given_up);
            queue = shared.queue.lock();
        }
        let now = Instant::now();
        let mut due: Vec<_> = queue.waiting.extract_if(.., |(from, _)| *from <= now).collect();
        due.extend(queue.deferred.extract_if(.., |(from, _)| *from <= now));
        if !due.is_empty() {
            return Some(due.into_iter().map(|(_, job)| job).collect());
        }
        queue = match queue.waiting.iter().chain(&queue.deferred).map(|(from, _)| *from).min() {
            Some(from) => shared.changed.wait_until(queue, from),
            None if queue.closed => return None,
            None => shared.changed.wait(queue),
        };
    }
}

/// A job that panics is finished: the others go on.
fn run_job(job: &mut Job) -> Progress {
    let _quiet = Quiet::enter();
    catch_unwind(AssertUnwindSafe(|| {
        fault!("keeper.job", stay);
        job()
    }))
    .unwrap_or(Progress::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn jobs_run_until_they_are_done_even_when_the_keeper_is_dropped() {
        let keeper = Keeper::default();
        let (done, finished) = channel();
        let mut asked = 0;
        let job = move || {
            asked += 1;
            if asked < 4 {
                return Progress::Again;
            }
            // The test may have failed and gone.
            let _ = done.send(asked);
            Progress::Done
        };
        keeper.submit(job).unwrap();
        drop(keeper);
        assert_eq!(finished.recv().unwrap(), 4);
    }

    #[test]
    fn an_unfinished_job_does_not_hold_up_the_next() {
        let keeper = Keeper::default();
        let (done, finished) = channel();
        let (stop, stopped) = channel::<()>();
        keeper
            .submit(move || if stopped.try_recv().is_ok() { Progress::Done } else { Progress::Again })
            .unwrap();
        keeper
            .submit(move || {
                let _ = done.send(());
                Progress::Done
            })
            .unwrap();
        finished.recv().unwrap();
        stop.send(()).unwrap();
    }

    #[test]
    fn what_can_wait_is_given_up_when_the_keeper_is_dropped() {
        let keeper = Keeper::default();
        let (asked, was_asked) = channel();
        keeper
            .submit(move || {
                // The test may have gone on already.
                let _ = asked.send(());
                Progress::Later(Duration::from_hours(1))
            })
            .unwrap();
        was_asked.recv().unwrap();
        drop(keeper);
        assert!(was_asked.recv().is_err(), "the job was dropped, and with it its end of the channel");
    }
}
