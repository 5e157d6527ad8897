package sogov

import (
	"encoding/hex"
	"time"
)

// Digest is a digest of SM3.
type Digest [32]byte

// String is the digest in lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// PackageID is the number of a package.
type PackageID [16]byte

// String is 32 lower-case hexadecimal digits.
func (id PackageID) String() string { return hex.EncodeToString(id[:]) }

// KeyID is the identifier of a key: the SM3 digest of its public part as SubjectPublicKeyInfo in DER. Both halves of a pair
// have the same.
type KeyID [32]byte

// String is "sm3:" and 64 lower-case hexadecimal digits; ParseKeyID reads it.
func (id KeyID) String() string { return "sm3:" + hex.EncodeToString(id[:]) }

// MarshalText is String, for encoding/json and its like.
func (id KeyID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseKeyID.
func (id *KeyID) UnmarshalText(text []byte) error {
	parsed, err := ParseKeyID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// VersionInfo is a version as it stood at one moment.
type VersionInfo struct {
	// Service is the service's name.
	Service string
	// Version is the version's label.
	Version string
	// Standing is where the version stands.
	Standing Standing
	// Development is whether the engine takes trust.json without a signature by root keys.
	Development bool
	// Digest is the artifact's digest.
	Digest Digest
	// Epoch is the epoch of its statement.
	Epoch uint64
	// InFlight is how many leases are out, calls included.
	InFlight uint64
	// Calls is how many leases were released with success or failure.
	Calls uint64
	// Failures is how many leases were released with failure.
	Failures uint64
	// PinReason is why it is pinned; empty otherwise. Begins with one of the words tls, thread, tsd, signal, unique,
	// nodelete, go, exit-handler, stop, dlclose, dependency, lease, crash, followed by a colon and the evidence.
	PinReason string
	// Breaker is where its breaker stands.
	Breaker Breaker
	// BreakerOpenFor is how long the breaker stays open; 0 when it is not.
	BreakerOpenFor time.Duration
	// BreakerOpened is how often the breaker opened.
	BreakerOpened uint64
	// Isolated is whether it has a namespace of its own.
	Isolated bool
}

// Event is what happened to a version without anybody having asked for it.
type Event struct {
	// Kind is what happened.
	Kind EventKind
	// Service is the service's name.
	Service string
	// Version is the version's label.
	Version string
	// Detail is the reason, for people.
	Detail string
}

// AuditPosition is a place in an audit trail: everything up to it is fixed by the hash.
type AuditPosition struct {
	// Record is the number of a record; 0 for none.
	Record uint64
	// Hash is its hash.
	Hash Digest
}

// AuditReport is what was found in an audit trail that is as it was written.
type AuditReport struct {
	// First is the number of the first record that is kept; 0 for none.
	First uint64
	// Head is the last record.
	Head AuditPosition
	// Segments is how many files there are.
	Segments uint64
	// Checkpoints is how many there are.
	Checkpoints uint64
	// SignedUpTo is the number of the last checkpoint; 0 where there is none, or no key was given.
	SignedUpTo uint64
	// Recovered is how many times the rest of a record that a crash had torn was taken away.
	Recovered uint64
}

// TrustInfo is how trust stands.
type TrustInfo struct {
	// DocumentEpoch is the epoch of trust.json.
	DocumentEpoch uint64
	// DenylistNumber is the number of denylist.json; 0: there is none.
	DenylistNumber uint64
	// RootSet is the number of the set of root keys in force; 0 in the development mode.
	RootSet uint64
	// Revoked is how many loaded versions are revoked.
	Revoked uint64
	// RevokedServing is how many of them serve.
	RevokedServing uint64
	// Time is what decisions go by; where the clock is not believed, the earliest that it can be.
	Time time.Time
	// Clock is what is to be said of the machine's clock.
	Clock ClockVerdict
	// Durable is set where what was accepted is remembered in the state directory, and not in this process only.
	Durable bool
}

// ProcessInfo is the process as it stood at one moment, all engines together.
type ProcessInfo struct {
	// VersionsMapped is how many versions' images are mapped, in whatever standing.
	VersionsMapped uint64
	// VersionsPinned is how many of them stay mapped by necessity.
	VersionsPinned uint64
	// VersionsParked is how many of them are retired and wait for a way back.
	VersionsParked uint64
	// BytesMapped is how much address space the images take.
	BytesMapped uint64
	// RestartWanted is set once a version was given up by force, or the process was tainted: only a restart takes it back.
	RestartWanted bool
	// RestartReason is the first reason for that.
	RestartReason string
	// Tainted is set once something may have damaged the process.
	Tainted bool
	// TaintReason is the first reason for that.
	TaintReason string
}

// UpdateProgress is how far an update has come.
type UpdateProgress struct {
	// Step is the step.
	Step UpdateStep
	// Phase is where in it.
	Phase UpdatePhase
	// Share is the new version's share of the requests, in 10,000.
	Share uint32
	// Elapsed is the time since the step began.
	Elapsed time.Duration
	// Calls is how many calls of the new version there were since the step began.
	Calls uint64
	// Failures is how many of them failed.
	Failures uint64
	// Compared is of how many copies of requests the answers were compared.
	Compared uint64
	// Mismatched is how many of them were answered otherwise.
	Mismatched uint64
	// Dropped is for how many copies there was no room.
	Dropped uint64
	// Mismatch is one of the first mismatches, or nil.
	Mismatch *UpdateMismatch
	// Message is why the update was rolled back, with StepRolledBack.
	Message string
}

// UpdateMismatch is a copy of a request that two versions answered differently. It has no content: that may be anybody's.
type UpdateMismatch struct {
	// RequestLen, ExpectedLen and FoundLen are the bytes of the request, of the stable version's answer, and of the new one's.
	RequestLen, ExpectedLen, FoundLen uint64
	// ExpectedStatus and FoundStatus are what invoke of the stable version and of the new one returned.
	ExpectedStatus, FoundStatus int32
	// RequestDigest, ExpectedDigest and FoundDigest are SM3 of the request and of the two answers.
	RequestDigest, ExpectedDigest, FoundDigest Digest
}

// VerificationResult is what became of a ticket.
type VerificationResult struct {
	// Ticket is the number that was given to Verifier.Submit.
	Ticket uint64
	// Status is OK when the signature is valid, ErrSignatureInvalid when it is not, or is malformed.
	Status Status
}

// Valid is whether the signature is valid.
func (r VerificationResult) Valid() bool { return r.Status == OK }

// Request is what a route policy may look at. The strings hold any bytes.
type Request struct {
	// UserKey identifies the user; "" is unknown. Not looked at when the policy takes the key from headers (hash.by).
	UserKey string
	// Headers are at most 64.
	Headers []Header
}

// Header is one header of a request, or one entry of gRPC metadata.
type Header struct {
	// Name is compared without regard to ASCII case.
	Name string
	// Value is any bytes.
	Value string
}

// Answer is what became of a call. The zero value is ready for use; one may serve for any number of calls, one after the
// other, and keeps its memory.
type Answer struct {
	// Data is the answer. After a failure it is what the plugin had written.
	Data []byte
	// Version is the label of the version that answered, or failed; empty when none was reached.
	Version string
	// Reason is why it was this version.
	Reason RouteReason
	// PluginStatus is what the plugin's invoke returned; 0 when it was not reached.
	PluginStatus int32

	label [65]byte
}
