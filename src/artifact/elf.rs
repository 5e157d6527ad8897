//! A shared object's dynamic view: parsed from untrusted bytes, and checked against everything that
//! would make glibc's dynamic linker crash or end the process.
//!
//! glibc trusts the files it loads: it follows addresses and offsets without a bound and answers some
//! contradictions with `_exit(127)`, which no host can catch. [`Elf::parse`] refuses such a file; what it
//! accepts the linker loads, or refuses with an error. [`policy::loadable`] then refuses features that
//! are well-formed and yet unwanted, and [`hazards::unload_hazards`] says what will keep the image mapped.
//!
//! Three things a format check cannot exclude, so a first load belongs in a child process:
//! - code that fails when it runs: an address of a constructor may lead into the middle of a function, and a
//!   relocation may store a well-formed but wrong address in the data that code reads;
//! - a PT_GNU_RELRO that covers data which the code writes to;
//! - what depends on other files: a symbol version required of a library that has lost its versions.
//!
//! Sources: System V gABI chapters 4 and 5, the psABI supplements, LSB Core "Symbol Versioning", and glibc's
//! `elf/dl-load.c`, `dl-lookup.c`, `dl-version.c`, `get-dynamic-info.h` and `do-rel.h`.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bytes;
mod dynamic;
mod hash;
pub mod hazards;
mod header;
mod image;
mod machine;
mod notes;
pub mod policy;
mod relocations;
mod sections;
mod segments;
mod symbols;
mod versions;

pub use sections::Section;
pub use segments::Stack;
pub use symbols::{Export, SymbolKind};

use crate::error::{Error, Result, Status};
use dynamic::Dynamic;
use relocations::{Summary, Tables};
use segments::Segments;
use symbols::Symbol;

const MAX_FILE_SIZE: usize = 1 << 30;

/// A well-formed shared object for this machine, borrowed from its bytes.
pub struct Elf<'a> {
    segments: Segments,
    dynamic: Dynamic<'a>,
    symbols: Vec<Symbol<'a>>,
    summary: Summary,
    sections: Vec<Section<'a>>,
}

impl<'a> Elf<'a> {
    /// Parses and checks an ELF64 little-endian shared object of the machine this crate was compiled for.
    ///
    /// Takes time linear in the file's size. Every refusal is a [`Status::ImageRejected`] whose message says
    /// what was expected and what was found.
    pub fn parse(file: &'a [u8]) -> Result<Self> {
        if file.len() > MAX_FILE_SIZE {
            return Err(rejected(format!(
                "file: expected at most {MAX_FILE_SIZE} bytes, found {}",
                file.len()
            )));
        }
        let header = header::parse(file)?;
        let segments = Segments::parse(file, &header.program_headers)?;
        let mut image = image::Image::new(file, segments);
        let dynamic = Dynamic::parse(&mut image)?;
        let tables = Tables::locate(&mut image, &dynamic)?;
        let count = hash::symbol_count(&mut image, &dynamic, tables.highest_symbol())?;
        let symbols = symbols::parse(&mut image, &dynamic, count)?;
        versions::check(&mut image, &dynamic, count)?;
        let summary = tables.check(&image, &dynamic, &symbols)?;
        let sections = sections::parse(file, &header)?;
        Ok(Self { segments: image.segments, dynamic, symbols, summary, sections })
    }

    /// DT_SONAME.
    pub fn soname(&self) -> Option<&'a str> {
        self.dynamic.soname
    }

    /// DT_NEEDED, in the order of the file.
    pub fn needed(&self) -> &[&'a str] {
        &self.dynamic.needed
    }

    /// DT_RPATH and DT_RUNPATH: the entry's name and its path.
    pub fn run_paths(&self) -> &[(&'static str, &'a str)] {
        &self.dynamic.run_paths
    }

    /// What the file asks of the host's stack.
    pub fn stack(&self) -> Stack {
        self.segments.stack
    }

    /// Whether the linker is told to write to read-only segments.
    pub fn text_relocations(&self) -> bool {
        self.dynamic.has_text_relocations()
    }

    /// Whether the file takes space of the static block of thread-local storage (the initial-exec model).
    pub fn static_tls(&self) -> bool {
        self.summary.static_tls || self.dynamic.has_static_tls()
    }

    /// Whether the file says that it must never be unloaded (DF_1_NODELETE).
    pub fn nodelete(&self) -> bool {
        self.dynamic.is_nodelete()
    }

    /// The names of undefined symbols, in table order.
    pub fn imports(&self) -> impl Iterator<Item = &'a str> {
        self.symbols.iter().filter(|symbol| symbol.is_import()).map(|symbol| symbol.name)
    }

    /// The symbols that others can find, in table order. A name stands once for each of its versions.
    pub fn exports(&self) -> impl Iterator<Item = Export<'a>> {
        self.symbols.iter().filter_map(|symbol| symbol.export(&self.segments))
    }

    /// The symbols that the file defines, exports and uses by name: where the process has another definition in its global
    /// scope, the file gets that one. With each, whether it is weak. Empty for a file that prefers its own (DF_SYMBOLIC).
    pub fn interposable(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let bound = self.summary.bound.iter().filter(|_| !self.dynamic.is_symbolic());
        let symbols = bound.filter_map(|index| self.symbols.get(usize::try_from(*index).ok()?));
        symbols.filter_map(|symbol| Some((symbol.name, symbol.interposable()?)))
    }

    /// Whether a symbol is STB_GNU_UNIQUE, which makes the linker keep the image for ever.
    pub fn has_unique_symbols(&self) -> bool {
        self.unique_symbol().is_some()
    }

    /// Whether the linker runs a resolver of this file while it relocates.
    pub fn has_ifunc(&self) -> bool {
        self.summary.indirect || self.symbols.iter().any(Symbol::is_indirect)
    }

    /// The section headers in file order, their ranges inside the file; empty if there is no table.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    fn unique_symbol(&self) -> Option<&'a str> {
        self.symbols.iter().find(|symbol| symbol.is_unique()).map(|symbol| symbol.name)
    }

    /// DT_AUDIT, DT_DEPAUDIT, DT_FILTER and DT_AUXILIARY, each with the file it names.
    fn redirections(&self) -> &[(&'static str, &'a str)] {
        &self.dynamic.redirections
    }
}

fn rejected(message: impl Into<String>) -> Error {
    Error::new(Status::ImageRejected, message)
}

/// A name from the file for a message, cut to a length that people read.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}
