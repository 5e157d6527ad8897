//! `sogov_verify_batch` and `sogov_sign_batch`: many messages in one call.

use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::In;
use super::key::{Key, optional_bytes, sogov_key};
use super::output::Out;
use super::sign::{SignatureEncoding, sogov_signature_options, user_id};
use crate::crypto::sm2::{Claim, Order, SIGNATURE_LEN, Signature, UserId};
use crate::engine::{check_message, sign_messages, verify_messages};
use crate::error::{Error, Result, Status};
use std::sync::Arc;

/// How many items are worked on at a time: enough to fill lanes, few enough to stay in the cache.
const CHUNK: usize = 512;
/// The longest signature in DER.
const MAX_DER_LEN: usize = 72;

/// A signature to be verified: that of `key` over `message`.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_verification {
    /// A public key, or a private one, whose public part is used.
    pub key: *const sogov_key,
    /// Any number of bytes.
    pub message: *const u8,
    /// Bytes of the message.
    pub message_len: usize,
    /// In the encoding of the options.
    pub signature: *const u8,
    /// Bytes of the signature.
    pub signature_len: usize,
    /// The signer's SM2 user id, at most 8,191 bytes. NULL is that of the options; a pointer that is not NULL with
    /// length 0 is the empty id.
    pub user_id: *const u8,
    /// Bytes of the user id.
    pub user_id_len: usize,
}

/// A message to be signed by `key`.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_signing {
    /// A private key.
    pub key: *const sogov_key,
    /// Any number of bytes; not those that sogov_sign() refuses.
    pub message: *const u8,
    /// Bytes of the message.
    pub message_len: usize,
    /// The signer's SM2 user id, as in sogov_verification.
    pub user_id: *const u8,
    /// Bytes of the user id.
    pub user_id_len: usize,
}

/// Verifies many signatures, of any keys, and tells of each whether it is valid. Faster than as many calls of
/// sogov_verify(), and the more so the more there are of SM2; those of other schemes are verified one by one.
///
/// @param items borrowed; (NULL, 0) is none
/// @param count how many
/// @param options as for sogov_sign(): the encoding of all signatures, and the user id of items that have none
/// @param results receives `count` statuses: for each item what sogov_verify() would answer for it; NULL: they are not
///                wanted. They are written on failure too: where the call as a whole is refused, none is SOGOV_STATUS_OK
/// @return SOGOV_STATUS_OK when every signature is valid, and for no items; SOGOV_STATUS_SIGNATURE_INVALID when an item
///         has another result than SOGOV_STATUS_OK, whichever it is: the error says how many and names the first
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verify_batch(
    items: *const sogov_verification,
    count: usize,
    options: *const sogov_signature_options,
    results: *mut Status,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // Zero reads as valid. So the first thing is that no result does, whatever happens later.
        // SAFETY: the caller promises room for `count` statuses, or NULL.
        let results = unsafe { Out::array(results, count, Status::Internal, "results") }?;
        // SAFETY: the caller promises readable items, and options or NULL.
        let common =
            unsafe { In::array(items, count, "items").and_then(|items| Ok((items, Common::read(options)?))) };
        let (items, common) = common.inspect_err(|refusal| results.fill(refusal.status()))?;
        let mut tally = Tally { results, count, refused: 0, first: None };
        for (number, chunk) in items.chunks(CHUNK).enumerate() {
            // SAFETY: the caller promises keys, and readable messages, signatures and user ids.
            unsafe { verify_chunk(chunk, number * CHUNK, &common, &mut tally) };
        }
        tally.outcome()
    })
}

/// Signs many messages as sogov_sign() does, all of them or none. Faster than as many calls of it.
///
/// @param items borrowed; (NULL, 0) is none
/// @param count how many
/// @param options as for sogov_sign(): the encoding of all signatures, and the user id of items that have none
/// @param signatures receives the signatures: that of item i from signatures + i * stride on
/// @param stride bytes from one signature to the next: at least 64, or 72 for SOGOV_SIGNATURE_ENCODING_DER, and for a
///               registered scheme as many as its signatures have; what is left of them is not written
/// @param lengths receives `count` lengths; NULL: they are not wanted, as those of the raw encoding are 64 each for
///                sm2-sm3 and ecdsa-p256
/// @return SOGOV_STATUS_OK; otherwise nothing is signed, and the status is what sogov_sign() would answer for the first
///         item that it would refuse, which the error names
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_sign_batch(
    items: *const sogov_signing,
    count: usize,
    options: *const sogov_signature_options,
    signatures: *mut u8,
    stride: usize,
    lengths: *mut usize,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable items, and options or NULL.
        let (items, common) = unsafe { (In::array(items, count, "items")?, Common::read(options)?) };
        if items.is_empty() {
            return Ok(());
        }
        // SAFETY: the caller promises room for `count` signatures and lengths.
        let places = unsafe { Places::new(signatures, stride, lengths, count, common.encoding) }?;
        // SAFETY: the caller promises keys, and readable messages and user ids.
        let signed = unsafe { sign_all(items, &common) }?;
        places.put_all(&signed)
    })
}

/// What the options say for all items.
pub(super) struct Common {
    pub(super) user_id: UserId,
    pub(super) encoding: SignatureEncoding,
}

impl Common {
    /// # Safety
    /// `options` is NULL or the caller's options, with a readable user id.
    pub(super) unsafe fn read(options: *const sogov_signature_options) -> Result<Self> {
        // SAFETY: the caller's promise.
        let options = unsafe { In::options(options) }?;
        Ok(Self {
            // SAFETY: as above.
            user_id: unsafe { user_id(options.user_id, options.user_id_len) }?,
            encoding: SignatureEncoding::from_number(options.encoding)?,
        })
    }
}

/// What was found of a batch so far.
struct Tally<'a> {
    /// Empty when they are not wanted.
    results: &'a mut [Status],
    count: usize,
    refused: usize,
    first: Option<(usize, Error)>,
}

impl Tally<'_> {
    fn accept(&mut self, index: usize) {
        self.put(index, Status::Ok);
    }

    fn refuse(&mut self, index: usize, refusal: Error) {
        self.put(index, refusal.status());
        self.refused += 1;
        // An item whose arguments are bad is found before one whose signature is.
        if self.first.as_ref().is_none_or(|(first, _)| index < *first) {
            self.first = Some((index, refusal));
        }
    }

    fn put(&mut self, index: usize, status: Status) {
        if let Some(result) = self.results.get_mut(index) {
            *result = status;
        }
    }

    fn outcome(self) -> Result<()> {
        let Some((index, refusal)) = self.first else { return Ok(()) };
        let (refused, count) = (self.refused, self.count);
        Err(Error::new(
            Status::SignatureInvalid,
            format!("{refused} of {count} items are not valid, the first is items[{index}]: {refusal}"),
        ))
    }
}

/// An item as far as its arguments go.
struct Checked<'a> {
    /// Its place in the batch.
    index: usize,
    /// Its place among the keys.
    key: usize,
    /// Its own user id, which few have: apart, so that the others need not move room for one.
    user_id: Option<Box<UserId>>,
    message: &'a [u8],
    signature: Signature,
}

/// Verifies the items from `first` on.
///
/// # Safety
/// The items' keys are handles or NULL; their messages, signatures and user ids are readable.
unsafe fn verify_chunk(items: &[sogov_verification], first: usize, common: &Common, tally: &mut Tally<'_>) {
    let mut keys = Keys::new();
    let mut checked = Vec::with_capacity(items.len());
    for (index, item) in (first..).zip(items) {
        // SAFETY: the caller's promise.
        match unsafe { check(item, index, common, &mut keys) } {
            Ok(Some(item)) => checked.push(item),
            // By a key of another scheme, which was verified by itself.
            Ok(None) => tally.accept(index),
            Err(refusal) => tally.refuse(index, refusal),
        }
    }
    let claims: Vec<Claim<'_>> = checked
        .iter()
        .filter_map(|item| {
            Some(Claim {
                // Always there: what was checked and is not yet verified is of SM2.
                key: keys.get(item.key).sm2()?,
                user_id: item.user_id.as_deref().unwrap_or(&common.user_id),
                message: item.message,
                signature: &item.signature,
            })
        })
        .collect();
    for (item, valid) in checked.iter().zip(verify_messages(&claims)) {
        if valid {
            tally.accept(item.index);
        } else {
            tally.refuse(item.index, Error::new(Status::SignatureInvalid, NOT_VALID));
        }
    }
}

const NOT_VALID: &str = "signature: it does not belong to this message, this key and this user id";

/// An item that waits for the others of SM2; `None` for one of another scheme, which is valid.
///
/// # Safety
/// As for [`verify_chunk`].
unsafe fn check<'a>(
    item: &sogov_verification,
    index: usize,
    common: &Common,
    keys: &mut Keys,
) -> Result<Option<Checked<'a>>> {
    // In the order of sogov_verify, so that an item with two faults has its result.
    // SAFETY: the caller's promise.
    unsafe {
        let message = In::bytes(item.message, item.message_len, "message")?;
        let signature = In::bytes(item.signature, item.signature_len, "signature")?;
        let user_id = own_user_id(item.user_id, item.user_id_len)?;
        let key = keys.find(item.key)?;
        if keys.get(key).sm2().is_none() {
            let user_id = user_id.as_ref().unwrap_or(&common.user_id);
            common.encoding.verify(keys.get(key), user_id, message, signature)?;
            return Ok(None);
        }
        let user_id = user_id.map(Box::new);
        Ok(Some(Checked { index, key, user_id, message, signature: common.encoding.read(signature)? }))
    }
}

/// # Safety
/// The items' keys are handles or NULL; their messages and user ids are readable.
unsafe fn sign_all(items: &[sogov_signing], common: &Common) -> Result<Vec<Made>> {
    let mut keys = Keys::new();
    let mut checked: Vec<(usize, Option<UserId>, &[u8])> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        // SAFETY: the caller's promise.
        let item = unsafe { check_order(item, &mut keys) };
        checked.push(item.map_err(|e| e.of(format_args!("items[{index}]")))?);
    }
    let mut orders = Vec::with_capacity(checked.len());
    // What other schemes than SM2 made, in the order of the items.
    let mut others = Vec::with_capacity(checked.len());
    for (index, (key, user_id, message)) in checked.iter().enumerate() {
        let (key, user_id) = (keys.get(*key), user_id.as_ref().unwrap_or(&common.user_id));
        if let Some(key) = key.sm2_private() {
            orders.push(Order { key, user_id, message });
            others.push(None);
        } else {
            let signature = common.encoding.sign(key, user_id, message);
            others.push(Some(signature.map_err(|e| e.of(format_args!("items[{index}]")))?));
        }
    }
    let mut by_sm2 = sign_messages(&orders)?.into_iter().map(Made::Sm2);
    let made = others.into_iter().map(|other| other.map(Made::Other).or_else(|| by_sm2.next()));
    made.collect::<Option<_>>().ok_or_else(|| Error::new(Status::Internal, "items: a signature is missing"))
}

/// A signature before it is put into its place.
enum Made {
    Sm2(Signature),
    /// In the encoding that was asked for.
    Other(Vec<u8>),
}

/// Refuses what sogov_sign would refuse, in its order. Answers the key's place, the item's own user id and the message.
///
/// # Safety
/// As for [`sign_all`].
unsafe fn check_order<'a>(
    item: &sogov_signing,
    keys: &mut Keys,
) -> Result<(usize, Option<UserId>, &'a [u8])> {
    // SAFETY: the caller's promise.
    unsafe {
        let message = In::bytes(item.message, item.message_len, "message")?;
        let user_id = own_user_id(item.user_id, item.user_id_len)?;
        let key = keys.find(item.key)?;
        keys.get(key).check_signs()?;
        check_message(message)?;
        Ok((key, user_id, message))
    }
}

/// The user id of an item; `None` where it has none of its own.
///
/// # Safety
/// As for [`In::bytes`].
pub(super) unsafe fn own_user_id(data: *const u8, len: usize) -> Result<Option<UserId>> {
    // SAFETY: the caller's promise.
    unsafe { optional_bytes(data, len, "user_id") }?.map(UserId::new).transpose()
}

/// Places for signatures, and for their lengths where they are wanted.
struct Places {
    signatures: *mut u8,
    stride: usize,
    lengths: *mut usize,
    encoding: SignatureEncoding,
}

impl Places {
    /// # Safety
    /// `signatures` is NULL or has room for `count` strides, and `lengths` is NULL or has room for `count` lengths.
    unsafe fn new(
        signatures: *mut u8,
        stride: usize,
        lengths: *mut usize,
        count: usize,
        encoding: SignatureEncoding,
    ) -> Result<Self> {
        if signatures.is_null() {
            return Err(Error::argument("signatures: expected a place for the result, found NULL"));
        }
        let least = match encoding {
            SignatureEncoding::Raw => SIGNATURE_LEN,
            SignatureEncoding::Der => MAX_DER_LEN,
        };
        let fits = stride.checked_mul(count).is_some_and(|len| isize::try_from(len).is_ok());
        if stride < least || !fits {
            return Err(Error::argument(format!(
                "stride: expected {least} bytes or more that fit the address space {count} times, found {stride}"
            )));
        }
        Ok(Self { signatures, stride, lengths, encoding })
    }

    /// Writes all signatures, of which there are as many as there is room for, or none where one is longer than a stride.
    fn put_all(&self, signatures: &[Made]) -> Result<()> {
        for (index, signature) in signatures.iter().enumerate() {
            if let Made::Other(bytes) = signature
                && bytes.len() > self.stride
            {
                return Err(Error::argument(format!(
                    "stride: expected {} bytes or more for the signature of items[{index}], found {}",
                    bytes.len(),
                    self.stride
                )));
            }
        }
        for (index, signature) in signatures.iter().enumerate() {
            match (signature, self.encoding) {
                (Made::Sm2(signature), SignatureEncoding::Raw) => self.put_bytes(index, signature.as_bytes()),
                (Made::Sm2(signature), SignatureEncoding::Der) => self.put_bytes(index, &signature.to_der()),
                (Made::Other(bytes), _) => self.put_bytes(index, bytes),
            }
        }
        Ok(())
    }

    fn put_bytes(&self, index: usize, bytes: &[u8]) {
        // SAFETY: the promise of `new`; an encoded signature is at most as long as a stride.
        unsafe {
            self.signatures.add(index * self.stride).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            if !self.lengths.is_null() {
                self.lengths.add(index).write(bytes.len());
            }
        }
    }
}

/// The keys of a batch, each kept alive once: many items have few keys, and a count that is shared by all threads which
/// verify by a key is better left alone.
struct Keys {
    found: Vec<(*const sogov_key, Arc<Key>)>,
    /// Where the handle that falls into this place was found last.
    hints: [u16; Self::HINTS],
}

impl Keys {
    const HINTS: usize = 256;

    fn new() -> Self {
        Self { found: Vec::new(), hints: [0; Self::HINTS] }
    }

    /// The place of what the handle stands for, for [`get`](Self::get).
    ///
    /// # Safety
    /// `handle` is NULL or a key, at whatever time.
    unsafe fn find(&mut self, handle: *const sogov_key) -> Result<usize> {
        // Handles are blocks of 32 bytes or more.
        let place = (handle as usize >> 5) % Self::HINTS;
        let hint = self.hints.get(place).copied().map_or(0, usize::from);
        if self.found.get(hint).is_some_and(|(found, _)| *found == handle) {
            return Ok(hint);
        }
        // SAFETY: the caller's promise.
        let key = unsafe { handle::get(handle) }?;
        let index = self.found.len();
        self.found.push((handle, key));
        // Beyond what a hint can say, a key is just found anew.
        if let (Some(hint), Ok(index)) = (self.hints.get_mut(place), u16::try_from(index)) {
            *hint = index;
        }
        Ok(index)
    }

    /// `index` is what [`find`](Self::find) answered.
    fn get(&self, index: usize) -> &Key {
        &self.found[index].1
    }
}
