"""The engine: trust, services and versions of one program."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Callable, Union

from . import _abi, _convert, _update
from ._audit import AuditOptions, AuditPosition, native_options, position
from ._convert import Data, PathLike
from ._enums import (
    Breaker,
    ClockVerdict,
    EventKind,
    LogLevel,
    PackageStanding,
    Preflight,
    Standing,
    SymbolCollisions,
    UpdateNoData,
    UpdateState,
)
from ._errors import ErrorPlace, bad_argument
from ._gate import Gate
from ._keys import KeyId, PrivateKey
from ._packages import RecipientKey
from ._service import Service, open_service

Log = Callable[[LogLevel, str], None]
Document = Union[str, Data, Mapping[str, Any]]

_DIGEST_LEN = 32


@dataclass(frozen=True)
class VersionInfo:
    """A version as it stood at one moment."""

    service: str
    """The service's name."""
    version: str
    """The version's label."""
    standing: Standing
    """Where the version stands."""
    development: bool
    """Whether the engine takes trust.json without a signature by root keys."""
    digest: bytes
    """The artifact's digest, 32 bytes."""
    epoch: int
    """The epoch of its statement."""
    in_flight: int
    """Leases that are out, calls included."""
    calls: int
    """Leases released with success or failure."""
    failures: int
    """Leases released with failure."""
    pin_reason: str
    """Why it is pinned: a word (tls, thread, tsd, signal, unique, nodelete, go, exit-handler, stop, dlclose,
    dependency, lease), a colon and the evidence; empty otherwise.
    """
    breaker: Breaker
    """Whether its breaker lets requests through."""
    breaker_open_ms: int
    """For how many milliseconds the breaker stays open; 0 when it is not."""
    breaker_opened: int
    """How often the breaker opened."""
    isolated: bool
    """Whether it has a namespace of its own."""


@dataclass(frozen=True)
class Event:
    """What happened to a version without anybody having asked for it."""

    kind: EventKind | int
    """What happened; a number where this release does not know it."""
    service: str
    """The service's name."""
    version: str
    """The version's label."""
    detail: str
    """The reason, for people."""


EventListener = Callable[[Event], None]


@dataclass(frozen=True)
class ProcessInfo:
    """The process as it stood at one moment, all engines together."""

    versions_mapped: int
    """Versions whose images are mapped, in whatever standing."""
    versions_pinned: int
    """Those among them that stay mapped by necessity."""
    versions_parked: int
    """Those among them that are retired and wait for a way back."""
    bytes_mapped: int
    """Bytes of address space that the images take."""
    restart_reason: str | None
    """The first reason why only a restart brings the process back to what it was; None without one."""
    taint_reason: str | None
    """The first thing that may have damaged the process; None where there is none."""


@dataclass(frozen=True, slots=True)
class TrustInfo:
    """How trust stands."""

    document_epoch: int
    """The epoch of trust.json."""
    denylist_number: int
    """The number of denylist.json; 0: there is none."""
    root_set: int
    """The number of the set of root keys in force; 0 in the development mode."""
    revoked: int
    """Loaded versions that are revoked."""
    revoked_serving: int
    """Those among them that serve."""
    time: datetime
    """What decisions go by; where the clock is not believed, the earliest that it can be."""
    clock: ClockVerdict
    """What is to be said of the machine's clock."""
    durable: bool
    """Whether what was accepted is remembered in the state directory, and not in this process only."""


def process_status() -> ProcessInfo:
    """What is mapped, and whether the process should be restarted when there is an occasion."""
    info, error = _abi.ProcessInfo(size=ctypes.sizeof(_abi.ProcessInfo)), ErrorPlace()
    error.check(_abi.sogov_process_status(ctypes.byref(info), error.ref))
    text = {
        name: getattr(info, name).decode("utf-8", "replace") for name in ("restart_reason", "taint_reason")
    }
    return ProcessInfo(
        info.versions_mapped,
        info.versions_pinned,
        info.versions_parked,
        info.bytes_mapped,
        text["restart_reason"] if info.restart_wanted else None,
        text["taint_reason"] if info.tainted else None,
    )


class Engine:
    """Governs the plugins of a process; usually there is one. Any number of threads may use it at once.

        with sogov.Engine("/etc/fee/trust", root_key_ids=["sm3:..."]) as engine:
            engine.load_versioned("fee", "v1", "/opt/plugins/fee-v1.so")
            engine.promote("fee", "v1")
            answer = engine.service("fee").call(b"amount=1.00 currency=CNY")

    trust_directory: has trust.json, its signature trust.json.sogsig, and public keys in keys/. Without one no
        plugin can be loaded.
    root_key_ids: one of these keys must have signed trust.json. None given: the development mode, in which
        trust.json needs no signature; every VersionInfo says so.
    root_threshold: how many of these keys must have signed it; 0 stands for 1.
    root_set: the number of this set of root keys; 0 stands for 1. Later sets stand in the trust directory.
    trust_check_ms: how often a background thread looks at the trust directory for what is revoked, from the
        first load on; 0 stands for 10,000 where there is a state directory and otherwise for never,
        `2**32 - 1` for never. Loads and `refresh_trust` look in any case.
    state_directory: made where it is missing. Without one nothing outlives the process; with one, the last
        stable version of every service is verified again, loaded and put back into service.
    log: takes each line of the log with its LogLevel, on any thread. It may use this package, but cannot
        close its engine. An exception in it goes to `sys.unraisablehook`. The library itself never prints.
    event: takes each Event, such as a breaker that opens, under the same rules; it should be quick, as a
        request may be waiting for it.
    parked_versions: how many retired versions of each service stay mapped for an immediate way back; 0 stands
        for 2.
    preflight: whether each version is loaded and started in a child process first, and refused with
        PreflightFailedError where that fails.
    preflight_ms, preflight_memory_mib, preflight_cpu_ms: how long a preflight may last, how much private
        memory and how much processor time it may use; 0 stands for 5,000 ms, 512 MiB, and a second more than
        it may last.
    parked_bytes: how many bytes of address space their images may take together; 0 stands for 256 MiB.
    symbol_collisions: what becomes of a plugin that uses symbols of its own which the program defines too.
    contain_crashes: whether a crash of a plugin, in a call or in another of its functions, ends that alone,
        with PluginCrashedError, instead of the process; its version is never used again. Installs handlers
        for four signals, which stay. Call `faulthandler.enable()` before, if at all: afterwards its handlers
        would get the faults first.
    receipt_key: a key of hmac-sha256 that codes the receipts of installed packages; without it none is
        installed. It must not lie in the state directory.
    audit: how what is done is recorded in the audit trail of the state directory; None: nothing is.

    Raises TrustInvalidError and ExpiredError for an unsound trust directory, SystemFailure and NotFoundError
    for directories that cannot be opened.

    `close` and `with` end it; so do the garbage collector and the interpreter's end, with a ResourceWarning.

    A child that the process forks may go on calling its services; `close` in the child
    ends the child's view only, and loading or changing versions there is not supported.
    """

    def __init__(
        self,
        trust_directory: PathLike | None = None,
        root_key_ids: Sequence[str] = (),
        state_directory: PathLike | None = None,
        log: Log | None = None,
        parked_versions: int = 0,
        event: EventListener | None = None,
        preflight: Preflight = Preflight.REQUIRED,
        preflight_ms: int = 0,
        preflight_memory_mib: int = 0,
        preflight_cpu_ms: int = 0,
        parked_bytes: int = 0,
        symbol_collisions: SymbolCollisions = SymbolCollisions.REFUSE,
        contain_crashes: bool = False,
        receipt_key: PrivateKey | None = None,
        audit: AuditOptions | None = None,
        root_threshold: int = 0,
        trust_check_ms: int = 0,
        root_set: int = 0,
    ) -> None:
        if isinstance(root_key_ids, str):
            raise TypeError("root_key_ids: expected a sequence of key ids, found one str")
        trust = _convert.optional_path(trust_directory, "trust_directory")
        state = _convert.optional_path(state_directory, "state_directory")
        roots = b"".join(KeyId(root).digest for root in root_key_ids)
        parked = _convert.number(parked_versions, 32, "parked_versions")
        limits = {
            name: _convert.number(value, 32, name)
            for name, value in [
                ("preflight", preflight),
                ("preflight_ms", preflight_ms),
                ("preflight_memory_mib", preflight_memory_mib),
                ("preflight_cpu_ms", preflight_cpu_ms),
                ("symbol_collisions", symbol_collisions),
                ("root_threshold", root_threshold),
                ("trust_check_ms", trust_check_ms),
            ]
        }
        recorded = None if audit is None else native_options(audit)
        context = _keep(log, event)
        options = _abi.EngineOptions(
            size=ctypes.sizeof(_abi.EngineOptions),
            trust_directory=trust,
            trust_directory_len=len(trust),
            root_key_ids=roots,
            root_key_count=len(roots) // _DIGEST_LEN,
            state_directory=state,
            state_directory_len=len(state),
            parked_versions=parked,
            **limits,
            parked_bytes=_convert.number(parked_bytes, 64, "parked_bytes"),
            contain_crashes=1 if contain_crashes else 0,
            receipt_key=None if receipt_key is None else receipt_key._live(),
            root_set=_convert.number(root_set, 64, "root_set"),
        )
        if log is not None:
            options.log, options.log_context = _write_log, context
        if event is not None:
            options.event, options.event_context = _tell_event, context
        if recorded is not None:
            options.audit = ctypes.pointer(recorded)
        handle, error = ctypes.c_void_p(), ErrorPlace()
        try:
            error.check(_abi.sogov_engine_open(ctypes.byref(options), ctypes.byref(handle), error.ref))
        except BaseException:
            _listeners.pop(context, None)
            raise
        self._handle = handle.value or 0
        self._gate = Gate("engine")
        self._lock = threading.Lock()
        self._services: dict[str, Service] = {}
        self._held = _Held(self._handle, context, os.getpid())
        self._abandoned = weakref.finalize(self, self._held.abandoned)
        _engines.add(self)

    @property
    def closed(self) -> bool:
        """Whether `close` has ended this engine."""
        return self._gate.is_shut

    def audit_head(self, checkpoint: bool = False) -> AuditPosition:
        """The last record of the audit trail, to be kept where nobody who can write the state directory can
        write: `audit_verify` finds by it what was cut off.

        checkpoint: sign and make durable first what was recorded.

        NotFoundError when the engine records nothing.
        """
        with _Inside(self._gate):
            place, error = _abi.AuditPosition(), ErrorPlace()
            signed = 1 if checkpoint else 0
            error.check(_abi.sogov_audit_head(self._handle, signed, ctypes.byref(place), error.ref))
            return position(place)

    def service(self, name: str) -> Service:
        """The service `name`, always the same object; it comes into being where it is new. Look it up once
        and use it for every request.

        name: 1 to 64 characters out of A-Z a-z 0-9 . _ -, no dot in front.

        LimitExceededError beyond 4,096 services.
        """
        with _Inside(self._gate), self._lock:
            service = self._services.get(name)
            if service is None:
                handle = open_service(self._handle, name)
                self._held.services.append(handle)
                service = self._services[name] = Service(name, handle, self._gate, self)
            return service

    def load_versioned(
        self,
        service: str,
        version: str,
        path: PathLike,
        *,
        signature_path: PathLike | None = None,
        sbom_path: PathLike | None = None,
        isolated: bool = False,
        actor: str = "",
        reason: str = "",
    ) -> VersionInfo:
        """Loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are
        mapped. The version then stands beside those already there and serves nobody until it is promoted or a
        route policy names it.

        version: the label, which must be the statement's; "" takes the statement's.
        signature_path: the detached signature; None: `path` with ".sogsig" behind it, if there is one.
        sbom_path: the bill of materials that its statement binds; None: `path` with ".sbom.json" behind it.
        isolated: whether the plugin and its libraries get a namespace of their own, with a C library of their
            own, so that their names and statics meet nobody's. For plugins in C without threads, streams and
            the C++ runtime, at most 8 of them at the same time.
        actor, reason: who asks and why, for the log.

        UnsupportedError and LimitExceededError where a plugin cannot be isolated;
        BusyError when the label is in use; TrustError, LoadError and PluginError (`start` or `health`
        failed), after which nothing is loaded.
        """
        name, label, file = (
            _convert.text(service, "service"),
            _convert.text(version, "version"),
            _convert.path(path),
        )
        options = _change(
            actor,
            reason,
            signature_path=_convert.optional_path(signature_path, "signature_path"),
            sbom_path=_convert.optional_path(sbom_path, "sbom_path"),
            isolated=isolated,
        )
        info, error = _version_place(), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_load_versioned(
                    self._handle,
                    name,
                    len(name),
                    label,
                    len(label),
                    file,
                    len(file),
                    ctypes.byref(options),
                    ctypes.byref(info),
                    error.ref,
                )
            )
        return _version_info(info)

    def install(
        self, path: PathLike, key: RecipientKey, audience: str, *, actor: str = "", reason: str = ""
    ) -> str:
        """Decrypts an update package, verifies all of it, and installs it into the state directory: its files
        appear together, or not at all. Returns the directory that they are in. Needs a receipt key.

        audience: the name of this host.

        PackageInvalidError for what was altered, has another form or is not for this key; WrongAudienceError;
        ReplayedError for a package that was installed before or is older than the last one of its service;
        and others as of `load_versioned`, of the package and of each plugin in it.
        """
        file, host = _convert.path(path), _convert.text(audience, "audience")
        by, why = _convert.text(actor, "actor"), _convert.text(reason, "reason")
        options = _abi.InstallOptions(
            size=ctypes.sizeof(_abi.InstallOptions),
            audience=host,
            audience_len=len(host),
            actor=by,
            actor_len=len(by),
            reason=why,
            reason_len=len(why),
        )
        directory, error = _abi.Bytes(), ErrorPlace()
        try:
            with _Inside(self._gate):
                error.check(
                    _abi.sogov_install(
                        self._handle,
                        file,
                        len(file),
                        key._live(),
                        ctypes.byref(options),
                        ctypes.byref(directory),
                        error.ref,
                    )
                )
            return os.fsdecode(_convert.take_bytes(directory))
        finally:
            _abi.sogov_bytes_free(ctypes.byref(directory))

    def check_package(self, path: PathLike) -> PackageStanding:
        """Whether an installed file is the one that was installed. NotFoundError for a file that no package
        brought, ModifiedError when the receipt itself was altered.
        """
        file, standing, error = _convert.path(path), ctypes.c_int(), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_package_check(self._handle, file, len(file), ctypes.byref(standing), error.ref)
            )
        return PackageStanding(standing.value)

    def update(
        self,
        service: str,
        version: str,
        path: PathLike,
        *,
        state: UpdateState = UpdateState.NONE,
        shadow_requests: int = 0,
        shadow_mismatches: int = 0,
        shadow_ms: int = 10_000,
        gray: Sequence[_update.GrayStep] = (),
        handover_ms: int = 1000,
        probation_calls: int = 0,
        probation_ms: int = 0,
        tolerated_failures: int = 100,
        on_no_data: UpdateNoData = UpdateNoData.FAIL,
        keep_failed: bool = False,
        drain_ms: int = 5000,
        progress: _update.Follow | None = None,
        signature_path: PathLike | None = None,
        sbom_path: PathLike | None = None,
        isolated: bool = False,
        actor: str = "",
        reason: str = "",
        wait_durable: bool = False,
    ) -> VersionInfo:
        """Replaces the stable version of a service by a plugin file, step by step, on this thread. Each step
        can fail, and leaves the old version serving everybody; the new one is unloaded then.

        state: what becomes of the old version's state; HANDOVER has requests wait for at most handover_ms.
        shadow_requests: how many requests the new version gets as copies within shadow_ms; shadow_mismatches
            of them may be answered otherwise. The plugin has to declare SOGOV_PLUGIN_IDEMPOTENT.
        gray: growing shares, one after the other; none with a handover.
        probation_calls, probation_ms: for how long the new version serves everybody before it is promoted.
        tolerated_failures: how many of 10,000 calls may fail in a gray step or in the probation, at least 1.
        on_no_data: what a step comes to that ends with fewer calls than it asks for.
        keep_failed: whether a version that failed stays loaded.
        signature_path, sbom_path, isolated: as for `load_versioned`.
        progress: takes an UpdateProgress before and after each step, and at least every 50 ms where the
            update waits. Answering False cancels the update; so does an exception, which is raised here then.

        UpdateFailedError and CancelledError name the step; TrustError, LoadError and PluginError as for
        `load_versioned`. BusyError during another update, while gray versions serve, or when somebody else
        changed what serves. NoVersionError without a stable version, DeadlockError from inside a call.
        """
        name, label, file = (
            _convert.text(service, "service"),
            _convert.text(version, "version"),
            _convert.path(path),
        )
        follower = None if progress is None else _update.Follower(progress)
        options = _update.options(
            gray,
            state,
            on_no_data,
            follower,
            (actor, reason),
            (
                _convert.optional_path(signature_path, "signature_path"),
                _convert.optional_path(sbom_path, "sbom_path"),
            ),
            (keep_failed, wait_durable, isolated),
            {
                "shadow_requests": shadow_requests,
                "shadow_mismatches": shadow_mismatches,
                "shadow_ms": shadow_ms,
                "handover_ms": handover_ms,
                "probation_calls": probation_calls,
                "probation_ms": probation_ms,
                "tolerated_failures": tolerated_failures,
                "drain_ms": drain_ms,
            },
        )
        info, error = _version_place(), ErrorPlace()
        with _Inside(self._gate):
            status = _abi.sogov_update(
                self._handle,
                name,
                len(name),
                label,
                len(label),
                file,
                len(file),
                ctypes.byref(options),
                ctypes.byref(info),
                error.ref,
            )
            try:
                error.check(status)
            finally:
                if follower is not None and follower.failure is not None:
                    raise follower.failure
        return _version_info(info)

    def apply_route_policy(
        self,
        service: str,
        document: Document,
        *,
        actor: str = "",
        reason: str = "",
        wait_durable: bool = False,
    ) -> None:
        """Puts a route policy in force for a service, whole, or refuses it and changes nothing.

        document: JSON as bytes or text, at most 1 MiB, or a mapping, which is written as JSON.
            docs/conventions.md has its fields.
        wait_durable: return only when the new state is on the disk.

        RoutePolicyInvalidError with the place and the reason.
        """
        name, policy, options = (
            _convert.text(service, "service"),
            _json(document),
            _change(actor, reason, wait_durable),
        )
        error = ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_route_policy_apply(
                    self._handle,
                    name,
                    len(name),
                    policy,
                    len(policy),
                    ctypes.byref(options),
                    error.ref,
                )
            )

    def promote(
        self,
        service: str,
        version: str,
        *,
        actor: str = "",
        reason: str = "",
        wait_durable: bool = False,
    ) -> VersionInfo:
        """Makes a loaded, gray or retired version the stable one, for everybody: the route policy in force
        ends. Calls in flight end where they began; the next request goes to the new version.

        NotFoundError when no such version is loaded; PinnedError when it was stopped already.
        """
        name, label = _convert.text(service, "service"), _convert.text(version, "version")
        options, info, error = _change(actor, reason, wait_durable), _version_place(), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_promote(
                    self._handle,
                    name,
                    len(name),
                    label,
                    len(label),
                    ctypes.byref(options),
                    ctypes.byref(info),
                    error.ref,
                )
            )
        return _version_info(info)

    def rollback(
        self, service: str, *, actor: str = "", reason: str = "", wait_durable: bool = False
    ) -> VersionInfo:
        """Takes back the newest exposure and returns the version that serves now: while gray versions serve,
        they are withdrawn; otherwise the stable version gives way to the one before it. Calls in flight end
        where they began, none is lost. Afterwards, route policies with the epoch that was in force, or a
        lower one, are refused.

        NotFoundError when there is nothing to go back to: then nothing changed.
        """
        name, options = _convert.text(service, "service"), _change(actor, reason, wait_durable)
        info, error = _version_place(), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_rollback(
                    self._handle, name, len(name), ctypes.byref(options), ctypes.byref(info), error.ref
                )
            )
        return _version_info(info)

    def unload(
        self,
        service: str,
        version: str,
        *,
        drain_ms: int = 5000,
        force: bool = False,
        actor: str = "",
        reason: str = "",
    ) -> None:
        """Waits until no lease is on a loaded or retired version, stops it, unmaps it and proves that it is
        gone.

        drain_ms: for how many milliseconds to wait for leases, at least 1.
        force: give up on a version on which leases are left then: PinnedError; it stays mapped for ever, its
            label is free, and `process_status` says for ever that a restart is wanted.

        BusyError while it is stable or gray, or when leases were left: then it stands as before.
        DeadlockError from inside a call of it. PinnedError when it was stopped but has to stay mapped.
        """
        name, label = _convert.text(service, "service"), _convert.text(version, "version")
        drain_ms = _convert.number(drain_ms, 32, "drain_ms", least=1)
        options = _change(actor, reason, drain_ms=drain_ms, force=force)
        error = ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_unload(
                    self._handle, name, len(name), label, len(label), ctypes.byref(options), error.ref
                )
            )

    def refresh_trust(self, *, actor: str = "", reason: str = "") -> TrustInfo:
        """Looks at the trust directory now, and takes out of service what it revokes. Loads do the same, and
        so does a background thread (`trust_check_ms`).

        TrustInvalidError, ExpiredError; BelowFloorError for a document, a deny-list or root keys that are
        older than what was accepted before; ClockRefusedError where the clock would decide and is not
        believed.
        """
        options, error = _change(actor, reason), ErrorPlace()
        info = _abi.TrustInfo(size=ctypes.sizeof(_abi.TrustInfo))
        with _Inside(self._gate):
            error.check(
                _abi.sogov_trust_refresh(self._handle, ctypes.byref(options), ctypes.byref(info), error.ref)
            )
        return TrustInfo(
            info.document_epoch,
            info.denylist_number,
            info.root_set,
            info.revoked,
            info.revoked_serving,
            datetime.fromtimestamp(info.time, timezone.utc),
            ClockVerdict(info.clock),
            bool(info.durable),
        )

    def confirm_time(self, *, actor: str, reason: str) -> datetime:
        """Takes the machine's clock as it stands for right, after it jumped ahead by more than a day: the
        word of `actor`, who gives a reason. Both are logged and kept in the trust state.

        ClockRefusedError for a clock that is behind what was seen or signed.
        """
        options, time, error = _change(actor, reason), ctypes.c_uint64(), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_trust_confirm_time(
                    self._handle, ctypes.byref(options), ctypes.byref(time), error.ref
                )
            )
        return datetime.fromtimestamp(time.value, timezone.utc)

    def versions(self, service: str | None = None) -> list[VersionInfo]:
        """The versions of one service, or of all, in the order in which they were loaded.

        Raises NotFoundError for a service that is not known.
        """
        # The ABI takes an empty name for all services; a caller here says None, and an empty one is a
        # mistake.
        if service == "":
            raise bad_argument("service: expected a name or None, found nothing")
        name = None if service is None else _convert.text(service, "service")
        count, error = ctypes.c_size_t(), ErrorPlace()
        with _Inside(self._gate):
            while True:
                # Versions may come while this asks: until there was room for all.
                room = count.value
                infos = (_abi.VersionInfo * max(room, 1))()
                infos[0].size = ctypes.sizeof(_abi.VersionInfo)
                error.check(
                    _abi.sogov_version_list(
                        self._handle, name, len(name or b""), infos, room, ctypes.byref(count), error.ref
                    )
                )
                if count.value <= room:
                    return [_version_info(info) for info in infos[: count.value]]

    def verify_file(self, service: str, version: str, path: PathLike) -> bytes:
        """Decides over a plugin file as `load_versioned` would, loads nothing, and returns the artifact's
        digest, 32 bytes. "" takes any version. Raises TrustError and LoadError where loading would.
        """
        name, label = _convert.text(service, "service"), _convert.text(version, "version")
        file = _convert.path(path)
        digest, error = ctypes.create_string_buffer(_DIGEST_LEN), ErrorPlace()
        with _Inside(self._gate):
            error.check(
                _abi.sogov_file_verify(
                    self._handle, name, len(name), label, len(label), file, len(file), digest, error.ref
                )
            )
        return digest.raw

    def close(self, timeout: float = 0.0) -> None:
        """Ends the engine: what is on its way to the disk gets there, and its versions are stopped and
        unmapped. A second time does nothing.

        timeout: for how many seconds to wait for what is in use. Newcomers wait for the outcome meanwhile.

        BusyError, and the engine goes on, when a call, a lease or another method of it is in use then. Once
        nothing is, ending takes at most 10 seconds.
        """
        if self._gate.shut(timeout):
            self._abandoned.detach()
            self._held.free()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Engine {hex(self._handle)}{' closed' if self.closed else ''}>"

    def _after_fork(self) -> None:
        self._gate.after_fork()
        self._lock = threading.Lock()


class _Inside:
    """Holds a gate open; itself the token."""

    __slots__ = ("_gate",)

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        self._gate.enter(self)

    def __exit__(self, *_: object) -> None:
        self._gate.leave(self)


@dataclass
class _Held:
    """What an engine holds of the library; apart from it, so that it can be freed when the engine is gone."""

    engine: int
    context: int | None
    process: int
    services: list[int] = field(default_factory=list)

    def free(self) -> None:
        """Nothing is done in a forked child: the threads and the files are the parent's."""
        if os.getpid() != self.process:
            return
        _abi.sogov_engine_free(self.engine)
        for service in self.services:
            _abi.sogov_service_free(service)
        _listeners.pop(self.context, None)

    def abandoned(self) -> None:
        """The garbage collector, or the interpreter's end, came before `close`."""
        self.free()
        warnings.warn(f"engine {self.engine:#x} was never closed", ResourceWarning, stacklevel=2)


# What open engines call. One callback of each kind serves them all and is never freed: a line may still be on
# its way when an engine is closed.
_listeners: dict[int | None, tuple[Log | None, EventListener | None]] = {}
_contexts = itertools.count(1)


def _keep(log: Log | None, event: EventListener | None) -> int | None:
    if log is None and event is None:
        return None
    context = next(_contexts)
    _listeners[context] = (log, event)
    return context


def _log_line(context: int, level: int, message: int, message_len: int) -> None:
    log, _ = _listeners.get(context, (None, None))
    if log is not None:
        log(LogLevel(level), ctypes.string_at(message, message_len).decode("utf-8", "replace"))


def _event(context: int, address: int) -> None:
    _, listener = _listeners.get(context, (None, None))
    if listener is not None:
        raw = _abi.Event.from_address(address)
        texts = [
            ctypes.string_at(text, length).decode("utf-8", "replace")
            for text, length in (
                (raw.service, raw.service_len),
                (raw.version, raw.version_len),
                (raw.detail, raw.detail_len),
            )
        ]
        kind = EventKind(raw.kind) if raw.kind in EventKind.__members__.values() else raw.kind
        listener(Event(kind, *texts))


_write_log = _abi.LOG_CALLBACK(_log_line)
_tell_event = _abi.EVENT_CALLBACK(_event)


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _after_fork() -> None:
    for engine in _engines:
        engine._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _json(document: Document) -> bytes:
    if isinstance(document, Mapping):
        return json.dumps(dict(document), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return _convert.text_or_data(document, "document")


def _change(
    actor: str,
    reason: str,
    wait_durable: bool = False,
    drain_ms: int = 0,
    signature_path: bytes = b"",
    force: bool = False,
    isolated: bool = False,
    sbom_path: bytes = b"",
) -> _abi.ChangeOptions:
    who, why = _convert.text(actor, "actor"), _convert.text(reason, "reason")
    return _abi.ChangeOptions(
        ctypes.sizeof(_abi.ChangeOptions),
        who,
        len(who),
        why,
        len(why),
        int(bool(wait_durable)),
        drain_ms,
        signature_path,
        len(signature_path),
        int(bool(force)),
        int(bool(isolated)),
        sbom_path,
        len(sbom_path),
    )


def _version_place() -> _abi.VersionInfo:
    return _abi.VersionInfo(size=ctypes.sizeof(_abi.VersionInfo))


def _version_info(info: _abi.VersionInfo) -> VersionInfo:
    return VersionInfo(
        service=info.service.decode(),
        version=info.version.decode(),
        standing=Standing(info.standing),
        development=bool(info.development),
        digest=bytes(info.digest),
        epoch=info.epoch,
        in_flight=info.in_flight,
        calls=info.calls,
        failures=info.failures,
        pin_reason=info.pin_reason.decode("utf-8", "replace"),
        breaker=Breaker(info.breaker),
        breaker_open_ms=info.breaker_open_ms,
        breaker_opened=info.breaker_opened,
        isolated=bool(info.isolated),
    )
