//! Update packages: envelopes of other forms, parts of others, other hosts, other times, and files with names that climb.

use crate::support::clock::TestClock;
use crate::support::keys::{generate, openssl, put, record};
use crate::support::packages::{HOST, Host, elements, facts, rsa, split, tlv};
use crate::support::{TempDir, Trust, fee};
use sogov::artifact::package::{Entry, Manifest, Package, PackageId, Role, file_digest};
use sogov::artifact::sigmeta::{Sigmeta, SignatureEntry};
use sogov::artifact::statement::{Domain, package_signed_bytes, signed_bytes};
use sogov::crypto::envelope::{self, Recipient, RecipientKey};
use sogov::crypto::key::Signer;
use sogov::crypto::scheme::Scheme;
use sogov::crypto::sm2::{PrivateKey, UserId};
use sogov::engine::{
    Change, FileFacts, FileSigner, FileStanding, LoadOptions, PackageFacts, check_message, pack,
    sign_document,
};
use sogov::error::Status;
use sogov::timestamp;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use zeroize::Zeroizing;

const DAY: u64 = 86_400;

/// The parts of an envelope, each whole, to be put together anew.
#[derive(Clone)]
struct Parts {
    content_type: Vec<u8>,
    version: Vec<u8>,
    recipients: Vec<Vec<u8>>,
    data_type: Vec<u8>,
    cipher: Vec<u8>,
    nonce: Vec<u8>,
    icv_len: Vec<u8>,
    ciphertext: Vec<u8>,
    /// What stands between the content and the mac, and behind the mac.
    between: Vec<u8>,
    mac: Vec<u8>,
    behind: Vec<u8>,
}

impl Parts {
    fn of(envelope: &[u8]) -> Self {
        let outer = elements(split(envelope).1);
        let data = elements(split(split(&outer[1]).1).1);
        let content = elements(split(&data[2]).1);
        let algorithm = elements(split(&content[1]).1);
        let parameters = elements(split(&algorithm[1]).1);
        Self {
            content_type: outer[0].clone(),
            version: data[0].clone(),
            recipients: elements(split(&data[1]).1),
            data_type: content[0].clone(),
            cipher: algorithm[0].clone(),
            nonce: parameters[0].clone(),
            icv_len: parameters[1].clone(),
            ciphertext: content[2].clone(),
            between: vec![],
            mac: data[3].clone(),
            behind: vec![],
        }
    }

    fn build(&self) -> Vec<u8> {
        let parameters = tlv(0x30, &[&self.nonce, &self.icv_len]);
        let algorithm = tlv(0x30, &[&self.cipher, &parameters]);
        let content = tlv(0x30, &[&self.data_type, &algorithm, &self.ciphertext]);
        let recipients = tlv(0x31, &[&self.recipients.concat()]);
        let data = tlv(0x30, &[&self.version, &recipients, &content, &self.between, &self.mac, &self.behind]);
        tlv(0x30, &[&self.content_type, &tlv(0xa0, &[&data])])
    }
}

/// A good package and its host.
fn good() -> (Host, Vec<u8>) {
    let host = Host::new();
    let package = fs::read(host.pack("good.sogpkg", "v1", &facts(1))).unwrap();
    (host, package)
}

/// The answer to a package with these bytes; whatever is refused leaves nothing behind.
fn verdict(host: &Host, package: &[u8]) -> Result<(), Status> {
    let path = host.work.path().join("attack.sogpkg");
    fs::write(&path, package).unwrap();
    let before = host.installed();
    let verdict = host.install(&path).map(drop).map_err(|e| e.status());
    if verdict.is_err() {
        assert_eq!(host.installed(), before, "nothing of what was refused may be seen");
    }
    verdict
}

fn refused(host: &Host, package: &[u8], why: &str) {
    let path = host.work.path().join("attack.sogpkg");
    fs::write(&path, package).unwrap();
    let error = host.install(&path).unwrap_err();
    assert_eq!(error.status(), Status::PackageInvalid, "{error}");
    assert!(error.message().contains(why), "expected {why:?} in {error}");
    assert_eq!(host.installed(), Vec::<String>::new());
}

/// Changes a good envelope; it has to be refused for the reason `why`.
fn attack(change: impl FnOnce(&mut Parts), why: &str) {
    let (host, package) = good();
    let mut parts = Parts::of(&package);
    assert_eq!(parts.build(), package, "what is not changed is put together as it was");
    change(&mut parts);
    refused(&host, &parts.build(), why);
}

#[test]
fn the_package_that_the_attacks_change_is_good() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &package), Ok(()));
    assert_eq!(host.installed().len(), 1);
}

#[test]
fn a_gcm_tag_of_1_byte() {
    cut_tag(1);
}

#[test]
fn a_gcm_tag_of_4_bytes() {
    cut_tag(4);
}

#[test]
fn a_gcm_tag_of_12_bytes() {
    cut_tag(12);
}

/// A shorter tag that says so, one that does not, and the default, which is 12.
fn cut_tag(len: u8) {
    attack(
        |parts| {
            parts.mac = tlv(4, &[&split(&parts.mac.clone()).1[..len.into()]]);
            parts.icv_len = vec![2, 1, len];
        },
        "ICVlen: expected 16",
    );
    attack(|parts| parts.mac = tlv(4, &[&split(&parts.mac.clone()).1[..len.into()]]), "mac: expected 16");
    attack(
        |parts| {
            parts.mac = tlv(4, &[&split(&parts.mac.clone()).1[..len.into()]]);
            parts.icv_len = vec![];
        },
        "the default, which is 12",
    );
}

#[test]
fn a_nonce_of_another_length() {
    for len in [0, 1, 8, 11, 13, 16] {
        attack(|parts| parts.nonce = tlv(4, &[&vec![7; len]]), "nonce: expected 12 bytes");
    }
}

#[test]
fn ber_with_indefinite_lengths() {
    let (host, package) = good();
    let (_, contents, _) = split(&package);
    refused(&host, &[&[0x30, 0x80], contents, &[0, 0]].concat(), "not strict DER");
    // A constructed ciphertext, as streams are written.
    attack(
        |parts| {
            let whole = tlv(4, &[split(&parts.ciphertext.clone()).1]);
            parts.ciphertext = [&[0xa0, 0x80], whole.as_slice(), &[0, 0]].concat();
        },
        "encryptedContent",
    );
    attack(
        |parts| {
            let whole = tlv(4, &[split(&parts.ciphertext.clone()).1]);
            parts.ciphertext = tlv(0xa0, &[&whole]);
        },
        "encryptedContent",
    );
}

#[test]
fn ber_with_padded_lengths_and_integers() {
    attack(|parts| parts.version = vec![2, 2, 0, 0], "padded");
    attack(|parts| parts.version = vec![2, 0x81, 1, 0], "not strict DER");
}

/// The cipher of the content is AES-GCM, and the container one that has no place for its tag.
#[test]
fn aead_in_enveloped_data() {
    let enveloped_data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
    attack(|parts| parts.content_type = enveloped_data.to_vec(), "expected AuthEnvelopedData");
    attack(
        |parts| {
            parts.content_type = enveloped_data.to_vec();
            parts.mac = vec![];
        },
        "expected AuthEnvelopedData",
    );
}

#[test]
fn authenticated_attributes() {
    attack(|parts| parts.between = tlv(0xa1, &[&[0x30, 0]]), "authAttrs are refused");
}

#[test]
fn attributes_that_nothing_authenticates() {
    attack(|parts| parts.behind = tlv(0xa2, &[&[0x30, 0]]), "unauthAttrs are refused");
}

#[test]
fn an_originator() {
    attack(|parts| parts.version = [&*parts.version, &tlv(0xa0, &[])].concat(), "originatorInfo is refused");
}

#[test]
fn another_cipher_for_the_content() {
    let aes_256_cbc = tlv(6, &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42]]);
    attack(|parts| parts.cipher = aes_256_cbc, "contentEncryptionAlgorithm: expected");
}

#[test]
fn no_recipients_many_and_one_twice() {
    attack(|parts| parts.recipients.clear(), "no recipient");
    attack(|parts| parts.recipients = vec![parts.recipients[0].clone(); 2], "order of DER");
    attack(
        |parts| {
            let one = elements(split(&parts.recipients[0]).1);
            parts.recipients = (0..65_u8)
                .map(|number| tlv(0x30, &[&one[0], &tlv(0x80, &[&[number; 20]]), &one[2], &one[3]]))
                .collect();
        },
        "at most 64 recipients",
    );
}

/// Content, tag, nonce and wrapped key: one answer, so that nobody learns which of them it was.
#[test]
fn altered_ciphertext_tag_nonce_and_wrapped_key_are_one_error() {
    for host in [Host::new(), Host::rsa()] {
        let package = fs::read(host.pack("good.sogpkg", "v1", &facts(1))).unwrap();
        let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
        let changes: [&dyn Fn(&mut Parts); 5] = [
            &|parts| flip(&mut parts.ciphertext),
            &|parts| flip(&mut parts.mac),
            &|parts| flip(&mut parts.nonce),
            &|parts| flip(&mut parts.recipients[0]),
            // A wrapped key that is none at all: shorter.
            &|parts| {
                let one = elements(split(&parts.recipients[0]).1);
                parts.recipients = vec![tlv(0x30, &[&one[0], &one[1], &one[2], &tlv(4, &[b"short"])])];
            },
        ];
        let mut answers: Vec<_> = changes
            .iter()
            .map(|change| {
                let mut parts = Parts::of(&package);
                change(&mut parts);
                let error = envelope::open(&parts.build(), &host.key).unwrap_err();
                (error.status(), error.message().to_owned())
            })
            .collect();
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].0, Status::PackageInvalid);
    }
}

/// Every bit of the padding that RSA-OAEP has, by one and the same answer (Manger 2001).
#[test]
fn rsa_ciphertexts_that_decrypt_to_anything() {
    let host = Host::rsa();
    let package = fs::read(host.pack("good.sogpkg", "v1", &facts(1))).unwrap();
    let mut answers = Vec::new();
    for wrapped in [vec![0; 384], vec![1; 384], vec![0xff; 384], vec![0; 383], vec![]] {
        let mut parts = Parts::of(&package);
        let one = elements(split(&parts.recipients[0]).1);
        parts.recipients = vec![tlv(0x30, &[&one[0], &one[1], &one[2], &tlv(4, &[&wrapped])])];
        answers.push(envelope::open(&parts.build(), &host.key).unwrap_err().to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

fn key_encryption(oid_tail: u8, parameters: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, oid_tail], parameters])
}

/// A package for a key of RSA whose recipient says another way of encryption; the wrapped key is really encrypted so.
fn rsa_attack(algorithm: &[u8], options: &str) {
    let host = Host::rsa();
    let package = fs::read(host.pack("good.sogpkg", "v1", &facts(1))).unwrap();
    let directory = TempDir::new();
    let at = |name: &str| directory.path().join(name);
    let (_, public) = rsa();
    fs::write(at("public.pem"), public).unwrap();
    fs::write(at("key"), [7; 32]).unwrap();
    openssl(&directory, &format!("pkeyutl -encrypt -pubin -inkey public.pem -in key -out wrapped {options}"));
    let mut parts = Parts::of(&package);
    let one = elements(split(&parts.recipients[0]).1);
    let wrapped = tlv(4, &[&fs::read(at("wrapped")).unwrap()]);
    parts.recipients = vec![tlv(0x30, &[&one[0], &one[1], algorithm, &wrapped])];
    refused(&host, &parts.build(), "keyEncryptionAlgorithm: expected RSAES-OAEP with SHA-256");
}

/// Without parameters OAEP means SHA-1 (RFC 4055).
#[test]
fn oaep_with_sha_1() {
    let options = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1";
    rsa_attack(&key_encryption(7, &[0x30, 0]), options);
    let sha1 = [0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
    rsa_attack(&key_encryption(7, &tlv(0x30, &[&tlv(0xa0, &[&sha1])])), options);
}

#[test]
fn oaep_with_a_label() {
    let sha256 = [0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
    let mgf = key_encryption(8, &sha256);
    let label = key_encryption(9, &tlv(4, &[b"label"]));
    let parameters = tlv(0x30, &[&tlv(0xa0, &[&sha256]), &tlv(0xa1, &[&mgf]), &tlv(0xa2, &[&label])]);
    rsa_attack(
        &key_encryption(7, &parameters),
        "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 -pkeyopt rsa_oaep_label:6c6162656c",
    );
}

#[test]
fn a_key_wrapped_by_pkcs_1_version_1_5() {
    rsa_attack(&key_encryption(1, &[5, 0]), "-pkeyopt rsa_padding_mode:pkcs1");
}

/// Neither as a recipient nor as a key that decrypts.
#[test]
fn an_rsa_key_of_2048_bits() {
    let directory = TempDir::new();
    openssl(&directory, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    openssl(&directory, "pkey -in key.pem -pubout -out public.pem");
    openssl(&directory, "req -x509 -new -key key.pem -subj /CN=host -out certificate.pem");
    let read = |name| fs::read(directory.path().join(name)).unwrap();
    for name in ["public.pem", "certificate.pem"] {
        assert_eq!(Recipient::from_encoded(&read(name)).unwrap_err().status(), Status::KeyInvalid);
    }
    let refused = RecipientKey::from_encoded(&read("key.pem"), None, None).unwrap_err();
    assert_eq!(refused.status(), Status::KeyInvalid);
    assert!(refused.message().contains("3072"), "{refused}");
}

#[test]
fn a_package_for_somebody_else() {
    let (host, other) = (Host::new(), Host::new());
    let package = host.pack_for("other.sogpkg", "v1", &facts(1), std::slice::from_ref(&other.recipient));
    refused(&host, &fs::read(package).unwrap(), "none of its recipients");
}

/// A host that received a package encrypts it anew for another, whom its signers did not mean.
#[test]
fn a_package_rewrapped_for_another_host() {
    let (host, other) = good_and_other();
    let package = fs::read(host.pack("good.sogpkg", "v1", &facts(1))).unwrap();
    let plain = envelope::open(&package, &host.key).unwrap();
    let rewrapped = envelope::seal(plain, std::slice::from_ref(&other.recipient)).unwrap();
    let path = host.work.path().join("rewrapped.sogpkg");
    fs::write(&path, rewrapped).unwrap();
    let verdict = host.engine().install(&path, &other.key, "host-2", &Change::default());
    assert_eq!(verdict.unwrap_err().status(), Status::WrongAudience);
    assert_eq!(host.installed(), Vec::<String>::new());
}

fn good_and_other() -> (Host, Host) {
    (Host::new(), Host::new())
}

#[test]
fn a_package_for_another_audience() {
    let host = Host::new();
    for audiences in [vec!["host-2".to_owned()], vec!["HOST-1".into(), "host-1 ".into(), "host-".into()]] {
        let package = host.pack("other.sogpkg", "v1", &PackageFacts { audiences, ..facts(1) });
        assert_eq!(host.install(&package).unwrap_err().status(), Status::WrongAudience);
    }
}

#[test]
fn a_package_that_was_installed_before() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &package), Ok(()));
    assert_eq!(verdict(&host, &package), Err(Status::Replayed));
    // Encrypted anew it is the same package still.
    let plain = envelope::open(&package, &host.key).unwrap();
    let again = envelope::seal(plain, std::slice::from_ref(&host.recipient)).unwrap();
    assert_eq!(verdict(&host, &again), Err(Status::Replayed));
}

#[test]
fn a_package_of_an_older_epoch() {
    let host = Host::new();
    let (old, new) = (host.pack("old.sogpkg", "v1", &facts(3)), host.pack("new.sogpkg", "v2", &facts(4)));
    let same = host.pack("same.sogpkg", "v3", &facts(4));
    host.install(&new).unwrap();
    assert_eq!(host.install(&old).unwrap_err().status(), Status::Replayed);
    host.install(&same).unwrap();
    assert_eq!(host.installed().len(), 2);
}

#[test]
fn a_package_below_the_floor_of_the_trust_document() {
    let (host, package) = good();
    let keys = Trust::key_entry(&host.trust.key, "");
    host.trust.write(&Trust::document(&keys, r#"{"name":"fee","epoch_floor":2}"#));
    assert_eq!(verdict(&host, &package), Err(Status::BelowFloor));
}

/// The plugin of a package is good, and older than the floor of its service.
#[test]
fn a_plugin_below_the_floor_in_a_package_above_it() {
    let host = Host::new();
    let package = fs::read(host.pack("good.sogpkg", "v1", &facts(9))).unwrap();
    let keys = Trust::key_entry(&host.trust.key, "");
    host.trust.write(&Trust::document(&keys, r#"{"name":"fee","epoch_floor":2}"#));
    assert_eq!(verdict(&host, &package), Err(Status::BelowFloor));
}

#[test]
fn an_expired_package() {
    let host = Host::new();
    let package = host.pack("old.sogpkg", "v1", &PackageFacts { not_after: Some(1_700_000_000), ..facts(1) });
    assert_eq!(host.install(&package).unwrap_err().status(), Status::Expired);
}

/// What is inside of a package, to be changed and encrypted by whoever has the host's public key.
struct Inside {
    manifest: Manifest,
    files: Vec<Vec<u8>>,
}

impl Inside {
    fn new(host: &Host) -> Self {
        let plugin = fs::read(host.plugin("v1").path).unwrap();
        let entry = entry("fee.so", Role::Plugin, &plugin);
        let manifest = Manifest {
            id: PackageId([9; 16]),
            epoch: 1,
            service: "fee".into(),
            audiences: vec![HOST.into()],
            created: 0,
            not_after: u64::MAX,
            issuer: String::new(),
            entries: vec![entry],
            critical: vec![],
        };
        Self { manifest, files: vec![plugin] }
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        self.manifest.entries.push(entry(name, Role::File, content));
        self.files.push(content.to_vec());
    }

    fn signed(&self, keys: &[&dyn Signer]) -> Sigmeta {
        let der = self.manifest.to_der().unwrap();
        let signatures = keys.iter().map(|key| signature(*key, &der)).collect();
        Sigmeta { statement: der, signatures }
    }

    fn package(&self, signed: &Sigmeta) -> Vec<u8> {
        let files: Vec<&[u8]> = self.files.iter().map(Vec::as_slice).collect();
        Package::to_der(signed, &files).unwrap()
    }
}

fn entry(name: &str, role: Role, content: &[u8]) -> Entry {
    Entry { name: name.into(), role, len: content.len() as u64, digest: file_digest(content) }
}

fn signature(key: &dyn Signer, manifest: &[u8]) -> SignatureEntry {
    let (key_id, scheme) = (key.public_key().key_id(), key.scheme_number().unwrap());
    let signature = key.sign(&UserId::default(), &package_signed_bytes(manifest, scheme, &key_id)).unwrap();
    SignatureEntry { key_id, scheme, signature }
}

/// The answer to a content that was encrypted for the host.
fn inside(host: &Host, content: Vec<u8>) -> Result<(), Status> {
    let sealed = envelope::seal(Zeroizing::new(content), std::slice::from_ref(&host.recipient)).unwrap();
    verdict(host, &sealed)
}

#[test]
fn the_inside_that_the_attacks_change_is_good() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("fee.sbom.json", b"{}");
    assert_eq!(inside(&host, package.package(&package.signed(&[&host.trust.key]))), Ok(()));
}

#[test]
fn an_inner_signature_by_a_stranger() {
    let (host, stranger) = (Host::new(), PrivateKey::generate().unwrap());
    let package = Inside::new(&host);
    assert_eq!(inside(&host, package.package(&package.signed(&[&stranger]))), Err(Status::UntrustedKey));
}

#[test]
fn a_threshold_that_is_not_reached() {
    let host = Host::new();
    let second = generate(Scheme::EcdsaP256);
    put(host.trust.path(), &second.public_key());
    let keys = [Trust::key_entry(&host.trust.key, ""), record(&second.public_key(), "")].join(",");
    host.trust.write(&Trust::document(&keys, r#"{"name":"*","threshold":2}"#));
    let mut package = Inside::new(&host);
    let plugin = host.plugin("v1").path;
    FileSigner { key: &second, user_id: &UserId::default() }.add_signature(&plugin).unwrap();
    package.files = vec![fs::read(plugin).unwrap()];
    package.manifest.entries = vec![entry("fee.so", Role::Plugin, &package.files[0])];
    let one = package.signed(&[&host.trust.key]);
    assert_eq!(inside(&host, package.package(&one)), Err(Status::UntrustedKey));
    let both = package.signed(&[&host.trust.key, &second]);
    assert_eq!(inside(&host, package.package(&both)), Ok(()));
}

#[test]
fn a_manifest_without_a_signature() {
    let host = Host::new();
    let package = Inside::new(&host);
    assert_eq!(inside(&host, package.package(&package.signed(&[]))), Err(Status::Unsigned));
}

#[test]
fn a_manifest_that_was_changed_after_it_was_signed() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    let signed = package.signed(&[&host.trust.key]);
    package.manifest.epoch += 1;
    let changed = Sigmeta { statement: package.manifest.to_der().unwrap(), ..signed };
    assert_eq!(inside(&host, package.package(&changed)), Err(Status::Modified));
}

/// What signs plugins is no signature of a package, and messages that would be one are not signed.
#[test]
fn a_signature_of_another_kind_of_thing() {
    let host = Host::new();
    let package = Inside::new(&host);
    let der = package.manifest.to_der().unwrap();
    let key = &host.trust.key;
    let id = key.public_key().key_id();
    let made = key.sign(&UserId::default(), &signed_bytes(&der, 1, &id)).unwrap();
    let entry = SignatureEntry { key_id: id, scheme: 1, signature: made.as_bytes().to_vec() };
    let signed = Sigmeta { statement: der.clone(), signatures: vec![entry] };
    assert_eq!(inside(&host, package.package(&signed)), Err(Status::Modified));
    let message = package_signed_bytes(&der, 1, &id);
    assert_eq!(check_message(&message).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(check_message(b"sogov.receipt.v1\0").unwrap_err().status(), Status::InvalidArgument);
}

#[test]
fn a_plugin_by_a_stranger_in_a_package_by_the_right_signer() {
    let host = Host::new();
    let stranger = Trust::new();
    let mut package = Inside::new(&host);
    package.files = vec![fs::read(stranger.signed(&fee("v1"), "fee", "v1")).unwrap()];
    package.manifest.entries = vec![entry("fee.so", Role::Plugin, &package.files[0])];
    assert_eq!(
        inside(&host, package.package(&package.signed(&[&host.trust.key]))),
        Err(Status::UntrustedKey)
    );
}

#[test]
fn an_unsigned_plugin_and_one_of_another_service() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    let other = host.trust.signed(&fee("v1"), "pay", "v1");
    for (plugin, status) in [(fee("v1"), Status::Unsigned), (other, Status::WrongService)] {
        package.files = vec![fs::read(plugin).unwrap()];
        package.manifest.entries = vec![entry("fee.so", Role::Plugin, &package.files[0])];
        assert_eq!(inside(&host, package.package(&package.signed(&[&host.trust.key]))), Err(status));
    }
}

/// The manifest of one package and the files of another, both signed by the right key, both with as many bytes.
#[test]
fn parts_of_two_packages() {
    let host = Host::new();
    let (mut first, mut second) = (Inside::new(&host), Inside::new(&host));
    first.add("limits.json", b"1");
    second.add("limits.json", b"9");
    let signed = first.signed(&[&host.trust.key]);
    assert_eq!(inside(&host, second.package(&signed)), Err(Status::PackageInvalid));
    second.manifest.id = PackageId([8; 16]);
    let mixed = Sigmeta { signatures: second.signed(&[&host.trust.key]).signatures, ..signed };
    assert_eq!(inside(&host, first.package(&mixed)), Err(Status::Modified));
}

/// The manifest of a package with a name that is 8 bytes long, and that name changed; the signature is the attacker's
/// best one: that of the right key.
fn hostile_name(name: [u8; 8]) -> Result<(), Status> {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("nam.json", b"{}");
    rebuilt(&host, &package, b"nam.json", &name)
}

fn rebuilt(host: &Host, package: &Inside, from: &[u8], to: &[u8]) -> Result<(), Status> {
    let good = package.manifest.to_der().unwrap();
    let at = good.windows(from.len()).position(|window| window == from).unwrap();
    let manifest = [&good[..at], to, &good[at + from.len()..]].concat();
    inside(host, container(host, &manifest, &package.files))
}

/// A package with this manifest, whatever is in it, signed by the right key.
fn container(host: &Host, manifest: &[u8], files: &[Vec<u8>]) -> Vec<u8> {
    let SignatureEntry { key_id, scheme, signature } = signature(&host.trust.key, manifest);
    let entry = tlv(0x30, &[&tlv(4, &[key_id.as_bytes()]), &[2, 1, scheme], &tlv(4, &[&signature])]);
    let files: Vec<Vec<u8>> = files.iter().map(|file| tlv(4, &[file])).collect();
    let magic = tlv(0x0c, &[b"sogov-package"]);
    tlv(
        0x30,
        &[&magic, &[2, 1, 1], &tlv(4, &[manifest]), &tlv(0x30, &[&entry]), &tlv(0x30, &[&files.concat()])],
    )
}

#[test]
fn names_that_climb_out_of_the_directory() {
    assert_eq!(hostile_name(*b"nam.json"), Ok(()), "the name that is changed is good");
    for name in [b"../../ab", b"..\\..\\ab", b"a/../../", b"..%2f..a"] {
        assert_eq!(hostile_name(*name), Err(Status::PackageInvalid));
    }
}

#[test]
fn absolute_names() {
    for name in [b"/etc/abc", b"C:\\abcde", b"//host/a"] {
        assert_eq!(hostile_name(*name), Err(Status::PackageInvalid));
    }
}

#[test]
fn names_with_dots_in_front_control_characters_or_no_ascii() {
    for name in [
        b".hidden1",
        b"........",
        b"a\0b.json",
        b"a\nb.json",
        b"-rf abcd",
        "é-é-é.".as_bytes().first_chunk().unwrap(),
    ] {
        assert_eq!(hostile_name(*name), Err(Status::PackageInvalid));
    }
}

#[test]
fn a_name_that_stands_there_twice() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("nam.json", b"1");
    package.add("mam.json", b"2");
    assert_eq!(rebuilt(&host, &package, b"mam.json", b"nam.json"), Err(Status::PackageInvalid));
}

#[test]
fn names_that_differ_in_case_alone() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("mam.json", b"1");
    assert_eq!(rebuilt(&host, &package, b"mam.json", b"FEE.so.x"), Ok(()));
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("mam.so", b"1");
    assert_eq!(rebuilt(&host, &package, b"mam.so", b"FEE.so"), Err(Status::PackageInvalid));
}

/// There is no entry that is a link: a role that is neither a file nor a plugin is refused.
#[test]
fn an_entry_that_is_no_regular_file() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.add("nam.json", b"1");
    for role in [2, 0x7f] {
        let from = [b"nam.json".as_slice(), &[2, 1, 0]].concat();
        let to = [b"nam.json".as_slice(), &[2, 1, role]].concat();
        assert_eq!(rebuilt(&host, &package, &from, &to), Err(Status::PackageInvalid));
    }
}

/// Counts and sizes that are said and not there cost nothing.
#[test]
fn huge_counts_and_sizes() {
    let host = Host::new();
    let package = Inside::new(&host);
    let entry = tlv(0x30, &[&tlv(0x0c, &[b"a"]), &[2, 1, 0], &[2, 1, 0], &tlv(4, &[&file_digest(b"")])]);
    let good = package.manifest.to_der().unwrap();
    let mut fields = elements(split(&good).1);
    fields[8] = tlv(0x30, &[&entry.repeat(100_000)]);
    let huge = tlv(0x30, &[&fields.concat()]);
    assert_eq!(inside(&host, container(&host, &huge, &[])), Err(Status::PackageInvalid));
    fields[8] = tlv(0x30, &[&entry.repeat(200)]);
    let many = tlv(0x30, &[&fields.concat()]);
    assert_eq!(inside(&host, container(&host, &many, &vec![vec![]; 200])), Err(Status::PackageInvalid));
    let from = {
        let len = package.manifest.entries[0].len.to_be_bytes();
        let zeros = len.iter().take_while(|byte| **byte == 0).count();
        // A zero in front keeps the number from being a negative one.
        let digits = &len[zeros - usize::from(len[zeros] >= 0x80)..];
        [&[2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let mut to = from.clone();
    to[2] ^= 1;
    assert_eq!(rebuilt(&host, &package, &from, &to), Err(Status::PackageInvalid));
    // An envelope that says four gigabytes.
    assert_eq!(verdict(&host, &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 6, 0]), Err(Status::PackageInvalid));
}

#[test]
fn a_package_that_is_cut_off() {
    let (host, package) = good();
    for len in (0..64).chain((64..package.len()).step_by(997)).chain([package.len() - 1]) {
        assert_eq!(envelope::open(&package[..len], &host.key).unwrap_err().status(), Status::PackageInvalid);
    }
    let inner = Inside::new(&host);
    let content = inner.package(&inner.signed(&[&host.trust.key]));
    for len in [0, 1, 20, content.len() / 2, content.len() - 1] {
        assert_eq!(inside(&host, content[..len].to_vec()), Err(Status::PackageInvalid));
    }
}

#[test]
fn bytes_behind_a_package() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &[&*package, &[0]].concat()), Err(Status::PackageInvalid));
    let inner = Inside::new(&host);
    let content = inner.package(&inner.signed(&[&host.trust.key]));
    assert_eq!(inside(&host, [&*content, &[0]].concat()), Err(Status::PackageInvalid));
}

#[test]
fn a_critical_condition_that_is_not_known() {
    let host = Host::new();
    let mut package = Inside::new(&host);
    package.manifest.critical = vec!["moon-phase".into()];
    assert_eq!(inside(&host, package.package(&package.signed(&[&host.trust.key]))), Err(Status::Unsupported));
}

/// Written in place: the inode is the same, and the content is not.
#[test]
fn an_installed_plugin_that_is_replaced() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &package), Ok(()));
    let engine = host.engine();
    let path = installed_plugin(&host);
    assert_eq!(engine.check_installed(&path), Ok(FileStanding::Untouched));
    let other = fs::read(host.plugin("v2").path).unwrap();
    fs::write(&path, &other).unwrap();
    assert_eq!(engine.check_installed(&path), Ok(FileStanding::Replaced));
    // The other plugin is signed by the right key: the trust decision alone would take it.
    let loaded = engine.load_versioned("fee", "", &path, &LoadOptions::default());
    assert_eq!(loaded.unwrap_err().status(), Status::Modified);
}

/// Restored from a backup: the content is right, and the file is another.
#[test]
fn an_installed_plugin_that_is_restored() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &package), Ok(()));
    let path = installed_plugin(&host);
    let copy = path.with_extension("backup");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_eq!(host.engine().check_installed(&path), Ok(FileStanding::Moved));
}

/// A receipt of the attacker's, who can write to the state directory and does not have the host's key.
#[test]
fn a_receipt_that_is_altered_or_made_under_another_key() {
    let (host, package) = good();
    assert_eq!(verdict(&host, &package), Ok(()));
    let path = installed_plugin(&host);
    let receipt = host.state.path().join("machine/packages/receipts").join(&host.installed()[0]);
    let good = fs::read(&receipt).unwrap();
    for place in [6, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&receipt, bad).unwrap();
        assert_eq!(host.engine().check_installed(&path).unwrap_err().status(), Status::Modified);
    }
    fs::write(&receipt, &good).unwrap();
    let thief = Host { receipt_key: Host::new().receipt_key, ..host };
    assert_eq!(thief.engine().check_installed(&path).unwrap_err().status(), Status::Modified);
}

/// The directory of the packages is a link that leads out of the state directory, to where others may write.
#[test]
fn a_link_in_place_of_the_installed_packages() {
    let (host, package) = good();
    let packages = host.state.path().join("machine/packages");
    drop(host.engine());
    let elsewhere = TempDir::new();
    fs::set_permissions(elsewhere.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    fs::remove_dir(packages.join("installed")).unwrap();
    symlink(elsewhere.path(), packages.join("installed")).unwrap();
    let path = host.work.path().join("good.sogpkg");
    fs::write(&path, package).unwrap();
    let opened = sogov::engine::Engine::open_idle(sogov::engine::EngineOptions {
        state_directory: Some(host.state.path().to_owned()),
        ..host.trust.options()
    });
    assert_eq!(opened.unwrap_err().status(), Status::Io);
}

/// A signed plugin of another service, and a name that a package cannot have, do not get into a package.
#[test]
fn what_cannot_be_packed() {
    let host = Host::new();
    let target = host.work.path().join("x.sogpkg");
    let (to, signer) = (std::slice::from_ref(&host.recipient), host.trust.signer());
    let odd = host.work.path().join("a b.so");
    fs::copy(host.plugin("v1").path, &odd).unwrap();
    let facts_of =
        |service: &str| FileFacts { service: service.into(), version: "v1".into(), ..FileFacts::default() };
    let other = host.trust.signed_with(&fee("v1"), &facts_of("pay"));
    let plugin = |path: &Path| sogov::engine::PackedPlugin { path: path.to_owned(), signature_path: None };
    let pack = |plugins: &[_], facts: &PackageFacts| {
        pack(plugins, &[], facts, &[signer], to, &target).map(drop).map_err(|e| e.status())
    };
    assert_eq!(pack(&[plugin(&odd)], &facts(1)), Err(Status::InvalidArgument));
    assert_eq!(pack(&[plugin(&fee("v1"))], &facts(1)), Err(Status::Unsigned));
    assert_eq!(pack(&[host.plugin("v1"), plugin(&other)], &facts(1)), Err(Status::WrongService));
    assert_eq!(pack(&[], &facts(1)), Err(Status::InvalidArgument));
    let nobody = PackageFacts { audiences: vec![], ..facts(1) };
    assert_eq!(pack(&[host.plugin("v1")], &nobody), Err(Status::InvalidArgument));
    assert!(!target.exists());
}

fn installed_plugin(host: &Host) -> std::path::PathBuf {
    let directory = host.state.path().join("machine/packages/installed").join(&host.installed()[0]);
    directory.join("fee-v1.so")
}

/// A key that was stolen and is denied signs a package; the plugin in it is one of before.
#[test]
fn signed_by_a_key_that_is_denied() {
    let host = Host::new();
    let package = host.pack("denied.sogpkg", "v1", &facts(1));
    let id = host.trust.key.public_key().key_id();
    deny(&host, &format!(r#""keys":[{{"id":"{id}","reason":"laptop lost"}}]"#));
    let refused = host.install(&package).unwrap_err();
    assert_eq!(refused.status(), Status::Revoked);
    assert!(refused.message().contains("laptop lost"), "{refused}");
    assert_eq!(host.installed(), Vec::<String>::new());
}

/// A package whose epoch the deny-list denies to its service, and one with a plugin that it denies.
#[test]
fn of_an_epoch_that_is_denied() {
    let host = Host::new();
    let (old, new) = (host.pack("old.sogpkg", "v1", &facts(1)), host.pack("new.sogpkg", "v1", &facts(7)));
    deny(&host, r#""services":[{"name":"fee","epoch_below":2,"reason":"rounds wrong"}]"#);
    for package in [old, new] {
        // The plugin of the second one is of epoch 1.
        assert_eq!(host.install(&package).unwrap_err().status(), Status::Revoked);
    }
    assert_eq!(host.installed(), Vec::<String>::new());
}

/// The end of a package, by a clock that jumped ahead or was set back.
#[test]
fn by_a_clock_that_is_not_believed() {
    let host = Host::new();
    let now = timestamp::now();
    let short = PackageFacts { not_after: Some(now + 10 * DAY), ..facts(1) };
    let package = host.pack("short.sogpkg", "v1", &short);
    let clock = TestClock::at(now);
    let engine = host.engine_by(&clock);
    engine.refresh_trust(&Change::default()).unwrap();
    let verdict = || engine.install(&package, &host.key, HOST, &Change::default()).map_err(|e| e.status());
    clock.set(now + 20 * DAY);
    assert_eq!(verdict().map(drop), Err(Status::ClockRefused));
    clock.pass(11 * DAY);
    clock.set(now + 11 * DAY);
    assert_eq!(verdict().map(drop), Err(Status::Expired));
    clock.set(now);
    assert_eq!(verdict().map(drop), Err(Status::Expired), "set back");
}

fn deny(host: &Host, entries: &str) {
    let path = host.trust.path().join("denylist.json");
    fs::write(&path, format!(r#"{{"schema":1,"number":1,{entries}}}"#)).unwrap();
    sign_document(&host.trust.root, &path, Domain::Denylist).unwrap();
}
