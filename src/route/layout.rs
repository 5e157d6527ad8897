//! Which version owns which bucket.
//!
//! Weights become bucket counts by the largest-remainder method (Hamilton); the counts are laid out so that a
//! change of weights moves only the users it must: the first gray grows from bucket 0 upwards, the second from
//! the top downwards, the stable version keeps what is between.
#![forbid(unsafe_code)]

use super::bucket::BUCKETS;
use std::cmp::Reverse;
use std::ops::Range;

/// How many versions a policy may name: a version must fit a byte of [`Layout::Table`].
pub(super) const MAX_VERSIONS: usize = 256;

/// A version's part while the buckets are handed out.
struct Share {
    wanted: bool,
    count: u32,
    remainder: u128,
}

/// The bucket counts of `weights`, of which the first is the stable version's; the counts add up to
/// [`BUCKETS`].
///
/// Every weight above zero gets at least one bucket, zero gets none. Equal remainders are served in the
/// order of `weights`. If all are zero, everything goes to the first. At most [`MAX_VERSIONS`] weights.
pub(super) fn apportion(weights: &[u64]) -> Vec<u32> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let share = |(index, &weight): (usize, &u64)| {
        let quota = u128::from(weight) * u128::from(BUCKETS);
        match (quota.checked_div(sum), quota.checked_rem(sum)) {
            (Some(count), Some(remainder)) => {
                Share { wanted: weight > 0, count: u32::try_from(count).unwrap_or(BUCKETS), remainder }
            }
            _ => Share { wanted: false, count: if index == 0 { BUCKETS } else { 0 }, remainder: 0 },
        }
    };
    let mut shares: Vec<Share> = weights.iter().enumerate().map(share).collect();

    let given: u32 = shares.iter().map(|share| share.count).sum();
    let mut by_remainder: Vec<&mut Share> = shares.iter_mut().collect();
    by_remainder.sort_by_key(|share| Reverse(share.remainder));
    by_remainder.into_iter().take((BUCKETS - given) as usize).for_each(|share| share.count += 1);

    while let Some(starved) = shares.iter().position(|share| share.wanted && share.count == 0) {
        if let Some(largest) = shares.iter_mut().min_by_key(|share| Reverse(share.count)) {
            largest.count -= 1;
        }
        if let Some(starved) = shares.get_mut(starved) {
            starved.count = 1;
        }
    }
    shares.into_iter().map(|share| share.count).collect()
}

/// The owner of every bucket. Version 0 is the stable one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// At most two grays: version 1 owns the buckets below `first`, version 2 those from `second` on.
    Ends {
        /// The end of version 1's buckets.
        first: u32,
        /// The start of version 2's buckets.
        second: u32,
    },
    /// Any number of grays: the owner of each of the [`BUCKETS`] buckets.
    Table(Box<[u8]>),
}

impl Layout {
    /// Everything to the stable version.
    pub(super) const STABLE: Self = Self::Ends { first: 0, second: BUCKETS };

    /// The layout of at most two grays with these bucket counts, the stable version's first.
    pub(super) fn ends(counts: &[u32]) -> Self {
        let count = |version: usize| counts.get(version).copied().unwrap_or(0);
        Self::Ends { first: count(1), second: BUCKETS.saturating_sub(count(2)) }
    }

    /// The layout of explicit bucket ranges, which do not overlap; what they leave is stable.
    pub(super) fn ranges(ranges: &[(Range<u32>, u8)]) -> Self {
        let mut owners = vec![0; BUCKETS as usize].into_boxed_slice();
        for (range, version) in ranges {
            if let Some(buckets) = owners.get_mut(range.start as usize..range.end as usize) {
                buckets.fill(*version);
            }
        }
        Self::Table(owners)
    }

    /// The version that owns `bucket`.
    pub(super) fn owner(&self, bucket: u32) -> u32 {
        match self {
            Self::Ends { first, .. } if bucket < *first => 1,
            Self::Ends { second, .. } if bucket >= *second => 2,
            Self::Ends { .. } => 0,
            Self::Table(owners) => owners.get(bucket as usize).copied().unwrap_or(0).into(),
        }
    }

    /// How many buckets each of `versions` versions owns.
    pub(super) fn counts(&self, versions: usize) -> Vec<u32> {
        let mut counts = vec![0; versions];
        for bucket in 0..BUCKETS {
            if let Some(count) = counts.get_mut(self.owner(bucket) as usize) {
                *count += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_remainder() {
        for (weights, counts) in [
            (&[80, 20][..], &[8000, 2000][..]),
            (&[4, 1], &[8000, 2000]),
            (&[66, 33], &[6667, 3333]),
            (&[98, 1], &[9899, 101]),
            (&[100, 1], &[9901, 99]),
            (&[1, 1, 1], &[3334, 3333, 3333]),
            (&[0, 1, 1, 1], &[0, 3334, 3333, 3333]),
            (&[2, 1, 4], &[2857, 1429, 5714]),
            (&[0, 100], &[0, 10_000]),
            (&[7], &[10_000]),
            (&[1_000_000_000, 250_000_000], &[8000, 2000]),
        ] {
            assert_eq!(apportion(weights), counts, "{weights:?}");
        }
    }

    #[test]
    fn a_weight_above_zero_is_never_rounded_away() {
        assert_eq!(apportion(&[1_000_000, 1]), [9999, 1]);
        assert_eq!(apportion(&[1, 1_000_000_000]), [1, 9999]);
        assert_eq!(apportion(&[u64::MAX, 1, 0, u64::MAX]), [4999, 1, 0, 5000]);
        let mut crowd = vec![1; MAX_VERSIONS];
        crowd[0] = u64::MAX;
        let counts = apportion(&crowd);
        assert_eq!((counts[0], counts[1], counts[255]), (BUCKETS - 255, 1, 1));
    }

    #[test]
    fn without_any_weight_all_is_stable() {
        assert_eq!(apportion(&[0, 0]), [10_000, 0]);
        assert_eq!(apportion(&[]), Vec::<u32>::new());
    }

    #[test]
    fn grays_grow_from_the_two_ends() {
        let layout = Layout::ends(&[7000, 2000, 1000]);
        let owners = [0, 1999, 2000, 8999, 9000, 9999].map(|bucket| layout.owner(bucket));
        assert_eq!(owners, [1, 1, 0, 0, 2, 2]);
        assert_eq!(layout.counts(3), [7000, 2000, 1000]);
        assert_eq!(Layout::ends(&[0, 10_000]).counts(2), [0, 10_000]);
        assert_eq!(Layout::STABLE.counts(1), [10_000]);
    }

    #[test]
    fn ranges_own_what_they_say() {
        let layout = Layout::ranges(&[(0..500, 1), (9999..10_000, 3), (700..800, 1), (500..700, 2)]);
        let owners = [0, 499, 500, 699, 700, 799, 800, 9998, 9999].map(|bucket| layout.owner(bucket));
        assert_eq!(owners, [1, 1, 2, 2, 1, 1, 0, 0, 3]);
        assert_eq!(layout.counts(4), [9199, 600, 200, 1]);
    }
}
