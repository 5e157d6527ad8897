"""The numbers of include/sogov.h under their names."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What became of a call. Zero is success; the hundreds tell the family (see `sogov.SogovError`)."""

    OK = 0
    INVALID_ARGUMENT = 100
    CLOSED = 101
    NOT_FOUND = 102
    BUSY = 103
    DEADLOCK = 104
    LIMIT_EXCEEDED = 105
    IO = 200
    UNSUPPORTED = 201
    KEY_INVALID = 300
    SIGNATURE_INVALID = 301
    UNSIGNED = 400
    MODIFIED = 401
    AMBIGUOUS = 402
    EXPIRED = 403
    NOT_YET_VALID = 404
    UNTRUSTED_KEY = 405
    WRONG_SERVICE = 406
    BELOW_FLOOR = 407
    TRUST_INVALID = 408
    IMAGE_REJECTED = 500
    LOAD_FAILED = 501
    PINNED = 502
    ROUTE_POLICY_INVALID = 600
    NO_VERSION = 601
    LEASE_GONE = 602
    PLUGIN_FAILED = 700
    INTERNAL = 900


class RouteReason(IntEnum):
    """Why a request went to the version it went to, in the order of precedence."""

    NONE = 0
    KILL_SWITCH = 1
    PIN = 2
    RULE = 3
    FRACTION = 4
    STABLE = 5
    MISSING_KEY = 6
    RANDOM = 7


class LogLevel(IntEnum):
    """How much a line of the log matters."""

    ERROR = 1
    WARNING = 2
    INFO = 3


class Standing(IntEnum):
    """Where a version stands in its service."""

    LOADED = 0
    GRAY = 1
    STABLE = 2
    RETIRED = 3
    PINNED = 4


class KeyFormat(IntEnum):
    """The file formats that keys are written in."""

    SPKI_DER = 1
    SPKI_PEM = 2
    PKCS8_DER = 3
    PKCS8_PEM = 4


class SignatureEncoding(IntEnum):
    """How a signature is written: 64 bytes R||S, or DER."""

    RAW = 0
    DER = 1


class DigestAlgorithm(IntEnum):
    """SM3, flat or as a tree over leaves of 64 KiB."""

    SM3 = 1
    SM3_TREE = 2


class Outcome(IntEnum):
    """How the calls under a lease ended, as the caller saw it; counted for the version."""

    SUCCESS = 0
    FAILURE = 1
    NEUTRAL = 2
