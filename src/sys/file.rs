//! Whole files that a caller names: read with a cap, replaced whole.

use crate::error::{Error, Result, Status};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens the regular file at `path` for reading. Links are followed.
pub fn open(path: &Path) -> Result<File> {
    let file = File::options()
        .read(true)
        // A FIFO would hold up the open for ever.
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
        .map_err(|e| Error::io(path.display(), &e))?;
    let metadata = file.metadata().map_err(|e| Error::io(path.display(), &e))?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(Error::argument(format!("{}: expected a regular file", path.display())))
    }
}

/// Reads the file at `path`, at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io(path.display(), &e))?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(
            Status::LimitExceeded,
            format!("{}: expected at most {limit} bytes, found more", path.display()),
        ));
    }
    Ok(bytes)
}

/// Puts `bytes` under `path`, so that others see the old file or the new one, with the permissions of `like`.
pub fn replace(path: &Path, bytes: &[u8], like: Option<&Path>) -> Result<()> {
    let fail = |e: &std::io::Error| Error::io(format_args!("write {}", path.display()), e);
    let name = path
        .file_name()
        .ok_or_else(|| Error::argument(format!("{}: expected a file's path", path.display())))?;
    let temporary = path.with_file_name(format!(".{}.{:x}", name.to_string_lossy(), super::random::draw()));
    let written = (|| {
        let mut file = File::options().write(true).create_new(true).mode(0o644).open(&temporary)?;
        file.write_all(bytes)?;
        if let Some(like) = like {
            file.set_permissions(fs::metadata(like)?.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|e| {
        // Whatever failed, the temporary is of no use to anybody.
        let _ = fs::remove_file(&temporary);
        fail(&e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_with_its_permissions() {
        let directory = std::env::temp_dir().join(format!("sogov-file-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("plugin.so");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        replace(&path, b"new", Some(&path)).unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(read(&path, 2).unwrap_err().status(), Status::LimitExceeded);
        assert_eq!(read(&directory, 2).unwrap_err().status(), Status::InvalidArgument);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no temporary is left");
        fs::remove_dir_all(&directory).unwrap();
    }
}
