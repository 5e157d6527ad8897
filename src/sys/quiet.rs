//! Panics that are caught print nothing.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Marks that this thread is inside of the library, so that a panic there prints nothing on the host's stderr.
/// Panics of the host's own Rust code go to the hook that was there before.
#[derive(Debug)]
pub struct Quiet(());

impl Quiet {
    /// Until what it answers is dropped.
    #[inline]
    pub fn enter() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if INSIDE.get() == 0 {
                    before(info);
                }
            }));
        });
        INSIDE.set(INSIDE.get() + 1);
        Self(())
    }
}

impl Drop for Quiet {
    #[inline]
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}
