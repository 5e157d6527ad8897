"""Many signatures in one call, and digests."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import NamedTuple, Optional, Union

from . import _abi, _convert
from ._convert import Data
from ._enums import DigestAlgorithm, Status
from ._errors import BatchInvalidError, ErrorPlace, known
from ._keys import PrivateKey, PublicKey, signature_options

# Room for a signature in either encoding.
_STRIDE = 72


class Verification(NamedTuple):
    """A signature to be verified: that of `key` over `message`. A plain tuple of these serves as well."""

    key: PublicKey | PrivateKey
    message: Data
    signature: Data
    user_id: Data | None = None
    """The signer's; None is the one given for all."""


class Signing(NamedTuple):
    """A message to be signed by `key`. A plain tuple of these serves as well."""

    key: PrivateKey
    message: Data
    user_id: Data | None = None
    """The signer's; None is the one given for all."""


# The members of the two, from the first on.
VerificationLike = Union[
    Verification,
    tuple[Union[PublicKey, PrivateKey], Data, Data],
    tuple[Union[PublicKey, PrivateKey], Data, Data, Optional[Data]],
]
SigningLike = Union[Signing, tuple[PrivateKey, Data], tuple[PrivateKey, Data, Optional[Data]]]


def verify_batch(
    items: Iterable[VerificationLike], *, user_id: Data | None = None, encoding: str = "raw"
) -> None:
    """Verifies many signatures, of any keys, and returns when every one is valid; faster than as many calls
    of `verify`. Otherwise it raises BatchInvalidError, whose `results` tell of each item what became of it.

    user_id, encoding: as for `PrivateKey.sign`; the user id is that of items which have none of their own.
    """
    # Kept until the call has returned: a key that nobody holds is freed, and its handle may come to stand for
    # another key.
    kept = [Verification(*item) for item in items]
    given = [verification(item) for item in kept]
    options = signature_options(user_id, encoding)
    results = (ctypes.c_int * len(given))()
    error = ErrorPlace()
    status = _abi.sogov_verify_batch(
        (_abi.Verification * len(given))(*given),
        len(given),
        ctypes.byref(options),
        results,
        error.ref,
    )
    if status == Status.SIGNATURE_INVALID:
        raise BatchInvalidError(Status.SIGNATURE_INVALID, error.take(), [known(result) for result in results])
    error.check(status)


def sign_batch(
    items: Iterable[SigningLike], *, user_id: Data | None = None, encoding: str = "raw"
) -> list[bytes]:
    """Signs many messages as `PrivateKey.sign` does, all or none, and returns the signatures in the order of
    the items; faster than as many calls of it.

    user_id, encoding: as for `PrivateKey.sign`; the user id is that of items which have none of their own.
    """
    kept = [Signing(*item) for item in items]  # As in verify_batch.
    given = [_signing(item) for item in kept]
    options = signature_options(user_id, encoding)
    signatures = ctypes.create_string_buffer(len(given) * _STRIDE)
    lengths = (ctypes.c_size_t * len(given))()
    error = ErrorPlace()
    error.check(
        _abi.sogov_sign_batch(
            (_abi.Signing * len(given))(*given),
            len(given),
            ctypes.byref(options),
            signatures,
            _STRIDE,
            lengths,
            error.ref,
        )
    )
    bytes_ = signatures.raw
    return [bytes_[i * _STRIDE : i * _STRIDE + length] for i, length in enumerate(lengths)]


def digest(data: Data, *, tree: bool = False) -> bytes:
    """The SM3 digest of `data` (GB/T 32905-2016), 32 bytes; with `tree` the tree digest, of plugin files,
    which is faster for data of more than some leaves of 64 KiB.
    """
    given = _convert.data(data, "data")
    algorithm = DigestAlgorithm.SM3_TREE if tree else DigestAlgorithm.SM3
    place = ctypes.create_string_buffer(32)
    error = ErrorPlace()
    error.check(_abi.sogov_digest(algorithm, given, len(given), place, error.ref))
    return place.raw


def verification(item: Verification) -> _abi.Verification:
    """sogov_verification, which keeps the item's bytes alive."""
    message, signature = _convert.data(item.message, "message"), _convert.data(item.signature, "signature")
    identity, identity_len = _convert.optional_data(item.user_id, "user_id")
    return _abi.Verification(
        item.key._live(), message, len(message), signature, len(signature), identity, identity_len
    )


def _signing(item: Signing) -> _abi.Signing:
    message = _convert.data(item.message, "message")
    identity, identity_len = _convert.optional_data(item.user_id, "user_id")
    return _abi.Signing(item.key._live(), message, len(message), identity, identity_len)
