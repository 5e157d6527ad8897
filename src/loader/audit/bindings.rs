//! Other images that hold addresses of an image in the slots of their relocations: those that the linker bound to one of
//! its symbols, and tables that the image itself has patched.

use super::companions::Companions;
use crate::loader::objects::{self, Object};
use crate::loader::pin::{PinKind, PinReason};
use crate::loader::place::Place;
use crate::sys::faults::fault;
use std::ffi::CStr;
use std::ops::Range;

/// An object bound to `image` that did not come with it. Those that came with it go with it, or keep it: the linker sees
/// to that. What was there before cannot have been bound by the linker, so somebody has patched its table.
///
/// The objects of the process are looked at, and those of the namespace where the image has one of its own.
pub(super) fn of_residents(
    image: &Range<usize>,
    companions: &Companions,
    place: &Place,
) -> Option<PinReason> {
    fault!("audit.bindings", none);
    let bound = |object: Object<'_>| {
        (!companions.has(object.base)).then(|| binding(&object, image))?.map(|symbol| shown(&object, &symbol))
    };
    let found = objects::find(bound).or_else(|| match place {
        Place::Shared => None,
        Place::Own(namespace) => namespace.find(bound),
    });
    found.map(|evidence| PinReason::new(PinKind::Dependency, evidence))
}

/// Who is bound to `image`, whoever it is: an explanation of why the linker kept it.
pub(in crate::loader) fn holder(image: &Range<usize>, place: &Place) -> Option<String> {
    place.find(|object| binding(&object, image).map(|symbol| shown(&object, &symbol)))
}

fn shown(object: &Object<'_>, symbol: &str) -> String {
    format!("{} is bound to {symbol} of the image", object.shown())
}

/// The name of a symbol for which `object` uses an address in `image`.
fn binding(object: &Object<'_>, image: &Range<usize>) -> Option<String> {
    if object.extent().start == image.start {
        return None;
    }
    let tables = Tables::of(object)?;
    let entries = tables.relocations.iter().flat_map(|table| entries(object, table));
    let bound = entries.filter(|entry| entry.info >> 32 != 0).find(|entry| {
        let at = object.base.wrapping_add(entry.offset);
        word(object, at).is_some_and(|held| image.contains(&held))
    })?;
    let symbol = tables.symbols.checked_add((bound.info >> 32).checked_mul(SYMBOL_SIZE)?)?;
    // The name's offset is the first half of a symbol's first word.
    let name = tables.strings.checked_add(word(object, symbol)? & 0xffff_ffff)?;
    if !object.is_mapped(&(name..name.checked_add(1)?)) {
        return None;
    }
    // SAFETY: the linker has found this symbol by its name, so a NUL-terminated text stands there.
    let name = unsafe { CStr::from_ptr(std::ptr::with_exposed_provenance(name)) };
    Some(name.to_string_lossy().into_owned())
}

/// An entry of DT_RELA or DT_JMPREL.
#[repr(C)]
struct Relocation {
    offset: usize,
    /// The symbol's index in the upper half, the type in the lower one.
    info: usize,
    addend: usize,
}

const SYMBOL_SIZE: usize = 24;

/// Tags of the dynamic section.
const PLTRELSZ: usize = 2;
const STRTAB: usize = 5;
const SYMTAB: usize = 6;
const RELA: usize = 7;
const RELASZ: usize = 8;
const JMPREL: usize = 23;

/// Where an object's tables stand in memory.
struct Tables {
    symbols: usize,
    strings: usize,
    relocations: [Range<usize>; 2],
}

impl Tables {
    fn of(object: &Object<'_>) -> Option<Self> {
        let value = |wanted| object.dynamic().iter().find(|[tag, _]| *tag == wanted).map(|[_, value]| *value);
        // glibc turns offsets into addresses where it may write to the section.
        let address =
            |tag| value(tag).map(|at| if at < object.base { at.wrapping_add(object.base) } else { at });
        let table = |start, size| {
            let start = address(start).unwrap_or(0);
            start..start.saturating_add(value(size).unwrap_or(0))
        };
        let relocations = [table(RELA, RELASZ), table(JMPREL, PLTRELSZ)];
        Some(Self { symbols: address(SYMTAB)?, strings: address(STRTAB)?, relocations })
    }
}

fn entries<'a>(object: &Object<'a>, table: &Range<usize>) -> &'a [Relocation] {
    if table.is_empty() || !table.start.is_multiple_of(align_of::<Relocation>()) || !object.is_mapped(table) {
        return &[];
    }
    // SAFETY: aligned, mapped and readable as long as the linker's lock is held; the linker has relocated by this table
    // and nobody writes to it.
    unsafe {
        std::slice::from_raw_parts(
            std::ptr::with_exposed_provenance(table.start),
            table.len() / size_of::<Relocation>(),
        )
    }
}

/// The word at an aligned address of the object.
fn word(object: &Object<'_>, at: usize) -> Option<usize> {
    let range = at..at.checked_add(size_of::<usize>())?;
    if !at.is_multiple_of(align_of::<usize>()) || !object.is_mapped(&range) {
        return None;
    }
    // SAFETY: aligned, mapped and readable as long as the linker's lock is held. Other threads may store a word there
    // (lazy binding), so it is read in one piece.
    Some(unsafe { std::ptr::with_exposed_provenance::<usize>(at).read_volatile() })
}
