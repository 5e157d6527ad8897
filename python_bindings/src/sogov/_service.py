"""A service: where requests go in."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Union

from . import _abi, _convert
from ._convert import Data
from ._enums import RouteReason
from ._errors import ErrorPlace, PluginError, bad_argument, error_class, known
from ._gate import Gate
from ._lease import Lease

HeaderText = Union[str, bytes]
Headers = Union[Mapping[str, HeaderText], Sequence[tuple[HeaderText, HeaderText]]]

_MAX_HEADERS = 64
# A larger answer's memory is given back after the call instead of being kept for the next one.
_KEPT_ANSWER = 1 << 20
_REASONS = {reason.value: reason for reason in RouteReason}


class Answer(NamedTuple):
    """What a call brought."""

    data: bytes
    """The plugin's answer."""
    version: str
    """The label of the version that answered."""
    reason: RouteReason
    """Why it was this version."""


class Service:
    """A service of an engine, from `Engine.service`. Any number of threads may use it at once; it ends with
    its engine, after which every method raises ClosedError.

    A child that the process forks may go on routing and calling.
    """

    __slots__ = ("__weakref__", "_engine", "_gate", "_handle", "_name")

    def __init__(self, name: str, handle: int, gate: Gate, engine: object) -> None:
        self._name = name
        self._handle = handle
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
        scratch = _take_scratch()
        gate = self._gate
        try:
            gate.enter(scratch)
            status = _abi.sogov_call(
                self._handle,
                scratch.describe(user_key, headers) if user_key is not None or headers else None,
                request,
                len(request),
                scratch.answer_ref,
                scratch.info_ref,
                scratch.error.ref,
            )
            if status:
                scratch.fail(status)
            return scratch.result()
        finally:
            gate.leave(scratch)
            scratch.give_back()

    def route(self, *, user_key: str | Data | None = None, headers: Headers = ()) -> Lease:
        """Picks the version for one request and returns a lease on it: until it is released, the version
        stays mapped and its symbols may be called. For level-0 plugins, and for those that call a descriptor
        themselves.

            with service.route(user_key="u1") as lease:
                answer = lease.symbol("answer", restype=ctypes.c_int)

        Parameters and errors are those of `call`; LimitExceededError beyond 65,536 leases in flight.
        """
        scratch = _take_scratch()
        lease = Lease(self, self._gate)
        self._gate.enter(lease._token)
        try:
            number = ctypes.c_uint64()
            scratch.error.check(
                _abi.sogov_route(
                    self._handle,
                    scratch.describe(user_key, headers),
                    ctypes.byref(number),
                    scratch.error.ref,
                )
            )
            lease._hold(number.value)
            return lease
        except BaseException:
            self._gate.leave(lease._token)
            raise
        finally:
            scratch.give_back()

    def __repr__(self) -> str:
        return f"<Service {self._name}{' closed' if self._gate.is_shut else ''}>"


class _Scratch:
    """The structs of one call, kept for later ones: making them takes longer than the call."""

    __slots__ = ("__weakref__", "answer", "answer_ref", "error", "info", "info_ref", "request", "request_ref")

    def __init__(self) -> None:
        self.answer = _abi.Bytes()
        self.info = _abi.CallInfo(size=ctypes.sizeof(_abi.CallInfo))
        self.request = _abi.Request(size=ctypes.sizeof(_abi.Request))
        self.error = ErrorPlace()
        self.answer_ref = ctypes.byref(self.answer)
        self.info_ref = ctypes.byref(self.info)
        self.request_ref = ctypes.byref(self.request)

    def describe(self, user_key: str | Data | None, headers: Headers) -> Any:
        """The request struct, filled; the struct keeps what it points at alive."""
        key = None if user_key is None else _convert.text_or_data(user_key, "user_key")
        request = self.request
        request.user_key = key
        request.user_key_len = len(key) if key else 0
        if headers:
            request.headers, request.header_count = _header_array(headers)
        return self.request_ref

    def result(self) -> Answer:
        info = self.info
        return Answer(_convert.take_bytes(self.answer), info.version.decode(), _REASONS[info.reason])

    def fail(self, status: int) -> None:
        """Raises; a plugin's failure with what is known of it."""
        if error_class(status) is not PluginError:
            self.error.fail(status)
        answer = self.result()
        raise PluginError(
            known(status),
            self.error.take(),
            self.info.plugin_status,
            answer.data,
            answer.version,
            answer.reason,
        )

    def give_back(self) -> None:
        """Ready for the next call, without what belonged to this one."""
        request = self.request
        if request.header_count:
            request.headers = None
            request.header_count = 0
        if self.answer.capacity > _KEPT_ANSWER:
            _abi.sogov_bytes_free(self.answer_ref)
        _pool.append(self)


# Never more than there were calls at one time. A call takes the latest, which is warm; a call inside a call
# (a plugin that calls back into Python) and a forked child find others.
_pool: deque[_Scratch] = deque()


def _take_scratch() -> _Scratch:
    try:
        return _pool.pop()
    except IndexError:
        return _Scratch()


def _header_array(headers: Headers) -> tuple[Any, int]:
    pairs: Iterable[tuple[HeaderText, HeaderText]]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    rows = []
    for name, value in pairs:
        name, value = (
            _convert.text_or_data(name, "header name"),
            _convert.text_or_data(value, "header value"),
        )
        rows.append(_abi.Header(name, len(name), value, len(value)))
    if len(rows) > _MAX_HEADERS:
        raise bad_argument(f"headers: expected at most {_MAX_HEADERS}, found {len(rows)}")
    return (_abi.Header * len(rows))(*rows), len(rows)


def open_service(engine: int, name: str) -> int:
    """Looks a service up; the handle is the caller's to free."""
    given = _convert.text(name, "service")
    handle, error = ctypes.c_void_p(), ErrorPlace()
    error.check(_abi.sogov_service_open(engine, given, len(given), ctypes.byref(handle), error.ref))
    return handle.value or 0
