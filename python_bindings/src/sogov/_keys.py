"""Keys, messages and the signing of plugin files."""

from __future__ import annotations

import ctypes
from typing import Any, TypeVar

from . import _abi, _convert
from ._convert import Data, PathLike, Time
from ._enums import Custody, KeyFormat, KeyMemory, SignatureEncoding, Status
from ._errors import ClosedError, ErrorPlace, bad_argument

_KEY_ID_LEN = 32
_ENCODINGS = {"raw": SignatureEncoding.RAW, "der": SignatureEncoding.DER}

_Self = TypeVar("_Self", bound="_Key")


class KeyId(str):
    """The identifier of a key: "sm3:" and the 64 lower-case hexadecimal digits of the SM3 digest of its
    public part (SubjectPublicKeyInfo in DER). Both halves of a pair have the same.

    `KeyId(text)` raises ArgumentError where `text` is not of this form.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> KeyId:
        given = _convert.text(text, "key id")
        digest = ctypes.create_string_buffer(_KEY_ID_LEN)
        error = ErrorPlace()
        error.check(_abi.sogov_key_id_parse(given, len(given), digest, error.ref))
        return super().__new__(cls, "sm3:" + digest.raw.hex())

    @property
    def digest(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self[len("sm3:") :])


class _Key:
    """What both kinds of keys can do.

    Immutable: any number of threads may use a key at once. `close` frees it, and so do `with` and the garbage
    collector; calls that are inside on other threads end as they would have, later ones raise ClosedError.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: int | None

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__}: use load or generate")

    @property
    def key_id(self) -> KeyId:
        """The identifier, equal for both halves of a pair."""
        digest = ctypes.create_string_buffer(_KEY_ID_LEN)
        error = ErrorPlace()
        error.check(_abi.sogov_key_id(self._live(), digest, error.ref))
        return KeyId("sm3:" + digest.raw.hex())

    def verify(
        self, message: Data, signature: Data, *, user_id: Data | None = None, encoding: str = "raw"
    ) -> None:
        """Returns when the signature is valid and raises SignatureInvalidError when it is not, or is
        malformed.

        `user_id` and `encoding` must be those of `PrivateKey.sign`. A private key verifies by its public
        part.
        """
        given, signed = _convert.data(message, "message"), _convert.data(signature, "signature")
        options = signature_options(user_id, encoding)
        error = ErrorPlace()
        error.check(
            _abi.sogov_verify(
                self._live(), given, len(given), signed, len(signed), ctypes.byref(options), error.ref
            )
        )

    @property
    def custody(self) -> Custody:
        """Where the secret part is kept."""
        found, error = ctypes.c_uint32(), ErrorPlace()
        error.check(_abi.sogov_key_custody(self._live(), ctypes.byref(found), error.ref))
        return Custody(found.value)

    def prepare(self) -> None:
        """Makes the tables that verifying by this key is fast with (256 KiB) now, rather than after
        some verifications. The process keeps those of the keys that were used lately (second chance); see
        `prepared_keys_limit`.
        """
        error = ErrorPlace()
        error.check(_abi.sogov_key_prepare(self._live(), error.ref))

    def close(self) -> None:
        """Frees the key; a private one is wiped. A second time does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _abi.sogov_key_free(handle)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, _free: Any = _abi.sogov_key_free) -> None:
        # Not through the module's name, which may be gone at the interpreter's end.
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            _free(handle)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._handle is None else self.key_id}>"

    def _live(self) -> int:
        handle = self._handle
        if handle is None:
            raise ClosedError(Status.CLOSED, f"{type(self).__name__}: was closed")
        return handle

    def _export(self, format_: KeyFormat, password: Data | None = None) -> bytes:
        secret, secret_len = _convert.optional_data(password, "password")
        if secret == b"":
            raise bad_argument("password: expected one that is not empty, or None")
        return _filled(
            lambda place, error: _abi.sogov_key_export(
                self._live(), format_, secret, secret_len, place, error
            )
        )

    @classmethod
    def _adopt(cls: type[_Self], handle: ctypes.c_void_p) -> _Self:
        key = cls.__new__(cls)
        key._handle = handle.value
        return key


class PublicKey(_Key):
    """The public half of a pair: verifies, and is named in trust directories. See `PrivateKey`."""

    __slots__ = ()

    @classmethod
    def load(cls, data: Data) -> PublicKey:
        """Reads SubjectPublicKeyInfo of SM2, P-256 or RSA (3072 to 8192 bits), PEM or DER, at most 64 KiB.
        KeyInvalidError for another format or curve, or a point off the curve.
        """
        given = _convert.data(data, "data")
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_key_load_public(given, len(given), ctypes.byref(handle), error.ref))
        return cls._adopt(handle)

    @classmethod
    def from_raw(cls, scheme: str, public: Data) -> PublicKey:
        """The public key of a scheme of the host's, whose name begins with "x-"; see `register_scheme`."""
        return cls._adopt(_raw(scheme, _convert.data(public, "public"), None))

    def to_pem(self) -> bytes:
        """SubjectPublicKeyInfo, PEM."""
        return self._export(KeyFormat.SPKI_PEM)

    def to_der(self) -> bytes:
        """SubjectPublicKeyInfo, DER (RFC 5280, section 4.1)."""
        return self._export(KeyFormat.SPKI_DER)


class PrivateKey(_Key):
    """A key that signs messages, plugin files and, as a root key, trust documents.

    Made by `generate` or `load`; closed by `with`, `close` or the garbage collector, which wipe it.
    """

    __slots__ = ()

    @classmethod
    def generate(cls, scheme: str = "sm2-sm3") -> PrivateKey:
        """A new key from the operating system's randomness: "sm2-sm3", "ecdsa-p256" or "hmac-sha256".
        UnsupportedError for another scheme.
        """
        given = _convert.text(scheme, "scheme")
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_key_generate(given, len(given), ctypes.byref(handle), error.ref))
        return cls._adopt(handle)

    @classmethod
    def load(cls, data: Data, password: str | Data | None = None) -> PrivateKey:
        """Reads PKCS#8 (plain, or encrypted by PBES2) or SEC1, PEM or DER, told apart by the content; at most
        64 KiB.

        KeyInvalidError for another format or curve, and for a wrong or missing password.
        """
        given, secret = _convert.data(data, "data"), _password(password)
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(
            _abi.sogov_key_load_private(
                given, len(given), secret, len(secret or b""), ctypes.byref(handle), error.ref
            )
        )
        return cls._adopt(handle)

    @classmethod
    def open(cls, uri: str) -> PrivateKey:
        """Opens the key that a URI names.

        "file:PATH?pin-source=file:PATH": a key file, read into memory that is wiped, which no `bytes` is;
        "pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH": a key in a PKCS#11 token (RFC 7512);
        "sdf:library=PATH;index=N;pin-source=file:PATH": a key in an SDF device (GM/T 0018).

        ArgumentError for another text, CustodyFailedError when the token or the device refused.
        """
        given = _convert.text(uri, "uri")
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_key_open(given, len(given), ctypes.byref(handle), error.ref))
        return cls._adopt(handle)

    @classmethod
    def from_raw(cls, scheme: str, public: Data | None, private: Data) -> PrivateKey:
        """A key of "hmac-sha256" (public is None, private 16 to 1,024 bytes), or the key pair of a scheme of
        the host's, whose name begins with "x-"; see `register_scheme`.

        KeyInvalidError for other lengths, UnsupportedError for another scheme.
        """
        given = None if public is None else _convert.data(public, "public")
        return cls._adopt(_raw(scheme, given, _convert.data(private, "private")))

    def public_key(self) -> PublicKey:
        """The public half, as a key of its own. ArgumentError for a key of hmac-sha256, which has none."""
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_key_public(self._live(), ctypes.byref(handle), error.ref))
        return PublicKey._adopt(handle)

    def sign(self, message: Data, user_id: Data | None = None, encoding: str = "raw") -> bytes:
        """Signs under the scheme of the key: sm2-sm3 (GB/T 32918.2-2016) or ecdsa-p256 (FIPS 186-5) with a
        fresh nonce each time, hmac-sha256, or a registered one.

        user_id: the signer's distinguishing identifier, at most 8,191 bytes. None is the default,
            b"1234567812345678" (GM/T 0009); b"" is the empty one, which OpenSSL uses where none is given.
        encoding: "raw", the scheme's own form: 64 bytes R||S of SM2 and P-256, 32 of HMAC; or "der",
            SEQUENCE { r, s }, of SM2 and P-256.

        ArgumentError for a message that begins with a tag of what vouches for plugins, trust directories,
        packages and audit trails (b"sogov.sig.v1\\0" and its like): sign the file instead.
        """
        given, options = _convert.data(message, "message"), signature_options(user_id, encoding)
        return _filled(
            lambda place, error: _abi.sogov_sign(
                self._live(), given, len(given), ctypes.byref(options), place, error
            )
        )

    def sign_file(
        self,
        source: PathLike,
        target: PathLike | None = None,
        *,
        service: str,
        version: str,
        epoch: int = 0,
        name: str = "",
        semver: str = "",
        issuer: str = "",
        not_before: Time | None = None,
        not_after: Time | None = None,
        user_id: Data | None = None,
        detached: bool = False,
        sbom: PathLike | None = None,
    ) -> bytes:
        """Signs a plugin file and returns the artifact's digest, 32 bytes. Strip first, sign last.

        source, target: the unsigned plugin, and where the signed copy goes; None signs in place. With
            `detached` the plugin stays as it is, and target is the signature file; None is `source` with
            ".sogsig" behind it, where loading looks for it. The result appears whole or not at all.
        service, version: what may run it, and the label under which.
        epoch: a number that grows with each release, from 0 to 2**64-1; a trust policy can demand a minimum.
        name, semver, issuer: a package URL, a semantic version, who issues it; may be empty.
        not_before, not_after: aware datetimes or seconds since 1970; None is no limit.
        sbom: the bill of materials to bind, a file in CycloneDX or SPDX JSON. Loading looks for it at the
            plugin's path with ".sbom.json" behind it; it is not moved there.

        SbomInvalidError when that is malformed;
        ImageRejectedError when `source` is no loadable plugin; BusyError when it is signed already
        (`add_signature`).
        """
        texts = {"service": service, "version": version, "name": name, "semver": semver, "issuer": issuer}
        facts = _abi.FileFacts(size=ctypes.sizeof(_abi.FileFacts), detached=int(detached))
        for field, value in texts.items():
            given = _convert.text(value, field)
            setattr(facts, field, given)
            setattr(facts, field + "_len", len(given))
        facts.epoch = _convert.number(epoch, 64, "epoch")
        facts.not_before = _convert.unix_seconds(not_before, "not_before")
        facts.not_after = _convert.unix_seconds(not_after, "not_after")
        facts.user_id, facts.user_id_len = _convert.optional_data(user_id, "user_id")
        bill = _convert.optional_path(sbom, "sbom")
        facts.sbom_path, facts.sbom_path_len = bill, len(bill)
        origin, goal = _convert.path(source), _convert.optional_path(target, "target")
        digest = ctypes.create_string_buffer(32)
        error = ErrorPlace()
        error.check(
            _abi.sogov_file_sign(
                self._live(), origin, len(origin), goal, len(goal), ctypes.byref(facts), digest, error.ref
            )
        )
        return digest.raw

    def add_signature(self, path: PathLike, *, user_id: Data | None = None) -> None:
        """Adds a signature over the statement that a signed plugin or a ".sogsig" file carries.

        UnsignedError when there is no statement; BusyError when this key has signed already;
        LimitExceededError when the room that the first signer reserved is used up.
        """
        given = _convert.path(path)
        identity, identity_len = _convert.optional_data(user_id, "user_id")
        error = ErrorPlace()
        error.check(
            _abi.sogov_file_add_signature(self._live(), given, len(given), identity, identity_len, error.ref)
        )

    def to_pem(self, password: str | Data | None = None) -> bytes:
        """PKCS#8, PEM; with a password, encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC)."""
        return self._export(KeyFormat.PKCS8_PEM, _password(password))

    def to_der(self) -> bytes:
        """PKCS#8, DER (RFC 5958), not encrypted."""
        return self._export(KeyFormat.PKCS8_DER)


def sign(key: PrivateKey, message: Data, *, user_id: Data | None = None, encoding: str = "raw") -> bytes:
    """The verb of sogov.h for messages: `key.sign(message, user_id, encoding)`."""
    return key.sign(message, user_id, encoding)


def verify(
    key: PublicKey | PrivateKey,
    message: Data,
    signature: Data,
    *,
    user_id: Data | None = None,
    encoding: str = "raw",
) -> None:
    """The verb of sogov.h for messages: `key.verify(...)`, which returns nothing or raises."""
    key.verify(message, signature, user_id=user_id, encoding=encoding)


def key_memory_policy(policy: KeyMemory) -> None:
    """What happens to private keys where memory cannot be locked, for those made and read from now on."""
    error = ErrorPlace()
    error.check(_abi.sogov_key_memory_policy(_convert.number(policy, 32, "policy"), error.ref))


def prepared_keys_limit(size: int) -> None:
    """Changes how many bytes the tables of prepared keys may take in this process: 64 MiB unless set, which
    is room for about 250 keys; with 0 no key is prepared. Verifying goes on in any case.
    """
    _abi.sogov_prepared_keys_limit(_convert.number(size, 64, "size"))


def _raw(scheme: str, public: bytes | None, private: bytes | None) -> ctypes.c_void_p:
    given = _convert.text(scheme, "scheme")
    handle, error = ctypes.c_void_p(), ErrorPlace()
    error.check(
        _abi.sogov_key_load_raw(
            given,
            len(given),
            public,
            len(public or b""),
            private,
            len(private or b""),
            ctypes.byref(handle),
            error.ref,
        )
    )
    return handle


def _password(value: str | Data | None) -> bytes | None:
    return None if value is None else _convert.text_or_data(value, "password")


def signature_options(user_id: Data | None, encoding: str) -> _abi.SignatureOptions:
    """sogov_signature_options; ArgumentError for an unknown encoding."""
    number = _ENCODINGS.get(encoding)
    if number is None:
        raise bad_argument(f"encoding: expected 'raw' or 'der', found {encoding!r}")
    identity, identity_len = _convert.optional_data(user_id, "user_id")
    return _abi.SignatureOptions(ctypes.sizeof(_abi.SignatureOptions), identity, identity_len, number)


def _filled(call: Any) -> bytes:
    """What `call(place, error)` puts into a fresh buffer, which is wiped and given back."""
    buffer, error = _abi.Bytes(), ErrorPlace()
    place = ctypes.byref(buffer)
    try:
        error.check(call(place, error.ref))
        return _convert.take_bytes(buffer)
    finally:
        if buffer.len:
            ctypes.memset(buffer.data, 0, buffer.len)
        _abi.sogov_bytes_free(place)
