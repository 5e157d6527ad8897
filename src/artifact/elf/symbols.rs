//! The dynamic symbol table: what the file offers and what it asks for (gABI chapter 4, "Symbol Table").
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{index_range, u16_at, u32_at, u64_at};
use super::dynamic::{Dynamic, SYMENT, SYMTAB};
use super::image::Image;
use super::segments::Segments;
use super::{rejected, shown};
use crate::error::Result;
use std::ops::Range;

const ENTRY_SIZE: u64 = 24;
const ENTRY_LEN: usize = 24;
const SHN_UNDEF: u16 = 0;
const SHN_ABS: u16 = 0xfff1;
const STB_LOCAL: u8 = 0;
const STB_GLOBAL: u8 = 1;
const STB_GNU_UNIQUE: u8 = 10;
const STV_DEFAULT: u8 = 0;
const STV_INTERNAL: u8 = 1;
const STV_HIDDEN: u8 = 2;

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// STT_NOTYPE.
    Untyped,
    /// STT_OBJECT or STT_COMMON: data.
    Object,
    /// STT_FUNC.
    Function,
    /// STT_TLS: an offset into each thread's block.
    ThreadLocal,
    /// STT_GNU_IFUNC: a resolver that the linker runs.
    IndirectFunction,
    /// Any other type, by its number.
    Other(u8),
}

/// A symbol that another image or `dlsym` can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    /// The name without its version.
    pub name: &'a str,
    /// What it stands for.
    pub kind: SymbolKind,
    /// Bytes after the load address; for thread-local symbols, bytes into the block.
    pub address: u64,
    /// Size in bytes as the file gives it; 0 if unknown.
    pub size: u64,
    /// Where its `size` bytes stand in the file, as they are before relocation; `None` for thread-local and
    /// absolute symbols and for those that the file does not store (`.bss`).
    pub file_range: Option<Range<usize>>,
}

/// One entry of the table, its name resolved.
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    pub(super) value: u64,
    size: u64,
    section: u16,
    binding: u8,
    pub(super) kind: SymbolKind,
    visibility: u8,
}

impl<'a> Symbol<'a> {
    pub(super) fn is_defined(&self) -> bool {
        self.section != SHN_UNDEF
    }

    pub(super) fn is_import(&self) -> bool {
        !self.is_defined() && !self.name.is_empty()
    }

    /// Whether a relocation that names it stores what the linker finds by name, or an address of this image.
    /// An undefined symbol that is local or hidden would yield the ELF header's address.
    pub(super) fn is_resolvable(&self) -> bool {
        self.is_defined() || (self.binding != STB_LOCAL && !self.is_hidden())
    }

    pub(super) fn is_unique(&self) -> bool {
        self.is_defined() && self.binding == STB_GNU_UNIQUE
    }

    /// Whether a definition of another image may stand in for this one; with it, whether this one is weak.
    pub(super) fn interposable(&self) -> Option<bool> {
        let seen = self.is_defined() && self.binding != STB_LOCAL && self.visibility == STV_DEFAULT;
        (seen && !self.name.is_empty()).then_some(self.binding != STB_GLOBAL)
    }

    pub(super) fn is_indirect(&self) -> bool {
        self.is_defined() && self.kind == SymbolKind::IndirectFunction
    }

    /// The symbol as others see it; `None` if they do not.
    pub(super) fn export(&self, segments: &Segments) -> Option<Export<'a>> {
        if !self.is_defined() || self.binding == STB_LOCAL || self.is_hidden() || self.name.is_empty() {
            return None;
        }
        let stored = self.section != SHN_ABS && self.kind != SymbolKind::ThreadLocal;
        let range = || segments.file_range(self.value, self.size);
        let file_range = stored.then(range).flatten().and_then(|range| index_range(range.start, self.size));
        Some(Export { name: self.name, kind: self.kind, address: self.value, size: self.size, file_range })
    }

    fn read(entry: &[u8], dynamic: &Dynamic<'a>) -> Option<Self> {
        let &[info, other] = entry.get(4..)?.first_chunk()?;
        Some(Self {
            name: dynamic.strings.get(u32_at(entry, 0)?.into())?,
            value: u64_at(entry, 8)?,
            size: u64_at(entry, 16)?,
            section: u16_at(entry, 6)?,
            binding: info >> 4,
            kind: kind(info & 15),
            visibility: other & 3,
        })
    }

    fn is_hidden(&self) -> bool {
        matches!(self.visibility, STV_INTERNAL | STV_HIDDEN)
    }

    /// Whether a defined symbol stands for something inside the image. `_end` and its like point past the
    /// last byte of a segment and have no size. An undefined one has no value in a shared object; with one
    /// `check_match` of glibc would take it for a definition.
    fn is_inside(&self, segments: &Segments) -> bool {
        if self.section == SHN_ABS {
            return true;
        }
        if !self.is_defined() {
            return self.value == 0;
        }
        if self.kind == SymbolKind::ThreadLocal {
            let end = self.value.checked_add(self.size);
            return end.zip(segments.tls_size).is_some_and(|(end, size)| end <= size);
        }
        segments.load_at(self.value, self.size).is_some()
    }
}

/// Reads the first `count` symbols; `symbols[i]` has the index `i` of relocations and version tables.
pub(super) fn parse<'a>(image: &mut Image<'a>, dynamic: &Dynamic<'a>, count: u32) -> Result<Vec<Symbol<'a>>> {
    let Some([address, ENTRY_SIZE]) = dynamic.group([SYMTAB, SYMENT])? else {
        return Err(rejected("DT_SYMTAB: expected one with entries of 24 bytes, found another"));
    };
    let size = u64::from(count).saturating_mul(ENTRY_SIZE);
    let table = image.table("DT_SYMTAB", address, size)?;
    let (entries, _) = table.as_chunks::<ENTRY_LEN>();
    let symbol = |(index, entry): (usize, &[u8; ENTRY_LEN])| {
        let symbol = Symbol::read(entry, dynamic).ok_or_else(|| {
            rejected(format!("symbol {index}: expected a UTF-8 name in the string table, found none"))
        })?;
        if symbol.is_inside(&image.segments) {
            return Ok(symbol);
        }
        let (name, value, size) = (shown(symbol.name), symbol.value, symbol.size);
        Err(rejected(format!("symbol {name:?}: expected inside the image, found {size} bytes at {value:#x}")))
    };
    entries.iter().enumerate().map(symbol).collect()
}

fn kind(number: u8) -> SymbolKind {
    match number {
        0 => SymbolKind::Untyped,
        1 | 5 => SymbolKind::Object,
        2 => SymbolKind::Function,
        6 => SymbolKind::ThreadLocal,
        10 => SymbolKind::IndirectFunction,
        other => SymbolKind::Other(other),
    }
}
