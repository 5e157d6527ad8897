package sogov_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sogov.internal/sogov"
)

func threadCount(t testing.TB) int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	return len(threads)
}

// Ten thousand goroutines call over a route policy that changes; each answer is the price of the version that the call names,
// testers meet their version whatever the weights are, and the engine counts every call.
func TestTenThousandGoroutinesOverAChangingPolicy(t *testing.T) {
	const goroutines, calls = 10_000, 10
	engine, service := feeEngine(t)
	policy := func(v2 int) {
		must(t, engine.ApplyRoutePolicy("fee", []byte(fmt.Sprintf(`{"version": "p%d", "stable": "v1",
			"weight": {"v1": %d, "v2": %d},
			"rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]}`,
			v2, 100-v2, v2)), nil))
	}
	policy(50)
	var running sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		running.Add(1)
		go func(g int) {
			defer running.Done()
			var answer sogov.Answer
			request := &sogov.Request{UserKey: fmt.Sprintf("user-%d", g)}
			if g%10 == 0 {
				request.Headers = []sogov.Header{{Name: "X-Env", Value: "gray"}}
			}
			for i := 0; i < calls; i++ {
				if err := service.CallInto(&answer, []byte(payment), request); err != nil {
					t.Error(err)
				} else if string(answer.Data) != prices[answer.Version] || (g%10 == 0 && answer.Version != "v2") {
					t.Errorf("%v: found %q of %s", request, answer.Data, answer.Version)
				}
				runtime.Gosched()
			}
		}(g)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		running.Wait()
	}()
	for share, over := 0, false; !over; share = (share + 7) % 100 {
		policy(share)
		select {
		case <-done:
			over = true
		default:
		}
	}
	infos, err := engine.Versions("fee")
	must(t, err)
	if counted := infos[0].Calls + infos[1].Calls; counted != goroutines*calls || infos[0].InFlight+infos[1].InFlight != 0 {
		t.Errorf("expected %d calls, found %+v", goroutines*calls, infos)
	}
}

// Everything is closed while goroutines use it: each use works, or says ErrClosed.
func TestCloseUnderFire(t *testing.T) {
	for round := 0; round < 10; round++ {
		r := newRelease(t)
		var shut, late atomic.Bool
		listen := func() {
			if shut.Load() {
				late.Store(true)
			}
		}
		engine, err := sogov.Open(&sogov.EngineOptions{TrustDirectory: r.trust, Preflight: sogov.PreflightOff,
			Log: func(sogov.LogLevel, string) { listen() }})
		must(t, err)
		r.load(engine, fee("v1"), "fee", "v1")
		service := stable(t, engine, "fee", "v1")
		item := verification(t)
		verifier := openVerifier(t, nil)
		second := r.signed(fee("v2"), "fee", "v2")
		ctx := context.Background()
		uses := []func() error{
			func() error { _, err := service.Call([]byte(payment), &sogov.Request{UserKey: "u"}); return err },
			func() error {
				lease, err := service.Route(nil)
				if err == nil {
					err = lease.Release(sogov.Success)
				}
				return err
			},
			func() error { _, err := engine.AllVersions(); return err },
			func() error { _, err := engine.Promote("fee", "v1", nil); return err },
			func() error { _, err := engine.Service("fee"); return err },
			func() error {
				if _, err := engine.Load("fee", "v2", second, nil); err != nil {
					return err
				}
				return engine.Unload(ctx, "fee", "v2", nil)
			},
			func() error { return item.Key.Verify(item.Message, item.Signature, nil) },
			func() error { return sogov.VerifyBatch([]sogov.Verification{item, item}, nil) },
			func() error { return verifier.Submit(item, 1, nil) },
			func() error { _, err := verifier.Poll(ctx, make([]sogov.VerificationResult, 8)); return err },
		}
		var running, begun sync.WaitGroup
		for _, use := range uses {
			running.Add(1)
			begun.Add(1)
			go func(use func() error) {
				defer running.Done()
				for first := true; ; first = false {
					err := use()
					if first {
						begun.Done()
					}
					switch {
					case errors.Is(err, sogov.ErrClosed):
						return
					case err != nil && !errors.Is(err, sogov.ErrBusy):
						t.Error(err)
						return
					}
				}
			}(use)
		}
		begun.Wait()
		closes := []func() error{engine.Close, engine.Close, service.Close, item.Key.Close, verifier.Close, verifier.Close}
		for _, end := range closes {
			running.Add(1)
			go func(end func() error) {
				defer running.Done()
				var dropped *sogov.DroppedError
				if err := end(); err != nil && !errors.As(err, &dropped) {
					t.Error(err)
				}
			}(end)
		}
		must(t, engine.Close())
		shut.Store(true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			running.Wait()
		}()
		await(t, done, "the uses of what was closed")
		if late.Load() {
			t.Error("expected no line of the log after the close")
		}
	}
}

func TestAClosedEngineRefusesEveryUse(t *testing.T) {
	engine, service := feeEngine(t)
	must(t, engine.Close())
	must(t, engine.Close())
	ctx := context.Background()
	uses := map[string]func() error{
		"Service":          func() error { _, err := engine.Service("fee"); return err },
		"Load":             func() error { _, err := engine.Load("fee", "v1", "x", nil); return err },
		"Update":           func() error { _, err := engine.Update(ctx, "fee", "v1", "x", nil); return err },
		"ApplyRoutePolicy": func() error { return engine.ApplyRoutePolicy("fee", nil, nil) },
		"Promote":          func() error { _, err := engine.Promote("fee", "v1", nil); return err },
		"Rollback":         func() error { _, err := engine.Rollback("fee", nil); return err },
		"Unload":           func() error { return engine.Unload(ctx, "fee", "v1", nil) },
		"Versions":         func() error { _, err := engine.Versions("fee"); return err },
		"AllVersions":      func() error { _, err := engine.AllVersions(); return err },
		"VerifyFile":       func() error { _, err := engine.VerifyFile("fee", "v1", "x"); return err },
		"Call":             func() error { _, err := service.Call(nil, nil); return err },
		"Route":            func() error { _, err := service.Route(nil); return err },
	}
	for name, use := range uses {
		if err := use(); !errors.Is(err, sogov.ErrClosed) {
			t.Errorf("%s: expected ErrClosed, found %v", name, err)
		}
	}
}

// Goroutines make, use and forget everything while garbage is collected all the time.
func TestGarbageCollectionUnderFire(t *testing.T) {
	engine, _ := feeEngine(t)
	var over atomic.Bool
	var collecting, running sync.WaitGroup
	collecting.Add(1)
	go func() {
		defer collecting.Done()
		for !over.Load() {
			runtime.GC()
		}
	}()
	for g := 0; g < 8; g++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := 0; i < 200; i++ {
				if err := useAndForget(engine); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	running.Wait()
	over.Store(true)
	collecting.Wait()
}

func useAndForget(engine *sogov.Engine) error {
	service, err := engine.Service("fee")
	if err != nil {
		return err
	}
	answer, err := service.Call([]byte(payment), &sogov.Request{UserKey: "u", Headers: []sogov.Header{{Name: "a", Value: "b"}}})
	if err != nil || string(answer.Data) != prices[answer.Version] {
		return fmt.Errorf("found %q of %s (%v)", answer.Data, answer.Version, err)
	}
	key, err := sogov.GenerateKey()
	if err != nil {
		return err
	}
	signature, err := key.Sign([]byte("message"), &sogov.SignatureOptions{UserID: []byte("alice")})
	if err != nil {
		return err
	}
	public, err := key.Public()
	if err != nil {
		return err
	}
	return sogov.VerifyBatch([]sogov.Verification{
		{Key: public, Message: []byte("message"), Signature: signature, UserID: []byte("alice")},
	}, nil)
}

// The log comes from many threads at once, and may come back into the engine.
func TestCallbacksFromManyThreads(t *testing.T) {
	const goroutines, changes = 16, 20
	r := newRelease(t)
	var promotions atomic.Int64
	var engine *sogov.Engine
	var opened atomic.Bool
	engine = r.open(sogov.EngineOptions{
		Log: func(level sogov.LogLevel, line string) {
			if strings.HasPrefix(line, "promote ") {
				promotions.Add(1)
			}
			if opened.Load() {
				if _, err := engine.Versions("fee"); err != nil && !errors.Is(err, sogov.ErrClosed) {
					t.Error(err)
				}
			}
			runtime.GC()
		},
	})
	for _, version := range []string{"v1", "v2"} {
		r.load(engine, fee(version), "fee", version)
	}
	opened.Store(true)
	var running sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		running.Add(1)
		go func(g int) {
			defer running.Done()
			for i := 0; i < changes; i++ {
				if _, err := engine.Promote("fee", []string{"v1", "v2"}[(g+i)%2], nil); err != nil {
					t.Error(err)
				}
			}
		}(g)
	}
	running.Wait()
	if found := promotions.Load(); found != goroutines*changes {
		t.Errorf("expected %d lines, found %d", goroutines*changes, found)
	}
}

// An engine cannot be closed from its own callbacks, which it would wait for.
func TestACallbackCannotCloseItsEngine(t *testing.T) {
	r := newRelease(t)
	var engine *sogov.Engine
	inside := make(chan error, 10)
	engine = r.open(sogov.EngineOptions{Log: func(_ sogov.LogLevel, line string) {
		if strings.HasPrefix(line, "promote ") {
			inside <- engine.Close()
		}
	}})
	r.load(engine, zoo("counter_v1"), "counter", "v1")
	stable(t, engine, "counter", "v1")
	expect(t, sogov.ErrDeadlock, <-inside)
	_, err := engine.Update(context.Background(), "counter", "v2", r.signed(zoo("counter_v2"), "counter", "v2"),
		&sogov.UpdateOptions{Progress: func(sogov.UpdateProgress) error { return engine.Close() }})
	if !errors.Is(err, sogov.ErrDeadlock) || !errors.Is(err, sogov.ErrCancelled) {
		t.Errorf("expected the refusal to cancel the update, found %v", err)
	}
	must(t, engine.Close())
}
