//! What happens to versions without anybody having asked for it, as facts that a host can count and act on.
#![forbid(unsafe_code)]

use super::Listener;

/// What happened to a version.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Too many calls failed: requests go to a stable version instead.
    BreakerOpened = 1,
    /// One request is let through to a broken version, to see whether it has recovered.
    BreakerProbing = 2,
    /// The probe failed: the breaker stays open for its whole time again.
    BreakerReopened = 3,
    /// The version has recovered and serves again.
    BreakerClosed = 4,
    /// The version crashed in a call. It serves no more in this process and stays mapped.
    Quarantined = 5,
    /// The version was to be unmapped and has to stay mapped.
    Pinned = 6,
    /// The version was unmapped.
    Unmapped = 7,
    /// The version is trusted no more; the detail says why and what became of it.
    Revoked = 8,
    /// The machine's clock was set back, or jumped ahead by more than a day. It concerns no service: the names are empty.
    Clock = 9,
}

/// An event, for the time of the callback.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind,
    /// The service's name.
    pub service: &'a str,
    /// The version's label.
    pub version: &'a str,
    /// The reason, for people; may be empty.
    pub detail: &'a str,
}

/// Takes events; may be called from any thread.
pub type EventSink = dyn Fn(&Event<'_>) + Send + Sync;

/// The host's interest in events. Without one, they go nowhere.
pub type Events = Listener<EventSink>;

impl Events {
    /// Events go to `sink`.
    pub fn new(sink: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self::listening(Box::new(sink))
    }

    /// Tells of one event.
    pub fn tell(&self, event: &Event<'_>) {
        self.with(|sink| sink(event));
    }
}
