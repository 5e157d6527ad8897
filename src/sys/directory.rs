//! Directories that nobody but root and this user can change, and the files in them.
//!
//! A directory is opened component by component, so what was checked is what is used. Its files are opened below
//! the descriptor, without following links.

use super::faults::fault;
use crate::error::{Error, Result, Status};
use std::ffi::CString;
use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

/// An open directory that was safe when it was opened.
#[derive(Debug)]
pub struct Directory {
    file: File,
    path: PathBuf,
}

impl Directory {
    /// Opens `path`. Every component must belong to root or to this user and must not be writable by others; a
    /// sticky directory such as `/tmp` is accepted on the way, not at the end. Errors have the status `unsafe_status`
    /// where the rules are broken.
    pub fn open(path: &Path, unsafe_status: Status) -> Result<Self> {
        let path =
            path.canonicalize().map_err(|e| Error::io(format_args!("directory {}", path.display()), &e))?;
        let mut file = open_at(libc::AT_FDCWD, Path::new("/"), DIRECTORY, 0)
            .map_err(|e| Error::io("directory /", &e))?;
        let mut seen = PathBuf::from("/");
        let mut names = path
            .components()
            .filter_map(|c| if let Component::Normal(name) = c { Some(name) } else { None })
            .peekable();
        while let Some(name) = names.next() {
            seen.push(name);
            let context = || format!("directory {}", seen.display());
            file = open_at(file.as_raw_fd(), Path::new(name), DIRECTORY, 0)
                .map_err(|e| Error::io(context(), &e))?;
            let metadata = file.metadata().map_err(|e| Error::io(context(), &e))?;
            let sticky_on_the_way = names.peek().is_some() && metadata.mode() & libc::S_ISVTX != 0;
            check_owner(&metadata, sticky_on_the_way, unsafe_status).map_err(|e| e.of(context()))?;
        }
        Ok(Self { file, path })
    }

    /// Opens `path`, making it first (mode 0700) where it is missing; its parent must exist.
    pub fn open_or_create(path: &Path, unsafe_status: Status) -> Result<Self> {
        match create_private(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::io(format_args!("create directory {}", path.display()), &e))
            }
            _ => Self::open(path, unsafe_status),
        }
    }

    /// The subdirectory `name`, made (mode 0700) where it is missing.
    pub fn subdirectory(&self, name: &str, unsafe_status: Status) -> Result<Self> {
        Self::open_or_create(&self.path.join(name), unsafe_status)
    }

    /// The directory's canonical path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the entries, sorted; at most `limit`.
    pub fn names(&self, limit: usize) -> Result<Vec<String>> {
        let context = || format!("list {}", self.path.display());
        let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(own).map_err(|e| Error::io(context(), &e))? {
            let name = entry.map_err(|e| Error::io(context(), &e))?.file_name();
            if let Ok(name) = name.into_string() {
                names.push(name);
            }
            if names.len() > limit {
                return Err(Error::new(
                    Status::LimitExceeded,
                    format!("{}: expected at most {limit} entries, found more", context()),
                ));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens the regular file `name` for reading, under the same rules of ownership as the directory.
    pub fn open_file(&self, name: &str, unsafe_status: Status) -> Result<File> {
        let context = || format!("file {}", self.path.join(name).display());
        let flags = libc::O_RDONLY | libc::O_NONBLOCK;
        let file = open_at(self.file.as_raw_fd(), Path::new(name), flags, 0)
            .map_err(|e| Error::io(context(), &e))?;
        let metadata = file.metadata().map_err(|e| Error::io(context(), &e))?;
        if !metadata.is_file() {
            return Err(Error::new(unsafe_status, format!("{}: expected a regular file", context())));
        }
        check_owner(&metadata, false, unsafe_status).map_err(|e| e.of(context()))?;
        Ok(file)
    }

    /// Reads the whole file `name`, at most `limit` bytes.
    pub fn read(&self, name: &str, limit: u64, unsafe_status: Status) -> Result<Vec<u8>> {
        let context = || format!("file {}", self.path.join(name).display());
        let mut bytes = Vec::new();
        self.open_file(name, unsafe_status)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io(context(), &e))?;
        if bytes.len() as u64 > limit {
            return Err(Error::new(
                Status::LimitExceeded,
                format!("{}: expected at most {limit} bytes, found more", context()),
            ));
        }
        Ok(bytes)
    }

    /// Opens the regular file `name` to read it and to add to its end (`O_APPEND`), making it (mode 0600) where it is
    /// missing; under the same rules of ownership as the directory.
    pub fn open_to_append(&self, name: &str, unsafe_status: Status) -> Result<File> {
        let context = || format!("file {}", self.path.join(name).display());
        let flags = libc::O_RDWR | libc::O_APPEND | libc::O_CREAT | libc::O_NONBLOCK;
        let file = open_at(self.file.as_raw_fd(), Path::new(name), flags, 0o600)
            .map_err(|e| Error::io(context(), &e))?;
        let metadata = file.metadata().map_err(|e| Error::io(context(), &e))?;
        if !metadata.is_file() {
            return Err(Error::new(unsafe_status, format!("{}: expected a regular file", context())));
        }
        check_owner(&metadata, false, unsafe_status).map_err(|e| e.of(context()))?;
        Ok(file)
    }

    /// Makes durable which files there are.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io(format_args!("sync {}", self.path.display()), &e))
    }

    /// Puts `bytes` under `name` so that a crash leaves the old file or the new one, and makes it durable.
    pub fn write_durably(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let context = || format!("write {}", self.path.join(name).display());
        let temporary = format!(".{name}.{}.{:x}", std::process::id(), super::random::draw());
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        fault!("write.create");
        let mut file = open_at(self.file.as_raw_fd(), Path::new(&temporary), flags, 0o600)
            .map_err(|e| Error::io(context(), &e))?;
        // Gone after the rename; before that it goes with whatever ends this.
        let _temporary = Temporary { directory: self, name: &temporary };
        let mut write = || -> io::Result<()> {
            fault!("write.content");
            file.write_all(bytes)?;
            fault!("write.sync");
            file.sync_all()?;
            fault!("write.rename");
            self.rename(&temporary, name)?;
            fault!("write.sync_directory");
            self.file.sync_all()
        };
        write().map_err(|e| Error::io(context(), &e))
    }

    /// Removes the file `name`; one that is not there is no error.
    pub fn remove(&self, name: &str) -> Result<()> {
        let context = || format!("remove {}", self.path.join(name).display());
        let c_name = c_path(Path::new(name)).map_err(|e| Error::io(context(), &e))?;
        // SAFETY: the descriptor is ours and the name is NUL-terminated.
        if unsafe { libc::unlinkat(self.file.as_raw_fd(), c_name.as_ptr(), 0) } == 0 {
            return Ok(());
        }
        let cause = io::Error::last_os_error();
        if cause.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(Error::io(context(), &cause)) }
    }

    /// The subdirectory `name`, which must exist.
    pub fn existing_subdirectory(&self, name: &str, unsafe_status: Status) -> Result<Self> {
        Self::open(&self.path.join(name), unsafe_status)
    }

    /// Removes the subdirectory `name` and the files in it, of which there are at most `limit`; one that is not there is no
    /// error. Links are removed and not followed.
    pub fn remove_subdirectory(&self, name: &str, limit: usize) -> Result<()> {
        let context = || format!("remove {}", self.path.join(name).display());
        let file = match open_at(self.file.as_raw_fd(), Path::new(name), DIRECTORY, 0) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|e| Error::io(context(), &e))?,
        };
        let inner = Self { file, path: self.path.join(name) };
        for entry in inner.names(limit)? {
            inner.remove(&entry)?;
        }
        let c_name = c_path(Path::new(name)).map_err(|e| Error::io(context(), &e))?;
        // SAFETY: the descriptor is ours and the name is NUL-terminated.
        if unsafe { libc::unlinkat(self.file.as_raw_fd(), c_name.as_ptr(), libc::AT_REMOVEDIR) } == 0 {
            return Ok(());
        }
        Err(Error::io(context(), &io::Error::last_os_error()))
    }

    /// Gives the subdirectory `from` the name `to`, in one step that is durable when this returns. Where there is one of that
    /// name already, the two change places.
    pub fn put_in_place(&self, from: &str, to: &str) -> Result<()> {
        let context = || format!("rename {} to {to}", self.path.join(from).display());
        let fail = |e: io::Error| Error::io(context(), &e);
        let (c_from, c_to) = (c_path(Path::new(from)).map_err(fail)?, c_path(Path::new(to)).map_err(fail)?);
        let fd = self.file.as_raw_fd();
        let exists = match open_at(fd, Path::new(to), DIRECTORY, 0) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => false,
            opened => opened.map(|_| true).map_err(fail)?,
        };
        let flags = if exists { libc::RENAME_EXCHANGE } else { libc::RENAME_NOREPLACE };
        // SAFETY: the descriptor is ours and both names are NUL-terminated.
        let renamed =
            unsafe { libc::syscall(libc::SYS_renameat2, fd, c_from.as_ptr(), fd, c_to.as_ptr(), flags) };
        if renamed != 0 {
            return Err(fail(io::Error::last_os_error()));
        }
        self.sync()
    }

    /// Holds the directory's lock file until the guard is dropped; other processes and threads wait.
    pub fn lock(&self) -> Result<DirectoryLock> {
        let context = || format!("lock {}", self.path.join("lock").display());
        let flags = libc::O_RDWR | libc::O_CREAT;
        let file = open_at(self.file.as_raw_fd(), Path::new("lock"), flags, 0o600)
            .map_err(|e| Error::io(context(), &e))?;
        file.lock().map_err(|e| Error::io(context(), &e))?;
        Ok(DirectoryLock { file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (c_path(Path::new(from))?, c_path(Path::new(to))?);
        let fd = self.file.as_raw_fd();
        // SAFETY: the descriptor is ours and both names are NUL-terminated.
        if unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// A file that is to go away, if it is still there.
struct Temporary<'a> {
    directory: &'a Directory,
    name: &'a str,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // One that cannot be removed changes nothing about what was written.
        let _ = self.directory.remove(self.name);
    }
}

/// An exclusive `flock`, released when dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing would not be enough: a child that was forked meanwhile shares the open file, and so the lock.
        let _ = self.file.unlock();
    }
}

const DIRECTORY: i32 = libc::O_RDONLY | libc::O_DIRECTORY;

fn open_at(at: RawFd, name: &Path, flags: i32, mode: libc::mode_t) -> io::Result<File> {
    let c_name = c_path(name)?;
    // SAFETY: the name is NUL-terminated and outlives the call.
    let fd = unsafe { libc::openat(at, c_name.as_ptr(), flags | libc::O_NOFOLLOW | libc::O_CLOEXEC, mode) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` is a fresh descriptor that nobody else owns.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

fn check_owner(metadata: &Metadata, writable_accepted: bool, unsafe_status: Status) -> Result<()> {
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    if metadata.uid() != 0 && metadata.uid() != user {
        return Err(Error::new(
            unsafe_status,
            format!("expected the owner root or user {user}, found user {}", metadata.uid()),
        ));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 && !writable_accepted {
        return Err(Error::new(
            unsafe_status,
            format!("expected no write access for group and others, found mode {mode:04o}"),
        ));
    }
    Ok(())
}

fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}
