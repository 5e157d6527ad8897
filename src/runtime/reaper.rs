//! Unmapping later what could not be unmapped at once: the dynamic linker keeps an image until the threads have ended that
//! have destructors of its thread-local storage to run, and looks at it again only when it is asked to.
#![forbid(unsafe_code)]

use super::directory;
use super::keeper::Progress;
use super::service::Service;
use super::version::{Happening, Version};
use crate::loader::Remnant;
use std::sync::Arc;
use std::time::Duration;

/// The first pause between two attempts, and the longest; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// A job that takes over what the service has left of closed images, tries until they are gone, and then takes their
/// versions off the service's list. Before it runs it has nothing: a job that cannot be handed in loses nothing.
pub fn reaping(service: &Arc<Service>) -> impl FnMut() -> Progress + Send + 'static {
    let service = Arc::clone(service);
    let (mut left, mut pause) = (Vec::new(), PAUSES.0);
    move || {
        left.extend(service.take_remnants());
        left.retain(|(version, remnant): &(Arc<Version>, Remnant)| {
            let is_gone = remnant.try_unmap();
            if is_gone {
                service.forget(version);
                directory::leave(version.id());
                version.announce(Happening::Unmapped);
            }
            !is_gone
        });
        if left.is_empty() {
            return Progress::Done;
        }
        let now = pause;
        pause = (pause * 2).min(PAUSES.1);
        Progress::Later(now)
    }
}
