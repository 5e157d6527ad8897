//! The lock and the condition variable of the queue: the crate's, or loom's when the model is checked (`--cfg loom`).
#![forbid(unsafe_code)]

#[cfg(not(loom))]
pub(super) use crate::sync::{Condvar, Mutex};
#[cfg(loom)]
pub(super) use model::{Condvar, Mutex};

/// loom's, with the signatures of the crate's.
#[cfg(loom)]
mod model {
    #![allow(clippy::unwrap_used, reason = "no thread of a model panics and goes on")]

    use loom::sync::MutexGuard;
    use std::time::Instant;

    pub struct Mutex<T>(loom::sync::Mutex<T>);
    #[derive(Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    impl Condvar {
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap()
        }

        /// Time does not pass in the model: whoever is not woken waits for ever, and loom says so.
        pub fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, _until: Instant) -> MutexGuard<'a, T> {
            self.wait(guard)
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
