//! The two hash tables, which alone say how many dynamic symbols there are.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::u32_at;
use super::dynamic::{Dynamic, GNU_HASH, HASH};
use super::image::Image;
use super::rejected;
use crate::error::Result;

const MAX_SYMBOLS: u32 = 1 << 22;
const MAX_BUCKETS: u32 = 1 << 22;

/// The number of dynamic symbols.
///
/// A GNU table without exports does not say it; then it is what the relocations refer to,
/// `highest` being the highest index of theirs.
pub(super) fn symbol_count(image: &mut Image<'_>, dynamic: &Dynamic<'_>, highest: u32) -> Result<u32> {
    let system_v = dynamic.get(HASH).map(|address| system_v_count(image, address)).transpose()?;
    let gnu = dynamic.get(GNU_HASH).map(|address| gnu_count(image, address)).transpose()?;
    let count = match (system_v, gnu) {
        (None, None) => return Err(rejected("DT_HASH or DT_GNU_HASH: expected one, found none")),
        (Some(expected), Some(GnuCount::Exact(found))) if expected != found => {
            return Err(rejected(format!(
                "DT_GNU_HASH: expected {expected} symbols as in DT_HASH, found {found}"
            )));
        }
        (Some(count), _) | (None, Some(GnuCount::Exact(count))) => count,
        (None, Some(GnuCount::AtLeast(count))) => count.max(highest.saturating_add(1)),
    };
    if count > MAX_SYMBOLS {
        return Err(rejected(format!("dynamic symbols: expected at most {MAX_SYMBOLS}, found {count}")));
    }
    Ok(count)
}

/// gABI: nbucket, nchain, buckets, chains. The linker follows a chain to index 0, for ever if it is a ring.
fn system_v_count(image: &mut Image<'_>, address: u64) -> Result<u32> {
    let (buckets, count) = counts(image.table("DT_HASH", address, 8)?);
    if buckets == 0 || buckets > MAX_BUCKETS || count == 0 || count > MAX_SYMBOLS {
        return Err(rejected(format!("DT_HASH: expected buckets and symbols, found {buckets} and {count}")));
    }
    let words = 2_u64.saturating_add(buckets.into()).saturating_add(count.into());
    let table = image.table("DT_HASH", address, words.saturating_mul(4))?;
    let word = |index: u64| u32_at(table, usize::try_from(index.saturating_mul(4)).ok()?);
    let mut seen = vec![false; usize::try_from(count).unwrap_or_default()];
    for bucket in 0..buckets {
        let mut index = word(2_u64.saturating_add(bucket.into())).unwrap_or(u32::MAX);
        while index != 0 {
            match usize::try_from(index).ok().and_then(|index| seen.get_mut(index)) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    return Err(rejected(format!(
                        "DT_HASH: expected each symbol in one chain, found symbol {index}"
                    )));
                }
            }
            let link = 2_u64.saturating_add(buckets.into()).saturating_add(index.into());
            index = word(link).unwrap_or(u32::MAX);
        }
    }
    Ok(count)
}

enum GnuCount {
    Exact(u32),
    AtLeast(u32),
}

/// nbuckets, symoffset, words of the filter, shift; the filter, the buckets, and one hash value for each
/// symbol from symoffset on, its lowest bit set at the end of a chain.
fn gnu_count(image: &mut Image<'_>, address: u64) -> Result<GnuCount> {
    let head = image.table("DT_GNU_HASH", address, 16)?;
    let (buckets, first) = counts(head);
    let filter = u32_at(head, 8).unwrap_or_default();
    let shift = u32_at(head, 12).unwrap_or_default();
    // `_dl_setup_hash` ends the process if the filter's size is not a power of two, and reads past one of 0.
    if buckets == 0 || buckets > MAX_BUCKETS || !filter.is_power_of_two() || shift >= 64 {
        return Err(rejected(format!(
            "DT_GNU_HASH: expected buckets, a filter of 2^n words and a shift below 64, found {buckets}, {filter} and {shift}"
        )));
    }
    let before = u64::from(filter).saturating_mul(8).saturating_add(16);
    let fixed = u64::from(buckets).saturating_mul(4).saturating_add(before);
    let table = image.table("DT_GNU_HASH", address, fixed)?;
    let (heads, _) =
        table.get(usize::try_from(before).unwrap_or(usize::MAX)..).unwrap_or_default().as_chunks::<4>();
    let starts = || heads.iter().map(|head| u32::from_le_bytes(*head)).filter(|start| *start != 0);
    if let Some(start) = starts().find(|start| *start < first) {
        return Err(rejected(format!("DT_GNU_HASH: expected buckets from symbol {first} on, found {start}")));
    }
    let Some(last) = starts().max() else {
        return Ok(GnuCount::AtLeast(first));
    };
    let skipped = u64::from(last.saturating_sub(first)).saturating_mul(4);
    let chain = image.rest("DT_GNU_HASH", address.saturating_add(fixed))?;
    let chain = chain.get(usize::try_from(skipped).unwrap_or(usize::MAX)..).unwrap_or_default();
    let end = chain.as_chunks::<4>().0.iter().position(|hash| u32::from_le_bytes(*hash) & 1 == 1);
    let count = end.and_then(|end| u32::try_from(end).ok()?.checked_add(last)?.checked_add(1));
    let count =
        count.ok_or_else(|| rejected("DT_GNU_HASH: expected the last chain to end inside its segment"))?;
    let chains = u64::from(count.saturating_sub(first)).saturating_mul(4);
    image.table("DT_GNU_HASH", address, fixed.saturating_add(chains))?;
    Ok(GnuCount::Exact(count))
}

fn counts(head: &[u8]) -> (u32, u32) {
    (u32_at(head, 0).unwrap_or_default(), u32_at(head, 4).unwrap_or_default())
}
