//! What the trust document says of the deny-list.
#![forbid(unsafe_code)]

use super::list;
use crate::crypto::key_id::KeyId;
use crate::document::Field;
use crate::error::{Error, Result};

const MAX_KEYS: usize = 16;

/// Who may sign the deny-list beside the root keys, and which one is the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenylistRule {
    /// Keys that may sign it.
    pub keys: Vec<KeyId>,
    /// How many of them have to.
    pub threshold: usize,
    /// Without a deny-list of at least this number nothing is trusted; 0 asks for none.
    pub at_least: u64,
}

impl Default for DenylistRule {
    fn default() -> Self {
        Self { keys: Vec::new(), threshold: 1, at_least: 0 }
    }
}

impl DenylistRule {
    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        let mut entry = field.object()?;
        let mut rule = Self::default();
        if let Some(keys) = entry.optional("keys") {
            rule.keys = list(&keys, MAX_KEYS, |key| {
                key.text(128)?.parse().map_err(|e: Error| key.error(e.message()))
            })?;
            let count = rule.keys.len();
            rule.keys.sort_unstable();
            rule.keys.dedup();
            if rule.keys.len() != count {
                return Err(keys.error("expected each key once"));
            }
        }
        if let Some(field) = entry.optional("threshold") {
            let most = rule.keys.len().max(1);
            rule.threshold = usize::try_from(field.unsigned()?)
                .ok()
                .filter(|threshold| (1..=most).contains(threshold))
                .ok_or_else(|| field.error(format!("expected a number of keys from 1 to {most}")))?;
        }
        if let Some(field) = entry.optional("at_least") {
            rule.at_least = field.unsigned()?;
        }
        entry.finish()?;
        Ok(rule)
    }
}

/// What becomes of a loaded version that is revoked. It is told in each case, and none of them loads it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRevoked {
    /// The last good version serves in its place; where there is none, it serves on.
    #[default]
    RollBack,
    /// It serves nobody any more, whether or not there is another.
    Stop,
    /// It serves on.
    Alarm,
}

impl OnRevoked {
    /// As it stands in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::RollBack => "roll_back",
            Self::Stop => "stop",
            Self::Alarm => "alarm",
        }
    }

    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        Ok(match field.one_of(&["roll_back", "stop", "alarm"])? {
            "stop" => Self::Stop,
            "alarm" => Self::Alarm,
            _ => Self::RollBack,
        })
    }
}
