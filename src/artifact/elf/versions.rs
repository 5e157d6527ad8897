//! Symbol versions: what `_dl_check_map_versions` and `check_match` of glibc read without a bound
//! (LSB Core, "Symbol Versioning").
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{u16_at, u32_at};
use super::dynamic::{Dynamic, VERDEF, VERNEED, VERSYM};
use super::image::Image;
use super::{rejected, shown};
use crate::error::Result;

/// There are 32,768 version indices, so more records mean that the chains overlap.
const MAX_RECORDS: u32 = 32768;
const MAX_NEEDED_FILES: u32 = 1024;
const NEED_SIZE: usize = 16;
const NEED_AUX_SIZE: usize = 16;
const DEFINITION_SIZE: usize = 20;
const DEFINITION_AUX_SIZE: usize = 8;
const INDEX_MASK: u16 = 0x7fff;

/// Checks the three version tables against each other, the strings and the `symbols` symbols.
pub(super) fn check(image: &mut Image<'_>, dynamic: &Dynamic<'_>, symbols: u32) -> Result<()> {
    let mut chains = Chains { dynamic, records: 0, files: 0, highest: 0 };
    let tables = [("DT_VERNEED", dynamic.get(VERNEED)), ("DT_VERDEF", dynamic.get(VERDEF))];
    for (name, address) in tables {
        let Some(address) = address else { continue };
        let bytes = image.rest(name, address)?;
        let size = if name == "DT_VERNEED" { chains.needs(bytes) } else { chains.definitions(bytes) };
        let size = size.map_err(|error| error.of(name))?;
        image.table(name, address, u64::try_from(size).unwrap_or(u64::MAX))?;
    }
    let highest = chains.highest;
    let Some(address) = dynamic.get(VERSYM) else {
        let complete = highest == 0 && tables.iter().all(|(_, address)| address.is_none());
        return complete.then_some(()).ok_or_else(|| rejected("DT_VERSYM: expected one, found none"));
    };
    let table = image.table("DT_VERSYM", address, u64::from(symbols).saturating_mul(2))?;
    let indices = table.as_chunks::<2>().0.iter().map(|index| u16::from_le_bytes(*index) & INDEX_MASK);
    match indices.enumerate().find(|(_, index)| *index > highest) {
        Some((symbol, index)) => Err(rejected(format!(
            "DT_VERSYM: expected versions up to {highest}, found {index} for symbol {symbol}"
        ))),
        None => Ok(()),
    }
}

struct Chains<'d, 'a> {
    dynamic: &'d Dynamic<'a>,
    records: u32,
    files: u32,
    highest: u16,
}

impl Chains<'_, '_> {
    /// Walks the Verneed records and the Vernaux records of each; returns how many bytes they reach.
    fn needs(&mut self, bytes: &[u8]) -> Result<usize> {
        let (mut at, mut reach) = (0, 0);
        loop {
            let record = self.record(bytes, at, NEED_SIZE, &mut reach)?;
            self.files = self.files.saturating_add(1);
            if u16_at(record, 0) != Some(1) || self.files > MAX_NEEDED_FILES {
                return Err(rejected(format!(
                    "expected at most {MAX_NEEDED_FILES} records of version 1, found others"
                )));
            }
            // glibc ends the process if the file is not among those that were loaded for this one.
            let file = self.name(u32_at(record, 4))?;
            if !self.dynamic.needed.contains(&file) || file.contains('$') {
                return Err(rejected(format!("expected a file of DT_NEEDED, found {:?}", shown(file))));
            }
            let mut aux = advance(at, u32_at(record, 8))?;
            loop {
                let version = self.record(bytes, aux, NEED_AUX_SIZE, &mut reach)?;
                self.name(u32_at(version, 8))?;
                self.index(u16_at(version, 6));
                match u32_at(version, 12) {
                    Some(0) => break,
                    next => aux = advance(aux, next)?,
                }
            }
            match u32_at(record, 12) {
                Some(0) => return Ok(reach),
                next => at = advance(at, next)?,
            }
        }
    }

    /// Walks the Verdef records and the first Verdaux record of each, which has the version's name.
    fn definitions(&mut self, bytes: &[u8]) -> Result<usize> {
        let (mut at, mut reach) = (0, 0);
        loop {
            let record = self.record(bytes, at, DEFINITION_SIZE, &mut reach)?;
            if u16_at(record, 0) != Some(1) {
                return Err(rejected("expected records of version 1, found another"));
            }
            self.index(u16_at(record, 4));
            let aux = advance(at, u32_at(record, 12))?;
            let name = self.record(bytes, aux, DEFINITION_AUX_SIZE, &mut reach)?;
            self.name(u32_at(name, 0))?;
            match u32_at(record, 16) {
                Some(0) => return Ok(reach),
                next => at = advance(at, next)?,
            }
        }
    }

    fn record<'b>(&mut self, bytes: &'b [u8], at: usize, size: usize, reach: &mut usize) -> Result<&'b [u8]> {
        self.records = self.records.saturating_add(1);
        if self.records > MAX_RECORDS {
            return Err(rejected(format!("expected at most {MAX_RECORDS} records, found more")));
        }
        let end = at.saturating_add(size);
        *reach = end.max(*reach);
        bytes.get(at..end).ok_or_else(|| {
            rejected(format!("expected a record of {size} bytes at {at}, found the segment's end"))
        })
    }

    fn name(&self, offset: Option<u32>) -> Result<&str> {
        let offset = offset.unwrap_or_default();
        let name = self.dynamic.strings.get(offset.into());
        name.ok_or_else(|| rejected(format!("expected a name in the string table, found offset {offset}")))
    }

    fn index(&mut self, index: Option<u16>) {
        self.highest = self.highest.max(index.unwrap_or_default() & INDEX_MASK);
    }
}

fn advance(at: usize, distance: Option<u32>) -> Result<usize> {
    distance
        .and_then(|distance| at.checked_add(usize::try_from(distance).ok()?))
        .ok_or_else(|| rejected("expected the next record inside the segment"))
}
