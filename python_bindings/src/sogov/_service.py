"""A service: where requests go in."""

from __future__ import annotations

import ctypes
from typing import Any

from . import _abi, _convert
from ._convert import Data
from ._errors import ErrorPlace
from ._gate import Gate
from ._lease import Lease
from ._scratch import Answer, Headers, Scratch, look

# A shorter length goes in as an int: ctypes makes it C's int, which libffi widens to a whole register.
# A c_size_t would be one more object for each call.
_SHORT = 1 << 20
_call = _abi.call_prepared
_new_answer = tuple.__new__


class Service:
    """A service of an engine, from `Engine.service`. Any number of threads may use it at once; it ends with
    its engine, after which every method raises ClosedError.

    A child that the process forks may go on routing and calling.
    """

    __slots__ = ("__weakref__", "_engine", "_gate", "_handle", "_name", "_ref")

    def __init__(self, name: str, handle: int, gate: Gate, engine: object) -> None:
        self._name = name
        self._handle = handle
        # The handle as an argument that needs no conversion.
        self._ref: Any = ctypes.byref(ctypes.c_char.from_address(handle))
        self._gate = gate
        # An engine lives as long as one of its services or leases is referred to.
        self._engine = engine

    @property
    def name(self) -> str:
        """The service's name."""
        return self._name

    def call(self, input: Data, *, user_key: str | Data | None = None, headers: Headers = ()) -> Answer:
        """Sends one request through the version that the route policy picks: for level-1 plugins.

        input: the request's bytes.
        user_key: what identifies the user to the route policy, bytes or text; None and empty: unknown.
        headers: at most 64, a mapping or pairs of name and value; the case of ASCII names does not matter.

        PluginError when the plugin's invoke answered another number than 0: it has that number and what the
        plugin had written. NoVersionError while the service has no stable version; UnsupportedError for a
        level-0 plugin (`route`); ClosedError after the engine was closed. Other threads run during the call.
        """
        request = input if type(input) is bytes else _convert.data(input, "input")
        gate = self._gate
        idle = gate.idle
        try:
            scratch = idle.pop()
        except IndexError:
            scratch = gate.keep(Scratch())
        if gate.shutting:
            gate.wait(scratch)
        try:
            length = len(request)
            status = _call(
                self._ref,
                scratch.describe(user_key, headers) if user_key is not None or headers else None,
                request,
                length if length < _SHORT else ctypes.c_size_t(length),
                scratch.answer_ref,
                scratch.info_ref,
                scratch.error_ref,
            )
            if status:
                scratch.fail(status)
            length, capacity, info = look(scratch.outcome_bytes)
            if capacity != scratch.capacity:
                scratch.find_memory()
            if info != scratch.info:
                scratch.read_info(info)
            # What Answer(...) does, without a Python function.
            return _new_answer(Answer, (scratch.memory[:length], scratch.version, scratch.reason))
        finally:
            if scratch.is_untidy:
                scratch.tidy()
            idle.append(scratch)
            if gate.shutting:
                gate.tell()

    def route(self, *, user_key: str | Data | None = None, headers: Headers = ()) -> Lease:
        """Picks the version for one request and returns a lease on it: until it is released, the version
        stays mapped and its symbols may be called. For level-0 plugins, and for those that call a descriptor
        themselves.

            with service.route(user_key="u1") as lease:
                answer = lease.symbol("answer", restype=ctypes.c_int)

        Parameters and errors are those of `call`; LimitExceededError beyond 65,536 leases in flight.
        """
        lease = Lease(self, self._gate)
        self._gate.enter(lease._token)
        try:
            lease._hold(self._route(user_key, headers))
        except BaseException:
            self._gate.leave(lease._token)
            raise
        return lease

    def _route(self, user_key: str | Data | None, headers: Headers) -> int:
        """The number of a new lease. No look at `shutting`: the lease is inside, so the gate is not shut."""
        gate, number = self._gate, ctypes.c_uint64()
        idle = gate.idle
        try:
            scratch = idle.pop()
        except IndexError:
            scratch = gate.keep(Scratch())
        try:
            request = scratch.describe(user_key, headers)
            scratch.error.check(
                _abi.sogov_route(self._handle, request, ctypes.byref(number), scratch.error_ref)
            )
            return number.value
        finally:
            if scratch.is_untidy:
                scratch.tidy()
            idle.append(scratch)
            if gate.shutting:
                gate.tell()

    def __repr__(self) -> str:
        return f"<Service {self._name}{' closed' if self._gate.is_shut else ''}>"


def open_service(engine: int, name: str) -> int:
    """Looks a service up; the handle is the caller's to free."""
    given = _convert.text(name, "service")
    handle, error = ctypes.c_void_p(), ErrorPlace()
    error.check(_abi.sogov_service_open(engine, given, len(given), ctypes.byref(handle), error.ref))
    return handle.value or 0
