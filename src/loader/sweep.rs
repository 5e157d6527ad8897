//! Having the dynamic linker look for images that nobody needs any more.
//!
//! glibc does so at the end of each `dlclose` that unmaps something, and at no other time. An image that was kept until
//! some thread had ended is therefore still there afterwards, until anything is closed. So something is: an image without
//! code and without names. To open and close the kept image itself would take its name, and if another thread's `dlclose`
//! collected it just before, the linker would open whatever file has that number by then (see `load_name`).

use super::load_name;
use crate::error::Result;
use crate::sys::memfd;
use std::os::fd::AsRawFd;

/// Unmaps what nobody needs any more. Destructors of globals run here.
pub(super) fn sweep() -> Result<()> {
    let image = memfd::scratch("sogov-sweep", &IMAGE)?;
    let name = load_name::fresh(image.as_raw_fd())?;
    // SAFETY: the image has no code; the handle, if there is one, is closed once.
    unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if !handle.is_null() {
            libc::dlclose(handle);
        }
    }
    Ok(())
}

const HEADERS: usize = 64;
const SEGMENT: usize = 56;
const SEGMENTS: usize = 3;
/// Where the table for the linker begins: pairs of a tag and a value.
const DYNAMIC: usize = HEADERS + SEGMENTS * SEGMENT;
const DYNAMIC_SIZE: usize = 5 * 16;
/// One symbol, which is none, and its name, which is empty: all zero, as the end of the image.
const SYMBOLS: usize = DYNAMIC + DYNAMIC_SIZE;
const SYMBOL: usize = 24;
const STRINGS: usize = SYMBOLS + SYMBOL;
const SIZE: usize = STRINGS + 8;

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = libc::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = libc::EM_AARCH64;

/// The smallest shared object that glibc opens (System V ABI, chapters 4 and 5): one segment with itself inside, the
/// table for the linker, and the word that the stack need not be executable.
static IMAGE: [u8; SIZE] = {
    const READ_WRITE: u64 = ((libc::PF_R | libc::PF_W) as u64) << 32;
    /// The largest page of the architectures.
    const PAGE: u64 = 0x10000;
    let mut image = [0; SIZE];
    // 64 bits, little endian, version 1; a shared object of version 1.
    put(&mut image, 0, u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"));
    put(&mut image, 16, libc::ET_DYN as u64 | (MACHINE as u64) << 16 | 1 << 32);
    // The segments follow these 64 bytes: where, how long this is, how long each, how many.
    put(&mut image, 32, HEADERS as u64);
    put(&mut image, 52, HEADERS as u64 | (SEGMENT as u64) << 16 | (SEGMENTS as u64) << 32);
    put_segment(&mut image, 0, libc::PT_LOAD as u64 | READ_WRITE, 0, SIZE, PAGE);
    put_segment(&mut image, 1, libc::PT_DYNAMIC as u64 | READ_WRITE, DYNAMIC, DYNAMIC_SIZE, 8);
    put_segment(&mut image, 2, libc::PT_GNU_STACK as u64 | READ_WRITE, 0, 0, 16);
    put_entry(&mut image, 0, tag::STRTAB, STRINGS);
    put_entry(&mut image, 1, tag::SYMTAB, SYMBOLS);
    put_entry(&mut image, 2, tag::STRSZ, 1);
    put_entry(&mut image, 3, tag::SYMENT, SYMBOL);
    image
};

/// Tags of the table for the linker.
mod tag {
    pub const STRTAB: u64 = 5;
    pub const SYMTAB: u64 = 6;
    pub const STRSZ: u64 = 10;
    pub const SYMENT: u64 = 11;
}

const fn put_segment(image: &mut [u8; SIZE], index: usize, kind: u64, at: usize, size: usize, align: u64) {
    // Kind and flags; offset, address, physical address; size in the file, size in memory; alignment.
    let members = [kind, at as u64, at as u64, at as u64, size as u64, size as u64, align];
    let mut i = 0;
    while i < members.len() {
        put(image, HEADERS + index * SEGMENT + i * 8, members[i]);
        i += 1;
    }
}

const fn put_entry(image: &mut [u8; SIZE], index: usize, tag: u64, value: usize) {
    put(image, DYNAMIC + index * 16, tag);
    put(image, DYNAMIC + index * 16 + 8, value as u64);
}

const fn put(image: &mut [u8; SIZE], at: usize, value: u64) {
    let bytes = value.to_le_bytes();
    let mut i = 0;
    while i < bytes.len() {
        image[at + i] = bytes[i];
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects;
    use super::*;

    #[test]
    fn the_linker_opens_the_image_and_nothing_of_it_is_left() {
        let image = memfd::scratch("sogov-sweep", &IMAGE).unwrap();
        let name = load_name::fresh(image.as_raw_fd()).unwrap();
        let is_listed = || objects::find(|object| (object.name == name.as_c_str()).then_some(())).is_some();
        // SAFETY: the image has no code; the handle is closed once.
        unsafe {
            let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            assert!(!handle.is_null(), "{:?}", std::ffi::CStr::from_ptr(libc::dlerror()));
            assert!(is_listed());
            libc::dlclose(handle);
        }
        assert!(!is_listed());
    }
}
