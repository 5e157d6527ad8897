"""Verifying in the background."""

from __future__ import annotations

import ctypes
import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import _abi, _convert
from ._batch import Verification, VerificationLike, verification
from ._convert import Data
from ._enums import Status
from ._errors import ClosedError, ErrorPlace, bad_argument, known
from ._keys import signature_options

_MOST = 1 << 62


class VerificationResult(NamedTuple):
    """What became of a ticket."""

    ticket: int
    status: int
    """`Status.OK` when the signature is valid; `Status.SIGNATURE_INVALID` when it is not, or is malformed."""

    @property
    def is_valid(self) -> bool:
        """Whether the signature is valid."""
        return self.status == Status.OK


class Verifier:
    """A pool of threads that verifies signatures in the background. Tickets go in by `submit`, from any
    number of threads, and each comes back once, in any order, by `poll` or `results`.

        with sogov.Verifier() as verifier:
            for ticket, item in enumerate(items):
                verifier.submit(item, ticket)
            verifier.close()
            valid = {result.ticket for result in verifier.results() if result.is_valid}

    threads: 0 is one for each processor that the process may use.
    capacity: tickets in flight, those included whose result was not polled; 0 is 4,096. Further ones are
        refused with BusyError.
    max_wait: how long a ticket waits for others to share the processor's lanes with, in seconds; 0 is 50
        microseconds.

    An event loop waits for results by `fileno`: `loop.add_reader(verifier, ...)`. In the child of a fork a
    verifier of the parent is of no use; open another.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: int | None

    def __init__(self, *, threads: int = 0, capacity: int = 0, max_wait: float = 0.0) -> None:
        self._handle = None
        options = _abi.VerifierOptions(
            ctypes.sizeof(_abi.VerifierOptions),
            _convert.number(threads, 32, "threads"),
            _convert.number(_microseconds(max_wait, "max_wait"), 32, "max_wait"),
            _convert.number(capacity, 64, "capacity"),
        )
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_verifier_open(ctypes.byref(options), ctypes.byref(handle), error.ref))
        self._handle = handle.value

    def submit(
        self, item: VerificationLike, ticket: int, *, user_id: Data | None = None, encoding: str = "raw"
    ) -> None:
        """Hands in a signature to be verified; does not wait. What is given is copied.

        ticket: comes back with the result; 0 to 2**64-1.
        user_id, encoding: as for `PrivateKey.sign`; the user id is that of an item which has none of its own.

        BusyError when as many tickets are in flight as may be; ClosedError after `close`.
        """
        kept = Verification(*item)  # Its key lives until the call has returned.
        given, options = verification(kept), signature_options(user_id, encoding)
        number = _convert.number(ticket, 64, "ticket")
        error = ErrorPlace()
        error.check(
            _abi.sogov_verifier_submit(
                self._live(), ctypes.byref(given), ctypes.byref(options), number, error.ref
            )
        )

    def poll(self, timeout: float | None = None, limit: int = 256) -> list[VerificationResult]:
        """The results that are there, at most `limit`; where there is none, it waits for one up to `timeout`
        seconds (None: without a bound), and returns an empty list after it. Signals are seen when it returns.

        ClosedError when the verifier was closed and every result was polled.
        """
        if not 1 <= limit <= 1 << 20:
            raise bad_argument(f"limit: expected 1 to {1 << 20}, found {limit}")
        places = (_abi.VerificationResult * limit)()
        wait = -1 if timeout is None else _microseconds(timeout, "timeout")
        count, error = ctypes.c_size_t(), ErrorPlace()
        error.check(
            _abi.sogov_verifier_poll(self._live(), places, limit, wait, ctypes.byref(count), error.ref)
        )
        return [VerificationResult(place.ticket, known(place.status)) for place in places[: count.value]]

    def results(self) -> Iterator[VerificationResult]:
        """Every result from now on; ends when the verifier was closed and every result was polled."""
        while True:
            try:
                batch = self.poll()
            except ClosedError:
                return
            yield from batch

    def fileno(self) -> int:
        """A descriptor that is readable while results wait, and after the last one. Neither read nor close
        it.
        """
        fd, error = ctypes.c_int32(), ErrorPlace()
        error.check(_abi.sogov_verifier_event_fd(self._live(), ctypes.byref(fd), error.ref))
        return fd.value

    def close(self) -> None:
        """Takes no more tickets, and waits until every ticket that was accepted has its result, ready to be
        polled. A second time does nothing.
        """
        if self._handle is not None:
            error = ErrorPlace()
            error.check(_abi.sogov_verifier_close(self._handle, error.ref))

    def free(self) -> int:
        """Closes, ends the threads and returns how many results were dropped because nobody had polled them.
        Afterwards every use raises ClosedError; `with` does the same, and warns of dropped results
        (ResourceWarning) where no exception leaves the block.
        """
        handle, self._handle = self._handle, None
        return 0 if handle is None else _abi.sogov_verifier_free(handle)

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        dropped = self.free()
        if dropped and kind is None:
            message = f"verifier: {dropped} results were not polled"
            warnings.warn(message, ResourceWarning, stacklevel=2)

    def __del__(self, _free: Any = _abi.sogov_verifier_free) -> None:
        # Not through the module's name, which may be gone at the interpreter's end.
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            _free(handle)

    def __repr__(self) -> str:
        return f"<Verifier {'closed' if self._handle is None else 'open'}>"

    def _live(self) -> int:
        handle = self._handle
        if handle is None:
            raise ClosedError(Status.CLOSED, "Verifier: was closed")
        return handle


def _microseconds(seconds: float, what: str) -> int:
    """Rounded up, so that a short time is not none."""
    if not seconds >= 0:
        raise bad_argument(f"{what}: expected seconds, 0 or more, found {seconds}")
    return _MOST if seconds * 1e6 >= _MOST else math.ceil(seconds * 1e6)
