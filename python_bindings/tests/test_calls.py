"""Calls: inputs and answers of every size, failures, closing, threads, forks, the log."""

from __future__ import annotations

import ctypes
import gc
import os
import struct
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support import PRICE, PRICES, Trust, fee, zoo

import sogov
from sogov import Engine, LogLevel, RouteReason, Service


@pytest.fixture
def zoo_service(engine: Engine, trust: Trust) -> Callable[[str], Service]:
    """Makes a service out of a plugin of the zoo."""

    def make(plugin: str) -> Service:
        engine.load_versioned(plugin, "v1", trust.signed(zoo(plugin), plugin, "v1"))
        engine.promote(plugin, "v1")
        return engine.service(plugin)

    return make


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 1 << 20, (1 << 20) + 1, 20 << 20])
def test_requests_and_answers_of_any_size(size: int, zoo_service: Callable[[str], Service]) -> None:
    service = zoo_service("plain_level1")
    data = os.urandom(size)
    for request in (data, bytearray(data), memoryview(data)):
        assert service.call(request) == (data, "v1", RouteReason.STABLE)
    assert service.call(b"\0") == (b"\0", "v1", RouteReason.STABLE)


def test_an_answer_is_a_copy_that_outlives_its_engine(trust: Trust) -> None:
    with Engine(**trust.options) as engine:
        engine.load_versioned("echo", "v1", trust.signed(zoo("plain_level1"), "echo", "v1"))
        engine.promote("echo", "v1")
        service = engine.service("echo")
        answers = [service.call(b"%d" % number).data for number in range(100)]
    assert answers == [b"%d" % number for number in range(100)]


def test_a_failure_of_the_plugin_has_its_number_and_what_it_wrote(
    fee_engine: Engine, zoo_service: Callable[[str], Service]
) -> None:
    with pytest.raises(sogov.PluginError) as failed:
        fee_engine.service("fee").call(b"amount=1 currency=XXX", user_key="u")
    error = failed.value
    assert (error.status, error.plugin_status, error.answer) == (sogov.Status.PLUGIN_FAILED, 3, b"")
    assert (error.version, error.reason) == ("v1", RouteReason.STABLE)
    assert zoo_service("big_answer").call(b"3").data == bytes(3 << 20)
    with pytest.raises(sogov.PluginError) as failed:
        fee_engine.service("big_answer").call(b"x")
    assert failed.value.plugin_status == 1


def test_requests_of_another_kind_are_refused(fee_engine: Engine) -> None:
    service: Any = fee_engine.service("fee")
    for wrong in ("text", 5, None):
        with pytest.raises(TypeError, match="input"):
            service.call(wrong)
    with pytest.raises(TypeError, match="user_key"):
        service.call(b"", user_key=5)
    with pytest.raises(TypeError, match="header value"):
        service.call(b"", headers={"a": 1})
    with pytest.raises(sogov.ArgumentError, match="surrogate"):
        service.call(b"", user_key="\ud800")
    with pytest.raises(sogov.ArgumentError, match="at most 64"):
        service.call(b"", headers=[("a", "b")] * 65)
    headers = [("a", b"\xff\0" * 40_000)] * 64
    assert service.call(PRICE, user_key=b"\xff\0" * 40_000, headers=headers).data == PRICES["v1"]
    assert service.call(PRICE, user_key="").reason is RouteReason.STABLE


def test_nothing_of_a_request_leaks_into_the_next(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    fee_engine.apply_route_policy(
        "fee",
        {
            "version": "1",
            "stable": "v1",
            "weight": {"v1": 1, "v2": 0},
            "pins": {"allow": {"v2": ["vip"]}},
            "rules": [{"id": "r", "priority": 1, "when": {"header": "h", "exists": True}, "to": "v2"}],
        },
    )
    assert service.call(PRICE, user_key="vip").reason is RouteReason.PIN
    assert service.call(PRICE).reason is RouteReason.MISSING_KEY
    assert service.call(PRICE, headers={"h": "1"}).reason is RouteReason.RULE
    assert service.call(PRICE, user_key="u").reason is RouteReason.STABLE
    with pytest.raises(sogov.PluginError):
        service.call(b"nonsense", user_key="vip")
    assert service.call(PRICE) == (PRICES["v1"], "v1", RouteReason.MISSING_KEY)


def test_a_service_without_a_stable_version_and_a_level_0_plugin(
    engine: Engine, zoo_service: Callable[[str], Service]
) -> None:
    with pytest.raises(sogov.NoVersionError):
        engine.service("empty").call(b"")
    with pytest.raises(sogov.UnsupportedError):
        zoo_service("plain_v1").call(b"")


def test_a_service_is_always_the_same_object(engine: Engine) -> None:
    assert engine.service("fee") is engine.service("fee")
    assert engine.service("fee").name == "fee"
    assert "fee" in repr(engine.service("fee"))


def test_a_closed_engine_and_its_services_refuse_every_use(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    assert not fee_engine.closed
    fee_engine.close()
    fee_engine.close()
    assert fee_engine.closed
    assert "closed" in repr(fee_engine)
    assert "closed" in repr(service)
    uses: list[Any] = [
        lambda: service.call(PRICE),
        service.route,
        lambda: fee_engine.service("fee"),
        lambda: fee_engine.service("other"),
        lambda: fee_engine.load_versioned("fee", "v1", "/x"),
        lambda: fee_engine.verify_file("fee", "v1", "/x"),
        lambda: fee_engine.apply_route_policy("fee", {}),
        lambda: fee_engine.promote("fee", "v1"),
        lambda: fee_engine.rollback("fee"),
        lambda: fee_engine.unload("fee", "v1"),
        fee_engine.versions,
    ]
    for use in uses:
        with pytest.raises(sogov.ClosedError, match="closed"):
            use()


class SlowCall:
    """A call that is inside the plugin until it is told to go on."""

    def __init__(self, service: Service) -> None:
        self._go_on, self._entered = os.pipe(), os.pipe()
        request = f"{self._go_on[0]} {self._entered[1]}".encode()
        self._pool = ThreadPoolExecutor(1)
        self._answer = self._pool.submit(service.call, request)
        os.read(self._entered[0], 1)

    def finish(self) -> bytes:
        os.write(self._go_on[1], b".")
        answer = self._answer.result().data
        self._pool.shutdown()
        for descriptor in self._go_on + self._entered:
            os.close(descriptor)
        return answer


def test_closing_is_refused_while_a_call_is_inside(
    engine: Engine, zoo_service: Callable[[str], Service]
) -> None:
    service = zoo_service("slow")
    call = SlowCall(service)
    with pytest.raises(sogov.BusyError, match="1 in use"):
        engine.close()
    assert engine.versions("slow")[0].in_flight == 1
    with pytest.raises(sogov.BusyError, match="1 in use"):
        engine.close(timeout=0.01)
    # Refused means refused: the engine goes on.
    second = SlowCall(service)
    assert second.finish() == b"done"
    assert call.finish() == b"done"
    engine.close()


def test_closing_is_refused_while_a_lease_is_out(fee_engine: Engine) -> None:
    lease = fee_engine.service("fee").route()
    with pytest.raises(sogov.BusyError):
        fee_engine.close()
    lease.release()
    fee_engine.close()


def test_unloading_waits_for_calls_no_longer_than_asked(
    engine: Engine, trust: Trust, zoo_service: Callable[[str], Service]
) -> None:
    call = SlowCall(zoo_service("slow"))
    engine.load_versioned("slow", "v2", trust.signed(zoo("slow"), "slow", "v2"))
    engine.promote("slow", "v2")
    with pytest.raises(sogov.BusyError, match="1 in flight"):
        engine.unload("slow", "v1", drain_ms=1)
    assert call.finish() == b"done"
    engine.unload("slow", "v1")


def test_a_plugin_may_call_back_into_python_which_may_call_again(
    fee_engine: Engine, trust: Trust, zoo_service: Callable[[str], Service]
) -> None:
    service, outer = fee_engine.service("fee"), zoo_service("reentrant")
    second = trust.signed(zoo("reentrant"), "reentrant", "v2")
    seen: list[Any] = []

    @ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
    def callback(_: int) -> int:
        seen.append(service.call(PRICE).data)
        fee_engine.load_versioned("reentrant", "v2", second)
        fee_engine.promote("reentrant", "v2")
        for refusal, use in (
            (sogov.DeadlockError, lambda: fee_engine.unload("reentrant", "v1")),
            (sogov.BusyError, fee_engine.close),
        ):
            with pytest.raises(refusal) as refused:
                use()
            seen.append(refused.type)
        return 5

    with pytest.raises(sogov.PluginError) as failed:
        outer.call(struct.pack("N", ctypes.cast(callback, ctypes.c_void_p).value))
    assert (failed.value.plugin_status, failed.value.version) == (5, "v1")
    assert seen == [PRICES["v1"], sogov.DeadlockError, sogov.BusyError]
    fee_engine.unload("reentrant", "v1")


def test_no_call_is_lost_across_promotions_and_rollbacks(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    done = threading.Event()
    calls = [0] * 8

    def call_on(thread: int) -> None:
        while not done.is_set():
            data, version, _ = service.call(PRICE)
            assert data == PRICES[version]
            calls[thread] += 1

    with ThreadPoolExecutor(8) as pool:
        threads = [pool.submit(call_on, thread) for thread in range(8)]
        cycles = 0
        try:
            while cycles < 500 or min(calls) < 100:
                fee_engine.promote("fee", "v2")
                fee_engine.rollback("fee")
                cycles += 1
                if any(thread.done() for thread in threads):
                    break
        finally:
            done.set()
        for thread in threads:
            thread.result()
    infos = fee_engine.versions("fee")
    assert sum(info.calls for info in infos) == sum(calls)
    assert all(info.failures == info.in_flight == 0 for info in infos)


def test_closing_under_fire_is_refused_or_final(trust: Trust) -> None:
    """Callers see answers until the engine is closed, and ClosedError afterwards: nothing else."""
    for _ in range(10):
        engine = Engine(**trust.options)
        engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))
        engine.promote("fee", "v1")
        service = engine.service("fee")

        def call_until_closed(service: Service = service) -> int:
            calls = 0
            while True:
                try:
                    assert service.call(PRICE).data == PRICES["v1"]
                except sogov.ClosedError:
                    return calls
                calls += 1

        with ThreadPoolExecutor(4) as pool:
            threads = [pool.submit(call_until_closed) for _ in range(4)]
            engine.close(timeout=60)
            for thread in threads:
                thread.result()


def in_child(body: Callable[[], object]) -> int:
    """Runs `body` in a forked child; 0 when it returned."""
    with warnings.catch_warnings():
        # Python 3.12 warns of forks while threads run; that they do is the point here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            body()
            status = 0
        except BaseException as failure:  # the child must not go on in pytest
            print(f"child: {failure!r}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_goes_on_routing_and_calling(
    fee_engine: Engine, zoo_service: Callable[[str], Service]
) -> None:
    service = fee_engine.service("fee")
    lease = service.route()
    price = lease.version
    slow = SlowCall(zoo_service("slow"))

    def child() -> None:
        for _ in range(1000):
            assert service.call(PRICE, user_key="u").data == PRICES[price]
        with pytest.raises(sogov.LeaseGoneError):
            lease.release()
        with pytest.raises(sogov.LeaseGoneError):
            lease.symbol("sogov_plugin_descriptor")
        with service.route() as own:
            assert own.version == "v1"
        # What other threads of the parent were doing keeps nobody here.
        fee_engine.close()
        with pytest.raises(sogov.ClosedError):
            service.call(PRICE)

    assert in_child(child) == 0
    assert lease.version == "v1"
    lease.release()
    assert slow.finish() == b"done"
    assert service.call(PRICE).data == PRICES["v1"]


def test_forks_during_calls_of_other_threads(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    done = threading.Event()

    def call_on() -> None:
        while not done.is_set():
            service.call(PRICE, headers={"a": "b"})

    with ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(call_on) for _ in range(4)]
        try:
            for _ in range(20):
                assert in_child(lambda: [service.call(PRICE) for _ in range(100)]) == 0
        finally:
            done.set()
        for thread in threads:
            thread.result()


def test_the_log_says_who_did_what_and_why(trust: Trust) -> None:
    lines: list[tuple[LogLevel, str]] = []
    with Engine(**trust.options, log=lambda level, line: lines.append((level, line))) as engine:
        engine.load_versioned(
            "fee", "v1", trust.signed(fee("v1"), "fee", "v1"), actor="deploy", reason="日程"
        )
        with pytest.raises(sogov.UnsignedError):
            engine.load_versioned("fee", "v2", fee("v2"))
        engine.promote("fee", "v1")
        engine.service("fee").call(PRICE)
    assert (LogLevel.INFO, "load fee: v1 by deploy (日程)") in lines
    assert any(level is LogLevel.ERROR and "load fee refused" in line for level, line in lines)
    assert (LogLevel.INFO, "fee@v1: 1 requests, 0 not priced") in lines
    written = len(lines)
    assert not sogov._engine._listeners
    assert len(lines) == written


def test_a_breaker_opens_and_tells_of_it(trust: Trust) -> None:
    events: list[sogov.Event] = []
    with Engine(**trust.options, event=events.append) as engine:
        for version in ("v1", "v2"):
            engine.load_versioned("fee", version, trust.signed(fee(version), "fee", version))
            engine.promote("fee", version)
        service = engine.service("fee")
        for _ in range(3):
            with pytest.raises(sogov.PluginError):
                service.call(b"no amount at all")
        answer = service.call(PRICE)
        assert (answer.version, answer.reason) == ("v1", sogov.RouteReason.BREAKER)
        _, broken = engine.versions("fee")
        assert (broken.breaker, broken.breaker_opened) == (sogov.Breaker.OPEN, 1)
        assert 0 < broken.breaker_open_ms <= 300_000
    assert (events[0].kind, events[0].service, events[0].version) == (
        sogov.EventKind.BREAKER_OPENED,
        "fee",
        "v2",
    )
    closed = {(event.kind, event.version) for event in events[1:]}
    assert closed == {(sogov.EventKind.UNMAPPED, "v1"), (sogov.EventKind.UNMAPPED, "v2")}


def test_a_log_that_uses_its_engine_or_fails_harms_nobody(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: raised.append(unraisable.exc_value))
    refusals: list[BaseException] = []

    def log(_: LogLevel, line: str) -> None:
        if "promote" in line:
            assert engine.versions("fee")
            try:
                engine.close()
            except sogov.BusyError as refusal:
                refusals.append(refusal)
            raise RuntimeError(line)

    with Engine(**trust.options, log=log) as engine:
        engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))
        assert engine.promote("fee", "v1").version == "v1"
    assert [type(failure) for failure in raised] == [RuntimeError]
    assert len(refusals) == 1


def test_an_engine_lives_as_long_as_something_of_it(trust: Trust) -> None:
    engine = Engine(**trust.options)
    engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))
    engine.promote("fee", "v1")
    service, watch = engine.service("fee"), weakref.ref(engine)
    del engine
    gc.collect()
    assert service.call(PRICE).data == PRICES["v1"]
    del service
    with pytest.warns(ResourceWarning, match="never closed"):
        gc.collect()
    assert watch() is None


def test_other_threads_run_during_a_call(zoo_service: Callable[[str], Service]) -> None:
    # Were the GIL held inside the plugin, the answer below could never be given.
    assert SlowCall(zoo_service("slow")).finish() == b"done"


def test_calls_do_not_leak(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")

    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def work() -> None:
        for number in range(5000):
            service.call(PRICE, user_key=f"u{number}", headers={"h": "x" * 200})
            with pytest.raises(sogov.PluginError):
                service.call(b"nonsense")
            service.route().release()

    work()
    before = resident()
    work()
    assert resident() - before < 4 << 20
