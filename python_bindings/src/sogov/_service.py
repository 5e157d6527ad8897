"""A service: where requests go in."""

from __future__ import annotations

import ctypes
import struct
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
# Labels as sogov_call_info has them, with what stands behind the NUL, and as text.
_labels: dict[bytes, str] = {}
_MAX_LABELS = 1024


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

    __slots__ = ("__weakref__", "_engine", "_gate", "_handle", "_name", "_prepared_handle")

    def __init__(self, name: str, handle: int, gate: Gate, engine: object) -> None:
        self._name = name
        self._handle = handle
        self._prepared_handle = ctypes.c_void_p(handle)
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
        try:
            scratch = _take()
        except IndexError:
            scratch = _Scratch()
        gate = self._gate
        try:
            gate.enter(scratch)
            scratch.length.value = len(request)
            status = _abi.call_prepared(
                self._prepared_handle,
                scratch.describe(user_key, headers) if user_key is not None or headers else None,
                request,
                scratch.length,
                scratch.answer_ref,
                scratch.info_ref,
                scratch.error_ref,
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


class _Outcome(ctypes.Structure):
    """What a call fills, side by side: one look takes all of it."""

    _fields_ = [("answer", _abi.Bytes), ("info", _abi.CallInfo)]


# The members of an _Outcome: data, len, capacity; size, plugin_status, reason, version.
_look = struct.Struct(f"PNNNii{_abi.LABEL_SIZE}s").unpack_from
_new_answer = tuple.__new__


class _Scratch:
    """The structs of one call, kept for later ones: making them takes longer than the call."""

    __slots__ = (
        "__weakref__",
        "_content",
        "_has_headers",
        "_memory",
        "_outcome",
        "_outcome_bytes",
        "answer_ref",
        "error",
        "error_ref",
        "info_ref",
        "length",
        "request",
        "request_ref",
    )

    def __init__(self) -> None:
        self._outcome = _Outcome(info=_abi.CallInfo(size=ctypes.sizeof(_abi.CallInfo)))
        self._outcome_bytes = memoryview(self._outcome).cast("B")
        # The buffer's address and capacity, and a view of it for as long as those stay.
        self._memory = (0, 0)
        self._content = memoryview(b"")
        self._has_headers = False
        self.length = ctypes.c_size_t()
        self.request = _abi.Request(size=ctypes.sizeof(_abi.Request))
        self.error = ErrorPlace()
        self.error_ref = self.error.ref
        self.answer_ref = ctypes.byref(self._outcome.answer)
        self.info_ref = ctypes.byref(self._outcome.info)
        self.request_ref = ctypes.byref(self.request)

    def describe(self, user_key: str | Data | None, headers: Headers) -> Any:
        """The request struct, filled; the struct keeps what it points at alive."""
        key = None if user_key is None else _convert.text_or_data(user_key, "user_key")
        request = self.request
        request.user_key = key
        request.user_key_len = len(key) if key else 0
        if headers:
            self._has_headers = True
            request.headers, request.header_count = _header_array(headers)
        return self.request_ref

    def result(self) -> Answer:
        address, length, capacity, _, _, reason, label = _look(self._outcome_bytes)
        if not length:
            data = b""
        else:
            if self._memory != (address, capacity):
                self._memory = (address, capacity)
                self._content = memoryview((ctypes.c_char * capacity).from_address(address)).cast("B")
            data = self._content[:length].tobytes()
        # What Answer(...) does, without a Python function.
        return _new_answer(Answer, (data, _labels.get(label) or _keep_label(label), _REASONS[reason]))

    def fail(self, status: int) -> None:
        """Raises; a plugin's failure with what is known of it."""
        kind = error_class(status)
        if not issubclass(kind, PluginError):
            self.error.fail(status)
        answer = self.result()
        raise kind(
            known(status),
            self.error.take(),
            self._outcome.info.plugin_status,
            answer.data,
            answer.version,
            answer.reason,
        )

    def give_back(self) -> None:
        """Ready for the next call, without what belonged to this one."""
        if self._has_headers:
            self._has_headers = False
            self.request.headers = None
            self.request.header_count = 0
        if self._memory[1] > _KEPT_ANSWER:
            self._memory, self._content = (0, 0), memoryview(b"")
            _abi.sogov_bytes_free(self.answer_ref)
        _pool.append(self)


# Never more than there were calls at one time. A call takes the latest, which is warm; a call inside a call
# (a plugin that calls back into Python) and a forked child find others.
_pool: deque[_Scratch] = deque()


_take = _pool.pop


def _take_scratch() -> _Scratch:
    try:
        return _take()
    except IndexError:
        return _Scratch()


def _keep_label(label: bytes) -> str:
    """The text up to the NUL, kept for the calls to come."""
    text = label[: label.index(0)].decode()
    if len(_labels) >= _MAX_LABELS:
        _labels.clear()
    _labels[label] = text
    return text


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
