"""Schemes of the host's, and keys of other schemes than SM2."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import sogov
from sogov import PrivateKey, PublicKey, Verification


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    if message == b"raise":
        raise ValueError("no signature")
    return signature == key + message


def sign(key: bytes, message: bytes) -> bytes | None:
    return None if message == b"none" else key + message


@pytest.fixture
def _registered() -> Iterator[None]:
    sogov.register_scheme("x-python", 220, verify, sign)
    yield
    sogov.unregister_scheme("x-python")


@pytest.mark.usefixtures("_registered")
def test_a_scheme_signs_and_verifies() -> None:
    with PrivateKey.from_raw("x-python", b"key", b"key") as key, key.public_key() as public:
        signature = key.sign(b"message")
        assert signature == b"keymessage"
        public.verify(b"message", signature)
        with pytest.raises(sogov.SignatureInvalidError):
            public.verify(b"another", signature)
        with pytest.raises(sogov.CustodyFailedError):
            key.sign(b"none")
        with PublicKey.load(public.to_pem()) as read:
            assert read.key_id == key.key_id


@pytest.mark.usefixtures("_registered")
def test_what_a_scheme_raises_is_no_valid_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    with PublicKey.from_raw("x-python", b"key") as key, pytest.raises(sogov.SignatureInvalidError):
        key.verify(b"raise", b"keyraise")
    assert [str(one.exc_value) for one in raised] == ["no signature"]


@pytest.mark.usefixtures("_registered")
def test_batches_mix_schemes() -> None:
    keys = [
        PrivateKey.generate(),
        PrivateKey.generate("ecdsa-p256"),
        PrivateKey.generate("hmac-sha256"),
        PrivateKey.from_raw("x-python", b"key", b"key"),
    ]
    signatures = sogov.sign_batch([(key, b"message") for key in keys])
    sogov.verify_batch([Verification(key, b"message", made) for key, made in zip(keys, signatures)])
    with pytest.raises(sogov.BatchInvalidError) as refused:
        sogov.verify_batch([Verification(key, b"other", made) for key, made in zip(keys, signatures)])
    assert refused.value.results == [sogov.Status.SIGNATURE_INVALID] * 4


def test_a_scheme_is_replaced_while_threads_verify() -> None:
    accept = lambda *_: True  # noqa: E731
    sogov.register_scheme("x-python-replaced", 221, accept)
    failures: list[BaseException] = []
    stop = threading.Event()

    def run() -> None:
        with PublicKey.from_raw("x-python-replaced", b"key") as key:
            while not stop.is_set():
                try:
                    key.verify(b"message", b"signature")
                except sogov.SogovError as failure:
                    failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        sogov.register_scheme("x-python-replaced", 221, accept)
    stop.set()
    for thread in threads:
        thread.join()
    sogov.unregister_scheme("x-python-replaced")
    assert failures == []


def test_functions_are_let_go_of() -> None:
    class Scheme:
        def verify(self, *_: bytes) -> bool:
            return True

    scheme = Scheme()
    gone = weakref.ref(scheme)
    sogov.register_scheme("x-python-gone", 222, scheme.verify)
    del scheme
    gc.collect()
    assert gone() is not None
    sogov.unregister_scheme("x-python-gone")
    gc.collect()
    assert gone() is None
    with pytest.raises(sogov.NotFoundError):
        sogov.unregister_scheme("x-python-gone")
    with PublicKey.from_raw("x-python-gone", b"key") as key, pytest.raises(sogov.UnsupportedError):
        key.verify(b"message", b"signature")


def test_refusals() -> None:
    for name, number in [("sm2-sm3", 220), ("x-python", 1), ("x-python", 255), ("X-python", 220)]:
        with pytest.raises(sogov.ArgumentError):
            sogov.register_scheme(name, number, verify)
    with pytest.raises(sogov.KeyInvalidError):
        PrivateKey.from_raw("hmac-sha256", None, b"short")
    with PrivateKey.from_raw("hmac-sha256", None, bytes(32)) as key:
        assert len(key.sign(b"message")) == 32
        with pytest.raises(sogov.ArgumentError):
            key.public_key()
