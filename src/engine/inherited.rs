//! An engine in the child of a `fork`. Its services go on serving, and nothing else is done there on its behalf: the state
//! directory is the parent's to write, and any lock may be held by a thread that the child did not inherit.
#![forbid(unsafe_code)]

use super::Engine;
use crate::sys::fork;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Engine {
    /// Closes the engine of the caller, who does without it from now on; when this returns, the callbacks for log and events
    /// are not called any more.
    ///
    /// In a process that inherited the engine, its services serve nobody any more, and that is all: no lock is taken, nothing
    /// is written, stopped or unmapped, and what was inherited is never freed. It is a copy that ends with the process.
    pub fn end(self: Arc<Self>) {
        self.close();
        if self.is_inherited() {
            self.log.mute();
            self.events.mute();
            let _ = ManuallyDrop::new(self);
        } else {
            self.log.silence();
            self.events.silence();
        }
    }

    /// Whether this process is a child of the one that the engine was opened in.
    pub(super) fn is_inherited(&self) -> bool {
        self.generation != fork::generation()
    }

    /// Serves nobody from now on.
    pub(super) fn abandon(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let services = ManuallyDrop::new(self.services.load_full());
        services.values().for_each(|service| service.abandon());
    }
}
