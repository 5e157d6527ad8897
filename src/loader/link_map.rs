//! What the dynamic linker says of an object: where it lies, which file it came from, whether it is still there.

use super::objects::{self, LinkMap};
use crate::error::{Error, Result, Status};
use std::ffi::{CStr, CString, OsStr, c_void};
use std::fs::{self, File};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The device and inode of the file mapped at `address`, from `/proc/self/maps`.
pub(super) fn file_at(address: usize) -> Result<(u64, u64)> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(|e| Error::io("read /proc/self/maps", &e))?;
    maps.lines().find_map(|line| file_of_line(line, address)).ok_or_else(|| {
        Error::new(Status::LoadFailed, "expected the image in /proc/self/maps, found nothing at its address")
    })
}

/// The path of the file mapped at `address`, from `/proc/self/maps`. By now it may be another file's.
pub(super) fn path_at(address: usize) -> Result<PathBuf> {
    let maps = fs::read("/proc/self/maps").map_err(|e| Error::io("read /proc/self/maps", &e))?;
    let mut lines = maps.split(|byte| *byte == b'\n');
    lines.find_map(|line| path_of_line(line, address)).ok_or_else(|| {
        Error::new(Status::NotFound, "expected a file in /proc/self/maps, found none at that address")
    })
}

/// The path of the object that answers to `name`, if one is loaded.
pub(super) fn path_of(name: &CStr) -> Option<CString> {
    let mut map = std::ptr::null_mut::<LinkMap>();
    // SAFETY: `name` is NUL-terminated; RTLD_NOLOAD opens nothing and runs nothing. The request writes one pointer, and
    // the object stays until the reference is given back, after its name was copied.
    unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD);
        if handle.is_null() {
            return None;
        }
        let found = libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut map).cast()) == 0;
        let path = (found && !map.is_null()).then(|| CStr::from_ptr((*map).name).to_owned());
        libc::dlclose(handle);
        path.filter(|path| path.to_bytes().starts_with(b"/"))
    }
}

/// The addresses of the object that was loaded under `name`, from its first segment to the end of its last one: the
/// dynamic linker reserves them in one piece, so no other object lies between. `None` when there is no such object.
///
/// The name is what tells objects apart: the next one may lie where this one was.
pub(super) fn extent(name: &CStr) -> Option<Range<usize>> {
    objects::find(|object| (object.name == name).then(|| object.extent()))
}

/// Whether the dynamic linker already answers to `name`, a path or a SONAME. Nothing is mapped; of a path that is nobody's
/// name the linker opens the file, to see whether it is an object's under another name.
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

/// The symbols of an object and of those that it needs.
pub(super) struct Exports(*mut c_void);

impl Exports {
    /// What every image of the process finds first: the program, the libraries it was linked with, and what was loaded
    /// with RTLD_GLOBAL.
    pub(super) fn of_the_global_scope() -> Self {
        // SAFETY: NULL stands for the program; nothing is loaded.
        Self(unsafe { libc::dlopen(std::ptr::null(), libc::RTLD_NOW | libc::RTLD_NOLOAD) })
    }

    /// Those of the object that answers to `name`, if one is loaded.
    pub(super) fn of(name: &CStr) -> Option<Self> {
        // SAFETY: `name` is NUL-terminated; RTLD_NOLOAD opens nothing and runs nothing.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
        (!handle.is_null()).then_some(Self(handle))
    }

    pub(super) fn have(&self, name: &str) -> bool {
        let Ok(name) = CString::new(name) else { return false };
        // SAFETY: the handle is open or NULL, which stands for the default scope; the name is NUL-terminated.
        !unsafe { libc::dlsym(self.0, name.as_ptr()) }.is_null()
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: opened above, closed once.
            unsafe { libc::dlclose(self.0) };
        }
    }
}

/// The device and inode of the file that answers to `name`, if there is one.
pub(super) fn file_of(name: &CStr) -> Option<(u64, u64)> {
    // SAFETY: `name` is NUL-terminated; RTLD_NOLOAD opens nothing and runs nothing.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    if handle.is_null() {
        return None;
    }
    let mut map: *mut LinkMap = std::ptr::null_mut();
    // SAFETY: the handle is open, and the request stores one pointer. The map lives as long as the handle is open, and
    // begins with the members that <link.h> declares.
    let base = unsafe {
        (libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut map).cast()) == 0).then(|| (*map).address)
    };
    let start = objects::find(|object| (Some(object.base) == base).then(|| object.extent().start));
    let file = start.and_then(|start| file_at(start).ok());
    // SAFETY: undoes the reference that the successful RTLD_NOLOAD took.
    unsafe { libc::dlclose(handle) };
    file
}

/// What the dynamic linker said, without an unreadable load name in front.
pub(super) fn without_load_name(said: &str) -> String {
    let after_name = said.rsplit_once("/proc/self/fd").and_then(|(_, rest)| rest.split_once(": "));
    after_name.map_or(said, |(_, message)| message).to_owned()
}

/// Device and inode of a file as the maps show them: a file system may show another device in stat(2).
pub(super) fn as_mapped(file: &File) -> Result<(u64, u64)> {
    const LEN: usize = 1;
    // SAFETY: a fresh mapping at an address that the kernel chooses; nothing is read from it.
    let page = unsafe {
        libc::mmap(std::ptr::null_mut(), LEN, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
    };
    if page == libc::MAP_FAILED {
        return Err(Error::io("map a page", &std::io::Error::last_os_error()));
    }
    let found = file_at(page.addr());
    // SAFETY: the mapping made above.
    unsafe { libc::munmap(page, LEN) };
    found
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

/// As above; the path is what follows the inode, spaces included.
fn path_of_line(line: &[u8], address: usize) -> Option<PathBuf> {
    let start = line.iter().position(|byte| *byte == b'/')?;
    let (fields, path) = line.split_at_checked(start)?;
    file_of_line(std::str::from_utf8(fields).ok()?, address)?;
    Some(PathBuf::from(OsStr::from_bytes(path)))
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

    #[test]
    fn the_global_scope_has_the_c_library() {
        for exports in [Exports::of_the_global_scope(), Exports::of(c"libc.so.6").unwrap()] {
            assert!(exports.have("malloc"));
            assert!(!exports.have("sogov_no_such_symbol"));
        }
        assert!(Exports::of(c"libsogov-no-such.so").is_none());
    }
}
