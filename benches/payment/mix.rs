//! The messages of the mix with their signatures, and the two that verify them.

use crate::support::c_library;
use rsa::pkcs1v15;
use rsa::pss;
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use rsa::{BoxedUint, RsaPublicKey};
use sogov::crypto::sm2::{Claim, PreparedKeys, PrivateKey, PublicKey, Signature, UserId};
use std::ffi::c_void;

const COUNTERPARTIES: usize = 16;
/// Of 20 messages, 14 are signed with SM2, 3 with RSA and PKCS#1 v1.5, 3 with RSA-PSS.
const ROUND: [Scheme; 20] = {
    use Scheme::{RsaPkcs1 as P, RsaPss as Q, Sm2 as S};
    [S, S, P, S, S, Q, S, S, S, P, S, S, Q, S, S, P, S, S, Q, S]
};

/// Numbered as in `openssl.c`.
#[derive(Clone, Copy)]
enum Scheme {
    Sm2 = 0,
    RsaPkcs1 = 1,
    RsaPss = 2,
}

/// Signed messages, and the keys to verify them with, decoded as for counterparties that are known.
pub struct Mix {
    payments: Vec<Payment>,
    sm2_keys: Vec<Sm2Key>,
    rsa_keys: Vec<RsaKey>,
    prepared: PreparedKeys,
    user_id: UserId,
    openssl: OpenSsl,
}

struct Payment {
    scheme: Scheme,
    counterparty: usize,
    message: Vec<u8>,
    /// R||S for SM2.
    signature: Vec<u8>,
    /// In DER for SM2.
    encoded: Vec<u8>,
}

struct Sm2Key {
    public: PublicKey,
    openssl: OpenSslKey,
}

struct RsaKey {
    pkcs1: pkcs1v15::VerifyingKey<Sha256>,
    pss: pss::VerifyingKey<Sha256>,
    openssl: OpenSslKey,
}

impl Mix {
    pub fn new(len: usize) -> Self {
        let openssl = OpenSsl::load();
        let (user_id, prepared) = (UserId::default(), PreparedKeys::new(64 << 20));
        let private: Vec<_> = (0..COUNTERPARTIES).map(|_| PrivateKey::generate().unwrap()).collect();
        let rsa_keys: Vec<_> = (0..COUNTERPARTIES).map(|_| openssl.rsa_key()).collect();
        let payments = (0..len).map(|i| {
            let scheme = ROUND[i % ROUND.len()];
            let counterparty = i / ROUND.len() % COUNTERPARTIES;
            let message = message(i);
            let (signature, encoded) = if let Scheme::Sm2 = scheme {
                let signature = private[counterparty].sign(&user_id, &message).unwrap();
                (signature.as_bytes().to_vec(), signature.to_der())
            } else {
                let signature = openssl.rsa_sign(rsa_keys[counterparty].openssl, scheme, &message);
                (signature.clone(), signature)
            };
            Payment { scheme, counterparty, message, signature, encoded }
        });
        let payments = payments.collect();
        let sm2_key = |private: &PrivateKey| {
            prepared.prepare(private.public_key());
            let openssl = openssl.key(&private.public_key().to_spki_der());
            Sm2Key { public: private.public_key().clone(), openssl }
        };
        let sm2_keys = private.iter().map(sm2_key).collect();
        Self { payments, sm2_keys, rsa_keys, prepared, user_id, openssl }
    }

    /// Verifies message `i`, counted round: SM2 by this library, RSA by the crate `rsa`.
    pub fn verify_ours(&self, i: usize) -> bool {
        let Payment { scheme, counterparty, message, signature, .. } =
            &self.payments[i % self.payments.len()];
        let rsa = &self.rsa_keys[*counterparty];
        match scheme {
            Scheme::Sm2 => {
                let signature = &Signature::from_bytes(signature).unwrap();
                let key = &self.sm2_keys[*counterparty].public;
                self.prepared.verify(&Claim { key, user_id: &self.user_id, message, signature })
            }
            Scheme::RsaPkcs1 => pkcs1v15::Signature::try_from(signature.as_slice())
                .is_ok_and(|signature| rsa.pkcs1.verify(message, &signature).is_ok()),
            Scheme::RsaPss => pss::Signature::try_from(signature.as_slice())
                .is_ok_and(|signature| rsa.pss.verify(message, &signature).is_ok()),
        }
    }

    /// Verifies message `i`, counted round, by OpenSSL.
    pub fn verify_openssl(&self, i: usize) -> bool {
        let payment = &self.payments[i % self.payments.len()];
        let key = match payment.scheme {
            Scheme::Sm2 => self.sm2_keys[payment.counterparty].openssl,
            Scheme::RsaPkcs1 | Scheme::RsaPss => self.rsa_keys[payment.counterparty].openssl,
        };
        self.openssl.verify(key, payment.scheme, &payment.message, &payment.encoded)
    }
}

/// 300 to 900 bytes in the shape of what card networks send: fields of digits.
fn message(i: usize) -> Vec<u8> {
    let len = 300 + i * 37 % 601;
    format!("0200 {i:019} ").bytes().chain((b'0'..=b'9').cycle()).take(len).collect()
}

/// A key of OpenSSL's; any number of threads may verify with it.
#[derive(Clone, Copy)]
struct OpenSslKey(*mut c_void);

// SAFETY: an EVP_PKEY that is not changed may be used by many threads at once, and these live as long as the process.
unsafe impl Send for OpenSslKey {}
// SAFETY: as above.
unsafe impl Sync for OpenSslKey {}

/// The functions of `openssl.c`.
struct OpenSsl {
    key: unsafe extern "C" fn(*const u8, usize) -> *mut c_void,
    rsa_2048: unsafe extern "C" fn() -> *mut c_void,
    rsa_modulus: unsafe extern "C" fn(*const c_void, *mut u8),
    rsa_sign: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, *mut u8),
    verify: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, *const u8, usize) -> i32,
}

impl OpenSsl {
    fn load() -> Self {
        let library =
            c_library::load(&c_library::compile("payment/openssl.c", "payment_openssl", ["-lcrypto"]));
        // SAFETY: the types are those of openssl.c.
        unsafe {
            Self {
                key: c_library::function(library, "openssl_key"),
                rsa_2048: c_library::function(library, "openssl_rsa_2048"),
                rsa_modulus: c_library::function(library, "openssl_rsa_modulus"),
                rsa_sign: c_library::function(library, "openssl_rsa_sign"),
                verify: c_library::function(library, "openssl_verify"),
            }
        }
    }

    fn key(&self, spki: &[u8]) -> OpenSslKey {
        // SAFETY: pointer and length are those of a slice.
        OpenSslKey(unsafe { (self.key)(spki.as_ptr(), spki.len()) })
    }

    fn rsa_key(&self) -> RsaKey {
        let mut modulus = [0; 256];
        // SAFETY: the key is OpenSSL's own, and the modulus has the 256 bytes that are written.
        let openssl = unsafe {
            let key = (self.rsa_2048)();
            (self.rsa_modulus)(key, modulus.as_mut_ptr());
            OpenSslKey(key)
        };
        let public =
            RsaPublicKey::new(BoxedUint::from_be_slice_vartime(&modulus), BoxedUint::from(65537_u32))
                .unwrap();
        let (pkcs1, pss) = (pkcs1v15::VerifyingKey::new(public.clone()), pss::VerifyingKey::new(public));
        RsaKey { pkcs1, pss, openssl }
    }

    fn rsa_sign(&self, key: OpenSslKey, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; 256];
        // SAFETY: the pointers and lengths are those of slices; the signature has the 256 bytes that are written.
        unsafe {
            (self.rsa_sign)(key.0, scheme as u32, message.as_ptr(), message.len(), signature.as_mut_ptr());
        }
        signature
    }

    fn verify(&self, key: OpenSslKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        let (message_len, signature_len) = (message.len(), signature.len());
        // SAFETY: the pointers and lengths are those of slices.
        let good = unsafe {
            (self.verify)(
                key.0,
                scheme as u32,
                message.as_ptr(),
                message_len,
                signature.as_ptr(),
                signature_len,
            )
        };
        good == 1
    }
}
