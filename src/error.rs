//! What every fallible operation answers: a [`Status`] for programs and a message for people.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

/// What became of a call. Zero is success; every other code belongs to a family by its hundreds:
/// 1xx the call itself, 2xx the system, 3xx keys and signatures, 4xx trust, 5xx loading, 6xx routing,
/// 7xx plugins, 9xx this library. New codes may join a family; a code never changes its meaning.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The call did what it says.
    Ok = 0,
    /// An argument is NULL, too long, not UTF-8, out of range or of another kind than asked for.
    InvalidArgument = 100,
    /// The handle was freed, or its engine was.
    Closed = 101,
    /// No service, version, symbol, key or file of that name.
    NotFound = 102,
    /// The thing exists already or is in use; nothing was changed.
    Busy = 103,
    /// The call would wait for itself: it was made from inside a plugin call of the same version.
    Deadlock = 104,
    /// A limit was reached (leases in flight, versions of a service, sizes).
    LimitExceeded = 105,
    /// The caller's own callback asked to stop; the state is as before the call.
    Cancelled = 106,
    /// The operating system refused a read, a write, a mapping or a lock.
    Io = 200,
    /// This kernel, architecture or build lacks what the call needs.
    Unsupported = 201,
    /// The audit trail is not what was written: a record is missing, moved or altered; the message says where.
    AuditBroken = 202,
    /// A key could not be read: wrong format, wrong password, wrong curve, off the curve.
    KeyInvalid = 300,
    /// The signature does not belong to these bytes, this key and this user id.
    SignatureInvalid = 301,
    /// The private key stayed behind in the process that was forked: read it again in this one.
    KeyLostAfterFork = 302,
    /// The token or device that keeps the private key refused: not there, wrong PIN, no such key or mechanism.
    CustodyFailed = 303,
    /// The artifact carries no signature at all.
    Unsigned = 400,
    /// The artifact's bytes are not those that were signed.
    Modified = 401,
    /// More than one reading of the artifact's signature is possible (two sections, a section and a file).
    Ambiguous = 402,
    /// The validity of the statement, the key or the trust document has ended.
    Expired = 403,
    /// The validity of the statement, the key or the trust document has not begun.
    NotYetValid = 404,
    /// Too few signatures by keys that the trust document names.
    UntrustedKey = 405,
    /// The statement is for another service, version or architecture than asked for.
    WrongService = 406,
    /// The statement's epoch is below the floor.
    BelowFloor = 407,
    /// The trust directory or its document is missing, malformed, unsafe or not signed by the root keys.
    TrustInvalid = 408,
    /// The artifact, or a key that signed it, stands on the deny-list.
    Revoked = 409,
    /// The clock stands before a time that was seen already, or jumped ahead too far to be believed.
    ClockRefused = 410,
    /// The bill of materials is missing where it is asked for, malformed, or not the one that was signed.
    SbomInvalid = 411,
    /// A component of the artifact is denied by the trust document or has a known vulnerability.
    ComponentDenied = 412,
    /// The update package is malformed, was altered, or is not encrypted for the key at hand.
    PackageInvalid = 420,
    /// The update package is meant for another host.
    WrongAudience = 421,
    /// The update package was installed before, or a later one was.
    Replayed = 422,
    /// The file is not an ELF image that may be loaded: malformed, truncated, of another architecture, or with
    /// a feature that is refused (RPATH, executable stack, text relocations).
    ImageRejected = 500,
    /// The dynamic linker refused the image, or it mapped something else than was verified.
    LoadFailed = 501,
    /// The version stays mapped by necessity; the message and the listing name the reason.
    Pinned = 502,
    /// The preflight refused the version: in its child process it crashed, hung, exited or answered wrong. The message
    /// says in which stage, and how it ended.
    PreflightFailed = 503,
    /// An update was taken back: the new version did not pass a step, which the message names; the old one serves.
    UpdateFailed = 504,
    /// The route policy is malformed or contradicts what is loaded; the message says where.
    RoutePolicyInvalid = 600,
    /// No version can serve the request.
    NoVersion = 601,
    /// The lease was released before, or never handed out.
    LeaseGone = 602,
    /// Every version that could serve the request has an open breaker.
    BreakerOpen = 603,
    /// The plugin answered with a failure, or broke its contract.
    PluginFailed = 700,
    /// The plugin's code crashed in the call, which was given up; the version never serves again. Only with
    /// `contain_crashes`.
    PluginCrashed = 701,
    /// A fault inside sogov; the state is as before the call. Please report it.
    Internal = 900,
}

impl Status {
    /// Every status with its name in `sogov.h`.
    pub(crate) const NAMES: &[(Self, &CStr)] = &[
        (Self::Ok, c"SOGOV_STATUS_OK"),
        (Self::InvalidArgument, c"SOGOV_STATUS_INVALID_ARGUMENT"),
        (Self::Closed, c"SOGOV_STATUS_CLOSED"),
        (Self::NotFound, c"SOGOV_STATUS_NOT_FOUND"),
        (Self::Busy, c"SOGOV_STATUS_BUSY"),
        (Self::Deadlock, c"SOGOV_STATUS_DEADLOCK"),
        (Self::LimitExceeded, c"SOGOV_STATUS_LIMIT_EXCEEDED"),
        (Self::Cancelled, c"SOGOV_STATUS_CANCELLED"),
        (Self::Io, c"SOGOV_STATUS_IO"),
        (Self::Unsupported, c"SOGOV_STATUS_UNSUPPORTED"),
        (Self::AuditBroken, c"SOGOV_STATUS_AUDIT_BROKEN"),
        (Self::KeyInvalid, c"SOGOV_STATUS_KEY_INVALID"),
        (Self::SignatureInvalid, c"SOGOV_STATUS_SIGNATURE_INVALID"),
        (Self::KeyLostAfterFork, c"SOGOV_STATUS_KEY_LOST_AFTER_FORK"),
        (Self::CustodyFailed, c"SOGOV_STATUS_CUSTODY_FAILED"),
        (Self::Unsigned, c"SOGOV_STATUS_UNSIGNED"),
        (Self::Modified, c"SOGOV_STATUS_MODIFIED"),
        (Self::Ambiguous, c"SOGOV_STATUS_AMBIGUOUS"),
        (Self::Expired, c"SOGOV_STATUS_EXPIRED"),
        (Self::NotYetValid, c"SOGOV_STATUS_NOT_YET_VALID"),
        (Self::UntrustedKey, c"SOGOV_STATUS_UNTRUSTED_KEY"),
        (Self::WrongService, c"SOGOV_STATUS_WRONG_SERVICE"),
        (Self::BelowFloor, c"SOGOV_STATUS_BELOW_FLOOR"),
        (Self::TrustInvalid, c"SOGOV_STATUS_TRUST_INVALID"),
        (Self::Revoked, c"SOGOV_STATUS_REVOKED"),
        (Self::ClockRefused, c"SOGOV_STATUS_CLOCK_REFUSED"),
        (Self::SbomInvalid, c"SOGOV_STATUS_SBOM_INVALID"),
        (Self::ComponentDenied, c"SOGOV_STATUS_COMPONENT_DENIED"),
        (Self::PackageInvalid, c"SOGOV_STATUS_PACKAGE_INVALID"),
        (Self::WrongAudience, c"SOGOV_STATUS_WRONG_AUDIENCE"),
        (Self::Replayed, c"SOGOV_STATUS_REPLAYED"),
        (Self::ImageRejected, c"SOGOV_STATUS_IMAGE_REJECTED"),
        (Self::LoadFailed, c"SOGOV_STATUS_LOAD_FAILED"),
        (Self::Pinned, c"SOGOV_STATUS_PINNED"),
        (Self::PreflightFailed, c"SOGOV_STATUS_PREFLIGHT_FAILED"),
        (Self::UpdateFailed, c"SOGOV_STATUS_UPDATE_FAILED"),
        (Self::RoutePolicyInvalid, c"SOGOV_STATUS_ROUTE_POLICY_INVALID"),
        (Self::NoVersion, c"SOGOV_STATUS_NO_VERSION"),
        (Self::LeaseGone, c"SOGOV_STATUS_LEASE_GONE"),
        (Self::BreakerOpen, c"SOGOV_STATUS_BREAKER_OPEN"),
        (Self::PluginFailed, c"SOGOV_STATUS_PLUGIN_FAILED"),
        (Self::PluginCrashed, c"SOGOV_STATUS_PLUGIN_CRASHED"),
        (Self::Internal, c"SOGOV_STATUS_INTERNAL"),
    ];

    /// The name in `sogov.h` without its prefix, such as `BELOW_FLOOR`.
    pub fn name(self) -> &'static str {
        let name = Self::NAMES.iter().find(|(status, _)| *status == self).map(|(_, name)| *name);
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
        name.strip_prefix("SOGOV_STATUS_").unwrap_or(name)
    }
}

/// A status with a message that names the thing, what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: Status,
    message: String,
}

/// What the fallible functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `status` that says `message`.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: one_line(message.into()) }
    }

    /// A [`Status::InvalidArgument`] error.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, message)
    }

    /// The operating system's refusal of `what`, which names the operation and its object.
    pub fn io(what: impl fmt::Display, cause: &std::io::Error) -> Self {
        let status = if cause.kind() == std::io::ErrorKind::NotFound { Status::NotFound } else { Status::Io };
        Self::new(status, format!("{what}: {cause}"))
    }

    /// The same error with the name of the thing it happened to in front.
    #[must_use]
    pub fn of(mut self, thing: impl fmt::Display) -> Self {
        self.message = one_line(format!("{thing}: {}", self.message));
        self
    }

    /// The code.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The text for people: one line without a final period, UTF-8, never key bytes.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The text with its control characters spelled out: what a caller or a file gave, a path or a label, cannot forge a
/// second line in a log.
pub fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        let error = Error::argument("found a\nb").of("c\0d\u{85}\u{7f}");
        assert_eq!(error.message(), "c\\u{0}d\\u{85}\\u{7f}: found a\\nb");
        assert_eq!(Error::argument("é中").message(), "é中");
    }
}
