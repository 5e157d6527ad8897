//! Time since the machine was started, which nobody sets.

use std::sync::OnceLock;

/// A moment of one run of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinceBoot {
    /// Which run; empty where the kernel does not say.
    pub boot: String,
    /// Seconds since it began, those of sleep included.
    pub seconds: u64,
}

impl SinceBoot {
    /// This moment.
    pub fn now() -> Self {
        static BOOT: OnceLock<String> = OnceLock::new();
        let boot = BOOT.get_or_init(|| {
            let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            id.trim().chars().take(64).collect()
        });
        Self { boot: boot.clone(), seconds: seconds() }
    }

    /// Seconds from `earlier` to this moment; `None` where they belong to different runs, or nobody knows.
    pub fn seconds_since(&self, earlier: &Self) -> Option<u64> {
        (!self.boot.is_empty() && self.boot == earlier.boot)
            .then(|| self.seconds.checked_sub(earlier.seconds))
            .flatten()
    }
}

fn seconds() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    if answer == 0 { u64::try_from(time.tv_sec).unwrap_or_default() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_since_boot_goes_on_within_one_boot() {
        let (earlier, later) = (SinceBoot::now(), SinceBoot::now());
        assert!(later.seconds_since(&earlier).is_some_and(|seconds| seconds < 60));
        let other = SinceBoot { boot: "another".into(), ..earlier.clone() };
        assert_eq!(later.seconds_since(&other), None);
        assert_eq!(SinceBoot { seconds: 0, ..earlier.clone() }.seconds_since(&later), None);
    }
}
