"""Who is inside an object at this moment, so that closing it can be refused."""

from __future__ import annotations

import threading
import time

from ._enums import Status
from ._errors import BusyError, ClosedError


class Gate:
    """Users enter with a token of their own and leave with it; shutting waits for them, and is refused in the
    end.

    Entering takes no lock: `set.add` is one step for other threads, and `_shutting` is looked at after it.
    Shutting sets the flag before it looks at the set, so one of the two sees the other. A user who meets a
    shutting gate waits for its outcome, and is turned away only if the gate was shut for good.
    """

    __slots__ = ("_inside", "_left", "_lock", "_name", "_shut", "_shutting")

    def __init__(self, name: str) -> None:
        self._name = name
        self._inside: set[object] = set()
        self._shutting = False
        self._shut = False
        self._lock = threading.Lock()
        # Set at each leave while somebody waits for the last.
        self._left: threading.Event | None = None

    @property
    def is_shut(self) -> bool:
        """Whether nobody enters any more."""
        return self._shut

    def enter(self, token: object) -> None:
        """Comes in; ClosedError where the gate is shut. `leave` must follow."""
        self._inside.add(token)
        if self._shutting:
            self._wait(token)

    def leave(self, token: object) -> None:
        """Goes out."""
        self._inside.discard(token)
        if self._shutting:
            left = self._left
            if left is not None:
                left.set()

    def shut(self, timeout: float = 0.0) -> bool:
        """Shuts for good; BusyError when after `timeout` seconds somebody is inside. False when it was shut
        before.
        """
        with self._lock:
            if self._shut:
                return False
            self._shutting = True
            try:
                count = self._wait_for_the_last(timeout)
                if count:
                    message = f"{self._name}: expected nobody inside, found {count} in use"
                    raise BusyError(Status.BUSY, message)
                self._shut = True
            finally:
                self._shutting = self._shut
            return True

    def after_fork(self) -> None:
        """In the child of a fork: the other threads, and what they held, do not exist."""
        self._lock = threading.Lock()
        self._left = None
        self._inside = set()
        self._shutting = self._shut

    def _wait(self, token: object) -> None:
        # Out again first: whoever shuts the gate must not take this thread for a user.
        self.leave(token)
        with self._lock:
            if self._shut:
                raise ClosedError(Status.CLOSED, f"{self._name}: was closed")
            self._inside.add(token)

    def _wait_for_the_last(self, timeout: float) -> int:
        """How many are inside when nobody is, or when the time is up."""
        if not self._inside or timeout <= 0:
            return len(self._inside)
        end = time.monotonic() + timeout
        left = self._left = threading.Event()
        # Cleared before the count: who leaves after it sets the event again.
        while self._inside and left.wait(max(0.0, end - time.monotonic())):
            left.clear()
        self._left = None
        return len(self._inside)
