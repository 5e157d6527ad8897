"""Leases and what is called under them."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import Trust, zoo

import sogov
from sogov import Engine, Outcome, Service


@pytest.fixture
def plain(engine: Engine, trust: Trust) -> Service:
    """The level-0 plugin `plain`: v1 stable, v2 loaded; answer() is 1 or 2, count() counts its calls."""
    for version in ("v1", "v2"):
        engine.load_versioned("plain", version, trust.signed(zoo(f"plain_{version}"), "plain", version))
    engine.promote("plain", "v1")
    return engine.service("plain")


def test_functions_of_a_level_0_plugin(plain: Service, engine: Engine) -> None:
    with plain.route() as lease:
        answer = lease.symbol("answer", restype=ctypes.c_int, argtypes=[])
        count = lease.symbol("count")
        assert (lease.version, answer(), count(), count()) == ("v1", 1, 1, 2)
        engine.promote("plain", "v2")
        # The lease stays where it is; the next one goes to the new version, whose statics are its own.
        assert (answer(), count()) == (1, 3)
        with plain.route() as other:
            assert (other.version, other.symbol("answer")(), other.symbol("count")()) == ("v2", 2, 1)
            assert other.address("answer") != lease.address("answer")


def test_after_the_release_nothing_can_be_called(plain: Service) -> None:
    with plain.route() as lease:
        answer = lease.symbol("answer")
        assert answer() == 1
        assert not lease.released
    assert lease.released
    uses: list[Any] = [
        answer,
        lambda: lease.version,
        lambda: lease.symbol("answer"),
        lambda: lease.address("answer"),
        lease.plugin,
        lease.release,
        lease.__enter__,
    ]
    for use in uses:
        with pytest.raises(sogov.LeaseGoneError):
            use()
    assert "released" in repr(lease)
    assert "answer" in repr(answer)


def test_the_outcome_is_that_of_the_block(plain: Service, engine: Engine) -> None:
    def counted() -> tuple[int, int]:
        info = engine.versions("plain")[0]
        assert info.in_flight == 0
        return info.calls, info.failures

    with plain.route():
        pass
    assert counted() == (1, 0)
    with pytest.raises(ZeroDivisionError), plain.route():
        raise ZeroDivisionError
    assert counted() == (2, 1)
    with pytest.raises(KeyboardInterrupt), plain.route():
        raise KeyboardInterrupt
    assert counted() == (2, 1)
    with plain.route() as lease:
        lease.release(Outcome.FAILURE)
    assert counted() == (3, 2)
    plain.route().release(Outcome.NEUTRAL)
    assert counted() == (3, 2)
    lease = plain.route()
    with pytest.raises(ValueError, match="17"):
        lease.release(17)  # type: ignore[arg-type]
    lease.release()


def test_a_forgotten_lease_is_released_with_a_warning(plain: Service, engine: Engine) -> None:
    leases = [plain.route()]
    assert engine.versions("plain")[0].in_flight == 1
    with pytest.warns(ResourceWarning, match="never released"):
        leases.clear()
    assert engine.versions("plain")[0].in_flight == 0


def test_symbols_that_are_none(plain: Service) -> None:
    with plain.route() as lease:
        with pytest.raises(sogov.NotFoundError):
            lease.symbol("no_such_function")
        for name in ("", "a\0b", "\ud800", "x" * 70_000):
            with pytest.raises(sogov.ArgumentError):
                lease.symbol(name)
        with pytest.raises(sogov.ArgumentError):
            lease.symbol("answer", symbol_version="")
        with pytest.raises(sogov.UnsupportedError):
            lease.plugin()


def test_symbol_versions(engine: Engine, trust: Trust) -> None:
    engine.load_versioned("sym", "v1", trust.signed(zoo("versioned_symbol"), "sym", "v1"))
    engine.promote("sym", "v1")
    with engine.service("sym").route() as lease:
        assert lease.symbol("answer")() == 2
        assert lease.symbol("answer", symbol_version="V1")() == 1
        with pytest.raises(sogov.NotFoundError):
            lease.symbol("answer", symbol_version="V3")


def test_the_descriptor_of_a_level_1_plugin(fee_engine: Engine) -> None:
    with fee_engine.service("fee").route() as lease:
        descriptor, its_self = lease.plugin()
        assert descriptor == lease.address("sogov_plugin_descriptor")
        assert ctypes.c_uint32.from_address(descriptor + 4).value == 1
        assert its_self != 0


def test_a_lease_is_not_released_while_a_function_runs(engine: Engine, trust: Trust) -> None:
    """zlib calls back into Python in the middle of its own function; there the lease must hold."""
    service = third_party(engine, trust, "zlib", "libz.so.1")
    lease = service.route()
    refusals: list[BaseException] = []
    callback_type = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))

    @callback_type
    def no_input(_: int, place: Any) -> int:
        with pytest.raises(sogov.BusyError) as refused:
            lease.release()
        refusals.append(refused.value)
        return 0

    stream = ctypes.create_string_buffer(112)
    window = ctypes.create_string_buffer(32768)
    version = lease.symbol("zlibVersion", ctypes.c_char_p)
    init = lease.symbol(
        "inflateBackInit_",
        argtypes=[ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int],
    )
    assert init(stream, 15, window, version(), 112) == 0
    run = lease.symbol(
        "inflateBack",
        argtypes=[ctypes.c_char_p, callback_type, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p],
    )
    run(stream, no_input, None, None, None)
    lease.symbol("inflateBackEnd", argtypes=[ctypes.c_char_p])(stream)
    assert len(refusals) == 1
    lease.release()


def test_leases_of_many_threads_across_promotions(plain: Service, engine: Engine) -> None:
    def use(_: int) -> None:
        for _ in range(200):
            with plain.route() as lease:
                assert lease.symbol("answer")() == int(lease.version[1:])

    with ThreadPoolExecutor(8) as pool:
        uses = [pool.submit(use, number) for number in range(8)]
        while not all(one.done() for one in uses):
            engine.promote("plain", "v2")
            engine.rollback("plain")
        for one in uses:
            one.result()
    infos = engine.versions("plain")
    assert sum(info.calls for info in infos) == 1600
    assert all(info.in_flight == 0 for info in infos)


def test_a_lease_may_be_released_on_another_thread(plain: Service, engine: Engine) -> None:
    lease = plain.route()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lease.release).result()
    assert engine.versions("plain")[0].in_flight == 0


def system_library(soname: str) -> Path:
    directories = [Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib/aarch64-linux-gnu"), Path("/lib64")]
    return next(place / soname for place in directories if (place / soname).exists()).resolve()


def third_party(engine: Engine, trust: Trust, service: str, soname: str) -> Service:
    """A library of the system, governed by a detached signature; the original stays where it is."""
    original = system_library(soname)
    allow = {"sonames": ["libz.so.1", "libsqlite3.so.0"]}
    trust.write(services=[{"name": "*", "allow": allow}])
    signature = trust.path.parent / f"{soname}.sogsig"
    trust.key.sign_file(original, signature, service=service, version="system", detached=True)
    engine.load_versioned(service, "system", original, signature_path=signature)
    engine.promote(service, "system")
    return engine.service(service)


def test_zlib_under_a_lease(engine: Engine, trust: Trust) -> None:
    with third_party(engine, trust, "zlib", "libz.so.1").route() as lease:
        version = lease.symbol("zlibVersion", restype=ctypes.c_char_p)
        assert version().decode().split(".")[0] == "1"
        crc32 = lease.symbol("crc32", ctypes.c_ulong, [ctypes.c_ulong, ctypes.c_char_p, ctypes.c_uint])
        for data in (b"", b"123456789", bytes(range(256)) * 100):
            assert crc32(0, data, len(data)) == zlib.crc32(data)


def test_sqlite_under_a_lease(engine: Engine, trust: Trust) -> None:
    with third_party(engine, trust, "sqlite", "libsqlite3.so.0").route() as lease:
        p, i = ctypes.c_void_p, ctypes.c_int
        version = lease.symbol("sqlite3_libversion", restype=ctypes.c_char_p)
        assert version().startswith(b"3.")
        database, statement = p(), p()
        functions: dict[str, tuple[Any, list[Any]]] = {
            "open": (i, [ctypes.c_char_p, ctypes.POINTER(p)]),
            "prepare_v2": (i, [p, ctypes.c_char_p, i, ctypes.POINTER(p), p]),
            "step": (i, [p]),
            "column_int": (i, [p, i]),
            "finalize": (i, [p]),
            "close": (i, [p]),
        }
        call: dict[str, Callable[..., Any]] = {
            name: lease.symbol(f"sqlite3_{name}", *signature) for name, signature in functions.items()
        }
        assert call["open"](b":memory:", ctypes.byref(database)) == 0
        assert call["prepare_v2"](database, b"select 1 + 1", -1, ctypes.byref(statement), None) == 0
        assert call["step"](statement) == 100
        assert call["column_int"](statement, 0) == 2
        assert call["finalize"](statement) == 0
        assert call["close"](database) == 0


def test_a_library_of_the_system_needs_to_be_allowed_by_name(engine: Engine, trust: Trust) -> None:
    path = system_library("libsqlite3.so.0")
    signature = trust.path.parent / "again.sogsig"
    trust.key.sign_file(path, signature, service="sqlite", version="system", detached=True)
    with pytest.raises(sogov.ImageRejectedError, match=r"libsqlite3\.so\.0"):
        engine.load_versioned("sqlite", "system", path, signature_path=signature)
