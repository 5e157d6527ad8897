//! The objects that the dynamic linker has mapped, with what their headers say.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;

/// `struct link_map` (link.h): the linker's entry for an object.
#[repr(C)]
pub(super) struct LinkMap {
    pub(super) address: usize,
    pub(super) name: *const c_char,
    dynamic: *const c_void,
    next: *const Self,
    previous: *const Self,
}

/// One mapped object. Its headers are in memory, and stay there as long as the value lives: the linker holds its lock
/// meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    /// The name that the linker knows it by; empty for the program itself.
    pub(super) name: &'a CStr,
    /// What is added to the addresses of its file.
    pub(super) base: usize,
    headers: &'a [libc::Elf64_Phdr],
}

/// Shows every object to `visit`, in the order in which they were mapped, until it answers something. `visit` must not
/// load or close anything: the linker's lock is held. Those of other link-map namespaces are not among them.
pub(super) fn find<T>(visit: impl FnMut(Object<'_>) -> Option<T>) -> Option<T> {
    struct Search<V, T> {
        visit: V,
        found: Option<T>,
    }
    unsafe extern "C" fn step<V: FnMut(Object<'_>) -> Option<T>, T>(
        info: *mut libc::dl_phdr_info,
        _: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: glibc passes a valid record, and `search` is the value given below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<V, T>>()) };
        let name = if info.dlpi_name.is_null() {
            c""
        } else {
            // SAFETY: glibc's names are NUL-terminated.
            unsafe { CStr::from_ptr(info.dlpi_name) }
        };
        let headers = if info.dlpi_phdr.is_null() {
            &[]
        } else {
            // SAFETY: `dlpi_phdr` points at `dlpi_phnum` program headers.
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) }
        };
        let base = usize::try_from(info.dlpi_addr).unwrap_or(0);
        search.found = (search.visit)(Object { name, base, headers });
        c_int::from(search.found.is_some())
    }
    fn step_of<V: FnMut(Object<'_>) -> Option<T>, T>(
        _: &Search<V, T>,
    ) -> unsafe extern "C" fn(*mut libc::dl_phdr_info, usize, *mut c_void) -> c_int {
        step::<V, T>
    }
    let mut search = Search { visit, found: None };
    let step = step_of(&search);
    // SAFETY: `step` has the signature that dl_iterate_phdr asks for and gets back the pointer given here.
    unsafe { libc::dl_iterate_phdr(Some(step), (&raw mut search).cast()) };
    search.found
}

/// Shows the objects of another link-map namespace in the same way, given one of them: `dl_iterate_phdr` shows those of
/// the caller's namespace alone.
///
/// # Safety
/// The object stays open, and nothing is opened or closed in its namespace meanwhile: no lock is held.
pub(super) unsafe fn find_beside<T>(
    member: *const LinkMap,
    mut visit: impl FnMut(Object<'_>) -> Option<T>,
) -> Option<T> {
    let mut map = member;
    // SAFETY: the caller's promise: the list stays as it is, and its entries are those that <link.h> declares.
    unsafe {
        while !(*map).previous.is_null() {
            map = (*map).previous;
        }
        while let Some(entry) = map.as_ref() {
            let name = if entry.name.is_null() { c"" } else { CStr::from_ptr(entry.name) };
            if let Some(found) = visit(Object { name, base: entry.address, headers: headers_of(entry) }) {
                return Some(found);
            }
            map = entry.next;
        }
    }
    None
}

/// The program headers of an open object, which its first mapping has behind the ELF header.
///
/// # Safety
/// The object stays open as long as the answer is used.
unsafe fn headers_of<'a>(entry: &LinkMap) -> &'a [libc::Elf64_Phdr] {
    const PAGE: usize = 4096;
    let mut place = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: room for the answer; the object is open, and its first mapping has a page at least.
    unsafe {
        if libc::dladdr(entry.dynamic, place.as_mut_ptr()) == 0 {
            return &[];
        }
        let start = place.assume_init().dli_fbase;
        let header = start.cast::<libc::Elf64_Ehdr>().read_unaligned();
        let (at, count) = (usize::try_from(header.e_phoff).unwrap_or(PAGE), usize::from(header.e_phnum));
        let end = at.saturating_add(count.saturating_mul(size_of::<libc::Elf64_Phdr>()));
        let first = start.byte_add(at.min(PAGE)).cast::<libc::Elf64_Phdr>();
        if !header.e_ident.starts_with(b"\x7fELF") || end > PAGE || !first.is_aligned() {
            return &[];
        }
        std::slice::from_raw_parts(first, count)
    }
}

impl<'a> Object<'a> {
    /// From its first segment to the end of its last one: the linker reserves them in one piece, so no other object lies
    /// between.
    pub(super) fn extent(&self) -> Range<usize> {
        span(self.segments(libc::PT_LOAD))
    }

    /// Of these addresses, from the first executable segment to the end of the last one.
    pub(super) fn code(&self) -> Range<usize> {
        let executable =
            |header: &&libc::Elf64_Phdr| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0;
        let base = self.base;
        span(self.headers.iter().filter(executable).map(move |header| place(base, header)))
    }

    /// Its name for people.
    pub(super) fn shown(&self) -> String {
        let name = self.name.to_string_lossy();
        let file = name.rsplit('/').next().unwrap_or_default();
        if file.is_empty() { "the program".to_owned() } else { file.to_owned() }
    }

    /// Where its headers of this type point.
    fn segments(&self, kind: u32) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let base = self.base;
        self.headers.iter().filter(move |header| header.p_type == kind).map(move |header| place(base, header))
    }

    /// The words of its dynamic section: tag and value in turn.
    pub(super) fn dynamic(&self) -> &'a [[usize; 2]] {
        let Some(range) = self.segments(libc::PT_DYNAMIC).find(|range| self.is_mapped(range)) else {
            return &[];
        };
        // SAFETY: the object is mapped, its dynamic section is aligned data that the linker itself reads, and nobody
        // writes to it once the object is in the list.
        unsafe {
            std::slice::from_raw_parts(
                std::ptr::with_exposed_provenance(range.start),
                range.len() / size_of::<[usize; 2]>(),
            )
        }
    }

    /// The bytes of its notes.
    pub(super) fn notes(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let object = *self;
        self.segments(libc::PT_NOTE).filter(move |range| object.is_mapped(range)).map(|range| {
            // SAFETY: the object is mapped, and notes are read-only data of its file.
            unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(range.start), range.len()) }
        })
    }

    /// Whether one of its segments holds the whole range and can be read.
    pub(super) fn is_mapped(&self, range: &Range<usize>) -> bool {
        let readable = self.headers.iter().filter(|header| header.p_flags & libc::PF_R != 0);
        readable.filter(|header| header.p_type == libc::PT_LOAD).any(|header| {
            let start = self.base.wrapping_add(usize::try_from(header.p_vaddr).unwrap_or(0));
            let end = start.saturating_add(usize::try_from(header.p_memsz).unwrap_or(0));
            start <= range.start && range.end <= end
        })
    }
}

/// Where a header points.
fn place(base: usize, header: &libc::Elf64_Phdr) -> Range<usize> {
    let start = base.wrapping_add(usize::try_from(header.p_vaddr).unwrap_or(0));
    start..start.saturating_add(usize::try_from(header.p_memsz).unwrap_or(0))
}

/// From the first to the end of the last one; empty without any.
fn span(segments: impl Iterator<Item = Range<usize>>) -> Range<usize> {
    let whole = segments.reduce(|whole, one| whole.start.min(one.start)..whole.end.max(one.end));
    whole.unwrap_or(0..0)
}
