//! What tells a file from another one with the same content: where it lies, and since when.

use crate::error::{Error, Result, Status};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

/// The identity of a file. None of it proves that nothing was replaced: a write in place keeps all of it. It tells a file
/// that was restored or copied from the one that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The device of the file system, as `stat` has it.
    pub device: u64,
    /// The inode, which file systems give out again.
    pub inode: u64,
    /// The inode's generation, which changes when it is given out again; 0 where the file system tells none.
    pub generation: u64,
    /// Nanoseconds since 1970 at which the inode was made; 0 where the file system does not tell.
    pub born_ns: u64,
    /// Bytes.
    pub len: u64,
}

/// `_IOR('v', 1, long)`: what the kernel writes is an `int`, whatever the number says.
const FS_IOC_GETVERSION: libc::c_ulong = 0x8008_7601;

impl FileIdentity {
    /// The identity of an open file.
    pub fn of(file: &File) -> Result<Self> {
        let mut found = MaybeUninit::<libc::statx>::zeroed();
        let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME;
        // SAFETY: the descriptor is open, the path is empty and NUL-terminated, and there is room for the answer.
        let answered = unsafe {
            libc::statx(file.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, mask, found.as_mut_ptr())
        };
        if answered != 0 {
            return Err(Error::io("statx", &io::Error::last_os_error()));
        }
        // SAFETY: zeroed, which is a value of this struct of integers, and written by the kernel.
        let found = unsafe { found.assume_init() };
        let born = (found.stx_mask & libc::STATX_BTIME != 0)
            .then(|| u64::try_from(found.stx_btime.tv_sec).ok()?.checked_mul(1_000_000_000))
            .flatten()
            .and_then(|seconds| seconds.checked_add(u64::from(found.stx_btime.tv_nsec)));
        if u32::from(found.stx_mode) & libc::S_IFMT != libc::S_IFREG {
            return Err(Error::new(Status::InvalidArgument, "expected a regular file"));
        }
        Ok(Self {
            device: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            generation: generation(file),
            born_ns: born.unwrap_or(0),
            len: found.stx_size,
        })
    }
}

fn generation(file: &File) -> u64 {
    let mut generation: libc::c_long = 0;
    // SAFETY: the descriptor is open, and there is room for a long, of which file systems write an int or all.
    let answered = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_GETVERSION, &raw mut generation) };
    if answered == 0 { generation.cast_unsigned() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_copy_is_another_file() {
        let path = std::env::temp_dir().join(format!("sogov-identity-{}", std::process::id()));
        let copy = path.with_extension("copy");
        fs::write(&path, b"content").unwrap();
        fs::copy(&path, &copy).unwrap();
        let of = |path| FileIdentity::of(&File::open(path).unwrap()).unwrap();
        assert_eq!(of(&path), of(&path));
        assert_ne!(of(&path), of(&copy));
        assert_eq!(of(&path).len, 7);
        fs::remove_file(path).unwrap();
        fs::remove_file(copy).unwrap();
    }
}
