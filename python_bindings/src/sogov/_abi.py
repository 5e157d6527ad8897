# The stubs of C functions have no bodies: a decorator puts the library's functions in their place.
# mypy: disable-error-code="empty-body"
"""include/sogov.h in ctypes: every struct and every exported function, typed. Nothing else touches the
library.

A handle is an int (an address). Texts and bytes are `bytes` with their length beside them; None is NULL. An
argument of type `Ref` is what `ctypes.byref` answers, or None for NULL. ctypes gives up the GIL for the
duration of each call.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable, Optional, TypeVar, cast

from ._loader import load_library

library = load_library()

LABEL_SIZE = 65
REASON_SIZE = 256

Ref = Any
Text = Optional[bytes]
EVENT_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p, c_size_t)

_BYTES = (c_void_p, c_size_t)
SCHEME_VERIFY = ctypes.CFUNCTYPE(c_int32, c_void_p, *_BYTES, *_BYTES, *_BYTES)
SCHEME_SIGN = ctypes.CFUNCTYPE(c_int32, c_void_p, *_BYTES, *_BYTES, c_void_p, POINTER(c_size_t))
SCHEME_RELEASE = ctypes.CFUNCTYPE(None, c_void_p)

# Without a type of its own for the struct: what a callback is handed is read by its address.
UPDATE_CALLBACK = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)


class Bytes(ctypes.Structure):
    """sogov_bytes. `data[:len]` is a copy of the content."""

    _fields_ = [("data", POINTER(c_char)), ("len", c_size_t), ("capacity", c_size_t)]


class Header(ctypes.Structure):
    """sogov_header. Borrowed memory is declared as c_char_p: assigning bytes keeps them alive with the
    struct.
    """

    _fields_ = [("name", c_char_p), ("name_len", c_size_t), ("value", c_char_p), ("value_len", c_size_t)]


class Request(ctypes.Structure):
    """sogov_request."""

    _fields_ = [
        ("size", c_size_t),
        ("user_key", c_char_p),
        ("user_key_len", c_size_t),
        ("headers", POINTER(Header)),
        ("header_count", c_size_t),
    ]


class CallInfo(ctypes.Structure):
    """sogov_call_info."""

    _fields_ = [
        ("size", c_size_t),
        ("plugin_status", c_int32),
        ("reason", c_int),
        ("version", c_char * LABEL_SIZE),
    ]


class AuditOptions(ctypes.Structure):
    """sogov_audit_options."""

    _fields_ = [
        ("size", c_size_t),
        ("required", c_uint32),
        ("checkpoint_every", c_uint32),
        ("checkpoint_key", c_void_p),
        ("segment_size", c_uint64),
        ("total_size", c_uint64),
        ("pseudonym_key", c_char_p),
        ("pseudonym_key_len", c_size_t),
    ]


class AuditPosition(ctypes.Structure):
    """sogov_audit_position."""

    _fields_ = [("record", c_uint64), ("hash", c_uint8 * 32)]


class AuditReport(ctypes.Structure):
    """sogov_audit_report."""

    _fields_ = [
        ("size", c_size_t),
        ("first", c_uint64),
        ("head", AuditPosition),
        ("segments", c_uint64),
        ("checkpoints", c_uint64),
        ("signed_up_to", c_uint64),
        ("recovered", c_uint64),
    ]


class EngineOptions(ctypes.Structure):
    """sogov_engine_options."""

    _fields_ = [
        ("size", c_size_t),
        ("trust_directory", c_char_p),
        ("trust_directory_len", c_size_t),
        ("root_key_ids", c_char_p),
        ("root_key_count", c_size_t),
        ("state_directory", c_char_p),
        ("state_directory_len", c_size_t),
        ("log", LOG_CALLBACK),
        ("log_context", c_void_p),
        ("parked_versions", c_size_t),
        ("event", EVENT_CALLBACK),
        ("event_context", c_void_p),
        ("preflight", c_uint32),
        ("preflight_ms", c_uint32),
        ("preflight_memory_mib", c_uint32),
        ("preflight_cpu_ms", c_uint32),
        ("symbol_collisions", c_uint32),
        ("contain_crashes", c_uint32),
        ("parked_bytes", c_size_t),
        ("receipt_key", c_void_p),
        ("audit", POINTER(AuditOptions)),
        ("root_threshold", c_uint32),
        ("trust_check_ms", c_uint32),
        ("root_set", c_uint64),
    ]


class Event(ctypes.Structure):
    """sogov_event."""

    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int),
        ("service", c_void_p),
        ("service_len", c_size_t),
        ("version", c_void_p),
        ("version_len", c_size_t),
        ("detail", c_void_p),
        ("detail_len", c_size_t),
    ]


class ChangeOptions(ctypes.Structure):
    """sogov_change_options."""

    _fields_ = [
        ("size", c_size_t),
        ("actor", c_char_p),
        ("actor_len", c_size_t),
        ("reason", c_char_p),
        ("reason_len", c_size_t),
        ("wait_durable", c_uint32),
        ("drain_ms", c_uint32),
        ("signature_path", c_char_p),
        ("signature_path_len", c_size_t),
        ("force", c_uint32),
        ("isolated", c_uint32),
        ("sbom_path", c_char_p),
        ("sbom_path_len", c_size_t),
    ]


class ProcessInfo(ctypes.Structure):
    """sogov_process_info."""

    _fields_ = [
        ("size", c_size_t),
        ("versions_mapped", c_uint64),
        ("versions_pinned", c_uint64),
        ("versions_parked", c_uint64),
        ("bytes_mapped", c_uint64),
        ("restart_wanted", c_uint32),
        ("tainted", c_uint32),
        ("restart_reason", c_char * REASON_SIZE),
        ("taint_reason", c_char * REASON_SIZE),
    ]


class TrustInfo(ctypes.Structure):
    """sogov_trust_info."""

    _fields_ = [
        ("size", c_size_t),
        ("document_epoch", c_uint64),
        ("denylist_number", c_uint64),
        ("root_set", c_uint64),
        ("revoked", c_uint64),
        ("revoked_serving", c_uint64),
        ("time", c_uint64),
        ("clock", c_uint32),
        ("durable", c_uint32),
    ]


class VersionInfo(ctypes.Structure):
    """sogov_version_info."""

    _fields_ = [
        ("size", c_size_t),
        ("service", c_char * LABEL_SIZE),
        ("version", c_char * LABEL_SIZE),
        ("standing", c_int),
        ("development", c_uint32),
        ("digest", c_uint8 * 32),
        ("epoch", c_uint64),
        ("in_flight", c_uint64),
        ("calls", c_uint64),
        ("failures", c_uint64),
        ("pin_reason", c_char * REASON_SIZE),
        ("breaker", c_int),
        ("breaker_open_ms", c_uint64),
        ("breaker_opened", c_uint64),
        ("isolated", c_uint32),
    ]


class FileFacts(ctypes.Structure):
    """sogov_file_facts."""

    _fields_ = [
        ("size", c_size_t),
        ("service", c_char_p),
        ("service_len", c_size_t),
        ("version", c_char_p),
        ("version_len", c_size_t),
        ("epoch", c_uint64),
        ("name", c_char_p),
        ("name_len", c_size_t),
        ("semver", c_char_p),
        ("semver_len", c_size_t),
        ("issuer", c_char_p),
        ("issuer_len", c_size_t),
        ("not_before", c_uint64),
        ("not_after", c_uint64),
        ("user_id", c_char_p),
        ("user_id_len", c_size_t),
        ("detached", c_uint32),
        ("sbom_path", c_char_p),
        ("sbom_path_len", c_size_t),
    ]


class SignatureOptions(ctypes.Structure):
    """sogov_signature_options."""

    _fields_ = [("size", c_size_t), ("user_id", c_char_p), ("user_id_len", c_size_t), ("encoding", c_uint32)]


class Verification(ctypes.Structure):
    """sogov_verification."""

    _fields_ = [
        ("key", c_void_p),
        ("message", c_char_p),
        ("message_len", c_size_t),
        ("signature", c_char_p),
        ("signature_len", c_size_t),
        ("user_id", c_char_p),
        ("user_id_len", c_size_t),
    ]


class Signing(ctypes.Structure):
    """sogov_signing."""

    _fields_ = [
        ("key", c_void_p),
        ("message", c_char_p),
        ("message_len", c_size_t),
        ("user_id", c_char_p),
        ("user_id_len", c_size_t),
    ]


class VerificationResult(ctypes.Structure):
    """sogov_verification_result."""

    _fields_ = [("ticket", c_uint64), ("status", c_int)]


class VerifierOptions(ctypes.Structure):
    """sogov_verifier_options. Callbacks would need the GIL on threads of the pool: results are polled."""

    _fields_ = [
        ("size", c_size_t),
        ("threads", c_uint32),
        ("max_wait_us", c_uint32),
        ("capacity", c_size_t),
        ("callback", c_void_p),
        ("callback_context", c_void_p),
    ]


class SchemeOptions(ctypes.Structure):
    """sogov_scheme_options."""

    _fields_ = [
        ("size", c_size_t),
        ("number", c_uint32),
        ("verify", SCHEME_VERIFY),
        ("sign", SCHEME_SIGN),
        ("release", SCHEME_RELEASE),
        ("payload", c_void_p),
    ]


class TextView(ctypes.Structure):
    """sogov_text."""

    _fields_ = [("data", c_char_p), ("len", c_size_t)]


class PackOptions(ctypes.Structure):
    """sogov_pack_options."""

    _fields_ = [
        ("size", c_size_t),
        ("plugins", POINTER(TextView)),
        ("plugin_count", c_size_t),
        ("files", POINTER(TextView)),
        ("file_count", c_size_t),
        ("audiences", POINTER(TextView)),
        ("audience_count", c_size_t),
        ("keys", POINTER(c_void_p)),
        ("key_count", c_size_t),
        ("recipients", POINTER(c_void_p)),
        ("recipient_count", c_size_t),
        ("service", c_char_p),
        ("service_len", c_size_t),
        ("epoch", c_uint64),
        ("not_after", c_uint64),
        ("issuer", c_char_p),
        ("issuer_len", c_size_t),
        ("user_id", c_char_p),
        ("user_id_len", c_size_t),
    ]


class InstallOptions(ctypes.Structure):
    """sogov_install_options."""

    _fields_ = [
        ("size", c_size_t),
        ("audience", c_char_p),
        ("audience_len", c_size_t),
        ("actor", c_char_p),
        ("actor_len", c_size_t),
        ("reason", c_char_p),
        ("reason_len", c_size_t),
    ]


class UpdateGray(ctypes.Structure):
    """sogov_update_gray."""

    _fields_ = [("share", c_uint32), ("hold_ms", c_uint32), ("calls", c_uint64)]


class UpdateMismatch(ctypes.Structure):
    """sogov_update_mismatch."""

    _fields_ = [
        ("request_len", c_uint64),
        ("expected_len", c_uint64),
        ("found_len", c_uint64),
        ("expected_status", c_int),
        ("found_status", c_int),
        ("request_digest", c_uint8 * 32),
        ("expected_digest", c_uint8 * 32),
        ("found_digest", c_uint8 * 32),
    ]


class UpdateProgress(ctypes.Structure):
    """sogov_update_progress."""

    _fields_ = [
        ("size", c_size_t),
        ("step", c_int),
        ("phase", c_int),
        ("share", c_uint32),
        ("reserved", c_uint32),
        ("elapsed_ms", c_uint64),
        ("calls", c_uint64),
        ("failures", c_uint64),
        ("compared", c_uint64),
        ("mismatched", c_uint64),
        ("dropped", c_uint64),
        ("mismatch", POINTER(UpdateMismatch)),
        ("message", c_void_p),
        ("message_len", c_size_t),
    ]


class UpdateOptions(ctypes.Structure):
    """sogov_update_options."""

    _fields_ = [
        ("size", c_size_t),
        ("actor", c_char_p),
        ("actor_len", c_size_t),
        ("reason", c_char_p),
        ("reason_len", c_size_t),
        ("signature_path", c_char_p),
        ("signature_path_len", c_size_t),
        ("progress", UPDATE_CALLBACK),
        ("progress_context", c_void_p),
        ("gray", POINTER(UpdateGray)),
        ("gray_count", c_size_t),
        ("shadow_requests", c_uint64),
        ("shadow_mismatches", c_uint64),
        ("probation_calls", c_uint64),
        ("probation_ms", c_uint32),
        ("shadow_ms", c_uint32),
        ("state", c_uint32),
        ("handover_ms", c_uint32),
        ("tolerated_failures", c_uint32),
        ("on_no_data", c_uint32),
        ("keep_failed", c_uint32),
        ("drain_ms", c_uint32),
        ("wait_durable", c_uint32),
        ("isolated", c_uint32),
        ("sbom_path", c_char_p),
        ("sbom_path_len", c_size_t),
    ]


# The structs by their names in the header.
STRUCTS: dict[str, type[ctypes.Structure]] = {
    "sogov_bytes": Bytes,
    "sogov_header": Header,
    "sogov_request": Request,
    "sogov_call_info": CallInfo,
    "sogov_event": Event,
    "sogov_audit_options": AuditOptions,
    "sogov_audit_position": AuditPosition,
    "sogov_audit_report": AuditReport,
    "sogov_engine_options": EngineOptions,
    "sogov_change_options": ChangeOptions,
    "sogov_process_info": ProcessInfo,
    "sogov_trust_info": TrustInfo,
    "sogov_version_info": VersionInfo,
    "sogov_file_facts": FileFacts,
    "sogov_signature_options": SignatureOptions,
    "sogov_verification": Verification,
    "sogov_signing": Signing,
    "sogov_verification_result": VerificationResult,
    "sogov_verifier_options": VerifierOptions,
    "sogov_scheme_options": SchemeOptions,
    "sogov_text": TextView,
    "sogov_pack_options": PackOptions,
    "sogov_install_options": InstallOptions,
    "sogov_update_gray": UpdateGray,
    "sogov_update_mismatch": UpdateMismatch,
    "sogov_update_progress": UpdateProgress,
    "sogov_update_options": UpdateOptions,
}

# Every function that was declared below, by name.
FUNCTIONS: dict[str, Any] = {}

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Pointer to pointer, and `sogov_error **error`, which comes last.
_out = POINTER(c_void_p)
_error = POINTER(c_void_p)


def _exported(restype: Any, *argtypes: Any) -> Callable[[_Function], _Function]:
    """Puts the library's function in the place of its typed stub."""

    def bind(stub: _Function) -> _Function:
        name = stub.__name__
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"sogov: expected the library to export {name}", name="sogov") from None
        function.restype = restype
        function.argtypes = argtypes
        FUNCTIONS[name] = function
        return cast(_Function, function)

    return bind


# Status codes are plain ints here: turning each into a Status would cost more than the call.
@_exported(c_int, POINTER(Bytes))
def sogov_bytes_free(bytes_: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(Request), c_char_p, c_size_t, POINTER(Bytes), POINTER(CallInfo), _error)
def sogov_call(
    service: int, request: Ref, input_: bytes, input_len: int, answer: Ref, info: Ref, error: Ref
) -> int: ...


# The same without declared types, for the one caller that hands in ctypes objects of exactly those types:
# converting seven arguments takes longer than the call. A look-up by index makes a function of its own.
call_prepared = library["sogov_call"]


@_exported(c_int, POINTER(EngineOptions), _out, _error)
def sogov_engine_open(options: Ref, engine: Ref, error: Ref) -> int: ...


@_exported(None, c_void_p)
def sogov_engine_free(engine: int) -> None: ...


@_exported(
    c_int,
    c_void_p,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    POINTER(ChangeOptions),
    POINTER(VersionInfo),
    _error,
)
def sogov_load_versioned(
    engine: int,
    service: bytes,
    service_len: int,
    version: bytes,
    version_len: int,
    path: bytes,
    path_len: int,
    options: Ref,
    info: Ref,
    error: Ref,
) -> int: ...


@_exported(
    c_int,
    c_void_p,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    POINTER(UpdateOptions),
    POINTER(VersionInfo),
    _error,
)
def sogov_update(
    engine: int,
    service: bytes,
    service_len: int,
    version: bytes,
    version_len: int,
    path: bytes,
    path_len: int,
    options: Ref,
    info: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, c_char_p, c_size_t, _out, _error)
def sogov_recipient_read(data: bytes, data_len: int, recipient: Ref, error: Ref) -> int: ...


@_exported(None, c_void_p)
def sogov_recipient_free(recipient: int) -> None: ...


@_exported(c_int, c_char_p, c_size_t, c_char_p, c_size_t, c_char_p, c_size_t, _out, _error)
def sogov_recipient_key_read(
    data: bytes,
    data_len: int,
    password: Text,
    password_len: int,
    certificate: Text,
    certificate_len: int,
    key: Ref,
    error: Ref,
) -> int: ...


@_exported(None, c_void_p)
def sogov_recipient_key_free(key: int) -> None: ...


@_exported(c_int, POINTER(PackOptions), c_char_p, c_size_t, c_char_p, _error)
def sogov_pack(options: Ref, target: bytes, target_len: int, package_id: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_void_p, POINTER(InstallOptions), POINTER(Bytes), _error)
def sogov_install(
    engine: int, path: bytes, path_len: int, key: int, options: Ref, directory: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, POINTER(c_int), _error)
def sogov_package_check(engine: int, path: bytes, path_len: int, standing: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(ChangeOptions), _error)
def sogov_route_policy_apply(
    engine: int,
    service: bytes,
    service_len: int,
    document: bytes,
    document_len: int,
    options: Ref,
    error: Ref,
) -> int: ...


@_exported(
    c_int,
    c_void_p,
    c_char_p,
    c_size_t,
    c_char_p,
    c_size_t,
    POINTER(ChangeOptions),
    POINTER(VersionInfo),
    _error,
)
def sogov_promote(
    engine: int,
    service: bytes,
    service_len: int,
    version: bytes,
    version_len: int,
    options: Ref,
    info: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, POINTER(ChangeOptions), POINTER(VersionInfo), _error)
def sogov_rollback(
    engine: int, service: bytes, service_len: int, options: Ref, restored: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(ChangeOptions), _error)
def sogov_unload(
    engine: int, service: bytes, service_len: int, version: bytes, version_len: int, options: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, POINTER(VersionInfo), c_size_t, POINTER(c_size_t), _error)
def sogov_version_list(
    engine: int, service: Text, service_len: int, infos: Ref, capacity: int, count: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_uint32, POINTER(AuditPosition), _error)
def sogov_audit_head(engine: int, checkpoint: int, head: Ref, error: Ref) -> int: ...


@_exported(
    c_int,
    c_char_p,
    c_size_t,
    POINTER(c_void_p),
    c_size_t,
    POINTER(AuditPosition),
    POINTER(AuditReport),
    _error,
)
def sogov_audit_verify(
    directory: bytes, directory_len: int, keys: Ref, key_count: int, expected: Ref, report: Ref, error: Ref
) -> int: ...


@_exported(c_int, POINTER(ProcessInfo), _error)
def sogov_process_status(info: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(ChangeOptions), POINTER(TrustInfo), _error)
def sogov_trust_refresh(engine: int, options: Ref, info: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(ChangeOptions), POINTER(c_uint64), _error)
def sogov_trust_confirm_time(engine: int, options: Ref, time: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p)
def sogov_error_status(error: int) -> int: ...


@_exported(c_char_p, c_void_p)
def sogov_error_message(error: int) -> bytes: ...


@_exported(None, c_void_p)
def sogov_error_free(error: int) -> None: ...


@_exported(c_char_p, c_int32)
def sogov_status_name(status: int) -> bytes: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(FileFacts), c_char_p, _error)
def sogov_file_sign(
    key: int,
    source: bytes,
    source_len: int,
    target: Text,
    target_len: int,
    facts: Ref,
    digest: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, _error)
def sogov_file_add_signature(
    key: int, path: bytes, path_len: int, user_id: Text, user_id_len: int, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, c_char_p, c_size_t, c_char_p, _error)
def sogov_file_verify(
    engine: int,
    service: bytes,
    service_len: int,
    version: bytes,
    version_len: int,
    path: bytes,
    path_len: int,
    digest: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, c_char_p, c_size_t, _out, _error)
def sogov_key_generate(scheme: bytes, scheme_len: int, key: Ref, error: Ref) -> int: ...


@_exported(c_int, c_char_p, c_size_t, c_char_p, c_size_t, _out, _error)
def sogov_key_load_private(
    bytes_: bytes, bytes_len: int, password: Text, password_len: int, key: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_char_p, c_size_t, _out, _error)
def sogov_key_load_public(bytes_: bytes, bytes_len: int, key: Ref, error: Ref) -> int: ...


@_exported(c_int, c_char_p, c_size_t, c_char_p, c_size_t, c_char_p, c_size_t, _out, _error)
def sogov_key_load_raw(
    scheme: bytes,
    scheme_len: int,
    public_bytes: Text,
    public_bytes_len: int,
    private_bytes: Text,
    private_bytes_len: int,
    key: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, c_char_p, c_size_t, POINTER(SchemeOptions), _error)
def sogov_scheme_register(name: bytes, name_len: int, options: Ref, error: Ref) -> int: ...


@_exported(c_int, c_char_p, c_size_t, _error)
def sogov_scheme_unregister(name: bytes, name_len: int, error: Ref) -> int: ...


@_exported(c_int, c_char_p, c_size_t, _out, _error)
def sogov_key_open(uri: bytes, uri_len: int, key: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(c_uint32), _error)
def sogov_key_custody(key: int, custody: Ref, error: Ref) -> int: ...


@_exported(c_int, c_uint32, _error)
def sogov_key_memory_policy(policy: int, error: Ref) -> int: ...


@_exported(c_int, c_void_p, _out, _error)
def sogov_key_public(key: int, public_key: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, c_char_p, _error)
def sogov_key_id(key: int, id_: Ref, error: Ref) -> int: ...


@_exported(c_int, c_char_p, c_size_t, c_char_p, _error)
def sogov_key_id_parse(text: bytes, text_len: int, id_: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, c_uint32, c_char_p, c_size_t, POINTER(Bytes), _error)
def sogov_key_export(
    key: int, format_: int, password: Text, password_len: int, file: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, _error)
def sogov_key_prepare(key: int, error: Ref) -> int: ...


@_exported(None, c_size_t)
def sogov_prepared_keys_limit(bytes_: int) -> None: ...


@_exported(None, c_void_p)
def sogov_key_free(key: int) -> None: ...


@_exported(c_int, c_uint64, c_char_p, c_size_t, c_char_p, c_size_t, _out, _error)
def sogov_lease_symbol(
    lease: int, name: bytes, name_len: int, symbol_version: Text, version_len: int, address: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_uint64, _out, _out, _error)
def sogov_lease_plugin(lease: int, descriptor: Ref, plugin_self: Ref, error: Ref) -> int: ...


@_exported(c_int, c_uint64, c_char_p, _error)
def sogov_lease_version(lease: int, version: Ref, error: Ref) -> int: ...


@_exported(c_int, c_uint64, c_uint32, _error)
def sogov_lease_release(lease: int, outcome: int, error: Ref) -> int: ...


@_exported(c_uint32)
def sogov_version_number() -> int: ...


@_exported(c_char_p)
def sogov_version_text() -> bytes: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, _out, _error)
def sogov_service_open(engine: int, name: bytes, name_len: int, service: Ref, error: Ref) -> int: ...


@_exported(None, c_void_p)
def sogov_service_free(service: int) -> None: ...


@_exported(c_int, c_void_p, POINTER(Request), POINTER(c_uint64), _error)
def sogov_route(service: int, request: Ref, lease: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, POINTER(SignatureOptions), POINTER(Bytes), _error)
def sogov_sign(
    key: int, message: bytes, message_len: int, options: Ref, signature: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(SignatureOptions), _error)
def sogov_verify(
    key: int,
    message: bytes,
    message_len: int,
    signature: bytes,
    signature_len: int,
    options: Ref,
    error: Ref,
) -> int: ...


@_exported(c_int, POINTER(Verification), c_size_t, POINTER(SignatureOptions), POINTER(c_int), _error)
def sogov_verify_batch(items: Ref, count: int, options: Ref, results: Ref, error: Ref) -> int: ...


@_exported(
    c_int,
    POINTER(Signing),
    c_size_t,
    POINTER(SignatureOptions),
    c_char_p,
    c_size_t,
    POINTER(c_size_t),
    _error,
)
def sogov_sign_batch(
    items: Ref, count: int, options: Ref, signatures: Ref, stride: int, lengths: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_uint32, c_char_p, c_size_t, c_char_p, _error)
def sogov_digest(algorithm: int, data: bytes, data_len: int, digest: Ref, error: Ref) -> int: ...


@_exported(c_int, POINTER(VerifierOptions), _out, _error)
def sogov_verifier_open(options: Ref, verifier: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(Verification), POINTER(SignatureOptions), c_uint64, _error)
def sogov_verifier_submit(verifier: int, item: Ref, options: Ref, ticket: int, error: Ref) -> int: ...


@_exported(c_int, c_void_p, POINTER(VerificationResult), c_size_t, c_int64, POINTER(c_size_t), _error)
def sogov_verifier_poll(
    verifier: int, results: Ref, capacity: int, timeout_us: int, count: Ref, error: Ref
) -> int: ...


@_exported(c_int, c_void_p, POINTER(c_int32), _error)
def sogov_verifier_event_fd(verifier: int, fd: Ref, error: Ref) -> int: ...


@_exported(c_int, c_void_p, _error)
def sogov_verifier_close(verifier: int, error: Ref) -> int: ...


@_exported(c_size_t, c_void_p)
def sogov_verifier_free(verifier: int) -> int: ...
