"""Verifying in the background."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

import sogov
from sogov import PrivateKey, Status, Verification, VerificationResult, Verifier


@pytest.fixture
def item() -> Iterator[Verification]:
    """A valid one."""
    with PrivateKey.generate() as key:
        yield Verification(key.public_key(), b"message", key.sign(b"message"))


def test_every_ticket_has_its_result_once(item: Verification) -> None:
    each, submitters = 200, 4
    bad = {1: item._replace(message=b"massage"), 2: item._replace(signature=b"short")}

    def submit(first: int) -> None:
        for ticket in range(first, first + each):
            while True:
                try:
                    verifier.submit(bad.get(ticket % 3, item), ticket)
                    break
                except sogov.BusyError:
                    pass

    def poll() -> None:
        found.extend(verifier.results())

    found: list[VerificationResult] = []
    with Verifier(threads=2, capacity=64, max_wait=0.0001) as verifier:
        threads = [threading.Thread(target=submit, args=(n * each,)) for n in range(submitters)]
        pollers = [threading.Thread(target=poll) for _ in range(2)]
        for thread in threads + pollers:
            thread.start()
        for thread in threads:
            thread.join()
        verifier.close()
        for thread in pollers:
            thread.join()
    assert Counter(result.ticket for result in found) == Counter(range(each * submitters))
    for result in found:
        assert result.is_valid == (result.ticket % 3 == 0)
        assert result.status == (Status.OK if result.is_valid else Status.SIGNATURE_INVALID)


def test_what_was_not_polled_is_in_flight(item: Verification) -> None:
    with Verifier(capacity=2) as verifier:
        verifier.submit(item, 0)
        verifier.submit(item, 2**64 - 1)
        with pytest.raises(sogov.BusyError, match="2 tickets"):
            verifier.submit(item, 1)
        assert [result.is_valid for result in verifier.poll(60, limit=1)] == [True]
        verifier.submit(item, 1)
        verifier.close()
        assert len(verifier.poll(0)) == 2
        with pytest.raises(sogov.ClosedError, match="every answer was polled"):
            verifier.poll()
        with pytest.raises(sogov.ClosedError, match="no more tickets"):
            verifier.submit(item, 3)


def test_dropped_results_are_told(item: Verification) -> None:
    with pytest.warns(ResourceWarning, match="1 results were not polled"), Verifier() as verifier:
        verifier.submit(item, 1)
    assert verifier.free() == 0
    with pytest.raises(sogov.ClosedError):
        verifier.poll()
    with pytest.raises(sogov.ClosedError):
        verifier.submit(item, 1)
    verifier.close()
    verifier = Verifier()
    verifier.submit(item, 1)
    assert verifier.free() == 1


def test_freeing_wakes_who_polls() -> None:
    verifier = Verifier()
    found: list[list[VerificationResult]] = []
    poller = threading.Thread(target=lambda: found.append(list(verifier.results())))
    poller.start()
    verifier.free()
    poller.join()
    assert found == [[]]


def test_a_descriptor_for_event_loops(item: Verification) -> None:
    with Verifier() as verifier:
        assert verifier.fileno() == verifier.fileno()
        assert verifier.poll(0) == verifier.poll(0.0001) == []
        assert select.select([verifier], [], [], 0) == ([], [], [])
        verifier.submit(item, 7)
        assert select.select([verifier], [], [], 60)[0] == [verifier]
        assert verifier.poll(0) == [(7, Status.OK)]
        assert select.select([verifier], [], [], 0) == ([], [], [])


def test_asyncio(item: Verification) -> None:
    async def verify(count: int) -> int:
        loop = asyncio.get_running_loop()
        futures = {ticket: loop.create_future() for ticket in range(count)}

        def deliver() -> None:
            for result in verifier.poll(0):
                futures[result.ticket].set_result(result.is_valid)

        with Verifier() as verifier:
            loop.add_reader(verifier, deliver)
            for ticket in futures:
                verifier.submit(item, ticket)
            valid = await asyncio.gather(*futures.values())
            loop.remove_reader(verifier)
        return sum(valid)

    assert asyncio.run(verify(100)) == 100


def test_the_child_of_a_fork_opens_its_own(item: Verification) -> None:
    with Verifier() as verifier:
        child = os.fork()
        if child == 0:
            try:
                with pytest.raises(sogov.UnsupportedError, match="fork"):
                    verifier.submit(item, 1)
                assert verifier.free() == 0
                with Verifier(threads=1) as own:
                    own.submit(item, 1)
                    assert own.poll(60) == [(1, Status.OK)]
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0


def test_options_and_arguments_are_checked(item: Verification) -> None:
    for options in (
        {"threads": 1025},
        {"threads": -1},
        {"capacity": 1 << 21},
        {"max_wait": 1.1},
        {"max_wait": -1},
    ):
        with pytest.raises(sogov.ArgumentError):
            Verifier(**options)
    with Verifier() as verifier:
        for ticket in (-1, 2**64):
            with pytest.raises(sogov.ArgumentError, match="ticket"):
                verifier.submit(item, ticket)
        for limit in (0, -1, 2**21):
            with pytest.raises(sogov.ArgumentError, match="limit"):
                verifier.poll(limit=limit)
        with pytest.raises(sogov.ArgumentError, match="timeout"):
            verifier.poll(float("nan"))
        with pytest.raises(sogov.ArgumentError, match="encoding"):
            verifier.submit(item, 1, encoding="asn1")
        with pytest.raises(sogov.ArgumentError, match="user id"):
            verifier.submit(item, 1, user_id=bytes(8192))
