//! The lock and the condition variable of the queue: parking_lot's, or loom's when the model is checked (`--cfg loom`).
#![forbid(unsafe_code)]

#[cfg(loom)]
pub(super) use model::{Condvar, Mutex};
#[cfg(not(loom))]
pub(super) use parking_lot::{Condvar, Mutex};

/// loom's under the names of parking_lot.
#[cfg(loom)]
mod model {
    #![allow(clippy::unwrap_used, reason = "a guard is away only while it waits")]

    use std::ops::{Deref, DerefMut};
    use std::time::Instant;

    pub struct Mutex<T>(loom::sync::Mutex<T>);
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);
    pub struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap()))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().unwrap()
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().unwrap()
        }
    }

    impl Condvar {
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            guard.0 = Some(self.0.wait(guard.0.take().unwrap()).unwrap());
        }

        /// Time does not pass in the model: whoever is not woken waits for ever, and loom says so.
        pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _until: Instant) {
            self.wait(guard);
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
