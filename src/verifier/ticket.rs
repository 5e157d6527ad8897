//! What a ticket carries: a claim with memory of its own, which serves one ticket after the other.
#![forbid(unsafe_code)]

use crate::crypto::sm2::{Claim, PublicKey, Signature, UserId};
use crate::error::{Error, Result, Status};

/// How much memory of a message stays for the next one.
const KEPT: usize = 4 << 10;
/// The longest message: times the capacity it bounds the memory of a verifier.
pub(super) const MAX_MESSAGE: usize = 16 << 20;

/// A signature to be verified, borrowed until it is submitted.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// Handed back with the answer; nobody else looks at it.
    pub ticket: u64,
    /// The signer.
    pub key: &'a PublicKey,
    /// The signer's user id.
    pub user_id: &'a UserId,
    /// What was signed, at most 16 MiB.
    pub message: &'a [u8],
    /// `None` stands for one that is malformed, and so not valid.
    pub signature: Option<&'a Signature>,
}

/// Verifies a message by what it holds: a key of another scheme than SM2, and a signature.
pub type Check = Box<dyn Fn(&[u8]) -> Result<()> + Send + Sync>;

/// A submission's copy.
#[derive(Default)]
pub(super) struct Ticket {
    pub(super) number: u64,
    signed: Option<(PublicKey, Signature)>,
    user_id: UserId,
    message: Vec<u8>,
    /// What verifies it instead.
    apart: Option<Check>,
}

impl Submission<'_> {
    /// Refuses what no ticket takes, however much room there is.
    pub(super) fn check(&self) -> Result<()> {
        check_len(self.message)
    }
}

/// Refuses a message that is too long.
pub(super) fn check_len(message: &[u8]) -> Result<()> {
    let len = message.len();
    if len > MAX_MESSAGE {
        return Err(Error::new(
            Status::LimitExceeded,
            format!("message: expected at most {MAX_MESSAGE} bytes, found {len}"),
        ));
    }
    Ok(())
}

impl Ticket {
    /// Takes the place of the submission before. [`Status::LimitExceeded`] when there is no memory for the message.
    pub(super) fn fill(&mut self, submission: &Submission<'_>) -> Result<()> {
        self.copy(submission.ticket, submission.message)?;
        self.signed = submission.signature.map(|signature| (submission.key.clone(), *signature));
        self.user_id.clone_from(submission.user_id);
        Ok(())
    }

    /// As [`fill`](Self::fill), for a ticket that is verified on its own.
    pub(super) fn fill_apart(&mut self, number: u64, message: &[u8], check: Check) -> Result<()> {
        self.copy(number, message)?;
        self.signed = None;
        self.apart = Some(check);
        Ok(())
    }

    /// The answer to a ticket that is verified on its own; `None` for the others.
    pub(super) fn verify_apart(&self) -> Option<Result<()>> {
        self.apart.as_ref().map(|check| check(&self.message))
    }

    fn copy(&mut self, number: u64, message: &[u8]) -> Result<()> {
        self.message.clear();
        self.message.try_reserve_exact(message.len()).map_err(|_| {
            let len = message.len();
            Error::new(Status::LimitExceeded, format!("message: expected memory for {len} bytes, found less"))
        })?;
        self.message.extend_from_slice(message);
        self.number = number;
        Ok(())
    }

    /// What is to be verified; `None` where the signature is malformed.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        let (key, signature) = self.signed.as_ref()?;
        Some(Claim { key, user_id: &self.user_id, message: &self.message, signature })
    }

    /// Gives the memory of a long message back, and lets go of what verified it.
    pub(super) fn trim(&mut self) {
        self.apart = None;
        if self.message.capacity() > KEPT {
            self.message = Vec::new();
        }
    }
}
