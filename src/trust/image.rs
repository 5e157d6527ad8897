//! Bytes that were verified and cannot change.

use crate::artifact::elf::policy::LoadAllowances;
use crate::artifact::statement::Statement;
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3::Digest;
use crate::error::Result;
use crate::sys::memfd::SealedMemfd;

/// A plugin file in sealed memory whose signatures met the trust policy. Only `trust` makes one, and the loader takes
/// nothing else: holding the value is the proof.
#[derive(Debug)]
pub struct VerifiedImage {
    pub(super) memory: SealedMemfd,
    pub(super) statement: Statement,
    pub(super) signers: Vec<KeyId>,
    pub(super) allowances: LoadAllowances,
    pub(super) allowed_sonames: Vec<String>,
    pub(super) detached_signature: Option<Vec<u8>>,
    pub(super) sbom: Option<Vec<u8>>,
}

impl VerifiedImage {
    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        self.memory.bytes()
    }

    /// What the signers stated of it.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The artifact's digest: the root in its statement.
    pub fn digest(&self) -> &Digest {
        &self.statement.root
    }

    /// The keys whose signatures counted.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// The detached signature file that was verified, where the artifact has none inside.
    pub fn detached_signature(&self) -> Option<&[u8]> {
        self.detached_signature.as_deref()
    }

    /// The bill of materials that the statement binds, where it binds one.
    pub fn sbom(&self) -> Option<&[u8]> {
        self.sbom.as_deref()
    }

    /// What the trust document allows this image beyond the rule.
    pub fn allowances(&self) -> &LoadAllowances {
        &self.allowances
    }

    /// The system SONAMEs that the trust document allows this service's images.
    pub fn allowed_sonames(&self) -> &[String] {
        &self.allowed_sonames
    }

    /// The descriptor of the sealed memory, open as long as the value lives.
    pub fn descriptor(&self) -> i32 {
        self.memory.descriptor()
    }

    /// Device and inode of the sealed memory.
    pub fn identity(&self) -> Result<(u64, u64)> {
        self.memory.identity()
    }
}
