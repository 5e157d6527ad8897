//! Relocations: what the dynamic linker writes into the image, and the code that it calls afterwards.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::u64_at;
use super::dynamic::{
    Dynamic, FINI, FINI_ARRAY, FINI_ARRAYSZ, INIT, INIT_ARRAY, INIT_ARRAYSZ, JMPREL, PLTGOT, PLTREL,
    PLTRELSZ, RELA, RELACOUNT, RELAENT, RELASZ, RELR, RELRENT, RELRSZ, TLSDESC_GOT, TLSDESC_PLT,
};
use super::image::Image;
use super::machine::{Effect, effect};
use super::rejected;
use super::segments::Load;
use super::symbols::{Symbol, SymbolKind};
use crate::error::Result;
use std::collections::BTreeSet;
use std::ops::Range;

const ENTRY_SIZE: u64 = 24;
const WORD: u64 = 8;
const MAX_CALLS: u64 = 65536;

/// The relocation tables of the file.
pub(super) struct Tables<'a> {
    rela: &'a [u8],
    plt: &'a [u8],
    relr: &'a [u8],
    /// How many entries of `rela` are RELATIVE and come first.
    relative: u64,
}

/// What the relocations say about the file as a whole.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) static_tls: bool,
    pub(super) indirect: bool,
    /// Indices of symbols of this image that relocations name: the first definition in the search order is used for them.
    pub(super) bound: BTreeSet<u32>,
}

impl<'a> Tables<'a> {
    /// Finds the tables; every size that the linker reads must be there if the table is.
    pub(super) fn locate(image: &mut Image<'a>, dynamic: &Dynamic<'_>) -> Result<Self> {
        let mut tables =
            Self { rela: &[], plt: &[], relr: &[], relative: dynamic.get(RELACOUNT).unwrap_or_default() };
        let mut main = 0..0;
        if let Some([address, size, entry]) = dynamic.group([RELA, RELASZ, RELAENT])? {
            tables.rela = table(image, "DT_RELA", address, size, (entry, ENTRY_SIZE))?;
            main = address..address.saturating_add(size);
        }
        if let Some([address, size, kind]) = dynamic.group([JMPREL, PLTRELSZ, PLTREL])? {
            if kind != RELA {
                return Err(rejected(format!("DT_PLTREL: expected {RELA} (DT_RELA), found {kind}")));
            }
            tables.plt = table(image, "DT_JMPREL", address, size, (ENTRY_SIZE, ENTRY_SIZE))?;
            let end = address.saturating_add(size);
            let apart = end <= main.start || main.end <= address;
            // glibc takes a table at the tail of DT_RELA out of it by subtracting the sizes.
            if size > 0 && !apart && (end != main.end || address < main.start) {
                return Err(rejected(
                    "DT_JMPREL: expected apart from DT_RELA or at its tail, found an overlap",
                ));
            }
        }
        if let Some([address, size, entry]) = dynamic.group([RELR, RELRSZ, RELRENT])? {
            tables.relr = table(image, "DT_RELR", address, size, (entry, WORD))?;
        }
        Ok(tables)
    }

    /// The highest symbol index in use.
    pub(super) fn highest_symbol(&self) -> u32 {
        self.entries().map(|entry| entry.symbol).max().unwrap_or_default()
    }

    /// Checks every relocation and every function that the linker calls.
    pub(super) fn check(
        &self,
        image: &Image<'_>,
        dynamic: &Dynamic<'_>,
        symbols: &[Symbol<'_>],
    ) -> Result<Summary> {
        let mut checker = Checker {
            image,
            symbols,
            anywhere: dynamic.has_text_relocations(),
            calls: [
                Calls::locate(image, "DT_INIT_ARRAY", dynamic.group([INIT_ARRAY, INIT_ARRAYSZ])?)?,
                Calls::locate(image, "DT_FINI_ARRAY", dynamic.group([FINI_ARRAY, FINI_ARRAYSZ])?)?,
            ],
            summary: Summary::default(),
        };
        self.check_relative_count()?;
        checker.relative_words(self.relr)?;
        for entry in self.entries() {
            checker.entry(&entry)?;
        }
        for calls in &checker.calls {
            calls.check_filled()?;
        }
        let summary = checker.summary;
        check_functions(image, dynamic)?;
        Ok(summary)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + use<'a> {
        let entries = |table: &'a [u8]| table.chunks_exact(24).map(Entry::read);
        entries(self.rela).chain(entries(self.plt))
    }

    /// glibc ends the process if one of the first DT_RELACOUNT entries is of another type.
    fn check_relative_count(&self) -> Result<()> {
        let relative = self.entries().take_while(|entry| effect(entry.kind) == Effect::Relative).count();
        let entries = self.rela.len().checked_div(24).unwrap_or_default();
        let found = u64::try_from(relative.min(entries)).unwrap_or_default();
        if self.relative <= found {
            return Ok(());
        }
        let expected = self.relative;
        Err(rejected(format!("DT_RELACOUNT: expected {expected} relative relocations first, found {found}")))
    }
}

struct Entry {
    offset: u64,
    kind: u32,
    symbol: u32,
    addend: u64,
}

impl Entry {
    fn read(bytes: &[u8]) -> Self {
        let field = |offset| u64_at(bytes, offset).unwrap_or_default();
        let halves = |info: u64| (u32::try_from(info >> 32), u32::try_from(info & 0xffff_ffff));
        let (symbol, kind) = halves(field(8));
        Self {
            offset: field(0),
            kind: kind.unwrap_or_default(),
            symbol: symbol.unwrap_or_default(),
            addend: field(16),
        }
    }
}

struct Checker<'c, 'a> {
    image: &'c Image<'a>,
    symbols: &'c [Symbol<'a>],
    /// DT_TEXTREL: the linker makes read-only segments writable while it relocates.
    anywhere: bool,
    calls: [Calls; 2],
    summary: Summary,
}

impl Checker<'_, '_> {
    fn entry(&mut self, entry: &Entry) -> Result<()> {
        let Entry { offset, kind, symbol: index, addend } = *entry;
        let refuse = |what: String| Err(rejected(format!("relocation at {offset:#x}: {what}")));
        let Some(symbol) = usize::try_from(index).ok().and_then(|index| self.symbols.get(index)) else {
            let count = self.symbols.len();
            return refuse(format!("expected a symbol below {count}, found {index}"));
        };
        let effect = effect(kind);
        let Some(size) = effect.size() else {
            return refuse(format!("expected a type for shared objects, found {kind}"));
        };
        if effect == Effect::Nothing {
            return Ok(());
        }
        if index != 0 && !symbol.is_resolvable() {
            return refuse(format!(
                "expected a symbol of this image or another, found undefined local {index}"
            ));
        }
        let target = self.target(offset, size)?;
        let is_tls_symbol = symbol.kind == SymbolKind::ThreadLocal;
        let names_symbol = index != 0;
        match effect {
            Effect::Relative if !self.image.segments.spans(addend) => {
                return refuse(format!("expected an addend inside the image, found {addend:#x}"));
            }
            Effect::Indirect if !self.image.segments.is_code(addend) => {
                return refuse(format!("expected a resolver in executable memory, found {addend:#x}"));
            }
            Effect::Slot if !names_symbol || is_tls_symbol || !offset.is_multiple_of(WORD) => {
                return refuse(format!(
                    "expected a symbol's address in an aligned slot, found symbol {index}"
                ));
            }
            Effect::Tls | Effect::StaticTls | Effect::TlsDescriptor => {
                let defined_here = !names_symbol || symbol.is_defined();
                if (names_symbol && !is_tls_symbol)
                    || (defined_here && self.image.segments.tls_size.is_none())
                {
                    return refuse(format!("expected a thread-local symbol, found symbol {index}"));
                }
            }
            Effect::Absolute if is_tls_symbol => {
                return refuse(format!("expected an address, found thread-local symbol {index}"));
            }
            _ => {}
        }
        if names_symbol && symbol.is_defined() {
            self.summary.bound.insert(index);
        }
        self.summary.static_tls |= effect == Effect::StaticTls;
        self.summary.indirect |= effect == Effect::Indirect;
        let called = match effect {
            Effect::Relative => Some(addend),
            Effect::Absolute if symbol.is_defined() => Some(symbol.value.wrapping_add(addend)),
            _ => None,
        };
        self.fill(&target, called)
    }

    /// DT_RELR: an even word is an address, an odd one a bitmap of the 63 words that follow.
    fn relative_words(&mut self, table: &[u8]) -> Result<()> {
        let mut next = None;
        for word in table.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)) {
            if word & 1 == 0 {
                self.relative_word(word)?;
                next = word.checked_add(WORD);
                continue;
            }
            let start = next.ok_or_else(|| rejected("DT_RELR: expected an address first, found a bitmap"))?;
            let (mut bits, mut address) = (word >> 1, start);
            while bits != 0 {
                if bits & 1 == 1 {
                    self.relative_word(address)?;
                }
                bits >>= 1;
                address = address.saturating_add(WORD);
            }
            next = start.checked_add(WORD.saturating_mul(63));
        }
        Ok(())
    }

    fn relative_word(&mut self, address: u64) -> Result<()> {
        let target = self.target(address, WORD)?;
        let addend = self.image.bytes(address, WORD).and_then(|bytes| u64_at(bytes, 0));
        let inside =
            addend.filter(|addend| self.image.segments.spans(*addend) && address.is_multiple_of(WORD));
        if inside.is_none() {
            return Err(rejected(format!("DT_RELR at {address:#x}: expected an address inside the image")));
        }
        self.fill(&target, inside)
    }

    /// The `size` bytes at `address`, if the linker may write there.
    fn target(&self, address: u64, size: u64) -> Result<Range<u64>> {
        let target = address..address.saturating_add(size);
        let load = self.image.segments.load_at(address, size);
        if !load.is_some_and(|load| self.anywhere || Load::is_writable(load)) {
            return Err(rejected(format!("relocation at {address:#x}: expected a writable segment there")));
        }
        if self.image.is_reserved(&target) {
            return Err(rejected(format!(
                "relocation at {address:#x}: expected data, found a table of the linker"
            )));
        }
        Ok(target)
    }

    /// Notes that `target` will hold the address `called`, if it is one of the functions to be called.
    fn fill(&mut self, target: &Range<u64>, called: Option<u64>) -> Result<()> {
        let segments = &self.image.segments;
        let is_code = called.is_some_and(|address| segments.is_code(address));
        self.calls.iter_mut().try_for_each(|calls| calls.fill(target, is_code))
    }
}

/// DT_INIT_ARRAY or DT_FINI_ARRAY: glibc calls every slot, so a relocation must fill each with code.
struct Calls {
    name: &'static str,
    range: Range<u64>,
    filled: Vec<bool>,
}

impl Calls {
    fn locate(image: &Image<'_>, name: &'static str, entries: Option<[u64; 2]>) -> Result<Self> {
        let [address, size] = entries.unwrap_or_default();
        let slots = size.checked_div(WORD).unwrap_or_default();
        let aligned = size.is_multiple_of(WORD) && address.is_multiple_of(WORD);
        let inside = size == 0 || image.segments.load_at(address, size).is_some();
        if !aligned || !inside || slots > MAX_CALLS {
            return Err(rejected(format!(
                "{name}: expected at most {MAX_CALLS} aligned addresses inside a segment, found {size} bytes at {address:#x}"
            )));
        }
        let filled = vec![false; usize::try_from(slots).unwrap_or_default()];
        Ok(Self { name, range: address..address.saturating_add(size), filled })
    }

    fn fill(&mut self, target: &Range<u64>, is_code: bool) -> Result<()> {
        if self.range.is_empty() || target.end <= self.range.start || self.range.end <= target.start {
            return Ok(());
        }
        let offset = target.start.checked_sub(self.range.start).filter(|offset| offset.is_multiple_of(WORD));
        let index = offset.and_then(|offset| usize::try_from(offset.checked_div(WORD)?).ok());
        match index.and_then(|index| self.filled.get_mut(index)) {
            Some(filled) if is_code && !*filled => {
                *filled = true;
                Ok(())
            }
            _ => Err(rejected(format!(
                "{}: expected one address of code in each slot, found another at {:#x}",
                self.name, target.start
            ))),
        }
    }

    fn check_filled(&self) -> Result<()> {
        match self.filled.iter().position(|filled| !filled) {
            Some(slot) => {
                Err(rejected(format!("{}: expected an address in slot {slot}, found none", self.name)))
            }
            None => Ok(()),
        }
    }
}

/// DT_INIT and DT_FINI, and the addresses of lazy binding that glibc writes to or jumps to.
fn check_functions(image: &Image<'_>, dynamic: &Dynamic<'_>) -> Result<()> {
    let segments = &image.segments;
    for (name, tag) in [("DT_INIT", INIT), ("DT_FINI", FINI), ("DT_TLSDESC_PLT", TLSDESC_PLT)] {
        if let Some(address) = dynamic.get(tag).filter(|address| !segments.is_code(*address)) {
            return Err(rejected(format!(
                "{name}: expected an address in executable memory, found {address:#x}"
            )));
        }
    }
    for (name, tag, size) in
        [("DT_PLTGOT", PLTGOT, WORD.saturating_mul(3)), ("DT_TLSDESC_GOT", TLSDESC_GOT, WORD)]
    {
        let written = |address: &u64| segments.load_at(*address, size).is_some_and(Load::is_writable);
        if let Some(address) = dynamic.get(tag).filter(|address| !written(address)) {
            return Err(rejected(format!(
                "{name}: expected an address in writable memory, found {address:#x}"
            )));
        }
    }
    Ok(())
}

fn table<'a>(
    image: &mut Image<'a>,
    name: &str,
    address: u64,
    size: u64,
    (found, expected): (u64, u64),
) -> Result<&'a [u8]> {
    if found != expected || !size.is_multiple_of(expected) {
        return Err(rejected(format!(
            "{name}: expected entries of {expected} bytes, found {found} in a table of {size} bytes"
        )));
    }
    if size == 0 {
        return Ok(&[]);
    }
    image.table(name, address, size)
}
