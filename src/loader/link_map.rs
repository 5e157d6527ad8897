//! What the dynamic linker says of an object: where it lies, which file it came from, whether it is still there.

use crate::error::{Error, Result, Status};
use std::ffi::{CStr, c_int, c_void};
use std::fs;
use std::ops::Range;

/// The device and inode of the file mapped at `address`, from `/proc/self/maps`.
pub(super) fn file_at(address: usize) -> Result<(u64, u64)> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(|e| Error::io("read /proc/self/maps", &e))?;
    maps.lines().find_map(|line| file_of_line(line, address)).ok_or_else(|| {
        Error::new(Status::LoadFailed, "expected the image in /proc/self/maps, found nothing at its address")
    })
}

/// The addresses of the object that was loaded under `name`, from its first segment to the end of its last one: the
/// dynamic linker reserves them in one piece, so no other object lies between. `None` when there is no such object.
///
/// The name is what tells objects apart: the next one may lie where this one was.
pub(super) fn extent(name: &CStr) -> Option<Range<usize>> {
    struct Search<'a> {
        wanted: &'a CStr,
        found: Option<Range<usize>>,
    }
    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
        // SAFETY: glibc passes a valid record, and `search` is the value given below.
        let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<'_>>()) };
        // SAFETY: glibc's names are NUL-terminated where they are not NULL.
        if info.dlpi_name.is_null() || unsafe { CStr::from_ptr(info.dlpi_name) } != search.wanted {
            return 0;
        }
        let base = usize::try_from(info.dlpi_addr).unwrap_or(0);
        let (mut first, mut end) = (usize::MAX, 0);
        for index in 0..usize::from(info.dlpi_phnum) {
            // SAFETY: `dlpi_phdr` points at `dlpi_phnum` program headers.
            let header = unsafe { &*info.dlpi_phdr.add(index) };
            if header.p_type == libc::PT_LOAD {
                let address = base.wrapping_add(usize::try_from(header.p_vaddr).unwrap_or(0));
                first = first.min(address);
                end = end.max(address.saturating_add(usize::try_from(header.p_memsz).unwrap_or(0)));
            }
        }
        search.found = Some(first..end);
        1
    }
    let mut search = Search { wanted: name, found: None };
    // SAFETY: `visit` has the signature that dl_iterate_phdr asks for and gets back the pointer given here.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

/// Whether the dynamic linker already answers to `name`, a path or a SONAME, without opening any file.
pub(super) fn is_known(name: &CStr) -> bool {
    // SAFETY: `name` is NUL-terminated; RTLD_NOLOAD opens nothing and runs nothing.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    if handle.is_null() {
        return false;
    }
    // SAFETY: undoes the reference that the successful RTLD_NOLOAD took.
    unsafe { libc::dlclose(handle) };
    true
}

/// `address-address perms offset major:minor inode path`, see proc_pid_maps(5).
fn file_of_line(line: &str, address: usize) -> Option<(u64, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    if !range.contains(&address) {
        return None;
    }
    let (major, minor) = fields.nth(2)?.split_once(':')?;
    let inode = fields.next()?.parse().ok()?;
    let device = libc::makedev(u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
    Some((device, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_gives_device_and_inode() {
        let line = "7f10-7f20 r-xp 00001000 fd:03 4711                       /memfd:fee@v1 (deleted)";
        assert_eq!(file_of_line(line, 0x7f10), Some((libc::makedev(0xfd, 3), 4711)));
        assert_eq!(file_of_line(line, 0x7f20), None);
        assert_eq!(file_of_line("garbage", 0), None);
    }

    #[test]
    fn the_c_library_is_known_and_a_fresh_name_is_not() {
        assert!(is_known(c"libc.so.6"));
        assert!(!is_known(c"/proc/self/fd/./no-such-object"));
    }
}
