package main

import (
	"fmt"
	"time"
)

// report is lines with times, and what must hold.
type report struct {
	wrong int
	begin time.Time
}

func newReport() *report { return &report{begin: time.Now()} }

// say prints one line.
func (r *report) say(topic, format string, arguments ...interface{}) {
	fmt.Printf("%10.3f ms  %-8s  %s\n", milliseconds(time.Since(r.begin)), topic, fmt.Sprintf(format, arguments...))
}

// must prints the line and remembers that something was wrong, unless it holds.
func (r *report) must(holds bool, line string) {
	if !holds {
		r.wrong++
		r.say("WRONG", "%s", line)
	}
}

// watch times what follows its start; as text, in milliseconds.
type watch time.Time

func start() watch { return watch(time.Now()) }

func (w watch) String() string { return fmt.Sprintf("%.3f ms", milliseconds(time.Since(time.Time(w)))) }

func milliseconds(duration time.Duration) float64 {
	return float64(duration) / float64(time.Millisecond)
}
