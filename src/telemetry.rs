//! What the engine tells the host while it works.
#![forbid(unsafe_code)]

use crate::error::one_line;
use parking_lot::RwLock;
use std::fmt;
use std::sync::Arc;

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

/// The host's log. Without one, lines go nowhere: nothing is ever printed.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<RwLock<Option<Box<Sink>>>>>);

type Sink = dyn Fn(LogLevel, &str) + Send + Sync;

impl Log {
    /// Lines go to `sink`, which may be called from any thread.
    pub fn new(sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(RwLock::new(Some(Box::new(sink))))))
    }

    /// Writes one line; `message` is formatted only if somebody listens.
    pub fn write(&self, level: LogLevel, message: impl fmt::Display) {
        // Recursive, as a sink may come back here.
        if let Some(sink) = self.0.as_ref().map(|log| log.read_recursive())
            && let Some(sink) = sink.as_ref()
        {
            sink(level, &one_line(message.to_string()));
        }
    }

    /// Lets go of the sink: once this has returned, it is not called any more. Not to be called from the sink.
    pub fn silence(&self) {
        if let Some(log) = &self.0 {
            drop(log.write().take());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Log(sink)" } else { "Log(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

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
