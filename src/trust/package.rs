//! The decision over an update package: signed by enough of the right keys for its service, for this host, in time, whole.

use super::content::content_digest;
use super::decision::{Demand, check_schemes, check_threshold, revoked};
use super::directory::TrustView;
use crate::artifact::package::{Manifest, Package};
use crate::artifact::statement::{ContentHash, package_signed_bytes};
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};

/// The manifest and the files of a package whose signatures met the trust document. Only `trust` makes one.
#[derive(Debug)]
pub struct VerifiedPackage<'a> {
    manifest: Manifest,
    files: Vec<&'a [u8]>,
    signers: Vec<KeyId>,
}

impl<'a> VerifiedPackage<'a> {
    /// What the signers vouch for.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of the manifest's entries, in their order.
    pub fn files(&self) -> &[&'a [u8]] {
        &self.files
    }

    /// The keys whose signatures counted.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }
}

impl TrustView<'_> {
    /// Decides over a decrypted package for the host called `audience`. Its service's rule says how many keys must have
    /// signed and of which schemes, as for plugins.
    ///
    /// Errors, in the order of the checks: [`Status::PackageInvalid`], [`Status::Unsupported`], [`Status::Modified`] for a
    /// signature of a trusted key that is not over this manifest, [`Status::Unsigned`], [`Status::UntrustedKey`],
    /// [`Status::Revoked`], [`Status::WrongAudience`], [`Status::Expired`], [`Status::ClockRefused`], [`Status::BelowFloor`],
    /// and [`Status::PackageInvalid`] for a file that is not the one that was signed. Whether it was installed before is for
    /// the caller to know, and what is denied of its plugins is for the decisions over them.
    pub fn admit_package<'a>(&self, package: &'a [u8], audience: &str) -> Result<VerifiedPackage<'a>> {
        let trust = &*self.snapshot;
        let Package { manifest, signed, files } = Package::from_der(package)?;
        if let Some(unknown) = manifest.unknown_critical().first() {
            return Err(Error::new(
                Status::Unsupported,
                format!("package: expected critical conditions that this release knows, found {unknown}"),
            ));
        }
        let demand = Demand { service: &manifest.service, label: None };
        let rule = trust.rule_for(&manifest.service);
        let signers = self.signers(&signed, package_signed_bytes, demand)?;
        check_threshold(&signed, &signers, &rule, demand)?;
        check_schemes(trust, &signers, &rule, demand)?;
        if let Some(denied) = trust.denies_epoch(&manifest.service, manifest.epoch) {
            return Err(revoked(&denied));
        }
        if !manifest.audiences.iter().any(|name| name == audience) {
            return Err(Error::new(
                Status::WrongAudience,
                format!("package: expected the audience {audience}, found {}", manifest.audiences.join(", ")),
            ));
        }
        self.time.check_period("package", None, Some(manifest.not_after))?;
        if manifest.epoch < rule.epoch_floor {
            return Err(Error::new(
                Status::BelowFloor,
                format!(
                    "service {}: expected an epoch of at least {}, the package says {}",
                    manifest.service, rule.epoch_floor, manifest.epoch
                ),
            ));
        }
        for (entry, file) in manifest.entries.iter().zip(&files) {
            let found = content_digest(ContentHash::Sm3Tree, file);
            if found != entry.digest {
                let (expected, found) = (sm3::text(&entry.digest), sm3::text(&found));
                return Err(Error::new(
                    Status::PackageInvalid,
                    format!("package: {}: expected the digest {expected}, found {found}", entry.name),
                ));
            }
        }
        Ok(VerifiedPackage { manifest, files, signers: signers.counted })
    }
}
