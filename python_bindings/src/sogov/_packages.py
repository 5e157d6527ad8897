"""Update packages: making them, and the keys that they are encrypted by. `Engine.install` installs them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, TypeVar

from . import _abi, _convert
from ._convert import Data, PathLike, Time
from ._enums import Status
from ._errors import ClosedError, ErrorPlace
from ._keys import PrivateKey

_ID_LEN = 16

_Self = TypeVar("_Self", bound="_Handle")


class _Handle:
    """Immutable: any number of threads may use it at once. `close` frees it, and so do `with` and the garbage
    collector.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: int | None
    _free: Any = None

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__}: use load")

    def close(self) -> None:
        """Frees it. A second time does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            type(self)._free(handle)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The class keeps its function, whatever the interpreter's end has taken from the module.
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            type(self)._free(handle)

    def _live(self) -> int:
        handle = self._handle
        if handle is None:
            raise ClosedError(Status.CLOSED, f"{type(self).__name__}: was closed")
        return handle

    @classmethod
    def _adopt(cls: type[_Self], handle: ctypes.c_void_p) -> _Self:
        adopted = cls.__new__(cls)
        adopted._handle = handle.value
        return adopted


class Recipient(_Handle):
    """A public key of RSA or SM2 that packages are encrypted for."""

    __slots__ = ()
    _free = staticmethod(_abi.sogov_recipient_free)

    @classmethod
    def load(cls, data: Data) -> Recipient:
        """Reads a certificate, whose chain and dates are not looked at, or a SubjectPublicKeyInfo, PEM or
        DER.

        KeyInvalidError for another format, another algorithm than RSA (3072 to 8192 bits) and SM2.
        """
        given = _convert.data(data, "data")
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(_abi.sogov_recipient_read(given, len(given), ctypes.byref(handle), error.ref))
        return cls._adopt(handle)


class RecipientKey(_Handle):
    """A private key of RSA or SM2 that opens packages; `close` wipes it."""

    __slots__ = ()
    _free = staticmethod(_abi.sogov_recipient_key_free)

    @classmethod
    def load(
        cls, data: Data, password: str | Data | None = None, certificate: Data | None = None
    ) -> RecipientKey:
        """Reads PKCS#8 of RSA (3072 to 8192 bits) or SM2, or SEC1 of SM2, PEM or DER.

        certificate: the key's; without it up to eight recipients are tried that a package names by
            certificates.

        KeyInvalidError for another format or algorithm, a wrong or missing password, the certificate of
        another key.
        """
        given = _convert.data(data, "data")
        secret = None if password is None else _convert.text_or_data(password, "password")
        named, named_len = _convert.optional_data(certificate, "certificate")
        handle, error = ctypes.c_void_p(), ErrorPlace()
        error.check(
            _abi.sogov_recipient_key_read(
                given,
                len(given),
                secret,
                len(secret or b""),
                named,
                named_len,
                ctypes.byref(handle),
                error.ref,
            )
        )
        return cls._adopt(handle)


def pack(
    target: PathLike,
    plugins: Sequence[PathLike],
    *,
    audiences: Sequence[str],
    keys: Sequence[PrivateKey],
    recipients: Sequence[Recipient],
    files: Sequence[PathLike] = (),
    service: str = "",
    epoch: int = 0,
    not_after: Time | None = None,
    issuer: str = "",
    user_id: Data | None = None,
) -> str:
    """Puts signed plugins and other files into an update package for some hosts and returns the package's id,
    32 hexadecimal digits. The package appears whole or not at all.

    plugins: signed already; a signature file beside one, its path with ".sogsig" behind it, goes with it.
    audiences: the names of the hosts that may install it.
    keys: sign the manifest; the trust directory of the hosts says how many.
    recipients: whom it is encrypted for, all of RSA or all of SM2.
    service: "" is that of the first plugin.
    epoch: must not fall from one package of a service to the next.
    not_after: None is 30 days from now.

    ArgumentError where something is missing, or for a file's name that a package cannot have; UnsignedError
    and WrongServiceError for plugins.
    """
    user, user_len = _convert.optional_data(user_id, "user_id")
    name, issued_by = _convert.text(service, "service"), _convert.text(issuer, "issuer")
    lists = {
        "plugins": _texts([_convert.path(path) for path in plugins]),
        "files": _texts([_convert.path(path) for path in files]),
        "audiences": _texts([_convert.text(audience, "audiences") for audience in audiences]),
        "keys": _handles([key._live() for key in keys]),
        "recipients": _handles([recipient._live() for recipient in recipients]),
    }
    options = _abi.PackOptions(
        size=ctypes.sizeof(_abi.PackOptions),
        service=name,
        service_len=len(name),
        epoch=_convert.number(epoch, 64, "epoch"),
        not_after=_convert.unix_seconds(not_after, "not_after"),
        issuer=issued_by,
        issuer_len=len(issued_by),
        user_id=user,
        user_id_len=user_len,
    )
    for field, array in lists.items():
        setattr(options, field, array)
        setattr(options, field.removesuffix("s") + "_count", len(array))
    path, package_id, error = _convert.path(target), ctypes.create_string_buffer(_ID_LEN), ErrorPlace()
    error.check(_abi.sogov_pack(ctypes.byref(options), path, len(path), package_id, error.ref))
    # The keys stay open until here.
    del keys, recipients
    return package_id.raw.hex()


def _texts(values: list[bytes]) -> Any:
    texts = (_abi.TextView * len(values))()
    for text, value in zip(texts, values):
        text.data, text.len = value, len(value)
    return texts


def _handles(values: list[int]) -> Any:
    return (ctypes.c_void_p * len(values))(*values)
