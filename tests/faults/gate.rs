//! A step at which a test holds up whoever comes by.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Holds up whoever comes to a step, until told to go on.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Passage>, Condvar)>);

#[derive(Default)]
struct Passage {
    arrived: usize,
    /// Of those who arrived, the first so many may go on.
    open: usize,
}

impl Gate {
    pub fn at(step: &str) -> Self {
        let gate = Self::default();
        let passer = gate.clone();
        fail::cfg_callback(step, move || passer.pass()).unwrap();
        gate
    }

    fn pass(&self) {
        let (passage, changed) = &*self.0;
        let mut passage = passage.lock();
        passage.arrived += 1;
        let number = passage.arrived;
        changed.notify_all();
        while passage.open < number {
            changed.wait(&mut passage);
        }
    }

    pub fn wait_for(&self, arrivals: usize) {
        let (passage, changed) = &*self.0;
        let mut passage = passage.lock();
        while passage.arrived < arrivals {
            if changed.wait_for(&mut passage, Duration::from_secs(30)).timed_out() {
                // Lets go of those who wait, as the test is over.
                passage.open = usize::MAX;
                changed.notify_all();
                panic!("expected {arrivals} at the step, found {}", passage.arrived);
            }
        }
    }

    pub fn open(&self, arrivals: usize) {
        let (passage, changed) = &*self.0;
        passage.lock().open = arrivals;
        changed.notify_all();
    }
}

/// Waits for what another thread is about to bring about, for a minute at most.
pub fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "expected it within a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}
