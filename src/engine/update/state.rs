//! The steps that move state: the rehearsal, the handover, and the way back.

use super::Update;
use crate::error::Result;
use crate::loader::PluginState;
use crate::runtime::Held;
use crate::sys::faults::fault;
use std::sync::Arc;
use std::time::Instant;

impl Update<'_> {
    /// Imports the old version's state while it serves. With a handover to come this shows that the new version can
    /// read it, before anybody waits; the state itself is replaced then.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let stable = self.staging.hold(self.staging.stable().label())?;
        let state = export(&stable)?;
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
        let state = export(&frozen.drain(&stable)?)?;
        let Some(held) = &self.held else { return Err(super::out_of_order()) };
        import(held, &state)?;
        fault!("update.switch");
        frozen.switch(Some(&version))?;
        self.pause = began.elapsed();
        self.handed_over = true;
        self.state_len = state.len() as u64;
        Ok(())
    }

    /// Moves the state back while requests wait, and has the old version serve in any case.
    pub(super) fn hand_back(&mut self) -> Result<()> {
        let version = self.version()?;
        // It is in the record, so nobody unloads it meanwhile.
        drop(self.held.take());
        let stable = Arc::clone(self.staging.stable());
        let frozen = self.staging.freeze(self.options.handover_patience)?;
        let moved = frozen.drain(&version).and_then(|new| {
            let state = export(&new)?;
            import(&frozen.drain(&stable)?, &state)
        });
        let switched = frozen.switch(None);
        moved.and(switched)
    }

    fn take(&mut self, state: &PluginState) -> Result<()> {
        import(self.held()?, state)?;
        self.state_len = state.len() as u64;
        Ok(())
    }
}

/// A crash takes the version out of service, as one in a call does.
fn export(held: &Held) -> Result<PluginState> {
    fault!("update.export");
    held.instance()?.export_state().inspect_err(|e| held.note_crash(e))
}

/// As above.
fn import(held: &Held, state: &PluginState) -> Result<()> {
    fault!("update.import");
    held.instance()?.import_state(state).inspect_err(|e| held.note_crash(e))
}
