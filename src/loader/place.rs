//! Where an image is loaded: among the objects of the process, or in a namespace of its own.

use super::collisions::Scope;
use super::link_map;
use super::namespace::Namespace;
use super::objects::{self, Object};
use crate::error::{Error, Result, Status};
use crate::sys::float_control;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, OsStr, c_void};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

/// Whose names an image sees: symbols, SONAMEs, libraries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Those of the process. What the host or another image has taken is refused, or warned of.
    #[default]
    Shared,
    /// None but its own: it gets a namespace with a C library of its own, and its own copies of the libraries that it
    /// needs. For plugins in C that do without threads, streams and the C++ runtime; the others are
    /// [`Status::Unsupported`]. A process has room for few of them.
    Own,
}

impl Isolation {
    /// [`Own`](Self::Own) where `isolated`.
    pub fn own_if(isolated: bool) -> Self {
        if isolated { Self::Own } else { Self::Shared }
    }
}

/// Where one image is.
#[derive(Debug)]
pub(super) enum Place {
    Shared,
    Own(Namespace),
}

impl Place {
    /// A place for one image.
    pub(super) fn take(isolation: Isolation) -> Result<Self> {
        match isolation {
            Isolation::Shared => Ok(Self::Shared),
            Isolation::Own => Namespace::take().map(Self::Own),
        }
    }

    /// Maps the image and runs its constructors. The answer is for `dlsym` and `dlclose`. In a namespace of its own there
    /// is no other scope than the image's.
    pub(super) fn open(&self, load_name: &CStr, scope: Scope) -> Result<*mut c_void> {
        match self {
            Self::Shared => open_shared(load_name, scope),
            Self::Own(namespace) => namespace.open(load_name),
        }
    }

    /// To be called on each thread before it runs code of the image; see [`Namespace::enter`].
    #[inline]
    pub(super) fn enter(&self) -> Result<()> {
        match self {
            Self::Shared => Ok(()),
            Self::Own(namespace) => namespace.enter(),
        }
    }

    /// Shows the objects there to `visit` until it answers something.
    pub(super) fn find<T>(&self, visit: impl FnMut(Object<'_>) -> Option<T>) -> Option<T> {
        match self {
            Self::Shared => objects::find(visit),
            Self::Own(namespace) => namespace.find(visit),
        }
    }

    /// The addresses of the object that was loaded there under `name`; see [`link_map::extent`].
    pub(super) fn extent(&self, name: &CStr) -> Option<Range<usize>> {
        self.find(|object| (object.name == name).then(|| object.extent()))
    }

    /// Of these addresses, those of executable segments. `None` when there is no such object or no such segment.
    pub(super) fn code(&self, name: &CStr) -> Option<Range<usize>> {
        self.find(|object| (object.name == name).then(|| object.code())).filter(|code| !code.is_empty())
    }

    /// The place is free again, as far as nothing of its image is left there.
    pub(super) fn give_back(self) {
        if let Self::Own(namespace) = self {
            namespace.give_back();
        }
    }

    pub(super) fn isolation(&self) -> Isolation {
        match self {
            Self::Shared => Isolation::Shared,
            Self::Own(_) => Isolation::Own,
        }
    }
}

fn open_shared(load_name: &CStr, scope: Scope) -> Result<*mut c_void> {
    if link_map::is_known(load_name) {
        return Err(Error::new(
            Status::LoadFailed,
            "the load name was taken: refusing an image that is not this one",
        ));
    }
    let order = match scope {
        Scope::HostFirst => 0,
        Scope::OwnFirst => libc::RTLD_DEEPBIND,
    };
    let path = Some(OsStr::from_bytes(load_name.to_bytes()));
    // SAFETY: constructors of a signed image run here. That is what loading means; signed code is trusted code.
    float_control::preserved(|| unsafe { Library::open(path, RTLD_NOW | RTLD_LOCAL | order) })
        .map(Library::into_raw)
        .map_err(|e| Error::new(Status::LoadFailed, linker_message(&e)))
}

fn linker_message(error: &libloading::Error) -> String {
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    link_map::without_load_name(&said)
}
