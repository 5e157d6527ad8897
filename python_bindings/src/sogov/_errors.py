"""The exceptions: one base, one class per family of status codes, one per code below its family."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NoReturn

from . import _abi
from ._enums import RouteReason, Status


class SogovError(Exception):
    """A call failed. `status` is the code (a `Status`, or an int that this release does not know), `message`
    one line that names the thing, what was expected and what was found. It never holds key bytes.
    """

    status: int
    message: str

    def __init__(self, status: int, message: str) -> None:
        self.args = (status, message)
        self.status = status
        self.message = message

    @property
    def status_name(self) -> str:
        """The status as it stands in sogov.h, such as "SOGOV_STATUS_UNSIGNED"."""
        return _abi.sogov_status_name(self.status).decode()

    def __str__(self) -> str:
        return f"{self.message} ({self.status_name})"


class CallError(SogovError):
    """1xx: the call itself."""


class ArgumentError(CallError, ValueError):
    """An argument is empty, too long, not UTF-8, out of range or of another kind than asked for."""


class ClosedError(CallError, ValueError):
    """The object was closed, or its engine was."""


class NotFoundError(CallError, LookupError):
    """No service, version, symbol, key or file of that name."""


class BusyError(CallError):
    """The thing exists already or is in use; nothing was changed."""


class DeadlockError(CallError):
    """The call would wait for itself: it was made from inside a plugin call of the same version."""


class LimitExceededError(CallError):
    """A limit was reached (leases in flight, versions of a service, sizes)."""


class CancelledError(CallError):
    """The caller's own callback asked to stop; the state is as before the call."""


class SystemFailure(SogovError, OSError):  # noqa: N818
    """2xx: the operating system refused a read, a write, a mapping or a lock. `errno` is None; `message` has
    it.
    """


class UnsupportedError(SystemFailure):
    """This kernel, architecture, build or plugin lacks what the call needs."""


class AuditBrokenError(SystemFailure):
    """The audit trail is not what was written: a record is missing, moved or altered; the message says
    where.
    """


class KeyOrSignatureError(SogovError):
    """3xx: keys and signatures."""


class KeyInvalidError(KeyOrSignatureError, ValueError):
    """A key could not be read: wrong format, wrong password, wrong curve, off the curve."""


class SignatureInvalidError(KeyOrSignatureError):
    """The signature does not belong to these bytes, this key and this user id."""


class BatchInvalidError(SignatureInvalidError):
    """Not every signature of a batch is valid. `results` has for each item, in their order, `Status.OK` or
    what was wrong with it.
    """

    results: list[int]

    def __init__(self, status: int, message: str, results: Sequence[int] = ()) -> None:
        super().__init__(status, message)
        self.results = list(results)


class KeyLostAfterForkError(KeyOrSignatureError):
    """The private key stayed behind in the process that was forked: read it again in this one."""


class CustodyFailedError(KeyOrSignatureError):
    """The token or device that keeps the private key refused: not there, wrong PIN, no such key or
    mechanism.
    """


class TrustError(SogovError):
    """4xx: the artifact is not one that the trust directory lets run."""


class UnsignedError(TrustError):
    """The artifact carries no signature at all."""


class ModifiedError(TrustError):
    """The artifact's bytes are not those that were signed."""


class AmbiguousError(TrustError):
    """More than one reading of the artifact's signature is possible."""


class ExpiredError(TrustError):
    """The validity of the statement, the key or the trust document has ended."""


class NotYetValidError(TrustError):
    """The validity of the statement, the key or the trust document has not begun."""


class UntrustedKeyError(TrustError):
    """Too few signatures by keys that the trust document names."""


class WrongServiceError(TrustError):
    """The statement is for another service, version or architecture than asked for."""


class BelowFloorError(TrustError):
    """The statement's epoch is below the floor."""


class TrustInvalidError(TrustError):
    """The trust directory or its document is missing, malformed, unsafe or not signed by the root keys."""


class RevokedError(TrustError):
    """The artifact, or a key that signed it, stands on the deny-list."""


class ClockRefusedError(TrustError):
    """The clock stands before a time that was seen already, or jumped ahead too far to be believed."""


class SbomInvalidError(TrustError):
    """The bill of materials is missing where it is asked for, malformed, or not the one that was signed."""


class ComponentDeniedError(TrustError):
    """A component of the artifact is denied by the trust document or has a known vulnerability."""


class PackageInvalidError(TrustError):
    """The update package is malformed, was altered, or is not encrypted for the key at hand."""


class WrongAudienceError(TrustError):
    """The update package is meant for another host."""


class ReplayedError(TrustError):
    """The update package was installed before, or a later one was."""


class LoadError(SogovError):
    """5xx: loading and unloading."""


class ImageRejectedError(LoadError):
    """The file is not an ELF image that may be loaded."""


class LoadFailedError(LoadError):
    """The dynamic linker refused the image, or it mapped something else than was verified."""


class PinnedError(LoadError):
    """The version stays mapped by necessity; the message and the listing name the reason."""


class PreflightFailedError(LoadError):
    """The preflight refused the version: in its child process it crashed, hung, exited or answered wrong."""


class UpdateFailedError(LoadError):
    """An update was taken back: the new version did not pass a step, which the message names."""


class RouteError(SogovError):
    """6xx: routing."""


class RoutePolicyInvalidError(RouteError, ValueError):
    """The route policy is malformed or contradicts what is loaded; the message says where."""


class NoVersionError(RouteError):
    """No version can serve the request."""


class LeaseGoneError(RouteError):
    """The lease was released before, or was inherited through fork."""


class BreakerOpenError(RouteError):
    """Every version that could serve the request has an open breaker."""


class PluginError(SogovError):
    """7xx: the plugin answered with a failure, or broke its contract.

    After a call that reached a version: `plugin_status` is what its invoke returned, `answer` what it had
    written, `version` its label and `reason` why it was this one. Otherwise these are 0, empty and
    `RouteReason.NONE`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        plugin_status: int = 0,
        answer: bytes = b"",
        version: str = "",
        reason: RouteReason = RouteReason.NONE,
    ) -> None:
        super().__init__(status, message)
        self.plugin_status = plugin_status
        self.answer = answer
        self.version = version
        self.reason = reason


class PluginCrashedError(PluginError):
    """The plugin's code crashed in the call; the version never serves again. Only with `contain_crashes`."""


class InternalError(SogovError):
    """9xx: a fault inside sogov; the state is as before the call. Please report it."""


_FAMILIES: dict[int, type[SogovError]] = {
    1: CallError,
    2: SystemFailure,
    3: KeyOrSignatureError,
    4: TrustError,
    5: LoadError,
    6: RouteError,
    7: PluginError,
    9: InternalError,
}

_CODES: dict[int, type[SogovError]] = {
    Status.INVALID_ARGUMENT: ArgumentError,
    Status.CLOSED: ClosedError,
    Status.NOT_FOUND: NotFoundError,
    Status.BUSY: BusyError,
    Status.DEADLOCK: DeadlockError,
    Status.LIMIT_EXCEEDED: LimitExceededError,
    Status.CANCELLED: CancelledError,
    Status.UNSUPPORTED: UnsupportedError,
    Status.AUDIT_BROKEN: AuditBrokenError,
    Status.KEY_INVALID: KeyInvalidError,
    Status.SIGNATURE_INVALID: SignatureInvalidError,
    Status.KEY_LOST_AFTER_FORK: KeyLostAfterForkError,
    Status.CUSTODY_FAILED: CustodyFailedError,
    Status.UNSIGNED: UnsignedError,
    Status.MODIFIED: ModifiedError,
    Status.AMBIGUOUS: AmbiguousError,
    Status.EXPIRED: ExpiredError,
    Status.NOT_YET_VALID: NotYetValidError,
    Status.UNTRUSTED_KEY: UntrustedKeyError,
    Status.WRONG_SERVICE: WrongServiceError,
    Status.BELOW_FLOOR: BelowFloorError,
    Status.TRUST_INVALID: TrustInvalidError,
    Status.REVOKED: RevokedError,
    Status.CLOCK_REFUSED: ClockRefusedError,
    Status.SBOM_INVALID: SbomInvalidError,
    Status.COMPONENT_DENIED: ComponentDeniedError,
    Status.PACKAGE_INVALID: PackageInvalidError,
    Status.WRONG_AUDIENCE: WrongAudienceError,
    Status.REPLAYED: ReplayedError,
    Status.IMAGE_REJECTED: ImageRejectedError,
    Status.LOAD_FAILED: LoadFailedError,
    Status.PINNED: PinnedError,
    Status.PREFLIGHT_FAILED: PreflightFailedError,
    Status.UPDATE_FAILED: UpdateFailedError,
    Status.ROUTE_POLICY_INVALID: RoutePolicyInvalidError,
    Status.NO_VERSION: NoVersionError,
    Status.LEASE_GONE: LeaseGoneError,
    Status.BREAKER_OPEN: BreakerOpenError,
    Status.PLUGIN_CRASHED: PluginCrashedError,
}


def error_class(status: int) -> type[SogovError]:
    """The class of a code; of a code that this release does not know, its family's."""
    return _CODES.get(status) or _FAMILIES.get(status // 100, SogovError)


class ErrorPlace:
    """Room for one `sogov_error *`, to hand to calls as `ref`. One call at a time."""

    __slots__ = ("_pointer", "ref")

    def __init__(self) -> None:
        self._pointer = ctypes.c_void_p()
        self.ref = ctypes.byref(self._pointer)

    def check(self, status: int) -> None:
        """Raises what the call that answered `status` wrote here; nothing for success."""
        if status != Status.OK:
            self.fail(status)

    def fail(self, status: int) -> NoReturn:
        """Raises the exception of a failed call."""
        raise error_class(status)(known(status), self.take())

    def take(self) -> str:
        """The message; the error object is given back."""
        error: int | None = self._pointer.value
        if error is None:
            return ""
        self._pointer.value = None
        message = _abi.sogov_error_message(error).decode("utf-8", "replace")
        _abi.sogov_error_free(error)
        return message


def known(status: int) -> int:
    """The code as a `Status`, where it is one."""
    try:
        return Status(status)
    except ValueError:
        return status


def bad_argument(message: str) -> ArgumentError:
    """An ArgumentError that was noticed on this side of the ABI."""
    return ArgumentError(Status.INVALID_ARGUMENT, message)
