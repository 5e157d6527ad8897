package sogov_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sogov.internal/sogov"
)

func TestPromotionRollbackAndListing(t *testing.T) {
	engine, service := feeEngine(t)
	change := &sogov.ChangeOptions{Actor: "tests", Reason: "a change of tariff", WaitDurable: true}
	info, err := engine.Promote("fee", "v2", change)
	must(t, err)
	if info.Version != "v2" || info.Standing != sogov.StandingStable || info.Service != "fee" {
		t.Errorf("expected v2 to be stable, found %+v", info)
	}
	expectStandings(t, engine, "v1 retired, v2 stable")
	restored, err := engine.Rollback("fee", change)
	must(t, err)
	if restored.Version != "v1" {
		t.Errorf("expected v1, found %+v", restored)
	}
	_, err = engine.Rollback("fee", nil)
	expect(t, sogov.ErrNotFound, err)
	expectStandings(t, engine, "v1 stable, v2 retired")
	if answer, err := service.Call([]byte(payment), nil); err != nil || string(answer.Data) != prices["v1"] {
		t.Errorf("expected the price of v1, found %q (%v)", answer.Data, err)
	}
	_, err = engine.Versions("unknown")
	expect(t, sogov.ErrNotFound, err)
	_, err = engine.Versions("")
	expect(t, sogov.ErrInvalidArgument, err)
	all, err := engine.AllVersions()
	if err != nil || len(all) != 2 {
		t.Errorf("expected two versions, found %v (%v)", all, err)
	}
}

// expectStandings holds the versions of the service fee against "label standing, ...".
func expectStandings(t *testing.T, engine *sogov.Engine, expected string) {
	t.Helper()
	infos, err := engine.Versions("fee")
	must(t, err)
	var found []string
	for _, info := range infos {
		found = append(found, info.Version+" "+info.Standing.String())
	}
	if joined := strings.Join(found, ", "); joined != expected {
		t.Errorf("expected %s, found %s", expected, joined)
	}
}

func TestListingsHaveRoomForAll(t *testing.T) {
	const count = 40
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{Preflight: sogov.PreflightOff})
	for i := 0; i < count; i++ {
		r.load(engine, zoo("plain_level1"), "many", fmt.Sprintf("v%d", i))
	}
	if infos, err := engine.Versions("many"); err != nil || len(infos) != count {
		t.Errorf("expected %d versions, found %d (%v)", count, len(infos), err)
	}
}

func TestUnloadingWaitsForLeasesAsLongAsItIsTold(t *testing.T) {
	engine, service := feeEngine(t)
	ctx := context.Background()
	expect(t, sogov.ErrBusy, engine.Unload(ctx, "fee", "v1", nil))
	lease, err := service.Route(nil)
	must(t, err)
	_, err = engine.Promote("fee", "v2", nil)
	must(t, err)
	expect(t, sogov.ErrBusy, engine.Unload(ctx, "fee", "v1", &sogov.UnloadOptions{Drain: time.Millisecond}))

	soon, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	err = engine.Unload(soon, "fee", "v1", &sogov.UnloadOptions{Drain: deadline})
	if !errors.Is(err, context.DeadlineExceeded) || sogov.StatusOf(err) == sogov.OK {
		t.Errorf("expected the context's deadline, found %v", err)
	}
	cancelled, cancelNow := context.WithCancel(ctx)
	cancelNow()
	err = engine.Unload(cancelled, "fee", "v1", nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, sogov.ErrCancelled) {
		t.Errorf("expected the context's end, found %v", err)
	}
	expectStandings(t, engine, "v1 retired, v2 stable")

	before, err := sogov.ProcessStatus()
	must(t, err)
	unloaded := make(chan struct{})
	go func() {
		defer close(unloaded)
		if err := engine.Unload(ctx, "fee", "v1", &sogov.UnloadOptions{Drain: deadline}); err != nil {
			t.Error(err)
		}
	}()
	must(t, lease.Release(sogov.Success))
	await(t, unloaded, "the unload")
	expectStandings(t, engine, "v2 stable")
	after, err := sogov.ProcessStatus()
	must(t, err)
	if after.VersionsMapped != before.VersionsMapped-1 || after.BytesMapped >= before.BytesMapped {
		t.Errorf("expected one version less than %+v, found %+v", before, after)
	}
	for _, drain := range []time.Duration{-1, math.MaxInt64} {
		expect(t, sogov.ErrInvalidArgument, engine.Unload(ctx, "fee", "v2", &sogov.UnloadOptions{Drain: drain}))
	}
}

func TestAVersionThatHasToStaySaysWhy(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	r.load(engine, zoo("nodelete"), "pinned", "v1")
	err := engine.Unload(context.Background(), "pinned", "v1", nil)
	expect(t, sogov.ErrPinned, err)
	infos, err := engine.Versions("pinned")
	must(t, err)
	if len(infos) != 1 || infos[0].Standing != sogov.StandingPinned || !strings.HasPrefix(infos[0].PinReason, "nodelete:") {
		t.Errorf("expected a pinned version, found %+v", infos)
	}
}

func TestAnIsolatedVersionBesideAPlainOne(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	r.load(engine, zoo("formats"), "formats", "v1")
	info, err := engine.Load("formats", "v2", r.signed(zoo("formats"), "formats", "v2"), &sogov.LoadOptions{Isolated: true})
	must(t, err)
	if !info.Isolated {
		t.Errorf("expected a namespace of its own, found %+v", info)
	}
	for _, label := range []string{"v1", "v2", "v1"} {
		answer, err := stable(t, engine, "formats", label).Call([]byte("Ab1 2.25"), nil)
		if err != nil || string(answer.Data) != "2 letters, 2.25" {
			t.Errorf("%s: found %q (%v)", label, answer.Data, err)
		}
	}
}

func TestThePreflightRefusesUnlessItIsOff(t *testing.T) {
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{PreflightTime: time.Minute, PreflightCPU: time.Minute, PreflightMemoryMiB: 256})
	_, err := engine.Load("stage", "v1", r.signed(zoo("start_exits"), "stage", "v1"), nil)
	expect(t, sogov.ErrPreflightFailed, err)
	if !strings.Contains(err.Error(), "start") {
		t.Errorf("expected the stage, found %v", err)
	}
	for _, options := range []sogov.EngineOptions{{PreflightTime: -1}, {PreflightCPU: 1 << 62}, {Preflight: 9}} {
		options.TrustDirectory = r.trust
		_, err := sogov.Open(&options)
		expect(t, sogov.ErrInvalidArgument, err)
	}
}

func TestARestartBringsTheStableVersionBack(t *testing.T) {
	r := newRelease(t)
	options := sogov.EngineOptions{StateDirectory: filepath.Join(r.directory, "state")}
	engine := r.open(options)
	r.load(engine, fee("v1"), "fee", "v1")
	_, err := engine.Promote("fee", "v1", &sogov.ChangeOptions{WaitDurable: true})
	must(t, err)
	must(t, engine.Close())
	engine = r.open(options)
	expectStandings(t, engine, "v1 stable")
}

// Breakers open on failures, and the engine's host hears of it.
func TestBreakersAndEvents(t *testing.T) {
	r := newRelease(t)
	var mutex sync.Mutex
	var events []sogov.Event
	engine := r.open(sogov.EngineOptions{Event: func(event sogov.Event) {
		mutex.Lock()
		defer mutex.Unlock()
		events = append(events, event)
	}})
	r.load(engine, zoo("moody"), "moody", "v1")
	r.load(engine, zoo("moody"), "moody", "v2")
	stable(t, engine, "moody", "v1")
	service := stable(t, engine, "moody", "v2")
	for i := 0; i < 3; i++ {
		_, err := service.Call([]byte("v2 fails"), nil)
		expect(t, sogov.ErrPluginFailed, err)
	}
	answer, err := service.Call([]byte("v2 fails"), nil)
	if err != nil || answer.Version != "v1" || answer.Reason != sogov.ReasonBreaker {
		t.Errorf("expected v1 to stand in, found %+v (%v)", answer, err)
	}
	infos, err := engine.Versions("moody")
	must(t, err)
	if v2 := infos[1]; v2.Breaker != sogov.BreakerOpen || v2.BreakerOpenFor <= 0 || v2.BreakerOpened != 1 || v2.Failures != 3 {
		t.Errorf("expected an open breaker, found %+v", v2)
	}
	mutex.Lock()
	defer mutex.Unlock()
	if len(events) != 1 || events[0].Kind != sogov.EventBreakerOpened || events[0].Service != "moody" ||
		events[0].Version != "v2" || events[0].Detail == "" {
		t.Errorf("expected one event, found %+v", events)
	}
}
