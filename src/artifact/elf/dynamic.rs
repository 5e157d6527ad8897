//! The dynamic section: what the file tells the dynamic linker (gABI chapter 5, "Dynamic Section").
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{Strings, u64_at};
use super::image::Image;
use super::rejected;
use crate::error::Result;
use std::collections::BTreeMap;

/// A `d_tag`.
pub(super) type Tag = u64;

pub(super) const NEEDED: Tag = 1;
pub(super) const PLTRELSZ: Tag = 2;
pub(super) const PLTGOT: Tag = 3;
pub(super) const HASH: Tag = 4;
pub(super) const STRTAB: Tag = 5;
pub(super) const SYMTAB: Tag = 6;
pub(super) const RELA: Tag = 7;
pub(super) const RELASZ: Tag = 8;
pub(super) const RELAENT: Tag = 9;
pub(super) const STRSZ: Tag = 10;
pub(super) const SYMENT: Tag = 11;
pub(super) const INIT: Tag = 12;
pub(super) const FINI: Tag = 13;
const SONAME: Tag = 14;
const RPATH: Tag = 15;
const SYMBOLIC: Tag = 16;
const REL: Tag = 17;
const RELSZ: Tag = 18;
const RELENT: Tag = 19;
pub(super) const PLTREL: Tag = 20;
const TEXTREL: Tag = 22;
pub(super) const JMPREL: Tag = 23;
pub(super) const INIT_ARRAY: Tag = 25;
pub(super) const FINI_ARRAY: Tag = 26;
pub(super) const INIT_ARRAYSZ: Tag = 27;
pub(super) const FINI_ARRAYSZ: Tag = 28;
const RUNPATH: Tag = 29;
const FLAGS: Tag = 30;
const PREINIT_ARRAY: Tag = 32;
const PREINIT_ARRAYSZ: Tag = 33;
pub(super) const RELRSZ: Tag = 35;
pub(super) const RELR: Tag = 36;
pub(super) const RELRENT: Tag = 37;
pub(super) const GNU_HASH: Tag = 0x6fff_fef5;
pub(super) const TLSDESC_PLT: Tag = 0x6fff_fef6;
pub(super) const TLSDESC_GOT: Tag = 0x6fff_fef7;
const GNU_CONFLICT: Tag = 0x6fff_fef8;
const GNU_LIBLIST: Tag = 0x6fff_fef9;
const DEPAUDIT: Tag = 0x6fff_fefb;
const AUDIT: Tag = 0x6fff_fefc;
pub(super) const VERSYM: Tag = 0x6fff_fff0;
pub(super) const RELACOUNT: Tag = 0x6fff_fff9;
const FLAGS_1: Tag = 0x6fff_fffb;
pub(super) const VERDEF: Tag = 0x6fff_fffc;
pub(super) const VERNEED: Tag = 0x6fff_fffe;
const AUXILIARY: Tag = 0x7fff_fffd;
const USED: Tag = 0x7fff_fffe;
const FILTER: Tag = 0x7fff_ffff;

const DF_SYMBOLIC: u64 = 0x2;
const DF_TEXTREL: u64 = 0x4;
const DF_STATIC_TLS: u64 = 0x10;
const DF_1_NODELETE: u64 = 0x8;
const DF_1_PIE: u64 = 0x0800_0000;

const ENTRY_SIZE: usize = 16;
const MAX_ENTRIES: usize = 65536;
const MAX_NEEDED: usize = 1024;
/// PATH_MAX of Linux: longer names cannot be opened.
const MAX_FILE_NAME: usize = 4096;

/// The dynamic section, its strings resolved.
pub(super) struct Dynamic<'a> {
    single: BTreeMap<Tag, u64>,
    pub(super) strings: Strings<'a>,
    pub(super) soname: Option<&'a str>,
    pub(super) needed: Vec<&'a str>,
    /// DT_RPATH and DT_RUNPATH with their paths.
    pub(super) run_paths: Vec<(&'static str, &'a str)>,
    /// DT_AUDIT, DT_DEPAUDIT, DT_FILTER and DT_AUXILIARY with their names.
    pub(super) redirections: Vec<(&'static str, &'a str)>,
}

impl<'a> Dynamic<'a> {
    /// Reads the entries up to DT_NULL and resolves those that are strings.
    pub(super) fn parse(image: &mut Image<'a>) -> Result<Self> {
        let range = image.segments.dynamic.clone();
        let bytes = image.table("PT_DYNAMIC", range.start, range.end.saturating_sub(range.start))?;
        let (single, named) = entries(bytes)?;
        let required = |tag| {
            let missing = || rejected(format!("{}: expected one, found none", tag_name(tag)));
            single.get(&tag).copied().ok_or_else(missing)
        };
        let table = image.table("DT_STRTAB", required(STRTAB)?, required(STRSZ)?)?;
        let strings = Strings::new(table)
            .ok_or_else(|| rejected("DT_STRTAB: expected UTF-8 strings that end with NUL, found others"))?;
        let mut dynamic = Self {
            single,
            strings,
            soname: None,
            needed: Vec::new(),
            run_paths: Vec::new(),
            redirections: Vec::new(),
        };
        for (tag, offset) in named {
            dynamic.resolve(tag, offset)?;
        }
        if dynamic.needed.len() > MAX_NEEDED {
            let found = dynamic.needed.len();
            return Err(rejected(format!("DT_NEEDED: expected at most {MAX_NEEDED}, found {found}")));
        }
        Ok(dynamic)
    }

    /// The value of an entry that may stand once.
    pub(super) fn get(&self, tag: Tag) -> Option<u64> {
        self.single.get(&tag).copied()
    }

    /// The values of entries that make sense only together: all of them, or none.
    pub(super) fn group<const N: usize>(&self, tags: [Tag; N]) -> Result<Option<[u64; N]>> {
        let values = tags.map(|tag| self.get(tag));
        if values.iter().all(Option::is_none) {
            return Ok(None);
        }
        match tags.iter().zip(values).find(|(_, value)| value.is_none()) {
            Some((tag, _)) => Err(rejected(format!("{}: expected one, found none", tag_name(*tag)))),
            None => Ok(Some(values.map(Option::unwrap_or_default))),
        }
    }

    pub(super) fn has_text_relocations(&self) -> bool {
        self.get(TEXTREL).is_some() || self.flags(FLAGS) & DF_TEXTREL != 0
    }

    pub(super) fn has_static_tls(&self) -> bool {
        self.flags(FLAGS) & DF_STATIC_TLS != 0
    }

    pub(super) fn is_symbolic(&self) -> bool {
        self.get(SYMBOLIC).is_some() || self.flags(FLAGS) & DF_SYMBOLIC != 0
    }

    pub(super) fn is_nodelete(&self) -> bool {
        self.flags(FLAGS_1) & DF_1_NODELETE != 0
    }

    fn flags(&self, tag: Tag) -> u64 {
        self.get(tag).unwrap_or_default()
    }

    fn resolve(&mut self, tag: Tag, offset: u64) -> Result<()> {
        let name = self.strings.get(offset).filter(|name| name.len() <= MAX_FILE_NAME).ok_or_else(|| {
            rejected(format!("{}: expected a name in the string table, found offset {offset}", tag_name(tag)))
        })?;
        match tag {
            // A library that is named twice is needed once.
            NEEDED if self.needed.len() > MAX_NEEDED || self.needed.contains(&name) => {}
            NEEDED => self.needed.push(name),
            RPATH | RUNPATH => self.run_paths.push((tag_name(tag), name)),
            SONAME => self.soname = Some(name),
            other => self.redirections.push((tag_name(other), name)),
        }
        Ok(())
    }
}

type Entries = (BTreeMap<Tag, u64>, Vec<(Tag, u64)>);

/// The entries that may stand once by their tag, and those that name a string in their order.
fn entries(bytes: &[u8]) -> Result<Entries> {
    let (mut single, mut named) = (BTreeMap::new(), Vec::new());
    for entry in bytes.chunks_exact(ENTRY_SIZE).take(MAX_ENTRIES) {
        let field = |offset| u64_at(entry, offset).unwrap_or_default();
        let (tag, value) = (field(0), field(8));
        if tag == 0 {
            if single.get(&FLAGS_1).is_some_and(|flags| flags & DF_1_PIE != 0) {
                return Err(rejected("DF_1_PIE: expected a shared object, found an executable"));
            }
            return Ok((single, named));
        }
        match tag {
            NEEDED | RPATH | RUNPATH | AUDIT | DEPAUDIT | AUXILIARY | FILTER => named.push((tag, value)),
            REL | RELSZ | RELENT | PREINIT_ARRAY | PREINIT_ARRAYSZ | GNU_CONFLICT | GNU_LIBLIST => {
                return Err(rejected(format!("{}: expected none in a shared object", tag_name(tag))));
            }
            other if is_alias(other) => {
                return Err(rejected(format!("dynamic tag {other:#x}: expected a known tag")));
            }
            other => {
                // Of two the linker takes the last, other readers the first.
                if single.insert(other, value).is_some() && tag_name(other) != UNKNOWN {
                    return Err(rejected(format!("{}: expected one, found two", tag_name(other))));
                }
                if other == SONAME {
                    named.push((other, value));
                }
            }
        }
    }
    Err(rejected("PT_DYNAMIC: expected DT_NULL at the end, found none"))
}

/// glibc's DT_EXTRATAGIDX looks at the low 31 bits alone, so other tags can mean DT_FILTER to it.
fn is_alias(tag: Tag) -> bool {
    tag & 0x7fff_ffff >= AUXILIARY && tag != USED
}

const UNKNOWN: &str = "dynamic entry";

fn tag_name(tag: Tag) -> &'static str {
    match tag {
        NEEDED => "DT_NEEDED",
        PLTRELSZ => "DT_PLTRELSZ",
        PLTGOT => "DT_PLTGOT",
        HASH => "DT_HASH",
        STRTAB => "DT_STRTAB",
        SYMTAB => "DT_SYMTAB",
        RELA => "DT_RELA",
        RELASZ => "DT_RELASZ",
        RELAENT => "DT_RELAENT",
        STRSZ => "DT_STRSZ",
        SYMENT => "DT_SYMENT",
        INIT => "DT_INIT",
        FINI => "DT_FINI",
        SONAME => "DT_SONAME",
        RPATH => "DT_RPATH",
        REL | RELSZ | RELENT => "DT_REL",
        PLTREL => "DT_PLTREL",
        JMPREL => "DT_JMPREL",
        INIT_ARRAY => "DT_INIT_ARRAY",
        FINI_ARRAY => "DT_FINI_ARRAY",
        INIT_ARRAYSZ => "DT_INIT_ARRAYSZ",
        FINI_ARRAYSZ => "DT_FINI_ARRAYSZ",
        RUNPATH => "DT_RUNPATH",
        FLAGS => "DT_FLAGS",
        PREINIT_ARRAY | PREINIT_ARRAYSZ => "DT_PREINIT_ARRAY",
        RELRSZ => "DT_RELRSZ",
        RELR => "DT_RELR",
        RELRENT => "DT_RELRENT",
        GNU_HASH => "DT_GNU_HASH",
        TLSDESC_PLT => "DT_TLSDESC_PLT",
        TLSDESC_GOT => "DT_TLSDESC_GOT",
        GNU_CONFLICT => "DT_GNU_CONFLICT",
        GNU_LIBLIST => "DT_GNU_LIBLIST",
        DEPAUDIT => "DT_DEPAUDIT",
        AUDIT => "DT_AUDIT",
        VERSYM => "DT_VERSYM",
        RELACOUNT => "DT_RELACOUNT",
        FLAGS_1 => "DT_FLAGS_1",
        VERDEF => "DT_VERDEF",
        VERNEED => "DT_VERNEED",
        AUXILIARY => "DT_AUXILIARY",
        FILTER => "DT_FILTER",
        _ => UNKNOWN,
    }
}
