package sogov

import "time"

// EngineOptions are what an engine needs to know.
type EngineOptions struct {
	// TrustDirectory has trust.json, its signature trust.json.sogsig, and public keys in keys/. Without one no plugin can
	// be loaded.
	TrustDirectory string
	// RootKeyIDs: one of these keys must have signed trust.json. None: the development mode, in which trust.json needs no
	// signature; every VersionInfo says so.
	RootKeyIDs []KeyID
	// StateDirectory is made where it is missing. Without one nothing outlives the process; with one, the last stable
	// version of every service is verified again, loaded and put back into service.
	StateDirectory string
	// Log takes each line of the log, on any thread; or nil.
	Log func(level LogLevel, line string)
	// Event takes what happens to versions without anybody having asked for it, such as a breaker that opens; or nil. It
	// should be quick, as a request may be waiting for it.
	Event func(Event)
	// ParkedVersions is how many retired versions of each service stay mapped for an immediate way back; 0: 2.
	ParkedVersions uint
	// ParkedBytes is how many bytes of address space their images may take together; 0: 256 MiB.
	ParkedBytes uint64
	// Preflight is whether each version is loaded and started in a child process first.
	Preflight Preflight
	// PreflightTime is how long a preflight may last; 0: 5 s.
	PreflightTime time.Duration
	// PreflightCPU is how much processor time it may use, rounded up to seconds; 0: a second more than it may last.
	PreflightCPU time.Duration
	// PreflightMemoryMiB is how many MiB of private memory it may use; 0: 512.
	PreflightMemoryMiB uint32
	// SymbolCollisions is what becomes of a plugin that exports and uses symbols which the program defines too;
	// docs/plugin-guide.md explains it.
	SymbolCollisions SymbolCollisions
	// ContainCrashes has a crash of a plugin, in a call or in another of its functions, end that alone, with
	// ErrPluginCrashed, instead of the process. Installs handlers for SIGSEGV, SIGBUS, SIGFPE and SIGILL, which stay; faults
	// of Go's own code go on to Go's. x86-64 only.
	ContainCrashes bool
	// ReceiptKey is a key of "hmac-sha256" that codes the receipts of installed packages; nil: none is installed. It must not
	// lie in the state directory. The engine keeps what it needs of it.
	ReceiptKey *PrivateKey
	// Audit is how what is done is recorded in the audit trail of the state directory; nil: nothing is.
	Audit *AuditOptions
	// RootThreshold is how many of the root keys must have signed trust.json; 0: 1.
	RootThreshold uint32
	// TrustCheck is how often a background thread looks at the trust directory for what is revoked, from the first load on; 0:
	// every 10 s where there is a state directory, otherwise never; below 0: never. Loads and Engine.RefreshTrust look in any
	// case.
	TrustCheck time.Duration
	// RootSet is the number of the set of root keys that RootKeyIDs are; 0: 1. Later sets stand in the trust directory.
	RootSet uint64
}

// AuditOptions are how an engine records what it does, in machine/audit of its state directory, which it needs then.
// docs/audit.md says what is recorded, and what a trail is worth.
type AuditOptions struct {
	// Required has a change refused, before it happens, when it cannot be recorded; otherwise that is logged.
	Required bool
	// CheckpointKey signs checkpoints; it may be closed once the engine is open. nil: there are none.
	CheckpointKey *PrivateKey
	// CheckpointEvery is after how many records a checkpoint is signed; 0: 256. There is one also when the engine is closed.
	CheckpointEvery uint32
	// SegmentSize is how many bytes a file may have before a new one begins, 64 KiB to 64 MiB; 0: 4 MiB.
	SegmentSize uint64
	// TotalSize is how many bytes all files may have together, beyond which the oldest are removed; 0: 64 times SegmentSize.
	TotalSize uint64
	// PseudonymKey has actors and reasons recorded as HMAC-SHA256 codes under these 16 to 1,024 bytes; nil: in clear.
	PseudonymKey []byte
}

// ChangeOptions say who asks for a change, and why: both go into the log.
type ChangeOptions struct {
	// Actor is the person or program that asks.
	Actor string
	// Reason is the reason.
	Reason string
	// WaitDurable has the call return only when the new state is on the disk. Load and Unload do not look at it.
	WaitDurable bool
}

// LoadOptions are those of Engine.Load.
type LoadOptions struct {
	ChangeOptions
	// SignaturePath is the signature file; "": the plugin's path with ".sogsig" behind it, if there is one.
	SignaturePath string
	// SbomPath is the bill of materials that the plugin's statement binds; "": the plugin's path with ".sbom.json" behind it.
	SbomPath string
	// Isolated gives the plugin and the libraries that it needs a namespace of their own, with a C library of their own. For
	// plugins in C without threads, streams and the C++ runtime; docs/plugin-guide.md has the rest. At most 8 versions of
	// a process at the same time.
	Isolated bool
}

// UnloadOptions are those of Engine.Unload.
type UnloadOptions struct {
	ChangeOptions
	// Drain is how long to wait for leases; 0: 5 s.
	Drain time.Duration
	// Force gives a version up on which leases are left then: it stays mapped for ever, its label is free, and ProcessStatus
	// says for ever that a restart is wanted.
	Force bool
}

// UpdateOptions say how a version is to take over. The zero value loads, tests and promotes it at once.
type UpdateOptions struct {
	ChangeOptions
	// SignaturePath, SbomPath and Isolated are those of LoadOptions.
	SignaturePath string
	SbomPath      string
	Isolated      bool
	// Progress takes the progress, on the goroutine that called Engine.Update: before and after each step, and at least every
	// 50 ms where the update waits, but not while requests wait in a handover. An error cancels the update, until it is
	// promoted, and is what errors.Is finds in Update's.
	Progress func(UpdateProgress) error
	// State is what becomes of the state.
	State UpdateState
	// HandoverTime is how long requests may wait in a handover, at most 60 s; 0: 1 s.
	HandoverTime time.Duration
	// ShadowRequests is how many requests to send to the new version as copies. The plugin has to declare
	// SOGOV_PLUGIN_IDEMPOTENT.
	ShadowRequests uint64
	// ShadowMismatches is how many of them may be answered otherwise than by the stable version.
	ShadowMismatches uint64
	// ShadowTime is how long to wait for the requests to copy; 0: 10 s.
	ShadowTime time.Duration
	// Gray are growing shares, one after the other, at most 64; none with StateHandover.
	Gray []GrayStep
	// ProbationCalls and ProbationTime are for how long the new version serves everybody before it is promoted.
	ProbationCalls uint64
	ProbationTime  time.Duration
	// ToleratedFailures is how many of 10,000 calls of the new version may fail in a gray step or in the probation; 0: 100.
	ToleratedFailures uint32
	// OnNoData is what a step comes to that ends with fewer calls than it asks for.
	OnNoData UpdateNoData
	// KeepFailed leaves a version that failed loaded.
	KeepFailed bool
	// Drain is how long unloading a version that failed waits for leases; 0: 5 s.
	Drain time.Duration
}

// GrayStep is a time in which the new version gets a share of the requests.
type GrayStep struct {
	// Share is in 10,000; shares grow from step to step.
	Share uint32
	// Hold is for how long at least.
	Hold time.Duration
	// Calls is for how many calls of the new version at least; with fewer nothing is said about failures.
	Calls uint64
}

// SignatureOptions are what a signature is made or checked with.
type SignatureOptions struct {
	// UserID is the SM2 user id, at most 8,191 bytes. nil is the default, "1234567812345678" (GM/T 0009, section 10); a
	// slice that is not nil and has no bytes is the empty id, which OpenSSL uses where none is given.
	UserID []byte
	// Encoding is how the signature is written.
	Encoding Encoding
}

// Scheme is a signature scheme of the host's; see RegisterScheme. Its functions are called on any thread, on several at once. What
// they are given is theirs. A panic of theirs is a signature that is not valid, or that could not be made.
type Scheme struct {
	// Verify says whether the signature is that of the public key over the message. Required.
	Verify func(key, message, signature []byte) bool
	// Sign makes the signature of the private key over the message, at most 8,192 bytes. Without it the scheme verifies only.
	Sign func(key, message []byte) ([]byte, error)
}

// FileFacts are what a signer states of a plugin file.
type FileFacts struct {
	// Service is the service that may run the plugin. Required.
	Service string
	// Version is the label under which it may run. Required.
	Version string
	// Epoch is a number that grows with each release and that a trust policy can demand a minimum of.
	Epoch uint64
	// Name is a package URL, such as "pkg:generic/fee@1.4.2"; may be empty.
	Name string
	// Semver is the semantic version; may be empty.
	Semver string
	// Issuer is who issues it, for people; may be empty.
	Issuer string
	// NotBefore and NotAfter are the validity, in whole seconds; the zero time is no limit.
	NotBefore, NotAfter time.Time
	// UserID is the signer's, as in SignatureOptions.
	UserID []byte
	// Detached leaves the plugin as it is and writes the signature to a file of its own.
	Detached bool
	// SbomPath is the bill of materials to bind, a file in CycloneDX or SPDX JSON; "": none. Loading looks for it at the plugin's
	// path with ".sbom.json" behind it; it is not moved there.
	SbomPath string
}

// VerifierOptions are how a Verifier works.
type VerifierOptions struct {
	// Threads: 0 is one for each processor that the process may use; at most 1,024.
	Threads uint32
	// MaxWait is how long a ticket waits for others to share the processor's lanes with, at most 1 s; 0: 50 microseconds.
	MaxWait time.Duration
	// Capacity is how many tickets may be in flight, at most 1,048,576; 0: 4,096.
	Capacity uint
	// Callback takes the results, on threads of the pool, on several at once; or nil: they are polled. The slice is valid
	// during the call. It must not wait for room: on ErrBusy it verifies directly, or hands the signature to another
	// goroutine. It cannot close a verifier.
	Callback func([]VerificationResult)
}

// PackageFacts are what goes into a package.
type PackageFacts struct {
	// Plugins are paths of plugins, which are signed already; a signature file beside one, its path with ".sogsig" behind it,
	// goes with it.
	Plugins []string
	// Files are paths of other files that are carried.
	Files []string
	// Audiences are the names of the hosts that may install it.
	Audiences []string
	// Keys sign the manifest; the trust directory of the hosts says how many.
	Keys []*PrivateKey
	// Recipients are whom it is encrypted for, all of RSA or all of SM2.
	Recipients []*Recipient
	// Service is that of the plugins; "": that of the first plugin.
	Service string
	// Epoch must not fall from one package of a service to the next.
	Epoch uint64
	// NotAfter is until when it can be installed; the zero time: 30 days from now.
	NotAfter time.Time
	// Issuer is who issues it; may be empty.
	Issuer string
	// UserID is the SM2 user id; nil is the default one.
	UserID []byte
}
