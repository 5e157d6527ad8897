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
    CANCELLED = 106
    IO = 200
    UNSUPPORTED = 201
    AUDIT_BROKEN = 202
    KEY_INVALID = 300
    SIGNATURE_INVALID = 301
    KEY_LOST_AFTER_FORK = 302
    CUSTODY_FAILED = 303
    UNSIGNED = 400
    MODIFIED = 401
    AMBIGUOUS = 402
    EXPIRED = 403
    NOT_YET_VALID = 404
    UNTRUSTED_KEY = 405
    WRONG_SERVICE = 406
    BELOW_FLOOR = 407
    TRUST_INVALID = 408
    REVOKED = 409
    CLOCK_REFUSED = 410
    SBOM_INVALID = 411
    COMPONENT_DENIED = 412
    PACKAGE_INVALID = 420
    WRONG_AUDIENCE = 421
    REPLAYED = 422
    IMAGE_REJECTED = 500
    LOAD_FAILED = 501
    PINNED = 502
    PREFLIGHT_FAILED = 503
    UPDATE_FAILED = 504
    ROUTE_POLICY_INVALID = 600
    NO_VERSION = 601
    LEASE_GONE = 602
    BREAKER_OPEN = 603
    PLUGIN_FAILED = 700
    PLUGIN_CRASHED = 701
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
    BREAKER = 8
    PROBE = 9


class LogLevel(IntEnum):
    """How much a line of the log matters."""

    ERROR = 1
    WARNING = 2
    INFO = 3


class Preflight(IntEnum):
    """Whether versions are tried in a child process before they enter this one."""

    REQUIRED = 0
    OFF = 1


class SymbolCollisions(IntEnum):
    """What becomes of a plugin that exports and uses symbols which the program defines too."""

    #: It is refused with ImageRejectedError.
    REFUSE = 0
    #: It is loaded, the log says so, and the program's are used.
    WARN = 1
    #: It is loaded so that its own are used, and those of the libraries that it needs before the program's.
    OWN_FIRST = 2


class Standing(IntEnum):
    """Where a version stands in its service."""

    LOADED = 0
    GRAY = 1
    STABLE = 2
    RETIRED = 3
    PINNED = 4


class PackageStanding(IntEnum):
    """How an installed file stands to the receipt of its installation."""

    #: It is the file that was installed, with its content.
    UNTOUCHED = 0
    #: Its content is another; loading refuses it.
    REPLACED = 1
    #: Its content is the one that was installed, in another file, as after a restore from a backup.
    MOVED = 2


class Breaker(IntEnum):
    """Where the breaker of a version stands."""

    CLOSED = 0
    OPEN = 1
    PROBING = 2
    QUARANTINED = 3


class EventKind(IntEnum):
    """What happened to a version without anybody having asked for it."""

    BREAKER_OPENED = 1
    BREAKER_PROBING = 2
    BREAKER_REOPENED = 3
    BREAKER_CLOSED = 4
    QUARANTINED = 5
    PINNED = 6
    UNMAPPED = 7
    REVOKED = 8
    CLOCK = 9


class ClockVerdict(IntEnum):
    """What is to be said of the machine's clock."""

    BELIEVED = 0
    SET_BACK = 1
    JUMPED_AHEAD = 2


class UpdateStep(IntEnum):
    """The steps of an update, in their order."""

    VERIFY = 0
    PREFLIGHT = 1
    LOAD = 2
    IMPORT_STATE = 3
    SELF_TEST = 4
    SHADOW = 5
    GRAY = 6
    HANDOVER = 7
    PROBATION = 8
    PROMOTE = 9
    DONE = 10
    ROLLED_BACK = 11


class UpdatePhase(IntEnum):
    """Where in a step a report comes from."""

    BEGINS = 0
    WAITS = 1
    ENDS = 2


class UpdateState(IntEnum):
    """What becomes of the state of the old version."""

    NONE = 0
    COPY = 1
    HANDOVER = 2


class UpdateNoData(IntEnum):
    """What a step comes to that ends with fewer calls than it asks for."""

    FAIL = 0
    PASS = 1
    HOLD = 2


class KeyFormat(IntEnum):
    """The file formats that keys are written in."""

    SPKI_DER = 1
    SPKI_PEM = 2
    PKCS8_DER = 3
    PKCS8_PEM = 4
    RAW = 5


class Custody(IntEnum):
    """Where the secret part of a key is kept."""

    NONE = 0
    """Nowhere: the key is a public one."""
    HEAP = 1
    """In the heap."""
    UNLOCKED = 2
    """In pages of their own that dumps leave out and a forked child loses, but that could not be locked."""
    LOCKED = 3
    """In such pages, locked into memory."""
    SECRET = 4
    """In such pages, which the kernel hides from debuggers and /proc as well."""
    TOKEN = 5
    """In a PKCS#11 token."""
    DEVICE = 6
    """In an SDF device."""


class KeyMemory(IntEnum):
    """What happens to private keys where memory cannot be locked."""

    DEGRADE = 0
    """The key is kept all the same, and says so."""
    REQUIRE = 1
    """It is refused with LimitExceededError."""


class SignatureEncoding(IntEnum):
    """How a signature is written: in its scheme's own form, or DER."""

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
