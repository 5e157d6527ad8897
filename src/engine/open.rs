//! Opening an engine, and bringing back what the last one served.

use super::audit::{Audit, Deed};
use super::{AuditOptions, Change, Engine};
use crate::crypto::hmac::SecretKey;
use crate::crypto::key_id::KeyId;
use crate::error::{Result, Status};
use crate::journal::Kind;
use crate::label::Label;
use crate::loader::Collisions;
use crate::loader::preflight::{self, Preflight};
use crate::runtime::{Former, Parking, Service, ServiceState};
use crate::store::Store;
use crate::sync::Mutex;
use crate::sys::fork;
use crate::telemetry::{Events, Log, LogLevel};
use crate::trust::{ClockVerdict, Kept, Roots, SharedClock, TrustDirectory};
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8};

/// How many retired versions of a service stay mapped unless the options say otherwise.
const PARKED_VERSIONS: usize = 2;
/// How many bytes their images may take unless the options say otherwise.
const PARKED_BYTES: usize = 256 << 20;

/// What an engine needs to know.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// The trust directory; without it no plugin can be loaded.
    pub trust_directory: Option<PathBuf>,
    /// One of these keys must have signed the trust document; none is the development mode.
    pub root_key_ids: Vec<KeyId>,
    /// How many of the root keys must have signed it; 0: 1.
    pub root_threshold: usize,
    /// The number of this set of root keys in its chain; 0: 1. Later sets stand in the trust directory.
    pub root_set: u64,
    /// How often the housekeeping looks at the trust directory for what is revoked, in milliseconds, from the first load on; 0:
    /// every 10,000 where there is a state directory, otherwise never; `u32::MAX`: never. Loads and
    /// [`refresh_trust`](Engine::refresh_trust) look in any case.
    pub trust_check_ms: u32,
    /// The clock that trust goes by: the machine's, but in tests.
    pub clock: SharedClock,
    /// The state directory; without it nothing outlives the process.
    pub state_directory: Option<PathBuf>,
    /// The key that codes the receipts of installed packages: without it none is installed, and receipts are not looked
    /// at. It must not lie in the state directory: whoever writes there could write receipts as well.
    pub receipt_key: Option<Arc<SecretKey>>,
    /// Where log lines go.
    pub log: Log,
    /// Where events go.
    pub events: Events,
    /// How many retired versions of each service stay mapped for an immediate way back; 0 is the default of 2.
    pub parked_versions: usize,
    /// How versions are tried in a child process before they enter this one.
    pub preflight: preflight::Options,
    /// How many bytes of address space the images of each service's retired versions may take together, from the first
    /// segment of each to the end of its last one; 0 is the default of 256 MiB.
    pub parked_bytes: usize,
    /// What becomes of plugins whose own symbols the host's would replace.
    pub collisions: Collisions,
    /// Whether a crash of a plugin inside a call ends that call instead of the process. Installs handlers for
    /// `SIGSEGV`, `SIGBUS`, `SIGFPE` and `SIGILL`, which stay.
    pub contain_crashes: bool,
    /// Whether and how what is done is recorded in the state directory's audit trail, which it needs then.
    pub audit: Option<AuditOptions>,
}

impl Engine {
    /// Opens an engine. With a state directory, every service's last stable version is verified again and put back
    /// into service; one that is refused is logged, and its service has no stable version then.
    pub fn open(options: EngineOptions) -> Result<Arc<Self>> {
        let engine = Self::open_idle(options)?;
        engine.restore()?;
        Ok(engine)
    }

    /// The same, but what the last engine served stays where it is: for a program that installs packages and runs none of
    /// the code in the state directory.
    pub fn open_idle(options: EngineOptions) -> Result<Arc<Self>> {
        let store = options.state_directory.as_deref().map(Store::open).transpose()?.map(Arc::new);
        let trust = trust_of(&options)?;
        if let Some(trust) = &trust {
            // An unsound directory is told now, not at the first load.
            trust.read()?;
        }
        let audit = match &options.audit {
            Some(audit) => Audit::open(audit, options.state_directory.as_deref(), &options.log)?,
            None => None,
        };
        // Without trust nothing is loaded, so nothing is tried.
        let preflight = if trust.is_some() { Preflight::new(&options.preflight) } else { Preflight::off() };
        let containment = super::crash::containment(options.contain_crashes, &options.log)?;
        let engine = Arc::new_cyclic(|this| Self {
            trust,
            preflight,
            store,
            receipt_key: options.receipt_key,
            audit,
            services: ArcSwap::default(),
            adding: Mutex::default(),
            keeper: Arc::default(),
            log: options.log,
            events: options.events,
            parking: Parking {
                versions: or_default(options.parked_versions, PARKED_VERSIONS),
                bytes: or_default(options.parked_bytes, PARKED_BYTES),
            },
            collisions: options.collisions,
            containment,
            closed: AtomicBool::new(false),
            applied: Mutex::default(),
            trust_interval: super::trust::interval(options.trust_check_ms, options.state_directory.is_some()),
            watching_trust: AtomicBool::new(false),
            watch_told: Mutex::default(),
            clock_told: AtomicU8::new(ClockVerdict::Believed as u8),
            generation: fork::generation(),
            this: this.clone(),
        });
        if engine.trust.is_some() && engine.is_development() {
            engine.log.write(
                LogLevel::Warning,
                "development mode: no root key ids given, so trust.json is taken without a signature, and what was \
                 accepted is remembered in this process only",
            );
        } else if engine.trust.is_some() && engine.store.is_none() {
            engine.log.write(
                LogLevel::Info,
                "trust: no state directory given, so what was accepted is remembered in this process only",
            );
        }
        engine.begin_audit()?;
        Ok(engine)
    }

    fn restore(&self) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        if let Err(e) = store.collect_garbage() {
            self.log.write(LogLevel::Warning, format_args!("store: nothing was cleaned up: {e}"));
        }
        for (service, state) in store.read_all()? {
            if let Err(e) = state.and_then(|state| self.restore_service(service, &state)) {
                self.log.write(LogLevel::Error, format_args!("restore {service}: no stable version: {e}"));
            }
        }
        Ok(())
    }

    fn restore_service(&self, name: Label, state: &ServiceState) -> Result<()> {
        let service = self.service(name.as_str())?;
        service.restore_history(state.history.clone());
        let Some(stable) = state.stable else { return Ok(()) };
        let loaded = self.load_stored(&service, &stable).map(|_| stable);
        let (stable, is_as_it_was) = match loaded {
            Err(revoked) if revoked.status() == Status::Revoked => {
                (self.restore_former(&service, &stable, &state.history, revoked)?, false)
            }
            stable => (stable?, true),
        };
        let restored = service.promote(stable.label.as_str());
        self.restore_broken(&service, stable, state);
        // What was read need not be written again, and must not overwrite what another process writes meanwhile.
        if is_as_it_was {
            service.take_unwritten();
        }
        self.raise_floor(&service);
        let change = Change { reason: "restart".into(), ..Change::default() };
        let deed = Deed {
            kind: Kind::Restore,
            change: &change,
            service: Some(name),
            version: stable.label.as_str(),
        };
        self.tell(&deed, restored.as_ref().map(super::outcome));
        if !is_as_it_was {
            self.settle(&service, &change)?;
        }
        restored.map(drop)
    }

    /// A stable version that was broken when the last process ended is so still: then the one before it serves, which is
    /// loaded for that.
    fn restore_broken(&self, service: &Arc<Service>, stable: Former, state: &ServiceState) {
        if state.broken.iter().any(|broken| broken.version == stable)
            && let Some(former) = state.history.last()
            && let Err(e) = self.load_stored(service, former)
        {
            let name = service.name();
            self.log.write(LogLevel::Error, format_args!("restore {name}: nothing to fall back to: {e}"));
        }
        service.restore_broken(&state.broken);
    }
}

/// In the development mode anybody could raise the numbers, so they are not kept beyond the process.
fn trust_of(options: &EngineOptions) -> Result<Option<TrustDirectory>> {
    let roots = Roots::new(options.root_key_ids.clone()).with(options.root_threshold, options.root_set)?;
    let Some(path) = &options.trust_directory else { return Ok(None) };
    let kept = match &options.state_directory {
        Some(state) if !roots.is_development() => Kept::open(state)?,
        _ => Kept::default(),
    };
    let trust = TrustDirectory::new(path.clone(), roots, super::prepared_keys)
        .with_schemes(super::schemes)
        .with_clock(options.clock.clone())
        .remembering(kept);
    Ok(Some(trust))
}

fn or_default(given: usize, default: usize) -> usize {
    if given == 0 { default } else { given }
}
