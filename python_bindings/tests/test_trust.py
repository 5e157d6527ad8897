"""What may be loaded: every refusal of trust and loading, reached for real."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support import Trust, fee, zoo

import sogov
from sogov import Engine, PrivateKey

NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)


def tampered(trust: Trust) -> Path:
    path = trust.signed(fee("v1"), "fee", "v1")
    content = bytearray(path.read_bytes())
    place = content.index(b"fee")
    content[place] ^= 1
    path.write_bytes(content)
    return path


def ambiguous(trust: Trust) -> Path:
    path = trust.signed(fee("v1"), "fee", "v1")
    trust.key.sign_file(fee("v1"), Path(f"{path}.sogsig"), service="fee", version="v1", detached=True)
    return path


def below_floor(trust: Trust) -> Path:
    trust.write(services=[{"name": "fee", "epoch_floor": 5}])
    return trust.signed(fee("v1"), "fee", "v1", epoch=4)


def too_few(trust: Trust) -> Path:
    trust.write(services=[{"name": "fee", "threshold": 2}])
    return trust.signed(fee("v1"), "fee", "v1")


def expired_key(trust: Trust) -> Path:
    trust.write(keys=[trust.entry(not_after="2020-01-01T00:00:00Z")])
    return trust.signed(fee("v1"), "fee", "v1")


def key_of_other_services(trust: Trust) -> Path:
    trust.write(keys=[trust.entry(services=["pay-*"])])
    return trust.signed(fee("v1"), "fee", "v1")


REFUSALS: list[tuple[str, Callable[[Trust], Path], type[sogov.SogovError]]] = [
    ("unsigned", lambda trust: fee("v1"), sogov.UnsignedError),
    ("tampered", tampered, sogov.ModifiedError),
    ("two signatures to choose from", ambiguous, sogov.AmbiguousError),
    ("expired", lambda t: t.signed(fee("v1"), "fee", "v1", not_after=NOW - DAY), sogov.ExpiredError),
    ("key expired", expired_key, sogov.ExpiredError),
    (
        "not yet valid",
        lambda t: t.signed(fee("v1"), "fee", "v1", not_before=NOW + DAY),
        sogov.NotYetValidError,
    ),
    (
        "unknown key",
        lambda t: t.signed(fee("v1"), "fee", "v1", key=PrivateKey.generate()),
        sogov.UntrustedKeyError,
    ),
    ("key of other services", key_of_other_services, sogov.UntrustedKeyError),
    ("one signature of two", too_few, sogov.UntrustedKeyError),
    (
        "wrong user id",
        lambda t: t.signed(fee("v1"), "fee", "v1", user_id=b""),
        sogov.ModifiedError,
    ),
    ("wrong service", lambda t: t.signed(fee("v1"), "rate", "v1"), sogov.WrongServiceError),
    ("wrong version", lambda t: t.signed(fee("v1"), "fee", "v2"), sogov.WrongServiceError),
    ("below the floor", below_floor, sogov.BelowFloorError),
]


@pytest.mark.parametrize(("case", "make", "refusal"), REFUSALS, ids=[case for case, _, _ in REFUSALS])
def test_what_must_not_run_is_refused(
    case: str, make: Callable[[Trust], Path], refusal: type[sogov.TrustError], trust: Trust
) -> None:
    path = make(trust)
    with Engine(**trust.options) as engine:
        for attempt in (engine.load_versioned, engine.verify_file):
            with pytest.raises(refusal) as refused:
                attempt("fee", "v1", path)
            assert isinstance(refused.value, sogov.TrustError)
            assert refused.value.message.startswith(str(path))
        assert engine.versions() == []


@pytest.mark.parametrize(
    ("plugin", "refusal"),
    [
        ("missing_symbol", sogov.LoadFailedError),
        ("start_fails", sogov.PluginError),
        ("health_fails", sogov.PluginError),
    ],
)
@pytest.mark.parametrize("preflight", sogov.Preflight)
def test_what_cannot_run_is_refused(
    plugin: str, refusal: type[sogov.SogovError], preflight: sogov.Preflight, trust: Trust
) -> None:
    path = trust.signed(zoo(plugin), "zoo", "v1")
    with Engine(**trust.options, preflight=preflight) as engine:
        expected = sogov.PreflightFailedError if preflight is sogov.Preflight.REQUIRED else refusal
        with pytest.raises(expected) as refused:
            engine.load_versioned("zoo", "v1", path)
        assert refused.value.message.startswith(str(path))
        assert engine.versions("zoo") == []


def test_what_would_end_the_interpreter_is_refused(trust: Trust) -> None:
    for plugin, end, limits in [
        ("constructor_exits", "exited with status 0", {}),
        ("constructor_hangs", "did not end within 1000 ms", {"preflight_ms": 1000}),
        ("accident_eats", "expected at most 128 MiB of memory", {"preflight_memory_mib": 128}),
        ("accident_spins", "used 1 s of processor time", {"preflight_cpu_ms": 1000}),
    ]:
        # Where no other limit is meant, a busy machine has a minute.
        with (
            Engine(**trust.options, **{"preflight_ms": 60_000} | limits) as engine,
            pytest.raises(sogov.PreflightFailedError, match=end),
        ):
            engine.load_versioned("zoo", plugin, trust.signed(zoo(plugin), "zoo", plugin))
    with pytest.raises(sogov.ArgumentError, match="preflight: expected 0 or 1, found 2"):
        Engine(**trust.options, preflight=2)  # type: ignore[arg-type]


def test_a_file_that_is_no_image_cannot_be_signed(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"not ELF at all")
    with pytest.raises(sogov.ImageRejectedError) as refused:
        PrivateKey.generate().sign_file(tmp_path / "x.so", service="fee", version="v1")
    assert isinstance(refused.value, sogov.LoadError)
    assert (tmp_path / "x.so").read_bytes() == b"not ELF at all"


@pytest.mark.parametrize(("service", "version"), [("fee", ""), ("", "v1")])
def test_a_file_is_signed_for_one_service_and_label(service: str, version: str, trust: Trust) -> None:
    with pytest.raises(sogov.SogovError) as refused:
        trust.signed(fee("v1"), service, version)
    assert "version" in refused.value.message or "service" in refused.value.message


def test_a_version_that_has_to_stay_mapped_says_so(engine: Engine, trust: Trust) -> None:
    engine.load_versioned("zoo", "v1", trust.signed(zoo("nodelete"), "zoo", "v1"))
    with pytest.raises(sogov.PinnedError):
        engine.unload("zoo", "v1")
    [info] = engine.versions("zoo")
    assert info.standing is sogov.Standing.PINNED
    assert ":" in info.pin_reason


def test_two_signers_make_a_threshold_of_two(trust: Trust) -> None:
    second = PrivateKey.generate()
    trust.add_key(second.public_key())
    trust.write(keys=[trust.entry(), trust.entry(second)], services=[{"name": "fee", "threshold": 2}])
    path = trust.signed(fee("v1"), "fee", "v1")
    with Engine(**trust.options) as engine:
        with pytest.raises(sogov.UntrustedKeyError):
            engine.verify_file("fee", "v1", path)
        second.add_signature(path)
        assert len(engine.verify_file("fee", "v1", path)) == 32
    with pytest.raises(sogov.SogovError):
        second.add_signature(path)
    with pytest.raises(sogov.UnsignedError):
        second.add_signature(fee("v1"))


def test_the_digest_is_the_same_to_signer_verifier_and_listing(trust: Trust, engine: Engine) -> None:
    target = trust.path.parent / "fee.so"
    digest = trust.key.sign_file(
        fee("v1"),
        target,
        service="fee",
        version="v1",
        epoch=2**64 - 1,
        name="pkg:generic/fee@1.0.0",
        semver="1.0.0",
        issuer="tests",
        not_before=1,
        not_after=NOW + DAY,
    )
    assert engine.verify_file("fee", "", target) == digest
    info = engine.load_versioned("fee", "", target)
    assert (info.version, info.digest, info.epoch) == ("v1", digest, 2**64 - 1)
    with pytest.raises(sogov.BusyError):
        trust.key.sign_file(target, service="fee", version="v1")


def test_a_detached_signature_is_found_beside_the_plugin_or_where_it_is_named(
    trust: Trust, engine: Engine, tmp_path: Path
) -> None:
    plugin = tmp_path / "fee.so"
    plugin.write_bytes(fee("v1").read_bytes())
    trust.key.sign_file(plugin, service="fee", version="v1", detached=True)
    assert plugin.read_bytes() == fee("v1").read_bytes()
    engine.load_versioned("fee", "v1", plugin)
    elsewhere = tmp_path / "elsewhere.sogsig"
    (tmp_path / "fee.so.sogsig").rename(elsewhere)
    engine.unload("fee", "v1")
    with pytest.raises(sogov.UnsignedError):
        engine.load_versioned("fee", "v1", plugin)
    engine.load_versioned("fee", "v1", plugin, signature_path=elsewhere)
    with pytest.raises(sogov.NotFoundError):
        engine.load_versioned("fee", "v2", plugin, signature_path=tmp_path / "none.sogsig")
    with pytest.raises(sogov.ArgumentError, match="signature_path"):
        engine.load_versioned("fee", "v2", plugin, signature_path="")


def test_a_bill_of_materials_is_bound_and_its_components_are_judged(trust: Trust, tmp_path: Path) -> None:
    sbom = tmp_path / "fee.cdx.json"
    component = {"type": "library", "name": "foo", "version": "1.1.0", "purl": "pkg:cargo/foo@1.1.0"}
    sbom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [component]}))
    plugins = {version: tmp_path / f"{version}.so" for version in ("v1", "v2")}
    for version, plugin in plugins.items():
        trust.key.sign_file(fee(version), plugin, service="fee", version=version, sbom=sbom)
    with Engine(**trust.options) as engine:
        with pytest.raises(sogov.SbomInvalidError, match="found none"):
            engine.load_versioned("fee", "v1", plugins["v1"])
        engine.load_versioned("fee", "v1", plugins["v1"], sbom_path=sbom)
        engine.promote("fee", "v1")
        denied = {"purl": "pkg:cargo/foo", "versions": "<1.2", "reason": "unsound"}
        trust.write(services=[{"name": "fee", "sbom": {"deny": [denied]}}])
        with pytest.raises(sogov.ComponentDeniedError, match=r"pkg:cargo/foo <1\.2: unsound"):
            engine.update("fee", "v2", plugins["v2"], sbom_path=sbom)
        trust.write()
        engine.update("fee", "v2", plugins["v2"], sbom_path=sbom)
    sbom.write_text("{}")
    with pytest.raises(sogov.SbomInvalidError, match="bomFormat"):
        trust.key.sign_file(fee("v1"), tmp_path / "v3.so", service="fee", version="v3", sbom=sbom)


def break_signature(trust: Trust) -> None:
    (trust.path / "trust.json").write_bytes((trust.path / "trust.json").read_bytes() + b" ")


def drop_signature(trust: Trust) -> None:
    (trust.path / "trust.json.sogsig").unlink()


def writable(trust: Trust) -> None:
    (trust.path / "keys").chmod(0o777)


def malformed(trust: Trust) -> None:
    trust.write_raw(b'{"schema":1,"keys":[],"keys":[]}')


@pytest.mark.parametrize("spoil", [break_signature, drop_signature, writable, malformed])
def test_an_unsound_trust_directory_opens_no_engine(spoil: Callable[[Trust], None], trust: Trust) -> None:
    spoil(trust)
    with pytest.raises(sogov.TrustInvalidError):
        Engine(**trust.options)


def test_an_expired_trust_document_opens_no_engine(trust: Trust) -> None:
    trust.write(not_after="2020-01-01T00:00:00Z")
    with pytest.raises(sogov.ExpiredError):
        Engine(**trust.options)


def test_an_older_trust_document_that_is_put_back_is_refused(engine: Engine, trust: Trust) -> None:
    path = trust.signed(fee("v1"), "fee", "v1")
    trust.write(epoch=2)
    engine.verify_file("fee", "v1", path)
    trust.write(epoch=1)
    with pytest.raises(sogov.BelowFloorError, match="epoch"):
        engine.verify_file("fee", "v1", path)


def test_without_root_keys_it_is_the_development_mode(trust: Trust) -> None:
    (trust.path / "trust.json.sogsig").unlink()
    lines: list[tuple[sogov.LogLevel, str]] = []
    with Engine(trust.path, log=lambda level, line: lines.append((level, line))) as engine:
        info = engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))
        assert info.development
    assert any(level is sogov.LogLevel.WARNING and "development mode" in line for level, line in lines)


def test_with_root_keys_it_is_not(engine: Engine, trust: Trust) -> None:
    assert not engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1")).development


def test_an_engine_without_a_trust_directory_loads_nothing(trust: Trust) -> None:
    with Engine() as engine, pytest.raises(sogov.TrustInvalidError):
        engine.load_versioned("fee", "v1", trust.signed(fee("v1"), "fee", "v1"))


def test_missing_directories_and_files(trust: Trust, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(sogov.NotFoundError):
        Engine(tmp_path / "nowhere")
    with pytest.raises(sogov.NotFoundError):
        engine.load_versioned("fee", "v1", tmp_path / "none.so")
    with pytest.raises(sogov.ArgumentError, match="regular file"):
        engine.load_versioned("fee", "v1", tmp_path)
    # The kernel says no to everybody, root included.
    with pytest.raises(sogov.SystemFailure) as failed:
        engine.load_versioned("fee", "v1", tmp_path / ("x" * 300))
    assert isinstance(failed.value, OSError)


@pytest.mark.parametrize(
    "options",
    [{"root_key_ids": ["sm3:00"]}, {"trust_directory": ""}, {"state_directory": ""}, {"parked_versions": -1}],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(sogov.ArgumentError):
        Engine(**options)


def test_one_root_key_id_is_not_a_sequence_of_them(trust: Trust) -> None:
    with pytest.raises(TypeError, match="root_key_ids"):
        Engine(trust.path, root_key_ids=trust.root.key_id)
