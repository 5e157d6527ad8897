//! The functions of an SDF library (GM/T 0018-2012, sections 6.2 to 6.4) that signing needs, behind safe ones.
#![allow(unsafe_code)]

use crate::custody::library;
use crate::error::Result;
use libloading::os::unix::Library;
use std::ffi::{c_int, c_uchar, c_uint, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::null_mut;

/// A value other than SDR_OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(c_uint);

impl Code {
    /// The device answered well, but with something that is no point of the curve, or no signature.
    pub(super) const NO_POINT: Self = Self(0);

    /// Whether the device or the session is not there any more: SDR_COMMFAIL, _HARDFAIL, _OPENDEVICE, _OPENSESSION.
    pub(super) fn is_gone(self) -> bool {
        (0x0100_0003..=0x0100_0006).contains(&self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Annex A, from SDR_UNKNOWERR on.
        const NAMES: [&str; 29] = [
            "UNKNOWERR",
            "NOTSUPPORT",
            "COMMFAIL",
            "HARDFAIL",
            "OPENDEVICE",
            "OPENSESSION",
            "PARDENY",
            "KEYNOTEXIST",
            "ALGNOTSUPPORT",
            "ALGMODNOTSUPPORT",
            "PKOPERR",
            "SKOPERR",
            "SIGNERR",
            "VERIFYERR",
            "SYMOPERR",
            "STEPERR",
            "FILESIZEERR",
            "FILENOEXIST",
            "FILEOFSERR",
            "KEYTYPEERR",
            "KEYERR",
            "ENCDATAERR",
            "RANDERR",
            "PRKRERR",
            "MACERR",
            "FILEEXISTS",
            "FILEWERR",
            "NOBUFFER",
            "INARGERR",
        ];
        if *self == Self::NO_POINT {
            return f.write_str("the device answered with coordinates or numbers that are none of SM2");
        }
        let place = self.0.checked_sub(0x0100_0001).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| NAMES.get(place)) {
            Some(name) => write!(f, "SDR_{name}"),
            None => write!(f, "SDR 0x{:08x}", self.0),
        }
    }
}

type Answer<T> = std::result::Result<T, Code>;

/// A handle of the library's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session(*mut c_void);

// SAFETY: the handle is the library's, whose sessions may be used by any thread, one at a time.
unsafe impl Send for Session {}

/// An open device. The library stays loaded.
#[derive(Debug)]
pub(super) struct Device {
    handle: *mut c_void,
    functions: Functions,
}

// SAFETY: the standard lets threads share a device, each with a session of its own.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// Loads the library at `path` and opens its device.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let library = library::load(path)?;
        let functions = Functions::of(&library);
        let functions = functions
            .map_err(|name| library::failed(path, format!("expected an SDF library, found no {name}")))?;
        // Never closed.
        let _ = library.into_raw();
        let mut handle = null_mut();
        // SAFETY: the function writes one handle.
        check(unsafe { (functions.open_device)(&raw mut handle) })
            .map_err(|code| library::failed(path, format!("SDF_OpenDevice answered {code}")))?;
        Ok(Self { handle, functions })
    }

    /// Closes the device, which is not used afterwards.
    pub(super) fn close(&self) {
        // SAFETY: the handle of `open`.
        unsafe { (self.functions.close_device)(self.handle) };
    }

    /// Opens a session.
    pub(super) fn open_session(&self) -> Answer<Session> {
        let mut session = null_mut();
        // SAFETY: the function writes one handle.
        check(unsafe { (self.functions.open_session)(self.handle, &raw mut session) })?;
        Ok(Session(session))
    }

    /// Closes a session.
    pub(super) fn close_session(&self, session: Session) {
        // SAFETY: a handle of `open_session`.
        unsafe { (self.functions.close_session)(session.0) };
    }

    /// Asks for the right to use a private key in a session.
    pub(super) fn authorise(&self, session: Session, index: u32, pin: &[u8]) -> Answer<()> {
        let len = c_uint::try_from(pin.len()).unwrap_or(c_uint::MAX);
        // SAFETY: the PIN is readable for its length; the library does not write to it.
        check(unsafe { (self.functions.get_access)(session.0, index, pin.as_ptr().cast_mut(), len) })
    }

    /// The public key that signatures verify under: 04 || x || y.
    pub(super) fn public_key(&self, session: Session, index: u32) -> Answer<[u8; 65]> {
        let mut key = EccPublicKey { bits: 0, x: [0; FIELD], y: [0; FIELD] };
        // SAFETY: the struct is that of section 5.3.
        check(unsafe { (self.functions.export_public)(session.0, index, &raw mut key) })?;
        if key.bits != 256 {
            return Err(Code::NO_POINT);
        }
        let mut point = [4; 65];
        let (halves, _) = point.split_at_mut(1).1.as_chunks_mut::<32>();
        for (half, field) in halves.iter_mut().zip([&key.x, &key.y]) {
            *half = right_aligned(field)?;
        }
        Ok(point)
    }

    /// Signs the digest e: R || S.
    pub(super) fn sign(&self, session: Session, index: u32, e: &[u8; 32]) -> Answer<[u8; 64]> {
        let mut signature = EccSignature { r: [0; FIELD], s: [0; FIELD] };
        // SAFETY: the digest is 32 readable bytes, which the library does not write to, and the struct is that of section 5.4.
        check(unsafe {
            (self.functions.sign)(session.0, index, e.as_ptr().cast_mut(), 32, &raw mut signature)
        })?;
        let mut bytes = [0; 64];
        let (halves, _) = bytes.as_chunks_mut::<32>();
        for (half, field) in halves.iter_mut().zip([&signature.r, &signature.s]) {
            *half = right_aligned(field)?;
        }
        Ok(bytes)
    }
}

/// Bytes of a number in the structs: as many as 512 bits take.
const FIELD: usize = 64;

#[repr(C)]
struct EccPublicKey {
    bits: c_uint,
    x: [c_uchar; FIELD],
    y: [c_uchar; FIELD],
}

#[repr(C)]
struct EccSignature {
    r: [c_uchar; FIELD],
    s: [c_uchar; FIELD],
}

/// Numbers of 256 bits stand at the end of their fields, with zeros in front.
fn right_aligned(field: &[u8; FIELD]) -> Answer<[u8; 32]> {
    let (zeros, number) = field.split_at(FIELD - 32);
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(Code::NO_POINT);
    }
    number.try_into().map_err(|_| Code::NO_POINT)
}

fn check(code: c_int) -> Answer<()> {
    if code == 0 { Ok(()) } else { Err(Code(code.cast_unsigned())) }
}

/// The functions, by their types in sections 6.2 to 6.4.
#[derive(Clone, Copy, Debug)]
struct Functions {
    open_device: unsafe extern "C" fn(*mut *mut c_void) -> c_int,
    close_device: unsafe extern "C" fn(*mut c_void) -> c_int,
    open_session: unsafe extern "C" fn(*mut c_void, *mut *mut c_void) -> c_int,
    close_session: unsafe extern "C" fn(*mut c_void) -> c_int,
    get_access: unsafe extern "C" fn(*mut c_void, c_uint, *mut c_uchar, c_uint) -> c_int,
    export_public: unsafe extern "C" fn(*mut c_void, c_uint, *mut EccPublicKey) -> c_int,
    sign: unsafe extern "C" fn(*mut c_void, c_uint, *mut c_uchar, c_uint, *mut EccSignature) -> c_int,
}

impl Functions {
    fn of(library: &Library) -> std::result::Result<Self, &'static str> {
        /// # Safety
        /// `T` is the type of the function of that name.
        unsafe fn find<T: Copy>(
            library: &Library,
            name: &'static str,
        ) -> std::result::Result<T, &'static str> {
            // SAFETY: the caller's promise.
            unsafe { library.get::<T>(name.as_bytes()) }.map(|symbol| *symbol).map_err(|_| name)
        }
        // SAFETY: the types are those of the standard.
        unsafe {
            Ok(Self {
                open_device: find(library, "SDF_OpenDevice")?,
                close_device: find(library, "SDF_CloseDevice")?,
                open_session: find(library, "SDF_OpenSession")?,
                close_session: find(library, "SDF_CloseSession")?,
                get_access: find(library, "SDF_GetPrivateKeyAccessRight")?,
                export_public: find(library, "SDF_ExportSignPublicKey_ECC")?,
                sign: find(library, "SDF_InternalSign_ECC")?,
            })
        }
    }
}
