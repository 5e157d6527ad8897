//! Private keys in PKCS#11 tokens (OASIS PKCS#11 v2.40), named by URIs (RFC 7512).
//!
//! | key | mechanism | what the token gets |
//! |---|---|---|
//! | EC on P-256 | `CKM_ECDSA` | the SHA-256 digest |
//! | RSA of 3072 bits and more | `CKM_RSA_PKCS_PSS`, else `CKM_SHA512_RSA_PKCS_PSS` | the SHA-512 digest, else the message |
//! | EC on sm2p256v1 | the vendor's, named by the URI | the digest e of GB/T 32918.2 |
//!
//! Each thread that signs has a session of its own meanwhile. A session, a login or a token that is gone is connected anew,
//! once for each signature; so is everything in a forked child, which has none of it. PINs are read from their file whenever
//! they are needed and kept nowhere; one that was refused is not tried again, as tokens lock.
#![deny(unsafe_code)]

mod code;
mod module;

use super::library::Origin;
use super::pin::PinSource;
use super::uri::{Uri, wrong};
use crate::crypto::key::{HeldKey, PublicKey, Signer};
use crate::crypto::room::Custody;
use crate::crypto::sm2::UserId;
use crate::crypto::{p256, rsa, sm2};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use arc_swap::ArcSwapOption;
use code::Rv;
use module::{Answer, Mechanism, Module, Number, User, number_of, refused};
use sha2::{Digest, Sha256, Sha512};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const CKM_RSA_PKCS_PSS: Number = 0x0d;
const CKM_SHA512_RSA_PKCS_PSS: Number = 0x45;
const CKM_ECDSA: Number = 0x1041;
const CKK_RSA: Number = 0;
const CKK_EC: Number = 3;
/// OBJECT IDENTIFIER prime256v1 and sm2p256v1.
const P256_PARAMS: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const SM2_PARAMS: &[u8] = &[6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d];

/// Sessions that wait for the next signature of a key.
const IDLE_SESSIONS: usize = 16;

/// The scheme of such URIs.
pub(super) const SCHEME: &str = "pkcs11";

/// The key that `uri` names.
pub(super) fn open(uri: &str) -> Result<HeldKey> {
    let address = Address::read(uri)?;
    let module = module(&address.module)?;
    let token = Token { module, address, pin_refused: AtomicBool::new(false) };
    let connection = token.connect()?;
    let public = connection.public.clone();
    let key = TokenKey { token, public, connection: ArcSwapOption::from_pointee(connection) };
    Ok(HeldKey::new(Custody::Token, Box::new(key)))
}

/// What a URI says of a key.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    module: PathBuf,
    token: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    slot: Option<Number>,
    object: Option<String>,
    id: Option<Vec<u8>>,
    pin: Option<PinSource>,
    sm2_mechanism: Option<Number>,
}

impl Address {
    fn read(text: &str) -> Result<Self> {
        let mut uri = Uri::read(text, SCHEME)?;
        if uri.path_text("type")?.is_some_and(|kind| kind != "private") {
            return Err(wrong(SCHEME, "type: expected private, found another"));
        }
        if uri.query_text("pin-value")?.is_some() {
            let why =
                "pin-value: a PIN in a URI shows in lists of processes and in logs; expected pin-source";
            return Err(wrong(SCHEME, why));
        }
        let module = uri.query_text("module-path")?.ok_or_else(|| uri.missing("module-path"))?;
        let address = Self {
            module: module.into(),
            token: uri.path_text("token")?,
            manufacturer: uri.path_text("manufacturer")?,
            model: uri.path_text("model")?,
            serial: uri.path_text("serial")?,
            slot: uri.path_number("slot-id")?,
            object: uri.path_text("object")?,
            id: uri.path_bytes("id").filter(|id| !id.is_empty()),
            pin: uri.query_text("pin-source")?.map(|source| PinSource::new(SCHEME, &source)).transpose()?,
            sm2_mechanism: uri.query_number("x-sogov-sm2-mechanism")?,
        };
        if address.object.is_none() && address.id.is_none() {
            return Err(uri.missing("object or id"));
        }
        uri.finish()?;
        Ok(address)
    }

    fn is_token(&self, names: &module::TokenNames) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.token, &names.label)
            && is(&self.manufacturer, &names.manufacturer)
            && is(&self.model, &names.model)
            && is(&self.serial, &names.serial)
    }

    /// What the key's objects have, of a class.
    fn objects<'a>(&'a self, class: &'a [u8]) -> Vec<(Number, &'a [u8])> {
        let mut attributes = vec![(module::CLASS, class)];
        attributes.extend(self.object.as_ref().map(|label| (module::LABEL, label.as_bytes())));
        attributes.extend(self.id.as_ref().map(|id| (module::ID, id.as_slice())));
        attributes
    }
}

/// A private key in a token.
#[derive(Debug)]
struct TokenKey {
    token: Token,
    public: PublicKey,
    connection: ArcSwapOption<Connection>,
}

impl Signer for TokenKey {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        let connection = self.connection()?;
        let data = connection.prepare(user_id, message);
        match connection.sign(&data) {
            Ok(signature) => return Ok(signature),
            Err(Failure::Token(rv)) if rv.is_gone() => self.forget(&connection),
            Err(failure) => return Err(self.token.error(failure)),
        }
        drop(connection);
        self.connection()?.sign(&data).map_err(|failure| self.token.error(failure))
    }
}

impl TokenKey {
    /// The connection of this process, made where there is none.
    fn connection(&self) -> Result<Arc<Connection>> {
        static CONNECTING: PerProcess<Mutex<()>> = PerProcess::new();
        if let Some(connection) = self.connected() {
            return Ok(connection);
        }
        let _one_at_a_time = CONNECTING.get().lock();
        if let Some(connection) = self.connected() {
            return Ok(connection);
        }
        let connection = Arc::new(self.token.connect()?);
        if self.public.key_id() != connection.public.key_id() {
            let why = "has another public key than when it was opened";
            return Err(self.token.named(Error::new(Status::CustodyFailed, why)));
        }
        self.connection.store(Some(Arc::clone(&connection)));
        Ok(connection)
    }

    fn connected(&self) -> Option<Arc<Connection>> {
        self.connection.load_full().filter(|connection| connection.origin == Origin::here())
    }

    /// Drops a connection that is of no use any more, unless another thread was faster.
    fn forget(&self, stale: &Arc<Connection>) {
        self.connection.compare_and_swap(stale, None);
    }
}

/// Where a key is, and how to get there.
#[derive(Debug)]
struct Token {
    module: Arc<Module>,
    address: Address,
    /// The token said no to the PIN.
    pin_refused: AtomicBool,
}

impl Token {
    fn connect(&self) -> Result<Connection> {
        if self.pin_refused.load(Ordering::Relaxed) {
            let why =
                "the token refused the PIN before; it is not tried again, as tokens lock: open the key anew";
            return Err(self.named(Error::new(Status::CustodyFailed, why)));
        }
        self.module.initialise().map_err(|rv| self.named(refused("C_Initialize", rv)))?;
        let slot = self.slot()?;
        let session =
            Session::open(&self.module, slot).map_err(|rv| self.named(refused("C_OpenSession", rv)))?;
        if let Some(pin) = &self.address.pin {
            match self.module.login(session.number, User::Normal, &pin.read()?) {
                Err(rv) if !rv.is_logged_in_already() => {
                    self.pin_refused.fetch_or(rv.refuses_pin(), Ordering::Relaxed);
                    return Err(self.named(refused("C_Login", rv)));
                }
                _ => {}
            }
        }
        let key = self.only(session.number, module::PRIVATE_KEY, "private key")?;
        let (public, mechanism, prehashed) = self.describe(slot, session.number, key)?;
        // Not all tokens know this attribute; it is theirs to ask for more.
        let authenticates = self.module.attribute(session.number, key, module::ALWAYS_AUTHENTICATE);
        let authenticates = authenticates.is_ok_and(|value| module::is_true(&value));
        Ok(Connection {
            origin: Origin::here(),
            module: Arc::clone(&self.module),
            slot,
            key,
            public,
            mechanism,
            prehashed,
            authenticates: self.address.pin.clone().filter(|_| authenticates),
            idle: Mutex::new(vec![session.keep()]),
        })
    }

    /// The only slot whose token is meant.
    fn slot(&self) -> Result<Number> {
        let slots = self.module.slots().map_err(|rv| self.named(refused("C_GetSlotList", rv)))?;
        let wanted = |slot: &Number| self.address.slot.is_none_or(|wanted| wanted == *slot);
        let mut found = slots.into_iter().filter(wanted).filter(|slot| {
            // A token that went meanwhile is not the one.
            self.module.token(*slot).is_ok_and(|names| self.address.is_token(&names))
        });
        match (found.next(), found.next()) {
            (Some(slot), None) => Ok(slot),
            (first, _) => {
                let found = if first.is_some() { "several" } else { "none" };
                let why = format!("expected one token that the URI names, found {found}");
                Err(self.named(Error::new(Status::CustodyFailed, why)))
            }
        }
    }

    /// The only object of a class that the URI names.
    fn only(&self, session: Number, class: Number, what: &str) -> Result<Number> {
        let objects = self.module.find(session, &self.address.objects(&class.to_ne_bytes()));
        let objects = objects.map_err(|rv| self.named(refused("C_FindObjects", rv)))?;
        match objects.as_slice() {
            [object] => Ok(*object),
            objects => {
                let found = if objects.is_empty() { "none" } else { "several" };
                let why = format!("expected one {what} that the URI names, found {found}");
                Err(self.named(Error::new(Status::CustodyFailed, why)))
            }
        }
    }

    /// What the key is and how the token signs by it: the mechanism, and whether that takes a digest.
    fn describe(&self, slot: Number, session: Number, key: Number) -> Result<(PublicKey, Mechanism, bool)> {
        let kind = self.module.attribute(session, key, module::KEY_TYPE);
        let kind = number_of(&kind.map_err(|rv| self.named(refused("CKA_KEY_TYPE", rv)))?);
        if kind == Some(CKK_RSA) {
            let [modulus, exponent] =
                self.public(session, key, [module::MODULUS, module::PUBLIC_EXPONENT])?;
            let public = rsa::PublicKey::from_be_numbers(&modulus, &exponent).map_err(|e| self.named(e))?;
            let prehashed = self.module.signs_by(slot, CKM_RSA_PKCS_PSS);
            let number = if prehashed { CKM_RSA_PKCS_PSS } else { CKM_SHA512_RSA_PKCS_PSS };
            return Ok((PublicKey::Rsa(Box::new(public)), Mechanism::Pss(number), prehashed));
        }
        let [curve, point] = self.public(session, key, [module::EC_PARAMS, module::EC_POINT])?;
        let point = bare_point(&point);
        match curve.as_slice() {
            P256_PARAMS if kind == Some(CKK_EC) => {
                let public = p256::PublicKey::from_point(point).map_err(|e| self.named(e))?;
                Ok((PublicKey::P256(public), Mechanism::Plain(CKM_ECDSA), true))
            }
            // Vendors have key types of their own for SM2.
            SM2_PARAMS => {
                let number = self.address.sm2_mechanism;
                let number = number.ok_or_else(|| {
                    let why = "is of SM2, for which PKCS#11 has no mechanism; expected the vendor's in \
                               x-sogov-sm2-mechanism";
                    self.named(Error::new(Status::Unsupported, why))
                })?;
                let public = sm2::PublicKey::from_point(point).map_err(|e| self.named(e))?;
                Ok((PublicKey::Sm2(public), Mechanism::Plain(number), true))
            }
            _ => {
                let why = "expected a key of P-256, of SM2 or of RSA, found another";
                Err(self.named(Error::new(Status::Unsupported, why)))
            }
        }
    }

    /// Two attributes of the public half. They stand in the private object with some tokens, in a public one with others.
    fn public(&self, session: Number, key: Number, [first, second]: [Number; 2]) -> Result<[Vec<u8>; 2]> {
        let of = |object| -> Answer<[Vec<u8>; 2]> {
            Ok([
                self.module.attribute(session, object, first)?,
                self.module.attribute(session, object, second)?,
            ])
        };
        if let Ok(found) = of(key)
            && found.iter().all(|value| !value.is_empty())
        {
            return Ok(found);
        }
        let object = self.only(session, module::PUBLIC_KEY, "public key beside the private one")?;
        of(object).map_err(|rv| self.named(refused("C_GetAttributeValue", rv)))
    }

    fn error(&self, failure: Failure) -> Error {
        self.named(match failure {
            Failure::Token(rv) => {
                self.pin_refused.fetch_or(rv.refuses_pin(), Ordering::Relaxed);
                refused("signing", rv)
            }
            Failure::Pin(error) => error,
        })
    }

    /// The error with the key's name in front.
    fn named(&self, error: Error) -> Error {
        let module = self.address.module.display();
        match (&self.address.object, &self.address.id) {
            (Some(label), _) => error.of(format_args!("key {label} in {module}")),
            (None, id) => {
                error.of(format_args!("key {:02x?} in {module}", id.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// A session that is closed unless it is kept.
struct Session<'a> {
    module: &'a Module,
    number: Number,
    kept: bool,
}

impl<'a> Session<'a> {
    fn open(module: &'a Module, slot: Number) -> Answer<Self> {
        Ok(Self { module, number: module.open_session(slot)?, kept: false })
    }

    fn keep(mut self) -> Number {
        self.kept = true;
        self.number
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.module.close_session(self.number);
        }
    }
}

/// Why no signature was made.
enum Failure {
    Token(Rv),
    Pin(Error),
}

impl From<Rv> for Failure {
    fn from(rv: Rv) -> Self {
        Self::Token(rv)
    }
}

/// A key as one process sees it while it is logged in.
#[derive(Debug)]
struct Connection {
    origin: Origin,
    module: Arc<Module>,
    slot: Number,
    key: Number,
    public: PublicKey,
    mechanism: Mechanism,
    /// Whether the token gets a digest rather than the message.
    prehashed: bool,
    /// The PIN that each signature asks for.
    authenticates: Option<PinSource>,
    /// Sessions that nobody uses. As long as there is one, the login lasts.
    idle: Mutex<Vec<Number>>,
}

impl Connection {
    /// What the token signs for `message`.
    fn prepare(&self, user_id: &UserId, message: &[u8]) -> Vec<u8> {
        match &self.public {
            PublicKey::Sm2(key) => user_id.message_digest(key, message).to_vec(),
            PublicKey::P256(_) => Sha256::digest(message).to_vec(),
            _ if self.prehashed => Sha512::digest(message).to_vec(),
            _ => message.to_vec(),
        }
    }

    fn sign(&self, data: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        let idle = self.idle.lock().pop();
        let session = idle.map_or_else(|| self.module.open_session(self.slot), Ok)?;
        let mut pin_error = None;
        let signed = self.module.sign(session, self.key, self.mechanism, data, || {
            let Some(source) = &self.authenticates else { return Ok(()) };
            match source.read() {
                Ok(pin) => self.module.login(session, User::ForThisOperation, &pin),
                Err(e) => {
                    pin_error = Some(e);
                    Err(Rv(code::ATTRIBUTE_TYPE_INVALID))
                }
            }
        });
        let mut idle = self.idle.lock();
        match &signed {
            // Their numbers may be other sessions' by now.
            Err(rv) if rv.ended_sessions() => idle.clear(),
            Ok(_) if idle.len() < IDLE_SESSIONS => idle.push(session),
            // After a failure something may be left begun in the session.
            _ => {
                drop(idle);
                self.module.close_session(session);
            }
        }
        pin_error.map_or(Ok(()), |e| Err(Failure::Pin(e)))?;
        Ok(signed?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // In a child the numbers would be somebody else's sessions.
        if self.origin == Origin::here() {
            self.idle.lock().drain(..).for_each(|session| self.module.close_session(session));
        }
    }
}

/// The module at `path`, loaded once in a process.
fn module(path: &Path) -> Result<Arc<Module>> {
    static MODULES: PerProcess<Mutex<HashMap<PathBuf, Arc<Module>>>> = PerProcess::new();
    let mut modules = MODULES.get().lock();
    if let Some(module) = modules.get(path) {
        return Ok(Arc::clone(module));
    }
    let module = Arc::new(Module::load(path)?);
    modules.insert(path.to_owned(), Arc::clone(&module));
    Ok(module)
}

/// The point in `CKA_EC_POINT`: an OCTET STRING as the standard has it, or bare as some tokens do.
fn bare_point(value: &[u8]) -> &[u8] {
    match value {
        [4, len, point @ ..] if usize::from(*len) == point.len() && value.len() != 65 => point,
        bare => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_one_key() {
        let read = |rest: &str| Address::read(&format!("pkcs11:{rest}"));
        let address =
            read("token=T;object=k;id=%01;type=private?module-path=/m.so&pin-source=file:/pin").unwrap();
        assert_eq!(address.module, Path::new("/m.so"));
        assert_eq!((address.token.as_deref(), address.id.as_deref()), (Some("T"), Some(&[1][..])));
        for rest in [
            "token=T;object=k",
            "token=T?module-path=/m.so",
            "object=k;type=public?module-path=/m.so",
            "object=k?module-path=/m.so&pin-value=1234",
            "object=k?module-path=/m.so&pin-source=%7Ccat",
            "object=k;library-version=3?module-path=/m.so",
        ] {
            let refused = read(rest).unwrap_err();
            assert_eq!(refused.status(), Status::InvalidArgument, "{rest}");
            assert!(!refused.message().contains("1234"));
        }
    }

    #[test]
    fn points_come_wrapped_or_bare() {
        let point = [&[4_u8][..], &[7; 64]].concat();
        assert_eq!(bare_point(&[&[4, 65], point.as_slice()].concat()), point);
        assert_eq!(bare_point(&point), point);
        let odd = [&[4_u8, 63][..], &[7; 63]].concat();
        assert_eq!(bare_point(&odd), odd, "65 bytes from 04 are a point");
    }
}
