"""Update packages: made, installed, checked, refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import Trust, fee

import sogov
from sogov import Engine, PackageStanding, PrivateKey, Recipient, RecipientKey


def sm2() -> tuple[bytes, bytes]:
    key = PrivateKey.generate()
    return key.to_pem(), key.public_key().to_pem()


def rsa(directory: Path) -> tuple[bytes, bytes]:
    command = "openssl req -x509 -newkey rsa:3072 -nodes -keyout key.pem -out cert.pem -subj /CN=host-1"
    subprocess.run(command.split(), cwd=directory, check=True, capture_output=True)
    return (directory / "key.pem").read_bytes(), (directory / "cert.pem").read_bytes()


@pytest.mark.parametrize("kind", ["sm2", "rsa"])
def test_a_package_goes_from_its_packer_to_its_host(tmp_path: Path, trust: Trust, kind: str) -> None:
    private, public = sm2() if kind == "sm2" else rsa(tmp_path)
    other = Recipient.load(sm2()[1] if kind == "sm2" else public)
    plugin, package = trust.signed(fee("v1"), "fee", "v1"), tmp_path / "fee.sogpkg"
    note = tmp_path / "fee.sbom.json"
    note.write_text("{}")
    to = [Recipient.load(public)] if kind == "rsa" else [Recipient.load(public), other]
    package_id = sogov.pack(
        package,
        [plugin],
        files=[note],
        audiences=["host-1", "host-2"],
        keys=[trust.key],
        recipients=to,
        epoch=3,
    )
    assert len(bytes.fromhex(package_id)) == 16
    receipt_key = PrivateKey.generate("hmac-sha256")
    key = RecipientKey.load(private)
    with Engine(**trust.options, state_directory=tmp_path / "state", receipt_key=receipt_key) as engine:
        with pytest.raises(sogov.WrongAudienceError):
            engine.install(package, key, "host-3")
        directory = Path(engine.install(package, key, "host-1", actor="tests"))
        assert directory.name == f"fee-3-{package_id}"
        assert (directory / plugin.name).read_bytes() == plugin.read_bytes()
        assert (directory / note.name).read_text() == "{}"
        assert engine.check_package(directory / plugin.name) == PackageStanding.UNTOUCHED
        with pytest.raises(sogov.ReplayedError):
            engine.install(package, key, "host-1")
        assert engine.load_versioned("fee", "v1", directory / plugin.name).version == "v1"
        with pytest.raises(sogov.NotFoundError):
            engine.check_package(plugin)
        (directory / note.name).write_text("[]")
        assert engine.check_package(directory / note.name) == PackageStanding.REPLACED
    key.close()
    with pytest.raises(sogov.ClosedError), Engine(**trust.options) as engine:
        engine.install(package, key, "host-1")


def test_what_is_refused(tmp_path: Path, trust: Trust) -> None:
    private, public = sm2()
    recipient, key = Recipient.load(public), RecipientKey.load(private)
    plugin, package = trust.signed(fee("v1"), "fee", "v1"), tmp_path / "fee.sogpkg"
    with pytest.raises(sogov.ArgumentError, match="recipients"):
        sogov.pack(package, [plugin], audiences=["a"], keys=[trust.key], recipients=[])
    with pytest.raises(sogov.UnsignedError):
        sogov.pack(package, [fee("v1")], audiences=["a"], keys=[trust.key], recipients=[recipient])
    secret = PrivateKey.generate("hmac-sha256")
    with pytest.raises(sogov.ArgumentError, match="hmac-sha256"):
        sogov.pack(package, [plugin], audiences=["a"], keys=[secret], recipients=[recipient])
    sogov.pack(package, [plugin], audiences=["a"], keys=[trust.key], recipients=[recipient])
    with (
        Engine(**trust.options, state_directory=tmp_path / "state") as engine,
        pytest.raises(sogov.ArgumentError, match="receipt key"),
    ):
        engine.install(package, key, "a")
    with pytest.raises(sogov.ArgumentError, match="hmac-sha256"):
        Engine(**trust.options, receipt_key=trust.key)
    with Engine(
        **trust.options,
        state_directory=tmp_path / "state",
        receipt_key=PrivateKey.generate("hmac-sha256"),
    ) as engine:
        content = bytearray(package.read_bytes())
        content[-1] ^= 1
        package.write_bytes(content)
        with pytest.raises(sogov.PackageInvalidError):
            engine.install(package, key, "a")
        with pytest.raises(sogov.ArgumentError, match="audience"):
            engine.install(package, key, "")
    with pytest.raises(sogov.KeyInvalidError):
        Recipient.load(private)
    with pytest.raises(sogov.KeyInvalidError):
        RecipientKey.load(public)
