//! A PKCS#11 module (OASIS PKCS#11 v2.40), as far as signing needs it: the functions of its list, behind safe ones.
//!
//! The module is the operator's choice and code of this process from then on, as trusted as the process itself.
#![allow(unsafe_code)]

use super::code::{self, Rv};
use crate::custody::library;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use libloading::os::unix::Library;
use std::ffi::{c_ulong, c_void};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};

/// What a module answers.
pub(super) type Answer<T> = std::result::Result<T, Rv>;

/// CK_ULONG.
pub(super) type Number = c_ulong;

pub(super) const CLASS: Number = 0;
pub(super) const LABEL: Number = 3;
pub(super) const KEY_TYPE: Number = 0x100;
pub(super) const ID: Number = 0x102;
pub(super) const MODULUS: Number = 0x120;
pub(super) const PUBLIC_EXPONENT: Number = 0x122;
pub(super) const EC_PARAMS: Number = 0x180;
pub(super) const EC_POINT: Number = 0x181;
pub(super) const ALWAYS_AUTHENTICATE: Number = 0x202;

pub(super) const PUBLIC_KEY: Number = 2;
pub(super) const PRIVATE_KEY: Number = 3;

const SERIAL_SESSION: Number = 4;
const OS_LOCKING_OK: Number = 2;
const SIGNS: Number = 0x800;

/// The longest attribute that is read.
const MAX_ATTRIBUTE_LEN: Number = 16 << 10;
/// The most slots that are looked at.
const MAX_SLOTS: Number = 1024;
/// The longest signature.
const MAX_SIGNATURE_LEN: usize = 8192 / 8;

/// Who logs in.
#[derive(Clone, Copy, Debug)]
pub(super) enum User {
    /// The user of the token.
    Normal = 1,
    /// The user again, for the operation that was begun.
    ForThisOperation = 2,
}

/// A mechanism with the parameters that it takes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Without parameters.
    Plain(Number),
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and a salt of 64 bytes.
    Pss(Number),
}

impl Mechanism {
    fn number(self) -> Number {
        match self {
            Self::Plain(number) | Self::Pss(number) => number,
        }
    }
}

/// What names a token, without the padding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenNames {
    pub(super) label: String,
    pub(super) manufacturer: String,
    pub(super) model: String,
    pub(super) serial: String,
}

/// A module that is loaded, and stays so: it may have threads.
#[derive(Debug)]
pub(super) struct Module {
    functions: NonNull<FunctionList>,
    /// The process that it was initialised in.
    initialised: Mutex<Option<library::Origin>>,
}

// SAFETY: the list is constant, and the module is told to lock by itself.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl Module {
    /// Loads the module at `path` and initialises it.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let library = library::load(path)?;
        let functions = Self::function_list(&library);
        let functions = functions.map_err(|why| library::failed(path, why))?;
        // Never closed.
        let _ = library.into_raw();
        let module = Self { functions, initialised: Mutex::new(None) };
        module.initialise().map_err(|rv| library::failed(path, code::text("C_Initialize", rv)))?;
        Ok(module)
    }

    fn function_list(library: &Library) -> std::result::Result<NonNull<FunctionList>, String> {
        type GetFunctionList = unsafe extern "C" fn(*mut *mut FunctionList) -> Number;
        // SAFETY: the type is that of the standard, section 5.4.
        let get = unsafe { library.get::<GetFunctionList>(b"C_GetFunctionList\0") };
        let get = get.map_err(|_| "expected a PKCS#11 module, found no C_GetFunctionList".to_owned())?;
        let mut list = null_mut();
        // SAFETY: the function writes one pointer.
        let rv = unsafe { get(&raw mut list) };
        let list = NonNull::new(list).filter(|_| rv == code::OK);
        let list = list.ok_or_else(|| code::text("C_GetFunctionList", Rv(rv)))?;
        // SAFETY: the list begins with its version, and lives as long as the module.
        match unsafe { (*list.as_ptr()).version } {
            [2, _] => Ok(list),
            [major, minor] => Err(format!("expected PKCS#11 version 2, found {major}.{minor}")),
        }
    }

    /// Initialises the module, where this process has not: a child of `fork` begins anew.
    pub(super) fn initialise(&self) -> Answer<()> {
        let mut initialised = self.initialised.lock();
        let here = library::Origin::here();
        if *initialised == Some(here) {
            return Ok(());
        }
        let arguments = InitializeArgs { callbacks: [null(); 4], flags: OS_LOCKING_OK, reserved: null() };
        // SAFETY: the arguments are those of section 5.4, and outlive the call.
        let rv = unsafe { (self.list().initialize)((&raw const arguments).cast()) };
        if rv != code::OK && rv != code::CRYPTOKI_ALREADY_INITIALIZED {
            return Err(Rv(rv));
        }
        *initialised = Some(here);
        Ok(())
    }

    /// The slots with a token in them.
    pub(super) fn slots(&self) -> Answer<Vec<Number>> {
        let mut count = 0;
        // SAFETY: without a place, the function writes the count alone.
        check(unsafe { (self.list().get_slot_list)(1, null_mut(), &raw mut count) })?;
        count = count.min(MAX_SLOTS);
        let mut slots = vec![0; as_len(count)];
        // SAFETY: there is room for `count` slots.
        check(unsafe { (self.list().get_slot_list)(1, slots.as_mut_ptr(), &raw mut count) })?;
        slots.truncate(as_len(count));
        Ok(slots)
    }

    /// The names of the token in a slot.
    pub(super) fn token(&self, slot: Number) -> Answer<TokenNames> {
        let mut info = TokenInfo {
            label: [0; 32],
            manufacturer: [0; 32],
            model: [0; 16],
            serial: [0; 16],
            numbers: [0; 11],
            versions: [0; 4],
            time: [0; 16],
        };
        // SAFETY: the struct is that of section 3.2.
        check(unsafe { (self.list().get_token_info)(slot, &raw mut info) })?;
        Ok(TokenNames {
            label: padded(&info.label),
            manufacturer: padded(&info.manufacturer),
            model: padded(&info.model),
            serial: padded(&info.serial),
        })
    }

    /// Whether the token signs by a mechanism.
    pub(super) fn signs_by(&self, slot: Number, mechanism: Number) -> bool {
        let mut info = [0; 3];
        // SAFETY: the struct of section 3.4 is three numbers, the last one of flags.
        let rv = unsafe { (self.list().get_mechanism_info)(slot, mechanism, info.as_mut_ptr()) };
        rv == code::OK && info.last().is_some_and(|flags| flags & SIGNS != 0)
    }

    /// Opens a session that reads.
    pub(super) fn open_session(&self, slot: Number) -> Answer<Number> {
        let mut session = 0;
        // SAFETY: the function writes one handle; there is no callback.
        check(unsafe {
            (self.list().open_session)(slot, SERIAL_SESSION, null_mut(), null(), &raw mut session)
        })?;
        Ok(session)
    }

    /// Closes a session.
    pub(super) fn close_session(&self, session: Number) {
        // SAFETY: a number, which the module knows or not.
        unsafe { (self.list().close_session)(session) };
    }

    /// Logs in with a PIN.
    pub(super) fn login(&self, session: Number, user: User, pin: &[u8]) -> Answer<()> {
        // SAFETY: the PIN is readable for its length.
        check(unsafe { (self.list().login)(session, user as Number, pin.as_ptr(), number(pin.len())) })
    }

    /// At most three objects that have the attributes: more than one is as bad as many.
    pub(super) fn find(&self, session: Number, attributes: &[(Number, &[u8])]) -> Answer<Vec<Number>> {
        let template: Vec<_> = attributes
            .iter()
            .map(|(kind, value)| Attribute {
                kind: *kind,
                value: value.as_ptr().cast_mut().cast(),
                len: number(value.len()),
            })
            .collect();
        // SAFETY: the values outlive the call, which reads them.
        check(unsafe {
            (self.list().find_objects_init)(session, template.as_ptr(), number(template.len()))
        })?;
        let (mut objects, mut count) = ([0; 3], 0);
        // SAFETY: there is room for three.
        let found =
            check(unsafe { (self.list().find_objects)(session, objects.as_mut_ptr(), 3, &raw mut count) });
        // SAFETY: ends the search.
        let ended = check(unsafe { (self.list().find_objects_final)(session) });
        found.and(ended)?;
        Ok(objects.into_iter().take(as_len(count)).collect())
    }

    /// An attribute of an object.
    pub(super) fn attribute(&self, session: Number, object: Number, kind: Number) -> Answer<Vec<u8>> {
        let mut attribute = Attribute { kind, value: null_mut(), len: 0 };
        // SAFETY: without a place, the function writes the length alone.
        check(unsafe { (self.list().get_attribute_value)(session, object, &raw mut attribute, 1) })?;
        if attribute.len > MAX_ATTRIBUTE_LEN {
            return Err(Rv(code::ATTRIBUTE_TYPE_INVALID));
        }
        let mut value = vec![0; as_len(attribute.len)];
        attribute.value = value.as_mut_ptr().cast();
        // SAFETY: there is room for as many bytes as it says.
        check(unsafe { (self.list().get_attribute_value)(session, object, &raw mut attribute, 1) })?;
        value.truncate(as_len(attribute.len));
        Ok(value)
    }

    /// Signs `data`. `authenticate` is called between the beginning and the end, for keys that ask for it.
    pub(super) fn sign(
        &self,
        session: Number,
        key: Number,
        mechanism: Mechanism,
        data: &[u8],
        authenticate: impl FnOnce() -> Answer<()>,
    ) -> Answer<Vec<u8>> {
        const SHA512: Number = 0x270;
        const MGF1_SHA512: Number = 4;
        let pss = PssParams { hash: SHA512, mask: MGF1_SHA512, salt_len: 64 };
        let (parameter, parameter_len) = match mechanism {
            Mechanism::Plain(_) => (null(), 0),
            Mechanism::Pss(_) => ((&raw const pss).cast(), number(size_of_val(&pss))),
        };
        let whole = MechanismParams { mechanism: mechanism.number(), parameter, parameter_len };
        // SAFETY: the mechanism and its parameters outlive the call.
        check(unsafe { (self.list().sign_init)(session, &raw const whole, key) })?;
        authenticate()?;
        let mut signature = vec![0; MAX_SIGNATURE_LEN];
        let mut len = number(signature.len());
        // SAFETY: the data is readable, and there is room for `len` bytes.
        check(unsafe {
            (self.list().sign)(
                session,
                data.as_ptr(),
                number(data.len()),
                signature.as_mut_ptr(),
                &raw mut len,
            )
        })?;
        signature.truncate(as_len(len));
        Ok(signature)
    }

    fn list(&self) -> &FunctionList {
        // SAFETY: the module stays loaded, and its list is constant.
        unsafe { self.functions.as_ref() }
    }
}

/// CK_TRUE or CK_FALSE.
pub(super) fn is_true(value: &[u8]) -> bool {
    value.first().is_some_and(|byte| *byte != 0)
}

/// A number as an attribute has it.
pub(super) fn number_of(value: &[u8]) -> Option<Number> {
    value.try_into().ok().map(Number::from_ne_bytes)
}

fn check(rv: Number) -> Answer<()> {
    if rv == code::OK { Ok(()) } else { Err(Rv(rv)) }
}

fn number(len: usize) -> Number {
    Number::try_from(len).unwrap_or(Number::MAX)
}

fn as_len(number: Number) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn padded(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

#[repr(C)]
struct InitializeArgs {
    callbacks: [*const c_void; 4],
    flags: Number,
    reserved: *const c_void,
}

#[repr(C)]
struct Attribute {
    kind: Number,
    value: *mut c_void,
    len: Number,
}

#[repr(C)]
struct MechanismParams {
    mechanism: Number,
    parameter: *const c_void,
    parameter_len: Number,
}

#[repr(C)]
struct PssParams {
    hash: Number,
    mask: Number,
    salt_len: Number,
}

#[repr(C)]
struct TokenInfo {
    label: [u8; 32],
    manufacturer: [u8; 32],
    model: [u8; 16],
    serial: [u8; 16],
    numbers: [Number; 11],
    versions: [u8; 4],
    time: [u8; 16],
}

type Unused = *const c_void;

/// CK_FUNCTION_LIST, section 3.6, up to the last function that is used.
#[repr(C)]
struct FunctionList {
    version: [u8; 2],
    initialize: unsafe extern "C" fn(*const c_void) -> Number,
    finalize_to_get_list: [Unused; 3],
    get_slot_list: unsafe extern "C" fn(u8, *mut Number, *mut Number) -> Number,
    get_slot_info: Unused,
    get_token_info: unsafe extern "C" fn(Number, *mut TokenInfo) -> Number,
    get_mechanism_list: Unused,
    get_mechanism_info: unsafe extern "C" fn(Number, Number, *mut Number) -> Number,
    init_token_to_set_pin: [Unused; 3],
    open_session: unsafe extern "C" fn(Number, Number, *mut c_void, Unused, *mut Number) -> Number,
    close_session: unsafe extern "C" fn(Number) -> Number,
    close_all_sessions_to_set_operation_state: [Unused; 4],
    login: unsafe extern "C" fn(Number, Number, *const u8, Number) -> Number,
    logout_to_get_object_size: [Unused; 5],
    get_attribute_value: unsafe extern "C" fn(Number, Number, *mut Attribute, Number) -> Number,
    set_attribute_value: Unused,
    find_objects_init: unsafe extern "C" fn(Number, *const Attribute, Number) -> Number,
    find_objects: unsafe extern "C" fn(Number, *mut Number, Number, *mut Number) -> Number,
    find_objects_final: unsafe extern "C" fn(Number) -> Number,
    encrypt_init_to_digest_final: [Unused; 13],
    sign_init: unsafe extern "C" fn(Number, *const MechanismParams, Number) -> Number,
    sign: unsafe extern "C" fn(Number, *const u8, Number, *mut u8, *mut Number) -> Number,
}

/// The error that nothing of a module is known to say more.
pub(super) fn refused(what: &str, rv: Rv) -> Error {
    Error::new(Status::CustodyFailed, code::text(what, rv))
}
