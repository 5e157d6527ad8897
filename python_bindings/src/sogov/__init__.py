"""Governs native plugins: signed, versioned, routed, rolled back. A pure ctypes binding of libsogov.so.

Start at `Engine`; `PrivateKey` signs, `verify_batch` and `Verifier` verify in numbers, `Service.call` and
`Service.route` use what was loaded, and every failure is a `SogovError`. What holds for all of it:

- Any number of threads may use any object at once. The GIL is given up during each call: other threads go on.
  - Closing is refused with BusyError while the object is in use, and every use of a closed object is a
  ClosedError.
- Texts are str, data is bytes (or bytearray, memoryview: copied). Times are aware datetimes or seconds since
  1970.
- Children of a fork may go on routing and calling. Leases inherited by them are void.
- Nothing is printed, no signal handler is installed, and of the environment SOGOV_LIBRARY alone is read.
"""

from __future__ import annotations

from . import _abi
from ._batch import Signing, Verification, digest, sign_batch, verify_batch
from ._engine import Engine, Event, ProcessInfo, VersionInfo, process_status
from ._enums import (
    Breaker,
    EventKind,
    LogLevel,
    Outcome,
    Preflight,
    RouteReason,
    Standing,
    Status,
    SymbolCollisions,
    UpdateNoData,
    UpdatePhase,
    UpdateState,
    UpdateStep,
)
from ._errors import (
    AmbiguousError,
    ArgumentError,
    BatchInvalidError,
    BelowFloorError,
    BreakerOpenError,
    BusyError,
    CallError,
    CancelledError,
    ClosedError,
    DeadlockError,
    ExpiredError,
    ImageRejectedError,
    InternalError,
    KeyInvalidError,
    KeyOrSignatureError,
    LeaseGoneError,
    LimitExceededError,
    LoadError,
    LoadFailedError,
    ModifiedError,
    NotFoundError,
    NotYetValidError,
    NoVersionError,
    PinnedError,
    PluginCrashedError,
    PluginError,
    PreflightFailedError,
    RouteError,
    RoutePolicyInvalidError,
    SignatureInvalidError,
    SogovError,
    SystemFailure,
    TrustError,
    TrustInvalidError,
    UnsignedError,
    UnsupportedError,
    UntrustedKeyError,
    UpdateFailedError,
    WrongServiceError,
)
from ._keys import KeyId, PrivateKey, PublicKey, prepared_keys_limit, sign, verify
from ._lease import Lease, LeasedFunction
from ._scratch import Answer
from ._service import Service
from ._update import GrayStep, UpdateMismatch, UpdateProgress
from ._verifier import VerificationResult, Verifier

__version__ = _abi.sogov_version_text().decode()

__all__ = [
    "AmbiguousError",
    "Answer",
    "ArgumentError",
    "BatchInvalidError",
    "BelowFloorError",
    "Breaker",
    "BreakerOpenError",
    "BusyError",
    "CallError",
    "CancelledError",
    "ClosedError",
    "DeadlockError",
    "Engine",
    "Event",
    "EventKind",
    "ExpiredError",
    "GrayStep",
    "ImageRejectedError",
    "InternalError",
    "KeyId",
    "KeyInvalidError",
    "KeyOrSignatureError",
    "Lease",
    "LeaseGoneError",
    "LeasedFunction",
    "LimitExceededError",
    "LoadError",
    "LoadFailedError",
    "LogLevel",
    "ModifiedError",
    "NoVersionError",
    "NotFoundError",
    "NotYetValidError",
    "Outcome",
    "PinnedError",
    "PluginCrashedError",
    "PluginError",
    "Preflight",
    "PreflightFailedError",
    "PrivateKey",
    "ProcessInfo",
    "PublicKey",
    "RouteError",
    "RoutePolicyInvalidError",
    "RouteReason",
    "Service",
    "SignatureInvalidError",
    "Signing",
    "SogovError",
    "Standing",
    "Status",
    "SymbolCollisions",
    "SystemFailure",
    "TrustError",
    "TrustInvalidError",
    "UnsignedError",
    "UnsupportedError",
    "UntrustedKeyError",
    "UpdateFailedError",
    "UpdateMismatch",
    "UpdateNoData",
    "UpdatePhase",
    "UpdateProgress",
    "UpdateState",
    "UpdateStep",
    "Verification",
    "VerificationResult",
    "Verifier",
    "VersionInfo",
    "WrongServiceError",
    "__version__",
    "digest",
    "prepared_keys_limit",
    "process_status",
    "sign",
    "sign_batch",
    "verify",
    "verify_batch",
]
