"""A payment host that prices transactions through the plugin "fee", up to the rollback of a bad version.

    python payment_host.py [-v] DIRECTORY

DIRECTORY holds what a release team hands over: trust/ (trust.json, its signature, public keys), root.id (the
root key's identifier as text), the signed plugins fee-v1.so, fee-v2.so and fee-v3.so, and two files that must
not run: fee-tampered.so and fee-unsigned.so. -v shows the engine's log on stderr.

Exit status 0: every count was as it must be.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Callable

from payment_tariff import expected_answer, transactions

import sogov
from sogov import Engine, RouteReason, Service

CALLS = 100_000
USERS = 50_000
RULE_CALLS = 1_000
GRAY_PERCENT = 20
THREADS = 8
CALLS_AFTER_ROLLBACK = 500
PATIENCE_SECONDS = 10
ACTOR = "payment_host"

TRY_V2 = {
    "version": "try-v2",
    "epoch": 1,
    "stable": "v1",
    "weight": {"v1": 100 - GRAY_PERCENT, "v2": GRAY_PERCENT},
    "rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}],
}
TRY_V3 = {"version": "try-v3", "epoch": 2, "stable": "v2", "weight": {"v2": 80, "v3": 20}}

TRANSACTIONS = transactions(5_000)


def main() -> int:
    """Tells the story, and answers whether every count was as it must be."""
    parser = argparse.ArgumentParser(description="A payment host that governs the plugin fee.")
    parser.add_argument("directory", type=Path, help="trust/, root.id and the plugins")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the engine's log on stderr")
    arguments = parser.parse_args()
    directory: Path = arguments.directory
    report = Report()

    with open_engine(directory, arguments.verbose) as engine:
        report.say("open", f"sogov {sogov.__version__}; trust.json is signed by the root key")
        host = Host(engine, engine.service("fee"), directory, report)
        host.refuse("fee-tampered.so", sogov.ModifiedError)
        host.refuse("fee-unsigned.so", sogov.UnsignedError)

        host.load("v1")
        host.promote("v1", "first release")
        host.load("v2")
        host.apply_policy(TRY_V2, f"v1 80%, v2 {GRAY_PERCENT}%; x-env: gray goes to v2")
        host.check_split()
        host.check_header_rule()
        host.promote("v2", "a day without failures")

        host.load("v3")
        host.expose_and_roll_back(lambda: host.apply_policy(TRY_V3, "v2 80%, v3 20%"))
        host.expose_and_roll_back(lambda: host.promote("v3", "somebody insists"))

        host.check_counts()
        host.unload("v3")
        host.unload("v1")
    report.say("close", "the engine is closed")
    good = report.wrong == 0
    report.say("end", "every count is as it must be" if good else "something is WRONG, see above")
    return 0 if good else 1


def open_engine(directory: Path, verbose: bool) -> Engine:
    """An engine that trusts what the root key has signed.

    The root key's identifier comes with the program, not from the trust directory: whoever can change the
    directory must not be able to say whom to trust.
    """
    root = (directory / "root.id").read_text().strip()
    return Engine(directory / "trust", root_key_ids=[root], log=log_to_stderr if verbose else None)


def log_to_stderr(level: sogov.LogLevel, line: str) -> None:
    """Takes the engine's log."""
    print(f"log {level.name.lower()}: {line}", file=sys.stderr)


@dataclass
class Tally:
    """What became of calls."""

    calls: int = 0
    right: int = 0
    known_defect: int = 0
    lost: int = 0
    after_rollback: int = 0
    too_late: int = 0

    def add(self, other: Tally) -> None:
        """Adds another thread's."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def price(
    service: Service, number: int, user: str, tally: Tally, headers: dict[str, str] | None = None
) -> tuple[str, RouteReason]:
    """Prices one transaction and checks the answer; answers which version it was, and why."""
    transaction = TRANSACTIONS[number % len(TRANSACTIONS)]
    tally.calls += 1
    try:
        answer = service.call(transaction.request, user_key=user, headers=headers or {})
    except sogov.PluginError as failure:
        # Status 1 is the version's own failure; v3 fails on large amounts, and nothing else may fail.
        known = failure.plugin_status == 1 and expected_answer(transaction, failure.version) is None
        tally.known_defect += known
        tally.lost += not known
        return failure.version, failure.reason
    except sogov.SogovError:
        tally.lost += 1
        return "", RouteReason.NONE
    right = answer.data == expected_answer(transaction, answer.version)
    tally.right += right
    tally.lost += not right
    return answer.version, answer.reason


class Host:
    """The service "fee" of one engine, and every call that was made through it."""

    def __init__(self, engine: Engine, service: Service, directory: Path, report: Report) -> None:
        self.engine = engine
        self.service = service
        self.directory = directory
        self.report = report
        self.total = Tally()

    def refuse(self, file: str, expected: type[sogov.TrustError]) -> None:
        """A file that must not run; the refusal says why."""
        try:
            self.engine.load_versioned("fee", "v1", self.directory / file, actor=ACTOR)
        except sogov.SogovError as refusal:
            self.report.say("refuse", f"{file}: {refusal.status_name}: {refusal.message}")
            self.report.must(isinstance(refusal, expected), f"{file}: expected {expected.__name__}")
        else:
            self.report.must(False, f"{file}: expected a refusal, and it was loaded")

    def load(self, version: str) -> None:
        """Loads a version beside those already there."""
        with Watch() as watch:
            path = self.directory / f"fee-{version}.so"
            info = self.engine.load_versioned("fee", version, path, actor=ACTOR, reason="release")
        self.report.say(
            "load", f"{info.version} in {watch}: digest {info.digest[:4].hex()}..., epoch {info.epoch}"
        )
        self.report.must(not info.development, "the engine is in development mode")

    def promote(self, version: str, reason: str) -> None:
        """Makes a version the stable one, for everybody."""
        with Watch() as watch:
            self.engine.promote("fee", version, actor=ACTOR, reason=reason)
        self.report.say("promote", f"{version} in {watch}")

    def apply_policy(self, policy: dict[str, object], what: str) -> None:
        """Puts a route policy in force."""
        with Watch() as watch:
            self.engine.apply_route_policy("fee", policy, actor=ACTOR, reason=what)
        self.report.say("policy", f"{what}: in force after {watch}")

    def check_split(self) -> None:
        """100,000 calls: the share of v2, and that every user stays where the first call went."""
        tally, on_v2, moved = Tally(), 0, 0
        first: dict[str, str] = {}
        with Watch() as watch:
            for number in range(CALLS):
                user = f"user-{number % USERS}"
                version, _ = price(self.service, number, user, tally)
                on_v2 += version == "v2"
                moved += first.setdefault(user, version) != version
        percent = 100 * on_v2 / CALLS
        asked = f"asked {GRAY_PERCENT}% on v2, found {percent:.2f}%"
        self.report.say("split", f"{CALLS} calls by {USERS} users in {watch}: {asked}")
        self.report.say("sticky", f"{moved} of {USERS} users changed their version")
        self.report.must(
            abs(percent - GRAY_PERCENT) < 1, f"split: expected within one point of {GRAY_PERCENT}%"
        )
        self.report.must(moved == 0, "sticky: expected no user to change")
        self.total.add(tally)

    def check_header_rule(self) -> None:
        """Testers, who send a header, are on v2 whatever their bucket is."""
        tally, by_rule = Tally(), 0
        for number in range(RULE_CALLS):
            met = price(self.service, number, f"user-{number}", tally, {"x-env": "gray"})
            by_rule += met == ("v2", RouteReason.RULE)
        self.report.say("header", f"{RULE_CALLS} calls with x-env: gray: {by_rule} on v2")
        self.report.must(by_rule == RULE_CALLS, "header: expected all of them on v2")
        self.total.add(tally)

    def expose_and_roll_back(self, expose: Callable[[], None]) -> None:
        """Threads call without a pause while v3 is put into service, fails, and is taken back."""
        with Traffic(self.service) as traffic:
            expose()
            has_failed = traffic.failed.wait(PATIENCE_SECONDS)
            self.report.say("failing", "v3 fails; rolling back under load")
            with Watch() as watch:
                restored = self.engine.rollback("fee", actor=ACTOR, reason="v3 fails on large amounts")
        tally = traffic.tally

        self.report.say(
            "rollback", f"{restored.version} restored in {watch} under the load of {THREADS} threads"
        )
        counts = f"{tally.right} right, {tally.known_defect} failed by v3's defect, {tally.lost} lost"
        self.report.say("traffic", f"{tally.calls} calls: {counts}")
        began = f"{tally.after_rollback} calls began after the rollback"
        self.report.say("after", f"{began}: {tally.too_late} met v3")
        self.report.must(has_failed, "v3: expected a failure to be seen")
        self.report.must(restored.version == "v2", "rollback: expected v2")
        self.report.must(tally.too_late == 0, "rollback: expected no later call on v3")
        self.total.add(tally)

    def check_counts(self) -> None:
        """The engine's own counts must be those of the callers."""
        infos, total = self.engine.versions("fee"), self.total
        for info in infos:
            standing = info.standing.name.lower()
            self.report.say(
                "version", f"{info.version}: {standing}, {info.calls} calls, {info.failures} failures"
            )
        self.report.say(
            "total", f"{total.calls} calls, {total.right} of them right, lost calls: {total.lost}"
        )
        self.report.must(total.lost == 0, "expected no lost call")
        counted = [sum(getattr(info, name) for info in infos) for name in ("calls", "failures", "in_flight")]
        expected = [total.calls, total.known_defect, 0]
        self.report.must(
            counted == expected,
            f"expected the engine to count {expected} (calls, failures, in flight), found {counted}",
        )

    def unload(self, version: str) -> None:
        """The engine proves that the image is gone; this host looks into its memory map too."""
        was_mapped = is_mapped(version)
        with Watch() as watch:
            self.engine.unload("fee", version, actor=ACTOR, reason="no longer needed")
        gone = not is_mapped(version)
        before, after = "mapped" if was_mapped else "not mapped", "mapped no more" if gone else "mapped still"
        self.report.say("unload", f"{version} in {watch}: it was {before}, and is {after}")
        self.report.must(was_mapped and gone, f"{version}: expected its image to go")


class Traffic:
    """Threads that call without a pause while the block runs, and for a while after its end."""

    def __init__(self, service: Service) -> None:
        self.tally = Tally()
        self.failed = threading.Event()
        self._service = service
        self._rolled_back = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS)

    def __enter__(self) -> Traffic:
        self._threads = [self._pool.submit(self._call_on, thread) for thread in range(THREADS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._rolled_back.set()
        for thread in self._threads:
            self.tally.add(thread.result())
        self._pool.shutdown()

    def _call_on(self, thread: int) -> Tally:
        tally, number = Tally(), thread << 32
        while tally.after_rollback < CALLS_AFTER_ROLLBACK:
            # Looked at before the call: what begins after the rollback must not meet v3.
            rolled_back = self._rolled_back.is_set()
            version, _ = price(self._service, number, f"user-{number}", tally)
            number += 1
            if rolled_back:
                tally.after_rollback += 1
                tally.too_late += version == "v3"
            if tally.known_defect:
                self.failed.set()
        return tally


class Report:
    """Lines with times, and what must hold."""

    def __init__(self) -> None:
        self.wrong = 0
        self._begin = time.perf_counter()

    def say(self, topic: str, line: str) -> None:
        """Prints one line."""
        print(f"{(time.perf_counter() - self._begin) * 1e3:10.3f} ms  {topic:<8}  {line}", flush=True)

    def must(self, holds: bool, line: str) -> None:
        """Prints the line and remembers that something was wrong, unless it holds."""
        if not holds:
            self.wrong += 1
            self.say("WRONG", line)


class Watch:
    """Times a block; as text, in milliseconds."""

    def __enter__(self) -> Watch:
        self._begin = self._end = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._end = time.perf_counter()

    def __str__(self) -> str:
        return f"{(self._end - self._begin) * 1e3:.3f} ms"


def is_mapped(version: str) -> bool:
    """Whether an image of that name is mapped: the engine names its mappings service@version."""
    return f"/memfd:fee@{version} " in Path("/proc/self/maps").read_text()


if __name__ == "__main__":
    sys.exit(main())
