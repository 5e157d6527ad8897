package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sogov.internal/sogov"
)

const (
	goroutines         = 8
	callsAfterRollback = 500
	patience           = 10 * time.Second
)

// tally is what became of calls.
type tally struct {
	calls, right, knownDefect, lost, afterRollback, tooLate uint64
}

func (t *tally) add(other tally) {
	t.calls += other.calls
	t.right += other.right
	t.knownDefect += other.knownDefect
	t.lost += other.lost
	t.afterRollback += other.afterRollback
	t.tooLate += other.tooLate
}

// caller makes calls, one at a time.
type caller struct {
	service *sogov.Service
	tally   tally
	answer  sogov.Answer
}

// price prices one transaction and checks the answer; it answers which version it was, and why.
func (c *caller) price(number uint64, request sogov.Request) (string, sogov.RouteReason) {
	transaction := transactionOf(number)
	c.tally.calls++
	err := c.service.CallInto(&c.answer, []byte(transaction.request()), &request)
	expected, answers := transaction.expected(c.answer.Version)
	switch {
	case err == nil && answers && string(c.answer.Data) == expected:
		c.tally.right++
	case errors.Is(err, sogov.ErrPluginFailed) && c.answer.PluginStatus == 1 && c.answer.Version != "" && !answers:
		// Status 1 is the version's own failure; v3 fails on large amounts, and nothing else may fail.
		c.tally.knownDefect++
	default:
		c.tally.lost++
	}
	return c.answer.Version, c.answer.Reason
}

// traffic is goroutines that call without a pause until it is stopped, and for a while after that.
type traffic struct {
	service    *sogov.Service
	failed     chan struct{}
	once       sync.Once
	rolledBack atomic.Bool
	running    sync.WaitGroup
	tallies    [goroutines]tally
}

func startTraffic(service *sogov.Service) *traffic {
	t := &traffic{service: service, failed: make(chan struct{})}
	for g := 0; g < goroutines; g++ {
		t.running.Add(1)
		go func(g int) {
			defer t.running.Done()
			t.tallies[g] = t.callOn(uint64(g) << 32)
		}(g)
	}
	return t
}

func (t *traffic) callOn(number uint64) tally {
	caller := caller{service: t.service}
	for ; caller.tally.afterRollback < callsAfterRollback; number++ {
		// Looked at before the call: what begins after the rollback must not meet v3.
		rolledBack := t.rolledBack.Load()
		version, _ := caller.price(number, sogov.Request{UserKey: fmt.Sprintf("user-%d", number)})
		if rolledBack {
			caller.tally.afterRollback++
			if version == "v3" {
				caller.tally.tooLate++
			}
		}
		if caller.tally.knownDefect > 0 {
			t.once.Do(func() { close(t.failed) })
		}
	}
	return caller.tally
}

// awaitFailure is whether v3 failed in time.
func (t *traffic) awaitFailure() bool {
	select {
	case <-t.failed:
		return true
	case <-time.After(patience):
		return false
	}
}

// stop says that the rollback is over, and what became of the calls.
func (t *traffic) stop() (sum tally) {
	t.rolledBack.Store(true)
	t.running.Wait()
	for _, one := range t.tallies {
		sum.add(one)
	}
	return sum
}
