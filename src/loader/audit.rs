//! What an image has left behind in the process, looked for after `stop` and before `dlclose`.
//!
//! Two witnesses, and neither is believed where it acquits alone. The *file* accuses: what it imports it may have used
//! (`artifact::elf::hazards`, and `companions` for the libraries that came with it). A plugin that declares a clean stop
//! may answer for some of that. The *process* then has the last word: an address of the image that is seen where it will
//! be used later pins it, whatever the plugin declares. It never acquits: a handler that is not installed now may be the
//! one that another handler was told to go on to, and a destructor of a key is seen nowhere.
//!
//! Stacks are not searched for return addresses: those of calls that ended long ago stay in the gaps of frames, and every
//! host thread that ever called the plugin would pin it.

mod bindings;
mod c_library;
mod companions;
mod threads;

pub(super) use bindings::holder;
pub(super) use companions::{Companions, Residents, go_runtime};

use super::pin::{PinKind, PinReason};
use super::place::Place;
use crate::sys::faults::fault;
use crate::sys::signal;
use std::ops::Range;

/// The first thing found that will use an address in `image`. What cannot be looked at counts as not found: then the
/// files alone decide. A library's file that cannot be looked at forbids closing, as nothing else accuses it.
///
/// The C library of an image with a namespace of its own is not searched for what it holds: what would give it an address
/// of the image is refused at the load (`isolation`).
pub(super) fn left_behind(image: &Range<usize>, companions: &Companions, place: &Place) -> Option<PinReason> {
    threads::inside(image)
        .or_else(|| handler(image))
        .or_else(|| c_library::environment(image))
        .or_else(|| c_library::buffers(image))
        .or_else(|| bindings::of_residents(image, companions, place))
}

fn handler(image: &Range<usize>) -> Option<PinReason> {
    fault!("audit.handlers", none);
    let caught = (1..=signal::HIGHEST)
        .find_map(|signal| Some((signal, signal::handler(signal).filter(|at| image.contains(at))?)));
    caught.map(|(signal, at)| {
        PinReason::new(PinKind::Signal, format!("signal {signal} is handled at {}", place(image, at)))
    })
}

/// An address as bytes into the image.
fn place(image: &Range<usize>, address: usize) -> String {
    format!("image+{:#x}", address.wrapping_sub(image.start))
}
