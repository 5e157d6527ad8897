//! Which instructions the kernels of this crate may use: what the processor has, less what the environment forbids.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

/// The environment variable that lowers the level, read once: `portable`, `adx`, `avx2` or `avx512`.
pub const VARIABLE: &str = "SOGOV_CPU";

/// What the kernels choose by. Every kernel has a portable form that gives the same results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a set of flags")]
pub struct Features {
    /// BMI2 and ADX: multiplication without flags, two carry chains.
    pub adx: bool,
    /// AVX2: eight words of 32 bits at once.
    pub avx2: bool,
    /// AVX-512 F, VL, DQ and BW: sixteen words at once.
    pub avx512: bool,
    /// AVX-512 IFMA beside these: eight 52-bit multiplications at once.
    pub ifma: bool,
}

impl Features {
    /// No more than every processor has.
    pub const PORTABLE: Self = Self { adx: false, avx2: false, avx512: false, ifma: false };

    /// Those of this process, found out at the first call.
    pub fn get() -> Self {
        static FOUND: OnceLock<Features> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let limit = std::env::var(VARIABLE).unwrap_or_default();
            Self::detected().limited(&limit)
        })
    }

    /// Those of the processor.
    #[cfg(target_arch = "x86_64")]
    pub fn detected() -> Self {
        use std::arch::is_x86_feature_detected as has;
        let avx512 = has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw");
        Self {
            // valgrind runs the instructions of ADX, but does not announce them.
            adx: has!("bmi2") && (has!("adx") || cfg!(ctgrind)),
            avx2: has!("avx2"),
            avx512,
            ifma: avx512 && has!("avx512ifma"),
        }
    }

    /// Those of the processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn detected() -> Self {
        Self::PORTABLE
    }

    /// At most those that `limit` names; any other text is no limit.
    fn limited(self, limit: &str) -> Self {
        match limit {
            "portable" => Self::PORTABLE,
            "adx" => Self { adx: self.adx, ..Self::PORTABLE },
            "avx2" => Self { avx512: false, ifma: false, ..self },
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_takes_away_and_gives_nothing() {
        let all = Features { adx: true, avx2: true, avx512: true, ifma: true };
        assert_eq!(all.limited("portable"), Features::PORTABLE);
        assert_eq!(all.limited("adx"), Features { adx: true, ..Features::PORTABLE });
        assert_eq!(all.limited("avx2"), Features { adx: true, avx2: true, ..Features::PORTABLE });
        assert_eq!(all.limited("avx512"), all);
        assert_eq!(all.limited(""), all);
        for limit in ["portable", "adx", "avx2", "avx512", ""] {
            assert_eq!(Features::PORTABLE.limited(limit), Features::PORTABLE);
        }
    }
}
