package sogov

import "fmt"

// Status is why a call failed: a sogov_status. It is an error itself, to be looked for by errors.Is:
//
//	if errors.Is(err, sogov.ErrUnsigned) { ... }
//
// New numbers may join a family, so treat an unknown one by its Family. A number never changes its meaning.
type Status int32

// OK is the status of success. No error has it.
const OK Status = 0

// The call itself.
const (
	// ErrInvalidArgument: an argument is missing, too long, not UTF-8, out of range or of another kind than asked for.
	ErrInvalidArgument Status = 100
	// ErrClosed: the object was closed, or its engine was.
	ErrClosed Status = 101
	// ErrNotFound: no service, version, symbol, key or file of that name.
	ErrNotFound Status = 102
	// ErrBusy: the thing exists already or is in use; nothing was changed.
	ErrBusy Status = 103
	// ErrDeadlock: the call would wait for itself.
	ErrDeadlock Status = 104
	// ErrLimitExceeded: a limit was reached (leases in flight, versions of a service, sizes).
	ErrLimitExceeded Status = 105
	// ErrCancelled: the context or the callback asked to stop; the state is as before the call.
	ErrCancelled Status = 106
)

// The system.
const (
	// ErrIO: the operating system refused a read, a write, a mapping or a lock.
	ErrIO Status = 200
	// ErrUnsupported: this kernel, architecture or build lacks what the call needs.
	ErrUnsupported Status = 201
	// ErrAuditBroken: the audit trail is not what was written: a record is missing, moved or altered; the message says
	// where.
	ErrAuditBroken Status = 202
)

// Keys and signatures.
const (
	// ErrKeyInvalid: a key could not be read: wrong format, wrong password, wrong curve, off the curve.
	ErrKeyInvalid Status = 300
	// ErrSignatureInvalid: the signature does not belong to these bytes, this key and this user id.
	ErrSignatureInvalid Status = 301
	// ErrKeyLostAfterFork: the private key stayed behind in the process that was forked: read it again in this one.
	ErrKeyLostAfterFork Status = 302
	// ErrCustodyFailed: the token or device that keeps the private key refused: not there, wrong PIN, no such key or
	// mechanism.
	ErrCustodyFailed Status = 303
)

// Trust.
const (
	// ErrUnsigned: the artifact carries no signature at all.
	ErrUnsigned Status = 400
	// ErrModified: the artifact's bytes are not those that were signed.
	ErrModified Status = 401
	// ErrAmbiguous: more than one reading of the artifact's signature is possible.
	ErrAmbiguous Status = 402
	// ErrExpired: the validity of the statement, the key or the trust document has ended.
	ErrExpired Status = 403
	// ErrNotYetValid: the validity of the statement, the key or the trust document has not begun.
	ErrNotYetValid Status = 404
	// ErrUntrustedKey: too few signatures by keys that the trust document names.
	ErrUntrustedKey Status = 405
	// ErrWrongService: the statement is for another service, version or architecture than asked for.
	ErrWrongService Status = 406
	// ErrBelowFloor: the statement's epoch is below the floor.
	ErrBelowFloor Status = 407
	// ErrTrustInvalid: the trust directory or its document is missing, malformed, unsafe or not signed by the root keys.
	ErrTrustInvalid Status = 408
	// ErrRevoked: the artifact, or a key that signed it, stands on the deny-list.
	ErrRevoked Status = 409
	// ErrClockRefused: the clock stands before a time that was seen already, or jumped ahead too far to be believed.
	ErrClockRefused Status = 410
	// ErrSbomInvalid: the bill of materials is missing where it is asked for, malformed, or not the one that was signed.
	ErrSbomInvalid Status = 411
	// ErrComponentDenied: a component of the artifact is denied by the trust document or has a known vulnerability.
	ErrComponentDenied Status = 412
	// ErrPackageInvalid: the update package is malformed, was altered, or is not encrypted for the key at hand.
	ErrPackageInvalid Status = 420
	// ErrWrongAudience: the update package is meant for another host.
	ErrWrongAudience Status = 421
	// ErrReplayed: the update package was installed before, or a later one was.
	ErrReplayed Status = 422
)

// Loading.
const (
	// ErrImageRejected: the file is not an ELF image that may be loaded.
	ErrImageRejected Status = 500
	// ErrLoadFailed: the dynamic linker refused the image, or it mapped something else than was verified.
	ErrLoadFailed Status = 501
	// ErrPinned: the version stays mapped by necessity; the message and the listing name the reason.
	ErrPinned Status = 502
	// ErrPreflightFailed: in its child process the version crashed, hung, exited or answered wrong.
	ErrPreflightFailed Status = 503
	// ErrUpdateFailed: the new version did not pass a step, which the message names; the old one serves.
	ErrUpdateFailed Status = 504
)

// Routing.
const (
	// ErrRoutePolicyInvalid: the route policy is malformed or contradicts what is loaded; the message says where.
	ErrRoutePolicyInvalid Status = 600
	// ErrNoVersion: no version can serve the request.
	ErrNoVersion Status = 601
	// ErrLeaseGone: the lease was released before, or never handed out.
	ErrLeaseGone Status = 602
	// ErrBreakerOpen: every version that could serve the request has an open breaker.
	ErrBreakerOpen Status = 603
)

// Plugins, and this library.
const (
	// ErrPluginFailed: the plugin answered with a failure, or broke its contract.
	ErrPluginFailed Status = 700
	// ErrPluginCrashed: the plugin's code crashed in the call, which was given up; the version never serves again.
	ErrPluginCrashed Status = 701
	// ErrInternal: a fault inside sogov; the state is as before the call. Please report it.
	ErrInternal Status = 900
)

// Error is the status's name in sogov.h.
func (s Status) Error() string { return s.String() }

// String is the status's name in sogov.h, such as "SOGOV_STATUS_UNSIGNED"; unknown ones have their number.
func (s Status) String() string {
	if name, found := statusNames[s]; found {
		return "SOGOV_STATUS_" + name
	}
	return fmt.Sprintf("SOGOV_STATUS_UNKNOWN(%d)", int32(s))
}

// Family is what a status is about: its hundreds.
type Family int32

// The families. Most programs act on these.
const (
	FamilyCall      Family = 1
	FamilySystem    Family = 2
	FamilySignature Family = 3
	FamilyTrust     Family = 4
	FamilyLoad      Family = 5
	FamilyRoute     Family = 6
	FamilyPlugin    Family = 7
	FamilyInternal  Family = 9
)

// Family is the status's family.
func (s Status) Family() Family { return Family(s / 100) }

var statusNames = map[Status]string{
	OK: "OK", ErrInvalidArgument: "INVALID_ARGUMENT", ErrClosed: "CLOSED", ErrNotFound: "NOT_FOUND", ErrBusy: "BUSY",
	ErrDeadlock: "DEADLOCK", ErrLimitExceeded: "LIMIT_EXCEEDED", ErrCancelled: "CANCELLED", ErrIO: "IO",
	ErrUnsupported: "UNSUPPORTED", ErrAuditBroken: "AUDIT_BROKEN", ErrKeyInvalid: "KEY_INVALID",
	ErrSignatureInvalid: "SIGNATURE_INVALID", ErrKeyLostAfterFork: "KEY_LOST_AFTER_FORK",
	ErrCustodyFailed: "CUSTODY_FAILED", ErrUnsigned: "UNSIGNED", ErrModified: "MODIFIED", ErrAmbiguous: "AMBIGUOUS",
	ErrExpired: "EXPIRED", ErrNotYetValid: "NOT_YET_VALID", ErrUntrustedKey: "UNTRUSTED_KEY",
	ErrWrongService: "WRONG_SERVICE", ErrBelowFloor: "BELOW_FLOOR", ErrTrustInvalid: "TRUST_INVALID",
	ErrRevoked: "REVOKED", ErrClockRefused: "CLOCK_REFUSED", ErrSbomInvalid: "SBOM_INVALID",
	ErrComponentDenied: "COMPONENT_DENIED", ErrPackageInvalid: "PACKAGE_INVALID", ErrWrongAudience: "WRONG_AUDIENCE",
	ErrReplayed: "REPLAYED", ErrImageRejected: "IMAGE_REJECTED", ErrLoadFailed: "LOAD_FAILED", ErrPinned: "PINNED",
	ErrPreflightFailed: "PREFLIGHT_FAILED", ErrUpdateFailed: "UPDATE_FAILED",
	ErrRoutePolicyInvalid: "ROUTE_POLICY_INVALID", ErrNoVersion: "NO_VERSION", ErrLeaseGone: "LEASE_GONE",
	ErrBreakerOpen: "BREAKER_OPEN", ErrPluginFailed: "PLUGIN_FAILED", ErrPluginCrashed: "PLUGIN_CRASHED",
	ErrInternal: "INTERNAL",
}
