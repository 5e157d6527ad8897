//! Signature schemes: confused, downgraded, counted twice, mangled, and registered by the attacker.

use crate::support::keys::{generate, put, record, record_as, trust};
use crate::support::{Trust, fee};
use sogov::artifact::sigmeta::{Sigmeta, SignatureEntry};
use sogov::artifact::statement;
use sogov::crypto::hmac::SecretKey;
use sogov::crypto::key::{
    Key, PrivateKey, PublicKey, RegisteredKey, RegisteredPair, RegisteredSigner, Signer,
};
use sogov::crypto::p256;
use sogov::crypto::scheme::{Implementation, Scheme, SchemeName};
use sogov::crypto::sm2::{self, UserId};
use sogov::engine::{Engine, FileFacts, FileSigner, LoadOptions, schemes, verify_by};
use sogov::error::{Result, Status};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// n of P-256 (SP 800-186) and of sm2p256v1 (GB/T 32918.5-2017).
const P256_N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const SM2_N: &str = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";

/// The file says that an ECDSA signature is one of SM2, and the other way round.
#[test]
fn algorithm_confusion_in_the_file() {
    for (scheme, claimed) in
        [(Scheme::EcdsaP256, 1), (Scheme::Sm2Sm3, 2), (Scheme::Sm2Sm3, 4), (Scheme::Sm2Sm3, 0)]
    {
        let key = generate(scheme);
        let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
        attack.alter(|container| container.signatures[0].scheme = claimed);
        assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    }
}

/// The signature is good, and the file says the truth; the record of the key says another scheme.
#[test]
fn a_key_record_of_another_algorithm_than_the_key() {
    for (scheme, recorded) in [(Scheme::EcdsaP256, "sm2-sm3"), (Scheme::Sm2Sm3, "ecdsa-p256")] {
        let key = generate(scheme);
        let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
        attack.trust.write(&Trust::document(&record_as(&key.public_key(), recorded, ""), ""));
        assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
        // And the file follows the record.
        let number = Scheme::from_name(recorded).unwrap().id().unwrap();
        attack.alter(|container| container.signatures[0].scheme = number);
        assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    }
}

/// The stronger of two signatures that the service asks for is taken out of the file.
#[test]
fn downgrade_to_the_signatures_that_are_left() {
    let (sm2, p256) = (generate(Scheme::Sm2Sm3), generate(Scheme::EcdsaP256));
    let rule = r#","schemes":[["sm2-sm3"],["ecdsa-p256","rsa-pss-sha512"]]"#;
    for taken in [0, 1] {
        let attack = Attack::new(trust(&[&sm2.public_key(), &p256.public_key()], rule), &[&sm2, &p256]);
        assert_eq!(attack.verdict(), Ok(()));
        attack.alter(|container| drop(container.signatures.remove(taken)));
        assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    }
}

/// Two signatures by one key: the container takes no key twice.
#[test]
fn one_key_counted_twice_in_the_container() {
    let (key, other) = (generate(Scheme::EcdsaP256), generate(Scheme::EcdsaP256));
    let attack =
        Attack::new(trust(&[&key.public_key(), &other.public_key()], r#","threshold":2"#), &[&key, &other]);
    assert_eq!(attack.verdict(), Ok(()));
    let container = attack.container();
    let der = container.to_der().unwrap();
    let [first, second] = container.signatures.as_slice() else { panic!("two signatures") };
    let again = attack.sign(&key);
    let changed = replace(&der, second.key_id.as_bytes(), first.key_id.as_bytes());
    fs::write(&attack.signature, replace(&changed, &second.signature, &again.signature)).unwrap();
    assert_eq!(attack.verdict(), Err(Status::Modified));
}

/// The same key in two files, once with its point compressed: it is one key by its id.
#[test]
fn one_key_counted_twice_by_its_encodings() {
    let key = generate(Scheme::EcdsaP256);
    let public = key.public_key();
    let attack = Attack::new(trust(&[&public], r#","threshold":2"#), &[&key]);
    let der = public.to_der();
    let point = &der[der.len() - 65..];
    let algorithm = &der[2..23];
    let compressed = [&[0x30, 0x39], algorithm, &[3, 34, 0, 2 | point[64] & 1], &point[1..33]].concat();
    assert_eq!(PublicKey::from_encoded(&compressed).unwrap().key_id(), public.key_id());
    fs::write(attack.trust.path().join("keys/again.der"), compressed).unwrap();
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
}

#[test]
fn r_and_s_out_of_range() {
    for (scheme, order) in [(Scheme::EcdsaP256, P256_N), (Scheme::Sm2Sm3, SM2_N)] {
        let key = generate(scheme);
        let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
        let good = attack.container().signatures[0].signature.clone();
        let order = unhex(order);
        for scalar in [vec![0; 32], order.clone(), vec![0xff; 32]] {
            for place in [0, 32] {
                attack.alter(|container| {
                    container.signatures[0].signature[place..place + 32].copy_from_slice(&scalar);
                });
                assert_eq!(attack.verdict(), Err(Status::Modified), "{scheme}");
                attack.alter(|container| container.signatures[0].signature.clone_from(&good));
            }
        }
        // r + s = n: where t of SM2 would be zero.
        let s: Vec<u8> = [vec![0; 31], vec![1]].concat();
        let mut r = order;
        r[31] -= 1;
        attack.alter(|container| container.signatures[0].signature = [r, s].concat());
        assert_eq!(attack.verdict(), Err(Status::Modified), "{scheme}");
    }
}

/// DER has no place in a container, and at the border one reading.
#[test]
fn padded_der() {
    for scheme in [Scheme::EcdsaP256, Scheme::Sm2Sm3] {
        let key = generate(scheme);
        let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
        let der = scheme.signature_to_der(&attack.container().signatures[0].signature).unwrap();
        attack.alter(|container| container.signatures[0].signature.clone_from(&der));
        assert_eq!(attack.verdict(), Err(Status::Modified));

        let (length, body) = (der[1], &der[2..]);
        let (r, s) = body.split_at(2 + usize::from(body[1]));
        let zero_before_r = [&[0x30, length + 1, 2, r[1] + 1, 0], &r[2..], s].concat();
        for padded in [
            zero_before_r,
            [&[0x30, 0x81, length], body].concat(),
            [&[0x30, 0x80], body, &[0, 0]].concat(),
            [&*der, &[0]].concat(),
            [&[0x30, length + 2], body, &[5, 0]].concat(),
            der[..der.len() - 1].to_vec(),
        ] {
            let refused = scheme.signature_from_der(&padded).unwrap_err();
            assert_eq!(refused.status(), Status::SignatureInvalid, "{padded:02x?}");
        }
    }
}

/// Signed under another id than that of the key's record; no other id is tried.
#[test]
fn wrong_user_id() {
    let key = generate(Scheme::Sm2Sm3);
    let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
    for id in [b"".as_slice(), b"mallory"] {
        let entry = attack.sign_under(&key, &UserId::new(id).unwrap());
        attack.alter(|container| container.signatures = vec![entry]);
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}

/// Every verifier could make such a code; the public key, which everybody has, could serve as its secret.
#[test]
fn hmac_as_a_plugin_signature() {
    let key = generate(Scheme::EcdsaP256);
    let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
    let secret = SecretKey::from_bytes(&key.public_key().to_der()).unwrap();
    let id = key.public_key().key_id();
    let code = secret.sign(&statement::signed_bytes(&attack.container().statement, 4, &id)).unwrap();
    attack.alter(|container| {
        container.signatures[0] = SignatureEntry { key_id: id, scheme: 4, signature: code.to_vec() };
    });
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // A document that names such a key is no trust document.
    attack.trust.write(&Trust::document(&record_as(&key.public_key(), "hmac-sha256", ""), ""));
    assert_eq!(attack.verdict(), Err(Status::TrustInvalid));
    // And no such key signs a plugin.
    let refused = Key::Secret(secret).with_signer(schemes(), |_| Ok(())).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidArgument);
}

/// A scheme that takes every signature, which the trust document does not name.
#[test]
fn a_registered_scheme_that_says_yes_to_all() {
    let (name, _live) = register("x-yes-unnamed", 201, true);
    let key = generate(Scheme::Sm2Sm3);
    let attack = Attack::new(trust(&[&key.public_key()], ""), &[&key]);
    // Its number under a key that is trusted for another scheme.
    attack.alter(|container| container.signatures[0].scheme = 201);
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // Its own key, which no record names.
    let forged = RegisteredKey::new(name, b"any").unwrap();
    put(attack.trust.path(), &PublicKey::Registered(forged.clone()));
    attack.alter(|container| {
        container.signatures[0] = SignatureEntry { key_id: forged.key_id(), scheme: 201, signature: vec![1] };
    });
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // A record that names its key makes no scheme count which the document does not name.
    let document = Trust::document(&record(&PublicKey::Registered(forged), ""), "");
    attack.trust.write(&document);
    assert_eq!(attack.verdict(), Err(Status::TrustInvalid));
}

/// Where the trust document names it, it counts for what it is: neither for another scheme nor for another key.
#[test]
fn a_registered_scheme_that_is_named_lowers_nothing() {
    let (name, _live) = register("x-yes-named", 202, true);
    let own = RegisteredKey::new(name, b"any").unwrap();
    let pair = RegisteredPair::new(own.clone(), b"secret").unwrap();
    let signer = RegisteredSigner { pair: &pair, schemes: schemes() };
    let (sm2, public) = (generate(Scheme::Sm2Sm3), PublicKey::Registered(own));
    let attack = Attack::new(trust(&[&sm2.public_key()], ""), &[&signer]);
    put(attack.trust.path(), &public);
    let write = |rule: &str| {
        let records = [record(&sm2.public_key(), ""), record(&public, "")].join(",");
        attack.trust.write(&Trust::document(&records, &format!(r#"{{"name":"*"{rule}}}"#)).replacen(
            '{',
            r#"{"registered_schemes":["x-yes-named"],"#,
            1,
        ));
    };
    write("");
    assert_eq!(attack.verdict(), Ok(()), "the document says that it counts");
    write(r#","threshold":2"#);
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    write(r#","schemes":[["sm2-sm3"]]"#);
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // A forged signature of the SM2 key under its number.
    let forged = SignatureEntry { key_id: sm2.public_key().key_id(), scheme: 202, signature: vec![1; 64] };
    attack.alter(|container| container.signatures.push(forged));
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // When the host takes it away, its signatures count no more.
    write("");
    attack.alter(|container| container.signatures.truncate(1));
    schemes().unregister(name).unwrap();
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
}

#[test]
fn schemes_of_the_library_cannot_be_replaced() {
    let yes: Arc<dyn Implementation> = Arc::new(Answers { verdict: true, live: Arc::default() });
    for name in ["sm2-sm3", "ecdsa-p256", "rsa-pss-sha512", "hmac-sha256", "X-upper", "y-other"] {
        assert!(SchemeName::new(name).is_err(), "{name}");
    }
    for number in [0, 1, 2, 3, 4, 127, 255] {
        let refused = schemes().register(SchemeName::new("x-number").unwrap(), number, &yes).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidArgument);
    }
    assert_eq!(SchemeName::new("x-number").ok().and_then(|name| schemes().number(name)), None);
}

/// Eight threads verify while the scheme is replaced thousands of times: none ever sees it missing or torn, and every
/// implementation is let go of exactly once.
#[test]
fn a_registered_scheme_is_replaced_under_verifying_threads() {
    let (name, live) = register("x-replaced", 203, true);
    let key = Key::Public(PublicKey::Registered(RegisteredKey::new(name, b"key").unwrap()));
    let (stop, verified) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(verify_by(&key, &UserId::default(), b"message", b"signature"), Ok(()));
                    verified.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut replaced = 0;
        while replaced < 2000 || verified.load(Ordering::Relaxed) < 8000 {
            live.fetch_add(1, Ordering::SeqCst);
            let next: Arc<dyn Implementation> = Arc::new(Answers { verdict: true, live: Arc::clone(&live) });
            schemes().register(name, 203, &next).unwrap();
            replaced += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    schemes().unregister(name).unwrap();
    assert_eq!(live.load(Ordering::SeqCst), 0);
    let missing = verify_by(&key, &UserId::default(), b"message", b"signature").unwrap_err();
    assert_eq!(missing.status(), Status::Unsupported);
}

/// A key on one curve cannot be read as one on the other, nor a key of weak RSA at all.
#[test]
fn keys_that_no_scheme_takes() {
    let p256 = p256::PrivateKey::generate().unwrap();
    let sm2 = sm2::PrivateKey::generate().unwrap();
    let infinity = |der: &[u8]| [&[0x30, 25], &der[2..23], &[3, 2, 0, 0]].concat();
    let mut off_curve = p256.public_key().to_spki_der();
    off_curve[90] ^= 1;
    let mut other_curve = sm2.public_key().to_spki_der().to_vec();
    other_curve.splice(..23, p256.public_key().to_spki_der()[..23].iter().copied());
    for der in [infinity(&p256.public_key().to_spki_der()), off_curve.to_vec(), other_curve] {
        assert_eq!(PublicKey::from_encoded(&der).unwrap_err().status(), Status::KeyInvalid);
    }
    let directory = crate::support::TempDir::new();
    let openssl = |arguments: &str| crate::support::keys::openssl(&directory, arguments);
    for options in [
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "-algorithm RSA -pkeyopt rsa_keygen_bits:3072 -pkeyopt rsa_keygen_pubexp:3",
        "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:3072",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ] {
        openssl(&format!("genpkey {options} -out key.pem"));
        openssl("pkey -in key.pem -pubout -out public.pem");
        let file = fs::read(directory.path().join("public.pem")).unwrap();
        assert_eq!(PublicKey::from_encoded(&file).unwrap_err().status(), Status::KeyInvalid, "{options}");
    }
}

/// A scheme that answers always the same.
struct Answers {
    verdict: bool,
    /// How many of its kind live.
    live: Arc<AtomicUsize>,
}

impl Implementation for Answers {
    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        self.verdict
    }

    fn sign(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>> {
        Ok(b"signature".to_vec())
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let _ = self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |live| live.checked_sub(1));
    }
}

fn register(name: &str, number: u8, verdict: bool) -> (SchemeName, Arc<AtomicUsize>) {
    let (name, live) = (SchemeName::new(name).unwrap(), Arc::new(AtomicUsize::new(1)));
    let implementation: Arc<dyn Implementation> = Arc::new(Answers { verdict, live: Arc::clone(&live) });
    schemes().register(name, number, &implementation).unwrap();
    (name, live)
}

/// A plugin with a detached signature, which the attacker rewrites.
pub(super) struct Attack {
    pub(super) trust: Trust,
    pub(super) plugin: PathBuf,
    pub(super) signature: PathBuf,
}

impl Attack {
    /// A copy of the fee plugin that `signers` have signed.
    pub(super) fn new(trust: Trust, signers: &[&dyn Signer]) -> Self {
        let (plugin, signature) = (trust.path().join("attacked.so"), trust.path().join("attacked.so.sogsig"));
        fs::copy(fee("v1"), &plugin).unwrap();
        let facts =
            FileFacts { service: "fee".into(), version: "v1".into(), epoch: 1, ..FileFacts::default() };
        for (index, key) in signers.iter().enumerate() {
            let signer = FileSigner { key: *key, user_id: &UserId::default() };
            if index == 0 {
                signer.sign_detached(&plugin, None, &facts).unwrap();
            } else {
                signer.add_signature(&signature).unwrap();
            }
        }
        Self { trust, plugin, signature }
    }

    pub(super) fn container(&self) -> Sigmeta {
        Sigmeta::from_der(&fs::read(&self.signature).unwrap()).unwrap()
    }

    pub(super) fn alter(&self, change: impl FnOnce(&mut Sigmeta)) {
        let mut container = self.container();
        change(&mut container);
        fs::write(&self.signature, container.to_der().unwrap()).unwrap();
    }

    /// A further signature over the statement.
    pub(super) fn sign(&self, key: &PrivateKey) -> SignatureEntry {
        self.sign_under(key, &UserId::default())
    }

    pub(super) fn sign_under(&self, key: &PrivateKey, user_id: &UserId) -> SignatureEntry {
        let (key_id, scheme) = (key.public_key().key_id(), key.scheme().id().unwrap());
        let signed = statement::signed_bytes(&self.container().statement, scheme, &key_id);
        SignatureEntry { key_id, scheme, signature: key.sign(user_id, &signed).unwrap() }
    }

    pub(super) fn verdict(&self) -> std::result::Result<(), Status> {
        verify(&self.trust, &self.plugin)
    }
}

fn verify(trust: &Trust, plugin: &Path) -> std::result::Result<(), Status> {
    let engine = Engine::open(trust.options()).map_err(|e| e.status())?;
    engine.verify_file("fee", Some("v1"), plugin, &LoadOptions::default()).map(drop).map_err(|e| e.status())
}

/// `bytes` with the one place of `from` overwritten by `to`, which has the same length.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    let mut changed = bytes.to_vec();
    changed[place..place + to.len()].copy_from_slice(to);
    changed
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
