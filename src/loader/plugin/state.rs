//! The state of a plugin on its way from one version to another.

use super::entry::Entry;
use super::{Invocation, Plugin, RawWriter};
use crate::error::{Error, Result, Status};
use std::fmt;

/// The largest state.
const MAX_STATE: usize = 1 << 30;

/// What a plugin exported, and the schema that it is written in.
#[derive(Clone, PartialEq, Eq)]
pub struct PluginState {
    schema: u32,
    bytes: Vec<u8>,
}

impl PluginState {
    /// The schema.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// How many bytes it takes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it takes none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for PluginState {
    /// Without its content, which may be anybody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginState")
            .field("schema", &self.schema)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// The plugin's state as it stands; calls may be in flight.
    pub(in crate::loader) fn export_state(&self) -> Result<PluginState> {
        let Some(export) = self.descriptor.state_export else { return Err(self.lacks("state_export")) };
        let mut bytes = Vec::new();
        let mut sink = Invocation { request: &[], answer: &mut bytes, limit: MAX_STATE, code: 0 };
        let writer = RawWriter::of(&mut sink);
        // SAFETY: the plugin's contract; the writer is valid for the call.
        let answer =
            unsafe { Entry::Export(export, self.state, &raw const writer).call(self.contained.as_ref()) };
        super::check_answer("state_export", answer)?;
        Ok(PluginState { schema: self.descriptor.state_schema, bytes })
    }

    /// Replaces the plugin's state; no call is in flight.
    pub(in crate::loader) fn import_state(&self, state: &PluginState) -> Result<()> {
        let Some(import) = self.descriptor.state_import else { return Err(self.lacks("state_import")) };
        let entry = Entry::Import(import, self.state, state.schema, state.bytes.as_ptr().cast(), state.len());
        // SAFETY: the plugin's contract; the bytes are valid for the call.
        let answer = unsafe { entry.call(self.contained.as_ref()) };
        super::check_answer("state_import", answer).map_err(|e| e.of(format_args!("schema {}", state.schema)))
    }

    fn lacks(&self, function: &str) -> Error {
        Error::new(Status::Unsupported, format!("plugin {}: expected a {function}, found none", self.name()))
    }
}
