//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"time"
)

// How long Unload waits for leases unless it is told.
const defaultDrain = 5 * time.Second

// Load loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are mapped. The version
// then stands beside those already there and serves nobody until it is promoted or a route policy names it. Its constructors
// run, and for a level-1 plugin start and health: in a child process first (the preflight), and then here. It waits for the
// preflight, as long as EngineOptions.PreflightTime.
//
// An empty version takes the label of the statement; another one must be that. It fails with ErrBusy when the label is in
// use, with the errors of trust, loading and plugins, and for isolated versions with ErrUnsupported and ErrLimitExceeded;
// nothing is loaded then.
func (e *Engine) Load(service, version, path string, options *LoadOptions) (VersionInfo, error) {
	if options == nil {
		options = &LoadOptions{}
	}
	return e.change(service, version, &options.ChangeOptions, func(c *change) error {
		c.options.signature_path, c.options.signature_path_len = c.given.text(options.SignaturePath)
		c.options.sbom_path, c.options.sbom_path_len = c.given.text(options.SbomPath)
		c.options.isolated = flag(options.Isolated)
		file, fileLen := c.given.text(path)
		return take(C.sogov_load_versioned(e.handle, c.name, c.nameLen, c.label, c.labelLen, file, fileLen, c.options,
			c.info, &c.failed), &c.failed)
	})
}

// ApplyRoutePolicy puts a route policy in force for a service, whole, or refuses it and changes nothing: JSON of at most 1
// MiB, whose fields docs/conventions.md has. Requests that are being routed at that moment go by the old policy or by the new
// one. It fails with ErrRoutePolicyInvalid, and says where and why.
func (e *Engine) ApplyRoutePolicy(service string, document []byte, options *ChangeOptions) error {
	_, err := e.change(service, "", options, func(c *change) error {
		return take(C.sogov_route_policy_apply(e.handle, c.name, c.nameLen, first(document), C.size_t(len(document)),
			c.options, &c.failed), &c.failed)
	})
	return err
}

// Promote makes a loaded, gray or retired version the stable one, for everybody: the route policy in force ends. Calls in
// flight end where they began; the next request goes to the new version. It fails with ErrNotFound when no such version is
// loaded, and with ErrPinned when it was stopped already.
func (e *Engine) Promote(service, version string, options *ChangeOptions) (VersionInfo, error) {
	return e.change(service, version, options, func(c *change) error {
		return take(C.sogov_promote(e.handle, c.name, c.nameLen, c.label, c.labelLen, c.options, c.info, &c.failed),
			&c.failed)
	})
}

// Rollback takes back the newest exposure and returns the version that serves now: while gray versions serve, they are
// withdrawn; otherwise the stable version gives way to the one before it. Calls in flight end where they began, none is lost.
// Afterwards, route policies with the epoch that was in force, or a lower one, are refused. It fails with ErrNotFound when
// there is nothing to go back to: then nothing changed.
func (e *Engine) Rollback(service string, options *ChangeOptions) (VersionInfo, error) {
	return e.change(service, "", options, func(c *change) error {
		return take(C.sogov_rollback(e.handle, c.name, c.nameLen, c.options, c.info, &c.failed), &c.failed)
	})
}

// Unload waits until no lease is on a loaded or retired version, stops it, unmaps it and proves from the dynamic linker's own
// list that it is gone. It waits for leases until the time of the options is over, or the context's deadline if that comes
// before; the wait itself cannot be interrupted, so a context that is cancelled is seen before it only.
//
// It fails with ErrBusy while the version is stable or gray, or when leases were left: then it stands as before. ErrDeadlock
// is for a call from inside of it, ErrPinned for one that was stopped, or given up by force, and has to stay mapped.
func (e *Engine) Unload(ctx context.Context, service, version string, options *UnloadOptions) error {
	if options == nil {
		options = &UnloadOptions{}
	}
	if err := ctx.Err(); err != nil {
		return &Error{ErrCancelled, "unload " + service + ": " + err.Error(), err}
	}
	drain, deadline, shortened := drainUntil(ctx, options.Drain)
	wait, err := milliseconds(drain, "Drain")
	if err != nil {
		return err
	}
	_, err = e.change(service, version, &options.ChangeOptions, func(c *change) error {
		c.options.drain_ms, c.options.force = wait, flag(options.Force)
		return take(C.sogov_unload(e.handle, c.name, c.nameLen, c.label, c.labelLen, c.options, &c.failed), &c.failed)
	})
	var busy *Error
	if shortened && errors.As(err, &busy) && busy.Status == ErrBusy && !time.Now().Before(deadline) {
		busy.cause = context.DeadlineExceeded
	}
	return err
}

// drainUntil is how long to wait for leases, and whether that is because of the context's deadline.
func drainUntil(ctx context.Context, asked time.Duration) (drain time.Duration, deadline time.Time, shortened bool) {
	drain = asked
	if drain == 0 {
		drain = defaultDrain
	}
	deadline, bounded := ctx.Deadline()
	if left := time.Until(deadline); bounded && left < drain {
		drain, shortened = left, true
		if drain < time.Millisecond {
			drain = time.Millisecond
		}
	}
	return drain, deadline, shortened
}

// change is what a change hands to the library.
type change struct {
	given       memory
	name, label *C.char
	nameLen     C.size_t
	labelLen    C.size_t
	options     *C.sogov_change_options
	info        *C.sogov_version_info
	failed      *C.sogov_error
}

// change runs a change of a service, which nobody closes the engine under.
func (e *Engine) change(service, version string, options *ChangeOptions, run func(*change) error) (VersionInfo, error) {
	if err := e.gate.enter("engine"); err != nil {
		return VersionInfo{}, err
	}
	defer e.gate.leave()
	var c change
	defer c.given.free()
	c.name, c.nameLen = c.given.text(service)
	c.label, c.labelLen = c.given.text(version)
	c.options = (*C.sogov_change_options)(c.given.zeroed(1, C.sizeof_sogov_change_options))
	c.options.size = C.sizeof_sogov_change_options
	if options != nil {
		c.options.actor, c.options.actor_len = c.given.text(options.Actor)
		c.options.reason, c.options.reason_len = c.given.text(options.Reason)
		c.options.wait_durable = flag(options.WaitDurable)
	}
	c.info = versionInfos(&c.given, 1)
	if err := run(&c); err != nil {
		return VersionInfo{}, err
	}
	return versionInfo(c.info), nil
}
