//! Threads that are in an image, or began in it.
#![forbid(unsafe_code)]

use super::place;
use crate::loader::pin::{PinKind, PinReason};
use crate::sys::faults::fault;
use crate::sys::task;
use std::ops::Range;

/// A thread other than this one whose record names the image (start routine, argument, values of its keys), or that will
/// go on there when it wakes.
pub(super) fn inside(image: &Range<usize>) -> Option<PinReason> {
    fault!("audit.threads", none);
    task::others()?.into_iter().find_map(|task| {
        let recorded = task.record().into_iter().find(|word| image.contains(word));
        let evidence = if let Some(word) = recorded {
            format!("the record of thread {} names {}", task.id(), place(image, word))
        } else {
            let at = task.program_counter().filter(|at| image.contains(at))?;
            format!("thread {} is at {}", task.id(), place(image, at))
        };
        Some(PinReason::new(PinKind::Thread, evidence))
    })
}
