//! Many signatures at once.
#![forbid(unsafe_code)]

use super::prepared::PreparedKey;
use super::sign::{Signing, sign};
use super::user_id::zs;
use super::verify::{Equation, holding};
use super::{PrivateKey, PublicKey, Signature, UserId};
use crate::crypto::sm3::{DIGEST_LEN, Digest, Parts, digest_batch_into};
use crate::error::Result;
use std::sync::Arc;

/// The claim that `signature` is `key`'s over `message` under `user_id`.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The signer.
    pub key: &'a PublicKey,
    /// The signer's user id.
    pub user_id: &'a UserId,
    /// What was signed.
    pub message: &'a [u8],
    /// What is claimed to be the signature.
    pub signature: &'a Signature,
}

/// A signature to be made.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The signer.
    pub key: &'a PrivateKey,
    /// The signer's user id.
    pub user_id: &'a UserId,
    /// What is to be signed.
    pub message: &'a [u8],
}

/// Signs all `orders`, in their order; [`Status::Io`] if there is no randomness,
/// [`Status::KeyLostAfterFork`](crate::error::Status::KeyLostAfterFork) for a key that stayed in the parent process.
///
/// [`Status::Io`]: crate::error::Status::Io
pub fn sign_batch(orders: &[Order<'_>]) -> Result<Vec<Signature>> {
    let zs: Vec<Digest> = orders.iter().map(|order| order.key.z(order.user_id)).collect();
    let digests = message_digests(&zs, orders.iter().map(|order| order.message));
    let signings = orders.iter().zip(digests).map(|(order, e)| Ok(Signing { secret: order.key.open()?, e }));
    sign(&signings.collect::<Result<Vec<_>>>()?)?
        .iter()
        .map(|signature| Signature::from_bytes(signature))
        .collect()
}

/// Which of the claims are true, where some of the keys are prepared.
pub(super) fn equations_hold(claims: &[Claim<'_>], keys: &[Option<Arc<PreparedKey>>]) -> Vec<bool> {
    let unprepared = claims.iter().zip(keys).filter(|(_, key)| key.is_none());
    let signers: Vec<_> = unprepared.map(|(claim, _)| (claim.user_id, claim.key)).collect();
    let mut unprepared_zs = zs(&signers).into_iter();
    let zs: Vec<Digest> = claims
        .iter()
        .zip(keys)
        .map(|(claim, key)| match key {
            Some(prepared) => prepared.z(claim.key, claim.user_id),
            None => unprepared_zs.next().unwrap_or_default(),
        })
        .collect();
    let digests = message_digests(&zs, claims.iter().map(|claim| claim.message));

    let (mut prepared, mut once) = (Vec::new(), Vec::new());
    let (mut prepared_places, mut once_places) = (Vec::new(), Vec::new());
    for (place, ((claim, key), e)) in claims.iter().zip(keys).zip(&digests).enumerate() {
        if let Some(key) = key {
            if let Some(equation) = Equation::new(key.table(), e, claim.signature) {
                prepared.push(equation);
                prepared_places.push(place);
            }
        } else if let Some(equation) = Equation::new(claim.key.point(), e, claim.signature) {
            once.push(equation);
            once_places.push(place);
        }
    }
    let mut verdicts = vec![false; claims.len()];
    let places = prepared_places.iter().chain(&once_places);
    for (place, holds) in places.zip(holding(&prepared).into_iter().chain(holding(&once))) {
        if let Some(verdict) = verdicts.get_mut(*place) {
            *verdict = holds;
        }
    }
    verdicts
}

/// e = SM3(Z_A || message) of each pair.
fn message_digests<'a>(zs: &'a [Digest], messages: impl Iterator<Item = &'a [u8]>) -> Vec<Digest> {
    let inputs: Vec<_> =
        zs.iter().zip(messages).map(|(z, message)| Parts { head: z, tail: message }).collect();
    let mut digests = vec![[0; DIGEST_LEN]; inputs.len()];
    digest_batch_into(&inputs, &mut digests);
    digests
}
