//! What is mapped into this process, as the kernel tells it.

use crate::error::{Error, Result, Status};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The device and inode of the file mapped at `address`.
pub fn file_at(address: usize) -> Result<(u64, u64)> {
    let maps = File::open(MAPS).map_err(|e| Error::io("open /proc/self/maps", &e))?;
    query(&maps, address).or_else(|| read(address)).ok_or_else(|| {
        Error::new(Status::LoadFailed, "expected the image in /proc/self/maps, found nothing at its address")
    })
}

/// The path of the file mapped at `address`. By now it may be another file's.
pub fn path_at(address: usize) -> Result<PathBuf> {
    let maps = fs::read(MAPS).map_err(|e| Error::io("read /proc/self/maps", &e))?;
    let mut lines = maps.split(|byte| *byte == b'\n');
    lines.find_map(|line| path_of_line(line, address)).ok_or_else(|| {
        Error::new(Status::NotFound, "expected a file in /proc/self/maps, found none at that address")
    })
}

/// Device and inode of a file as the maps show them: a file system may show another device in stat(2).
pub fn as_mapped(file: &File) -> Result<(u64, u64)> {
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

const MAPS: &str = "/proc/self/maps";

/// Asks for one mapping. `None` where there is none at `address`, and before Linux 6.11, which began to answer such
/// questions: to write down all the mappings of a host can take longer than to load a plugin.
fn query(maps: &File, address: usize) -> Option<(u64, u64)> {
    let mut query = Query { size: size_of::<Query>() as u64, address: address as u64, ..Query::default() };
    // SAFETY: the request reads and writes one such struct, which wants no name and no build id.
    let answered = unsafe { libc::ioctl(maps.as_raw_fd(), PROCMAP_QUERY, &raw mut query) } == 0;
    answered.then(|| (libc::makedev(query.major, query.minor), query.inode))
}

/// Looks for the mapping among all.
fn read(address: usize) -> Option<(u64, u64)> {
    fs::read_to_string(MAPS).ok()?.lines().find_map(|line| file_of_line(line, address))
}

/// `struct procmap_query` of <linux/fs.h>.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    mapping_flags: u64,
    page_size: u64,
    offset: u64,
    inode: u64,
    major: u32,
    minor: u32,
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

const PROCMAP_QUERY: libc::Ioctl = libc::_IOWR::<Query>(b'f' as u32, 17);

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
    fn both_ways_of_asking_answer_the_same() {
        let here = both_ways_of_asking_answer_the_same as fn() as usize;
        let read = read(here).unwrap();
        assert_eq!(file_at(here).unwrap(), read);
        assert_eq!(as_mapped(&File::open("/proc/self/exe").unwrap()).unwrap(), read);
        assert_eq!(path_at(here).unwrap(), std::env::current_exe().unwrap());
        // Where the kernel is too old to be asked, reading is all there is.
        assert!(query(&File::open(MAPS).unwrap(), here).is_none_or(|asked| asked == read));
        assert!(file_at(0).is_err());
    }
}
