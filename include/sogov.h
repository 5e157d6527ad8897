/*
 * sogov.h - governs native plugins: signed, versioned, routed, rolled back.
 *
 * What holds for every function (docs/conventions.md has the whole text):
 *
 *  - A function that can fail returns sogov_status and takes `sogov_error **error` last. NULL there is allowed;
 *    otherwise an error object is written on failure, and nothing on success.
 *  - Texts are pointer and length, UTF-8, not NUL-terminated; (NULL, 0) is empty. SOGOV_TEXT("fee") gives both.
 *  - Option structs begin with their size. NULL means the defaults; members that a caller does not know are zero.
 *  - Handles are counted inside: any order of freeing is safe, and using a freed handle is SOGOV_STATUS_CLOSED.
 *    Error objects are no handles: free each once.
 *  - Every function may be called from any thread, at any time, but for sogov_bytes: one thread at a time each.
 *  - Parameters are borrowed for the call unless the comment says "taken"; results are owned by the caller.
 *  - Nothing is printed, no signal handler is installed, no environment variable is changed. One is read: SOGOV_CPU, which
 *    takes instructions away from the cryptography (docs/conventions.md).
 *
 * This file is made from src/capi/ by cbindgen. Do not edit it: `make header` writes it anew.
 */

#ifndef SOGOV_H
#define SOGOV_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header; sogov_version_number() tells the library's. */
#define SOGOV_VERSION_MAJOR 0
#define SOGOV_VERSION_MINOR 1
#define SOGOV_VERSION_PATCH 0
#define SOGOV_VERSION_NUMBER \
  (SOGOV_VERSION_MAJOR * 1000000 + SOGOV_VERSION_MINOR * 1000 + SOGOV_VERSION_PATCH)
#define SOGOV_VERSION_TEXT "0.1.0"

/* A string literal as pointer and length. */
#define SOGOV_TEXT(literal) (literal), (sizeof(literal) - 1)

/* Bytes of a service's name or a version's label, and of a pin reason, the NUL included. */
#define SOGOV_LABEL_SIZE 65
#define SOGOV_REASON_SIZE 256

/* First values of the structs that calls fill. */
#define SOGOV_BYTES_INIT {NULL, 0, 0}
#define SOGOV_VERSION_INFO_INIT \
  {sizeof(sogov_version_info), {0}, {0}, SOGOV_STANDING_LOADED, 0, {0}, 0, 0, 0, 0, {0}, \
   SOGOV_BREAKER_CLOSED, 0, 0, 0}
#define SOGOV_PROCESS_INFO_INIT {sizeof(sogov_process_info), 0, 0, 0, 0, 0, 0, {0}, {0}}
#define SOGOV_AUDIT_REPORT_INIT {sizeof(sogov_audit_report), 0, {0, {0}}, 0, 0, 0, 0}
#define SOGOV_TRUST_INFO_INIT {sizeof(sogov_trust_info), 0, 0, 0, 0, 0, 0, 0, 0}
#define SOGOV_CALL_INFO_INIT {sizeof(sogov_call_info), 0, SOGOV_ROUTE_REASON_NONE, {0}}

/* Defined in sogov_plugin.h. */
struct sogov_plugin;


/**
 * What became of a call. Zero is success; every other code belongs to a family by its hundreds:
 * 1xx the call itself, 2xx the system, 3xx keys and signatures, 4xx trust, 5xx loading, 6xx routing,
 * 7xx plugins, 9xx this library. New codes may join a family; a code never changes its meaning.
 */
typedef enum sogov_status {
  /**
   * The call did what it says.
   */
  SOGOV_STATUS_OK = 0,
  /**
   * An argument is NULL, too long, not UTF-8, out of range or of another kind than asked for.
   */
  SOGOV_STATUS_INVALID_ARGUMENT = 100,
  /**
   * The handle was freed, or its engine was.
   */
  SOGOV_STATUS_CLOSED = 101,
  /**
   * No service, version, symbol, key or file of that name.
   */
  SOGOV_STATUS_NOT_FOUND = 102,
  /**
   * The thing exists already or is in use; nothing was changed.
   */
  SOGOV_STATUS_BUSY = 103,
  /**
   * The call would wait for itself: it was made from inside a plugin call of the same version.
   */
  SOGOV_STATUS_DEADLOCK = 104,
  /**
   * A limit was reached (leases in flight, versions of a service, sizes).
   */
  SOGOV_STATUS_LIMIT_EXCEEDED = 105,
  /**
   * The caller's own callback asked to stop; the state is as before the call.
   */
  SOGOV_STATUS_CANCELLED = 106,
  /**
   * The operating system refused a read, a write, a mapping or a lock.
   */
  SOGOV_STATUS_IO = 200,
  /**
   * This kernel, architecture or build lacks what the call needs.
   */
  SOGOV_STATUS_UNSUPPORTED = 201,
  /**
   * The audit trail is not what was written: a record is missing, moved or altered; the message says where.
   */
  SOGOV_STATUS_AUDIT_BROKEN = 202,
  /**
   * A key could not be read: wrong format, wrong password, wrong curve, off the curve.
   */
  SOGOV_STATUS_KEY_INVALID = 300,
  /**
   * The signature does not belong to these bytes, this key and this user id.
   */
  SOGOV_STATUS_SIGNATURE_INVALID = 301,
  /**
   * The private key stayed behind in the process that was forked: read it again in this one.
   */
  SOGOV_STATUS_KEY_LOST_AFTER_FORK = 302,
  /**
   * The token or device that keeps the private key refused: not there, wrong PIN, no such key or mechanism.
   */
  SOGOV_STATUS_CUSTODY_FAILED = 303,
  /**
   * The artifact carries no signature at all.
   */
  SOGOV_STATUS_UNSIGNED = 400,
  /**
   * The artifact's bytes are not those that were signed.
   */
  SOGOV_STATUS_MODIFIED = 401,
  /**
   * More than one reading of the artifact's signature is possible (two sections, a section and a file).
   */
  SOGOV_STATUS_AMBIGUOUS = 402,
  /**
   * The validity of the statement, the key or the trust document has ended.
   */
  SOGOV_STATUS_EXPIRED = 403,
  /**
   * The validity of the statement, the key or the trust document has not begun.
   */
  SOGOV_STATUS_NOT_YET_VALID = 404,
  /**
   * Too few signatures by keys that the trust document names.
   */
  SOGOV_STATUS_UNTRUSTED_KEY = 405,
  /**
   * The statement is for another service, version or architecture than asked for.
   */
  SOGOV_STATUS_WRONG_SERVICE = 406,
  /**
   * The statement's epoch is below the floor.
   */
  SOGOV_STATUS_BELOW_FLOOR = 407,
  /**
   * The trust directory or its document is missing, malformed, unsafe or not signed by the root keys.
   */
  SOGOV_STATUS_TRUST_INVALID = 408,
  /**
   * The artifact, or a key that signed it, stands on the deny-list.
   */
  SOGOV_STATUS_REVOKED = 409,
  /**
   * The clock stands before a time that was seen already, or jumped ahead too far to be believed.
   */
  SOGOV_STATUS_CLOCK_REFUSED = 410,
  /**
   * The bill of materials is missing where it is asked for, malformed, or not the one that was signed.
   */
  SOGOV_STATUS_SBOM_INVALID = 411,
  /**
   * A component of the artifact is denied by the trust document or has a known vulnerability.
   */
  SOGOV_STATUS_COMPONENT_DENIED = 412,
  /**
   * The update package is malformed, was altered, or is not encrypted for the key at hand.
   */
  SOGOV_STATUS_PACKAGE_INVALID = 420,
  /**
   * The update package is meant for another host.
   */
  SOGOV_STATUS_WRONG_AUDIENCE = 421,
  /**
   * The update package was installed before, or a later one was.
   */
  SOGOV_STATUS_REPLAYED = 422,
  /**
   * The file is not an ELF image that may be loaded: malformed, truncated, of another architecture, or with
   * a feature that is refused (RPATH, executable stack, text relocations).
   */
  SOGOV_STATUS_IMAGE_REJECTED = 500,
  /**
   * The dynamic linker refused the image, or it mapped something else than was verified.
   */
  SOGOV_STATUS_LOAD_FAILED = 501,
  /**
   * The version stays mapped by necessity; the message and the listing name the reason.
   */
  SOGOV_STATUS_PINNED = 502,
  /**
   * The preflight refused the version: in its child process it crashed, hung, exited or answered wrong. The message
   * says in which stage, and how it ended.
   */
  SOGOV_STATUS_PREFLIGHT_FAILED = 503,
  /**
   * An update was taken back: the new version did not pass a step, which the message names; the old one serves.
   */
  SOGOV_STATUS_UPDATE_FAILED = 504,
  /**
   * The route policy is malformed or contradicts what is loaded; the message says where.
   */
  SOGOV_STATUS_ROUTE_POLICY_INVALID = 600,
  /**
   * No version can serve the request.
   */
  SOGOV_STATUS_NO_VERSION = 601,
  /**
   * The lease was released before, or never handed out.
   */
  SOGOV_STATUS_LEASE_GONE = 602,
  /**
   * Every version that could serve the request has an open breaker.
   */
  SOGOV_STATUS_BREAKER_OPEN = 603,
  /**
   * The plugin answered with a failure, or broke its contract.
   */
  SOGOV_STATUS_PLUGIN_FAILED = 700,
  /**
   * The plugin's code crashed in the call, which was given up; the version never serves again. Only with
   * `contain_crashes`.
   */
  SOGOV_STATUS_PLUGIN_CRASHED = 701,
  /**
   * A fault inside sogov; the state is as before the call. Please report it.
   */
  SOGOV_STATUS_INTERNAL = 900,
} sogov_status;

/**
 * Why a request went to the version it went to, in the order of precedence.
 */
typedef enum sogov_route_reason {
  /**
   * No version was reached.
   */
  SOGOV_ROUTE_REASON_NONE = 0,
  /**
   * The policy's kill switch.
   */
  SOGOV_ROUTE_REASON_KILL_SWITCH = 1,
  /**
   * The user is pinned.
   */
  SOGOV_ROUTE_REASON_PIN = 2,
  /**
   * A header rule.
   */
  SOGOV_ROUTE_REASON_RULE = 3,
  /**
   * The user's bucket lies in a gray version's share.
   */
  SOGOV_ROUTE_REASON_FRACTION = 4,
  /**
   * The stable version, by default.
   */
  SOGOV_ROUTE_REASON_STABLE = 5,
  /**
   * The stable version, as the user is unknown.
   */
  SOGOV_ROUTE_REASON_MISSING_KEY = 6,
  /**
   * Drawn at random, as the user is unknown and the policy says so.
   */
  SOGOV_ROUTE_REASON_RANDOM = 7,
  /**
   * The version that it would have been has an open breaker: the stable version, or the last stable one before it.
   */
  SOGOV_ROUTE_REASON_BREAKER = 8,
  /**
   * The version's breaker is open, and this request was let through to see whether the version has recovered.
   */
  SOGOV_ROUTE_REASON_PROBE = 9,
} sogov_route_reason;

/**
 * How much a line matters.
 */
typedef enum sogov_log_level {
  /**
   * Something was refused or lost; somebody should look.
   */
  SOGOV_LOG_LEVEL_ERROR = 1,
  /**
   * Works, but not as it should for good.
   */
  SOGOV_LOG_LEVEL_WARNING = 2,
  /**
   * A change that was asked for has happened.
   */
  SOGOV_LOG_LEVEL_INFO = 3,
} sogov_log_level;

/**
 * What happened to a version.
 */
typedef enum sogov_event_kind {
  /**
   * Too many calls failed: requests go to a stable version instead.
   */
  SOGOV_EVENT_KIND_BREAKER_OPENED = 1,
  /**
   * One request is let through to a broken version, to see whether it has recovered.
   */
  SOGOV_EVENT_KIND_BREAKER_PROBING = 2,
  /**
   * The probe failed: the breaker stays open for its whole time again.
   */
  SOGOV_EVENT_KIND_BREAKER_REOPENED = 3,
  /**
   * The version has recovered and serves again.
   */
  SOGOV_EVENT_KIND_BREAKER_CLOSED = 4,
  /**
   * The version crashed in a call. It serves no more in this process and stays mapped.
   */
  SOGOV_EVENT_KIND_QUARANTINED = 5,
  /**
   * The version was to be unmapped and has to stay mapped.
   */
  SOGOV_EVENT_KIND_PINNED = 6,
  /**
   * The version was unmapped.
   */
  SOGOV_EVENT_KIND_UNMAPPED = 7,
  /**
   * The version is trusted no more; the detail says why and what became of it.
   */
  SOGOV_EVENT_KIND_REVOKED = 8,
  /**
   * The machine's clock was set back, or jumped ahead by more than a day. It concerns no service: the names are empty.
   */
  SOGOV_EVENT_KIND_CLOCK = 9,
} sogov_event_kind;

/**
 * Where a version stands in its service.
 */
typedef enum sogov_standing {
  /**
   * Loaded; no request reaches it yet.
   */
  SOGOV_STANDING_LOADED = 0,
  /**
   * Serves the requests that the route policy sends it.
   */
  SOGOV_STANDING_GRAY = 1,
  /**
   * Serves by default.
   */
  SOGOV_STANDING_STABLE = 2,
  /**
   * Takes no new requests; still mapped, so that rollback or promotion brings it back at once.
   */
  SOGOV_STANDING_RETIRED = 3,
  /**
   * Stopped, but mapped by necessity for the rest of the process; the report has the reason.
   */
  SOGOV_STANDING_PINNED = 4,
} sogov_standing;

/**
 * Where a breaker stands.
 */
typedef enum sogov_breaker {
  /**
   * Requests reach the version.
   */
  SOGOV_BREAKER_CLOSED = 0,
  /**
   * They do not.
   */
  SOGOV_BREAKER_OPEN = 1,
  /**
   * One of them does, to see whether the version has recovered.
   */
  SOGOV_BREAKER_PROBING = 2,
  /**
   * The version crashed and serves no more in this process.
   */
  SOGOV_BREAKER_QUARANTINED = 3,
} sogov_breaker;

/**
 * How an installed file stands to the receipt of its installation.
 */
typedef enum sogov_package_standing {
  /**
   * It is the file that was installed, with its content.
   */
  SOGOV_PACKAGE_STANDING_UNTOUCHED = 0,
  /**
   * Its content is another; loading refuses it.
   */
  SOGOV_PACKAGE_STANDING_REPLACED = 1,
  /**
   * Its content is the one that was installed, in another file, as after a restore from a backup.
   */
  SOGOV_PACKAGE_STANDING_MOVED = 2,
} sogov_package_standing;

/**
 * The steps of an update, in their order. Some are left out, as the options say.
 */
typedef enum sogov_update_step {
  /**
   * Signatures and statement.
   */
  SOGOV_UPDATE_STEP_VERIFY = 0,
  /**
   * What can be found out about the image before it runs in this process.
   */
  SOGOV_UPDATE_STEP_PREFLIGHT = 1,
  /**
   * Mapping, constructors, `start` and `health`.
   */
  SOGOV_UPDATE_STEP_LOAD = 2,
  /**
   * The old version's state as it stands, into the new one.
   */
  SOGOV_UPDATE_STEP_IMPORT_STATE = 3,
  /**
   * The request that the plugin declares for it.
   */
  SOGOV_UPDATE_STEP_SELF_TEST = 4,
  /**
   * Copies of requests.
   */
  SOGOV_UPDATE_STEP_SHADOW = 5,
  /**
   * A share of the requests.
   */
  SOGOV_UPDATE_STEP_GRAY = 6,
  /**
   * Requests wait while the state moves.
   */
  SOGOV_UPDATE_STEP_HANDOVER = 7,
  /**
   * All requests, while the old version is still the stable one.
   */
  SOGOV_UPDATE_STEP_PROBATION = 8,
  /**
   * The new version becomes the stable one.
   */
  SOGOV_UPDATE_STEP_PROMOTE = 9,
  /**
   * The update is complete.
   */
  SOGOV_UPDATE_STEP_DONE = 10,
  /**
   * The update failed: what served before serves.
   */
  SOGOV_UPDATE_STEP_ROLLED_BACK = 11,
} sogov_update_step;

/**
 * Where in a step a report comes from.
 */
typedef enum sogov_update_phase {
  /**
   * The step begins.
   */
  SOGOV_UPDATE_PHASE_BEGINS = 0,
  /**
   * The step is under way; at least every 50 ms where it waits.
   */
  SOGOV_UPDATE_PHASE_WAITS = 1,
  /**
   * The step ended well.
   */
  SOGOV_UPDATE_PHASE_ENDS = 2,
} sogov_update_phase;

/**
 * The file formats that keys are written in.
 */
typedef enum sogov_key_format {
  /**
   * SubjectPublicKeyInfo, DER (RFC 5280, section 4.1); of a private key, its public part. Of a registered scheme's key,
   * SEQUENCE { scheme UTF8String, key OCTET STRING }.
   */
  SOGOV_KEY_FORMAT_SPKI_DER = 1,
  /**
   * The same, PEM.
   */
  SOGOV_KEY_FORMAT_SPKI_PEM = 2,
  /**
   * PKCS#8, DER (RFC 5958), not encrypted.
   */
  SOGOV_KEY_FORMAT_PKCS8_DER = 3,
  /**
   * PKCS#8, PEM; with a password, encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC).
   */
  SOGOV_KEY_FORMAT_PKCS8_PEM = 4,
  /**
   * The bytes that sogov_key_load_raw() takes: the secret of hmac-sha256, or the public key of a registered scheme.
   */
  SOGOV_KEY_FORMAT_RAW = 5,
} sogov_key_format;

/**
 * Where the secret part of a key is kept.
 */
typedef enum sogov_custody {
  /**
   * Nowhere: the key is a public one.
   */
  SOGOV_CUSTODY_NONE = 0,
  /**
   * In the heap, wiped when the key is freed.
   */
  SOGOV_CUSTODY_HEAP = 1,
  /**
   * In pages of their own that core dumps leave out and a forked child loses. They could not be locked, so the system may
   * write them to swap.
   */
  SOGOV_CUSTODY_UNLOCKED = 2,
  /**
   * In such pages, locked into memory.
   */
  SOGOV_CUSTODY_LOCKED = 3,
  /**
   * In such pages, which the kernel itself cannot read for others (memfd_secret): neither debuggers nor /proc show them.
   */
  SOGOV_CUSTODY_SECRET = 4,
  /**
   * In a PKCS#11 token.
   */
  SOGOV_CUSTODY_TOKEN = 5,
  /**
   * In an SDF device.
   */
  SOGOV_CUSTODY_DEVICE = 6,
} sogov_custody;

/**
 * What happens where memory cannot be locked, as RLIMIT_MEMLOCK has it.
 */
typedef enum sogov_key_memory {
  /**
   * The key is kept all the same, and says so: its custody is "unlocked". The default.
   */
  SOGOV_KEY_MEMORY_DEGRADE = 0,
  /**
   * No key is made or read: SOGOV_STATUS_LIMIT_EXCEEDED, which names the limit.
   */
  SOGOV_KEY_MEMORY_REQUIRE = 1,
} sogov_key_memory;

/**
 * How a signature is written.
 */
typedef enum sogov_signature_encoding {
  /**
   * The scheme's own form. sm2-sm3, ecdsa-p256: 64 bytes, R and S, each 32 bytes, big-endian. rsa-pss-sha512: as long as
   * the modulus. hmac-sha256: 32 bytes.
   */
  SOGOV_SIGNATURE_ENCODING_RAW = 0,
  /**
   * SEQUENCE { INTEGER r, INTEGER s } in DER, as OpenSSL and Bouncy Castle write it; for sm2-sm3 and ecdsa-p256.
   */
  SOGOV_SIGNATURE_ENCODING_DER = 1,
} sogov_signature_encoding;

/**
 * The digests, each of 32 bytes.
 */
typedef enum sogov_digest_algorithm {
  /**
   * SM3 (GB/T 32905-2016).
   */
  SOGOV_DIGEST_ALGORITHM_SM3 = 1,
  /**
   * The tree digest of docs/conventions.md: SM3 over leaves of 64 KiB, which are hashed side by side. The digest of
   * plugin files, and the faster one for data of more than some leaves.
   */
  SOGOV_DIGEST_ALGORITHM_SM3_TREE = 2,
} sogov_digest_algorithm;

/**
 * How a call under a lease ended, as the caller saw it.
 */
typedef enum sogov_outcome {
  /**
   * The version answered as it should.
   */
  SOGOV_OUTCOME_SUCCESS = 0,
  /**
   * The version failed: its fault, not the request's.
   */
  SOGOV_OUTCOME_FAILURE = 1,
  /**
   * Nothing was learned about the version (the request was bad, or was given up before the call).
   */
  SOGOV_OUTCOME_NEUTRAL = 2,
} sogov_outcome;

/**
 * Whether versions are tried in a child process before they enter this one.
 */
typedef enum sogov_preflight {
  /**
   * Without a passed preflight nothing is loaded.
   */
  SOGOV_PREFLIGHT_REQUIRED = 0,
  /**
   * Versions are loaded without one.
   */
  SOGOV_PREFLIGHT_OFF = 1,
} sogov_preflight;

/**
 * What becomes of a plugin that exports and uses symbols which the program defines too.
 */
typedef enum sogov_symbol_collisions {
  /**
   * It is refused.
   */
  SOGOV_SYMBOL_COLLISIONS_REFUSE = 0,
  /**
   * It is loaded, the log says so, and the program's are used.
   */
  SOGOV_SYMBOL_COLLISIONS_WARN = 1,
  /**
   * It is loaded with RTLD_DEEPBIND: its own are used, and those of the libraries that it needs before the program's.
   */
  SOGOV_SYMBOL_COLLISIONS_OWN_FIRST = 2,
} sogov_symbol_collisions;

/**
 * What becomes of the state, for sogov_update_options.
 */
typedef enum sogov_update_state {
  /**
   * Nothing: there is none, or the new version begins with its own.
   */
  SOGOV_UPDATE_STATE_NONE = 0,
  /**
   * Exported while the old version serves; what changes afterwards is not in the new version.
   */
  SOGOV_UPDATE_STATE_COPY = 1,
  /**
   * The same as a rehearsal; then requests wait, calls in flight end, and the state is moved. Nothing is lost.
   */
  SOGOV_UPDATE_STATE_HANDOVER = 2,
} sogov_update_state;

/**
 * What a step comes to that ends with fewer calls than it asks for, for sogov_update_options.
 */
typedef enum sogov_update_no_data {
  /**
   * The update fails.
   */
  SOGOV_UPDATE_NO_DATA_FAIL = 0,
  /**
   * The next step follows.
   */
  SOGOV_UPDATE_NO_DATA_PASS = 1,
  /**
   * The step goes on until there are enough, or the update is cancelled.
   */
  SOGOV_UPDATE_NO_DATA_HOLD = 2,
} sogov_update_no_data;

/**
 * An engine: trust, services and versions of one program. Usually there is one a process. Any number of threads
 * may use it at once. Freed with sogov_engine_free().
 */
typedef struct sogov_engine sogov_engine;

/**
 * Why a call failed. Made by the call that failed, owned by the caller, freed with sogov_error_free().
 */
typedef struct sogov_error sogov_error;

/**
 * A key: private, public, or a secret of hmac-sha256. It signs and verifies under one scheme, which its own encoding says.
 * Private parts in this process are in memory of their own (sogov_key_custody()), and stay there: a forked child does not
 * have them, and answers SOGOV_STATUS_KEY_LOST_AFTER_FORK. Immutable; any number of threads may use it at once. Freed with sogov_key_free(),
 * which wipes a private one when the last call that uses it has ended.
 */
typedef struct sogov_key sogov_key;

/**
 * A public key of RSA or SM2 that packages are encrypted for. Immutable; any number of threads may use it at once. Freed
 * with sogov_recipient_free().
 */
typedef struct sogov_recipient sogov_recipient;

/**
 * A private key of RSA or SM2 that opens packages. Immutable; any number of threads may use it at once. Freed with
 * sogov_recipient_key_free(), which wipes it when the last call that uses it has ended.
 */
typedef struct sogov_recipient_key sogov_recipient_key;

/**
 * A service, looked up once and used for every request. Any number of threads may use it at once. Freed with
 * sogov_service_free(), before or after its engine.
 */
typedef struct sogov_service sogov_service;

/**
 * A pool of threads that verifies signatures in the background. Tickets go in from any number of threads and come back
 * with their results: by a callback, or by polling. Freed with sogov_verifier_free().
 */
typedef struct sogov_verifier sogov_verifier;

/**
 * A place in an audit trail: everything up to it is fixed by the hash.
 */
typedef struct sogov_audit_position {
  /**
   * The number of a record; 0 for none.
   */
  uint64_t record;
  /**
   * Its hash.
   */
  uint8_t hash[32];
} sogov_audit_position;

/**
 * What was found in a trail that is as it was written. Set `size` before the call.
 */
typedef struct sogov_audit_report {
  /**
   * sizeof(sogov_audit_report), set by the caller.
   */
  size_t size;
  /**
   * The number of the first record that is kept; 0 for none.
   */
  uint64_t first;
  /**
   * The last record.
   */
  struct sogov_audit_position head;
  /**
   * How many files.
   */
  uint64_t segments;
  /**
   * How many checkpoints.
   */
  uint64_t checkpoints;
  /**
   * The number of the last checkpoint; 0 where there is none, or no key was given.
   */
  uint64_t signed_up_to;
  /**
   * How many times the rest of a record that a crash had torn was taken away.
   */
  uint64_t recovered;
} sogov_audit_report;

/**
 * A signature to be verified: that of `key` over `message`.
 */
typedef struct sogov_verification {
  /**
   * A public key, or a private one, whose public part is used.
   */
  const struct sogov_key *key;
  /**
   * Any number of bytes.
   */
  const uint8_t *message;
  /**
   * Bytes of the message.
   */
  size_t message_len;
  /**
   * In the encoding of the options.
   */
  const uint8_t *signature;
  /**
   * Bytes of the signature.
   */
  size_t signature_len;
  /**
   * The signer's SM2 user id, at most 8,191 bytes. NULL is that of the options; a pointer that is not NULL with
   * length 0 is the empty id.
   */
  const uint8_t *user_id;
  /**
   * Bytes of the user id.
   */
  size_t user_id_len;
} sogov_verification;

/**
 * What a signature is made or checked with. NULL and all-zero mean the defaults.
 */
typedef struct sogov_signature_options {
  /**
   * sizeof(sogov_signature_options).
   */
  size_t size;
  /**
   * The SM2 user id, at most 8,191 bytes. NULL is the default, "1234567812345678" (GM/T 0009, section 10); a
   * pointer that is not NULL with length 0 is the empty id.
   */
  const uint8_t *user_id;
  /**
   * Bytes of the user id.
   */
  size_t user_id_len;
  /**
   * One of sogov_signature_encoding.
   */
  uint32_t encoding;
} sogov_signature_options;

/**
 * A message to be signed by `key`.
 */
typedef struct sogov_signing {
  /**
   * A private key.
   */
  const struct sogov_key *key;
  /**
   * Any number of bytes; not those that sogov_sign() refuses.
   */
  const uint8_t *message;
  /**
   * Bytes of the message.
   */
  size_t message_len;
  /**
   * The signer's SM2 user id, as in sogov_verification.
   */
  const uint8_t *user_id;
  /**
   * Bytes of the user id.
   */
  size_t user_id_len;
} sogov_signing;

/**
 * A buffer that functions of this library fill and grow. Begin with `SOGOV_BYTES_INIT` (all zero); hand the same
 * buffer to as many calls as you like, each replaces its content and keeps its memory; end with
 * sogov_bytes_free(). Do not write to `data`, `len` or `capacity`. One thread at a time.
 */
typedef struct sogov_bytes {
  /**
   * The content, or NULL when nothing was ever put in.
   */
  uint8_t *data;
  /**
   * Bytes of content.
   */
  size_t len;
  /**
   * Bytes of memory behind `data`.
   */
  size_t capacity;
} sogov_bytes;

/**
 * One header of a request (or one entry of gRPC metadata).
 */
typedef struct sogov_header {
  /**
   * The name; compared without regard to ASCII case.
   */
  const char *name;
  /**
   * Bytes of the name.
   */
  size_t name_len;
  /**
   * The value, any bytes.
   */
  const uint8_t *value;
  /**
   * Bytes of the value.
   */
  size_t value_len;
} sogov_header;

/**
 * What a route policy may look at. Borrowed for the call. NULL and all-zero mean: nothing is known.
 */
typedef struct sogov_request {
  /**
   * sizeof(sogov_request).
   */
  size_t size;
  /**
   * What identifies the user, any bytes; empty counts as unknown. Not looked at when the route policy takes the key
   * from headers (`hash.by`).
   */
  const uint8_t *user_key;
  /**
   * Bytes of the user key.
   */
  size_t user_key_len;
  /**
   * The headers, at most 64.
   */
  const struct sogov_header *headers;
  /**
   * How many headers.
   */
  size_t header_count;
} sogov_request;

/**
 * What became of a call. Set `size` before the call (SOGOV_CALL_INFO_INIT does).
 */
typedef struct sogov_call_info {
  /**
   * sizeof(sogov_call_info), set by the caller.
   */
  size_t size;
  /**
   * What the plugin's `invoke` returned; 0 when it was not reached.
   */
  int32_t plugin_status;
  /**
   * Why it was this version.
   */
  enum sogov_route_reason reason;
  /**
   * The version's label, NUL-terminated; empty when none was reached.
   */
  char version[SOGOV_LABEL_SIZE];
} sogov_call_info;

/**
 * Takes a line of the engine's log. Called on any thread, on the thread of the call that causes the line where there
 * is one; it may call any function of this library except sogov_engine_free() on its own engine.
 *
 * `message` is UTF-8 of `message_len` bytes, not NUL-terminated, valid during the call.
 */
typedef void (*sogov_log_callback)(void *context,
                                   enum sogov_log_level level,
                                   const char *message,
                                   size_t message_len);

/**
 * What happened to a version without anybody having asked for it. Texts are UTF-8, not NUL-terminated, and valid during
 * the callback.
 */
typedef struct sogov_event {
  /**
   * sizeof(sogov_event).
   */
  size_t size;
  /**
   * What happened.
   */
  enum sogov_event_kind kind;
  /**
   * The service's name.
   */
  const char *service;
  /**
   * Bytes of the name.
   */
  size_t service_len;
  /**
   * The version's label.
   */
  const char *version;
  /**
   * Bytes of the label.
   */
  size_t version_len;
  /**
   * The reason, for people.
   */
  const char *detail;
  /**
   * Bytes of the reason.
   */
  size_t detail_len;
} sogov_event;

/**
 * Takes an event. Called on any thread: that of the request which changed a breaker, or one of the library's. The same
 * rules hold as for sogov_log_callback; it should be quick, as a request may be waiting for it.
 */
typedef void (*sogov_event_callback)(void *context,
                                     const struct sogov_event *event);

/**
 * How an engine records what it does, in `machine/audit` of its state directory, which it must have then. All-zero
 * members mean the defaults. docs/audit.md says what is recorded, and what a trail is worth.
 */
typedef struct sogov_audit_options {
  /**
   * sizeof(sogov_audit_options).
   */
  size_t size;
  /**
   * 1: a change is refused, before it happens, when it cannot be recorded; and a trail that is broken is
   * SOGOV_STATUS_AUDIT_BROKEN when the engine is opened. 0: that is logged, and the change happens.
   */
  uint32_t required;
  /**
   * After how many records a checkpoint is signed; 0: 256. There is one also when the engine is freed.
   */
  uint32_t checkpoint_every;
  /**
   * The private key that signs checkpoints, of any scheme but hmac-sha256; NULL: there are none. Borrowed during
   * sogov_engine_open(), and kept beyond.
   */
  const struct sogov_key *checkpoint_key;
  /**
   * Bytes after which a new file begins, 64 KiB to 64 MiB; 0: 4 MiB.
   */
  uint64_t segment_size;
  /**
   * Bytes of all files together, beyond which the oldest are removed: 4 to 512 times `segment_size`; 0: 64 times.
   */
  uint64_t total_size;
  /**
   * Actors and reasons are recorded as HMAC-SHA256 codes under this key of 16 to 1,024 bytes; NULL: in clear.
   */
  const uint8_t *pseudonym_key;
  /**
   * Bytes of that key.
   */
  size_t pseudonym_key_len;
} sogov_audit_options;

/**
 * What an engine needs to know. NULL and all-zero mean the defaults.
 */
typedef struct sogov_engine_options {
  /**
   * sizeof(sogov_engine_options).
   */
  size_t size;
  /**
   * The trust directory: trust.json, its signature trust.json.sogsig, and public keys in keys/. Without one no
   * plugin can be loaded.
   */
  const char *trust_directory;
  /**
   * Bytes of the path.
   */
  size_t trust_directory_len;
  /**
   * Key identifiers, 32 bytes each: one of these keys must have signed trust.json. None: the development mode, in
   * which trust.json needs no signature; every sogov_version_info says so.
   */
  const uint8_t *root_key_ids;
  /**
   * How many identifiers.
   */
  size_t root_key_count;
  /**
   * The state directory, made where it is missing. Without one nothing outlives the process.
   */
  const char *state_directory;
  /**
   * Bytes of the path.
   */
  size_t state_directory_len;
  /**
   * Takes the log, or NULL. This library never prints.
   */
  sogov_log_callback log;
  /**
   * Handed to `log`.
   */
  void *log_context;
  /**
   * How many retired versions of each service stay mapped for an immediate way back; 0: 2.
   */
  size_t parked_versions;
  /**
   * Takes events, such as a breaker that opens, or NULL.
   */
  sogov_event_callback event;
  /**
   * Handed to `event`.
   */
  void *event_context;
  /**
   * A sogov_preflight. SOGOV_PREFLIGHT_REQUIRED (0): each version is loaded and started in a child process first, and
   * refused where that fails. SOGOV_PREFLIGHT_OFF: it is loaded at once.
   */
  uint32_t preflight;
  /**
   * How many milliseconds a preflight may last; 0: 5,000.
   */
  uint32_t preflight_ms;
  /**
   * How many MiB of private memory the child may use; 0: 512.
   */
  uint32_t preflight_memory_mib;
  /**
   * How many milliseconds of processor time the child may use, rounded up to seconds; 0: a second more than it
   * may last.
   */
  uint32_t preflight_cpu_ms;
  /**
   * A sogov_symbol_collisions, for the plugins of this engine. SOGOV_SYMBOL_COLLISIONS_REFUSE (0); the others are
   * explained in docs/plugin-guide.md, "Building".
   */
  uint32_t symbol_collisions;
  /**
   * 1: a crash of a plugin inside sogov_call(), or in another of its functions, ends that call, with
   * SOGOV_STATUS_PLUGIN_CRASHED, instead of the process; its version is never used again. Installs handlers for SIGSEGV, SIGBUS, SIGFPE and SIGILL, which stay;
   * x86-64 only. docs/conventions.md says what is a crash of a plugin and what is not. 0: no.
   */
  uint32_t contain_crashes;
  /**
   * How many bytes of address space the images of each service's retired versions may take together, beyond which the
   * oldest are unloaded; 0: 256 MiB.
   */
  size_t parked_bytes;
  /**
   * A key of hmac-sha256 that codes the receipts of installed packages, or NULL: then no package is installed, and receipts
   * are not looked at. It must not lie in the state directory. Borrowed; the engine keeps what it needs of it.
   */
  const struct sogov_key *receipt_key;
  /**
   * How what is done is recorded in the audit trail of the state directory, or NULL: nothing is.
   */
  const struct sogov_audit_options *audit;
  /**
   * How many of the root keys must have signed trust.json; 0: 1.
   */
  uint32_t root_threshold;
  /**
   * How often, in milliseconds, a background thread looks at the trust directory for what is revoked, from the first load
   * on; 0: every 10,000 where there is a state directory, otherwise never; UINT32_MAX: never. Loads and
   * sogov_trust_refresh() look in any case.
   */
  uint32_t trust_check_ms;
  /**
   * The number of the set of root keys that root_key_ids are; 0: 1. Later sets stand in the trust directory.
   */
  uint64_t root_set;
} sogov_engine_options;

/**
 * Who asks for a change, and why: both go into the log. NULL and all-zero mean the defaults.
 */
typedef struct sogov_change_options {
  /**
   * sizeof(sogov_change_options).
   */
  size_t size;
  /**
   * The person or program that asks.
   */
  const char *actor;
  /**
   * Bytes of the actor.
   */
  size_t actor_len;
  /**
   * The reason.
   */
  const char *reason;
  /**
   * Bytes of the reason.
   */
  size_t reason_len;
  /**
   * 1: return only when the new state is on the disk. 0: it gets there afterwards.
   */
  uint32_t wait_durable;
  /**
   * sogov_unload() only: for how many milliseconds to wait for leases. 0: 5,000.
   */
  uint32_t drain_ms;
  /**
   * sogov_load_versioned() only: the signature file; (NULL, 0): the plugin's path with ".sogsig" behind it, if there
   * is one.
   */
  const char *signature_path;
  /**
   * Bytes of the path.
   */
  size_t signature_path_len;
  /**
   * sogov_unload() only. 1: a version on which leases are left after `drain_ms` is given up. It stays mapped for ever,
   * its label is free, and the process is marked for ever as one that wants a restart (sogov_process_status()).
   */
  uint32_t force;
  /**
   * sogov_load_versioned() only. 1: the plugin and the libraries that it needs get a namespace of their own, with a C
   * library of their own: names, SONAMEs and statics of the program and of other plugins do not meet theirs. For plugins
   * in C without threads, streams and the C++ runtime: others are SOGOV_STATUS_UNSUPPORTED, and the message names what
   * stands in the way. At most 8 versions of a process at the same time, pinned ones included:
   * SOGOV_STATUS_LIMIT_EXCEEDED. docs/plugin-guide.md has the rest. A version that is brought back, by a rollback or a
   * restart, is loaded as it was.
   */
  uint32_t isolated;
  /**
   * sogov_load_versioned() only: the bill of materials that the statement binds; (NULL, 0): the plugin's path with
   * ".sbom.json" behind it. One that is named has to be bound.
   */
  const char *sbom_path;
  /**
   * Bytes of the path.
   */
  size_t sbom_path_len;
} sogov_change_options;

/**
 * A version as it stood at one moment. Set `size` before the call (SOGOV_VERSION_INFO_INIT does).
 */
typedef struct sogov_version_info {
  /**
   * sizeof(sogov_version_info), set by the caller.
   */
  size_t size;
  /**
   * The service's name, NUL-terminated.
   */
  char service[SOGOV_LABEL_SIZE];
  /**
   * The version's label, NUL-terminated.
   */
  char version[SOGOV_LABEL_SIZE];
  /**
   * Where the version stands.
   */
  enum sogov_standing standing;
  /**
   * 1 when the engine takes trust.json without a signature by root keys.
   */
  uint32_t development;
  /**
   * The artifact's digest.
   */
  uint8_t digest[32];
  /**
   * The epoch of its statement.
   */
  uint64_t epoch;
  /**
   * Leases that are out, sogov_call() included.
   */
  uint64_t in_flight;
  /**
   * Leases released with success or failure.
   */
  uint64_t calls;
  /**
   * Leases released with failure.
   */
  uint64_t failures;
  /**
   * Why it is pinned, NUL-terminated; empty otherwise. Begins with one of the words tls, thread, tsd, signal,
   * unique, nodelete, go, exit-handler, stop, dlclose, dependency, lease, crash, followed by a colon and the evidence.
   */
  char pin_reason[SOGOV_REASON_SIZE];
  /**
   * Where its breaker stands.
   */
  enum sogov_breaker breaker;
  /**
   * For how many milliseconds the breaker stays open; 0 when it is not.
   */
  uint64_t breaker_open_ms;
  /**
   * How often the breaker opened.
   */
  uint64_t breaker_opened;
  /**
   * 1 for a version with a namespace of its own; see sogov_change_options.
   */
  uint32_t isolated;
} sogov_version_info;

/**
 * What a signer states of a plugin file. Texts are UTF-8; (NULL, 0) is empty.
 */
typedef struct sogov_file_facts {
  /**
   * sizeof(sogov_file_facts).
   */
  size_t size;
  /**
   * The service that may run the plugin. Required.
   */
  const char *service;
  /**
   * Bytes of the service's name.
   */
  size_t service_len;
  /**
   * The label under which it may run. Required.
   */
  const char *version;
  /**
   * Bytes of the label.
   */
  size_t version_len;
  /**
   * The epoch: a number that grows with each release and that a trust policy can demand a minimum of.
   */
  uint64_t epoch;
  /**
   * Package URL, such as "pkg:generic/fee@1.4.2"; may be empty.
   */
  const char *name;
  /**
   * Bytes of the package URL.
   */
  size_t name_len;
  /**
   * Semantic version; may be empty.
   */
  const char *semver;
  /**
   * Bytes of the semantic version.
   */
  size_t semver_len;
  /**
   * Who issues it; may be empty.
   */
  const char *issuer;
  /**
   * Bytes of the issuer.
   */
  size_t issuer_len;
  /**
   * Valid from, in seconds since 1970; 0: always.
   */
  uint64_t not_before;
  /**
   * Valid until, in seconds since 1970; 0: for ever.
   */
  uint64_t not_after;
  /**
   * The SM2 user id; NULL is the default, as in sogov_signature_options.
   */
  const uint8_t *user_id;
  /**
   * Bytes of the user id.
   */
  size_t user_id_len;
  /**
   * 1: leave the plugin as it is and write the signature to a file of its own. 0: write a signed copy.
   */
  uint32_t detached;
  /**
   * The bill of materials to bind, a file in CycloneDX or SPDX JSON; (NULL, 0): none. Loading looks for it at the plugin's
   * path with ".sbom.json" behind it; it is not moved there.
   */
  const char *sbom_path;
  /**
   * Bytes of the path.
   */
  size_t sbom_path_len;
} sogov_file_facts;

/**
 * A lease: the right to call into one version until it is released. A plain number, never 0; any number that is not a
 * lease (any more) is recognised and answered with SOGOV_STATUS_LEASE_GONE.
 */
typedef uint64_t sogov_lease;

/**
 * A text of UTF-8; (NULL, 0) is empty.
 */
typedef struct sogov_text {
  /**
   * The text, not NUL-terminated.
   */
  const char *data;
  /**
   * Its bytes.
   */
  size_t len;
} sogov_text;

/**
 * What goes into a package.
 */
typedef struct sogov_pack_options {
  /**
   * sizeof(sogov_pack_options).
   */
  size_t size;
  /**
   * Paths of plugins, which are signed already; a signature file beside one, its path with ".sogsig" behind it, goes with
   * it. The last part of a path is the name in the package.
   */
  const struct sogov_text *plugins;
  /**
   * How many.
   */
  size_t plugin_count;
  /**
   * Paths of other files that are carried.
   */
  const struct sogov_text *files;
  /**
   * How many.
   */
  size_t file_count;
  /**
   * Names of the hosts that may install it. At least one.
   */
  const struct sogov_text *audiences;
  /**
   * How many.
   */
  size_t audience_count;
  /**
   * Private keys that sign the manifest, none of hmac-sha256. At least one; the trust directory of the hosts says how
   * many.
   */
  const struct sogov_key *const *keys;
  /**
   * How many.
   */
  size_t key_count;
  /**
   * The keys that the package is encrypted for, all of RSA or all of SM2. At least one.
   */
  const struct sogov_recipient *const *recipients;
  /**
   * How many.
   */
  size_t recipient_count;
  /**
   * The service of the plugins; empty: that of the first plugin.
   */
  const char *service;
  /**
   * Bytes of the service's name.
   */
  size_t service_len;
  /**
   * A number that must not fall from one package of the service to the next.
   */
  uint64_t epoch;
  /**
   * Until when it can be installed, in seconds since 1970; 0: 30 days from now.
   */
  uint64_t not_after;
  /**
   * Who issues it; may be empty.
   */
  const char *issuer;
  /**
   * Bytes of the issuer.
   */
  size_t issuer_len;
  /**
   * The SM2 user id; NULL is the default, as in sogov_signature_options.
   */
  const uint8_t *user_id;
  /**
   * Bytes of the user id.
   */
  size_t user_id_len;
} sogov_pack_options;

/**
 * How a package is installed.
 */
typedef struct sogov_install_options {
  /**
   * sizeof(sogov_install_options).
   */
  size_t size;
  /**
   * The name of this host, which must be among the package's audiences. Required.
   */
  const char *audience;
  /**
   * Bytes of the name.
   */
  size_t audience_len;
  /**
   * The person or program that asks; goes into the log.
   */
  const char *actor;
  /**
   * Bytes of the actor.
   */
  size_t actor_len;
  /**
   * The reason; goes into the log.
   */
  const char *reason;
  /**
   * Bytes of the reason.
   */
  size_t reason_len;
} sogov_install_options;

/**
 * The process as it stood at one moment, all engines together. Set `size` before the call (SOGOV_PROCESS_INFO_INIT does).
 */
typedef struct sogov_process_info {
  /**
   * sizeof(sogov_process_info), set by the caller.
   */
  size_t size;
  /**
   * Versions whose images are mapped, in whatever standing.
   */
  uint64_t versions_mapped;
  /**
   * Those among them that stay mapped by necessity.
   */
  uint64_t versions_pinned;
  /**
   * Those among them that are retired and wait for a way back.
   */
  uint64_t versions_parked;
  /**
   * Bytes of address space that the images take, each from its first segment to the end of its last one.
   */
  uint64_t bytes_mapped;
  /**
   * 1 once a version was given up by force, or the process was tainted: only a restart takes it back.
   */
  uint32_t restart_wanted;
  /**
   * 1 once something may have damaged the process.
   */
  uint32_t tainted;
  /**
   * The first reason why a restart is wanted, NUL-terminated; empty otherwise.
   */
  char restart_reason[SOGOV_REASON_SIZE];
  /**
   * The first reason why the process is tainted, NUL-terminated; empty otherwise.
   */
  char taint_reason[SOGOV_REASON_SIZE];
} sogov_process_info;

/**
 * Verifies a signature under a registered scheme: 1 when it is valid, any other number when it is not, or when anything
 * went wrong. Called on any thread, on several at once, a verifier's among them; it may call any function of this library that
 * may be called there, and must not unwind. What it is given is valid during the call.
 */
typedef int32_t (*sogov_scheme_verify)(void *payload,
                                       const uint8_t *public_key,
                                       size_t public_key_len,
                                       const uint8_t *message,
                                       size_t message_len,
                                       const uint8_t *signature,
                                       size_t signature_len);

/**
 * Signs under a registered scheme: 1 when it did, any other number when it could not. `signature` has room for
 * `*signature_len` bytes, which are 8,192; the function writes how many it used. Otherwise as sogov_scheme_verify.
 */
typedef int32_t (*sogov_scheme_sign)(void *payload,
                                     const uint8_t *private_key,
                                     size_t private_key_len,
                                     const uint8_t *message,
                                     size_t message_len,
                                     uint8_t *signature,
                                     size_t *signature_len);

/**
 * Told once that a registered scheme's payload is not used any more, on whichever thread used it last. It must not unwind.
 */
typedef void (*sogov_scheme_release)(void *payload);

/**
 * A signature scheme of the host's.
 */
typedef struct sogov_scheme_options {
  /**
   * sizeof(sogov_scheme_options).
   */
  size_t size;
  /**
   * The scheme's number in signed bytes, 128 to 254. It has to stay the same for as long as signatures are to be valid.
   */
  uint32_t number;
  /**
   * Verifies. Required.
   */
  sogov_scheme_verify verify;
  /**
   * Signs; NULL: the scheme verifies only.
   */
  sogov_scheme_sign sign;
  /**
   * Told when `payload` is not used any more, or NULL.
   */
  sogov_scheme_release release;
  /**
   * Handed to the functions.
   */
  void *payload;
} sogov_scheme_options;

/**
 * How trust stands. Set `size` before the call (SOGOV_TRUST_INFO_INIT does).
 */
typedef struct sogov_trust_info {
  /**
   * sizeof(sogov_trust_info), set by the caller.
   */
  size_t size;
  /**
   * The epoch of trust.json.
   */
  uint64_t document_epoch;
  /**
   * The number of denylist.json; 0: there is none.
   */
  uint64_t denylist_number;
  /**
   * The number of the set of root keys in force; 0 in the development mode.
   */
  uint64_t root_set;
  /**
   * Loaded versions that are revoked.
   */
  uint64_t revoked;
  /**
   * Those among them that serve.
   */
  uint64_t revoked_serving;
  /**
   * The time that decisions go by, in seconds since 1970; where the clock is not believed, the earliest that it can be.
   */
  uint64_t time;
  /**
   * 0: the clock is believed. 1: it was set back, and the latest time that was seen or signed counts. 2: it jumped ahead by
   * more than a day, and is not believed where that matters until sogov_trust_confirm_time().
   */
  uint32_t clock;
  /**
   * 1: what was accepted is remembered in the state directory. 0: in this process only.
   */
  uint32_t durable;
} sogov_trust_info;

/**
 * A copy of a request that two versions answered differently. No content: that may be anybody's.
 */
typedef struct sogov_update_mismatch {
  /**
   * Bytes of the request.
   */
  uint64_t request_len;
  /**
   * Bytes of the stable version's answer, and of the new one's.
   */
  uint64_t expected_len;
  /**
   * Bytes of the new version's answer.
   */
  uint64_t found_len;
  /**
   * What `invoke` of the stable version returned.
   */
  int32_t expected_status;
  /**
   * What `invoke` of the new version returned.
   */
  int32_t found_status;
  /**
   * SM3 of the request.
   */
  uint8_t request_digest[32];
  /**
   * SM3 of the stable version's answer.
   */
  uint8_t expected_digest[32];
  /**
   * SM3 of the new version's answer.
   */
  uint8_t found_digest[32];
} sogov_update_mismatch;

/**
 * How far an update has come. Later releases append members.
 */
typedef struct sogov_update_progress {
  /**
   * The bytes of this struct that the library filled.
   */
  size_t size;
  /**
   * The step.
   */
  enum sogov_update_step step;
  /**
   * Where in it.
   */
  enum sogov_update_phase phase;
  /**
   * The new version's share of the requests, in 10,000.
   */
  uint32_t share;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * Milliseconds since the step began.
   */
  uint64_t elapsed_ms;
  /**
   * Calls of the new version since the step began.
   */
  uint64_t calls;
  /**
   * Those that failed.
   */
  uint64_t failures;
  /**
   * Copies of requests whose answers were compared.
   */
  uint64_t compared;
  /**
   * Those that were answered otherwise.
   */
  uint64_t mismatched;
  /**
   * Copies for which there was no room.
   */
  uint64_t dropped;
  /**
   * One of the first mismatches, or NULL; valid during the call.
   */
  const struct sogov_update_mismatch *mismatch;
  /**
   * With SOGOV_UPDATE_STEP_ROLLED_BACK why: UTF-8, not NUL-terminated, valid during the call; else NULL.
   */
  const char *message;
  /**
   * Bytes of the message.
   */
  size_t message_len;
} sogov_update_progress;

/**
 * Takes the progress of an update, on the thread that called sogov_update(): before and after each step, and at least
 * every 50 ms where the update waits, but not while requests wait in a handover. Another answer than 0 cancels the
 * update, until it is promoted. It may call any function of this library but sogov_engine_free() on its own engine,
 * and must not unwind.
 */
typedef int32_t (*sogov_update_callback)(void *context,
                                         const struct sogov_update_progress *progress);

/**
 * A time of observation of the new version.
 */
typedef struct sogov_update_gray {
  /**
   * The new version's share of the requests, 1 to 10,000. Shares grow from step to step.
   */
  uint32_t share;
  /**
   * For how many milliseconds at least.
   */
  uint32_t hold_ms;
  /**
   * For how many calls of the new version at least; with fewer nothing is said about failures.
   */
  uint64_t calls;
} sogov_update_gray;

/**
 * How a version is to take over. NULL and all-zero load, test and promote it at once.
 */
typedef struct sogov_update_options {
  /**
   * sizeof(sogov_update_options).
   */
  size_t size;
  /**
   * The person or program that asks.
   */
  const char *actor;
  /**
   * Bytes of the actor.
   */
  size_t actor_len;
  /**
   * The reason.
   */
  const char *reason;
  /**
   * Bytes of the reason.
   */
  size_t reason_len;
  /**
   * The signature file; (NULL, 0): the plugin's path with ".sogsig" behind it, if there is one.
   */
  const char *signature_path;
  /**
   * Bytes of the path.
   */
  size_t signature_path_len;
  /**
   * Takes the progress, or NULL.
   */
  sogov_update_callback progress;
  /**
   * Handed to `progress`.
   */
  void *progress_context;
  /**
   * Growing shares, one after the other; none with SOGOV_UPDATE_STATE_HANDOVER.
   */
  const struct sogov_update_gray *gray;
  /**
   * How many, at most 64.
   */
  size_t gray_count;
  /**
   * How many requests to send to the new version as copies, 0: none. The plugin has to declare
   * SOGOV_PLUGIN_IDEMPOTENT.
   */
  uint64_t shadow_requests;
  /**
   * How many of them may be answered otherwise than by the stable version.
   */
  uint64_t shadow_mismatches;
  /**
   * For how many calls the new version serves everybody before it is promoted.
   */
  uint64_t probation_calls;
  /**
   * For how many milliseconds. With both 0 there is no probation.
   */
  uint32_t probation_ms;
  /**
   * How many milliseconds to wait for the requests to copy. 0: 10,000.
   */
  uint32_t shadow_ms;
  /**
   * A sogov_update_state.
   */
  uint32_t state;
  /**
   * For how many milliseconds requests may wait in a handover, at most 60,000. 0: 1,000.
   */
  uint32_t handover_ms;
  /**
   * How many of 10,000 calls of the new version may fail in a gray step or in the probation. 0: 100.
   */
  uint32_t tolerated_failures;
  /**
   * A sogov_update_no_data.
   */
  uint32_t on_no_data;
  /**
   * 1: a version that failed stays loaded.
   */
  uint32_t keep_failed;
  /**
   * For how many milliseconds unloading a version that failed waits for leases. 0: 5,000.
   */
  uint32_t drain_ms;
  /**
   * 1: return only when the new state is on the disk.
   */
  uint32_t wait_durable;
  /**
   * 1: the new version gets a namespace of its own; see sogov_change_options.
   */
  uint32_t isolated;
  /**
   * The bill of materials that the statement binds; see sogov_change_options.
   */
  const char *sbom_path;
  /**
   * Bytes of the path.
   */
  size_t sbom_path_len;
} sogov_update_options;

/**
 * What became of a ticket.
 */
typedef struct sogov_verification_result {
  /**
   * The number that was given when it was submitted.
   */
  uint64_t ticket;
  /**
   * SOGOV_STATUS_OK when the signature is valid; SOGOV_STATUS_SIGNATURE_INVALID when it is not, or is malformed;
   * SOGOV_STATUS_UNSUPPORTED when its scheme was a registered one that is not registered any more;
   * SOGOV_STATUS_INTERNAL for a fault inside sogov.
   */
  enum sogov_status status;
} sogov_verification_result;

/**
 * Takes the results of some tickets. Called on the threads of the pool, on several of them at once; it may call any
 * function of this library except sogov_verifier_close(), and it must not unwind. The tickets that it is told of are not
 * in flight any more, so there is room for as many, unless other threads took it. It must not wait for room: it may be
 * its own thread that has to make it. On SOGOV_STATUS_BUSY it verifies directly, by sogov_verify(), or hands the
 * signature to another thread.
 *
 * `results` are `count` results, at least one, valid during the call.
 */
typedef void (*sogov_verifier_callback)(void *context,
                                        const struct sogov_verification_result *results,
                                        size_t count);

/**
 * How a verifier works. NULL and all-zero mean the defaults.
 */
typedef struct sogov_verifier_options {
  /**
   * sizeof(sogov_verifier_options).
   */
  size_t size;
  /**
   * Threads, at most 1,024; 0: one for each processor that the process may use.
   */
  uint32_t threads;
  /**
   * How long a ticket waits for others to share the processor's lanes with, in microseconds, at most 1,000,000; 0: 50.
   * When a batch is full, it does not wait.
   */
  uint32_t max_wait_us;
  /**
   * Tickets in flight, at most 1,048,576; 0: 4,096. A ticket is in flight from its submission until its result was
   * polled or is handed to the callback.
   */
  size_t capacity;
  /**
   * Takes the results, or NULL: they are polled.
   */
  sogov_verifier_callback callback;
  /**
   * Handed to `callback`.
   */
  void *callback_context;
} sogov_verifier_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The last record of the engine's audit trail, to be kept where nobody who can write the state directory can write:
 * sogov_audit_verify() finds by it what was cut off.
 *
 * @param engine borrowed
 * @param checkpoint 1: sign and make durable what was recorded first; 0: do not
 * @param head receives the place
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when the engine records nothing; SOGOV_STATUS_AUDIT_BROKEN;
 *         SOGOV_STATUS_IO
 */
enum sogov_status sogov_audit_head(const struct sogov_engine *engine,
                                   uint32_t checkpoint,
                                   struct sogov_audit_position *head,
                                   struct sogov_error **error);

/**
 * Looks whether an audit trail is as it was written. Engines may be writing it meanwhile.
 *
 * @param directory the state directory, or the directory of a trail, which must belong to this user or to root
 * @param keys, key_count public or private keys, one of which must have signed each checkpoint, of which there must be one then;
 *        (NULL, 0): signatures are not looked at. Borrowed
 * @param expected a record that must be there, from sogov_audit_head() or an earlier report; or NULL
 * @param report receives what was found, as far as its `size` reaches; or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_AUDIT_BROKEN with the file, the record, what was expected and what was found in the
 *         message; SOGOV_STATUS_NOT_FOUND where there is no trail; SOGOV_STATUS_IO
 */
enum sogov_status sogov_audit_verify(const char *directory,
                                     size_t directory_len,
                                     const struct sogov_key *const *keys,
                                     size_t key_count,
                                     const struct sogov_audit_position *expected,
                                     struct sogov_audit_report *report,
                                     struct sogov_error **error);

/**
 * Verifies many signatures, of any keys, and tells of each whether it is valid. Faster than as many calls of
 * sogov_verify(), and the more so the more there are of SM2; those of other schemes are verified one by one.
 *
 * @param items borrowed; (NULL, 0) is none
 * @param count how many
 * @param options as for sogov_sign(): the encoding of all signatures, and the user id of items that have none
 * @param results receives `count` statuses: for each item what sogov_verify() would answer for it; NULL: they are not
 *                wanted. They are written on failure too: where the call as a whole is refused, none is SOGOV_STATUS_OK
 * @return SOGOV_STATUS_OK when every signature is valid, and for no items; SOGOV_STATUS_SIGNATURE_INVALID when an item
 *         has another result than SOGOV_STATUS_OK, whichever it is: the error says how many and names the first
 */
enum sogov_status sogov_verify_batch(const struct sogov_verification *items,
                                     size_t count,
                                     const struct sogov_signature_options *options,
                                     enum sogov_status *results,
                                     struct sogov_error **error);

/**
 * Signs many messages as sogov_sign() does, all of them or none. Faster than as many calls of it.
 *
 * @param items borrowed; (NULL, 0) is none
 * @param count how many
 * @param options as for sogov_sign(): the encoding of all signatures, and the user id of items that have none
 * @param signatures receives the signatures: that of item i from signatures + i * stride on
 * @param stride bytes from one signature to the next: at least 64, or 72 for SOGOV_SIGNATURE_ENCODING_DER, and for a
 *               registered scheme as many as its signatures have; what is left of them is not written
 * @param lengths receives `count` lengths; NULL: they are not wanted, as those of the raw encoding are 64 each for
 *                sm2-sm3 and ecdsa-p256
 * @return SOGOV_STATUS_OK; otherwise nothing is signed, and the status is what sogov_sign() would answer for the first
 *         item that it would refuse, which the error names
 */
enum sogov_status sogov_sign_batch(const struct sogov_signing *items,
                                   size_t count,
                                   const struct sogov_signature_options *options,
                                   uint8_t *signatures,
                                   size_t stride,
                                   size_t *lengths,
                                   struct sogov_error **error);

/**
 * Gives the buffer's memory back and leaves it empty, ready for use again.
 *
 * @param bytes a buffer, or NULL (nothing happens)
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a buffer that this library did not fill
 */
enum sogov_status sogov_bytes_free(struct sogov_bytes *bytes);

/**
 * Sends one request through the version that the route policy picks: route, lease, invoke, outcome and release in
 * one step. For level-1 plugins (sogov_plugin.h). Allocates only when the answer outgrows the buffer.
 *
 * @param service borrowed
 * @param request what the route policy may look at; NULL: nothing is known
 * @param input the request's bytes; borrowed
 * @param answer receives the answer, at most 1 GiB; neither `input` nor `request` may point into it; after a failure what the plugin had written. Not touched before
 *               the plugin runs except that it is emptied
 * @param info receives what became of the call, also when it failed; or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_PLUGIN_FAILED when `invoke` returned another number than 0, which then
 *         counts as the version's failure; SOGOV_STATUS_UNSUPPORTED for a level-0 plugin; else as sogov_route()
 */
enum sogov_status sogov_call(const struct sogov_service *service,
                             const struct sogov_request *request,
                             const uint8_t *input,
                             size_t input_len,
                             struct sogov_bytes *answer,
                             struct sogov_call_info *info,
                             struct sogov_error **error);

/**
 * Opens the private key that a URI names: in a key file, which is read into wiped memory, in a PKCS#11 token, or in an SDF
 * device (GM/T 0018). A key of a token or a device signs as any other, and what it signed is verified before it is
 * handed out; it cannot be exported. Sessions and logins are the library's affair, in forked children too. See
 * docs/custody.md.
 *
 * @param uri "file:PATH?pin-source=file:PATH", "pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH" (RFC 7512), or
 *            "sdf:library=PATH;index=N;pin-source=file:PATH"; paths are absolute, and PINs come from files only
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another text; SOGOV_STATUS_CUSTODY_FAILED when the token or the
 *         device refused, with the name of its code; SOGOV_STATUS_NOT_FOUND without a file that the URI names;
 *         SOGOV_STATUS_KEY_INVALID for a file that is no private key; SOGOV_STATUS_UNSUPPORTED for a key of another kind
 */
enum sogov_status sogov_key_open(const char *uri,
                                 size_t uri_len,
                                 struct sogov_key **key,
                                 struct sogov_error **error);

/**
 * Tells where the secret part of a key is kept.
 *
 * @param key borrowed
 * @param custody receives one of sogov_custody
 * @return SOGOV_STATUS_OK, for every key that is not freed
 */
enum sogov_status sogov_key_custody(const struct sogov_key *key,
                                    uint32_t *custody,
                                    struct sogov_error **error);

/**
 * Says what happens to private keys where memory cannot be locked (RLIMIT_MEMLOCK), for those that are made and read from now
 * on in this process.
 *
 * @param policy one of sogov_key_memory; SOGOV_KEY_MEMORY_DEGRADE unless set
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another number
 */
enum sogov_status sogov_key_memory_policy(uint32_t policy,
                                          struct sogov_error **error);

/**
 * The digest of some data.
 *
 * @param algorithm one of sogov_digest_algorithm
 * @param data any number of bytes; borrowed
 * @param digest receives 32 bytes
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for an unknown algorithm
 */
enum sogov_status sogov_digest(uint32_t algorithm,
                               const uint8_t *data,
                               size_t data_len,
                               uint8_t *digest,
                               struct sogov_error **error);

/**
 * Opens an engine. With a state directory, the last stable version of every service is verified again, loaded and
 * put back into service; one that is refused is logged, and its service has no stable version then.
 *
 * @param options NULL for an engine that can only sign and verify messages
 * @param engine receives the engine, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED for an unsound trust directory;
 *         SOGOV_STATUS_AUDIT_BROKEN for a trail that is required and not as it was written;
 *         SOGOV_STATUS_IO, SOGOV_STATUS_NOT_FOUND for directories that cannot be opened
 */
enum sogov_status sogov_engine_open(const struct sogov_engine_options *options,
                                    struct sogov_engine **engine,
                                    struct sogov_error **error);

/**
 * Closes an engine: its services serve nobody any more (SOGOV_STATUS_CLOSED), what is on its way to the disk gets
 * there, and versions without leases are stopped and unmapped. Leases that are out stay good: their versions stay
 * mapped until the last is released, which this does not wait for. Service handles may be freed before or after. Once
 * this has returned, the callbacks for log and events are not called any more.
 *
 * Do not call it from inside a plugin: the version of that call would be left to a thread of the library.
 *
 * In the child of a fork(), an engine of the parent serves nobody any more, and that is all: nothing is waited for,
 * written, stopped or unmapped.
 *
 * @param engine taken; NULL is ignored. Later uses of the handle answer SOGOV_STATUS_CLOSED
 */
void sogov_engine_free(struct sogov_engine *engine);

/**
 * Loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are mapped. The
 * version then stands beside those already there and serves nobody until sogov_promote() or a route policy names it.
 * Constructors of the plugin run, and for a level-1 plugin `start` and `health`: in a child process first (the
 * preflight), and then here.
 *
 * @param engine borrowed
 * @param service the service; it comes into being where it is new. 1 to 64 characters out of A-Z a-z 0-9 . _ -
 * @param version the label, which must be the statement's; (NULL, 0) takes the statement's
 * @param path the plugin
 * @param options actor, reason, signature_path, isolated, sbom_path; or NULL
 * @param info receives what is known of the version, or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_BUSY when the label is in use; the codes of trust (4xx), loading (5xx) and
 *         plugins (7xx), and for `isolated` SOGOV_STATUS_UNSUPPORTED and SOGOV_STATUS_LIMIT_EXCEEDED, after which nothing
 *         is loaded
 */
enum sogov_status sogov_load_versioned(const struct sogov_engine *engine,
                                       const char *service,
                                       size_t service_len,
                                       const char *version,
                                       size_t version_len,
                                       const char *path,
                                       size_t path_len,
                                       const struct sogov_change_options *options,
                                       struct sogov_version_info *info,
                                       struct sogov_error **error);

/**
 * Puts a route policy in force for a service, whole, or refuses it and changes nothing. Requests that are being
 * routed at that moment go by the old policy or by the new one.
 *
 * @param engine borrowed
 * @param service the service; it comes into being where it is new
 * @param document the policy, JSON in UTF-8, at most 1 MiB; docs/conventions.md has its fields
 * @param options actor, reason, wait_durable; or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_ROUTE_POLICY_INVALID with the place and the reason in the message
 */
enum sogov_status sogov_route_policy_apply(const struct sogov_engine *engine,
                                           const char *service,
                                           size_t service_len,
                                           const uint8_t *document,
                                           size_t document_len,
                                           const struct sogov_change_options *options,
                                           struct sogov_error **error);

/**
 * Makes a loaded, gray or retired version the stable one, for everybody: the route policy in force ends. Calls in
 * flight end where they began; the next request goes to the new version. The former stable version is retired and
 * remembered for sogov_rollback().
 *
 * @param engine borrowed
 * @param service, version what is promoted
 * @param options actor, reason, wait_durable; or NULL
 * @param info receives what is known of the version, or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when no such version is loaded; SOGOV_STATUS_PINNED when it was
 *         stopped already
 */
enum sogov_status sogov_promote(const struct sogov_engine *engine,
                                const char *service,
                                size_t service_len,
                                const char *version,
                                size_t version_len,
                                const struct sogov_change_options *options,
                                struct sogov_version_info *info,
                                struct sogov_error **error);

/**
 * Takes back the newest exposure: while gray versions serve, they are withdrawn and the stable version serves
 * everybody; otherwise the stable version gives way to the one before it. Calls in flight end where they began, none
 * is lost; the next request goes to the restored version. What was withdrawn is retired, and can be promoted again.
 *
 * A predecessor that is not mapped any more is loaded from the state directory first. After a rollback, route
 * policies with the epoch that was in force, or a lower one, are refused.
 *
 * @param engine borrowed
 * @param service the service
 * @param options actor, reason, wait_durable; or NULL
 * @param restored receives what is known of the version that serves now, or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when there is nothing to go back to: then nothing changed
 */
enum sogov_status sogov_rollback(const struct sogov_engine *engine,
                                 const char *service,
                                 size_t service_len,
                                 const struct sogov_change_options *options,
                                 struct sogov_version_info *restored,
                                 struct sogov_error **error);

/**
 * Waits until no lease is on a loaded or retired version, stops it, unmaps it and proves from the dynamic linker's
 * own list that it is gone.
 *
 * @param engine borrowed
 * @param service, version what is unloaded
 * @param options actor, reason, drain_ms, force; or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_BUSY while it is stable or gray, or when leases were left: then it stands as
 *         before; SOGOV_STATUS_DEADLOCK from inside a call of it; SOGOV_STATUS_PINNED when it was stopped, or given up
 *         by force, but has to stay mapped, with the reason in the message and in listings
 */
enum sogov_status sogov_unload(const struct sogov_engine *engine,
                               const char *service,
                               size_t service_len,
                               const char *version,
                               size_t version_len,
                               const struct sogov_change_options *options,
                               struct sogov_error **error);

/**
 * The status that the failed call returned.
 *
 * @param error borrowed; NULL gives SOGOV_STATUS_OK
 * @return one of sogov_status
 */
enum sogov_status sogov_error_status(const struct sogov_error *error);

/**
 * The message: one line of UTF-8, NUL-terminated, that names the thing, what was expected and what was found. It
 * never holds key bytes.
 *
 * @param error borrowed; NULL gives ""
 * @return borrowed from `error`, until that is freed
 */
const char *sogov_error_message(const struct sogov_error *error);

/**
 * Frees an error.
 *
 * @param error taken; NULL is ignored
 */
void sogov_error_free(struct sogov_error *error);

/**
 * The name of a status as it stands in this header, such as "SOGOV_STATUS_UNSIGNED"; "SOGOV_STATUS_UNKNOWN" for
 * a number that this release does not know.
 *
 * @param status any number
 * @return a constant, NUL-terminated
 */
const char *sogov_status_name(int32_t status);

/**
 * Signs a plugin file. The result appears whole or not at all; strip first, sign last.
 *
 * @param key a private key, not one of hmac-sha256, whose codes every verifier can make; borrowed
 * @param source the unsigned plugin
 * @param target where the signed copy goes (it may be `source`), or, with `detached`, the signature file:
 *               `source` with ".sogsig" behind it is where loading looks for it. (NULL, 0): `source` itself, or
 *               that place
 * @param facts what is stated; required
 * @param digest receives the artifact's digest (32 bytes), or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_IMAGE_REJECTED when `source` is no well-formed shared
 *         object (what a trust document may allow is decided at load); SOGOV_STATUS_BUSY when it
 *         is signed already (use sogov_file_add_signature()); SOGOV_STATUS_SBOM_INVALID when the bill of materials is
 *         malformed
 */
enum sogov_status sogov_file_sign(const struct sogov_key *key,
                                  const char *source,
                                  size_t source_len,
                                  const char *target,
                                  size_t target_len,
                                  const struct sogov_file_facts *facts,
                                  uint8_t *digest,
                                  struct sogov_error **error);

/**
 * Adds a signature over the statement that a signed plugin or a signature file carries. The file is replaced whole.
 *
 * @param key a private key whose signature is not there yet; borrowed
 * @param path a signed plugin, or a signature file
 * @param user_id the SM2 user id; NULL is the default, as in sogov_signature_options
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSIGNED when there is no statement; SOGOV_STATUS_LIMIT_EXCEEDED when the
 *         space reserved by the first signer is used up
 */
enum sogov_status sogov_file_add_signature(const struct sogov_key *key,
                                           const char *path,
                                           size_t path_len,
                                           const uint8_t *user_id,
                                           size_t user_id_len,
                                           struct sogov_error **error);

/**
 * Decides over a plugin file as sogov_load_versioned() would, and loads nothing.
 *
 * @param engine borrowed
 * @param service, version the service and the label that it would be loaded as; an empty version takes any
 * @param path the plugin; a signature file and a bill of materials beside it are found by themselves
 * @param digest receives the artifact's digest (32 bytes), or NULL
 * @return SOGOV_STATUS_OK when the engine would load it; the codes of trust and loading (4xx, 5xx) when not
 */
enum sogov_status sogov_file_verify(const struct sogov_engine *engine,
                                    const char *service,
                                    size_t service_len,
                                    const char *version,
                                    size_t version_len,
                                    const char *path,
                                    size_t path_len,
                                    uint8_t *digest,
                                    struct sogov_error **error);

/**
 * Makes a new private key for a signature scheme, from the operating system's randomness.
 *
 * @param scheme the scheme's name: "sm2-sm3", "ecdsa-p256" or "hmac-sha256"
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSUPPORTED for a scheme that this release does not know, or whose keys are not
 *         made here ("rsa-pss-sha512" and registered schemes)
 */
enum sogov_status sogov_key_generate(const char *scheme,
                                     size_t scheme_len,
                                     struct sogov_key **key,
                                     struct sogov_error **error);

/**
 * Reads a private key of sm2-sm3 or ecdsa-p256: PKCS#8 (plain, or encrypted by PBES2) or SEC1 ("EC PRIVATE KEY",
 * "SM2 PRIVATE KEY"), PEM or DER, told apart by the content. The curve says the scheme.
 *
 * @param bytes the file's content, at most 64 KiB; borrowed
 * @param password for an encrypted key; otherwise not looked at
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format or curve, or a wrong or missing password
 */
enum sogov_status sogov_key_load_private(const uint8_t *bytes,
                                         size_t bytes_len,
                                         const uint8_t *password,
                                         size_t password_len,
                                         struct sogov_key **key,
                                         struct sogov_error **error);

/**
 * Reads a public key: SubjectPublicKeyInfo, or what SOGOV_KEY_FORMAT_SPKI_DER is of a registered scheme's key; PEM or
 * DER. The algorithm says the scheme: SM2, P-256, or RSA of 3072 to 8192 bits.
 *
 * @param bytes the file's content, at most 64 KiB; borrowed
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format or curve, or a point off the curve
 */
enum sogov_status sogov_key_load_public(const uint8_t *bytes,
                                        size_t bytes_len,
                                        struct sogov_key **key,
                                        struct sogov_error **error);

/**
 * Makes a key of raw bytes: of hmac-sha256, whose keys are secret as a whole, or of a scheme of the host's, which need not be
 * registered yet.
 *
 * @param scheme "hmac-sha256", or a name that begins with "x-"
 * @param public_bytes the public key, at most 8,192 bytes; (NULL, 0) for hmac-sha256; borrowed
 * @param private_bytes what the scheme signs with, at most 8,192 bytes, or (NULL, 0) for a key that only verifies; for
 *                      hmac-sha256 the secret, 16 to 1,024 bytes; borrowed, and wiped by the caller
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for other lengths; SOGOV_STATUS_INVALID_ARGUMENT for a public part
 *         with hmac-sha256; SOGOV_STATUS_UNSUPPORTED for another scheme
 */
enum sogov_status sogov_key_load_raw(const char *scheme,
                                     size_t scheme_len,
                                     const uint8_t *public_bytes,
                                     size_t public_bytes_len,
                                     const uint8_t *private_bytes,
                                     size_t private_bytes_len,
                                     struct sogov_key **key,
                                     struct sogov_error **error);

/**
 * The public part of a key, as a key of its own.
 *
 * @param key borrowed
 * @param public_key receives the public key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a key of hmac-sha256, which has no public part
 */
enum sogov_status sogov_key_public(const struct sogov_key *key,
                                   struct sogov_key **public_key,
                                   struct sogov_error **error);

/**
 * The key's identifier: the SM3 digest of its public part as SubjectPublicKeyInfo in DER. Both halves of a pair have
 * the same. Of a key of hmac-sha256, a digest that does not give it away. Its text form is "sm3:" and 64 lower-case hexadecimal digits.
 *
 * @param key borrowed
 * @param id receives 32 bytes
 * @return SOGOV_STATUS_OK, for every key that is not freed
 */
enum sogov_status sogov_key_id(const struct sogov_key *key,
                               uint8_t *id,
                               struct sogov_error **error);

/**
 * Reads the text form of a key identifier.
 *
 * @param text "sm3:" and 64 hexadecimal digits
 * @param id receives 32 bytes
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another text
 */
enum sogov_status sogov_key_id_parse(const char *text,
                                     size_t text_len,
                                     uint8_t *id,
                                     struct sogov_error **error);

/**
 * Writes a key in a file format.
 *
 * @param key borrowed
 * @param format one of sogov_key_format
 * @param password encrypts SOGOV_KEY_FORMAT_PKCS8_PEM; (NULL, 0) leaves it plain. Must be (NULL, 0) for the others
 * @param file receives the file's content; wipe it before freeing it when it is a private key
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for an unknown format, or one that such a key does not have, as
 *         PKCS#8 of a public key
 */
enum sogov_status sogov_key_export(const struct sogov_key *key,
                                   uint32_t format,
                                   const uint8_t *password,
                                   size_t password_len,
                                   struct sogov_bytes *file,
                                   struct sogov_error **error);

/**
 * Prepares a key of sm2-sm3 for verifying now, rather than after some verifications by it: a table of 256 KiB, which the
 * process keeps for the keys that were used lately, whichever handles they were used by. When they are full, a table that was
 * not used since it was last passed over makes room (second chance; see sogov_prepared_keys_limit()). For keys of other schemes
 * nothing happens.
 *
 * @param key a public key, or a private one, whose public part is prepared; borrowed
 * @return SOGOV_STATUS_OK, for every key that is not freed
 */
enum sogov_status sogov_key_prepare(const struct sogov_key *key,
                                    struct sogov_error **error);

/**
 * Changes how much memory the tables of prepared keys may take in this process. Tables beyond the new limit are given
 * back, those first whose keys were not used lately. Verifying goes on in any case, more slowly by keys
 * without tables.
 *
 * @param bytes 64 MiB unless set, which is room for about 250 keys; 0: no key is prepared
 */
void sogov_prepared_keys_limit(size_t bytes);

/**
 * Frees a key. Later uses of the handle answer SOGOV_STATUS_CLOSED.
 *
 * @param key taken; NULL is ignored
 */
void sogov_key_free(struct sogov_key *key);

/**
 * The address of a symbol that the lease's version exports. It may be called until the lease is released; look it up
 * again under each lease.
 *
 * @param lease from sogov_route()
 * @param name the symbol
 * @param symbol_version its symbol version, such as "FEE_1.0"; (NULL, 0): the default one. A plugin without symbol
 *                       versions has its symbols for any
 * @param address receives the address
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when the version exports no such symbol; SOGOV_STATUS_LEASE_GONE
 */
enum sogov_status sogov_lease_symbol(sogov_lease lease,
                                     const char *name,
                                     size_t name_len,
                                     const char *symbol_version,
                                     size_t symbol_version_len,
                                     void **address,
                                     struct sogov_error **error);

/**
 * The descriptor of a level-1 plugin (sogov_plugin.h) and its `self`. Both may be used until the lease is released.
 *
 * @param lease from sogov_route()
 * @param descriptor receives a `const sogov_plugin *`
 * @param plugin_self receives the pointer that the plugin's functions take
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSUPPORTED for a level-0 plugin and an isolated one; SOGOV_STATUS_LEASE_GONE
 */
enum sogov_status sogov_lease_plugin(sogov_lease lease,
                                     const struct sogov_plugin **descriptor,
                                     void **plugin_self,
                                     struct sogov_error **error);

/**
 * The label of the version that a lease is on.
 *
 * @param lease from sogov_route()
 * @param version receives SOGOV_LABEL_SIZE bytes, NUL-terminated
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_LEASE_GONE
 */
enum sogov_status sogov_lease_version(sogov_lease lease,
                                      char *version,
                                      struct sogov_error **error);

/**
 * Gives a lease back. From then on nothing of its version may be used on its account.
 *
 * @param lease from sogov_route(); any thread may release it, once
 * @param outcome one of sogov_outcome: how the calls under the lease went; counted for the version
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_LEASE_GONE for a lease that was released before, was never handed out, or
 *         was inherited through fork()
 */
enum sogov_status sogov_lease_release(sogov_lease lease,
                                      uint32_t outcome,
                                      struct sogov_error **error);

/**
 * The library's version as one number: major * 1,000,000 + minor * 1,000 + patch. Compare with
 * `SOGOV_VERSION_NUMBER`, the number of the header that a program was compiled against.
 *
 * @return the number
 */
uint32_t sogov_version_number(void);

/**
 * The library's version as text, such as "0.1.0".
 *
 * @return a constant, NUL-terminated
 */
const char *sogov_version_text(void);

/**
 * Reads whom a package is encrypted for: a certificate, whose chain and dates are not looked at, or a
 * SubjectPublicKeyInfo, in PEM or DER.
 *
 * @param bytes the file's content, at most 64 KiB; borrowed
 * @param recipient receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format, another algorithm than RSA and SM2, or RSA of other
 *         than 3072 to 8192 bits
 */
enum sogov_status sogov_recipient_read(const uint8_t *bytes,
                                       size_t bytes_len,
                                       struct sogov_recipient **recipient,
                                       struct sogov_error **error);

/**
 * Frees a recipient. Calls that use it end as if it was still there.
 *
 * @param recipient a recipient, or NULL (nothing happens)
 */
void sogov_recipient_free(struct sogov_recipient *recipient);

/**
 * Reads the private key that opens packages: PKCS#8 of RSA (3072 to 8192 bits) or SM2, or what sogov_key_load_private()
 * reads of SM2; PEM or DER.
 *
 * @param bytes the file's content, at most 64 KiB; borrowed
 * @param password for an encrypted key; otherwise not looked at
 * @param certificate the key's certificate, or (NULL, 0): then of the recipients that a package names by certificates up to
 *                    eight are tried; borrowed
 * @param key receives the key, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format, algorithm or size, a wrong or missing password, or
 *         the certificate of another key
 */
enum sogov_status sogov_recipient_key_read(const uint8_t *bytes,
                                           size_t bytes_len,
                                           const uint8_t *password,
                                           size_t password_len,
                                           const uint8_t *certificate,
                                           size_t certificate_len,
                                           struct sogov_recipient_key **key,
                                           struct sogov_error **error);

/**
 * Frees a key that opens packages.
 *
 * @param key a key, or NULL (nothing happens)
 */
void sogov_recipient_key_free(struct sogov_recipient_key *key);

/**
 * Puts signed plugins and other files into an update package: signs their manifest, and encrypts all of it. The package
 * appears whole or not at all. docs/packages.md has the format.
 *
 * @param options what goes in; required
 * @param target where the package goes
 * @param package_id receives the package's number, 16 bytes, or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT without a plugin or file, a host, a key or a recipient, for
 *         recipients of both kinds, or for a file's name that a package cannot have; SOGOV_STATUS_UNSIGNED for a plugin that is not
 *         signed; SOGOV_STATUS_WRONG_SERVICE for one of another service
 */
enum sogov_status sogov_pack(const struct sogov_pack_options *options,
                             const char *target,
                             size_t target_len,
                             uint8_t *package_id,
                             struct sogov_error **error);

/**
 * Decrypts an update package, verifies all of it, and installs it into the engine's state directory: its files appear
 * together, or not at all. The engine needs a trust directory, a state directory and a receipt key.
 *
 * @param engine borrowed
 * @param path the package
 * @param key the private key of this host; borrowed
 * @param options the host's name; required
 * @param directory receives the path of the directory with the package's files, UTF-8
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_PACKAGE_INVALID for what was altered, has another form or is not encrypted for the
 *         key; SOGOV_STATUS_WRONG_AUDIENCE; SOGOV_STATUS_REPLAYED for a package that was installed before or is older than
 *         the last one of its service; SOGOV_STATUS_EXPIRED; SOGOV_STATUS_BELOW_FLOOR; SOGOV_STATUS_UNSIGNED,
 *         SOGOV_STATUS_UNTRUSTED_KEY and others as for sogov_load_versioned(), of the package and of each plugin in it
 */
enum sogov_status sogov_install(const struct sogov_engine *engine,
                                const char *path,
                                size_t path_len,
                                const struct sogov_recipient_key *key,
                                const struct sogov_install_options *options,
                                struct sogov_bytes *directory,
                                struct sogov_error **error);

/**
 * Says whether an installed file is the one that was installed.
 *
 * @param engine borrowed; with the state directory and the receipt key of the installation
 * @param path a file of an installed package
 * @param standing receives a sogov_package_standing
 * @return SOGOV_STATUS_OK, whatever the standing is; SOGOV_STATUS_NOT_FOUND for a file that no package brought;
 *         SOGOV_STATUS_MODIFIED when the receipt itself was altered; SOGOV_STATUS_KEY_LOST_AFTER_FORK in a child that was
 *         forked from the process that opened the engine
 */
enum sogov_status sogov_package_check(const struct sogov_engine *engine,
                                      const char *path,
                                      size_t path_len,
                                      enum sogov_package_standing *standing,
                                      struct sogov_error **error);

/**
 * Tells what is mapped, and whether the process should be restarted when there is an occasion.
 *
 * @param info receives what is known, as far as its `size` reaches
 * @return SOGOV_STATUS_OK
 */
enum sogov_status sogov_process_status(struct sogov_process_info *info,
                                       struct sogov_error **error);

/**
 * Registers a signature scheme in this process, for all engines, or replaces one of the same name and number. Calls that
 * verify meanwhile end by the scheme that they began with, and none fails for the change. Schemes of this library cannot be
 * replaced. For plugins a registered scheme counts only where the signed trust document names it, so none lowers what the
 * document demands.
 *
 * @param name "x-" and 1 to 30 of a-z 0-9 . - _
 * @param options required; the payload is taken when this succeeds, and stays the caller's when it does not
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another name or number, or without a function that
 *         verifies; SOGOV_STATUS_BUSY when the name is registered with another number, or the number with another name
 */
enum sogov_status sogov_scheme_register(const char *name,
                                        size_t name_len,
                                        const struct sogov_scheme_options *options,
                                        struct sogov_error **error);

/**
 * Removes a scheme that was registered. Calls that verify by it meanwhile end by it; later ones answer
 * SOGOV_STATUS_UNSUPPORTED. Its payload is released when the last of them has ended, which may be before this returns.
 *
 * @param name as for sogov_scheme_register()
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when it is not registered
 */
enum sogov_status sogov_scheme_unregister(const char *name,
                                          size_t name_len,
                                          struct sogov_error **error);

/**
 * Looks a service up, for sogov_route() and sogov_call(). One that has no version yet comes into being.
 *
 * @param engine borrowed
 * @param name 1 to 64 characters out of A-Z a-z 0-9 . _ -, no dot in front
 * @param service receives the service, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_LIMIT_EXCEEDED beyond 4,096 services
 */
enum sogov_status sogov_service_open(const struct sogov_engine *engine,
                                     const char *name,
                                     size_t name_len,
                                     struct sogov_service **service,
                                     struct sogov_error **error);

/**
 * Frees a service handle. The service itself goes on, and so do leases taken through the handle.
 *
 * @param service taken; NULL is ignored. Later uses of the handle answer SOGOV_STATUS_CLOSED
 */
void sogov_service_free(struct sogov_service *service);

/**
 * Picks the version for one request and hands out a lease on it: until the lease is released, the version stays
 * mapped and its symbols may be called. Takes no lock and allocates nothing; never waits for promotions, rollbacks
 * or loads.
 *
 * @param service borrowed
 * @param request what the route policy may look at; NULL: nothing is known
 * @param lease receives the lease, a number that is never 0; give it back with sogov_lease_release() on any thread
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_NO_VERSION while the service has no stable version; SOGOV_STATUS_CLOSED after
 *         its engine was freed; SOGOV_STATUS_LIMIT_EXCEEDED beyond 65,536 leases in flight
 */
enum sogov_status sogov_route(const struct sogov_service *service,
                              const struct sogov_request *request,
                              sogov_lease *lease,
                              struct sogov_error **error);

/**
 * Signs a message under the scheme of the key: sm2-sm3 (GB/T 32918.2-2016) or ecdsa-p256 (FIPS 186-5) with a fresh nonce each
 * time, hmac-sha256 (RFC 2104), or a registered one.
 *
 * @param key a private key, or a secret; borrowed
 * @param message any number of bytes; borrowed. Must not begin with a tag of what vouches for plugins, trust directories, packages
 *                and audit trails, such as "sogov.sig.v1" and a NUL: docs/conventions.md lists them
 * @param options NULL for the default user id and the raw encoding
 * @param signature receives the signature
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a public key, such a message, or an encoding that the scheme
 *         does not have; SOGOV_STATUS_UNSUPPORTED for a scheme that is not registered, or that does not sign
 */
enum sogov_status sogov_sign(const struct sogov_key *key,
                             const uint8_t *message,
                             size_t message_len,
                             const struct sogov_signature_options *options,
                             struct sogov_bytes *signature,
                             struct sogov_error **error);

/**
 * Verifies the signature of a message under the scheme of the key. A key of SM2 that verifies again and again is
 * prepared: see sogov_key_prepare().
 *
 * @param key a public key, a private one, whose public part is used, or a secret; borrowed
 * @param message any number of bytes; borrowed
 * @param signature in the encoding of the options; borrowed
 * @param options as for sogov_sign(); the user id must be the signer's
 * @return SOGOV_STATUS_OK when the signature is valid; SOGOV_STATUS_SIGNATURE_INVALID when it is not, or is malformed;
 *         SOGOV_STATUS_INVALID_ARGUMENT for an encoding that the scheme does not have; SOGOV_STATUS_UNSUPPORTED for a scheme
 *         that is not registered
 */
enum sogov_status sogov_verify(const struct sogov_key *key,
                               const uint8_t *message,
                               size_t message_len,
                               const uint8_t *signature,
                               size_t signature_len,
                               const struct sogov_signature_options *options,
                               struct sogov_error **error);

/**
 * Looks at the trust directory now. Loaded versions that the deny-list revokes are taken out of service as trust.json says
 * (`on_revoked`), which the log and events tell; that is done also where trust.json itself has ended and this answers
 * SOGOV_STATUS_EXPIRED. Loads do the same, and so does a background thread (trust_check_ms of the engine's options).
 *
 * @param engine borrowed
 * @param options actor, reason; or NULL
 * @param info receives how trust stands, as far as its `size` reaches; or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED; SOGOV_STATUS_BELOW_FLOOR for a document, a
 *         deny-list or root keys that are older than what was accepted before; SOGOV_STATUS_CLOCK_REFUSED where the clock
 *         would decide and is not believed
 */
enum sogov_status sogov_trust_refresh(const struct sogov_engine *engine,
                                      const struct sogov_change_options *options,
                                      struct sogov_trust_info *info,
                                      struct sogov_error **error);

/**
 * Takes the machine's clock as it stands for right, after it jumped ahead by more than a day: an operator's word, which is
 * logged and kept in the trust state. A clock that is behind what was seen or signed cannot be confirmed.
 *
 * @param engine borrowed
 * @param options actor and reason, both required
 * @param time receives the time in seconds since 1970, or NULL
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT without actor or reason; SOGOV_STATUS_CLOCK_REFUSED for a clock that
 *         is behind; SOGOV_STATUS_TRUST_INVALID without a trust directory
 */
enum sogov_status sogov_trust_confirm_time(const struct sogov_engine *engine,
                                           const struct sogov_change_options *options,
                                           uint64_t *time,
                                           struct sogov_error **error);

/**
 * Replaces the stable version of a service by a plugin file, step by step, on the calling thread: verify, preflight,
 * load, import the state, self test, shadow calls, gray shares, handover, probation, promote. The options say which
 * steps there are. Each can fail, and leaves the old version serving everybody by the policy that was in force; the
 * new one is unloaded then.
 *
 * The shares stand beside the policy in force, whose pins, rules and key go on to count; with the promotion it ends.
 *
 * @param engine borrowed
 * @param service the service, which has a stable version and no gray one
 * @param version the label, which must be the statement's; (NULL, 0) takes the statement's
 * @param path the plugin
 * @param options what to do, or NULL
 * @param info receives what is known of the new stable version, or NULL
 * @return SOGOV_STATUS_OK; the codes of trust (4xx), loading (5xx) and plugins (7xx) up to the step "load";
 *         SOGOV_STATUS_UPDATE_FAILED when a later step was not passed, SOGOV_STATUS_CANCELLED by the callback: the
 *         message names the step; SOGOV_STATUS_BUSY while the service is being updated or gray versions serve, or when
 *         somebody else changed meanwhile what serves, which is left so; SOGOV_STATUS_NO_VERSION without a stable
 *         version; SOGOV_STATUS_DEADLOCK from inside a call of the service
 */
enum sogov_status sogov_update(const struct sogov_engine *engine,
                               const char *service,
                               size_t service_len,
                               const char *version,
                               size_t version_len,
                               const char *path,
                               size_t path_len,
                               const struct sogov_update_options *options,
                               struct sogov_version_info *info,
                               struct sogov_error **error);

/**
 * Opens a verifier and starts its threads, named "sogov-verify", on which all signals are blocked.
 *
 * @param options NULL for the defaults
 * @param verifier receives the verifier, owned by the caller
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a number beyond its limit; SOGOV_STATUS_IO when a thread
 *         cannot be started
 */
enum sogov_status sogov_verifier_open(const struct sogov_verifier_options *options,
                                      struct sogov_verifier **verifier,
                                      struct sogov_error **error);

/**
 * Hands in a signature to be verified. Never waits. All that is given is copied: it may change or be freed when this
 * returns, the key's handle included. Results come in any order, each ticket's once, whatever sogov_verify() would
 * answer for a signature: one that is malformed has its result like any other. What is refused here has none.
 * The message is at most 16 MiB long; sogov_verify() takes longer ones.
 *
 * @param verifier borrowed
 * @param item key, message, signature and perhaps user id; borrowed
 * @param options as for sogov_verify()
 * @param ticket comes back with the result; any number, which this library does not look at
 * @return SOGOV_STATUS_OK when the ticket was accepted; SOGOV_STATUS_BUSY when as many are in flight as may be: poll
 *         results, or try again later; SOGOV_STATUS_CLOSED after sogov_verifier_close(); SOGOV_STATUS_LIMIT_EXCEEDED for
 *         a message that is longer, or that there is no memory for; SOGOV_STATUS_INVALID_ARGUMENT for an encoding that the
 *         key's scheme does not have; SOGOV_STATUS_UNSUPPORTED in the child of a fork
 */
enum sogov_status sogov_verifier_submit(const struct sogov_verifier *verifier,
                                        const struct sogov_verification *item,
                                        const struct sogov_signature_options *options,
                                        uint64_t ticket,
                                        struct sogov_error **error);

/**
 * Takes results of a verifier without a callback.
 *
 * @param verifier borrowed
 * @param results receives up to `capacity` results
 * @param capacity at least 1
 * @param timeout_us how long to wait for a first result, in microseconds; 0: not at all; negative: without a bound
 * @param count receives how many results there were; 0 when none came in time
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_CLOSED when the verifier was closed and every result was polled: none will come
 *         any more; SOGOV_STATUS_INVALID_ARGUMENT without room for a result, or for a verifier with a callback; SOGOV_STATUS_UNSUPPORTED in the child of a fork
 */
enum sogov_status sogov_verifier_poll(const struct sogov_verifier *verifier,
                                      struct sogov_verification_result *results,
                                      size_t capacity,
                                      int64_t timeout_us,
                                      size_t *count,
                                      struct sogov_error **error);

/**
 * A descriptor for event loops (eventfd(2), epoll(7)): readable while results wait to be polled, and for good when none
 * will come any more. Made at the first call. Do not read it, but poll until there is nothing; do not close it: it is the
 * verifier's, and closed by sogov_verifier_free().
 *
 * @param verifier borrowed
 * @param fd receives the descriptor
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a verifier with a callback; SOGOV_STATUS_IO when the process
 *         has no descriptor left; SOGOV_STATUS_UNSUPPORTED in the child of a fork
 */
enum sogov_status sogov_verifier_event_fd(const struct sogov_verifier *verifier,
                                          int32_t *fd,
                                          struct sogov_error **error);

/**
 * Takes no more tickets, and waits until every ticket that was accepted has its result: handed to the callback, which has
 * returned, or ready to be polled. Polling goes on until it answers SOGOV_STATUS_CLOSED. A second time it waits for the
 * same.
 *
 * @param verifier borrowed
 * @return SOGOV_STATUS_OK; SOGOV_STATUS_DEADLOCK from inside a callback of any verifier; this one stays open then;
 *         SOGOV_STATUS_UNSUPPORTED in the child of a fork
 */
enum sogov_status sogov_verifier_close(const struct sogov_verifier *verifier,
                                       struct sogov_error **error);

/**
 * Closes a verifier as sogov_verifier_close() does, and frees it: its threads have ended when this returns, and no
 * callback runs any more. Later uses of the handle answer SOGOV_STATUS_CLOSED, waiting pollers too. From inside a
 * callback of any verifier it waits for nothing and returns 0, and the callbacks of the other tickets come afterwards:
 * the callback's context must outlive the verifier's threads then, whose end nobody is told of. So who wants to free the
 * context frees the verifier first, outside of callbacks.
 *
 * @param verifier taken; NULL is ignored
 * @return how many results were dropped because nobody had polled them: 0 for who polled until SOGOV_STATUS_CLOSED
 */
size_t sogov_verifier_free(struct sogov_verifier *verifier);

/**
 * Lists versions, in the order in which they were loaded.
 *
 * @param engine borrowed
 * @param service one service, or (NULL, 0) for all
 * @param infos room for `capacity` elements, whose first one's `size` is set; NULL with capacity 0 only counts
 * @param capacity how many elements there is room for
 * @param count receives how many versions there are; when that is more than `capacity`, the first ones were written
 * @return SOGOV_STATUS_OK, also for a service without versions; SOGOV_STATUS_NOT_FOUND for one that is not known
 */
enum sogov_status sogov_version_list(const struct sogov_engine *engine,
                                     const char *service,
                                     size_t service_len,
                                     struct sogov_version_info *infos,
                                     size_t capacity,
                                     size_t *count,
                                     struct sogov_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SOGOV_H */
