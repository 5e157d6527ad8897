//! What is written is read. The forms of others are the subject of `tests/package_interop.rs`, the attacks that of
//! `tests/attacks/packages.rs`.
#![forbid(unsafe_code)]
#![allow(clippy::indexing_slicing)]

use super::recipient::RecipientId;
use super::*;
use crate::crypto::sm2;

fn sm2_pair() -> (Recipient, RecipientKey) {
    let key = sm2::PrivateKey::generate().unwrap();
    let recipient = Recipient::from_encoded(key.public_key().to_spki_pem().as_bytes()).unwrap();
    (recipient, RecipientKey::from_encoded(&key.to_pkcs8_der().unwrap(), None, None).unwrap())
}

#[test]
fn envelopes_open_for_each_recipient_and_nobody_else() {
    let pairs: Vec<_> = (0..3).map(|_| sm2_pair()).collect();
    let recipients: Vec<_> = pairs.iter().take(2).map(|(recipient, _)| recipient.clone()).collect();
    for content in [Vec::new(), b"content".to_vec(), vec![7; 70_000]] {
        let envelope = seal(Zeroizing::new(content.clone()), &recipients).unwrap();
        assert_eq!(*open(&envelope, &pairs[0].1).unwrap(), content);
        assert_eq!(*open(&envelope, &pairs[1].1).unwrap(), content);
        assert_eq!(open(&envelope, &pairs[2].1).unwrap_err().status(), Status::PackageInvalid);
    }
    assert_eq!(seal(Zeroizing::default(), &[]).unwrap_err().status(), Status::InvalidArgument);
    let many = vec![recipients[0].clone(); MAX_RECIPIENTS + 1];
    assert_eq!(seal(Zeroizing::default(), &many).unwrap_err().status(), Status::LimitExceeded);
}

#[test]
fn every_byte_counts_and_every_cut_is_refused() {
    let (recipient, key) = sm2_pair();
    let envelope = seal(Zeroizing::new(b"content".to_vec()), &[recipient]).unwrap();
    for place in 0..envelope.len() {
        let mut bad = envelope.clone();
        bad[place] ^= 1;
        // The parameters of SM2 encryption may be NULL or left out: no bit turns one into the other.
        assert_eq!(open(&bad, &key).unwrap_err().status(), Status::PackageInvalid, "{place}");
        assert_eq!(open(&envelope[..place], &key).unwrap_err().status(), Status::PackageInvalid, "{place}");
    }
    assert!(open(&[&*envelope, &[0]].concat(), &key).is_err());
}

/// A host that is named by its key needs no certificate, however many others are named by theirs.
#[test]
fn a_recipient_that_names_the_key_is_found_among_those_that_name_certificates() {
    let certified = |number: usize| {
        let serial = vec![2, 1, u8::try_from(number).unwrap()];
        let (mut recipient, _) = sm2_pair();
        recipient.id = RecipientId::Certificate { issuer: vec![0x30, 0], serial };
        recipient
    };
    let others: Vec<_> = (0..=MAX_TRIALS).map(certified).collect();
    let (recipient, key) = sm2_pair();
    let envelope = seal(Zeroizing::default(), &[others.as_slice(), &[recipient]].concat()).unwrap();
    assert_eq!(*open(&envelope, &key).unwrap(), b"");
    let error = open(&seal(Zeroizing::default(), &others).unwrap(), &key).unwrap_err();
    assert!(error.message().contains("give the key with its certificate"), "{error}");
}
