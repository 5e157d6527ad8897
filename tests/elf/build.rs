//! Real shared objects from the system's compiler, and the places in them that tests change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is removed at the end of the test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sogov-elf-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Compiles `source`, a file name with its text, with `flags`; `None` if the linker lacks one of them.
    pub(crate) fn try_compile(&self, (name, text): (&str, &str), flags: &[&str]) -> Option<PathBuf> {
        let (source, output) = (self.0.join(name), self.0.join(format!("{name}.out")));
        std::fs::write(&source, text).unwrap();
        let extension = source.extension().unwrap().to_str().unwrap().to_owned();
        let compiler = if extension == "cc" { "g++" } else { "gcc" };
        let built = Command::new(compiler)
            .args(["-O1", "-g0", "-o"])
            .args([&output, &source])
            .args(flags)
            .current_dir(&self.0)
            .output()
            .unwrap();
        built.status.success().then_some(output)
    }

    /// The bytes of `source` compiled as a shared object.
    pub(crate) fn shared(&self, source: (&str, &str), flags: &[&str]) -> Vec<u8> {
        let flags = [&["-shared", "-fPIC"], flags].concat();
        let output = self.try_compile(source, &flags);
        std::fs::read(output.unwrap_or_else(|| panic!("{} {flags:?} does not compile", source.0))).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn u16_at(file: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(file[offset..offset + 2].try_into().unwrap())
}

pub(crate) fn u32_at(file: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(file[offset..offset + 4].try_into().unwrap())
}

pub(crate) fn u64_at(file: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(file[offset..offset + 8].try_into().unwrap())
}

pub(crate) fn put_u32(file: &mut [u8], offset: usize, value: u32) {
    file[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(file: &mut [u8], offset: usize, value: u64) {
    file[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
}

/// Offset of the `nth` program header of type `kind`.
pub(crate) fn program_header(file: &[u8], kind: u32, nth: usize) -> usize {
    let start = usize::try_from(u64_at(file, 32)).unwrap();
    let headers = (0..usize::from(u16_at(file, 56))).map(|index| start + index * 56);
    headers.filter(|header| u32_at(file, *header) == kind).nth(nth).unwrap()
}

/// Offset of the dynamic entry of type `tag`.
pub(crate) fn dynamic_entry(file: &[u8], tag: u64) -> Option<usize> {
    let start = usize::try_from(u64_at(file, program_header(file, 2, 0) + 8)).unwrap();
    let mut entries = (start..file.len()).step_by(16).take_while(|entry| u64_at(file, *entry) != 0);
    entries.find(|entry| u64_at(file, *entry) == tag)
}

/// The value of the dynamic entry of type `tag`.
pub(crate) fn dynamic_value(file: &[u8], tag: u64) -> Option<u64> {
    dynamic_entry(file, tag).map(|entry| u64_at(file, entry + 8))
}

/// Offset in the file of the bytes at `address`.
pub(crate) fn offset_of(file: &[u8], address: u64) -> usize {
    let start = usize::try_from(u64_at(file, 32)).unwrap();
    let headers = (0..usize::from(u16_at(file, 56))).map(|index| start + index * 56);
    let distance = |header: usize| address.checked_sub(u64_at(file, header + 16));
    let load = headers
        .filter(|header| u32_at(file, *header) == 1)
        .find(|header| distance(*header).is_some_and(|distance| distance < u64_at(file, *header + 32)))
        .unwrap();
    usize::try_from(u64_at(file, load + 8) + distance(load).unwrap()).unwrap()
}
