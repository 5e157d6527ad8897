//! Update packages: `sogov_pack`, `sogov_install`, `sogov_package_check`, and the keys that they are encrypted by.

use super::bytes::{Buffer, sogov_bytes};
use super::engine::sogov_engine;
use super::error::sogov_error;
use super::guard::guard;
use super::handle::{self, impl_handle};
use super::input::{In, Options};
use super::key::{Key, optional_bytes, sogov_key};
use super::output::Out;
use super::sign::user_id;
use crate::crypto::envelope::{MAX_RECIPIENTS, Recipient, RecipientKey};
use crate::crypto::hmac::SecretKey;
use crate::crypto::key::{HeldKey, PrivateKey, RegisteredSigner, Signer};
use crate::custody;
use crate::engine::{Change, FileSigner, FileStanding, PackageFacts, PackedPlugin, pack, schemes};
use crate::error::{Error, Result, Status};
use arc_swap::ArcSwapOption;
use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The most plugins, files, hosts or keys that a call takes.
const MAX_COUNT: usize = 128;

/// A public key of RSA or SM2 that packages are encrypted for. Immutable; any number of threads may use it at once. Freed
/// with sogov_recipient_free().
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_recipient(ArcSwapOption<Recipient>);

impl_handle!(sogov_recipient, Recipient, "recipient");

/// A private key of RSA or SM2 that opens packages. Immutable; any number of threads may use it at once. Freed with
/// sogov_recipient_key_free(), which wipes it when the last call that uses it has ended.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_recipient_key(ArcSwapOption<RecipientKey>);

impl_handle!(sogov_recipient_key, RecipientKey, "recipient key");

/// A text of UTF-8; (NULL, 0) is empty.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(non_camel_case_types)]
pub struct sogov_text {
    /// The text, not NUL-terminated.
    pub data: *const c_char,
    /// Its bytes.
    pub len: usize,
}

/// How an installed file stands to the receipt of its installation.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageStanding {
    /// It is the file that was installed, with its content.
    Untouched = 0,
    /// Its content is another; loading refuses it.
    Replaced = 1,
    /// Its content is the one that was installed, in another file, as after a restore from a backup.
    Moved = 2,
}

/// What goes into a package.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_pack_options {
    /// sizeof(sogov_pack_options).
    pub size: usize,
    /// Paths of plugins, which are signed already; a signature file beside one, its path with ".sogsig" behind it, goes with
    /// it. The last part of a path is the name in the package.
    pub plugins: *const sogov_text,
    /// How many.
    pub plugin_count: usize,
    /// Paths of other files that are carried.
    pub files: *const sogov_text,
    /// How many.
    pub file_count: usize,
    /// Names of the hosts that may install it. At least one.
    pub audiences: *const sogov_text,
    /// How many.
    pub audience_count: usize,
    /// Private keys that sign the manifest, none of hmac-sha256. At least one; the trust directory of the hosts says how
    /// many.
    pub keys: *const *const sogov_key,
    /// How many.
    pub key_count: usize,
    /// The keys that the package is encrypted for, all of RSA or all of SM2. At least one.
    pub recipients: *const *const sogov_recipient,
    /// How many.
    pub recipient_count: usize,
    /// The service of the plugins; empty: that of the first plugin.
    pub service: *const c_char,
    /// Bytes of the service's name.
    pub service_len: usize,
    /// A number that must not fall from one package of the service to the next.
    pub epoch: u64,
    /// Until when it can be installed, in seconds since 1970; 0: 30 days from now.
    pub not_after: u64,
    /// Who issues it; may be empty.
    pub issuer: *const c_char,
    /// Bytes of the issuer.
    pub issuer_len: usize,
    /// The SM2 user id; NULL is the default, as in sogov_signature_options.
    pub user_id: *const u8,
    /// Bytes of the user id.
    pub user_id_len: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_pack_options {
    const NAME: &'static str = "sogov_pack_options";
    const ZERO: Self = Self {
        size: 0,
        plugins: std::ptr::null(),
        plugin_count: 0,
        files: std::ptr::null(),
        file_count: 0,
        audiences: std::ptr::null(),
        audience_count: 0,
        keys: std::ptr::null(),
        key_count: 0,
        recipients: std::ptr::null(),
        recipient_count: 0,
        service: std::ptr::null(),
        service_len: 0,
        epoch: 0,
        not_after: 0,
        issuer: std::ptr::null(),
        issuer_len: 0,
        user_id: std::ptr::null(),
        user_id_len: 0,
    };
}

/// How a package is installed.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_install_options {
    /// sizeof(sogov_install_options).
    pub size: usize,
    /// The name of this host, which must be among the package's audiences. Required.
    pub audience: *const c_char,
    /// Bytes of the name.
    pub audience_len: usize,
    /// The person or program that asks; goes into the log.
    pub actor: *const c_char,
    /// Bytes of the actor.
    pub actor_len: usize,
    /// The reason; goes into the log.
    pub reason: *const c_char,
    /// Bytes of the reason.
    pub reason_len: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_install_options {
    const NAME: &'static str = "sogov_install_options";
    const ZERO: Self = Self {
        size: 0,
        audience: std::ptr::null(),
        audience_len: 0,
        actor: std::ptr::null(),
        actor_len: 0,
        reason: std::ptr::null(),
        reason_len: 0,
    };
}

/// Reads whom a package is encrypted for: a certificate, whose chain and dates are not looked at, or a
/// SubjectPublicKeyInfo, in PEM or DER.
///
/// @param bytes the file's content, at most 64 KiB; borrowed
/// @param recipient receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format, another algorithm than RSA and SM2, or RSA of other
///         than 3072 to 8192 bits
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_recipient_read(
    bytes: *const u8,
    bytes_len: usize,
    recipient: *mut *mut sogov_recipient,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes and room for one pointer.
        let (bytes, place) =
            unsafe { (In::bytes(bytes, bytes_len, "bytes")?, Out::required(recipient, "recipient")?) };
        place.put(handle::issue(Arc::new(Recipient::from_encoded(bytes)?)));
        Ok(())
    })
}

/// Frees a recipient. Calls that use it end as if it was still there.
///
/// @param recipient a recipient, or NULL (nothing happens)
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_recipient_free(recipient: *mut sogov_recipient) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises a recipient or NULL.
        drop(unsafe { handle::free(recipient) });
        Ok(())
    });
}

/// Reads the private key that opens packages: PKCS#8 of RSA (3072 to 8192 bits) or SM2, or what sogov_key_load_private()
/// reads of SM2; PEM or DER.
///
/// @param bytes the file's content, at most 64 KiB; borrowed
/// @param password for an encrypted key; otherwise not looked at
/// @param certificate the key's certificate, or (NULL, 0): then of the recipients that a package names by certificates up to
///                    eight are tried; borrowed
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format, algorithm or size, a wrong or missing password, or
///         the certificate of another key
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_recipient_key_read(
    bytes: *const u8,
    bytes_len: usize,
    password: *const u8,
    password_len: usize,
    certificate: *const u8,
    certificate_len: usize,
    key: *mut *mut sogov_recipient_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes and room for one pointer.
        let (bytes, password, certificate, place) = unsafe {
            (
                In::bytes(bytes, bytes_len, "bytes")?,
                optional_bytes(password, password_len, "password")?,
                In::bytes(certificate, certificate_len, "certificate")?,
                Out::required(key, "key")?,
            )
        };
        let certificate = (!certificate.is_empty()).then_some(certificate);
        place.put(handle::issue(Arc::new(RecipientKey::from_encoded_in(
            custody::rooms(),
            bytes,
            password,
            certificate,
        )?)));
        Ok(())
    })
}

/// Frees a key that opens packages.
///
/// @param key a key, or NULL (nothing happens)
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_recipient_key_free(key: *mut sogov_recipient_key) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises a key or NULL.
        drop(unsafe { handle::free(key) });
        Ok(())
    });
}

/// Puts signed plugins and other files into an update package: signs their manifest, and encrypts all of it. The package
/// appears whole or not at all. docs/packages.md has the format.
///
/// @param options what goes in; required
/// @param target where the package goes
/// @param package_id receives the package's number, 16 bytes, or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT without a plugin or file, a host, a key or a recipient, for
///         recipients of both kinds, or for a file's name that a package cannot have; SOGOV_STATUS_UNSIGNED for a plugin that is not
///         signed; SOGOV_STATUS_WRONG_SERVICE for one of another service
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_pack(
    options: *const sogov_pack_options,
    target: *const c_char,
    target_len: usize,
    package_id: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises options, a readable path, and room for 16 bytes or NULL.
        let (raw, target, package_id) = unsafe {
            (
                In::options(options)?,
                In::path(target, target_len, "target")?,
                Out::optional(package_id.cast::<[u8; 16]>()),
            )
        };
        // SAFETY: the options promise readable texts and live handles.
        let (plugins, files, facts, user_id, keys, recipients) = unsafe {
            (
                texts(raw.plugins, raw.plugin_count, "plugins")?,
                texts(raw.files, raw.file_count, "files")?,
                raw.facts()?,
                user_id(raw.user_id, raw.user_id_len)?,
                handles(raw.keys, raw.key_count, "keys", MAX_COUNT)?,
                handles(raw.recipients, raw.recipient_count, "recipients", MAX_RECIPIENTS)?,
            )
        };
        let plugins: Vec<_> = plugins
            .into_iter()
            .map(|path| PackedPlugin { path: path.into(), signature_path: None })
            .collect();
        let files: Vec<_> = files.into_iter().map(PathBuf::from).collect();
        let recipients: Vec<Recipient> = recipients.iter().map(|recipient| (**recipient).clone()).collect();
        let holders = keys.iter().map(|key| Holder::of(key)).collect::<Result<Vec<_>>>()?;
        let signers: Vec<_> =
            holders.iter().map(|holder| FileSigner { key: holder.signer(), user_id: &user_id }).collect();
        let packed = pack(&plugins, &files, &facts, &signers, &recipients, target)?;
        package_id.put(packed.id.0);
        Ok(())
    })
}

/// Decrypts an update package, verifies all of it, and installs it into the engine's state directory: its files appear
/// together, or not at all. The engine needs a trust directory, a state directory and a receipt key.
///
/// @param engine borrowed
/// @param path the package
/// @param key the private key of this host; borrowed
/// @param options the host's name; required
/// @param directory receives the path of the directory with the package's files, UTF-8
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_PACKAGE_INVALID for what was altered, has another form or is not encrypted for the
///         key; SOGOV_STATUS_WRONG_AUDIENCE; SOGOV_STATUS_REPLAYED for a package that was installed before or is older than
///         the last one of its service; SOGOV_STATUS_EXPIRED; SOGOV_STATUS_BELOW_FLOOR; SOGOV_STATUS_UNSIGNED,
///         SOGOV_STATUS_UNTRUSTED_KEY and others as for sogov_load_versioned(), of the package and of each plugin in it
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_install(
    engine: *const sogov_engine,
    path: *const c_char,
    path_len: usize,
    key: *const sogov_recipient_key,
    options: *const sogov_install_options,
    directory: *mut sogov_bytes,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable path, options, and a buffer of this library.
        let (path, raw, mut place) = unsafe {
            (In::path(path, path_len, "path")?, In::options(options)?, Buffer::take(directory, "directory")?)
        };
        // SAFETY: the options promise readable texts.
        let (audience, actor, reason) = unsafe {
            (
                In::text(raw.audience, raw.audience_len, "audience")?,
                In::text(raw.actor, raw.actor_len, "actor")?,
                In::text(raw.reason, raw.reason_len, "reason")?,
            )
        };
        if audience.is_empty() {
            return Err(Error::argument("audience: expected the name of this host, found nothing"));
        }
        let change = Change { actor: actor.into(), reason: reason.into(), ..Change::default() };
        // SAFETY: the caller promises a key and an engine, or NULL.
        let installed = unsafe {
            handle::with(key, |key| {
                handle::with(engine, |engine| engine.install(path, key, audience, &change))
            })
        }?;
        place.fill(installed.directory.as_os_str().as_bytes());
        Ok(())
    })
}

/// Says whether an installed file is the one that was installed.
///
/// @param engine borrowed; with the state directory and the receipt key of the installation
/// @param path a file of an installed package
/// @param standing receives a sogov_package_standing
/// @return SOGOV_STATUS_OK, whatever the standing is; SOGOV_STATUS_NOT_FOUND for a file that no package brought;
///         SOGOV_STATUS_MODIFIED when the receipt itself was altered; SOGOV_STATUS_KEY_LOST_AFTER_FORK in a child that was
///         forked from the process that opened the engine
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_package_check(
    engine: *const sogov_engine,
    path: *const c_char,
    path_len: usize,
    standing: *mut PackageStanding,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable path and room for one number.
        let (path, place) =
            unsafe { (In::path(path, path_len, "path")?, Out::required(standing, "standing")?) };
        // SAFETY: the caller promises an engine or NULL.
        let found = unsafe { handle::with(engine, |engine| engine.check_installed(path)) }?;
        place.put(match found {
            FileStanding::Untouched => PackageStanding::Untouched,
            FileStanding::Replaced => PackageStanding::Replaced,
            FileStanding::Moved => PackageStanding::Moved,
        });
        Ok(())
    })
}

impl sogov_pack_options {
    /// # Safety
    /// Every pair of pointer and length is readable.
    unsafe fn facts(&self) -> Result<PackageFacts> {
        // SAFETY: the caller's promise.
        unsafe {
            Ok(PackageFacts {
                service: In::text(self.service, self.service_len, "service")?.to_owned(),
                epoch: self.epoch,
                audiences: texts(self.audiences, self.audience_count, "audiences")?,
                not_after: (self.not_after != 0).then_some(self.not_after),
                issuer: In::text(self.issuer, self.issuer_len, "issuer")?.to_owned(),
            })
        }
    }
}

/// What codes the receipts of an engine's packages.
///
/// # Safety
/// NULL, or a key that was issued, at whatever time.
pub(super) unsafe fn receipt_key(key: *const sogov_key) -> Result<Option<Arc<SecretKey>>> {
    if key.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let key = unsafe { handle::get(key) }?;
    match &*key {
        Key::Secret(secret) => {
            let copy = SecretKey::from_bytes_in(custody::rooms(), secret.as_bytes()?)?;
            Ok(Some(Arc::new(copy)))
        }
        other => {
            let found = other.scheme();
            Err(Error::argument(format!("receipt_key: expected a key of hmac-sha256, found one of {found}")))
        }
    }
}

/// # Safety
/// As for [`In::array`], and every text in it as for [`In::text`].
unsafe fn texts(data: *const sogov_text, count: usize, what: &str) -> Result<Vec<String>> {
    check_count(count, what, MAX_COUNT)?;
    // SAFETY: the caller's promise.
    let texts = unsafe { In::array(data, count, what) }?;
    // SAFETY: as above.
    texts.iter().map(|text| Ok(unsafe { In::text(text.data, text.len, what) }?.to_owned())).collect()
}

/// # Safety
/// As for [`In::array`], and every handle as for [`handle::with`].
unsafe fn handles<H>(
    data: *const *const H,
    count: usize,
    what: &str,
    limit: usize,
) -> Result<Vec<Arc<H::Target>>>
where
    H: handle::Handle<Cell = ArcSwapOption<<H as handle::Handle>::Target>>,
{
    check_count(count, what, limit)?;
    // SAFETY: the caller's promise.
    let handles = unsafe { In::array(data, count, what) }?;
    // SAFETY: as above.
    handles.iter().map(|one| unsafe { handle::get(*one) }).collect()
}

fn check_count(count: usize, what: &str, limit: usize) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::new(Status::LimitExceeded, format!("{what}: expected at most {limit}, found {count}")))
}

/// What signs by a key that signs plugins.
enum Holder<'a> {
    Private(&'a PrivateKey),
    Held(&'a HeldKey),
    Registered(RegisteredSigner<'a>),
}

impl<'a> Holder<'a> {
    fn of(key: &'a Key) -> Result<Self> {
        key.check_signs()?;
        match key {
            Key::Private(key) => Ok(Self::Private(key)),
            Key::Held(key) => Ok(Self::Held(key)),
            Key::RegisteredPrivate(pair) => {
                Ok(Self::Registered(RegisteredSigner { pair, schemes: schemes() }))
            }
            Key::Public(_) | Key::Secret(_) => Err(Error::argument(
                "keys: expected private keys of asymmetric schemes, found one of hmac-sha256",
            )),
        }
    }

    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Private(key) => *key,
            Self::Held(key) => *key,
            Self::Registered(signer) => signer,
        }
    }
}
