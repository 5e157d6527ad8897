package sogov

import "strconv"

// RouteReason is why a request went to the version it went to, in the order of precedence.
type RouteReason int32

// The reasons.
const (
	// ReasonNone: no version was reached.
	ReasonNone RouteReason = iota
	// ReasonKillSwitch: the policy's kill switch.
	ReasonKillSwitch
	// ReasonPin: the user is pinned.
	ReasonPin
	// ReasonRule: a header rule.
	ReasonRule
	// ReasonFraction: the user's bucket lies in a gray version's share.
	ReasonFraction
	// ReasonStable: the stable version, by default.
	ReasonStable
	// ReasonMissingKey: the stable version, as the user is unknown.
	ReasonMissingKey
	// ReasonRandom: drawn at random, as the user is unknown and the policy says so.
	ReasonRandom
	// ReasonBreaker: the version that it would have been has an open breaker.
	ReasonBreaker
	// ReasonProbe: the version's breaker is open, and this request was let through to see whether it has recovered.
	ReasonProbe
)

// String is the reason's name, such as "kill_switch".
func (r RouteReason) String() string {
	return name(int(r), "none", "kill_switch", "pin", "rule", "fraction", "stable", "missing_key", "random", "breaker",
		"probe")
}

// LogLevel is how much a line of the log matters.
type LogLevel int32

// The levels.
const (
	// LogError: something was refused or lost; somebody should look.
	LogError LogLevel = 1
	// LogWarning: works, but not as it should for good.
	LogWarning LogLevel = 2
	// LogInfo: a change that was asked for has happened.
	LogInfo LogLevel = 3
)

// String is the level's name, such as "warning".
func (l LogLevel) String() string { return name(int(l), "0", "error", "warning", "info") }

// ClockVerdict is what is to be said of the machine's clock.
type ClockVerdict uint32

// The verdicts.
const (
	// ClockBelieved: it is believed.
	ClockBelieved ClockVerdict = iota
	// ClockSetBack: it was set back; the latest time that was seen or signed counts.
	ClockSetBack
	// ClockJumpedAhead: it jumped ahead by more than a day, and is not believed where that matters until Engine.ConfirmTime.
	ClockJumpedAhead
)

// String is the verdict's name, such as "set_back".
func (c ClockVerdict) String() string { return name(int(c), "believed", "set_back", "jumped_ahead") }

// EventKind is what happened to a version.
type EventKind int32

// The kinds of events.
const (
	// EventBreakerOpened: too many calls failed; requests go to a stable version instead.
	EventBreakerOpened EventKind = iota + 1
	// EventBreakerProbing: one request is let through to see whether the version has recovered.
	EventBreakerProbing
	// EventBreakerReopened: the probe failed; the breaker stays open for its whole time again.
	EventBreakerReopened
	// EventBreakerClosed: the version has recovered and serves again.
	EventBreakerClosed
	// EventQuarantined: the version crashed in a call. It serves no more in this process and stays mapped.
	EventQuarantined
	// EventPinned: the version was to be unmapped and has to stay mapped.
	EventPinned
	// EventUnmapped: the version was unmapped.
	EventUnmapped
	// EventRevoked: the version is trusted no more; the detail says why and what became of it.
	EventRevoked
	// EventClock: the machine's clock was set back, or jumped ahead by more than a day. The names are empty.
	EventClock
)

// String is the kind's name, such as "breaker_opened".
func (k EventKind) String() string {
	return name(int(k), "0", "breaker_opened", "breaker_probing", "breaker_reopened", "breaker_closed", "quarantined",
		"pinned", "unmapped", "revoked",
		"clock")
}

// Standing is where a version stands in its service.
type Standing int32

// The standings.
const (
	// StandingLoaded: no request reaches it yet.
	StandingLoaded Standing = iota
	// StandingGray: serves the requests that the route policy sends it.
	StandingGray
	// StandingStable: serves by default.
	StandingStable
	// StandingRetired: takes no new requests, and is still mapped, so that it comes back at once.
	StandingRetired
	// StandingPinned: stopped, but mapped by necessity for the rest of the process.
	StandingPinned
)

// String is the standing's name, such as "stable".
func (s Standing) String() string {
	return name(int(s), "loaded", "gray", "stable", "retired", "pinned")
}

// PackageStanding is how an installed file stands to the receipt of its installation.
type PackageStanding int32

// Where it may stand.
const (
	// PackageUntouched: it is the file that was installed, with its content.
	PackageUntouched PackageStanding = iota
	// PackageReplaced: its content is another; loading refuses it.
	PackageReplaced
	// PackageMoved: its content is the one that was installed, in another file, as after a restore from a backup.
	PackageMoved
)

// String is the standing's name, such as "untouched".
func (s PackageStanding) String() string { return name(int(s), "untouched", "replaced", "moved") }

// Breaker is where a version's breaker stands.
type Breaker int32

// The states of a breaker.
const (
	// BreakerClosed: requests reach the version.
	BreakerClosed Breaker = iota
	// BreakerOpen: they do not.
	BreakerOpen
	// BreakerProbing: one of them does, to see whether the version has recovered.
	BreakerProbing
	// BreakerQuarantined: the version crashed and serves no more in this process.
	BreakerQuarantined
)

// String is the state's name, such as "open".
func (b Breaker) String() string { return name(int(b), "closed", "open", "probing", "quarantined") }

// Outcome is how the calls under a lease ended, as the caller saw it.
type Outcome uint32

// The outcomes.
const (
	// Success: the version answered as it should.
	Success Outcome = iota
	// Failure: the version failed, by its own fault.
	Failure
	// Neutral: nothing was learned about the version.
	Neutral
)

// String is the outcome's name, such as "failure".
func (o Outcome) String() string { return name(int(o), "success", "failure", "neutral") }

// Preflight is whether versions are tried in a child process before they enter this one.
type Preflight uint32

// What may be said of the preflight.
const (
	// PreflightRequired: without a passed preflight nothing is loaded.
	PreflightRequired Preflight = iota
	// PreflightOff: versions are loaded without one.
	PreflightOff
)

// String is the name, such as "required".
func (p Preflight) String() string { return name(int(p), "required", "off") }

// Custody is where the secret part of a key is kept.
type Custody uint32

// The places.
const (
	// CustodyNone: nowhere; the key is a public one.
	CustodyNone Custody = iota
	// CustodyHeap: in the heap.
	CustodyHeap
	// CustodyUnlocked: in pages of their own that dumps leave out and a forked child loses, but that could not be locked.
	CustodyUnlocked
	// CustodyLocked: in such pages, locked into memory.
	CustodyLocked
	// CustodySecret: in such pages, which the kernel hides from debuggers and /proc as well.
	CustodySecret
	// CustodyToken: in a PKCS#11 token.
	CustodyToken
	// CustodyDevice: in an SDF device.
	CustodyDevice
)

// String is the place's name, such as "locked".
func (c Custody) String() string {
	return name(int(c), "none", "heap", "unlocked", "locked", "secret", "token", "device")
}

// KeyMemory is what happens to private keys where memory cannot be locked.
type KeyMemory uint32

// What can happen.
const (
	// KeyMemoryDegrade: the key is kept all the same, and says so.
	KeyMemoryDegrade KeyMemory = iota
	// KeyMemoryRequire: it is refused with ErrLimitExceeded.
	KeyMemoryRequire
)

// String is the policy's name, such as "require".
func (m KeyMemory) String() string { return name(int(m), "degrade", "require") }

// SymbolCollisions is what becomes of a plugin that exports and uses symbols which the program defines too.
type SymbolCollisions uint32

// What may become of it.
const (
	// CollisionsRefuse: it is refused.
	CollisionsRefuse SymbolCollisions = iota
	// CollisionsWarn: it is loaded, the log says so, and the program's are used.
	CollisionsWarn
	// CollisionsOwnFirst: it is loaded with RTLD_DEEPBIND; its own are used, and those of the libraries that it needs before
	// the program's.
	CollisionsOwnFirst
)

// String is the name, such as "own_first".
func (c SymbolCollisions) String() string { return name(int(c), "refuse", "warn", "own_first") }

// UpdateState is what becomes of the state in an update.
type UpdateState uint32

// What may become of it.
const (
	// StateNone: there is none, or the new version begins with its own.
	StateNone UpdateState = iota
	// StateCopy: exported while the old version serves; what changes afterwards is not in the new version.
	StateCopy
	// StateHandover: a rehearsal by copy; then requests wait, calls in flight end, and the state is moved.
	StateHandover
)

// String is the name, such as "handover".
func (s UpdateState) String() string { return name(int(s), "none", "copy", "handover") }

// UpdateNoData is what a step of an update comes to that ends with fewer calls than it asks for.
type UpdateNoData uint32

// What it may come to.
const (
	// NoDataFail: the update fails.
	NoDataFail UpdateNoData = iota
	// NoDataPass: the next step follows.
	NoDataPass
	// NoDataHold: the step goes on until there are enough, or the update is cancelled.
	NoDataHold
)

// String is the name, such as "hold".
func (n UpdateNoData) String() string { return name(int(n), "fail", "pass", "hold") }

// UpdateStep is a step of an update. Some are left out, as the options say.
type UpdateStep int32

// The steps, in their order.
const (
	// StepVerify: signatures and statement.
	StepVerify UpdateStep = iota
	// StepPreflight: what can be found out about the image before it runs in this process.
	StepPreflight
	// StepLoad: mapping, constructors, start and health.
	StepLoad
	// StepImportState: the old version's state as it stands, into the new one.
	StepImportState
	// StepSelfTest: the request that the plugin declares for it.
	StepSelfTest
	// StepShadow: copies of requests.
	StepShadow
	// StepGray: a share of the requests.
	StepGray
	// StepHandover: requests wait while the state moves.
	StepHandover
	// StepProbation: all requests, while the old version is still the stable one.
	StepProbation
	// StepPromote: the new version becomes the stable one.
	StepPromote
	// StepDone: the update is complete.
	StepDone
	// StepRolledBack: the update failed; what served before serves.
	StepRolledBack
)

// String is the step's name, such as "self_test".
func (s UpdateStep) String() string {
	return name(int(s), "verify", "preflight", "load", "import_state", "self_test", "shadow", "gray", "handover",
		"probation", "promote", "done", "rolled_back")
}

// UpdatePhase is where in a step a report comes from.
type UpdatePhase int32

// The phases.
const (
	// PhaseBegins: the step begins.
	PhaseBegins UpdatePhase = iota
	// PhaseWaits: the step is under way; at least every 50 ms where it waits.
	PhaseWaits
	// PhaseEnds: the step ended well.
	PhaseEnds
)

// String is the phase's name, such as "begins".
func (p UpdatePhase) String() string { return name(int(p), "begins", "waits", "ends") }

// Encoding is how a signature is written.
type Encoding uint32

// The encodings.
const (
	// Raw is 64 bytes: R and S, each 32 bytes, big-endian.
	Raw Encoding = iota
	// DER is SEQUENCE { INTEGER r, INTEGER s }, as OpenSSL and Bouncy Castle write it.
	DER
)

// String is the encoding's name, such as "der".
func (e Encoding) String() string { return name(int(e), "raw", "der") }

// name is one of the names, or the number where this release knows none.
func name(number int, names ...string) string {
	if number < 0 || number >= len(names) {
		return strconv.Itoa(number)
	}
	return names[number]
}
