//! What gets a table, and what loses it.

use super::*;
use crate::crypto::sm2::{PrivateKey, Signature};

fn keys(count: usize) -> Vec<(PrivateKey, Signature)> {
    let signed = (0..count).map(|_| {
        let key = PrivateKey::generate().unwrap();
        let signature = key.sign(&UserId::default(), b"message").unwrap();
        (key, signature)
    });
    signed.collect()
}

fn verify(prepared: &PreparedKeys, (key, signature): &(PrivateKey, Signature), message: &[u8]) -> bool {
    let key = key.public_key();
    prepared.verify(&Claim { key, user_id: &UserId::default(), message, signature })
}

fn holds(prepared: &PreparedKeys, key: &(PrivateKey, Signature)) -> bool {
    prepared.keys.read().contains_key(key.0.public_key().coordinates())
}

#[test]
fn verdicts_are_the_same_with_and_without_a_table() {
    let (prepared, key) = (PreparedKeys::new(PreparedKeys::TABLE_BYTES), &keys(1)[0]);
    for _ in 0..2 {
        assert!(verify(&prepared, key, b"message"));
        assert!(!verify(&prepared, key, b"another"));
        let other_id = UserId::new(b"someone").unwrap();
        let claim =
            Claim { key: key.0.public_key(), user_id: &other_id, message: b"message", signature: &key.1 };
        assert!(!prepared.verify(&claim));
        let signature = &key.0.sign(&other_id, b"message").unwrap();
        assert!(prepared.verify(&Claim { signature, ..claim }));
        prepared.prepare(key.0.public_key());
        assert!(holds(&prepared, key));
    }
}

#[test]
fn a_key_that_is_seen_often_gets_a_table_and_one_seen_once_does_not() {
    let (prepared, keys) = (PreparedKeys::new(2 * PreparedKeys::TABLE_BYTES), keys(3));
    assert!(verify(&prepared, &keys[0], b"message"));
    assert!(!holds(&prepared, &keys[0]));
    for _ in 0..20 {
        assert!(!verify(&prepared, &keys[1], b"another"));
    }
    assert!(!holds(&prepared, &keys[1]));
    for _ in 0..20 {
        assert!(verify(&prepared, &keys[1], b"message"));
    }
    assert!(holds(&prepared, &keys[1]));
    let public = keys[2].0.public_key();
    let claim =
        Claim { key: public, user_id: &UserId::default(), message: b"message", signature: &keys[2].1 };
    assert_eq!(prepared.verify_batch(&[claim; 30]), [true; 30]);
    assert!(holds(&prepared, &keys[2]));
}

#[test]
fn tables_stay_within_the_limit_and_used_ones_stay_longest() {
    let (prepared, keys) = (PreparedKeys::new(2 * PreparedKeys::TABLE_BYTES), keys(4));
    for key in &keys[..3] {
        prepared.prepare(key.0.public_key());
    }
    assert_eq!(prepared.keys.read().len(), 2);
    // The hand has gone round once: of the two that are left, the one that is used now stays.
    let (used, unused) = if holds(&prepared, &keys[1]) { (1, 2) } else { (2, 0) };
    prepared.set_limit(3 * PreparedKeys::TABLE_BYTES);
    prepared.keys.read().values().for_each(|key| key.used.store(false, Ordering::Relaxed));
    assert!(verify(&prepared, &keys[used], b"message"));
    prepared.set_limit(PreparedKeys::TABLE_BYTES);
    assert!(holds(&prepared, &keys[used]) && !holds(&prepared, &keys[unused]));

    prepared.set_limit(PreparedKeys::TABLE_BYTES - 1);
    assert!(prepared.keys.read().is_empty() && prepared.clock.lock().is_empty());
    prepared.prepare(keys[0].0.public_key());
    assert!(prepared.keys.read().is_empty());
    assert!(verify(&prepared, &keys[0], b"message"));
}

#[test]
fn threads_that_bring_and_drop_tables_get_right_verdicts() {
    let (prepared, keys) = (PreparedKeys::new(2 * PreparedKeys::TABLE_BYTES), keys(4));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (prepared, keys) = (&prepared, &keys);
            scope.spawn(move || {
                for turn in 0..60 {
                    let key = &keys[(turn + thread) % keys.len()];
                    assert!(verify(prepared, key, b"message"));
                    assert!(!verify(prepared, key, b"another"));
                }
            });
        }
    });
    assert!(prepared.keys.read().len() <= 2);
}
