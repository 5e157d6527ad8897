"""A lease: the right to call into one version until it is released."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from . import _abi, _convert
from ._enums import Outcome, Status
from ._errors import ClosedError, ErrorPlace, LeaseGoneError, bad_argument
from ._gate import Gate


class Lease:
    """The right to call into one version, from `Service.route`. Any thread may use it, and release it once.

    As a context manager it is released at the end: with `Outcome.FAILURE` when an Exception leaves the block,
    with `Outcome.NEUTRAL` for what says nothing about the version (KeyboardInterrupt, a cancelled task), else
    with `Outcome.SUCCESS`. Whatever was looked up under it must not be used afterwards; the functions of
    `symbol` refuse.

    A lease that is inherited through fork is void in the child.
    """

    __slots__ = ("__weakref__", "_fork", "_functions", "_gate", "_number", "_service", "_token")

    def __init__(self, service: object, gate: Gate) -> None:
        self._service = service
        self._gate = gate
        self._functions = Gate("lease")
        # Stands for the lease in the gate, which would keep the lease itself from being collected.
        self._token = object()
        self._number = 0
        self._fork = _forks

    @property
    def version(self) -> str:
        """The label of the version that the lease is on."""
        label = ctypes.create_string_buffer(_abi.LABEL_SIZE)
        error = ErrorPlace()
        error.check(_abi.sogov_lease_version(self._held(), label, error.ref))
        return label.value.decode()

    @property
    def released(self) -> bool:
        """Whether the lease was given back."""
        return self._functions.is_shut

    def symbol(
        self,
        name: str,
        restype: Any = ctypes.c_int,
        argtypes: Sequence[Any] = (),
        *,
        symbol_version: str | None = None,
    ) -> LeasedFunction:
        """A function that the version exports, as ctypes calls it; it refuses to be called after the release.

        restype, argtypes: ctypes types, as of `ctypes.CFUNCTYPE`. They must be those of the C function:
            nothing checks them. An answer that points into the plugin must not be used after the release.
        symbol_version: one of several, such as "FEE_1.0"; None is the default one.

        NotFoundError when the version exports no such symbol; LeaseGoneError after the release.
        """
        prototype = ctypes.CFUNCTYPE(restype, *argtypes)
        return LeasedFunction(self, name, prototype(self.address(name, symbol_version=symbol_version)))

    def address(self, name: str, *, symbol_version: str | None = None) -> int:
        """The address of a symbol, function or data; nothing keeps it from being used after the release."""
        given = _convert.text(name, "name")
        wanted = None if symbol_version is None else _convert.text(symbol_version, "symbol_version")
        if wanted == b"":
            raise bad_argument("symbol_version: expected a symbol version or None, found nothing")
        place, error = ctypes.c_void_p(), ErrorPlace()
        error.check(
            _abi.sogov_lease_symbol(
                self._held(),
                given,
                len(given),
                wanted,
                len(wanted or b""),
                ctypes.byref(place),
                error.ref,
            )
        )
        return place.value or 0

    def plugin(self) -> tuple[int, int]:
        """The addresses of a level-1 plugin's descriptor (sogov_plugin.h) and of its `self`, 0 where that is
        NULL; both good until the release. UnsupportedError for a level-0 plugin.
        """
        descriptor, its_self, error = ctypes.c_void_p(), ctypes.c_void_p(), ErrorPlace()
        error.check(
            _abi.sogov_lease_plugin(self._held(), ctypes.byref(descriptor), ctypes.byref(its_self), error.ref)
        )
        return descriptor.value or 0, its_self.value or 0

    def release(self, outcome: Outcome = Outcome.SUCCESS) -> None:
        """Gives the lease back and says how the calls under it went.

        LeaseGoneError the second time; BusyError, and the lease stays, while a function of it is being
        called.
        """
        outcome = Outcome(outcome)
        number = self._held()
        if not self._functions.shut():
            raise _gone()
        self._gate.leave(self._token)
        if _abi.sogov_lease_release(number, outcome, None) != Status.OK:
            raise _gone()

    def __enter__(self) -> Lease:
        self._held()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.released or self._fork != _forks:
            return
        if kind is None:
            self.release(Outcome.SUCCESS)
        else:
            self.release(Outcome.FAILURE if issubclass(kind, Exception) else Outcome.NEUTRAL)

    def __del__(self) -> None:
        if not self._number or self.released or self._fork != _forks:
            return
        # Last, as a warning may be raised as an error.
        self.release(Outcome.NEUTRAL)
        warnings.warn(f"lease {self._number} was never released", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        return f"<Lease {self._number}{' released' if self.released else ''}>"

    def _hold(self, number: int) -> None:
        self._number = number

    def _held(self) -> int:
        if self.released or self._fork != _forks:
            raise _gone()
        return self._number


class LeasedFunction:
    """A C function under a lease. Any number of threads may call it at once, and other threads run
    meanwhile.
    """

    __slots__ = ("_function", "_lease", "_name")

    def __init__(self, lease: Lease, name: str, function: Any) -> None:
        self._lease = lease
        self._name = name
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function; LeaseGoneError after the release."""
        lease = self._lease
        lease._held()
        token = object()
        try:
            lease._functions.enter(token)
        except ClosedError:
            raise _gone() from None
        try:
            return self._function(*arguments)
        finally:
            lease._functions.leave(token)

    def __repr__(self) -> str:
        return f"<LeasedFunction {self._name} of {self._lease!r}>"


# How many forks lie between the process that imported this and the present one.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


def _gone() -> LeaseGoneError:
    return LeaseGoneError(
        Status.LEASE_GONE, "lease: expected one that is held, found one that was released or inherited"
    )
