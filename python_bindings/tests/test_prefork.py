"""Servers that load plugins and fork their workers then."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import PRICE, PRICES, Trust, fee

HERE = Path(__file__).parent
DEADLINE_S = 120


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


def test_workers_call_and_exit_while_the_parent_changes_versions(trust: Trust) -> None:
    plugins = [str(trust.signed(fee(version), "fee", version)) for version in ("v1", "v2")]
    command = [sys.executable, str(HERE / "prefork_server.py"), str(trust.path), *plugins]
    server = subprocess.run(command, env=environment(), timeout=DEADLINE_S, capture_output=True, text=True)
    assert (server.returncode, server.stderr) == (0, "")
    assert server.stdout == "4 workers made 6000 calls each\n"


@pytest.mark.parametrize("preload", [True, False], ids=["engine_of_the_parent", "engine_of_each_worker"])
def test_gunicorn(preload: bool, trust: Trust, tmp_path: Path) -> None:
    """Two workers, 200 requests, and a reload (SIGHUP) in the middle, which replaces both workers."""
    with gunicorn(trust, tmp_path, ["--preload"] if preload else []) as (server, address):
        first = workers_of_answers(address, 100)
        server.send_signal(signal.SIGHUP)
        await_replaced(address, first)
        second = workers_of_answers(address, 100)
        assert second.isdisjoint(first | {server.pid})
        server.terminate()
        assert server.wait(DEADLINE_S) == 0


@contextmanager
def gunicorn(
    trust: Trust, directory: Path, options: list[str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    address, log = directory / "socket", directory / "log"
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"unix:{address}", *options]
    command += ["--log-file", str(log), "--no-control-socket"]
    plugin = str(trust.signed(fee("v1"), "fee", "v1"))
    settings = environment(SOGOV_TEST_TRUST=str(trust.path), SOGOV_TEST_FEE=plugin)
    with subprocess.Popen([*command, "wsgi_app:app"], env=settings, cwd=directory) as server:
        try:
            end = time.monotonic() + DEADLINE_S
            while not address.exists():
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.01)
            yield server, address
        finally:
            server.kill()
        # A worker that crashed was replaced, and that stands in the log.
        text = log.read_text()
        assert not [line for line in text.splitlines() if "[ERROR]" in line or "[CRITICAL]" in line], text


def workers_of_answers(address: Path, count: int) -> set[int]:
    return {ask(address, number) for number in range(count)}


def ask(address: Path, number: int) -> int:
    """Sends one request, checks its answer, and tells the worker that gave it."""
    connection = http.client.HTTPConnection("localhost", timeout=DEADLINE_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(DEADLINE_S)
    connection.sock.connect(str(address))
    try:
        connection.request("POST", f"/user{number}", PRICE)
        response = connection.getresponse()
        worker, version, data = response.read().split(b" ", 2)
    finally:
        connection.close()
    assert (response.status, version, data) == (200, b"v1", PRICES["v1"])
    return int(worker)


def await_replaced(address: Path, workers: set[int]) -> None:
    """Asks until none of these workers exists any more."""
    end = time.monotonic() + DEADLINE_S
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end, "the old workers did not end"
        ask(address, 0)
