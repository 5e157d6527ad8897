//! What the process does when a signal arrives.

/// The highest signal of Linux.
pub const HIGHEST: i32 = 64;

/// The address of the function that `signal` runs, or `SIG_DFL` (0) or `SIG_IGN` (1). `None` for signals that the C
/// library keeps to itself.
pub fn handler(signal: i32) -> Option<usize> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a NULL action only asks; the place has room for the answer, and all its bytes are initialised.
    let action = unsafe {
        (libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0).then(|| action.assume_init())
    };
    action.map(|action| action.sa_sigaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_told() {
        assert!(handler(libc::SIGSEGV).is_some_and(|handler| handler > 1), "std watches its guard pages");
        assert!((1..=HIGHEST).filter_map(handler).count() >= 60);
        assert_eq!(handler(HIGHEST + 1), None);
    }
}
