//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"runtime/cgo"
	"unsafe"
)

// Update replaces the stable version of a service by a plugin file, step by step: verify, preflight, load, import the state,
// self test, shadow calls, gray shares, handover, probation, promote. The options say which steps there are. Each can fail,
// and leaves the old version serving everybody by the policy that was in force; the new one is unloaded then. Nil options
// load, test and promote it at once.
//
// A context that ends cancels the update at the next report of its progress, which comes at least every 50 ms where it waits
// outside of a handover. The error is ErrCancelled then, and errors.Is finds the context's too.
//
// It fails with the errors of trust, loading and plugins up to StepLoad, with ErrUpdateFailed when a later step was not passed;
// the message names it. With ErrBusy while the service is being updated or gray versions serve, or when somebody else changed
// meanwhile what serves; with ErrNoVersion without a stable version, with ErrDeadlock from inside a call of the service.
func (e *Engine) Update(ctx context.Context, service, version, path string, options *UpdateOptions) (VersionInfo, error) {
	if options == nil {
		options = &UpdateOptions{}
	}
	if err := e.gate.enter("engine"); err != nil {
		return VersionInfo{}, err
	}
	defer e.gate.leave()
	if err := ctx.Err(); err != nil {
		return VersionInfo{}, &Error{ErrCancelled, "update " + service + ": " + err.Error(), err}
	}
	var given memory
	defer given.free()
	raw, err := options.raw(&given)
	if err != nil {
		return VersionInfo{}, err
	}
	follower := &follower{ctx: ctx, engine: e, tell: options.Progress}
	handle := cgo.NewHandle(follower)
	defer handle.Delete()
	called := (*C.bridge_listener)(given.zeroed(1, C.sizeof_bridge_listener))
	called.context, called.owner = C.uintptr_t(handle), e.owner
	C.bridge_follow(raw, called)

	name, nameLen := given.text(service)
	label, labelLen := given.text(version)
	file, fileLen := given.text(path)
	info := versionInfos(&given, 1)
	var failed *C.sogov_error
	err = take(C.sogov_update(e.handle, name, nameLen, label, labelLen, file, fileLen, raw, info, &failed), &failed)
	if follower.panicked != nil {
		panic(follower.panicked)
	}
	if err != nil {
		return VersionInfo{}, follower.explain(err)
	}
	return versionInfo(info), nil
}

// follower decides whether an update goes on.
type follower struct {
	ctx    context.Context
	engine *Engine
	tell   func(UpdateProgress) error
	// Why it was cancelled.
	cause    error
	panicked *panicked
}

// cancels is called on the goroutine of the update, in the middle of it.
func (f *follower) cancels(progress UpdateProgress) bool {
	if f.panicked != nil {
		return true
	}
	if f.tell != nil {
		if err := f.tell(progress); err != nil && f.cause == nil {
			f.cause = err
		}
	}
	if f.cause == nil {
		f.cause = f.ctx.Err()
	}
	if f.cause == nil && f.engine.gate.isClosed() {
		f.cause = ErrClosed
	}
	return f.cause != nil
}

func (f *follower) explain(err error) error {
	var cancelled *Error
	if errors.As(err, &cancelled) && cancelled.Status == ErrCancelled {
		cancelled.cause = f.cause
	}
	return err
}

func (o *UpdateOptions) raw(given *memory) (*C.sogov_update_options, error) {
	raw := (*C.sogov_update_options)(given.zeroed(1, C.sizeof_sogov_update_options))
	raw.size = C.sizeof_sogov_update_options
	raw.actor, raw.actor_len = given.text(o.Actor)
	raw.reason, raw.reason_len = given.text(o.Reason)
	raw.signature_path, raw.signature_path_len = given.text(o.SignaturePath)
	raw.sbom_path, raw.sbom_path_len = given.text(o.SbomPath)
	raw.state, raw.on_no_data = C.uint32_t(o.State), C.uint32_t(o.OnNoData)
	raw.shadow_requests, raw.shadow_mismatches = C.uint64_t(o.ShadowRequests), C.uint64_t(o.ShadowMismatches)
	raw.probation_calls, raw.tolerated_failures = C.uint64_t(o.ProbationCalls), C.uint32_t(o.ToleratedFailures)
	raw.keep_failed, raw.wait_durable, raw.isolated = flag(o.KeepFailed), flag(o.WaitDurable), flag(o.Isolated)
	var errs [5]error
	raw.handover_ms, errs[0] = milliseconds(o.HandoverTime, "HandoverTime")
	raw.shadow_ms, errs[1] = milliseconds(o.ShadowTime, "ShadowTime")
	raw.probation_ms, errs[2] = milliseconds(o.ProbationTime, "ProbationTime")
	raw.drain_ms, errs[3] = milliseconds(o.Drain, "Drain")
	raw.gray, raw.gray_count, errs[4] = graySteps(o.Gray, given)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return raw, nil
}

func graySteps(steps []GrayStep, given *memory) (*C.sogov_update_gray, C.size_t, error) {
	if len(steps) == 0 {
		return nil, 0, nil
	}
	raw := (*C.sogov_update_gray)(given.zeroed(len(steps), C.sizeof_sogov_update_gray))
	for i, step := range steps {
		hold, err := milliseconds(step.Hold, "Hold")
		if err != nil {
			return nil, 0, err
		}
		unsafe.Slice(raw, len(steps))[i] = C.sogov_update_gray{
			share: C.uint32_t(step.Share), hold_ms: hold, calls: C.uint64_t(step.Calls),
		}
	}
	return raw, C.size_t(len(steps)), nil
}
