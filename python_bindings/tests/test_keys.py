"""Keys and signatures of messages."""

from __future__ import annotations

import gc
import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

import sogov
from sogov import KeyId, PrivateKey, PublicKey

VECTORS = ROOT / "tests/vectors"
KEYS = VECTORS / "keys"


def sm2_cases(name: str) -> list[Any]:
    groups = json.loads((VECTORS / name).read_text())["testGroups"]
    return [(group, test) for group in groups if "user_id_hex" in group for test in group["tests"]]


@pytest.mark.parametrize(
    ("group", "test"),
    sm2_cases("sm2_sign.json") + sm2_cases("sm2_wycheproof.json"),
    ids=lambda value: str(value.get("tcId", "")),
)
def test_sm2_vectors(group: dict[str, Any], test: dict[str, Any]) -> None:
    key = PublicKey.load(bytes.fromhex(group["key"]["spki"]))
    message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
    options = {"user_id": bytes.fromhex(group["user_id_hex"]), "encoding": test["encoding"]}
    if test["result"] == "valid":
        key.verify(message, signature, **options)
    else:
        with pytest.raises(sogov.SignatureInvalidError):
            key.verify(message, signature, **options)


def test_the_vectors_are_all_there() -> None:
    count = json.loads((VECTORS / "sm2_sign.json").read_text())["numberOfTests"]
    assert len(sm2_cases("sm2_sign.json")) == count
    assert len(sm2_cases("sm2_wycheproof.json")) > count


@pytest.mark.parametrize("encoding", ["raw", "der"])
@pytest.mark.parametrize("user_id", [None, b"", b"alice", bytes(8191)])
def test_a_signature_is_valid_for_its_message_key_and_user_id_alone(
    user_id: bytes | None, encoding: str
) -> None:
    key = PrivateKey.generate()
    signature = sogov.sign(key, b"message", user_id=user_id, encoding=encoding)
    assert encoding == "der" or len(signature) == 64
    sogov.verify(key.public_key(), b"message", signature, user_id=user_id, encoding=encoding)
    key.verify(b"message", signature, user_id=user_id, encoding=encoding)
    for other in (
        lambda: key.verify(b"massage", signature, user_id=user_id, encoding=encoding),
        lambda: key.verify(b"message", signature, user_id=b"bob", encoding=encoding),
        lambda: key.verify(b"message", signature[:-1], user_id=user_id, encoding=encoding),
        lambda: PrivateKey.generate().verify(b"message", signature, user_id=user_id, encoding=encoding),
    ):
        with pytest.raises(sogov.SignatureInvalidError):
            other()


def test_no_user_id_is_the_default_and_not_the_empty_one() -> None:
    key = PrivateKey.generate()
    signature = key.sign(b"m")
    key.verify(b"m", signature, user_id=b"1234567812345678")
    with pytest.raises(sogov.SignatureInvalidError):
        key.verify(b"m", signature, user_id=b"")


def test_openssl_verifies_what_is_signed_here_and_the_other_way_round(tmp_path: Path) -> None:
    key = PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(key.to_pem())
    (tmp_path / "pub.pem").write_bytes(key.public_key().to_pem())
    (tmp_path / "message").write_bytes(b"message")
    (tmp_path / "ours").write_bytes(key.sign(b"message", encoding="der"))
    common = ["-rawin", "-digest", "sm3", "-in", "message", "-pkeyopt", "distid:1234567812345678"]
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-sigfile", "ours", *common]
    subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)
    sign = ["openssl", "pkeyutl", "-sign", "-inkey", "key.pem", "-out", "theirs", *common]
    subprocess.run(sign, cwd=tmp_path, check=True, capture_output=True)
    key.verify(b"message", (tmp_path / "theirs").read_bytes(), encoding="der")


@pytest.mark.parametrize(
    "name", ["pkcs8.pem", "pkcs8.der", "sec1.der", "sec1_sm2_label.pem", "sec1_ec_label.pem"]
)
def test_private_keys_of_every_format_are_one_key(name: str) -> None:
    public = PublicKey.load((KEYS / "spki.pem").read_bytes())
    assert PrivateKey.load((KEYS / name).read_bytes()).key_id == public.key_id


@pytest.mark.parametrize("password", ["secret", b"secret", bytearray(b"secret")])
def test_an_encrypted_key_opens_with_its_password(password: Any) -> None:
    encrypted = (KEYS / "encrypted_aes-256-cbc.pem").read_bytes()
    assert (
        PrivateKey.load(encrypted, password).key_id == PublicKey.load((KEYS / "spki.der").read_bytes()).key_id
    )
    for wrong in (None, b"", "Secret"):
        with pytest.raises(sogov.KeyInvalidError):
            PrivateKey.load(encrypted, wrong)


@pytest.mark.parametrize(
    "name",
    ["ed25519.pem", "explicit.pem", "encrypted_scrypt.pem", "legacy_encrypted.pem", "spki.pem"],
)
def test_other_keys_are_refused(name: str) -> None:
    with pytest.raises(sogov.KeyInvalidError) as refused:
        PrivateKey.load((KEYS / name).read_bytes(), "secret")
    assert isinstance(refused.value, sogov.KeyOrSignatureError)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("junk", [b"", b"\0", b"-----BEGIN PRIVATE KEY-----", bytes(70_000)])
def test_junk_is_no_key(junk: bytes) -> None:
    for load in (PrivateKey.load, PublicKey.load):
        with pytest.raises(sogov.SogovError) as refused:
            load(junk)
        assert refused.value.status in (
            sogov.Status.KEY_INVALID,
            sogov.Status.LIMIT_EXCEEDED,
            sogov.Status.INVALID_ARGUMENT,
        )


def test_keys_survive_being_written_and_read() -> None:
    key = PrivateKey.generate()
    for written, password in (
        (key.to_pem(), None),
        (key.to_der(), None),
        (key.to_pem("pässword"), "pässword"),
        (key.to_pem(b"\xff\0"), b"\xff\0"),
    ):
        again = PrivateKey.load(written, password)
        assert again.key_id == key.key_id
        key.verify(b"m", again.sign(b"m"))
    assert b"ENCRYPTED" in key.to_pem("x")
    public = key.public_key()
    assert PublicKey.load(public.to_der()).key_id == PublicKey.load(public.to_pem()).key_id == key.key_id
    with pytest.raises(sogov.ArgumentError, match="password"):
        key.to_pem("")


def test_key_ids_have_one_form() -> None:
    key_id = PrivateKey.generate().key_id
    assert isinstance(key_id, str)
    assert key_id.startswith("sm3:")
    assert KeyId(key_id) == key_id
    assert KeyId("sm3:" + key_id[4:].upper()) == key_id
    assert key_id.digest.hex() == key_id[4:]
    for wrong in ("", "sm3:", key_id[:-1], key_id + "0", "md5:" + key_id[4:], "sm3:" + "g" * 64, "\ud800"):
        with pytest.raises(sogov.ArgumentError):
            KeyId(wrong)


def test_unknown_schemes_and_encodings_are_refused() -> None:
    with pytest.raises(sogov.UnsupportedError) as refused:
        PrivateKey.generate("rsa")
    assert isinstance(refused.value, OSError)
    key = PrivateKey.generate()
    with pytest.raises(sogov.ArgumentError, match="encoding"):
        key.sign(b"", encoding="asn1")
    with pytest.raises(sogov.ArgumentError):
        key.sign(b"", user_id=bytes(8192))


@pytest.mark.parametrize(
    "tag", [b"sogov.sig.v1\0", b"sogov.trust.v1\0", b"sogov.pkg.v1\0", b"sogov.advisories.v1\0"]
)
def test_what_vouches_for_plugins_is_not_signed_as_a_message(tag: bytes) -> None:
    key = PrivateKey.generate()
    with pytest.raises(sogov.ArgumentError, match="kept for plugins, trust documents"):
        key.sign(tag + b"...")
    key.sign(tag[:-1])


def test_messages_are_bytes_of_any_kind() -> None:
    key = PrivateKey.generate()
    for message in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4], memoryview(b"a_b_c")[::2]):
        key.verify(b"abc", key.sign(message))
    for wrong in ("abc", 3, None, [1]):
        with pytest.raises(TypeError, match="message"):
            key.sign(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [PrivateKey, PublicKey])
def test_a_closed_key_refuses_every_use(kind: type[PrivateKey | PublicKey], tmp_path: Path) -> None:
    key: Any = PrivateKey.generate()
    if kind is PublicKey:
        key = key.public_key()
    with key as same:
        assert same is key
    uses = [lambda: key.key_id, lambda: key.verify(b"", bytes(64)), key.to_pem, key.to_der]
    if kind is PrivateKey:
        uses += [
            lambda: key.sign(b""),
            key.public_key,
            lambda: key.sign_file(tmp_path, service="x", version="v1"),
        ]
        uses += [lambda: key.add_signature(tmp_path)]
    for use in uses:
        with pytest.raises(sogov.ClosedError, match="closed"):
            use()
    key.close()
    assert repr(key) == f"<{kind.__name__} closed>"


def test_keys_are_made_by_load_and_generate_alone() -> None:
    for kind in (PrivateKey, PublicKey):
        with pytest.raises(TypeError):
            kind()


def test_forgotten_keys_are_freed_without_a_word() -> None:
    for _ in range(5000):
        PrivateKey.generate().public_key()
        gc.collect(0)


def test_key_bytes_are_never_shown() -> None:
    key = PrivateKey.generate()
    secret = key.to_der().hex()
    assert key.key_id in repr(key)
    assert not any(secret[i : i + 16] in repr(key) for i in range(60, len(secret) - 16))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"epoch": -1}, "epoch"),
        ({"epoch": 1 << 64}, "epoch"),
        ({"not_before": datetime(2026, 1, 1)}, "time zone"),
        ({"not_after": -5}, "not_after"),
        ({"target": ""}, "target"),
        ({"service": "a\ud800"}, "surrogate"),
        ({"service": "a\0b"}, "NUL"),
        ({"issuer": "x" * 70_000}, "issuer"),
        ({"user_id": bytes(8192)}, "8191"),
    ],
)
def test_facts_out_of_range_are_refused(facts: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(sogov.ArgumentError, match=message):
        PrivateKey.generate().sign_file(tmp_path / "x.so", **{"service": "fee", "version": "v1", **facts})


def test_keys_are_opened_by_uris_and_say_where_they_are(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    file = (KEYS / "encrypted_aes-256-cbc.pem").resolve()
    with PrivateKey.open(f"file:{file}?pin-source=file:{password}") as key:
        assert key.custody in (sogov.Custody.UNLOCKED, sogov.Custody.LOCKED, sogov.Custody.SECRET)
        assert key.key_id == PublicKey.load((KEYS / "spki.pem").read_bytes()).key_id
        assert key.public_key().custody is sogov.Custody.NONE
    for uri, error in {
        f"file:{file}": sogov.KeyInvalidError,
        "other:key": sogov.ArgumentError,
        "pkcs11:object=k?module-path=/no/such/module.so": sogov.NotFoundError,
        f"pkcs11:object=k?module-path={file}": sogov.CustodyFailedError,
        "sdf:library=/no/such/library.so;index=1": sogov.NotFoundError,
    }.items():
        with pytest.raises(error):
            PrivateKey.open(uri)
    sogov.key_memory_policy(sogov.KeyMemory.REQUIRE)
    sogov.key_memory_policy(sogov.KeyMemory.DEGRADE)
    with pytest.raises(sogov.ArgumentError):
        sogov.key_memory_policy(2)  # type: ignore[arg-type]
