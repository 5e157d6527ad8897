//! Section headers, which the dynamic linker ignores and the signature needs (gABI chapter 4, "Sections").
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{Strings, index_range, slice, u32_at, u64_at};
use super::header::{Header, SECTION_HEADER_SIZE};
use super::{rejected, shown};
use crate::error::Result;
use std::ops::Range;

const SHT_NULL: u32 = 0;
const SHT_NOBITS: u32 = 8;

/// One section header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The name; empty if the file has no names.
    pub name: &'a str,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_addr`: bytes after the load address; 0 if the section is not loaded.
    pub address: u64,
    /// `sh_offset`, in bytes.
    pub offset: u64,
    /// `sh_size`, in bytes.
    pub size: u64,
}

impl Section<'_> {
    /// Where its bytes stand in the file; `None` for a section that has none there (`.bss`).
    pub fn file_range(&self) -> Option<Range<usize>> {
        let stored = !matches!(self.kind, SHT_NULL | SHT_NOBITS);
        stored.then(|| index_range(self.offset, self.size)).flatten()
    }
}

/// Reads the section headers in file order; none if the file has no table.
pub(super) fn parse<'a>(file: &'a [u8], header: &Header) -> Result<Vec<Section<'a>>> {
    let table = &header.section_headers;
    if table.count == 0 && table.offset == 0 {
        return Ok(Vec::new());
    }
    let size = u64::from(table.count).saturating_mul(SECTION_HEADER_SIZE.into());
    let bytes = slice(file, table.offset, size).filter(|bytes| table.offset != 0 && !bytes.is_empty());
    let bytes = bytes.ok_or_else(|| {
        let (count, offset, length) = (table.count, table.offset, file.len());
        rejected(format!(
            "section headers: expected {count} at offset {offset}, found a file of {length} bytes"
        ))
    })?;
    let entries = || bytes.chunks_exact(usize::from(SECTION_HEADER_SIZE));
    let names = match header.name_section {
        0 => None,
        index => {
            let entry = entries().nth(index.into());
            let bytes = entry.and_then(|entry| slice(file, u64_at(entry, 24)?, u64_at(entry, 32)?));
            let names = bytes.and_then(Strings::new);
            Some(names.ok_or_else(|| {
                rejected(format!("e_shstrndx: expected a table of UTF-8 names, found section {index}"))
            })?)
        }
    };
    entries().enumerate().map(|(index, entry)| section(file, index, entry, names.as_ref())).collect()
}

fn section<'a>(
    file: &'a [u8],
    index: usize,
    entry: &[u8],
    names: Option<&Strings<'a>>,
) -> Result<Section<'a>> {
    let long = |offset| u64_at(entry, offset).unwrap_or_default();
    let name = u64::from(u32_at(entry, 0).unwrap_or_default());
    let name = names.map_or(Some(""), |names| names.get(name));
    let name = name.ok_or_else(|| rejected(format!("section {index}: expected a UTF-8 name, found none")))?;
    let section = Section {
        name,
        kind: u32_at(entry, 4).unwrap_or_default(),
        flags: long(8),
        address: long(16),
        offset: long(24),
        size: long(32),
    };
    if section.file_range().is_some_and(|range| file.get(range).is_some())
        || matches!(section.kind, SHT_NULL | SHT_NOBITS)
    {
        return Ok(section);
    }
    let (name, offset, size, length) = (shown(section.name), section.offset, section.size, file.len());
    Err(rejected(format!(
        "section {index} {name:?}: expected {size} bytes at offset {offset}, found a file of {length} bytes"
    )))
}
