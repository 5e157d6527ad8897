// Command peers drives github.com/emmansun/gmsm and github.com/tjfoc/gmsm by the commands of README.md:
// `peers emmansun` or `peers tjfoc`.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const streamLen = 1 << 20

// peer is a library. Signatures are in DER.
type peer interface {
	publicKey(spki []byte) (verifier, error)
	privateKey(pkcs8 []byte) (signer, error)
	digest(message []byte) [32]byte
}

type (
	verifier func(message, signature []byte) bool
	signer   func(message []byte) ([]byte, error)
)

type testCase struct{ spki, signature, message []byte }

type driver struct {
	peer  peer
	cases []testCase
	pkcs8 []byte
	next  int
}

func main() {
	modules := map[string]peer{"emmansun": emmansun{}, "tjfoc": tjfoc{}}
	name := os.Args[1]
	driver := driver{peer: modules[name]}
	fmt.Printf("driver der %s %s/gmsm\n", version("github.com/"+name+"/gmsm"), name)
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if words := strings.Fields(line); len(words) > 0 {
			driver.answer(words[0], words[1:])
		}
	}
}

func (d *driver) answer(command string, words []string) {
	switch command {
	case "signer":
		d.pkcs8 = unhex(words[0])
	case "case":
		d.cases = append(d.cases, testCase{unhex(words[0]), unhex(words[1]), unhex(words[2])})
	case "check":
		verdicts := make([]byte, len(d.cases))
		for i, c := range d.cases {
			verdicts[i] = '0'
			if d.verifyNewKey(c) {
				verdicts[i] = '1'
			}
		}
		fmt.Printf("verdicts %s\n", verdicts)
	case "sign":
		fmt.Print("signatures")
		sign := d.signer()
		for _, c := range d.cases {
			fmt.Printf(" %x", must(sign(c.message)))
		}
		fmt.Println()
	case "digest":
		fmt.Print("digests")
		for _, c := range d.cases {
			fmt.Printf(" %x", d.peer.digest(c.message))
		}
		fmt.Println()
	case "run":
		turn := d.operation(words[0])
		if turn == nil {
			fmt.Println("none")
			return
		}
		run(turn, time.Duration(must(strconv.Atoi(words[1])))*time.Millisecond)
	default:
		panic("unknown command " + command)
	}
}

// operation returns a function that does one turn and returns the units done.
func (d *driver) operation(name string) func() int {
	switch name {
	case "verify_one":
		verifiers := make([]verifier, len(d.cases))
		for i, c := range d.cases {
			verifiers[i] = must(d.peer.publicKey(c.spki))
		}
		return func() int {
			i := d.turn()
			return accepted(verifiers[i](d.cases[i].message, d.cases[i].signature))
		}
	case "verify_one_new_key":
		return func() int { return accepted(d.verifyNewKey(d.cases[d.turn()])) }
	case "sign_one":
		sign := d.signer()
		return func() int {
			must(sign(d.cases[d.turn()].message))
			return 1
		}
	case "sm3_stream":
		data := make([]byte, streamLen)
		for i := range data {
			data[i] = byte(i % 251)
		}
		return func() int {
			d.peer.digest(data)
			return streamLen
		}
	}
	return nil
}

// verifyNewKey takes a panic for a refusal: tjfoc reads a key off the curve as one without coordinates.
func (d *driver) verifyNewKey(c testCase) (good bool) {
	defer func() {
		if recover() != nil {
			good = false
		}
	}()
	verify, err := d.peer.publicKey(c.spki)
	return err == nil && verify(c.message, c.signature)
}

func (d *driver) signer() signer {
	return must(d.peer.privateKey(d.pkcs8))
}

func (d *driver) turn() int {
	d.next++
	return d.next % len(d.cases)
}

func run(turn func() int, duration time.Duration) {
	turn()
	units, processor, begin := 0, processorTime(), time.Now()
	for time.Since(begin) < duration {
		units += turn()
	}
	elapsed := time.Since(begin)
	fmt.Println("ran", units, processorTime()-processor, elapsed.Nanoseconds())
}

// processorTime is that of all threads of this process, the collector's too.
func processorTime() int64 {
	const clockProcessCPUTime = 2
	var t syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPUTime, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		panic(e)
	}
	return t.Nano()
}

func accepted(good bool) int {
	if !good {
		panic("a good signature was refused")
	}
	return 1
}

func unhex(word string) []byte {
	return must(hex.DecodeString(strings.Trim(word, "-")))
}

func version(module string) string {
	build, _ := debug.ReadBuildInfo()
	for _, dependency := range build.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "?"
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
