//! The container; its place in real files is tested in `tests/sigmeta.rs`.
#![allow(clippy::arithmetic_side_effects)]

use super::*;

#[test]
fn containers_go_both_ways() {
    for count in 1..=MAX_SIGNATURES {
        let sigmeta = container(count);
        assert_eq!(Sigmeta::from_der(&sigmeta.to_der().unwrap()).unwrap(), sigmeta);
    }
    let detached = Sigmeta { statement: Vec::new(), ..container(1) };
    assert_eq!(Sigmeta::from_der(&detached.to_der().unwrap()).unwrap(), detached);
    let largest = Sigmeta {
        statement: vec![1; MAX_STATEMENT_LEN],
        signatures: (0..MAX_SIGNATURES).map(|i| entry(i, MAX_SIGNATURE_LEN)).collect(),
    };
    let der = largest.to_der().unwrap();
    assert!(der.len() <= MAX_RESERVE);
    assert_eq!(Sigmeta::from_der(&der).unwrap(), largest);
}

#[test]
fn the_encoding_is_as_documented() {
    let sigmeta = Sigmeta {
        statement: b"st".to_vec(),
        signatures: vec![SignatureEntry {
            key_id: KeyId::from_bytes([7; 32]),
            scheme: 200,
            signature: b"sig".to_vec(),
        }],
    };
    let expected = [
        &b"\x30\x45\x0c\x0dsogov-sigmeta\x02\x01\x01\x04\x02st\x30\x2d\x30\x2b\x04\x20"[..],
        &[7; 32],
        b"\x02\x02\x00\xc8\x04\x03sig",
    ];
    assert_eq!(sigmeta.to_der().unwrap(), expected.concat());
}

#[test]
fn every_truncation_is_refused() {
    let der = container(3).to_der().unwrap();
    for len in 0..der.len() {
        assert_eq!(Sigmeta::from_der(&der[..len]).unwrap_err().status(), Status::Modified, "{len}");
    }
}

#[test]
fn whatever_is_accepted_has_these_very_bytes() {
    let original = container(2).to_der().unwrap();
    for at in 0..original.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut der = original.clone();
            der[at] ^= flip;
            if let Ok(sigmeta) = Sigmeta::from_der(&der) {
                assert_eq!(sigmeta.to_der().unwrap(), der, "byte {at} ^ {flip:#x}");
            }
        }
    }
}

#[test]
fn other_encodings_are_refused() {
    let der = Sigmeta { signatures: vec![entry(0, 8)], ..container(1) }.to_der().unwrap();
    let refusal = |der: &[u8]| Sigmeta::from_der(der).unwrap_err();

    let extra = refusal(&[&der[..], b"\0"].concat());
    assert_eq!(
        (extra.status(), extra.message()),
        (Status::Modified, "signature container: 1 bytes follow the container")
    );

    let version = spoil(&der, b"\x02\x01\x01\x04", b"\x02\x01\x02\x04");
    let error = refusal(&version);
    assert_eq!(
        (error.status(), error.message()),
        (Status::Unsupported, "signature container: expected version 1, found 2")
    );

    let error = refusal(&spoil(&der, b"sogov-sigmeta", b"sogov-SIGMETA"));
    assert!(error.message().contains("magic"), "{error}");

    // The same contents behind a length with one byte too many, and without an end.
    let contents = &der[2..];
    assert_eq!(usize::from(der[1]), contents.len());
    let long = [&[0x30, 0x81, der[1]], contents].concat();
    let indefinite = [&[0x30, 0x80], contents, &[0, 0]].concat();
    assert!(refusal(&long).message().ends_with("its length is not strict DER"));
    assert!(refusal(&indefinite).message().ends_with("its length is not strict DER"));

    assert_eq!(refusal(&vec![0x30; MAX_RESERVE + 1]).status(), Status::Modified);
}

#[test]
fn rules_hold_for_writer_and_reader() {
    let base = container(1);
    let signatures = |signatures| Sigmeta { signatures, ..base.clone() };
    for (sigmeta, status, message) in [
        (signatures(vec![]), Status::InvalidArgument, "it holds no signature"),
        (signatures(vec![entry(1, 0)]), Status::InvalidArgument, "empty signature"),
        (
            signatures(vec![entry(1, 64), entry(2, 64), entry(1, 65)]),
            Status::InvalidArgument,
            "stands there twice",
        ),
        (
            signatures((0..17).map(|i| entry(i, 64)).collect()),
            Status::LimitExceeded,
            "at most 16 signatures, found 17",
        ),
        (
            signatures(vec![entry(1, 8193)]),
            Status::LimitExceeded,
            "at most 8192 bytes in a signature, found 8193",
        ),
        (
            Sigmeta { statement: vec![0; 65537], ..base.clone() },
            Status::LimitExceeded,
            "at most 65536 bytes in the statement, found 65537",
        ),
    ] {
        let error = sigmeta.to_der().unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.message().ends_with(message), "{error}");
        let error = Sigmeta::from_der(&sigmeta.encode()).unwrap_err();
        assert_eq!(error.status(), Status::Modified, "{error}");
        assert!(error.message().ends_with(message), "{error}");
    }
}

#[test]
fn a_refused_signature_changes_nothing() {
    let mut sigmeta = container(MAX_SIGNATURES - 1);
    assert_eq!(sigmeta.add(entry(3, 64)).unwrap_err().status(), Status::Busy);
    assert_eq!(sigmeta.add(entry(99, 0)).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(sigmeta, container(MAX_SIGNATURES - 1));
    sigmeta.add(entry(MAX_SIGNATURES - 1, 64)).unwrap();
    assert_eq!(sigmeta.add(entry(99, 64)).unwrap_err().status(), Status::LimitExceeded);
    assert_eq!(sigmeta, container(MAX_SIGNATURES));
}

fn container(signatures: usize) -> Sigmeta {
    Sigmeta { statement: b"statement".to_vec(), signatures: (0..signatures).map(|i| entry(i, 64)).collect() }
}

fn entry(key: usize, len: usize) -> SignatureEntry {
    SignatureEntry { key_id: KeyId::of_spki(&key.to_le_bytes()), scheme: 1, signature: vec![0xab; len] }
}

fn spoil(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).position(|bytes| bytes == from).unwrap();
    let mut der = der.to_vec();
    der[at..at + to.len()].copy_from_slice(to);
    der
}
