package sogov_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sogov.internal/sogov"
)

// verification is a valid one.
func verification(t testing.TB) sogov.Verification {
	t.Helper()
	key, public := generate(t)
	signature, err := key.Sign([]byte("message"), nil)
	must(t, err)
	return sogov.Verification{Key: public, Message: []byte("message"), Signature: signature}
}

func openVerifier(t testing.TB, options *sogov.VerifierOptions) *sogov.Verifier {
	t.Helper()
	verifier, err := sogov.OpenVerifier(options)
	must(t, err)
	return verifier
}

// submitAll hands in tickets from several goroutines, each third of them valid, whoever polls meanwhile.
func submitAll(t *testing.T, verifier *sogov.Verifier, goroutines, each int) *sync.WaitGroup {
	item := verification(t)
	var submitting sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		submitting.Add(1)
		go func(first int) {
			defer submitting.Done()
			for ticket := first; ticket < first+each; ticket++ {
				one := item
				switch ticket % 3 {
				case 1:
					one.Message = []byte("massage")
				case 2:
					one.Signature = []byte("short")
				}
				err := verifier.Submit(one, uint64(ticket), nil)
				for errors.Is(err, sogov.ErrBusy) {
					runtime.Gosched()
					err = verifier.Submit(one, uint64(ticket), nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}(g * each)
	}
	return &submitting
}

// tally counts tickets.
type tally struct {
	mutex sync.Mutex
	seen  map[uint64]int
}

func (c *tally) add(t *testing.T, results []sogov.VerificationResult) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, result := range results {
		c.seen[result.Ticket]++
		if result.Valid() != (result.Ticket%3 == 0) || (!result.Valid() && result.Status != sogov.ErrSignatureInvalid) {
			t.Errorf("ticket %d: found %v", result.Ticket, result.Status)
		}
	}
}

func (c *tally) expect(t *testing.T, tickets int) {
	t.Helper()
	for ticket := uint64(0); ticket < uint64(tickets); ticket++ {
		if c.seen[ticket] != 1 {
			t.Errorf("ticket %d: expected one result, found %d", ticket, c.seen[ticket])
		}
	}
	if len(c.seen) != tickets {
		t.Errorf("expected %d tickets, found %d", tickets, len(c.seen))
	}
}

func TestEveryTicketHasItsResultOnceByPolling(t *testing.T) {
	const goroutines, each, pollers = 4, 300, 3
	verifier := openVerifier(t, &sogov.VerifierOptions{Threads: 2, Capacity: 64, MaxWait: 100 * time.Microsecond})
	submitting := submitAll(t, verifier, goroutines, each)
	found := tally{seen: map[uint64]int{}}
	var polling sync.WaitGroup
	for p := 0; p < pollers; p++ {
		polling.Add(1)
		go func() {
			defer polling.Done()
			results := make([]sogov.VerificationResult, 16)
			for {
				count, err := verifier.Poll(context.Background(), results)
				if errors.Is(err, sogov.ErrClosed) {
					return
				}
				if err != nil || count == 0 {
					t.Errorf("expected results, found %d (%v)", count, err)
					return
				}
				found.add(t, results[:count])
			}
		}()
	}
	submitting.Wait()
	must(t, verifier.Finish(context.Background()))
	polling.Wait()
	found.expect(t, goroutines*each)
	must(t, verifier.Close())
	must(t, verifier.Close())
}

func TestEveryTicketHasItsResultOnceByCallback(t *testing.T) {
	const goroutines, each = 4, 300
	found := tally{seen: map[uint64]int{}}
	verifier := openVerifier(t, &sogov.VerifierOptions{Threads: 3, Capacity: 64,
		Callback: func(results []sogov.VerificationResult) { found.add(t, results) }})
	submitAll(t, verifier, goroutines, each).Wait()
	_, err := verifier.Poll(context.Background(), make([]sogov.VerificationResult, 1))
	expect(t, sogov.ErrInvalidArgument, err)
	must(t, verifier.Close())
	found.expect(t, goroutines*each)
}

func TestAContextEndsAWait(t *testing.T) {
	verifier := openVerifier(t, nil)
	results := make([]sogov.VerificationResult, 4)
	soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := verifier.Poll(soon, results); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("expected the deadline, found %v", err)
	}
	// Two wait, one of them for its turn; each ends by its own context.
	contexts, waits := []context.CancelFunc{}, []chan error{}
	for i := 0; i < 2; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		contexts, waits = append(contexts, cancel), append(waits, ended)
		go func() {
			_, err := verifier.Poll(ctx, make([]sogov.VerificationResult, 1))
			ended <- err
		}()
	}
	for i, cancel := range contexts {
		cancel()
		if err := <-waits[i]; !errors.Is(err, context.Canceled) {
			t.Errorf("expected the context's end, found %v", err)
		}
	}
	// The descriptor is fit for the next one.
	must(t, verifier.Submit(verification(t), 7, nil))
	if count, err := verifier.Poll(context.Background(), results); err != nil || count != 1 || results[0].Ticket != 7 ||
		!results[0].Valid() {
		t.Errorf("expected ticket 7, found %v (%v)", results[:count], err)
	}
	must(t, verifier.Close())
	ended, cancelNow := context.WithCancel(context.Background())
	cancelNow()
	other := openVerifier(t, nil)
	if err := other.Finish(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("expected the context's end, found %v", err)
	}
	must(t, other.Close())
}

func TestWhatWasNotPolledIsInFlightAndDroppedInTheEnd(t *testing.T) {
	item := verification(t)
	verifier := openVerifier(t, &sogov.VerifierOptions{Capacity: 2})
	must(t, verifier.Submit(item, 0, nil))
	must(t, verifier.Submit(item, 1<<64-1, nil))
	expect(t, sogov.ErrBusy, verifier.Submit(item, 1, nil))
	must(t, verifier.Finish(context.Background()))
	expect(t, sogov.ErrClosed, verifier.Submit(item, 2, nil))
	count, err := verifier.Poll(context.Background(), make([]sogov.VerificationResult, 1))
	if err != nil || count != 1 {
		t.Errorf("expected one result, found %d (%v)", count, err)
	}
	var dropped *sogov.DroppedError
	if err := verifier.Close(); !errors.As(err, &dropped) || dropped.Count != 1 {
		t.Errorf("expected one dropped result, found %v", err)
	}
	must(t, verifier.Close())
	expect(t, sogov.ErrClosed, verifier.Finish(context.Background()))
	_, err = verifier.Poll(context.Background(), nil)
	expect(t, sogov.ErrClosed, err)
}

func TestClosingWakesWhoPolls(t *testing.T) {
	verifier := openVerifier(t, nil)
	const pollers = 4
	ended := make(chan error, pollers)
	for p := 0; p < pollers; p++ {
		go func() {
			_, err := verifier.Poll(context.Background(), make([]sogov.VerificationResult, 1))
			ended <- err
		}()
	}
	must(t, verifier.Close())
	for p := 0; p < pollers; p++ {
		expect(t, sogov.ErrClosed, <-ended)
	}
}

// A goroutine that waits holds no thread: far more wait here than threads there may be, and each gets one result.
func TestWaitingHoldsNoThread(t *testing.T) {
	const pollers = 2000
	verifier := openVerifier(t, &sogov.VerifierOptions{Threads: 1})
	item := verification(t)
	var begun, polling sync.WaitGroup
	for p := 0; p < pollers; p++ {
		begun.Add(1)
		polling.Add(1)
		go func() {
			defer polling.Done()
			begun.Done()
			count, err := verifier.Poll(context.Background(), make([]sogov.VerificationResult, 1))
			if err != nil || count != 1 {
				t.Errorf("expected a result, found %d (%v)", count, err)
			}
		}()
	}
	begun.Wait()
	for ticket := 0; ticket < pollers; ticket++ {
		must(t, verifier.Submit(item, uint64(ticket), nil))
	}
	if threads := threadCount(t); threads > 500 {
		t.Errorf("expected few threads, found %d", threads)
	}
	polling.Wait()
	must(t, verifier.Close())
}

func TestACallbackCannotCloseAVerifier(t *testing.T) {
	other := openVerifier(t, nil)
	item := verification(t)
	told := make(chan [2]error, 1)
	verifier := openVerifier(t, &sogov.VerifierOptions{Callback: func([]sogov.VerificationResult) {
		// It may use the rest, a second verification among it.
		if err := item.Key.Verify(item.Message, item.Signature, nil); err != nil {
			t.Error(err)
		}
		told <- [2]error{other.Close(), other.Finish(context.Background())}
	}})
	must(t, verifier.Submit(item, 1, nil))
	for _, err := range <-told {
		expect(t, sogov.ErrDeadlock, err)
	}
	must(t, verifier.Close())
	must(t, other.Close())
}

func TestOptionsAndArgumentsOfAVerifierAreChecked(t *testing.T) {
	for _, options := range []sogov.VerifierOptions{{Threads: 1025}, {Capacity: 1 << 21}, {MaxWait: 2 * time.Second},
		{MaxWait: -1}, {MaxWait: 1 << 62}} {
		_, err := sogov.OpenVerifier(&options)
		expect(t, sogov.ErrInvalidArgument, err)
	}
	verifier := openVerifier(t, nil)
	item := verification(t)
	expect(t, sogov.ErrInvalidArgument, verifier.Submit(sogov.Verification{}, 1, nil))
	expect(t, sogov.ErrInvalidArgument, verifier.Submit(item, 1, &sogov.SignatureOptions{Encoding: 9}))
	expect(t, sogov.ErrInvalidArgument, verifier.Submit(item, 1, &sogov.SignatureOptions{UserID: make([]byte, 8192)}))
	_, err := verifier.Poll(context.Background(), nil)
	expect(t, sogov.ErrInvalidArgument, err)
	must(t, item.Key.Close())
	expect(t, sogov.ErrClosed, verifier.Submit(item, 1, nil))
	must(t, verifier.Close())
}

// Verifiers that nobody closed end by themselves, and their callbacks with them.
func TestForgottenVerifiersEnd(t *testing.T) {
	item := verification(t)
	var told atomic.Int64
	const count = 20
	before := threadCount(t)
	for i := 0; i < count; i++ {
		verifier := openVerifier(t, &sogov.VerifierOptions{Threads: 8,
			Callback: func(results []sogov.VerificationResult) { told.Add(int64(len(results))) }})
		must(t, verifier.Submit(item, 1, nil))
	}
	end := time.Now().Add(deadline)
	for told.Load() != count || threadCount(t) > before+4*count {
		if time.Now().After(end) {
			t.Fatalf("expected %d results and the threads gone, found %d and %d of %d", count, told.Load(), threadCount(t), before)
		}
		runtime.GC()
	}
}
