//! Envelopes exchanged with the `openssl` program and with Bouncy Castle, in both directions, for one recipient and for several,
//! named by certificates and by keys.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::crypto::envelope::{Recipient, RecipientKey, open, seal};
use sogov::crypto::sm2;
use sogov::error::Status;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::keys::openssl;
use support::{ROOT, TempDir, run};
use zeroize::Zeroizing;

/// The release of Bouncy Castle, and the digests of its parts.
const BOUNCY_CASTLE: &str = "1.82";
const JARS: [(&str, &str); 3] = [
    ("bcprov", "14cde2fdfaa8890480a8e5b67aceef0c90f96682c1e23c133bafdc9e0b3255ce"),
    ("bcpkix", "bdc723e20834832ac6af136cb5b5ff05e43b71d4fa151cc6510d9212ee086e63"),
    ("bcutil", "4420691958ad1c0ba275a6d6d8a6317adbdbdc9277055b6a72aa89c88cda8c7d"),
];

const OAEP: &str = "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256";

/// Keys of RSA with certificates, one of which names the key by a subjectKeyIdentifier of its own.
fn parties(directory: &TempDir, bits: &[u32]) {
    for (number, bits) in bits.iter().enumerate() {
        openssl(
            directory,
            &format!(
                "req -x509 -newkey rsa:{bits} -nodes -keyout key{number}.pem -out cert{number}.pem -days 30 \
                 -subj /C=CN/O=bank/CN=host-{number}"
            ),
        );
    }
}

fn read(directory: &TempDir, name: &str) -> Vec<u8> {
    fs::read(directory.path().join(name)).unwrap()
}

fn key(directory: &TempDir, number: usize) -> RecipientKey {
    RecipientKey::from_encoded(&read(directory, &format!("key{number}.pem")), None, None).unwrap()
}

fn recipient(directory: &TempDir, number: usize) -> Recipient {
    Recipient::from_encoded(&read(directory, &format!("cert{number}.pem"))).unwrap()
}

fn content() -> Vec<u8> {
    (0..=250).cycle().take(70_001).collect()
}

#[test]
fn envelopes_by_openssl_are_opened() {
    let directory = TempDir::new();
    parties(&directory, &[3072, 4096, 3072]);
    fs::write(directory.path().join("content"), content()).unwrap();
    let encrypt = "cms -encrypt -binary -outform DER -aes-256-gcm -in content -out envelope";
    openssl(&directory, &format!("{encrypt} -recip cert0.pem {OAEP}"));
    assert_eq!(*open(&read(&directory, "envelope"), &key(&directory, 0)).unwrap(), content());
    assert_eq!(
        open(&read(&directory, "envelope"), &key(&directory, 2)).unwrap_err().status(),
        Status::PackageInvalid
    );
    // Several, of which the key at hand is one: without its certificate all are tried, with it one.
    openssl(
        &directory,
        &format!("{encrypt} -recip cert0.pem {OAEP} -recip cert1.pem {OAEP} -recip cert2.pem {OAEP}"),
    );
    for number in 0..3 {
        assert_eq!(*open(&read(&directory, "envelope"), &key(&directory, number)).unwrap(), content());
        let (file, certificate) = (format!("key{number}.pem"), format!("cert{number}.pem"));
        let certified =
            RecipientKey::from_encoded(&read(&directory, &file), None, Some(&read(&directory, &certificate)));
        assert_eq!(*open(&read(&directory, "envelope"), &certified.unwrap()).unwrap(), content());
    }
    // By the key's identifier.
    openssl(&directory, &format!("{encrypt} -keyid -recip cert1.pem {OAEP}"));
    assert_eq!(*open(&read(&directory, "envelope"), &key(&directory, 1)).unwrap(), content());
}

#[test]
fn envelopes_by_openssl_of_other_forms_are_refused() {
    let directory = TempDir::new();
    parties(&directory, &[3072]);
    fs::write(directory.path().join("content"), content()).unwrap();
    let refused = |arguments: &str, why: &str| {
        openssl(
            &directory,
            &format!("cms -encrypt -binary -outform DER -in content -out envelope {arguments}"),
        );
        let error = open(&read(&directory, "envelope"), &key(&directory, 0)).unwrap_err();
        assert_eq!(error.status(), Status::PackageInvalid);
        assert!(error.message().contains(why), "{arguments}: {error}");
    };
    refused("-aes-256-gcm -recip cert0.pem", "keyEncryptionAlgorithm");
    refused("-aes-256-gcm -recip cert0.pem -keyopt rsa_padding_mode:oaep", "keyEncryptionAlgorithm");
    refused(&format!("-aes-128-gcm -recip cert0.pem {OAEP}"), "contentEncryptionAlgorithm");
    refused(&format!("-aes-256-cbc -recip cert0.pem {OAEP}"), "expected AuthEnvelopedData");
    refused(&format!("-stream -aes-256-gcm -recip cert0.pem {OAEP}"), "not strict DER");
}

#[test]
fn openssl_opens_envelopes() {
    let directory = TempDir::new();
    parties(&directory, &[3072, 4096]);
    let recipients = [recipient(&directory, 0), recipient(&directory, 1)];
    for recipients in [&recipients[..1], &recipients] {
        let envelope = seal(Zeroizing::new(content()), recipients).unwrap();
        fs::write(directory.path().join("envelope"), envelope).unwrap();
        for number in 0..recipients.len() {
            openssl(
                &directory,
                &format!(
                    "cms -decrypt -binary -inform DER -in envelope -out content -recip cert{number}.pem -inkey key{number}.pem"
                ),
            );
            assert_eq!(read(&directory, "content"), content());
        }
    }
    // Named by the key.
    openssl(&directory, "pkey -in key0.pem -pubout -out public.pem");
    let recipient = Recipient::from_encoded(&read(&directory, "public.pem")).unwrap();
    let envelope = seal(Zeroizing::new(content()), &[recipient]).unwrap();
    fs::write(directory.path().join("envelope"), envelope).unwrap();
    openssl(
        &directory,
        "cms -decrypt -binary -inform DER -in envelope -out content -recip cert0.pem -inkey key0.pem",
    );
    assert_eq!(read(&directory, "content"), content());
}

/// OpenSSL's program makes no CMS with SM2. What is GM's own in an envelope, the wrapped key, goes both ways.
#[test]
fn sm2_ciphers_go_to_openssl_and_back() {
    let directory = TempDir::new();
    openssl(&directory, "genpkey -algorithm SM2 -out key.pem");
    openssl(&directory, "pkey -in key.pem -pubout -out public.pem");
    let key = sm2::PrivateKey::from_encoded(&read(&directory, "key.pem"), None).unwrap();
    for len in [16, 32, 64] {
        let message: Vec<u8> = (0..len).collect();
        fs::write(directory.path().join("message"), &message).unwrap();
        openssl(&directory, "pkeyutl -encrypt -pubin -inkey public.pem -in message -out cipher");
        assert_eq!(*key.decrypt(&read(&directory, "cipher"), message.len()).unwrap(), message);
        fs::write(directory.path().join("cipher"), key.public_key().encrypt(&message).unwrap()).unwrap();
        openssl(&directory, "pkeyutl -decrypt -inkey key.pem -in cipher -out plain");
        assert_eq!(read(&directory, "plain"), message);
    }
}

#[test]
fn envelopes_by_bouncy_castle_are_opened() {
    let directory = TempDir::new();
    parties(&directory, &[3072, 4096]);
    fs::write(directory.path().join("content"), content()).unwrap();
    for recipients in ["cert0.pem", "cert0.pem cert1.pem", "key:cert0.pem", "key:cert1.pem cert0.pem"] {
        bouncy_castle(&directory, &format!("encrypt content envelope {recipients}"));
        for number in 0..2 {
            let opened = open(&read(&directory, "envelope"), &key(&directory, number));
            if recipients.contains(&format!("cert{number}")) {
                assert_eq!(*opened.unwrap(), content(), "{recipients}");
            } else {
                assert_eq!(opened.unwrap_err().status(), Status::PackageInvalid);
            }
        }
    }
}

#[test]
fn bouncy_castle_opens_envelopes() {
    let directory = TempDir::new();
    parties(&directory, &[3072, 4096]);
    let recipients = [recipient(&directory, 0), recipient(&directory, 1)];
    let envelope = seal(Zeroizing::new(content()), &recipients).unwrap();
    fs::write(directory.path().join("envelope"), envelope).unwrap();
    for number in 0..2 {
        bouncy_castle(&directory, &format!("decrypt envelope content key{number}.pem cert{number}.pem"));
        assert_eq!(read(&directory, "content"), content());
    }
    openssl(&directory, "pkey -in key1.pem -pubout -out public.pem");
    let recipient = Recipient::from_encoded(&read(&directory, "public.pem")).unwrap();
    fs::write(directory.path().join("envelope"), seal(Zeroizing::new(content()), &[recipient]).unwrap())
        .unwrap();
    bouncy_castle(&directory, "decrypt envelope content key1.pem");
    assert_eq!(read(&directory, "content"), content());
}

/// Runs the driver `tests/interop/BouncyCastle.java` in a directory.
fn bouncy_castle(directory: &TempDir, arguments: &str) {
    run(Command::new("java")
        .arg("-cp")
        .arg(class_path())
        .arg("BouncyCastle")
        .args(arguments.split_ascii_whitespace())
        .current_dir(directory.path()));
}

/// The driver and Bouncy Castle, which Maven fetches once into the directory of this test target.
fn class_path() -> &'static str {
    static READY: OnceLock<String> = OnceLock::new();
    READY.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bouncycastle");
        fs::create_dir_all(&out).unwrap();
        let jars = JARS.map(|(name, digest)| jar(&out, name, digest));
        let path = jars.iter().map(|jar| jar.to_str().unwrap()).collect::<Vec<_>>().join(":");
        let source = format!("{ROOT}/tests/interop/BouncyCastle.java");
        run(Command::new("javac").arg("-d").arg(&out).args(["-cp", &path, &source]));
        format!("{}:{path}", out.display())
    })
}

fn jar(out: &Path, name: &str, digest: &str) -> PathBuf {
    let jar = out.join(format!("{name}-jdk18on-{BOUNCY_CASTLE}.jar"));
    if !jar.exists() {
        run(Command::new("mvn")
            .args(["-q", "-B", "dependency:copy"])
            .arg(format!("-Dartifact=org.bouncycastle:{name}-jdk18on:{BOUNCY_CASTLE}"))
            .arg(format!("-DoutputDirectory={}", out.display())));
    }
    let found = Command::new("sha256sum").arg(&jar).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(
        found.starts_with(digest),
        "{}: expected the SHA-256 digest {digest}, found {found}",
        jar.display()
    );
    jar
}
