"""Eight callers while versions come and go. Every answer is checked; afterwards the process holds what it
held before.

SOGOV_STORM_CYCLES is how many versions come and go; with SOGOV_STORM_SECONDS the storm lasts so long.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from support import PRICE, PRICES, Trust, fee

from sogov import Engine, Lease, Service

CALLERS = 8
CALLS_OF_A_THREAD = 200
DEADLINE_S = 60
LABELS = ("a1", "a2", "b1", "b2")


def test_a_storm_of_changes_leaves_nothing_behind(trust: Trust) -> None:
    # The labels are those of the releases, so an answer of v1 must come from a1 or b1.
    plugins = {label: trust.signed(fee(f"v{label[1]}"), "fee", label) for label in LABELS}
    Storm(trust, plugins).run(cycles=8, seconds=0)
    before = Census.take()
    cycles, seconds = setting("SOGOV_STORM_CYCLES", 60), setting("SOGOV_STORM_SECONDS", 0)
    Storm(trust, plugins).run(cycles, seconds)
    end = time.monotonic() + DEADLINE_S
    while (after := Census.take()).exceeds(before):
        assert time.monotonic() < end, (before, after, Path("/proc/self/maps").read_text())
        time.sleep(0.01)


class Storm:
    def __init__(self, trust: Trust, plugins: dict[str, Path]) -> None:
        self.engine = Engine(**trust.options)
        self.plugins = plugins
        self.over = threading.Event()
        self.calls = 0
        # Leases of threads that are no more; whoever comes by releases them.
        self.left: deque[Lease] = deque()

    def run(self, cycles: int, seconds: int) -> None:
        self.load(LABELS[0])
        self.engine.promote("fee", LABELS[0])
        service = self.engine.service("fee")
        end, cycle = time.monotonic() + seconds, 0
        with ThreadPoolExecutor(CALLERS) as pool:
            callers = [pool.submit(self.replace_threads, service) for _ in range(CALLERS)]
            try:
                while time.monotonic() < end if seconds else cycle < cycles:
                    self.change(cycle)
                    cycle += 1
                    if any(caller.done() for caller in callers):
                        break
            finally:
                self.over.set()
            for caller in callers:
                caller.result()
        self.release_what_is_left()
        assert self.calls > 0
        self.engine.close()
        print(f"storm of Python: {cycle} versions, {self.calls} calls")

    def replace_threads(self, service: Service) -> None:
        while not self.over.is_set():
            failures: list[BaseException] = []
            thread = threading.Thread(target=self.call_and_end, args=(service, failures))
            thread.start()
            thread.join()
            if failures:
                raise failures[0]

    def call_and_end(self, service: Service, failures: list[BaseException]) -> None:
        try:
            for _ in range(CALLS_OF_A_THREAD):
                data, version, _ = service.call(PRICE)
                assert data == PRICES[f"v{version[1]}"], (data, version)
                self.calls += 1
                if self.over.is_set():
                    return
            self.left.append(service.route())
            if len(self.left) > CALLERS:
                self.left.popleft().release()
        except BaseException as failure:  # for the thread that waits
            failures.append(failure)

    def change(self, cycle: int) -> None:
        """The next version comes, serves, is taken back, serves again; the one before goes."""
        old, new = LABELS[cycle % len(LABELS)], LABELS[(cycle + 1) % len(LABELS)]
        self.load(new)
        self.engine.promote("fee", new)
        self.await_a_call()
        self.engine.rollback("fee")
        self.await_a_call()
        self.engine.promote("fee", new)
        self.release_what_is_left()
        self.engine.unload("fee", old, drain_ms=DEADLINE_S * 1000)

    def load(self, label: str) -> None:
        self.engine.load_versioned("fee", label, self.plugins[label])

    def release_what_is_left(self) -> None:
        while self.left:
            try:
                self.left.popleft().release()
            except IndexError:  # a caller was first
                return

    def await_a_call(self) -> None:
        seen, end = self.calls, time.monotonic() + DEADLINE_S
        while self.calls == seen and not self.over.is_set():
            assert time.monotonic() < end, "no call ended"
            time.sleep(0)


class Census(NamedTuple):
    """What a process holds."""

    plugins: int
    descriptors: int
    threads: int

    @classmethod
    def take(cls) -> Census:
        maps = Path("/proc/self/maps").read_text()
        return cls(
            maps.count("/memfd:"), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
        )

    def exceeds(self, before: Census) -> bool:
        return any(now > then for now, then in zip(self, before))


def setting(variable: str, otherwise: int) -> int:
    return int(os.environ.get(variable) or otherwise)
