//! What an update asks of an instance: its self test, its state, and whether it takes copies of requests.

use super::Instance;
use crate::error::{Error, Result, Status};
use crate::loader::plugin::{self, Plugin, PluginState};

impl Instance {
    /// Sends the request that a level-1 plugin declares for this, and compares the answer. Level 0, and a plugin that
    /// declares none, passes.
    pub fn self_test(&self) -> Result<()> {
        self.place.enter()?;
        self.plugin.as_ref().map_or(Ok(()), Plugin::self_test)
    }

    /// Whether the plugin declares that it may be given copies of requests.
    pub fn is_idempotent(&self) -> bool {
        self.plugin.as_ref().is_some_and(Plugin::is_idempotent)
    }

    /// The plugin's state as it stands; calls may be in flight. [`Status::Unsupported`] for a plugin that exports none.
    pub fn export_state(&self) -> Result<PluginState> {
        self.level_1()?.export_state()
    }

    /// Replaces the plugin's state; the caller sees to it that no call is in flight. A refusal leaves it as it was.
    pub fn import_state(&self, state: &PluginState) -> Result<()> {
        self.level_1()?.import_state(state)
    }

    fn level_1(&self) -> Result<&Plugin> {
        self.place.enter()?;
        self.plugin.as_ref().ok_or_else(|| {
            Error::new(Status::Unsupported, format!("the image exports no {}", plugin::SYMBOL))
        })
    }
}
