//! Sealed memory files: bytes that nobody can change any more, not even this process.

use super::faults::fault;
use crate::error::{Error, Result, Status};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// A memfd sealed against writing, growing and shrinking, mapped read-only.
///
/// The mapping and every later `dlopen` of the descriptor see the same, final bytes.
#[derive(Debug)]
pub struct SealedMemfd {
    fd: OwnedFd,
    map: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is read-only and sealed, and its lifetime is this value's.
unsafe impl Send for SealedMemfd {}
// SAFETY: as above; shared reads of immutable memory need no synchronisation.
unsafe impl Sync for SealedMemfd {}

impl SealedMemfd {
    /// Copies `source` to its end, at most `limit` bytes, and seals the copy under `name` (at most 249 bytes,
    /// no NUL), which is what `/proc/self/maps`, gdb and perf will show.
    pub fn copy_of(source: &mut File, name: &str, limit: u64) -> Result<Self> {
        let too_long = || {
            Error::new(
                Status::LimitExceeded,
                format!("expected a file of at most {limit} bytes, found a longer one"),
            )
        };
        // A sparse file costs its owner nothing, and would cost the copy all of its length.
        if source.metadata().is_ok_and(|metadata| metadata.len() > limit) {
            return Err(too_long());
        }
        fault!("memfd.create");
        let file = create(name)?;
        fault!("memfd.copy");
        let copied = io::copy(&mut source.take(limit.saturating_add(1)), &mut &file)
            .map_err(|e| Error::io(format_args!("copy to memfd {name}"), &e))?;
        if copied > limit {
            return Err(too_long());
        }
        let len = usize::try_from(copied)
            .ok()
            .filter(|len| *len > 0)
            .ok_or_else(|| Error::new(Status::ImageRejected, "expected an ELF file, found an empty one"))?;
        fault!("memfd.seal");
        seal(&file, name)?;
        fault!("memfd.map");
        Self::map(file.into(), len)
    }

    /// The sealed bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `map` holds `len` readable bytes until drop, and the seals keep every writer out.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), self.len) }
    }

    /// The descriptor number, for `/proc/self/fd`.
    pub fn descriptor(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// The descriptor, to be handed to a process.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Device and inode of the file, as `/proc/self/maps` shows them for its mappings.
    pub fn identity(&self) -> Result<(u64, u64)> {
        let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the descriptor is ours and `status` has room for the answer.
        if unsafe { libc::fstat(self.fd.as_raw_fd(), status.as_mut_ptr()) } != 0 {
            return Err(Error::io("stat memfd", &io::Error::last_os_error()));
        }
        // SAFETY: fstat succeeded and filled it.
        let status = unsafe { status.assume_init() };
        Ok((status.st_dev, status.st_ino))
    }

    fn map(fd: OwnedFd, len: usize) -> Result<Self> {
        // SAFETY: a fresh read-only mapping of a descriptor that we own; the kernel chooses the address.
        let address = unsafe {
            libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, fd.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED {
            return Err(Error::io("map memfd", &io::Error::last_os_error()));
        }
        let map = NonNull::new(address.cast())
            .ok_or_else(|| Error::new(Status::Io, "map memfd: the kernel chose address 0"))?;
        Ok(Self { fd, map, len })
    }
}

impl Drop for SealedMemfd {
    fn drop(&mut self) {
        // SAFETY: `map` and `len` are those of our own mapping, and no slice outlives `self`.
        unsafe { libc::munmap(self.map.as_ptr().cast(), self.len) };
    }
}

/// A file in memory with these bytes, to be read from its beginning.
pub fn scratch(name: &str, bytes: &[u8]) -> Result<File> {
    let mut file = create(name)?;
    let written = file.write_all(bytes).and_then(|()| file.rewind());
    written.map_err(|e| Error::io(format_args!("write to memfd {name}"), &e)).map(|()| file)
}

/// `MFD_NOEXEC_SEAL` keeps the file from being executed and works under `vm.memfd_noexec=2`; `dlopen` maps it all
/// the same. Kernels before 6.3 do not know the flag.
fn create(name: &str) -> Result<File> {
    const MFD_NOEXEC_SEAL: libc::c_uint = 0x0008;
    let c_name = CString::new(name)
        .map_err(|_| Error::argument(format!("memfd name {name:?}: contains a NUL byte")))?;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    for extra in [MFD_NOEXEC_SEAL, 0] {
        // SAFETY: `c_name` is NUL-terminated and outlives the call.
        let fd = unsafe { libc::memfd_create(c_name.as_ptr(), flags | extra) };
        if fd >= 0 {
            // SAFETY: `fd` is a fresh descriptor that nobody else owns.
            return Ok(unsafe { File::from_raw_fd(fd) });
        }
        let cause = io::Error::last_os_error();
        if cause.raw_os_error() != Some(libc::EINVAL) {
            return Err(Error::io(format_args!("create memfd {name}"), &cause));
        }
    }
    Err(Error::new(Status::Unsupported, format!("create memfd {name}: this kernel refuses sealable memfds")))
}

fn seal(file: &File, name: &str) -> Result<()> {
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: an fcntl on a descriptor that we own, with an integer argument.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(Error::io(format_args!("seal memfd {name}"), &io::Error::last_os_error()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> File {
        let mut file = create("source").unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn the_copy_is_whole_and_cannot_be_written() {
        let sealed = SealedMemfd::copy_of(&mut source(b"plugin bytes"), "fee@v1", 100).unwrap();
        assert_eq!(sealed.bytes(), b"plugin bytes");
        let path = format!("/proc/self/fd/{}", sealed.descriptor());
        let written = File::options().write(true).open(&path).and_then(|mut f| f.write_all(b"x"));
        assert!(written.is_err());
        assert!(std::fs::read_link(path).unwrap().to_string_lossy().contains("fee@v1"));
    }

    #[test]
    fn limits_and_empty_files_are_errors() {
        let too_long = SealedMemfd::copy_of(&mut source(b"12345"), "x", 4).unwrap_err();
        assert_eq!(too_long.status(), Status::LimitExceeded);
        assert!(SealedMemfd::copy_of(&mut source(b"1234"), "x", 4).is_ok());
        assert_eq!(
            SealedMemfd::copy_of(&mut source(b""), "x", 4).unwrap_err().status(),
            Status::ImageRejected
        );
    }
}
