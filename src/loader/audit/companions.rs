//! The libraries that an image brought into the process, and what in them speaks against closing it.
#![cfg_attr(not(test), forbid(unsafe_code))]

use crate::artifact::elf::Elf;
use crate::artifact::elf::hazards::{self, Hazard};
use crate::error::{Error, Result};
use crate::loader::pin::{PinKind, PinReason};
use crate::loader::{load_name, objects};
use crate::sys::faults::fault;
use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What was there before an image was loaded.
pub(in crate::loader) struct Residents(BTreeSet<(usize, CString)>);

/// What came with an image.
#[derive(Debug, Default)]
pub(in crate::loader) struct Companions {
    /// The load addresses of the objects, the image's among them.
    bases: Vec<usize>,
    hazards: Vec<(String, Hazard)>,
    /// The libraries whose files could not be looked at, and why.
    unread: Vec<(String, String)>,
}

impl Residents {
    /// What is mapped now.
    pub(in crate::loader) fn now() -> Self {
        let mut objects = BTreeSet::new();
        let _: Option<()> = objects::find(|object| {
            objects.insert((object.base, object.name.to_owned()));
            None
        });
        Self(objects)
    }

    /// What has been mapped since, but for other images. A library that another thread loads at the same time counts as
    /// one that came along: it is asked for more than it need be, and not less.
    pub(in crate::loader) fn arrivals(&self, image: usize) -> Companions {
        let mut bases = Vec::new();
        let mut paths = Vec::new();
        let _: Option<()> = objects::find(|object| {
            let is_image = object.extent().start == image;
            let is_other_image = !is_image && load_name::is_fresh(object.name);
            if is_other_image || self.0.contains(&(object.base, object.name.to_owned())) {
                return None;
            }
            bases.push(object.base);
            if !is_image {
                paths.push(PathBuf::from(OsStr::from_bytes(object.name.to_bytes())));
            }
            None
        });
        let mut companions = Companions { bases, ..Companions::default() };
        for path in paths.iter().filter(|path| !is_of_the_implementation(path)) {
            match hazard_of(path) {
                Ok(hazard) => companions.hazards.extend(hazard.map(|hazard| (shown(path), hazard))),
                Err(e) => companions.unread.push((shown(path), e.message().to_owned())),
            }
        }
        companions
    }
}

impl Companions {
    /// Those of an image with a namespace of its own, whose files were looked at before.
    pub(in crate::loader) fn examined(bases: Vec<usize>, hazards: Vec<(String, Hazard)>) -> Self {
        Self { bases, hazards, ..Self::default() }
    }

    /// Whether the object at this load address came with the image, or is the image.
    pub(super) fn has(&self, base: usize) -> bool {
        self.bases.contains(&base)
    }

    /// What in the companions forbids closing the image. `vouched`: the plugin declares that its `stop` leaves nothing
    /// behind, which includes what its libraries did for it.
    pub(in crate::loader) fn objection(&self, vouched: bool) -> Option<PinReason> {
        if let Some((name, why)) = self.unread.first() {
            // Nobody has accused it, since nobody has looked.
            let evidence = format!("needs {name}, whose file could not be looked at: {why}");
            return Some(PinReason::new(PinKind::Dependency, evidence));
        }
        let standing = |hazard: &Hazard| !(vouched && hazard.is_waived_by_clean_stop());
        let (name, hazard) = self.hazards.iter().find(|(_, hazard)| standing(hazard))?;
        Some(PinReason::new(PinKind::Dependency, format!("needs {name}, which {}", hazard.evidence)))
    }
}

/// Whose file names the Go runtime of this process, if there is one: its linker leaves a note in each image.
pub(in crate::loader) fn go_runtime() -> Option<String> {
    objects::find(|object| object.notes().any(has_go_note).then(|| object.shown()))
}

/// What speaks against closing a library. One that is never unmapped keeps its own threads, keys and handlers alive, so
/// only what holds in spite of that counts.
fn hazard_of(path: &Path) -> Result<Option<Hazard>> {
    let file = read_library(path).map_err(|e| Error::io("read", &e))?;
    let elf = Elf::parse(&file)?;
    let stays = elf.nodelete();
    let speaks = |hazard: &Hazard| {
        hazard.forbids_closing() && !(stays && hazard.is_waived_by_clean_stop()) && !is_harmless(hazard, path)
    };
    Ok(hazards::unload_hazards(&elf).into_iter().find(speaks))
}

/// The bytes of a regular file. At the path of a library may be another file by now, and opening some has effects: that of
/// a descriptor is whatever has the number today.
fn read_library(path: &Path) -> io::Result<Vec<u8>> {
    fault!("audit.library");
    let is_descriptor = CString::new(path.as_os_str().as_bytes()).is_ok_and(|p| load_name::is_descriptor(&p));
    if is_descriptor || !path.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected the path of a regular file"));
    }
    std::fs::read(path)
}

/// A system library that is never unmapped takes no addresses of plugins behind their back, and the linker gives the
/// static block to those that ask for it once.
fn is_harmless(hazard: &Hazard, path: &Path) -> bool {
    use hazards::HazardKind::{NoDelete, StaticTls, UniqueSymbol};
    matches!(hazard.kind, NoDelete | StaticTls | UniqueSymbol)
        && (path.starts_with("/usr/lib") || path.starts_with("/lib"))
}

/// A library of the C or C++ implementation is not asked.
fn is_of_the_implementation(path: &Path) -> bool {
    const STEMS: [&str; 13] = [
        "ld-linux",
        "linux-vdso",
        "libc",
        "libm",
        "libmvec",
        "libdl",
        "librt",
        "libpthread",
        "libgcc_s",
        "libstdc++",
        "libc++",
        "libc++abi",
        "libunwind",
    ];
    let name = shown(path);
    let stem = name.split(".so").next().unwrap_or_default();
    STEMS.iter().any(|known| stem == *known || (known.starts_with("ld-") && stem.starts_with(known)))
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A note of the owner "Go": name size 4, any description, type 4 (the build id).
fn has_go_note(notes: &[u8]) -> bool {
    let mut rest = notes;
    while let Some((head, tail)) = rest.split_first_chunk::<12>() {
        let [n0, n1, n2, n3, d0, d1, d2, d3, kind, ..] = *head;
        let padded = |size: [u8; 4]| {
            usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX).next_multiple_of(4)
        };
        let (name, description) = (padded([n0, n1, n2, n3]), padded([d0, d1, d2, d3]));
        if kind == 4 && tail.starts_with(b"Go\0\0") {
            return true;
        }
        let Some(next) = name.checked_add(description).and_then(|len| tail.get(len..)) else { return false };
        rest = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memfd::SealedMemfd;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    #[test]
    fn the_implementation_is_told_from_other_libraries() {
        for (name, expected) in [
            ("/lib/x86_64-linux-gnu/libc.so.6", true),
            ("/lib64/ld-linux-x86-64.so.2", true),
            ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", true),
            ("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", false),
            ("/opt/libcurl.so.4", false),
        ] {
            assert_eq!(is_of_the_implementation(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_go_note_is_recognised() {
        let go = b"\x04\0\0\0\x03\0\0\0\x04\0\0\0Go\0\0abc\0";
        let gnu = b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0abcd";
        assert!(has_go_note(go));
        assert!(!has_go_note(gnu));
        assert!(has_go_note(&[gnu.as_slice(), go].concat()));
        assert!(!has_go_note(b"\x04\0\0\0\xff\xff\xff\xff\x03\0\0\0GNU\0"));
    }

    /// Another thread's version, whose descriptor was closed and whose number is a pipe's by now.
    #[test]
    fn other_images_are_not_opened_again_by_their_names() {
        let library = objects::find(|object| {
            object.name.to_bytes().ends_with(b"/libgcc_s.so.1").then(|| object.name.to_owned())
        });
        let mut library = std::fs::File::open(library.unwrap().to_str().unwrap()).unwrap();
        let image = SealedMemfd::copy_of(&mut library, "other", u64::MAX - 1).unwrap();
        let number = image.descriptor();
        let name = load_name::fresh(number).unwrap();
        let residents = Residents::now();
        // SAFETY: the C compiler's support library, which has no constructors that matter.
        let other = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        assert!(!other.is_null());
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"the host's").unwrap();
        // SAFETY: the memory stays mapped without its descriptor, whose number the pipe's copy takes; both are closed
        // where their owners end.
        assert_eq!(unsafe { libc::dup2(reader.as_raw_fd(), number) }, number);
        drop(writer);
        let arrived = residents.arrivals(0);
        let base = objects::find(|object| (object.name == name.as_c_str()).then_some(object.base)).unwrap();
        assert!(!arrived.has(base), "an image that is loaded beside is no library of this one");
        let mut found = String::new();
        reader.read_to_string(&mut found).unwrap();
        assert_eq!(found, "the host's");
        // SAFETY: opened above.
        unsafe { libc::dlclose(other) };
    }

    #[test]
    fn what_is_there_has_not_arrived() {
        let residents = Residents::now();
        assert!(residents.arrivals(0).objection(false).is_none());
    }
}
