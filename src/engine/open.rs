//! Opening an engine, and bringing back what the last one served.

use super::{Change, Engine};
use crate::crypto::key_id::KeyId;
use crate::error::Result;
use crate::label::Label;
use crate::runtime::{Keeper, ServiceState};
use crate::store::Store;
use crate::telemetry::{Log, LogLevel};
use crate::trust::{Roots, TrustDirectory};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How many retired versions of a service stay mapped unless the options say otherwise.
const PARKED_VERSIONS: usize = 2;

/// What an engine needs to know.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// The trust directory; without it no plugin can be loaded.
    pub trust_directory: Option<PathBuf>,
    /// One of these keys must have signed the trust document; none is the development mode.
    pub root_key_ids: Vec<KeyId>,
    /// The state directory; without it nothing outlives the process.
    pub state_directory: Option<PathBuf>,
    /// Where log lines go.
    pub log: Log,
    /// How many retired versions of each service stay mapped for an immediate way back; 0 is the default of 2.
    pub parked_versions: usize,
}

impl Engine {
    /// Opens an engine. With a state directory, every service's last stable version is verified again and put back
    /// into service; one that is refused is logged, and its service has no stable version then.
    pub fn open(options: EngineOptions) -> Result<Arc<Self>> {
        let trust =
            options.trust_directory.map(|path| TrustDirectory::new(path, Roots::new(options.root_key_ids)));
        if let Some(trust) = &trust {
            // An unsound directory is told now, not at the first load.
            trust.read(crate::timestamp::now())?;
        }
        let store = options.state_directory.map(|path| Store::open(&path).map(Arc::new)).transpose()?;
        let engine = Arc::new(Self {
            trust,
            store,
            services: RwLock::new(BTreeMap::new()),
            keeper: Keeper::default(),
            log: options.log,
            parked_versions: if options.parked_versions == 0 {
                PARKED_VERSIONS
            } else {
                options.parked_versions
            },
            closed: AtomicBool::new(false),
        });
        if engine.trust.is_some() && engine.is_development() {
            engine.log.write(
                LogLevel::Warning,
                "development mode: no root key ids given, so trust.json is taken without a signature",
            );
        }
        engine.restore()?;
        Ok(engine)
    }

    fn restore(&self) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        if let Err(e) = store.collect_garbage() {
            self.log.write(LogLevel::Warning, format_args!("store: nothing was cleaned up: {e}"));
        }
        for (service, state) in store.read_all()? {
            if let Err(e) = state.and_then(|state| self.restore_service(service, state)) {
                self.log.write(LogLevel::Error, format_args!("restore {service}: no stable version: {e}"));
            }
        }
        Ok(())
    }

    fn restore_service(&self, name: Label, state: ServiceState) -> Result<()> {
        let service = self.service(name.as_str())?;
        service.restore_history(state.history);
        let Some(stable) = state.stable else { return Ok(()) };
        self.load_stored(&service, &stable)?;
        let restored = service.promote(stable.label.as_str());
        // What was read need not be written again, and must not overwrite what another process writes meanwhile.
        service.take_unwritten();
        let change = Change { reason: "restart".into(), ..Change::default() };
        self.tell(&change, "restore", name, restored.as_ref().map(|version| version.label()));
        restored.map(drop)
    }
}
