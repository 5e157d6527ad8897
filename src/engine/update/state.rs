//! The steps that move state: the rehearsal, the handover, and the way back.

use super::Update;
use crate::error::Result;
use crate::loader::PluginState;
use std::sync::Arc;
use std::time::Instant;

impl Update<'_> {
    /// Imports the old version's state while it serves. With a handover to come this shows that the new version can
    /// read it, before anybody waits; the state itself is replaced then.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let stable = self.staging.hold(self.staging.stable().label())?;
        let state = stable.instance()?.export_state()?;
        drop(stable);
        self.take(&state)
    }

    /// Moves the state while requests wait. Nobody is inside of the old version when it is exported, and the next
    /// request after the import goes to the new one: no change is lost and none happens twice.
    pub(super) fn hand_over(&mut self) -> Result<()> {
        let version = self.version()?;
        let stable = Arc::clone(self.staging.stable());
        let began = Instant::now();
        let frozen = self.staging.freeze(self.options.handover_patience)?;
        let state = frozen.drain(&stable)?.instance()?.export_state()?;
        let Some((_, held)) = &self.loaded else { return Err(super::out_of_order()) };
        held.instance()?.import_state(&state)?;
        frozen.switch(Some(&version))?;
        self.pause = began.elapsed();
        self.handed_over = true;
        self.state_len = state.len() as u64;
        Ok(())
    }

    /// Moves the state back while requests wait, and has the old version serve in any case.
    pub(super) fn hand_back(&mut self) -> Result<()> {
        let Some((version, held)) = self.loaded.take() else { return Err(super::out_of_order()) };
        drop(held);
        let stable = Arc::clone(self.staging.stable());
        let frozen = self.staging.freeze(self.options.handover_patience)?;
        let moved = frozen.drain(&version).and_then(|new| {
            let state = new.instance()?.export_state()?;
            frozen.drain(&stable)?.instance()?.import_state(&state)
        });
        let switched = frozen.switch(None);
        // The lease that was let go is only needed to keep the version until it is taken away.
        if let Ok(held) = self.staging.hold(version.label()) {
            self.loaded = Some((version, held));
        }
        moved.and(switched)
    }

    fn take(&mut self, state: &PluginState) -> Result<()> {
        self.instance()?.import_state(state)?;
        self.state_len = state.len() as u64;
        Ok(())
    }
}
