//! The engine's housekeeping: one thread, started by the first job, for what must not hold up a caller (writing the
//! durable record after a rollback, unmapping versions once they have drained).

use crate::error::{Error, Result};
use crate::sys::quiet::Quiet;
use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What a job answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The job is finished.
    Done,
    /// The job wants to be asked again soon.
    Again,
}

type Job = Box<dyn FnMut() -> Progress + Send>;

/// How long the thread rests before it asks an unfinished job again.
const RETRY: Duration = Duration::from_millis(20);

/// Runs jobs in the order in which they come. Dropping it lets the thread finish them and end.
#[derive(Default)]
pub struct Keeper {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Job>,
    /// The process in which the thread lives; a forked child has none and starts its own.
    thread_of: Option<u32>,
    closed: bool,
}

impl Keeper {
    /// Hands in a job.
    pub fn submit(&self, job: impl FnMut() -> Progress + Send + 'static) -> Result<()> {
        let mut queue = self.shared.queue.lock();
        queue.waiting.push(Box::new(job));
        let process = std::process::id();
        if queue.thread_of != Some(process) {
            start(Arc::clone(&self.shared))?;
            queue.thread_of = Some(process);
        }
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("waiting", &self.shared.queue.lock().waiting.len()).finish()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn start(shared: Arc<Shared>) -> Result<()> {
    crate::sys::thread::spawn_quiet("sogov-keeper", move || run(&shared))
        .map(drop)
        .map_err(|e| Error::io("start the housekeeping thread", &e))
}

fn run(shared: &Shared) {
    loop {
        let mut queue = shared.queue.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return;
            }
            shared.changed.wait(&mut queue);
        }
        let jobs = std::mem::take(&mut queue.waiting);
        drop(queue);

        let unfinished: Vec<Job> = jobs
            .into_iter()
            .filter_map(|mut job| (run_job(&mut job) == Progress::Again).then_some(job))
            .collect();

        let mut queue = shared.queue.lock();
        let resting = !unfinished.is_empty();
        queue.waiting.splice(0..0, unfinished);
        if resting {
            shared.changed.wait_for(&mut queue, RETRY);
        }
    }
}

/// A job that panics is finished: the others go on.
fn run_job(job: &mut Job) -> Progress {
    let _quiet = Quiet::enter();
    catch_unwind(AssertUnwindSafe(job)).unwrap_or(Progress::Done)
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
}
