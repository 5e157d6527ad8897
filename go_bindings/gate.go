package sogov

import "sync/atomic"

// gate counts who is inside an object, so that what it stands for is freed once, when the object was closed and the last
// one has left.
type gate struct {
	// 2 for each one inside, and 1 once it was closed.
	state     atomic.Int64
	finishing atomic.Bool
	end       func()
	ended     chan struct{}
}

// open lets users in; end will run once, on the goroutine that closes or on that of the last user. It must not refer to the
// object that the gate is in, which would never be collected then.
func (g *gate) open(end func()) {
	g.ended = make(chan struct{})
	g.end = end
}

// enter comes in, which leave must follow, or fails where the gate is closed.
func (g *gate) enter(what string) error {
	if g.state.Add(2)&1 == 0 {
		return nil
	}
	g.leave()
	return closed(what)
}

func (g *gate) leave() {
	if g.state.Add(-2) == 1 {
		g.finish()
	}
}

// close lets nobody in any more, and does not wait for those inside. False when it was closed before.
func (g *gate) close() bool {
	for {
		state := g.state.Load()
		if state&1 != 0 {
			return false
		}
		if g.state.CompareAndSwap(state, state|1) {
			if state == 0 {
				g.finish()
			}
			return true
		}
	}
}

// isClosed is whether nobody enters any more.
func (g *gate) isClosed() bool { return g.state.Load()&1 != 0 }

// wait waits until the last one has left a closed gate. What was never opened has nothing to wait for.
func (g *gate) wait() {
	if g.ended != nil {
		<-g.ended
	}
}

// finish runs end, which may come back here: whoever is turned away leaves too, and callbacks that end causes are turned away.
func (g *gate) finish() {
	if g.end != nil && g.finishing.CompareAndSwap(false, true) {
		g.end()
		close(g.ended)
	}
}
