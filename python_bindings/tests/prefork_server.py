"""A pre-fork server, as test_prefork.py starts it: the parent opens the engine and loads, and while its
threads call it forks workers, which call, find the parent's lease void and exit as programs do. Meanwhile the
parent goes on to change versions. The arguments are the trust directory and the plugins v1 and v2 of the
service fee.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from support import PRICE, PRICES

import sogov
from sogov import Engine, Lease, Service, _abi

WORKERS = 4
CALLS = 3000
DEADLINE_S = 60


def main(trust: str, *plugins: str) -> None:
    engine = Engine(trust)
    for version, plugin in zip(("v1", "v2"), plugins):
        engine.load_versioned("fee", version, plugin)
    engine.promote("fee", "v1")
    service = engine.service("fee")
    over = threading.Event()
    threads = [threading.Thread(target=call_until, args=(service, over)) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        lease = service.route()
        workers = []
        for number in range(WORKERS):
            worker = os.fork()
            if worker == 0:
                work(engine, service, lease, frees=number % 2 == 0)
                return
            workers.append(worker)
        change_versions_until_all_are_done(engine, workers)
        # What a worker did to its copy of the lease was nothing to the parent.
        assert lease.version == "v1"
        lease.release()
    finally:
        over.set()
    for thread in threads:
        thread.join()
    engine.close()
    print(f"{WORKERS} workers made {2 * CALLS} calls each")


def call(service: Service) -> None:
    data, version, _ = service.call(PRICE, user_key="u")
    assert data == PRICES[version], (data, version)


def call_until(service: Service, over: threading.Event) -> None:
    while not over.is_set():
        call(service)


def work(engine: Engine, service: Service, inherited: Lease, *, frees: bool) -> None:
    """A worker, up to its return from `main`: then the interpreter ends as it always does."""
    signal.alarm(DEADLINE_S)  # ends a worker that hangs, and the parent reports it
    for use in (lambda: inherited.version, inherited.release, lambda: inherited.symbol("x")):
        try:
            use()
        except sogov.LeaseGoneError:
            continue
        raise AssertionError("expected the inherited lease to be void")
    # Below the package, which knows of the fork by itself, the library says the same.
    assert _abi.sogov_lease_release(inherited._number, 0, None) == sogov.Status.LEASE_GONE
    second = threading.Thread(target=lambda: [call(service) for _ in range(CALLS)])
    second.start()
    for _ in range(CALLS):
        call(service)
    second.join()
    with service.route() as own:
        assert own.version == "v1"
    if frees:
        # `close` leaves the library's engine alone in a child; a host that does not is served as well.
        _abi.sogov_engine_free(engine._handle)
    engine.close()


def change_versions_until_all_are_done(engine: Engine, workers: list[int]) -> None:
    left = set(workers)
    while left:
        engine.promote("fee", "v2")
        engine.rollback("fee")
        for worker in sorted(left):
            ended, status = os.waitpid(worker, os.WNOHANG)
            if ended:
                left.remove(worker)
                assert os.waitstatus_to_exitcode(status) == 0, f"a worker ended with {status}"


if __name__ == "__main__":
    main(*sys.argv[1:])
