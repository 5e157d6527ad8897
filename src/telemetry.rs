//! What the engine tells the host while it works.
#![forbid(unsafe_code)]

mod event;

pub use event::{Event, EventKind, EventSink, Events};

use crate::error::one_line;
use crate::sync::RwLock;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much a line matters.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something was refused or lost; somebody should look.
    Error = 1,
    /// Works, but not as it should for good.
    Warning = 2,
    /// A change that was asked for has happened.
    Info = 3,
}

/// A callback of the host that can be let go of: once [`silence`](Self::silence) has returned, it is not called any more.
pub struct Listener<S: ?Sized>(Option<Arc<Sink<S>>>);

struct Sink<S: ?Sized> {
    callback: RwLock<Option<Box<S>>>,
    is_muted: AtomicBool,
}

/// The host's log. Without one, lines go nowhere: nothing is ever printed.
pub type Log = Listener<dyn Fn(LogLevel, &str) + Send + Sync>;

impl Log {
    /// Lines go to `sink`, which may be called from any thread.
    pub fn new(sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Self::listening(Box::new(sink))
    }

    /// Writes one line; `message` is formatted only if somebody listens.
    pub fn write(&self, level: LogLevel, message: impl fmt::Display) {
        self.with(|sink| sink(level, &one_line(message.to_string())));
    }
}

impl<S: ?Sized> Listener<S> {
    fn listening(sink: Box<S>) -> Self {
        Self(Some(Arc::new(Sink { callback: RwLock::new(Some(sink)), is_muted: AtomicBool::new(false) })))
    }

    fn with(&self, call: impl FnOnce(&S)) {
        // Who cannot read has come while the sink is let go of. It may be the sink itself, for which that waits.
        if let Some(sink) = self.0.as_ref().filter(|sink| !sink.is_muted.load(Ordering::SeqCst))
            && let Some(callback) = sink.callback.try_read()
            && let Some(callback) = callback.as_ref()
        {
            call(callback);
        }
    }

    /// Lets go of the sink: once this has returned, it is not called any more. Not to be called from the sink.
    pub fn silence(&self) {
        if let Some(listener) = &self.0 {
            drop(listener.callback.write().take());
        }
    }

    /// Calls the sink no more, and neither waits for calls that have begun nor drops it: for a forked child, where a thread
    /// that the child did not inherit may be inside.
    pub fn mute(&self) {
        if let Some(listener) = &self.0 {
            listener.is_muted.store(true, Ordering::SeqCst);
        }
    }
}

impl<S: ?Sized> Clone for Listener<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: ?Sized> Default for Listener<S> {
    fn default() -> Self {
        Self(None)
    }
}

impl<S: ?Sized> fmt::Debug for Listener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener(sink)" } else { "Listener(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn a_silenced_log_is_not_called_by_any_of_its_clones() {
        let lines = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&lines);
        let log = Log::new(move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let clone = log.clone();
        clone.write(LogLevel::Info, "one");
        log.silence();
        clone.write(LogLevel::Info, "two");
        assert_eq!(lines.load(Ordering::SeqCst), 1);
        assert_eq!(Arc::strong_count(&lines), 1, "the sink was dropped");
    }
}
