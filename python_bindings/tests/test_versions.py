"""The life of versions: load, promote, rollback, unload, route policies, restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import PRICE, PRICES, ROOT, Trust, fee, zoo

import sogov
from sogov import Engine, Service, Standing

VECTORS = ROOT / "tests/vectors"


def standings(engine: Engine, service: str | None = None) -> list[tuple[str, str, Standing]]:
    return [(info.service, info.version, info.standing) for info in engine.versions(service)]


def test_two_versions_of_one_plugin_answer_each_for_themselves(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    assert service.call(PRICE) == (PRICES["v1"], "v1", sogov.RouteReason.STABLE) or service.call(PRICE)
    assert service.call(PRICE).data == PRICES["v1"]
    promoted = fee_engine.promote("fee", "v2", actor="tests", reason="a change of tariff")
    assert (promoted.version, promoted.standing) == ("v2", Standing.STABLE)
    assert service.call(PRICE).data == PRICES["v2"]
    assert standings(fee_engine) == [("fee", "v1", Standing.RETIRED), ("fee", "v2", Standing.STABLE)]
    assert fee_engine.rollback("fee").version == "v1"
    assert service.call(PRICE).version == "v1"
    with pytest.raises(sogov.NotFoundError):
        fee_engine.rollback("fee")


def test_listings_count_calls_failures_and_leases(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    for _ in range(3):
        service.call(PRICE)
    with pytest.raises(sogov.PluginError):
        service.call(b"nonsense")
    with service.route():
        info = fee_engine.versions("fee")[0]
        assert (info.calls, info.failures, info.in_flight) == (4, 1, 1)
    info = fee_engine.versions("fee")[0]
    assert (info.calls, info.failures, info.in_flight, info.pin_reason) == (5, 1, 0, "")


def test_listings_of_one_service_and_of_all(fee_engine: Engine, trust: Trust) -> None:
    for number in range(20):
        label = f"r{number}"
        fee_engine.load_versioned("echo", label, trust.signed(zoo("plain_level1"), "echo", label))
    assert [info.version for info in fee_engine.versions("echo")] == [f"r{n}" for n in range(20)]
    assert len(fee_engine.versions()) == 22
    with pytest.raises(sogov.NotFoundError):
        fee_engine.versions("nothing-yet")
    with pytest.raises(sogov.ArgumentError):
        fee_engine.versions("")


def test_what_serves_cannot_be_unloaded_and_the_rest_is_gone(fee_engine: Engine) -> None:
    with pytest.raises(sogov.BusyError):
        fee_engine.unload("fee", "v1")
    assert "memfd:fee@v2" in Path("/proc/self/maps").read_text()
    fee_engine.unload("fee", "v2", drain_ms=1)
    assert "memfd:fee@v2" not in Path("/proc/self/maps").read_text()
    with pytest.raises(sogov.NotFoundError):
        fee_engine.unload("fee", "v2")


@pytest.mark.parametrize("drain_ms", [0, -1, 1 << 32])
def test_drain_times_out_of_range_are_refused(drain_ms: int, fee_engine: Engine) -> None:
    with pytest.raises(sogov.ArgumentError, match="drain_ms"):
        fee_engine.unload("fee", "v2", drain_ms=drain_ms)


def test_a_label_in_use_is_busy(fee_engine: Engine, trust: Trust) -> None:
    with pytest.raises(sogov.BusyError):
        fee_engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))


@pytest.mark.parametrize(
    "name", ["", ".fee", "a b", "fee/1", "é", "x" * 65, "x" * 100_000, "a\0b", "\ud800", "fee\n"]
)
def test_names_that_are_none_are_refused_everywhere(name: str, fee_engine: Engine, trust: Trust) -> None:
    path = trust.signed(fee("v1"), "fee", "v9")
    uses: list[Any] = [
        lambda: fee_engine.service(name),
        lambda: fee_engine.load_versioned(name, "v9", path),
        lambda: fee_engine.promote(name, "v1"),
        lambda: fee_engine.rollback(name),
        lambda: fee_engine.unload(name, "v1"),
        lambda: fee_engine.apply_route_policy(name, {}),
        lambda: fee_engine.versions(name),
        lambda: fee_engine.verify_file(name, "", path),
    ]
    for use in uses:
        with pytest.raises(sogov.ArgumentError):
            use()


@pytest.mark.parametrize("label", ["x" * 65, "a\0b", "\ud800", "v 1"])
def test_labels_that_are_none_are_refused(label: str, fee_engine: Engine, trust: Trust) -> None:
    path = trust.signed(fee("v1"), "fee", "v9")
    with pytest.raises(sogov.ArgumentError):
        fee_engine.load_versioned("fee", label, path)
    with pytest.raises((sogov.ArgumentError, sogov.NotFoundError)):
        fee_engine.promote("fee", label)


@pytest.mark.parametrize("path", [b"/tmp/\xff.so", "/tmp/\udcff.so", "/tmp/a\0b", "", "/" + "x" * 70_000])
def test_paths_that_are_none_are_refused(path: str | bytes, engine: Engine) -> None:
    with pytest.raises((sogov.ArgumentError, sogov.SystemFailure)):
        engine.load_versioned("fee", "v1", path)


def test_arguments_of_another_type_are_type_errors(engine: Engine) -> None:
    uses: list[Any] = [
        lambda: engine.service(b"fee"),
        lambda: engine.promote("fee", 1),
        lambda: engine.load_versioned("fee", "v1", 7),
        lambda: engine.apply_route_policy("fee", 7),
        lambda: engine.unload("fee", "v1", drain_ms=1.5),
        lambda: engine.promote("fee", "v1", actor=None),
    ]
    for use in uses:
        with pytest.raises(TypeError):
            use()


def test_a_policy_splits_the_users_and_a_rollback_withdraws_the_gray_version(fee_engine: Engine) -> None:
    service = fee_engine.service("fee")
    policy = {
        "version": "p1",
        "epoch": 7,
        "stable": "v1",
        "weight": {"v1": 80, "v2": 20},
        "rules": [{"id": "env", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}],
    }
    fee_engine.apply_route_policy("fee", policy)
    users = [f"user-{number}" for number in range(2000)]
    first = [service.call(PRICE, user_key=user).version for user in users]
    assert first == [service.call(PRICE, user_key=user.encode()).version for user in users]
    assert 320 <= first.count("v2") <= 480
    for headers in ({"X-Env": "gray"}, [(b"x-env", b"gray")], (("X-ENV", "gray"), ("x-env", "prod"))):
        assert service.call(PRICE, headers=headers) == (PRICES["v2"], "v2", sogov.RouteReason.RULE)
    assert service.call(PRICE, headers={"x-env": "grey"}).version == "v1"
    assert fee_engine.rollback("fee").version == "v1"
    assert service.call(PRICE, headers={"X-Env": "gray"}).version == "v1"
    with pytest.raises(sogov.RoutePolicyInvalidError, match=r"epoch: expected at least 8, .* found 7"):
        fee_engine.apply_route_policy("fee", json.dumps(policy))


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (b"{", "line"),
        (b"\xff", "UTF-8"),
        (b"", "."),
        ({"version": "p", "stable": "v1", "weight": {"v1": 1, "v9": 1}}, "v9"),
        ({"version": "p", "stable": "v1", "weight": {"v1": "80"}}, r'weight\["v1"\]'),
        ({"version": "p", "stable": "v1", "weight": {"v1": float("nan")}}, "."),
        ({"version": "\ud800", "stable": "v1"}, "UTF-8"),
        ('{"version":"p","stable":"v1","stable":"v2"}', "stable"),
        (b" " * (1 << 21), "1048576"),
    ],
)
def test_a_bad_policy_changes_nothing(document: Any, part: str, fee_engine: Engine) -> None:
    before = standings(fee_engine)
    with pytest.raises(sogov.SogovError, match=part) as refused:
        fee_engine.apply_route_policy("fee", document)
    assert isinstance(refused.value, (sogov.RoutePolicyInvalidError, sogov.ArgumentError))
    assert standings(fee_engine) == before


def test_the_state_directory_brings_the_stable_version_back(trust: Trust, tmp_path: Path) -> None:
    options = {**trust.options, "state_directory": tmp_path / "state"}
    with Engine(**options) as engine:
        for version in ("v1", "v2"):
            path = trust.signed(fee(version), "fee", version)
            engine.load_versioned("fee", version, path)
            engine.promote("fee", version, wait_durable=True)
            path.unlink()
    with Engine(**options) as engine:
        assert standings(engine) == [("fee", "v2", Standing.STABLE)]
        assert engine.service("fee").call(PRICE).data == PRICES["v2"]
        assert engine.rollback("fee").version == "v1"
        assert engine.service("fee").call(PRICE).data == PRICES["v1"]


def test_only_the_parked_versions_stay(trust: Trust) -> None:
    with Engine(**trust.options, parked_versions=1) as engine:
        for version in ("r1", "r2", "r3"):
            engine.load_versioned("fee", version, trust.signed(fee("v1"), "fee", version))
            engine.promote("fee", version)
        expected = [("fee", "r2", Standing.RETIRED), ("fee", "r3", Standing.STABLE)]
        # The housekeeping thread unloads r1; a call that waits for nothing else gives it the time.
        for _ in range(1_000_000):
            if standings(engine) == expected:
                break
        assert standings(engine) == expected


@pytest.fixture
def routed(trust: Trust) -> Any:
    """Makes a service whose versions all echo, with the policy in force; engines are closed at the end."""
    engines = []

    def make(name: str, labels: list[str], stable: str, policy: dict[str, Any]) -> Service:
        engine = Engine(**trust.options)
        engines.append(engine)
        for label in labels:
            engine.load_versioned(name, label, trust.signed(zoo("plain_level1"), name, label))
        engine.promote(name, stable)
        engine.apply_route_policy(name, policy)
        return engine.service(name)

    yield make
    for engine in engines:
        engine.close()


def policy_cases() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / "route_policy.json").read_text())["cases"]
    return cases


@pytest.mark.parametrize("case", policy_cases(), ids=lambda case: case["name"])
def test_route_policy_vectors(case: dict[str, Any], routed: Any) -> None:
    policy = case["policy"]
    name = json.loads((VECTORS / "route_policy.json").read_text())["service"]
    labels = {*policy.get("weight", {}), *(gray["version"] for gray in policy.get("grays", []))}
    stable = policy.get("stable") or next(label for label in labels if not label.endswith("-gray"))
    service = routed(name, sorted(labels | {stable}), stable, policy)
    for request in case["requests"]:
        headers = [tuple(header) for header in request["headers"]]
        answer = service.call(b"x", user_key=request["user_key"], headers=headers)
        expected = (b"x", request["version"], request["reason"])
        assert (answer.data, answer.version, answer.reason.name.lower()) == expected, request
        with service.route(user_key=request["user_key"], headers=headers) as lease:
            assert lease.version == request["version"]


def test_bucket_vectors(routed: Any, trust: Trust) -> None:
    """A gray version that has exactly the expected bucket gets the user; one that has all others does not."""
    vectors = json.loads((VECTORS / "bucket.json").read_text())
    service = routed("buckets", ["stable", "gray"], "stable", {"version": "0", "stable": "stable"})
    engine = service._engine
    run = 0
    for vector in vectors["single"] + vectors["joined"]:
        parts = vector.get("parts_hex")
        key = bytes.fromhex(vector.get("key_hex", "")) * vector.get("repeat", 1)
        # No policy leads to the others: another purpose, no salt, no key, one header (which is not joined).
        joined = parts is None or (len(parts) > 1 and all(parts))
        if vector["purpose"] != "route" or not vector["salt"] or not (parts or key) or not joined:
            continue
        bucket = vector["bucket"]
        ranges = {"in": [[bucket, bucket + 1]], "out": [[0, bucket], [bucket + 1, 10_000]]}
        names = [f"h{index}" for index in range(len(parts or []))]
        request: dict[str, Any] = {"user_key": key}
        if parts:
            request = {"headers": [(name, bytes.fromhex(part)) for name, part in zip(names, parts)]}
        for side, share in ranges.items():
            engine.apply_route_policy(
                "buckets",
                {
                    "version": "1",
                    "stable": "stable",
                    "grays": [{"version": "gray", "seq": 1, "ranges": [r for r in share if r[0] < r[1]]}],
                    "hash": {"version": 1, "salt": vector["salt"], **({"by": names} if parts else {})},
                },
            )
            version = service.call(b"", **request).version
            assert version == ("gray" if side == "in" else "stable"), vector
        run += 1
    assert run >= 50


def test_the_process_says_what_is_mapped(fee_engine: Engine) -> None:
    before = sogov.process_status()
    assert before.versions_mapped >= 2
    assert before.bytes_mapped >= before.versions_mapped * 4096
    assert before.taint_reason is None
    fee_engine.unload("fee", "v2")
    assert sogov.process_status().versions_mapped == before.versions_mapped - 1


def test_an_isolated_version_beside_a_plain_one(engine: Engine, trust: Trust) -> None:
    path = trust.signed(zoo("formats"), "formats", "v1")
    assert not engine.load_versioned("formats", "v1", path).isolated
    engine.promote("formats", "v1")
    path = trust.signed(zoo("formats"), "formats", "v2")
    assert engine.load_versioned("formats", "v2", path, isolated=True).isolated
    assert [info.isolated for info in engine.versions("formats")] == [False, True]
    service = engine.service("formats")
    for label in ("v2", "v1", "v2"):
        engine.promote("formats", label)
        assert service.call(b"Ab1 2.25").data == b"2 letters, 2.25"
    path = trust.signed(zoo("plain_level1"), "formats", "v3")
    assert engine.update("formats", "v3", path, isolated=True).isolated
    assert service.call(b"echo").data == b"echo"


def test_what_cannot_be_isolated_says_why(engine: Engine, trust: Trust) -> None:
    path = trust.signed(zoo("cxx_statics_v1"), "refused", "v1")
    with pytest.raises(sogov.UnsupportedError, match="C\\+\\+ runtime"):
        engine.load_versioned("refused", "v1", path, isolated=True)
    path = trust.signed(zoo("prints"), "refused", "v2")
    with pytest.raises(sogov.UnsupportedError, match="functions of the C library"):
        engine.load_versioned("refused", "v2", path, isolated=True)
    assert engine.versions("refused") == []
