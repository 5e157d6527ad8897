//! Crashes of plugins that end a call instead of the process, where the host asked for that.
#![forbid(unsafe_code)]

use super::Engine;
use crate::error::Result;
use crate::sys::fault::Containment;
use crate::telemetry::{Log, LogLevel};

/// Installs the handlers, which stay for the rest of the process, if `wanted`.
pub(super) fn containment(wanted: bool, log: &Log) -> Result<Option<Containment>> {
    let containment = wanted.then(Containment::install).transpose()?;
    if let Some(containment) = containment {
        warn_of_replaced(containment, log);
    }
    Ok(containment)
}

impl Engine {
    /// What has a fault of a plugin end its call, where the engine was opened so.
    pub(super) fn containment_now(&self) -> Option<Containment> {
        self.containment.inspect(|containment| warn_of_replaced(*containment, &self.log))
    }
}

/// A handler that was installed later gets the faults first.
fn warn_of_replaced(containment: Containment, log: &Log) {
    for signal in containment.replaced() {
        log.write(
            LogLevel::Warning,
            format_args!(
                "containment of crashes: another handler for {signal} was installed since: crashes end the process \
                 unless it passes them on"
            ),
        );
    }
}
