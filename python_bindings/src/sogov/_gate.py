"""Who is inside an object at this moment, so that closing it can be refused."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, TypeVar
from weakref import WeakSet

from ._enums import Status
from ._errors import BusyError, ClosedError

Tool = TypeVar("Tool")


class Gate:
    """Users enter with a token of their own and leave with it; shutting waits for them, and is refused in the
    end.

    Entering takes no lock: `set.add` is one step for other threads, and `shutting` is looked at after it.
    Shutting sets the flag before it looks at the set, so one of the two sees the other. A user who meets a
    shutting gate waits for its outcome, and is turned away only if the gate was shut for good.

    Those who come for every request, and need a tool each time that is made once (`keep`), take it out of
    `idle` instead and put it back there: whoever has one is inside. The same two orders meet: take, then look
    at `shutting`; set it, then count. A tool that was lost, as by a KeyboardInterrupt, holds nobody up.
    """

    __slots__ = ("_inside", "_left", "_lock", "_name", "_shut", "_tools", "_waiting", "idle", "shutting")

    def __init__(self, name: str) -> None:
        self._name = name
        self.shutting = False
        self._shut = False
        self._start()

    def _start(self) -> None:
        """Nobody is inside, and nobody shuts."""
        self._lock = threading.Lock()
        # Set at each leave while somebody waits for the last.
        self._left: threading.Event | None = None
        self._inside: set[object] = set()
        # The latest is taken first: it is warm.
        self.idle: deque[Any] = deque()
        self._tools: WeakSet[Any] = WeakSet()
        # Tools of those who met a shutting gate.
        self._waiting: set[object] = set()

    @property
    def is_shut(self) -> bool:
        """Whether nobody enters any more."""
        return self._shut

    def enter(self, token: object) -> None:
        """Comes in; ClosedError where the gate is shut. `leave` must follow."""
        self._inside.add(token)
        if self.shutting:
            self._wait(token)

    def leave(self, token: object) -> None:
        """Goes out."""
        self._inside.discard(token)
        if self.shutting:
            self.tell()

    def keep(self, tool: Tool) -> Tool:
        """Makes `tool` one of those of `idle`; the caller has taken it out already."""
        self._tools.add(tool)
        return tool

    def wait(self, tool: object) -> None:
        """For one who took `tool` and saw the gate `shutting`: ClosedError, with the tool put back, where it
        was shut.
        """
        # Out again first: whoever shuts the gate must not take this thread for a user.
        self._waiting.add(tool)
        self.tell()
        try:
            with self._lock:
                self._waiting.discard(tool)
                if self._shut:
                    self.idle.append(tool)
                    raise self._closed()
        finally:
            self._waiting.discard(tool)

    def tell(self) -> None:
        """To be called by one who put a tool back and sees the gate `shutting`."""
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
            self.shutting = True
            try:
                count = self._wait_for_the_last(timeout)
                if count:
                    message = f"{self._name}: expected nobody inside, found {count} in use"
                    raise BusyError(Status.BUSY, message)
                self._shut = True
            finally:
                self.shutting = self._shut
            return True

    def after_fork(self) -> None:
        """In the child of a fork: the other threads, and what they held, do not exist."""
        self.shutting = self._shut
        self._start()

    def _wait(self, token: object) -> None:
        # Out again first: whoever shuts the gate must not take this thread for a user.
        self.leave(token)
        with self._lock:
            if self._shut:
                raise self._closed()
            self._inside.add(token)

    def _wait_for_the_last(self, timeout: float) -> int:
        """How many are inside when nobody is, or when the time is up."""
        count = self._count()
        if not count or timeout <= 0:
            return count
        end = time.monotonic() + timeout
        left = self._left = threading.Event()
        # Cleared before the count: who leaves after it sets the event again.
        while (count := self._count()) and left.wait(max(0.0, end - time.monotonic())):
            left.clear()
        self._left = None
        return count

    def _count(self) -> int:
        """How many are inside."""
        out = self._waiting.union(self.idle.copy())
        return len(self._inside) + sum(tool not in out for tool in list(self._tools))

    def _closed(self) -> ClosedError:
        return ClosedError(Status.CLOSED, f"{self._name}: was closed")
