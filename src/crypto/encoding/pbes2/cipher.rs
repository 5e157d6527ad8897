//! The ciphers of PBES2: CBC with PKCS#7 padding.
#![forbid(unsafe_code)]

use crate::crypto::encoding::algorithm::{Named, openssl_converts};
use crate::crypto::encoding::invalid;
use crate::error::{Error, Result, Status};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::consts::U16;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyInit,
    KeyIvInit,
};
use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

/// Bytes in an initialisation vector, and in a block.
pub(super) const IV_LEN: usize = 16;

const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const SM4_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.104.2");

/// A block cipher in CBC mode.
#[derive(Clone, Copy)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Sm4,
}

impl Cipher {
    pub(super) fn of_oid(oid: ObjectIdentifier) -> Result<Self> {
        match oid {
            AES_128_CBC => Ok(Self::Aes128),
            AES_192_CBC => Ok(Self::Aes192),
            AES_256_CBC => Ok(Self::Aes256),
            SM4_CBC => Ok(Self::Sm4),
            other => {
                let (found, how) = (Named(other), openssl_converts());
                Err(invalid(format!("expected encryption by AES-CBC or SM4-CBC, found {found}, {how}")))
            }
        }
    }

    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => AES_128_CBC,
            Self::Aes192 => AES_192_CBC,
            Self::Aes256 => AES_256_CBC,
            Self::Sm4 => SM4_CBC,
        }
    }

    /// Bytes in a key.
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Sm4 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// The plain text; `None` if the length or the padding is wrong.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8; IV_LEN], text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => decrypt::<aes::Aes128>(key, iv, text),
            Self::Aes192 => decrypt::<aes::Aes192>(key, iv, text),
            Self::Aes256 => decrypt::<aes::Aes256>(key, iv, text),
            Self::Sm4 => decrypt::<sm4::Sm4>(key, iv, text),
        }
    }

    /// The padded cipher text.
    pub(super) fn encrypt(self, key: &[u8], iv: &[u8; IV_LEN], text: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => encrypt::<aes::Aes128>(key, iv, text),
            Self::Aes192 => encrypt::<aes::Aes192>(key, iv, text),
            Self::Aes256 => encrypt::<aes::Aes256>(key, iv, text),
            Self::Sm4 => encrypt::<sm4::Sm4>(key, iv, text),
        }
        .ok_or_else(|| Error::new(Status::Internal, "key file: the cipher refused the length of its key"))
    }
}

fn decrypt<C>(key: &[u8], iv: &[u8; IV_LEN], text: &[u8]) -> Option<Zeroizing<Vec<u8>>>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let mut buffer = Zeroizing::new(text.to_vec());
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let len = cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok()?.len();
    buffer.truncate(len);
    Some(buffer)
}

fn encrypt<C>(key: &[u8], iv: &[u8; IV_LEN], text: &[u8]) -> Option<Zeroizing<Vec<u8>>>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let mut buffer = Zeroizing::new(vec![0; text.len() + IV_LEN]);
    buffer.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    let len = cipher.encrypt_padded::<Pkcs7>(&mut buffer, text.len()).ok()?.len();
    buffer.truncate(len);
    Some(buffer)
}
