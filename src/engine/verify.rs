//! Verifying messages, by the keys that the process has prepared and the schemes that the host has registered.

use super::audit::count_verified;
use crate::crypto::key::Key;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::{Claim, PreparedKeys, Signature, UserId};
use crate::error::{Error, Result, Status};
use crate::sys::fork;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the tables of prepared keys may take unless the host says otherwise.
const DEFAULT_LIMIT: usize = 64 << 20;

/// The prepared keys of this process, and which process that is.
struct OfProcess {
    generation: u64,
    keys: &'static PreparedKeys,
}

static PREPARED: ArcSwapOption<OfProcess> = ArcSwapOption::const_empty();
static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_LIMIT);

/// The keys that the process has prepared: one set for all engines, so that two that meet the same signer share its table.
///
/// A forked child begins anew. In the set that it inherited a lock may be held by a thread that it did not inherit.
pub fn prepared_keys() -> &'static PreparedKeys {
    let generation = fork::generation();
    loop {
        let current = PREPARED.load();
        if let Some(found) = current.as_ref().filter(|found| found.generation == generation) {
            return found.keys;
        }
        let keys = Box::leak(Box::new(PreparedKeys::new(LIMIT.load(Ordering::Relaxed))));
        PREPARED.compare_and_swap(&current, Some(Arc::new(OfProcess { generation, keys })));
    }
}

/// Changes what the tables of prepared keys may take, in bytes.
pub fn limit_prepared_keys(limit: usize) {
    LIMIT.store(limit, Ordering::Relaxed);
    prepared_keys().set_limit(limit);
}

/// The schemes that the host registered in this process: one set for all engines. A forked child has them too: what
/// implements them stands in memory that it inherited, and the set knows no lock that another thread could hold.
pub fn schemes() -> &'static Schemes {
    static SCHEMES: Schemes = Schemes::new();
    &SCHEMES
}

/// Whether `signature`, in its scheme's form, is that of a key of whichever scheme over `message`; if not,
/// [`Status::SignatureInvalid`]. The user id concerns SM2 alone.
pub fn verify_by(key: &Key, user_id: &UserId, message: &[u8], signature: &[u8]) -> Result<()> {
    if let Some(key) = key.sm2() {
        let signature = &Signature::from_bytes(signature)?;
        return verify_message(&Claim { key, user_id, message, signature });
    }
    let verified = key.verify(schemes(), user_id, message, signature);
    count_verified(usize::from(verified.is_ok()), usize::from(verified.is_err()));
    verified
}

/// [`Status::SignatureInvalid`] if the claim is not true.
pub fn verify_message(claim: &Claim<'_>) -> Result<()> {
    let is_right = prepared_keys().verify(claim);
    count_verified(usize::from(is_right), usize::from(!is_right));
    if is_right {
        return Ok(());
    }
    let why = "signature: it does not belong to this message, this key and this user id";
    Err(Error::new(Status::SignatureInvalid, why))
}

/// Which of the claims are true, in their order.
pub fn verify_messages(claims: &[Claim<'_>]) -> Vec<bool> {
    let verified = prepared_keys().verify_batch(claims);
    let right = verified.iter().filter(|is_right| **is_right).count();
    count_verified(right, verified.len().saturating_sub(right));
    verified
}
