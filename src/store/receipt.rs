//! The receipt of an installed package: where its files lay when they were installed, under a code of the host.
//!
//! ```text
//! Receipt ::= SEQUENCE { body OCTET STRING, mac OCTET STRING (SIZE (32)) }
//!     -- HMAC-SHA256 over "sogov.receipt.v1" 00 || body
//! Body ::= SEQUENCE {
//!     version INTEGER (1), packageId OCTET STRING (SIZE (16)), epoch UInt64, service Text, directory Text,
//!     files SEQUENCE (SIZE (1..128)) OF SEQUENCE {
//!         name Text, device UInt64, inode UInt64, generation UInt64, born UInt64, length UInt64, root Digest } }
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::artifact::package::{ID_LEN, MAX_FILES, Manifest, PackageId};
use crate::artifact::statement::RECEIPT_TAG;
use crate::crypto::der::{Reader, Writer};
use crate::crypto::hmac::SecretKey;
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::sys::file_identity::FileIdentity;

/// The most bytes in a receipt.
pub(super) const MAX_LEN: u64 = 64 << 10;
const VERSION: u64 = 1;

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The package.
    pub id: PackageId,
    /// Its epoch.
    pub epoch: u64,
    /// The service whose plugins are in it.
    pub service: String,
    /// The name of the directory that it was installed as.
    pub directory: String,
    /// Its files.
    pub files: Vec<ReceiptFile>,
}

/// A file as it was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFile {
    /// Its name.
    pub name: String,
    /// Where it lay.
    pub identity: FileIdentity,
    /// The root of the SM3 tree over its content.
    pub root: Digest,
}

impl Receipt {
    /// The receipt for the files of `manifest`, which lie where `identities` say.
    pub(super) fn new(manifest: &Manifest, directory: &str, identities: &[FileIdentity]) -> Self {
        let files = manifest.entries.iter().zip(identities);
        Self {
            id: manifest.id,
            epoch: manifest.epoch,
            service: manifest.service.clone(),
            directory: directory.to_owned(),
            files: files
                .map(|(entry, identity)| ReceiptFile {
                    name: entry.name.clone(),
                    identity: *identity,
                    root: entry.digest,
                })
                .collect(),
        }
    }

    /// The bytes of the receipt with its code.
    pub(super) fn seal(&self, key: &SecretKey) -> Result<Vec<u8>> {
        let body = self.encode();
        let mac = key.sign(&coded(&body))?;
        Ok(Writer::encode(|w| {
            w.octets(&body);
            w.octets(&mac);
        }))
    }

    /// Reads what [`seal`](Self::seal) wrote, by the same key. [`Status::Modified`] for anything else;
    /// [`Status::KeyLostAfterFork`] where the key stayed in the parent process.
    pub(super) fn open(der: &[u8], key: &SecretKey) -> Result<Self> {
        let mut outer = Reader::new(der);
        let mut r = outer.sequence("receipt")?;
        outer.finish("receipt")?;
        let (body, mac) = (r.octets("body")?, r.octets("mac")?);
        r.finish("receipt")?;
        key.verify(&coded(body), mac).map_err(|e| match e.status() {
            Status::SignatureInvalid => Error::new(
                Status::Modified,
                "receipt: it was altered, or written under another key of the host",
            ),
            // The key is out of reach, as in a forked child: nothing is known of the receipt.
            _ => e.of("receipt"),
        })?;
        Self::decode(body)
    }

    fn encode(&self) -> Vec<u8> {
        Writer::encode(|w| {
            w.integer(VERSION);
            w.octets(&self.id.0);
            w.integer(self.epoch);
            w.text(&self.service);
            w.text(&self.directory);
            w.list(&self.files, |w, file| file.encode(w));
        })
    }

    fn decode(body: &[u8]) -> Result<Self> {
        let mut outer = Reader::new(body);
        let mut r = outer.sequence("receipt")?;
        outer.finish("receipt")?;
        let version: u64 = r.integer("version")?;
        if version != VERSION {
            return Err(Error::new(
                Status::Unsupported,
                format!("receipt: expected version 1, found {version}"),
            ));
        }
        let id = r.octets("package id")?.try_into();
        let id = id.map_err(|_| malformed(format_args!("expected a package id of {ID_LEN} bytes")))?;
        let receipt = Self {
            id: PackageId(id),
            epoch: r.integer("epoch")?,
            service: r.text("service")?,
            directory: r.text("directory")?,
            files: r.list("files", ReceiptFile::decode)?,
        };
        r.finish("receipt")?;
        if receipt.files.len() > MAX_FILES {
            return Err(malformed("it names too many files"));
        }
        Ok(receipt)
    }
}

impl ReceiptFile {
    fn encode(&self, w: &mut Writer) {
        let FileIdentity { device, inode, generation, born_ns, len } = self.identity;
        w.sequence(|w| {
            w.text(&self.name);
            for number in [device, inode, generation, born_ns, len] {
                w.integer(number);
            }
            w.octets(&self.root);
        });
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self> {
        let mut r = r.sequence("file")?;
        let name = r.text("name")?;
        let identity = FileIdentity {
            device: r.integer("device")?,
            inode: r.integer("inode")?,
            generation: r.integer("generation")?,
            born_ns: r.integer("born")?,
            len: r.integer("length")?,
        };
        let file = Self { name, identity, root: r.digest("root")? };
        r.finish("file")?;
        Ok(file)
    }
}

fn coded(body: &[u8]) -> Vec<u8> {
    [RECEIPT_TAG, body].concat()
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(Status::Modified, format!("receipt: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::room::{Custody, Room, Rooms};

    /// A key that stayed in the parent of this process.
    #[derive(Debug)]
    struct Lost(Vec<u8>);

    impl Rooms for Lost {
        fn words(&self, _: usize) -> Result<Box<dyn Room<[u64]>>> {
            Err(Error::argument("expected bytes"))
        }

        fn bytes(&self, count: usize) -> Result<Box<dyn Room<[u8]>>> {
            Ok(Box::new(Lost(vec![0; count])))
        }
    }

    impl Room<[u8]> for Lost {
        fn open(&self) -> Result<&[u8]> {
            Err(Error::new(Status::KeyLostAfterFork, "private key: it stayed in the parent"))
        }

        fn open_mut(&mut self) -> Result<&mut [u8]> {
            Ok(&mut self.0)
        }

        fn custody(&self) -> Custody {
            Custody::Locked
        }
    }

    #[test]
    fn a_key_that_is_lost_is_no_altered_receipt() {
        let receipt = Receipt {
            id: PackageId([1; ID_LEN]),
            epoch: 3,
            service: "fee".into(),
            directory: "fee-3-01".into(),
            files: vec![],
        };
        let bytes = [7; 32];
        let sealed = receipt.seal(&SecretKey::from_bytes(&bytes).unwrap()).unwrap();
        let lost = SecretKey::from_bytes_in(&Lost(vec![]), &bytes).unwrap();
        assert_eq!(Receipt::open(&sealed, &lost).unwrap_err().status(), Status::KeyLostAfterFork);
    }

    #[test]
    fn receipts_open_under_their_key_alone_and_every_byte_counts() {
        let identity = FileIdentity { device: 1, inode: u64::MAX, generation: 0, born_ns: 5, len: 7 };
        let file = ReceiptFile { name: "fee.so".into(), identity, root: [9; 32] };
        let receipt = Receipt {
            id: PackageId([1; ID_LEN]),
            epoch: 3,
            service: "fee".into(),
            directory: "fee-3-01".into(),
            files: vec![file],
        };
        let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let sealed = receipt.seal(&key).unwrap();
        assert_eq!(Receipt::open(&sealed, &key), Ok(receipt));
        assert_eq!(Receipt::open(&sealed, &other).unwrap_err().status(), Status::Modified);
        for place in 0..sealed.len() {
            let mut bad = sealed.clone();
            if let Some(byte) = bad.get_mut(place) {
                *byte ^= 1;
            }
            assert_eq!(Receipt::open(&bad, &key).unwrap_err().status(), Status::Modified, "{place}");
        }
    }
}
