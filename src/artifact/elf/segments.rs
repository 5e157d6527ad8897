//! Program headers: what the kernel and the dynamic linker map, and with which rights (gABI chapter 5).
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{slice, u32_at, u64_at};
use super::header::{PROGRAM_HEADER_SIZE, Table};
use super::notes;
use super::rejected;
use crate::error::Result;
use std::ops::Range;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;
const PT_TLS: u32 = 7;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;

const EXECUTE: u32 = 1;
const WRITE: u32 = 2;
const READ: u32 = 4;

const SMALLEST_PAGE: u64 = 4096;
const LARGEST_PAGE: u64 = 65536;
const MAX_SPAN: u64 = 1 << 32;
const MAX_ALIGNMENT: u64 = 1 << 30;
const MAX_ADDRESS: u64 = 1 << 47;
const MAX_TLS_SIZE: u64 = 16 << 20;
const MAX_TLS_ALIGNMENT: u64 = 1 << 16;

/// What the file asks of the host's stack; glibc gives a file without the header an executable one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// There is no PT_GNU_STACK.
    Absent,
    /// PT_GNU_STACK asks for an executable stack.
    Executable,
    /// PT_GNU_STACK asks for a stack without execution.
    NonExecutable,
}

/// The program headers, checked: loads in ascending order, on pages of their own.
pub(super) struct Segments {
    loads: Vec<Load>,
    /// Addresses of the dynamic section, file-backed and writable.
    pub(super) dynamic: Range<u64>,
    /// Addresses at which the program headers themselves are mapped.
    pub(super) headers: Range<u64>,
    /// Bytes of one thread's block, if there is thread-local storage.
    pub(super) tls_size: Option<u64>,
    pub(super) stack: Stack,
}

/// One PT_LOAD.
pub(super) struct Load {
    memory: Range<u64>,
    file: Range<u64>,
    flags: u32,
}

impl Load {
    pub(super) fn is_writable(&self) -> bool {
        self.flags & WRITE != 0
    }

    pub(super) fn is_executable(&self) -> bool {
        self.flags & EXECUTE != 0
    }
}

impl Segments {
    /// Reads and checks the program headers of `file`.
    pub(super) fn parse(file: &[u8], table: &Table) -> Result<Self> {
        let size = u64::from(table.count).saturating_mul(u64::from(PROGRAM_HEADER_SIZE));
        let bytes = slice(file, table.offset, size).filter(|_| table.offset.is_multiple_of(8));
        let bytes = bytes.ok_or_else(|| {
            let (count, offset, length) = (table.count, table.offset, file.len());
            rejected(format!(
                "program headers: expected {count} at offset {offset}, found a file of {length} bytes"
            ))
        })?;
        let headers: Vec<ProgramHeader> =
            bytes.chunks_exact(usize::from(PROGRAM_HEADER_SIZE)).map(ProgramHeader::read).collect();
        let loads = loads(file, &headers)?;
        let mut segments = Self { loads, dynamic: 0..0, headers: 0..0, tls_size: None, stack: Stack::Absent };
        segments.headers = segments
            .address_of_offset(table.offset, size)
            .ok_or_else(|| rejected("program headers: expected inside a loaded segment, found outside"))?;
        segments.read_others(file, &headers, size)?;
        Ok(segments)
    }

    /// The segment whose memory holds `size` bytes at `address`.
    pub(super) fn load_at(&self, address: u64, size: u64) -> Option<&Load> {
        let next = self.loads.partition_point(|load| load.memory.start <= address);
        let load = self.loads.get(next.checked_sub(1)?)?;
        (address.checked_add(size)? <= load.memory.end).then_some(load)
    }

    /// File offsets of the `size` bytes at `address`; `None` unless all of them come from the file.
    pub(super) fn file_range(&self, address: u64, size: u64) -> Option<Range<u64>> {
        let rest = self.file_rest(address)?;
        let end = rest.start.checked_add(size)?;
        (end <= rest.end).then_some(rest.start..end)
    }

    /// File offsets from `address` to the end of what its segment takes from the file.
    pub(super) fn file_rest(&self, address: u64) -> Option<Range<u64>> {
        let load = self.load_at(address, 0)?;
        let start = load.file.start.checked_add(address.checked_sub(load.memory.start)?)?;
        (start <= load.file.end).then_some(start..load.file.end)
    }

    /// Whether `address` is an instruction's.
    pub(super) fn is_code(&self, address: u64) -> bool {
        address != 0 && self.load_at(address, 1).is_some_and(Load::is_executable)
    }

    /// Whether `address` is between the first mapped byte and one past the last.
    pub(super) fn spans(&self, address: u64) -> bool {
        let start = self.loads.first().map_or(0, |load| load.memory.start);
        let end = self.loads.last().map_or(0, |load| load.memory.end);
        (start..=end).contains(&address)
    }

    /// Where glibc finds the program headers: in the first segment whose pages hold them.
    fn address_of_offset(&self, offset: u64, size: u64) -> Option<Range<u64>> {
        let end = offset.checked_add(size)?;
        let on_pages_of = |load: &&Load| {
            let first = load.file.start & !SMALLEST_PAGE.saturating_sub(1);
            first <= offset && Some(end) <= load.file.end.checked_next_multiple_of(SMALLEST_PAGE)
        };
        let load = self.loads.iter().find(on_pages_of)?;
        if offset < load.file.start || load.file.end < end {
            return None;
        }
        let address = load.memory.start.checked_add(offset.checked_sub(load.file.start)?)?;
        Some(address..address.checked_add(size)?)
    }

    fn read_others(&mut self, file: &[u8], headers: &[ProgramHeader], headers_size: u64) -> Result<()> {
        let mut seen = Vec::new();
        for header in headers {
            let once = matches!(header.kind, PT_DYNAMIC | PT_PHDR | PT_TLS | PT_GNU_STACK | PT_GNU_RELRO);
            if once && seen.contains(&header.kind) {
                return Err(rejected(format!("{}: expected one, found two", header.name())));
            }
            seen.push(header.kind);
            match header.kind {
                PT_DYNAMIC => self.dynamic = self.dynamic_range(header)?,
                PT_TLS => self.tls_size = self.tls(header)?,
                PT_GNU_STACK => self.stack = header.stack(),
                PT_GNU_RELRO => self.check_relro(header)?,
                PT_PHDR => self.check_headers(header, headers_size)?,
                PT_INTERP | PT_NOTE | PT_GNU_EH_FRAME | PT_GNU_PROPERTY => {
                    let bytes = self.content(file, header)?;
                    if matches!(header.kind, PT_NOTE | PT_GNU_PROPERTY) {
                        notes::check(bytes, header.alignment).map_err(|error| error.of(header.name()))?;
                    }
                }
                _ => {}
            }
        }
        if !seen.contains(&PT_DYNAMIC) {
            return Err(rejected("PT_DYNAMIC: expected one, found none"));
        }
        Ok(())
    }

    /// glibc adds the load address to entries of the dynamic section in place, so it must be writable.
    fn dynamic_range(&self, header: &ProgramHeader) -> Result<Range<u64>> {
        self.check_backed(header)?;
        let writable = self.load_at(header.address, header.memory_size).is_some_and(Load::is_writable);
        if !writable || header.flags & WRITE == 0 {
            return Err(rejected("PT_DYNAMIC: expected a writable segment, found a read-only one"));
        }
        Ok(header.address..header.address.saturating_add(header.file_size))
    }

    /// Only the initial image lies in memory; the rest of the block (.tbss) takes no addresses.
    fn tls(&self, header: &ProgramHeader) -> Result<Option<u64>> {
        self.check_backed(header)?;
        let alignment = header.alignment;
        if !alignment.is_power_of_two() || alignment > MAX_TLS_ALIGNMENT {
            return Err(rejected(format!(
                "PT_TLS alignment: expected a power of two up to {MAX_TLS_ALIGNMENT}, found {alignment}"
            )));
        }
        let (stored, size) = (header.file_size, header.memory_size);
        if stored > size || size > MAX_TLS_SIZE {
            return Err(rejected(format!(
                "PT_TLS: expected at most {MAX_TLS_SIZE} bytes, found {size} with {stored} in the file"
            )));
        }
        Ok((size > 0).then_some(size))
    }

    /// Linkers may round the end up to a page.
    fn check_relro(&self, header: &ProgramHeader) -> Result<()> {
        let end = header.address.checked_add(header.memory_size);
        let inside = self.load_at(header.address, 0).zip(end).is_some_and(|(load, end)| {
            load.is_writable() && Some(end) <= load.memory.end.checked_next_multiple_of(SMALLEST_PAGE)
        });
        inside.then_some(()).ok_or_else(|| header.outside("a writable segment"))
    }

    /// glibc takes `dl_iterate_phdr`'s answer from this address.
    fn check_headers(&self, header: &ProgramHeader, size: u64) -> Result<()> {
        let matches = header.address == self.headers.start && header.memory_size >= size;
        matches.then_some(()).ok_or_else(|| header.outside("the mapped program headers"))
    }

    fn content<'a>(&self, file: &'a [u8], header: &ProgramHeader) -> Result<&'a [u8]> {
        self.check_backed(header)?;
        if header.memory_size > header.file_size {
            return Err(rejected(format!(
                "{}: expected {} bytes in the file, found {}",
                header.name(),
                header.memory_size,
                header.file_size
            )));
        }
        slice(file, header.offset, header.memory_size).ok_or_else(|| header.outside("the file"))
    }

    /// The header's address and offset must name the same bytes.
    fn check_backed(&self, header: &ProgramHeader) -> Result<()> {
        let end = header.offset.checked_add(header.file_size);
        let backed = self.file_range(header.address, header.file_size).is_some_and(|range| {
            header.file_size == 0 || (range.start == header.offset && Some(range.end) == end)
        });
        backed.then_some(()).ok_or_else(|| header.outside("a loaded segment's part of the file"))
    }
}

struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

impl ProgramHeader {
    fn read(bytes: &[u8]) -> Self {
        let word = |offset| u32_at(bytes, offset).unwrap_or_default();
        let long = |offset| u64_at(bytes, offset).unwrap_or_default();
        Self {
            kind: word(0),
            flags: word(4),
            offset: long(8),
            address: long(16),
            file_size: long(32),
            memory_size: long(40),
            alignment: long(48),
        }
    }

    fn stack(&self) -> Stack {
        if self.flags & EXECUTE == 0 { Stack::NonExecutable } else { Stack::Executable }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            PT_LOAD => "PT_LOAD",
            PT_DYNAMIC => "PT_DYNAMIC",
            PT_INTERP => "PT_INTERP",
            PT_NOTE => "PT_NOTE",
            PT_PHDR => "PT_PHDR",
            PT_TLS => "PT_TLS",
            PT_GNU_EH_FRAME => "PT_GNU_EH_FRAME",
            PT_GNU_STACK => "PT_GNU_STACK",
            PT_GNU_RELRO => "PT_GNU_RELRO",
            PT_GNU_PROPERTY => "PT_GNU_PROPERTY",
            _ => "program header",
        }
    }

    fn outside(&self, place: &str) -> crate::error::Error {
        let (name, address, size) = (self.name(), self.address, self.memory_size);
        rejected(format!("{name}: expected a range inside {place}, found {size} bytes at {address:#x}"))
    }
}

/// The PT_LOADs, each checked alone and against the one before.
fn loads(file: &[u8], headers: &[ProgramHeader]) -> Result<Vec<Load>> {
    let mut loads = Vec::new();
    let loadable = || headers.iter().filter(|header| header.kind == PT_LOAD);
    // Two segments on one page would replace each other's bytes when the second is mapped.
    let page = loadable().map(|header| header.alignment).min().unwrap_or(0).min(LARGEST_PAGE);
    let mut free_from = 0;
    for header in loadable() {
        let load = load(file, header)?;
        let start = load.memory.start & !page.saturating_sub(1);
        if start < free_from {
            return Err(rejected(format!(
                "PT_LOAD at {:#x}: expected ascending segments on pages of their own, found an overlap",
                load.memory.start
            )));
        }
        free_from = load.memory.end.checked_next_multiple_of(page).unwrap_or(u64::MAX);
        loads.push(load);
    }
    let Some(first) = loads.first() else {
        return Err(rejected("PT_LOAD: expected at least one, found none"));
    };
    let span = free_from.saturating_sub(first.memory.start);
    if span > MAX_SPAN {
        return Err(rejected(format!("image: expected at most {MAX_SPAN} bytes of memory, found {span}")));
    }
    Ok(loads)
}

fn load(file: &[u8], header: &ProgramHeader) -> Result<Load> {
    let ProgramHeader { flags, offset, address, file_size, memory_size, alignment, .. } = *header;
    let name = format!("PT_LOAD at {address:#x}");
    let refuse = |what: String| Err(rejected(format!("{name}: {what}")));
    if file_size > memory_size || memory_size == 0 {
        return refuse(format!("expected p_filesz up to p_memsz, found {file_size} and {memory_size}"));
    }
    // The linker would overwrite the rest of the last page with zeros, code included.
    if flags & WRITE == 0 && file_size != memory_size {
        return refuse(format!(
            "expected {memory_size} bytes of read-only content, found {file_size} in the file"
        ));
    }
    if slice(file, offset, file_size).is_none() {
        let length = file.len();
        return refuse(format!(
            "expected {file_size} bytes at offset {offset}, found a file of {length} bytes"
        ));
    }
    let end = address.checked_add(memory_size).filter(|end| *end <= MAX_ADDRESS);
    let Some(end) = end else {
        return refuse(format!("expected an end below {MAX_ADDRESS:#x}, found {memory_size} bytes"));
    };
    if !alignment.is_power_of_two() || !(SMALLEST_PAGE..=MAX_ALIGNMENT).contains(&alignment) {
        return refuse(format!("expected p_align to be a power of two from 4096 to 2^30, found {alignment}"));
    }
    if (address ^ offset) & alignment.saturating_sub(1) != 0 {
        return refuse(format!(
            "expected address and offset {offset:#x} to agree modulo p_align {alignment:#x}"
        ));
    }
    if flags & READ == 0 {
        return refuse("expected a readable segment".into());
    }
    if flags & (WRITE | EXECUTE) == WRITE | EXECUTE {
        return refuse("expected a segment writable or executable, found both".into());
    }
    Ok(Load { memory: address..end, file: offset..offset.saturating_add(file_size), flags })
}
