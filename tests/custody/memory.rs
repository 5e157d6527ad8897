//! Looking for secrets in another process and in a core dump.

use sogov::crypto::key::PrivateKey;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes to look for. Kept inverted, so that whoever looks for them does not have them.
#[derive(Clone, Debug)]
pub struct Needle {
    name: String,
    inverted: Vec<u8>,
}

impl Needle {
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), inverted: bytes.iter().map(|byte| !byte).collect() }
    }

    fn places(&self, haystack: &[u8]) -> Vec<usize> {
        const STEP: usize = 4096;
        const ZEROS: [u8; STEP + 64] = [0; STEP + 64];
        let first = !self.inverted[0];
        let is_here = |place: usize| {
            haystack.get(place..place + self.inverted.len()).is_some_and(|bytes| {
                bytes.iter().zip(&self.inverted).all(|(byte, inverted)| *byte == !inverted)
            })
        };
        let mut places = Vec::new();
        for start in (0..haystack.len()).step_by(STEP) {
            let window = &haystack[start..haystack.len().min(start + STEP + self.inverted.len())];
            // Most of a process's memory is that.
            if *window == ZEROS[..window.len()] {
                continue;
            }
            let candidates = window.iter().take(STEP).enumerate().filter(|(_, byte)| **byte == first);
            places.extend(candidates.map(|(place, _)| start + place).filter(|place| is_here(*place)));
        }
        places
    }
}

/// A needle that was found, and the flags of the mapping that it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    name: String,
    mapping: String,
    flags: String,
}

impl Found {
    pub fn is_locked_and_left_out_of_dumps(&self) -> bool {
        [" lo", " dd"].iter().all(|flag| self.flags.contains(flag))
    }
}

/// What a private key looks like in memory: halves of the scalar, big-endian and as limbs, and for SM2 those of
/// (1 + d)^-1, as it is and times 2^256.
pub fn forms(key: &PrivateKey) -> Vec<Needle> {
    let mut forms: Vec<(&str, Vec<u8>)> = Vec::new();
    match key {
        PrivateKey::P256(key) => forms.push(("d", key.to_bytes().unwrap().to_vec())),
        PrivateKey::Sm2(key) => {
            use sm2::elliptic_curve::PrimeField;
            let d = key.to_bytes().unwrap().to_vec();
            let scalar = sm2::Scalar::from_repr(d.as_slice().try_into().unwrap()).unwrap();
            let inverse = (scalar + sm2::Scalar::ONE).invert().unwrap();
            let kept = (0..256).fold(inverse, |value, _| value + value);
            forms.push(("d", d));
            forms.push(("(1 + d)^-1", inverse.to_bytes().to_vec()));
            forms.push(("(1 + d)^-1 as it is kept", kept.to_bytes().to_vec()));
        }
    }
    let mut needles = Vec::new();
    for (name, big_endian) in forms {
        let limbs: Vec<u8> = big_endian.iter().rev().copied().collect();
        for (order, bytes) in [("big-endian", &big_endian), ("as limbs", &limbs)] {
            for (half, bytes) in bytes.chunks(16).enumerate() {
                needles.push(Needle::new(&format!("{name}, {order}, half {half}"), bytes));
            }
        }
    }
    needles.push(Needle::new("the password", super::PASSWORD));
    needles
}

/// Looks through all memory of a process that it can write.
pub fn search(process: u32, needles: &[Needle]) -> Vec<Found> {
    let memory = fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let smaps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap();
    let mut found = Vec::new();
    let mut searched = 0;
    for mapping in mappings(&smaps) {
        let mut bytes = vec![0; mapping.end - mapping.start];
        let read = memory.read_at(&mut bytes, mapping.start as u64).unwrap_or(0);
        searched += read;
        for needle in needles {
            for _ in needle.places(&bytes[..read]) {
                let (name, flags) = (needle.name.clone(), mapping.flags.clone());
                found.push(Found { name, mapping: mapping.header.clone(), flags });
            }
        }
    }
    assert!(searched > 1 << 20, "only {searched} bytes could be searched");
    found
}

/// The names of the needles that are in a file.
pub fn search_file(path: &Path, needles: &[Needle]) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let found = needles.iter().filter(|needle| !needle.places(&bytes).is_empty());
    found.map(|needle| needle.name.clone()).collect()
}

#[derive(Debug)]
struct Mapping {
    header: String,
    start: usize,
    end: usize,
    flags: String,
}

fn mappings(smaps: &str) -> Vec<Mapping> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in smaps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if let Some(mapping) = mappings.last_mut() {
                mapping.flags = format!(" {}", flags.trim());
            }
            continue;
        }
        let mut words = line.split(' ');
        let (Some(range), Some(access)) = (words.next(), words.next()) else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        let (start, end) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16));
        let (Ok(start), Ok(end)) = (start, end) else { continue };
        // The last entry stays for the flags that follow it.
        mappings.retain(|mapping| mapping.header.contains(" rw"));
        mappings.push(Mapping { header: format!("{range} {access}"), start, end, flags: String::new() });
    }
    mappings.retain(|mapping| mapping.header.contains(" rw"));
    mappings
}
