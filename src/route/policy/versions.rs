//! `stable`, `weight` and `grays`: the versions and the buckets they own.
#![forbid(unsafe_code)]

use super::{check_label, label};
use crate::crypto::key_id::parse_digest;
use crate::crypto::sm3::Digest;
use crate::document::{Field, Object, quoted};
use crate::error::Result;
use crate::route::bucket::BUCKETS;
use crate::route::layout::{Layout, MAX_VERSIONS, apportion};
use std::ops::Range;

/// Far above every sensible weight, and [`MAX_VERSIONS`] of them are still far below 2^64.
const MAX_WEIGHT: u64 = 1_000_000_000;

const GRAY_SUFFIX: &str = "-gray";

/// The versions of a policy: the stable one, then the grays by `seq`.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) labels: Vec<String>,
    /// As many as labels.
    pub(super) digests: Vec<Option<Digest>>,
    pub(super) layout: Layout,
}

impl Versions {
    pub(super) fn read(root: &mut Object<'_>) -> Result<Self> {
        let weights = root.optional("weight").map(|field| read_weights(&field)).transpose()?;
        let stable = read_stable(root, weights.as_deref())?;
        let grays = read_grays(root, stable, weights.as_deref().unwrap_or_default())?;
        let layout = lay_out(stable, weights.as_deref(), &grays)?;
        let labels = [stable].into_iter().chain(grays.iter().map(|gray| gray.version));
        let digests = [None].into_iter().chain(grays.iter().map(|gray| gray.digest));
        Ok(Self { labels: labels.map(str::to_owned).collect(), digests: digests.collect(), layout })
    }

    /// The index of the version `label`, as named at `field`.
    pub(super) fn index_of(&self, label: &str, field: &Field<'_>) -> Result<u32> {
        let index = self.labels.iter().position(|known| known == label);
        index.and_then(|index| u32::try_from(index).ok()).ok_or_else(|| {
            let known = quoted_list(self.labels.iter().map(String::as_str));
            field.error(format!("unknown version {}, the policy names {known}", quoted(label)))
        })
    }
}

struct Weight<'a> {
    version: &'a str,
    value: u64,
    field: Field<'a>,
}

fn read_weights<'a>(field: &Field<'a>) -> Result<Vec<Weight<'a>>> {
    let object = field.object()?;
    if object.len() > MAX_VERSIONS {
        return Err(field.error(format!("expected at most {MAX_VERSIONS} versions, found {}", object.len())));
    }
    let weights = object.entries().map(|(version, field)| {
        check_label(version, &field)?;
        Ok(Weight { version, value: field.unsigned_up_to(MAX_WEIGHT)?, field })
    });
    let weights: Vec<Weight<'_>> = weights.collect::<Result<_>>()?;
    if weights.iter().all(|weight| weight.value == 0) {
        return Err(field.error("expected a weight above 0 for at least one version, found none"));
    }
    Ok(weights)
}

/// The version named by `stable`, or the one that `weight` leaves no doubt about.
fn read_stable<'a>(root: &mut Object<'a>, weights: Option<&[Weight<'a>]>) -> Result<&'a str> {
    if let Some(field) = root.optional("stable") {
        let stable = label(&field)?;
        if weights.is_some_and(|weights| weights.iter().all(|weight| weight.version != stable)) {
            let message = format!("expected a weight for the stable version {}, found none", quoted(stable));
            return Err(root.error_at("weight", message));
        }
        return Ok(stable);
    }
    let Some(weights) = weights else { return root.required("stable").and_then(|field| label(&field)) };
    let versions = weights.iter().map(|weight| weight.version);
    let candidates: Vec<&str> = versions.filter(|version| !version.ends_with(GRAY_SUFFIX)).collect();
    match candidates.as_slice() {
        [stable] => Ok(stable),
        [] => Err(stable_needed(root, "none")),
        several => Err(stable_needed(root, &quoted_list(several.iter().copied()))),
    }
}

fn stable_needed(root: &Object<'_>, found: &str) -> crate::error::Error {
    let why = format!("required unless weight has exactly one key without the suffix {GRAY_SUFFIX:?}");
    root.error_at("stable", format!("{why}, found {found}"))
}

/// A version that is being tried.
struct Gray<'a> {
    version: &'a str,
    seq: Option<u64>,
    digest: Option<Digest>,
    ranges: Option<Vec<Range<u32>>>,
    /// Where it is named.
    field: Field<'a>,
}

/// The grays by `seq`: those of `grays`, or the one that only `weight` names.
fn read_grays<'a>(root: &mut Object<'a>, stable: &str, weights: &[Weight<'a>]) -> Result<Vec<Gray<'a>>> {
    let listed = root.optional("grays");
    let mut grays: Vec<Gray<'a>> = match &listed {
        Some(field) => field.array()?.iter().map(read_gray).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    for weight in weights.iter().filter(|weight| weight.version != stable) {
        if !grays.iter().any(|gray| gray.version == weight.version) {
            let (version, field) = (weight.version, weight.field.clone());
            grays.push(Gray { version, seq: None, digest: None, ranges: None, field });
        }
    }
    if grays.len() >= MAX_VERSIONS {
        let most = MAX_VERSIONS - 1;
        return Err(
            root.error_at("grays", format!("expected at most {most} versions, found {}", grays.len()))
        );
    }
    check_grays(stable, &grays)?;
    grays.sort_by_key(|gray| gray.seq);
    Ok(grays)
}

fn read_gray<'a>(field: &Field<'a>) -> Result<Gray<'a>> {
    let mut object = field.object()?;
    let version = label(&object.required("version")?)?;
    let seq = object.optional("seq").map(|seq| seq.unsigned()).transpose()?;
    let digest = object.optional("digest").map(|digest| read_digest(&digest)).transpose()?;
    let ranges = object.optional("ranges").map(|ranges| read_ranges(&ranges)).transpose()?;
    object.finish()?;
    Ok(Gray { version, seq, digest, ranges, field: field.clone() })
}

fn read_digest(field: &Field<'_>) -> Result<Digest> {
    let text = field.text(usize::MAX)?;
    parse_digest(text).ok_or_else(|| field.expected("sm3: and 64 hex digits"))
}

fn read_ranges(field: &Field<'_>) -> Result<Vec<Range<u32>>> {
    field.array()?.iter().map(read_range).collect()
}

fn read_range(field: &Field<'_>) -> Result<Range<u32>> {
    let ends = field.array()?;
    let [start, end] = ends.as_slice() else {
        return Err(field.error(format!("expected [start, end], found {} elements", ends.len())));
    };
    let bucket = |field: &Field<'_>| {
        let number = field.unsigned_up_to(BUCKETS.into())?;
        Ok(u32::try_from(number).unwrap_or(BUCKETS))
    };
    let range = bucket(start)?..bucket(end)?;
    if range.is_empty() {
        return Err(field.error(format!("expected start < end, found [{}, {}]", range.start, range.end)));
    }
    Ok(range)
}

/// No version twice, none of them stable, and with several an order that does not depend on the JSON's.
fn check_grays(stable: &str, grays: &[Gray<'_>]) -> Result<()> {
    for (index, gray) in grays.iter().enumerate() {
        if gray.version == stable {
            return Err(gray.field.error(format!("{} is the stable version", quoted(stable))));
        }
        let earlier = grays.get(..index).unwrap_or_default();
        if let Some(twin) = earlier.iter().find(|other| other.version == gray.version) {
            let message = format!("{} is listed already at {}", quoted(gray.version), twin.field.path());
            return Err(gray.field.error(message));
        }
        if gray.seq.is_none() && grays.len() > 1 {
            let message =
                format!("{} needs a grays[].seq: several grays, and JSON has no order", quoted(gray.version));
            return Err(gray.field.error(message));
        }
        if let Some(twin) = earlier.iter().find(|other| other.seq == gray.seq) {
            let seq = gray.seq.unwrap_or_default();
            return Err(gray.field.error(format!("seq {seq} is taken already by {}", twin.field.path())));
        }
    }
    Ok(())
}

/// Up to two grays without ranges grow from the ends; otherwise the ranges say it all, and the weights, if
/// given, must say the same.
fn lay_out(stable: &str, weights: Option<&[Weight<'_>]>, grays: &[Gray<'_>]) -> Result<Layout> {
    let counts = weights.map(|weights| {
        let weight_of = |version: &str| {
            weights.iter().find(|weight| weight.version == version).map_or(0, |weight| weight.value)
        };
        let versions = [stable].into_iter().chain(grays.iter().map(|gray| gray.version));
        apportion(&versions.map(weight_of).collect::<Vec<_>>())
    });
    if grays.len() > 2 || grays.iter().any(|gray| gray.ranges.is_some()) {
        return lay_out_ranges(counts.as_deref(), grays);
    }
    Ok(counts.map_or(Layout::STABLE, |counts| Layout::ends(&counts)))
}

fn lay_out_ranges(counts: Option<&[u32]>, grays: &[Gray<'_>]) -> Result<Layout> {
    let mut all: Vec<(Range<u32>, u8)> = Vec::new();
    for (index, gray) in (1..=u8::MAX).zip(grays) {
        let ranges = gray.ranges.as_deref().unwrap_or_default();
        let covered: u32 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        let wanted = counts.and_then(|counts| counts.get(usize::from(index)).copied()).unwrap_or(covered);
        if gray.ranges.is_none() && wanted > 0 {
            let message = format!(
                "{} needs grays[].ranges: required with three or more grays, or once one gray has them",
                quoted(gray.version)
            );
            return Err(gray.field.error(message));
        }
        if covered != wanted {
            let message = format!("ranges cover {covered} buckets, but weight asks for {wanted}");
            return Err(gray.field.error(message));
        }
        all.extend(ranges.iter().map(|range| (range.clone(), index)));
    }
    all.sort_by_key(|(range, _)| range.start);
    check_overlap(&all, grays)?;
    Ok(Layout::ranges(&all))
}

/// `sorted` by start.
fn check_overlap(sorted: &[(Range<u32>, u8)], grays: &[Gray<'_>]) -> Result<()> {
    for ((before, _), (range, index)) in sorted.iter().zip(sorted.iter().skip(1)) {
        if let (true, Some(gray)) = (range.start < before.end, grays.get(usize::from(*index) - 1)) {
            let [a, b] = [before, range].map(|range| format!("[{}, {}]", range.start, range.end));
            return Err(gray.field.error(format!("ranges {a} and {b} overlap")));
        }
    }
    Ok(())
}

/// Some labels for a message: it must stay short with 256 versions.
fn quoted_list<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let mut labels: Vec<String> = labels.take(SHOWN + 1).map(quoted).collect();
    if let Some(last) = labels.get_mut(SHOWN) {
        "...".clone_into(last);
    }
    labels.join(", ")
}
