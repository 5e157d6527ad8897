//! Steps at which tests make the runtime fail, panic or pause. Only with the feature `failpoints`: without it there is
//! no code and no dependency.
#![forbid(unsafe_code)]

/// Marks a step by its name, which no other step has. `fault!(name)` stands in a function that answers a `Result`, and
/// may return an error; `fault!(name, none)` stands in one that answers an `Option`, and may return `None`;
/// `fault!(name, stay)` stands where nothing can fail, and may panic or pause. `tests/faults.rs` walks all of them.
macro_rules! fault {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        if crate::sys::faults::fails($name) {
            return Err(crate::sys::faults::Injectable::injected($name));
        }
    };
    ($name:literal, none) => {
        #[cfg(feature = "failpoints")]
        if crate::sys::faults::fails($name) {
            return None;
        }
    };
    ($name:literal, stay) => {
        #[cfg(feature = "failpoints")]
        let _ = crate::sys::faults::fails($name);
    };
}

pub(crate) use fault;
#[cfg(feature = "failpoints")]
pub(crate) use injection::{Injectable, fails};

#[cfg(feature = "failpoints")]
mod injection {
    use crate::error::{Error, Status};
    use std::io;

    /// Does at this step what a test asked for; true when the step is to fail.
    pub(crate) fn fails(name: &str) -> bool {
        fail::fail_point!(name, |_| true);
        false
    }

    /// An error that a step can fail with.
    pub(crate) trait Injectable {
        /// The one of the step `name`.
        fn injected(name: &str) -> Self;
    }

    impl Injectable for Error {
        fn injected(name: &str) -> Self {
            Self::new(Status::Io, format!("injected at {name}"))
        }
    }

    impl Injectable for io::Error {
        fn injected(name: &str) -> Self {
            Self::other(format!("injected at {name}"))
        }
    }
}
