package sogov_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sogov.internal/sogov"
)

// counterEngine has the service counter: v1 stable, counted to 3.
func counterEngine(t *testing.T) (*release, *sogov.Engine, *sogov.Service) {
	t.Helper()
	r := newRelease(t)
	engine := r.open(sogov.EngineOptions{})
	r.load(engine, zoo("counter_v1"), "counter", "v1")
	service := stable(t, engine, "counter", "v1")
	for i := 0; i < 3; i++ {
		_, err := service.Call([]byte("add"), nil)
		must(t, err)
	}
	return r, engine, service
}

func expectAnswer(t *testing.T, service *sogov.Service, request, expected string) {
	t.Helper()
	if answer, err := service.Call([]byte(request), nil); err != nil || string(answer.Data) != expected {
		t.Errorf("%s: expected %q, found %q (%v)", request, expected, answer.Data, err)
	}
}

func TestAnUpdateMovesTheStateAndTellsItsSteps(t *testing.T) {
	r, engine, service := counterEngine(t)
	var steps []string
	info, err := engine.Update(context.Background(), "counter", "v2", r.signed(zoo("counter_v2"), "counter", "v2"),
		&sogov.UpdateOptions{
			ChangeOptions: sogov.ChangeOptions{Actor: "tests", Reason: "a new schema"},
			State:         sogov.StateHandover,
			HandoverTime:  time.Minute,
			Progress: func(progress sogov.UpdateProgress) error {
				if progress.Phase == sogov.PhaseEnds {
					steps = append(steps, progress.Step.String())
				}
				return nil
			},
		})
	must(t, err)
	if info.Version != "v2" || info.Standing != sogov.StandingStable {
		t.Errorf("expected v2 to be stable, found %+v", info)
	}
	expected := "verify preflight load import_state self_test handover done"
	if found := strings.Join(steps, " "); found != expected {
		t.Errorf("expected %s, found %s", expected, found)
	}
	expectAnswer(t, service, "get", "v2 3")
}

func TestAVersionThatFailsUnderGrayIsTakenBack(t *testing.T) {
	r, engine, service := counterEngine(t)
	message := ""
	_, err := engine.Update(context.Background(), "counter", "v2", r.signed(zoo("counter_fails"), "counter", "v2"),
		&sogov.UpdateOptions{
			Gray:     []sogov.GrayStep{{Share: 10_000, Calls: 2}},
			OnNoData: sogov.NoDataHold,
			Progress: func(progress sogov.UpdateProgress) error {
				if progress.Step == sogov.StepGray {
					_, _ = service.Call([]byte("get"), nil)
				}
				if progress.Step == sogov.StepRolledBack {
					message = progress.Message
				}
				return nil
			},
		})
	expect(t, sogov.ErrUpdateFailed, err)
	if !strings.Contains(err.Error(), "gray: expected at most 100 of 10000 calls to fail") || !strings.Contains(message, "gray") {
		t.Errorf("found %v and %q", err, message)
	}
	expectAnswer(t, service, "get", "v1 3")
}

func TestShadowCallsReportWhatDiffersWithoutContent(t *testing.T) {
	r, engine, service := counterEngine(t)
	var found []sogov.UpdateMismatch
	_, err := engine.Update(context.Background(), "counter", "v2", r.signed(zoo("counter_echo_differs"), "counter", "v2"),
		&sogov.UpdateOptions{
			ShadowRequests: 5,
			ShadowTime:     time.Minute,
			Progress: func(progress sogov.UpdateProgress) error {
				if progress.Step == sogov.StepShadow && progress.Mismatch == nil {
					expectAnswer(t, service, "echo a", "a")
				}
				if progress.Mismatch != nil {
					found = append(found, *progress.Mismatch)
				}
				return nil
			},
		})
	expect(t, sogov.ErrUpdateFailed, err)
	digest, err := sogov.SM3([]byte("a"))
	must(t, err)
	if len(found) != 1 || found[0].RequestLen != 6 || found[0].ExpectedLen != 1 || found[0].FoundLen != 9 ||
		found[0].ExpectedDigest != digest {
		t.Errorf("expected one mismatch, found %+v", found)
	}
}

func TestAnUpdateIsCancelledByItsContextAndByItsCallback(t *testing.T) {
	r, engine, service := counterEngine(t)
	signed := r.signed(zoo("counter_v2"), "counter", "v2")
	// at cancels at the self test.
	at := func(cancel func() error) func(sogov.UpdateProgress) error {
		return func(progress sogov.UpdateProgress) error {
			if progress.Step == sogov.StepSelfTest {
				return cancel()
			}
			return nil
		}
	}
	reason := errors.New("somebody said no")
	_, err := engine.Update(context.Background(), "counter", "v2", signed,
		&sogov.UpdateOptions{Progress: at(func() error { return reason })})
	if !errors.Is(err, sogov.ErrCancelled) || !errors.Is(err, reason) || !strings.Contains(err.Error(), "self test") {
		t.Errorf("expected the callback's reason, found %v", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	_, err = engine.Update(ctx, "counter", "v2", signed,
		&sogov.UpdateOptions{Progress: at(func() error { cancel(); return nil })})
	if !errors.Is(err, sogov.ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("expected the context's end, found %v", err)
	}
	_, err = engine.Update(ctx, "counter", "v2", signed, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("expected the context's end, found %v", err)
	}

	// A deadline, where nothing but waiting happens.
	soon, cancelSoon := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancelSoon()
	_, err = engine.Update(soon, "counter", "v2", signed,
		&sogov.UpdateOptions{ProbationTime: deadline, ProbationCalls: 1, OnNoData: sogov.NoDataHold})
	if !errors.Is(err, sogov.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expected the deadline, found %v", err)
	}

	recovered := func() (reason interface{}) {
		defer func() { reason = recover() }()
		_, _ = engine.Update(context.Background(), "counter", "v2", signed,
			&sogov.UpdateOptions{Progress: func(sogov.UpdateProgress) error { panic("in the callback") }})
		return nil
	}()
	if text, ok := recovered.(error); !ok || !strings.Contains(text.Error(), "in the callback") {
		t.Errorf("expected the callback's panic, found %v", recovered)
	}
	expectAnswer(t, service, "get", "v1 3")
	infos, err := engine.Versions("counter")
	if err != nil || len(infos) != 1 {
		t.Errorf("expected v1 alone, found %+v (%v)", infos, err)
	}
	_, err = engine.Update(context.Background(), "counter", "v2", signed, &sogov.UpdateOptions{Drain: -1})
	expect(t, sogov.ErrInvalidArgument, err)
	_, err = engine.Update(context.Background(), "counter", "v2", signed,
		&sogov.UpdateOptions{Gray: []sogov.GrayStep{{Share: 1, Hold: -1}}})
	expect(t, sogov.ErrInvalidArgument, err)
}

// Closing the engine cancels an update that would go on for long.
func TestClosingCancelsAnUpdate(t *testing.T) {
	r, engine, _ := counterEngine(t)
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		told := false
		_, err := engine.Update(context.Background(), "counter", "v2", r.signed(zoo("counter_v2"), "counter", "v2"),
			&sogov.UpdateOptions{ProbationTime: 10 * deadline, Progress: func(progress sogov.UpdateProgress) error {
				if progress.Step == sogov.StepProbation && !told {
					told = true
					close(begun)
				}
				return nil
			}})
		ended <- err
	}()
	await(t, begun, "the probation")
	must(t, engine.Close())
	err := <-ended
	if !errors.Is(err, sogov.ErrCancelled) || !errors.Is(err, sogov.ErrClosed) {
		t.Errorf("expected the update to be cancelled, found %v", err)
	}
}
