//! What the dynamic linker says of an object: where it lies, which file it came from, whether it is still there.

use super::objects::{self, LinkMap};
use crate::sys::maps;
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_uint, c_void};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

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
    let file = start.and_then(|start| maps::file_at(start).ok());
    // SAFETY: undoes the reference that the successful RTLD_NOLOAD took.
    unsafe { libc::dlclose(handle) };
    file
}

/// The directories that the dynamic linker looks into for a library that it does not know yet, in their order, for an object
/// without a run path of its own. Those of its cache are not among them.
pub(super) fn search_directories() -> Vec<PathBuf> {
    /// `Dl_serinfo` of <dlfcn.h>, whose paths and their texts follow.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Info {
        size: usize,
        count: c_uint,
    }
    #[repr(C)]
    struct Entry {
        name: *const c_char,
        flags: c_uint,
    }
    const RTLD_DI_SERINFO: c_int = 4;
    const RTLD_DI_SERINFOSIZE: c_int = 5;
    let mut head = Info { size: 0, count: 0 };
    // SAFETY: the C library stays loaded. The first request fills a head; the second one demands a buffer of the size that the
    // head names with that head in front, and puts entries and NUL-terminated texts behind it. The head ends where its size
    // does, aligned as the entries are.
    unsafe {
        let handle = libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD);
        if handle.is_null() {
            return Vec::new();
        }
        let mut found = Vec::new();
        if libc::dlinfo(handle, RTLD_DI_SERINFOSIZE, (&raw mut head).cast()) == 0 {
            let mut buffer = vec![0u64; head.size.max(size_of::<Info>()).div_ceil(size_of::<u64>())];
            let info = buffer.as_mut_ptr().cast::<Info>();
            info.write(head);
            if libc::dlinfo(handle, RTLD_DI_SERINFO, info.cast()) == 0 {
                let entries = info.add(1).cast::<Entry>();
                for index in 0..usize::try_from(head.count).unwrap_or(0) {
                    let name = CStr::from_ptr((*entries.add(index)).name);
                    found.push(PathBuf::from(OsStr::from_bytes(name.to_bytes())));
                }
            }
        }
        libc::dlclose(handle);
        found
    }
}

/// What the dynamic linker said of the last call that failed on this thread.
pub(super) fn last_message() -> String {
    // SAFETY: the answer is NULL or a text that stays until the next call on this thread.
    let said = unsafe {
        let said = libc::dlerror();
        if said.is_null() { c"" } else { CStr::from_ptr(said) }
    };
    without_load_name(&said.to_string_lossy())
}

/// What the dynamic linker said, without an unreadable load name in front.
pub(super) fn without_load_name(said: &str) -> String {
    let after_name = said.rsplit_once("/proc/self/fd").and_then(|(_, rest)| rest.split_once(": "));
    after_name.map_or(said, |(_, message)| message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
