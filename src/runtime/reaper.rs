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

/// A job that tries until the image of a pinned version is gone, and then takes the version off the service's list.
pub fn reaping(
    service: &Arc<Service>,
    version: Arc<Version>,
    remnant: Remnant,
) -> impl FnMut() -> Progress + Send + 'static {
    let service = Arc::clone(service);
    let mut pause = PAUSES.0;
    move || {
        if remnant.try_unmap() {
            service.forget(&version);
            directory::leave(version.id());
            version.announce(Happening::Unmapped);
            return Progress::Done;
        }
        let now = pause;
        pause = (pause * 2).min(PAUSES.1);
        Progress::Later(now)
    }
}
