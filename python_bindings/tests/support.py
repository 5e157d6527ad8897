"""What the tests share: plugins built once, and a trust directory with signed copies."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sogov import KeyId, PrivateKey, PublicKey

ROOT = Path(__file__).resolve().parents[2]
PRICE = b"amount=1234.56 currency=CNY"
PRICES = {
    "v1": b"fee=6.17 currency=CNY tariff=v1",
    "v2": b"fee=5.56 currency=CNY tariff=v2",
}


@cache
def _built() -> dict[str, Path]:
    """Where the built plugins are, by kind; conftest fills it in."""
    return {}


def build_plugins(directory: Path) -> None:
    """Builds what the environment does not name: SOGOV_TEST_PLUGINS (libfee_v1.so, ...), SOGOV_TEST_ZOO."""
    commands = {
        "fee": ("SOGOV_TEST_PLUGINS", ["make", "-s", "-C", f"{ROOT}/c_examples/plugins", "OUT={}"]),
        "zoo": ("SOGOV_TEST_ZOO", ["sh", f"{ROOT}/tests/zoo/build.sh", "{}"]),
    }
    for kind, (variable, command) in commands.items():
        given = os.environ.get(variable)
        place = Path(given) if given else directory / kind
        if not given:
            subprocess.run([part.format(place) for part in command], check=True)
        _built()[kind] = place


def fee(version: str) -> Path:
    """The unsigned plugin fee: v1, v2 or v3."""
    return _built()["fee"] / f"libfee_{version}.so"


def zoo(name: str) -> Path:
    """A plugin of tests/zoo."""
    return _built()["zoo"] / f"{name}.so"


class Trust:
    """A trust directory with one release key, trusted for every service, and one root key."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "trust"
        (self.path / "keys").mkdir(parents=True, mode=0o700)
        self.path.chmod(0o700)
        self.key = PrivateKey.generate()
        self.root = PrivateKey.generate()
        self.add_key(self.key.public_key())
        self.add_key(self.root.public_key())
        self.write()

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of an Engine that trusts this directory."""
        return {"trust_directory": self.path, "root_key_ids": [self.root.key_id]}

    def add_key(self, key: PublicKey) -> None:
        (self.path / "keys" / f"{key.key_id.digest.hex()}.pem").write_bytes(key.to_pem())

    def write(self, *, keys: list[dict[str, Any]] | None = None, services: Any = (), **members: Any) -> None:
        """Writes trust.json, by default with the release key alone, and signs it."""
        entries = [self.entry()] if keys is None else keys
        document = {"schema": 1, "epoch": 1, "keys": entries, "services": list(services), **members}
        self.write_raw(json.dumps(document).encode())

    def write_raw(self, document: bytes) -> None:
        (self.path / "trust.json").write_bytes(document)
        (self.path / "trust.json.sogsig").write_bytes(trust_signature(self.root, document))

    def entry(self, key: PrivateKey | None = None, **members: Any) -> dict[str, Any]:
        """An entry of `keys` for every service."""
        return {"id": (key or self.key).key_id, "scheme": "sm2-sm3", "services": ["*"], **members}

    def signed(self, plugin: Path, service: str, version: str, **facts: Any) -> Path:
        """A signed copy of `plugin`."""
        target = self.path.parent / f"{service}-{version}.so"
        key = facts.pop("key", self.key)
        key.sign_file(plugin, target, service=service, version=version, epoch=facts.pop("epoch", 1), **facts)
        return target


def trust_signature(root: PrivateKey, document: bytes) -> bytes:
    """trust.json.sogsig: the DER container of src/artifact/sigmeta.rs, its statement left empty.

    The package does not sign what vouches for trust documents: the program `sogov` does, and here OpenSSL.
    """
    identity: KeyId = root.key_id
    scheme = 1
    signed = b"sogov.trust.v1\0" + bytes([scheme]) + identity.digest
    signed += len(document).to_bytes(8, "little") + document
    entry = _der(
        0x30, _der(4, identity.digest) + _der(2, bytes([scheme])) + _der(4, openssl_sign(root, signed))
    )
    magic, version, statement = _der(12, b"sogov-sigmeta"), _der(2, b"\1"), _der(4, b"")
    return _der(0x30, magic + version + statement + _der(0x30, entry))


def openssl_sign(key: PrivateKey, message: bytes) -> bytes:
    """R||S by OpenSSL, under the default user id."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "key.pem").write_bytes(key.to_pem())
        (Path(place) / "message").write_bytes(message)
        command = ["openssl", "pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message"]
        command += ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
        der = subprocess.run(command, cwd=place, check=True, capture_output=True).stdout
    # SEQUENCE { INTEGER r, INTEGER s }, all lengths below 128.
    r_len = der[3]
    r, s = der[4 : 4 + r_len], der[6 + r_len :]
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in (r, s))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes([length]) if length < 128 else b"\x81" + bytes([length])
    return bytes([tag]) + head + content
