//! Where the section `.sigmeta` stands in an ELF64 file (System V gABI, chapter 4), and where it must stand.
//!
//! This reads no more than the tables that name the section; it is not the check that makes a file fit to be loaded.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{MAX_RESERVE, SECTION_NAME};
use crate::error::{Error, Result, Status};
use std::{fmt, result};

/// Bytes in a page of memory (of the usual size). S is a multiple of it because the dynamic linker maps whole pages: the last page of
/// a segment that ends near S would otherwise bring bytes that nobody signed into memory.
const PAGE: u64 = 4096;

const HEADER_LEN: usize = 64;
const PROGRAM_HEADER_LEN: u16 = 56;
const SECTION_HEADER_LEN: u16 = 64;

const SHT_NULL: u32 = 0;
/// The type of `.sigmeta` too: contents of the program's own, which tools copy and do not interpret.
const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 2;
const SHN_LORESERVE: usize = 0xff00;
const SHN_XINDEX: u16 = 0xffff;
const PN_XNUM: u16 = 0xffff;

/// The covered bytes and the section `.sigmeta`, or nothing where there is no such section.
pub(super) fn split(file: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let Some(elf) = Elf::parse(file)? else { return Ok(None) };
    match elf.sigmeta_sections()?.as_slice() {
        [] => Ok(None),
        &[(index, section)] => elf
            .split_before(index, section)
            .map(Some)
            .map_err(|why| Error::new(Status::Modified, format!("{SECTION_NAME}: {why}"))),
        several => {
            let message = format!("expected one {SECTION_NAME} section, found {}", several.len());
            Err(Error::new(Status::Ambiguous, message))
        }
    }
}

/// The prefix `[0, S)` that `file` becomes when it is signed with `reserve` bytes for the container.
pub(super) fn prepare(file: &[u8], reserve: usize) -> Result<Vec<u8>> {
    let elf = Elf::parse(file)?.ok_or_else(|| rejected("expected an ELF file, found another kind"))?;
    if !elf.sigmeta_sections()?.is_empty() {
        let message =
            format!("the file has a {SECTION_NAME} section: add a signature instead of signing anew");
        return Err(Error::new(Status::Busy, message));
    }
    elf.check_ends(file.len() as u64, None).map_err(rejected)?;

    let (mut sections, mut names, names_index) = elf.sections_and_names()?;
    let name = names.len();
    names.extend_from_slice(SECTION_NAME.as_bytes());
    names.push(0);
    let count = sections.len().saturating_add(1);
    if count >= SHN_LORESERVE {
        return Err(unsupported(format!("{count} sections need extended section numbering")));
    }

    let (names_at, table_at, covered_len) = positions(file.len(), names.len(), count)
        .ok_or_else(|| Error::new(Status::LimitExceeded, "the file is too large to be signed"))?;
    if let Some(section) = sections.get_mut(names_index) {
        section.offset = names_at as u64;
        section.size = names.len() as u64;
    }
    sections.push(Section {
        name: u32::try_from(name).map_err(|_| rejected("the section name table is too large"))?,
        ..Section::sigmeta(covered_len as u64, reserve as u64)
    });

    let mut prefix = Vec::with_capacity(covered_len.saturating_add(reserve));
    prefix.extend_from_slice(file);
    prefix.resize(names_at, 0);
    prefix.append(&mut names);
    for section in &sections {
        section.write(&mut prefix);
    }
    let created = elf.sections.is_empty().then_some(names_index);
    announce(&mut prefix, table_at, count, created);
    Ok(prefix)
}

/// Where the section names, the section header table and `.sigmeta` begin in a file that had `len` bytes.
fn positions(len: usize, names_len: usize, sections: usize) -> Option<(usize, usize, usize)> {
    let table_len = sections.checked_mul(SECTION_HEADER_LEN.into())?;
    let covered_len = len
        .checked_add(names_len)?
        .checked_add(table_len)?
        .checked_next_multiple_of(usize::try_from(PAGE).ok()?)?;
    let table_at = covered_len.checked_sub(table_len)?;
    Some((table_at.checked_sub(names_len)?, table_at, covered_len))
}

/// Writes the place of the section header table into the ELF header; `created` is the index of the name table
/// in a file that had no sections before.
fn announce(file: &mut [u8], table_at: usize, count: usize, created: Option<usize>) {
    let Some(header) = file.first_chunk_mut::<HEADER_LEN>() else { return };
    let half = |value: usize| u16::try_from(value).unwrap_or_default().to_le_bytes();
    header[40..48].copy_from_slice(&(table_at as u64).to_le_bytes()); // e_shoff
    header[60..62].copy_from_slice(&half(count)); // e_shnum
    if let Some(names_index) = created {
        header[58..60].copy_from_slice(&SECTION_HEADER_LEN.to_le_bytes()); // e_shentsize
        header[62..64].copy_from_slice(&half(names_index)); // e_shstrndx
    }
}

/// The parts of an ELF file that say where its bytes are.
struct Elf<'a> {
    file: &'a [u8],
    /// Where the program header table and the section header table end.
    table_ends: [u64; 2],
    /// Where the file bytes of each program header end.
    segment_ends: Vec<u64>,
    sections: Vec<Section>,
    /// The index of the section that holds the names, 0 for none.
    names_index: usize,
    /// Empty, or ending in a zero byte.
    names: &'a [u8],
}

impl<'a> Elf<'a> {
    /// `None` for a file of another kind; an error for an ELF file whose tables cannot be read.
    fn parse(file: &'a [u8]) -> Result<Option<Self>> {
        if !file.starts_with(b"\x7fELF") {
            return Ok(None);
        }
        let header = Header::read(file).ok_or_else(|| rejected("the ELF header is truncated"))?;
        if (header.class, header.data) != (2, 1) {
            return Err(rejected(format!(
                "expected a 64-bit little-endian ELF file (class 2, data 1), found class {}, data {}",
                header.class, header.data
            )));
        }
        if header.phnum == PN_XNUM {
            return Err(unsupported("extended program header numbering"));
        }
        if header.shstrndx == SHN_XINDEX || (header.shnum == 0 && header.shoff != 0) {
            return Err(unsupported("extended section numbering"));
        }

        let (phoff, phnum, phentsize) = (header.phoff, header.phnum, header.phentsize);
        let segments = table(file, phoff, phnum, phentsize, PROGRAM_HEADER_LEN, "program header")?;
        let (shoff, shnum, shentsize) = (header.shoff, header.shnum, header.shentsize);
        let headers = table(file, shoff, shnum, shentsize, SECTION_HEADER_LEN, "section header")?;
        let mut elf = Self {
            file,
            table_ends: [(phoff, segments), (shoff, headers)]
                .map(|(offset, table)| end(offset, table.len() as u64)),
            segment_ends: records(segments, PROGRAM_HEADER_LEN).filter_map(segment_end).collect(),
            sections: records(headers, SECTION_HEADER_LEN).filter_map(Section::read).collect(),
            names_index: header.shstrndx.into(),
            names: &[],
        };
        elf.names = elf.find_names()?;
        Ok(Some(elf))
    }

    fn find_names(&self) -> Result<&'a [u8]> {
        if self.names_index == 0 || self.sections.is_empty() {
            return Ok(&[]);
        }
        let section = self.sections.get(self.names_index).ok_or_else(|| {
            rejected(format!(
                "expected the section names in one of {} sections, found index {}",
                self.sections.len(),
                self.names_index
            ))
        })?;
        let names = bytes(self.file, section.offset, section.size).unwrap_or_default();
        if section.kind != SHT_STRTAB || names.last() != Some(&0) {
            return Err(rejected(format!("section {} is not a table of section names", self.names_index)));
        }
        Ok(names)
    }

    /// The sections of the name, with their indices. Sections of a file without names have none.
    fn sigmeta_sections(&self) -> Result<Vec<(usize, &Section)>> {
        let mut found = Vec::new();
        for (index, section) in self.sections.iter().enumerate().filter(|_| !self.names.is_empty()) {
            let name = usize::try_from(section.name).ok().and_then(|at| self.names.get(at..));
            let name =
                name.ok_or_else(|| rejected(format!("section {index}: its name lies outside the table")))?;
            if name.strip_prefix(SECTION_NAME.as_bytes()).is_some_and(|rest| rest.first() == Some(&0)) {
                found.push((index, section));
            }
        }
        Ok(found)
    }

    /// Splits the file before its one `.sigmeta`, or says in what the layout is not the one that [`prepare`] writes.
    fn split_before(&self, index: usize, sigmeta: &Section) -> result::Result<(&'a [u8], &'a [u8]), String> {
        if *sigmeta != (Section { name: sigmeta.name, ..Section::sigmeta(sigmeta.offset, sigmeta.size) }) {
            let Section { kind, flags, addr, link, info, align, entry_size, .. } = sigmeta;
            return Err(format!(
                "expected type 1 without flags, address, link, info or alignment, found type {kind}, flags {flags:#x}, \
                 address {addr:#x}, link {link}, info {info}, alignment {align}, entry size {entry_size}"
            ));
        }
        let (start, len) = (sigmeta.offset, self.file.len() as u64);
        if sigmeta.end() != len {
            return Err(format!("expected it to end with the file at {len:#x}, found {:#x}", sigmeta.end()));
        }
        if sigmeta.size == 0 || sigmeta.size > MAX_RESERVE as u64 {
            return Err(format!("expected 1 to {MAX_RESERVE} bytes, found {}", sigmeta.size));
        }
        if !start.is_multiple_of(PAGE) {
            return Err(format!("expected it to begin at a multiple of {PAGE}, found {start:#x}"));
        }
        self.check_ends(start, Some(index))?;
        let split = usize::try_from(start).ok().and_then(|start| self.file.split_at_checked(start));
        split.ok_or_else(|| format!("it begins at {start:#x}, outside the file"))
    }

    /// Holds every table, program header and section but `except` to the first `limit` bytes of the file.
    fn check_ends(&self, limit: u64, except: Option<usize>) -> result::Result<(), String> {
        let within = |what: fmt::Arguments<'_>, end: u64| {
            if end <= limit {
                return Ok(());
            }
            Err(format!("{what} ends at {end:#x}, expected at most {limit:#x}"))
        };
        let [program_headers, section_headers] = self.table_ends;
        within(format_args!("the program header table"), program_headers)?;
        within(format_args!("the section header table"), section_headers)?;
        for (index, &end) in self.segment_ends.iter().enumerate() {
            within(format_args!("program header {index}"), end)?;
        }
        for (index, section) in self.sections.iter().enumerate() {
            if section.has_bytes() && except != Some(index) {
                within(format_args!("section {index}"), section.end())?;
            }
        }
        Ok(())
    }

    /// The sections, the names and the index of their section, to which `.sigmeta` is to be added.
    fn sections_and_names(&self) -> Result<(Vec<Section>, Vec<u8>, usize)> {
        match self.sections.get(self.names_index) {
            None => {
                let names = Section { name: 1, kind: SHT_STRTAB, align: 1, ..Section::default() };
                Ok((vec![Section::default(), names], b"\0.shstrtab\0".to_vec(), 1))
            }
            Some(_) if self.names_index == 0 => {
                Err(unsupported("a section header table without section names"))
            }
            Some(names) if names.flags & SHF_ALLOC != 0 => {
                Err(unsupported("section names that are part of the loaded image"))
            }
            Some(_) => Ok((self.sections.clone(), self.names.to_vec(), self.names_index)),
        }
    }
}

/// The fields of `Elf64_Ehdr` that are used here.
struct Header {
    class: u8,
    data: u8,
    phoff: u64,
    shoff: u64,
    phentsize: u16,
    phnum: u16,
    shentsize: u16,
    shnum: u16,
    shstrndx: u16,
}

impl Header {
    fn read(file: &[u8]) -> Option<Self> {
        let mut r = Fields(file);
        let [_, _, _, _, class, data, ..] = r.take::<16>()?;
        r.take::<16>()?; // e_type, e_machine, e_version, e_entry
        let (phoff, shoff) = (r.u64()?, r.u64()?);
        r.take::<6>()?; // e_flags, e_ehsize
        let (phentsize, phnum) = (r.u16()?, r.u16()?);
        let (shentsize, shnum, shstrndx) = (r.u16()?, r.u16()?, r.u16()?);
        Some(Self { class, data, phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx })
    }
}

/// `Elf64_Shdr`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    addr: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry_size: u64,
}

impl Section {
    fn sigmeta(offset: u64, size: u64) -> Self {
        Self { kind: SHT_PROGBITS, offset, size, align: 1, ..Self::default() }
    }

    fn read(record: &[u8]) -> Option<Self> {
        let mut r = Fields(record);
        Some(Self {
            name: r.u32()?,
            kind: r.u32()?,
            flags: r.u64()?,
            addr: r.u64()?,
            offset: r.u64()?,
            size: r.u64()?,
            link: r.u32()?,
            info: r.u32()?,
            align: r.u64()?,
            entry_size: r.u64()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.name.to_le_bytes());
        out.extend(self.kind.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.addr.to_le_bytes());
        out.extend(self.offset.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend(self.link.to_le_bytes());
        out.extend(self.info.to_le_bytes());
        out.extend(self.align.to_le_bytes());
        out.extend(self.entry_size.to_le_bytes());
    }

    fn has_bytes(&self) -> bool {
        self.kind != SHT_NULL && self.kind != SHT_NOBITS
    }

    fn end(&self) -> u64 {
        end(self.offset, self.size)
    }
}

/// Where the file bytes of one `Elf64_Phdr` end.
fn segment_end(record: &[u8]) -> Option<u64> {
    let mut r = Fields(record);
    r.take::<8>()?; // p_type, p_flags
    let offset = r.u64()?;
    r.take::<16>()?; // p_vaddr, p_paddr
    Some(end(offset, r.u64()?))
}

/// A header table of `count` records, which must have the length that ELF64 gives them.
fn table<'a>(
    file: &'a [u8],
    offset: u64,
    count: u16,
    found: u16,
    expected: u16,
    what: &str,
) -> Result<&'a [u8]> {
    if count == 0 {
        return Ok(&[]);
    }
    if offset == 0 || found != expected {
        return Err(rejected(format!(
            "expected {what}s of {expected} bytes, found {count} of {found} at {offset:#x}"
        )));
    }
    let len = u64::from(count).saturating_mul(expected.into());
    bytes(file, offset, len).ok_or_else(|| {
        let (end, len) = (end(offset, len), file.len());
        rejected(format!("the {what} table ends at {end:#x}, the file at {len:#x}"))
    })
}

fn records(table: &[u8], len: u16) -> std::slice::ChunksExact<'_, u8> {
    table.chunks_exact(len.into())
}

fn bytes(file: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let from = usize::try_from(offset).ok()?;
    file.get(from..)?.get(..usize::try_from(len).ok()?)
}

/// An end beyond 2^64 is beyond every limit that it is compared with.
fn end(offset: u64, len: u64) -> u64 {
    offset.saturating_add(len)
}

/// Little-endian fields in the order in which they stand.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

fn rejected(why: impl Into<String>) -> Error {
    Error::new(Status::ImageRejected, why)
}

fn unsupported(what: impl fmt::Display) -> Error {
    Error::new(Status::Unsupported, format!("{what} is not supported"))
}
