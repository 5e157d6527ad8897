"""Many signatures in one call, digests, prepared keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import ROOT

import sogov
from sogov import BatchInvalidError, PrivateKey, PublicKey, Signing, Status, Verification

VECTORS = ROOT / "tests/vectors"


@pytest.mark.parametrize("encoding", ["raw", "der"])
def test_what_is_signed_in_one_call_is_verified_in_one_call(encoding: str) -> None:
    keys = [PrivateKey.generate() for _ in range(3)]
    orders = [Signing(keys[i % 3], b"message %d" % i, [None, b"", b"alice"][i % 3]) for i in range(30)]
    signatures = sogov.sign_batch(orders, encoding=encoding)
    items = [
        Verification(order.key.public_key(), order.message, signature, order.user_id)
        for order, signature in zip(orders, signatures)
    ]
    sogov.verify_batch(items, encoding=encoding)
    for key, message, signature, user_id in items:
        key.verify(message, signature, user_id=user_id, encoding=encoding)


def test_each_item_has_its_own_result() -> None:
    key, stranger = PrivateKey.generate(), PrivateKey.generate()
    (signature,) = sogov.sign_batch([(key, b"m")])
    closed = stranger.public_key()
    handle = closed._handle
    closed.close()
    items = [
        (key, b"m", signature),
        (stranger, b"m", signature),
        (key, bytearray(b"m"), memoryview(signature), None),
        (key, b"n", signature),
        (key, b"m", signature[:-1]),
        (key, b"m", signature, b""),
        (key, b"m", signature, bytes(8192)),
    ]
    with pytest.raises(
        BatchInvalidError, match=r"5 of 7 items are not valid, the first is items\[1\]"
    ) as refused:
        sogov.verify_batch(items)
    invalid = Status.SIGNATURE_INVALID
    expected = [Status.OK, invalid, Status.OK, invalid, invalid, invalid, Status.INVALID_ARGUMENT]
    assert refused.value.results == expected
    assert isinstance(refused.value, sogov.SignatureInvalidError)
    assert refused.value.status == invalid
    assert handle is not None
    with pytest.raises(sogov.ClosedError):
        sogov.verify_batch([(closed, b"m", signature)])


def test_the_vectors_in_one_batch() -> None:
    for encoding in ("raw", "der"):
        items, expected = [], []
        for group in json.loads((VECTORS / "sm2_sign.json").read_text())["testGroups"]:
            key, user_id = PublicKey.load(bytes.fromhex(group["key"]["spki"])), group["user_id_hex"]
            for test in (test for test in group["tests"] if test["encoding"] == encoding):
                item: Any = [bytes.fromhex(text) for text in (test["msg"], test["sig"], user_id)]
                items.append((key, *item))
                expected.append(Status.OK if test["result"] == "valid" else Status.SIGNATURE_INVALID)
        with pytest.raises(BatchInvalidError) as refused:
            sogov.verify_batch(items, encoding=encoding)
        assert refused.value.results == expected


def test_keys_that_nobody_else_holds_live_until_the_call_returns() -> None:
    keys = [PrivateKey.generate() for _ in range(3)]
    secrets, publics = [key.to_der() for key in keys], [key.public_key().to_der() for key in keys]
    signatures = sogov.sign_batch((PrivateKey.load(secret), b"m") for secret in secrets)
    sogov.verify_batch((PublicKey.load(der), b"m", sig) for der, sig in zip(publics, signatures))


def test_nothing_is_valid() -> None:
    sogov.verify_batch([])
    assert sogov.sign_batch([]) == []


def test_signing_is_all_or_none() -> None:
    key = PrivateKey.generate()
    with pytest.raises(sogov.ArgumentError, match=r"items\[1\]: message: begins with a tag"):
        sogov.sign_batch([(key, b"m"), (key, b"sogov.sig.v1\0")])
    with pytest.raises(sogov.ArgumentError, match=r"items\[0\]: user id"):
        sogov.sign_batch([(key, b"m", bytes(8192))])
    with pytest.raises(sogov.ArgumentError, match="encoding"):
        sogov.sign_batch([(key, b"m")], encoding="asn1")
    with pytest.raises(TypeError, match="message"):
        sogov.sign_batch([(key, "text")])  # type: ignore[list-item]


def test_the_user_id_of_all_is_that_of_items_without_one() -> None:
    key = PrivateKey.generate()
    default, own = sogov.sign_batch([(key, b"m"), (key, b"m", b"bob")], user_id=b"alice")
    key.verify(b"m", default, user_id=b"alice")
    key.verify(b"m", own, user_id=b"bob")
    sogov.verify_batch([(key, b"m", default), (key, b"m", own, b"bob")], user_id=b"alice")


def test_digests() -> None:
    # GB/T 32905-2016, A.1.
    abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sogov.digest(b"abc") == bytes.fromhex(abc)
    assert sogov.digest(memoryview(b"abc")) == bytes.fromhex(abc)
    data = bytes(200_000)
    assert (
        len({sogov.digest(data), sogov.digest(data, tree=True), sogov.digest(data + b"\0", tree=True)}) == 3
    )


def test_a_prepared_key_answers_as_any_other() -> None:
    key = PrivateKey.generate()
    signature = key.sign(b"m")
    try:
        for limit in (0, 1 << 20):
            sogov.prepared_keys_limit(limit)
            key.prepare()
            key.public_key().prepare()
            key.verify(b"m", signature)
            with pytest.raises(sogov.SignatureInvalidError):
                key.verify(b"n", signature)
    finally:
        sogov.prepared_keys_limit(64 << 20)
    with pytest.raises(sogov.ArgumentError, match="size"):
        sogov.prepared_keys_limit(-1)
    key.close()
    with pytest.raises(sogov.ClosedError):
        key.prepare()
