//! The self test that a plugin declares: a request, and what it has to answer.

use super::{Invocation, Plugin};
use crate::error::{Error, Result, Status};

/// The longest answer to a self test.
const MAX_ANSWER: usize = 16 << 20;

impl Plugin {
    /// Sends the declared request through `invoke` and compares the answer. A plugin that declares none passes.
    pub(in crate::loader) fn self_test(&self) -> Result<()> {
        let declared = &self.descriptor;
        if declared.self_test_request.is_null() && declared.self_test_answer.is_null() {
            return Ok(());
        }
        // SAFETY: sogov_plugin.h demands as many readable constant bytes as the lengths say.
        let (request, expected) = unsafe {
            (
                super::constant(declared.self_test_request, declared.self_test_request_len),
                super::constant(declared.self_test_answer, declared.self_test_answer_len),
            )
        };
        let mut answer = Vec::new();
        let mut test = Invocation {
            request: request.unwrap_or_default(),
            answer: &mut answer,
            limit: MAX_ANSWER,
            code: 0,
        };
        match self.invoke(&mut test)? {
            0 => {}
            code => return Err(failed(&format!("expected 0, found {code}"))),
        }
        match expected {
            Some(expected) if expected != answer.as_slice() => Err(failed(&format!(
                "expected an answer of {} bytes, found another of {}",
                expected.len(),
                answer.len()
            ))),
            _ => Ok(()),
        }
    }
}

fn failed(what: &str) -> Error {
    Error::new(Status::PluginFailed, format!("plugin self test: {what}"))
}
