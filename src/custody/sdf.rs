//! Private keys of SM2 in SDF devices (GM/T 0018-2012, cryptographic device application interface), named by URIs:
//! `sdf:library=PATH;index=N;pin-source=file:PATH`.
//!
//! The device gets the digest e of GB/T 32918.2. The right to use a key belongs to a session, so each session asks for it
//! with the PIN, which is read from its file then and kept nowhere. A PIN that was refused is not tried again.
#![deny(unsafe_code)]

mod device;

use super::library::Origin;
use super::pin::PinSource;
use super::uri::{Uri, wrong};
use crate::crypto::key::{HeldKey, PublicKey, Signer};
use crate::crypto::room::Custody;
use crate::crypto::sm2::{self, UserId};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use arc_swap::ArcSwapOption;
use device::{Code, Device};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The scheme of such URIs.
pub(super) const SCHEME: &str = "sdf";

/// Sessions that wait for the next signature of a key.
const IDLE_SESSIONS: usize = 16;

/// The key that `uri` names.
pub(super) fn open(uri: &str) -> Result<HeldKey> {
    let address = Address::read(uri)?;
    let connection = Connection::new(&address)?;
    let public =
        connection.public_key(address.index).map_err(|code| address.error("reading its public key", code))?;
    let key = DeviceKey {
        address,
        public,
        connection: ArcSwapOption::from_pointee(connection),
        pin_refused: AtomicBool::new(false),
    };
    // Whether the PIN is right is known now, and not at the first signature.
    key.with_session(|_, _| Ok(()))?;
    Ok(HeldKey::new(Custody::Device, Box::new(key)))
}

/// What a URI says of a key.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    library: PathBuf,
    index: u32,
    pin: Option<PinSource>,
}

impl Address {
    fn read(text: &str) -> Result<Self> {
        let mut uri = Uri::read(text, SCHEME)?;
        let library = uri.path_text("library")?.ok_or_else(|| uri.missing("library"))?;
        let index = uri.path_number("index")?.ok_or_else(|| uri.missing("index"))?;
        let index = u32::try_from(index).map_err(|_| wrong(SCHEME, "index: expected 32 bits, found more"))?;
        let pin = uri.path_text("pin-source")?.map(|source| PinSource::new(SCHEME, &source)).transpose()?;
        uri.finish()?;
        Ok(Self { library: library.into(), index, pin })
    }

    fn error(&self, what: &str, code: Code) -> Error {
        let (index, library) = (self.index, self.library.display());
        Error::new(Status::CustodyFailed, format!("key {index} in {library}: {what}: {code}"))
    }
}

/// A private key in a device.
#[derive(Debug)]
struct DeviceKey {
    address: Address,
    public: sm2::PublicKey,
    connection: ArcSwapOption<Connection>,
    /// The device said no to the PIN.
    pin_refused: AtomicBool,
}

impl Signer for DeviceKey {
    fn public_key(&self) -> PublicKey {
        PublicKey::Sm2(self.public.clone())
    }

    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        let e = user_id.message_digest(&self.public, message);
        let signature = self.with_session(|device, session| device.sign(session, self.address.index, &e))?;
        Ok(signature.to_vec())
    }
}

impl DeviceKey {
    /// Runs `body` with a session that has the right to use the key; once more with a fresh device where the old one is gone.
    fn with_session<R>(
        &self,
        body: impl Fn(&Device, device::Session) -> std::result::Result<R, Code>,
    ) -> Result<R> {
        for last in [false, true] {
            let connection = self.connection()?;
            let idle = connection.idle.lock().pop();
            let fresh = idle.is_none();
            let session = match idle.map_or_else(|| connection.device.open_session(), Ok) {
                Ok(session) => session,
                Err(code) if code.is_gone() && !last => {
                    self.forget(&connection);
                    continue;
                }
                Err(code) => return Err(self.address.error("opening a session", code)),
            };
            let done = if fresh { self.authorise(&connection.device, session) } else { Ok(()) };
            let done = done.and_then(|()| {
                body(&connection.device, session).map_err(|code| Failure::Device("signing", code))
            });
            match done {
                Ok(done) => {
                    connection.put_back(session);
                    return Ok(done);
                }
                Err(failure) => {
                    connection.device.close_session(session);
                    match failure {
                        Failure::Device(_, code) if code.is_gone() && !last => self.forget(&connection),
                        Failure::Device(what, code) => return Err(self.address.error(what, code)),
                        Failure::Pin(error) => return Err(error),
                    }
                }
            }
        }
        Err(Error::new(Status::Internal, "sdf: a device was lost twice"))
    }

    fn authorise(&self, device: &Device, session: device::Session) -> std::result::Result<(), Failure> {
        let Some(source) = &self.address.pin else { return Ok(()) };
        if self.pin_refused.load(Ordering::Relaxed) {
            let why = "the device refused the PIN before; it is not tried again, as devices lock: open the key anew";
            return Err(Failure::Pin(Error::new(Status::CustodyFailed, why)));
        }
        let pin = source.read().map_err(Failure::Pin)?;
        device.authorise(session, self.address.index, &pin).map_err(|code| {
            self.pin_refused.fetch_or(!code.is_gone(), Ordering::Relaxed);
            Failure::Device("asking for the right to use it", code)
        })
    }

    /// The device as this process has it open: what a child inherits is its parent's.
    fn connection(&self) -> Result<Arc<Connection>> {
        let here = |connection: &Arc<Connection>| connection.origin == Origin::here();
        if let Some(connection) = self.connection.load_full().filter(here) {
            return Ok(connection);
        }
        let connection = Arc::new(Connection::new(&self.address)?);
        let public = connection.public_key(self.address.index);
        let public = public.map_err(|code| self.address.error("reading its public key", code))?;
        if public != self.public {
            let why = "key in a device: has another public key than when it was opened";
            return Err(Error::new(Status::CustodyFailed, why));
        }
        self.connection.store(Some(Arc::clone(&connection)));
        Ok(connection)
    }

    fn forget(&self, stale: &Arc<Connection>) {
        self.connection.compare_and_swap(stale, None);
    }
}

enum Failure {
    Device(&'static str, Code),
    Pin(Error),
}

/// An open device.
#[derive(Debug)]
struct Connection {
    origin: Origin,
    device: Device,
    /// Sessions with the right to use the key.
    idle: Mutex<Vec<device::Session>>,
}

impl Connection {
    fn new(address: &Address) -> Result<Self> {
        let device = Device::open(&address.library)?;
        Ok(Self { origin: Origin::here(), device, idle: Mutex::new(Vec::new()) })
    }

    fn public_key(&self, index: u32) -> std::result::Result<sm2::PublicKey, Code> {
        let session = self.device.open_session()?;
        let point = self.device.public_key(session, index);
        self.device.close_session(session);
        sm2::PublicKey::from_point(&point?).map_err(|_| Code::NO_POINT)
    }

    fn put_back(&self, session: device::Session) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_SESSIONS {
            idle.push(session);
        } else {
            drop(idle);
            self.device.close_session(session);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // In a child the handles would be its parent's.
        if self.origin == Origin::here() {
            self.idle.lock().drain(..).for_each(|session| self.device.close_session(session));
            self.device.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_one_key() {
        let address = Address::read("sdf:library=/l.so;index=1;pin-source=file:/pin").unwrap();
        assert_eq!((address.index, address.pin.is_some()), (1, true));
        for text in [
            "sdf:index=1",
            "sdf:library=/l.so",
            "sdf:library=/l.so;index=4294967296",
            "sdf:library=/l.so;index=1;pin-value=1",
            "sdf:library=/l.so;index=1?pin-source=/pin",
            "sdf:library=/l.so;index=1;pin-source=pin",
        ] {
            assert_eq!(Address::read(text).unwrap_err().status(), Status::InvalidArgument, "{text}");
        }
    }
}
