//! A clock that tests set.

use sogov::engine::SharedClock;
use sogov::sys::boot::SinceBoot;
use sogov::trust::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The machine's clock and its time since boot, both as the test says.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicU64,
    since_boot: AtomicU64,
}

impl TestClock {
    /// One that shows `now`.
    pub fn at(now: u64) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(now), since_boot: AtomicU64::new(1_000) })
    }

    /// Sets the clock; how long the machine runs is as before.
    pub fn set(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }

    /// Time passes, for the clock and for the machine.
    pub fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.since_boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// As an engine takes it.
    pub fn shared(self: &Arc<Self>) -> SharedClock {
        SharedClock::new(Arc::<Self>::clone(self))
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn since_boot(&self) -> SinceBoot {
        SinceBoot { boot: "test".into(), seconds: self.since_boot.load(Ordering::SeqCst) }
    }
}
