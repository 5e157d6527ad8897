//! What goes into the audit trail, and what happens where it cannot.
//!
//! A change goes one way, whichever verb it is: [`Engine::govern`]. Where the trail is required, it is on record before it
//! happens that it was asked for (`REQUESTED`), and it does not happen otherwise; then its outcome follows.
#![forbid(unsafe_code)]

mod messages;

pub use messages::{count_signed, count_verified};

use super::{Change, Engine};
use crate::crypto::hmac::SecretKey;
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::crypto::sm2::UserId;
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result};
use crate::journal::{CheckpointSigner, Entry, Head, Kind, Limits, Trail};
use crate::label::Label;
use crate::runtime::Progress;
use crate::sync::Mutex;
use crate::sys::fork;
use crate::telemetry::{Log, LogLevel};
use crate::trust::{TrustDirectory, TrustSnapshot};
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

/// How long counts of messages wait at most before they are recorded.
const INTERVAL: Duration = Duration::from_mins(1);
const REQUESTED: &str = "REQUESTED";

/// How an engine records what it does.
#[derive(Clone, Debug, Default)]
pub struct AuditOptions {
    /// Whether a change is refused whose record cannot be written; otherwise that is logged.
    pub required: bool,
    /// Signs checkpoints; without one there are none.
    pub key: Option<Arc<Key>>,
    /// How large the trail may become, and how often it is signed.
    pub limits: Limits,
    /// Actors and reasons are recorded as codes under this key instead of in clear.
    pub pseudonym_key: Option<Arc<SecretKey>>,
}

/// The audit trail of an engine.
#[derive(Debug)]
pub(super) struct Audit {
    trail: Trail,
    required: bool,
    pseudonym_key: Option<Arc<SecretKey>>,
    log: Log,
    /// What the housekeeping is to add.
    pending: Mutex<Vec<Entry>>,
    /// Whether the engine was closed: what comes afterwards, of versions that leases have held, is signed at once.
    has_ended: AtomicBool,
    /// What was seen last of trust: the digest of the document, and the numbers of the deny-list and of the root keys.
    trust: Mutex<Option<(Digest, u64, u64)>>,
    /// The process that it was opened in: a forked child records nothing in its parent's name.
    generation: u64,
}

/// A change, as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<'a> {
    pub kind: Kind,
    pub change: &'a Change,
    /// The service that was asked for, or none where the change itself finds out.
    pub service: Option<Label>,
    /// The version that was asked for, or empty.
    pub version: &'a str,
}

/// What came of a change, as it is told.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The service that the change found.
    pub service: Option<Label>,
    /// The version, or what else it is about.
    pub version: String,
    pub digest: Option<Digest>,
}

impl Outcome {
    pub(super) fn of(version: impl std::fmt::Display, digest: Option<Digest>) -> Self {
        Self { service: None, version: version.to_string(), digest }
    }
}

impl Engine {
    /// Does what the deed says by `change`, unless it has to be recorded and cannot be, and tells of it.
    pub(super) fn govern<T>(
        &self,
        deed: &Deed<'_>,
        change: impl FnOnce() -> Result<T>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Result<T> {
        let asked = self.audit.as_ref().map_or(Ok(()), |audit| audit.ask(deed.entry()));
        let done = asked.and_then(|()| change());
        self.tell(deed, done.as_ref().map(outcome));
        done
    }

    /// Records what became of a change, or of something that nobody asked for.
    pub(super) fn tell(&self, deed: &Deed<'_>, outcome: std::result::Result<Outcome, &Error>) {
        let Deed { kind, change, service, .. } = deed;
        let verb = kind.name().replace('-', " ");
        let name = |service: Option<Label>| service.map(|name| format!(" {name}")).unwrap_or_default();
        let by = change.attribution();
        match &outcome {
            Ok(Outcome { version, service: found, .. }) => {
                let of = name(found.or(*service));
                self.log.write(LogLevel::Info, format_args!("{verb}{of}: {version}{by}"));
            }
            Err(e) => {
                let of = name(*service);
                self.log.write(LogLevel::Error, format_args!("{verb}{of} refused{by}: {e}"));
            }
        }
        let mut entry = deed.entry();
        match outcome {
            Ok(Outcome { service, version, digest }) => {
                (entry.version, entry.digest) = (version, digest);
                if let Some(service) = service {
                    entry.service = service.to_string();
                }
            }
            Err(e) => refused(&mut entry, e),
        }
        self.record(entry, change.wait_durable);
    }

    /// Adds an entry, if there is a trail; where that fails it is logged. What need not be durable at once becomes so by
    /// the housekeeping.
    pub(super) fn record(&self, entry: Entry, wait_durable: bool) {
        let Some(audit) = &self.audit else { return };
        audit.record(entry, wait_durable);
        if !wait_durable {
            let audit = Arc::clone(audit);
            self.leave_to_housekeeping(move || {
                audit.sync();
                Progress::Done
            });
        }
    }

    /// Adds an entry by the housekeeping: for threads that must not wait for a disk.
    pub(super) fn record_later(&self, entry: Entry) {
        let Some(audit) = self.audit.clone() else { return };
        audit.pending.lock().push(entry);
        self.leave_to_housekeeping(move || {
            audit.write_pending();
            Progress::Done
        });
    }

    /// Records a decision over a plugin file, which does not stand where it has to be on record and cannot be.
    pub(super) fn record_decision<T>(
        &self,
        service: Label,
        label: Option<&str>,
        decided: Result<T>,
        digest: impl FnOnce(&T) -> Digest,
    ) -> Result<T> {
        let Some(audit) = &self.audit else { return decided };
        let mut entry = Entry::new(Kind::Verify);
        entry.service = service.to_string();
        label.unwrap_or_default().clone_into(&mut entry.version);
        match &decided {
            Ok(image) => entry.digest = Some(digest(image)),
            Err(e) => refused(&mut entry, e),
        }
        match audit.append(entry, false) {
            Err(unwritten) if audit.required => decided.and(Err(unwritten)),
            Err(unwritten) => {
                audit.complain(&unwritten);
                decided
            }
            Ok(()) => decided,
        }
    }

    /// The last record of the audit trail, to be kept elsewhere; `None` without a trail. With `signed`, after a checkpoint
    /// over everything before it.
    pub fn audit_head(&self, signed: bool) -> Result<Option<Head>> {
        self.check_open()?;
        let Some(audit) = &self.audit else { return Ok(None) };
        if signed { audit.trail.checkpoint() } else { audit.trail.head() }.map(Some)
    }

    /// Begins to record: that the engine was opened, the trust document, and from time to time the counts of messages.
    pub(super) fn begin_audit(&self) -> Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        let opened = audit.append(Entry::new(Kind::Open), true);
        if audit.required {
            opened?;
        } else if let Err(e) = opened {
            audit.complain(&e);
        }
        if let Some(Ok(view)) = self.trust.as_ref().map(TrustDirectory::look) {
            audit.notice_trust(&view.snapshot);
        }
        enlist(audit);
        let weak = Arc::downgrade(audit);
        self.leave_to_housekeeping(move || {
            let Some(audit) = weak.upgrade() else { return Progress::Done };
            audit.tell_messages();
            audit.sync();
            Progress::Later(INTERVAL)
        });
        Ok(())
    }

    /// Records the counts of messages and the closing, and signs the trail.
    pub(super) fn end_audit(&self) {
        let Some(audit) = &self.audit else { return };
        audit.write_pending();
        audit.tell_messages();
        audit.record(Entry::new(Kind::Close), false);
        audit.has_ended.store(true, Ordering::SeqCst);
        if let Err(e) = audit.trail.checkpoint() {
            audit.complain(&e);
        }
    }
}

impl Audit {
    /// Opens the trail of a state directory. One that is not as it was written, or cannot be written, is refused where it
    /// is required, and otherwise left as it is: the log says so, and nothing is recorded.
    pub(super) fn open(
        options: &AuditOptions,
        state_directory: Option<&Path>,
        log: &Log,
    ) -> Result<Option<Arc<Self>>> {
        let state_directory = state_directory.ok_or_else(|| {
            Error::argument("audit: expected a state directory in the engine's options, found none")
        })?;
        let signer = options.key.clone().map(KeySigner::new).transpose()?;
        let signer = signer.map(|signer| Box::new(signer) as Box<dyn CheckpointSigner>);
        options.limits.check()?;
        let path = state_directory.join("machine").join("audit");
        match Trail::open(&path, options.limits, signer) {
            Ok(trail) => Ok(Some(Arc::new(Self {
                trail,
                required: options.required,
                pseudonym_key: options.pseudonym_key.clone(),
                log: log.clone(),
                pending: Mutex::default(),
                has_ended: AtomicBool::new(false),
                trust: Mutex::new(None),
                generation: fork::generation(),
            }))),
            Err(e) if options.required => Err(e),
            Err(e) => {
                log.write(LogLevel::Error, format_args!("audit trail: nothing is recorded: {e}"));
                Ok(None)
            }
        }
    }

    /// Puts on record that the deed was asked for, where it must not happen otherwise.
    fn ask(&self, mut entry: Entry) -> Result<()> {
        if !self.required {
            return Ok(());
        }
        entry.status = REQUESTED.into();
        self.append(entry, false)
    }

    fn record(&self, entry: Entry, durable: bool) {
        if let Err(e) = self.append(entry, durable) {
            self.complain(&e);
        }
    }

    fn append(&self, mut entry: Entry, durable: bool) -> Result<()> {
        if self.generation != fork::generation() {
            return Ok(());
        }
        entry.actor = self.pseudonym("actor", entry.actor)?;
        entry.reason = self.pseudonym("reason", entry.reason)?;
        if let Some(trouble) = self.trail.append(entry, durable)? {
            self.complain(&trouble);
        }
        Ok(())
    }

    /// The text, or where there is a key for it its code: the same text has the same code, under this key alone.
    fn pseudonym(&self, field: &str, text: String) -> Result<String> {
        let Some(key) = self.pseudonym_key.as_ref().filter(|_| !text.is_empty()) else { return Ok(text) };
        let code = key.sign(format!("sogov.audit.{field}\0{text}").as_bytes())?;
        Ok(code.iter().fold(String::from("hmac-sha256:"), |text, byte| text + &format!("{byte:02x}")))
    }

    fn write_pending(&self) {
        let pending = std::mem::take(&mut *self.pending.lock());
        let is_late = !pending.is_empty() && self.has_ended.load(Ordering::SeqCst);
        for entry in pending {
            self.record(entry, true);
        }
        if is_late && let Err(e) = self.trail.checkpoint() {
            self.complain(&e);
        }
    }

    fn sync(&self) {
        if self.generation == fork::generation()
            && let Err(e) = self.trail.sync()
        {
            self.complain(&e);
        }
    }

    fn tell_messages(&self) {
        let told = messages::tell(|counts| {
            let mut entry = Entry::new(Kind::Messages);
            entry.detail = counts;
            self.append(entry, false)
        });
        if let Err(e) = told {
            self.complain(&e);
        }
    }

    /// Records that the trust document, the deny-list or the root keys are others than they were.
    pub(super) fn notice_trust(&self, trust: &TrustSnapshot) {
        let now = (trust.digest, trust.denylist_number(), trust.root_set());
        let before = self.trust.lock().replace(now);
        if before != Some(now) {
            let mut entry = Entry::new(Kind::Trust);
            let when = if before.is_some() { "changed" } else { "as the engine was opened" };
            entry.digest = Some(trust.digest);
            entry.message = format!("{when}: {trust}");
            self.record(entry, false);
        }
    }

    fn complain(&self, e: &Error) {
        self.log.write(LogLevel::Error, format_args!("audit trail: {e}"));
    }
}

impl Deed<'_> {
    fn entry(&self) -> Entry {
        let mut entry = Entry::new(self.kind);
        entry.actor.clone_from(&self.change.actor);
        entry.reason.clone_from(&self.change.reason);
        entry.service = self.service.map(|name| name.to_string()).unwrap_or_default();
        self.version.clone_into(&mut entry.version);
        entry
    }
}

fn refused(entry: &mut Entry, e: &Error) {
    e.status().name().clone_into(&mut entry.status);
    e.message().clone_into(&mut entry.message);
}

/// The trails of this process: a file is signed without an engine, so every engine that is open records it.
static OPEN: LazyLock<ArcSwap<Vec<Weak<Audit>>>> = LazyLock::new(ArcSwap::default);

fn enlist(audit: &Arc<Audit>) {
    OPEN.rcu(|open| {
        let mut open: Vec<_> = open.iter().filter(|audit| audit.strong_count() > 0).cloned().collect();
        open.push(Arc::downgrade(audit));
        open
    });
}

/// Signs a file by `sign`, unless that has to be recorded and cannot be, and records it.
pub(super) fn signing<T>(
    describe: impl FnOnce(&mut Entry),
    sign: impl FnOnce() -> Result<T>,
    digest: impl FnOnce(&T) -> Option<Digest>,
) -> Result<T> {
    let open: Vec<Arc<Audit>> = OPEN.load().iter().filter_map(Weak::upgrade).collect();
    if open.is_empty() {
        return sign();
    }
    let mut entry = Entry::new(Kind::Sign);
    describe(&mut entry);
    open.iter().try_for_each(|audit| audit.ask(entry.clone()))?;
    let signed = sign();
    match &signed {
        Ok(of) => entry.digest = digest(of),
        Err(e) => refused(&mut entry, e),
    }
    for audit in &open {
        audit.record(entry.clone(), true);
    }
    signed
}

/// Signs checkpoints by a key of the host's options.
#[derive(Debug)]
struct KeySigner {
    key: Arc<Key>,
}

impl KeySigner {
    /// Refuses a key that cannot sign checkpoints: a public one, or a secret, by which everybody who can verify could
    /// also sign.
    fn new(key: Arc<Key>) -> Result<Self> {
        key.with_signer(super::schemes(), |signer| signer.scheme_number())
            .map_err(|e| e.of("audit checkpoint"))?;
        Ok(Self { key })
    }
}

impl CheckpointSigner for KeySigner {
    fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    fn scheme_number(&self) -> Result<u8> {
        self.key.with_signer(super::schemes(), |signer| signer.scheme_number())
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.key.sign(super::schemes(), &UserId::default(), bytes)
    }
}
