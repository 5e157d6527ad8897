//! Plugin files: signing them, adding signatures, and asking whether one would be loaded.

use super::engine::sogov_engine;
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::{In, Options};
use super::key::sogov_key;
use super::output::Out;
use super::sign::user_id;
use crate::engine::{FileFacts, FileSigner, LoadOptions, schemes};
use crate::error::{Error, Result, Status};
use std::ffi::c_char;
use std::path::PathBuf;

/// What a signer states of a plugin file. Texts are UTF-8; (NULL, 0) is empty.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_file_facts {
    /// sizeof(sogov_file_facts).
    pub size: usize,
    /// The service that may run the plugin. Required.
    pub service: *const c_char,
    /// Bytes of the service's name.
    pub service_len: usize,
    /// The label under which it may run. Required.
    pub version: *const c_char,
    /// Bytes of the label.
    pub version_len: usize,
    /// The epoch: a number that grows with each release and that a trust policy can demand a minimum of.
    pub epoch: u64,
    /// Package URL, such as "pkg:generic/fee@1.4.2"; may be empty.
    pub name: *const c_char,
    /// Bytes of the package URL.
    pub name_len: usize,
    /// Semantic version; may be empty.
    pub semver: *const c_char,
    /// Bytes of the semantic version.
    pub semver_len: usize,
    /// Who issues it; may be empty.
    pub issuer: *const c_char,
    /// Bytes of the issuer.
    pub issuer_len: usize,
    /// Valid from, in seconds since 1970; 0: always.
    pub not_before: u64,
    /// Valid until, in seconds since 1970; 0: for ever.
    pub not_after: u64,
    /// The SM2 user id; NULL is the default, as in sogov_signature_options.
    pub user_id: *const u8,
    /// Bytes of the user id.
    pub user_id_len: usize,
    /// 1: leave the plugin as it is and write the signature to a file of its own. 0: write a signed copy.
    pub detached: u32,
    /// The bill of materials to bind, a file in CycloneDX or SPDX JSON; (NULL, 0): none. Loading looks for it at the plugin's
    /// path with ".sbom.json" behind it; it is not moved there.
    pub sbom_path: *const c_char,
    /// Bytes of the path.
    pub sbom_path_len: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_file_facts {
    const NAME: &'static str = "sogov_file_facts";
    const ZERO: Self = Self {
        size: 0,
        service: std::ptr::null(),
        service_len: 0,
        version: std::ptr::null(),
        version_len: 0,
        epoch: 0,
        name: std::ptr::null(),
        name_len: 0,
        semver: std::ptr::null(),
        semver_len: 0,
        issuer: std::ptr::null(),
        issuer_len: 0,
        not_before: 0,
        not_after: 0,
        user_id: std::ptr::null(),
        user_id_len: 0,
        detached: 0,
        sbom_path: std::ptr::null(),
        sbom_path_len: 0,
    };
}

/// Signs a plugin file. The result appears whole or not at all; strip first, sign last.
///
/// @param key a private key, not one of hmac-sha256, whose codes every verifier can make; borrowed
/// @param source the unsigned plugin
/// @param target where the signed copy goes (it may be `source`), or, with `detached`, the signature file:
///               `source` with ".sogsig" behind it is where loading looks for it. (NULL, 0): `source` itself, or
///               that place
/// @param facts what is stated; required
/// @param digest receives the artifact's digest (32 bytes), or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_IMAGE_REJECTED when `source` is no well-formed shared
///         object (what a trust document may allow is decided at load); SOGOV_STATUS_BUSY when it
///         is signed already (use sogov_file_add_signature()); SOGOV_STATUS_SBOM_INVALID when the bill of materials is
///         malformed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_file_sign(
    key: *const sogov_key,
    source: *const c_char,
    source_len: usize,
    target: *const c_char,
    target_len: usize,
    facts: *const sogov_file_facts,
    digest: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts, facts, and room for 32 bytes or NULL.
        let (source, target, raw, digest) = unsafe {
            (
                In::path(source, source_len, "source")?,
                In::text(target, target_len, "target")?,
                In::options(facts)?,
                Out::optional(digest.cast::<[u8; 32]>()),
            )
        };
        // SAFETY: the facts promise readable texts.
        let (facts, user_id) = unsafe { (raw.facts()?, user_id(raw.user_id, raw.user_id_len)?) };
        let target = (!target.is_empty()).then(|| PathBuf::from(target));
        // SAFETY: the caller promises a key or NULL.
        let root = unsafe {
            handle::with(key, |key| {
                key.with_signer(schemes(), |key| {
                    let signer = FileSigner { key, user_id: &user_id };
                    if raw.detached == 0 {
                        signer.sign(source, target.as_deref().unwrap_or(source), &facts)
                    } else {
                        signer.sign_detached(source, target.as_deref(), &facts)
                    }
                })
            })
        }?;
        digest.put(root);
        Ok(())
    })
}

/// Adds a signature over the statement that a signed plugin or a signature file carries. The file is replaced whole.
///
/// @param key a private key whose signature is not there yet; borrowed
/// @param path a signed plugin, or a signature file
/// @param user_id the SM2 user id; NULL is the default, as in sogov_signature_options
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSIGNED when there is no statement; SOGOV_STATUS_LIMIT_EXCEEDED when the
///         space reserved by the first signer is used up
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_file_add_signature(
    key: *const sogov_key,
    path: *const c_char,
    path_len: usize,
    user_id: *const u8,
    user_id_len: usize,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts and bytes.
        let (path, user_id) =
            unsafe { (In::path(path, path_len, "path")?, super::sign::user_id(user_id, user_id_len)?) };
        // SAFETY: the caller promises a key or NULL.
        unsafe {
            handle::with(key, |key| {
                key.with_signer(schemes(), |key| FileSigner { key, user_id: &user_id }.add_signature(path))
            })
        }
    })
}

/// Decides over a plugin file as sogov_load_versioned() would, and loads nothing.
///
/// @param engine borrowed
/// @param service, version the service and the label that it would be loaded as; an empty version takes any
/// @param path the plugin; a signature file and a bill of materials beside it are found by themselves
/// @param digest receives the artifact's digest (32 bytes), or NULL
/// @return SOGOV_STATUS_OK when the engine would load it; the codes of trust and loading (4xx, 5xx) when not
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_file_verify(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    version: *const c_char,
    version_len: usize,
    path: *const c_char,
    path_len: usize,
    digest: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts and room for 32 bytes or NULL.
        let (service, version, path, digest) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::text(version, version_len, "version")?,
                In::path(path, path_len, "path")?,
                Out::optional(digest.cast::<[u8; 32]>()),
            )
        };
        let label = (!version.is_empty()).then_some(version);
        // SAFETY: the caller promises an engine or NULL.
        let root = unsafe {
            handle::with(engine, |engine| {
                let image = engine.verify_file(service, label, path, &LoadOptions::default())?;
                Ok(*image.digest())
            })
        }?;
        digest.put(root);
        Ok(())
    })
}

impl sogov_file_facts {
    /// The facts as the engine takes them.
    ///
    /// # Safety
    /// Every pair of pointer and length is readable.
    unsafe fn facts(&self) -> Result<FileFacts> {
        // SAFETY: the caller's promise.
        let text = |data, len, what| unsafe { In::text(data, len, what) }.map(str::to_owned);
        let sbom = text(self.sbom_path, self.sbom_path_len, "sbom_path")?;
        let facts = FileFacts {
            service: text(self.service, self.service_len, "service")?,
            version: text(self.version, self.version_len, "version")?,
            epoch: self.epoch,
            name: text(self.name, self.name_len, "name")?,
            semver: text(self.semver, self.semver_len, "semver")?,
            issuer: text(self.issuer, self.issuer_len, "issuer")?,
            not_before: (self.not_before > 0).then_some(self.not_before),
            not_after: (self.not_after > 0).then_some(self.not_after),
            sbom: (!sbom.is_empty()).then(|| PathBuf::from(sbom)),
            ..FileFacts::default()
        };
        if self.detached > 1 {
            return Err(Error::argument(format!("detached: expected 0 or 1, found {}", self.detached)));
        }
        Ok(facts)
    }
}
