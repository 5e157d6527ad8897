"""The audit trail: how an engine writes it, and whether it is as it was written."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from . import _abi, _convert
from ._convert import Data, PathLike
from ._errors import ErrorPlace
from ._keys import PrivateKey, PublicKey


@dataclass(frozen=True)
class AuditOptions:
    """How an engine records what it does, in machine/audit of its state directory, which it needs then.
    docs/audit.md says what is recorded, and what a trail is worth.
    """

    required: bool = False
    """Whether a change that cannot be recorded is refused before it happens; otherwise that is logged."""
    checkpoint_key: PrivateKey | None = None
    """Signs checkpoints; it may be closed once the engine is open. None: there are none."""
    checkpoint_every: int = 0
    """After how many records a checkpoint is signed; 0: 256. There is one also when the engine is closed."""
    segment_size: int = 0
    """Bytes after which a new file begins, 64 KiB to 64 MiB; 0: 4 MiB."""
    total_size: int = 0
    """Bytes of all files together, beyond which the oldest are removed; 0: 64 times `segment_size`."""
    pseudonym_key: Data | None = None
    """Actors and reasons are recorded as HMAC-SHA256 codes under these 16 to 1,024 bytes; None: in clear."""


@dataclass(frozen=True)
class AuditPosition:
    """A place in an audit trail: everything up to it is fixed by the hash."""

    record: int
    """The number of a record; 0 for none."""
    hash: bytes
    """Its hash, 32 bytes."""


@dataclass(frozen=True)
class AuditReport:
    """What was found in a trail that is as it was written."""

    first: int
    """The number of the first record that is kept; 0 for none."""
    head: AuditPosition
    """The last record."""
    segments: int
    """How many files."""
    checkpoints: int
    """How many checkpoints."""
    signed_up_to: int
    """The number of the last checkpoint; 0 where there is none, or no key was given."""
    recovered: int
    """How many times the rest of a record that a crash had torn was taken away."""


def audit_verify(
    directory: PathLike,
    keys: Sequence[PublicKey | PrivateKey] = (),
    expected: AuditPosition | None = None,
) -> AuditReport:
    """Looks whether an audit trail is as it was written. Engines may be writing it meanwhile.

    directory: the state directory, or the directory of a trail, which must belong to this user or to root.
    keys: one of them must have signed each checkpoint, of which there must be one then; none: signatures
        are not looked at.
    expected: a record that must be there, from `Engine.audit_head` or an earlier report.

    Raises AuditBrokenError, which names the file, the record, what was expected and what was found;
    NotFoundError where there is no trail.
    """
    path = _convert.path(directory)
    handles = (ctypes.c_void_p * len(keys))(*[key._live() for key in keys])
    report, error = _abi.AuditReport(size=ctypes.sizeof(_abi.AuditReport)), ErrorPlace()
    place = None if expected is None else ctypes.byref(native_position(expected))
    error.check(
        _abi.sogov_audit_verify(path, len(path), handles, len(keys), place, ctypes.byref(report), error.ref)
    )
    return AuditReport(
        report.first,
        position(report.head),
        report.segments,
        report.checkpoints,
        report.signed_up_to,
        report.recovered,
    )


def native_options(options: AuditOptions) -> _abi.AuditOptions:
    """What crosses the ABI. It keeps the bytes that it points at alive."""
    secret, secret_len = _convert.optional_data(options.pseudonym_key, "pseudonym_key")
    key = options.checkpoint_key
    return _abi.AuditOptions(
        size=ctypes.sizeof(_abi.AuditOptions),
        required=1 if options.required else 0,
        checkpoint_every=_convert.number(options.checkpoint_every, 32, "checkpoint_every"),
        checkpoint_key=None if key is None else key._live(),
        segment_size=_convert.number(options.segment_size, 64, "segment_size"),
        total_size=_convert.number(options.total_size, 64, "total_size"),
        pseudonym_key=secret,
        pseudonym_key_len=secret_len,
    )


def native_position(place: AuditPosition) -> _abi.AuditPosition:
    """What crosses the ABI."""
    digest = _convert.data(place.hash, "hash")
    if len(digest) != 32:
        raise ValueError(f"hash: expected 32 bytes, found {len(digest)}")
    return _abi.AuditPosition(place.record, (ctypes.c_uint8 * 32)(*digest))


def position(place: _abi.AuditPosition) -> AuditPosition:
    """What came over the ABI."""
    return AuditPosition(place.record, bytes(place.hash))
