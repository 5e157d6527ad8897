package sogov_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"testing"

	"sogov.internal/sogov"
)

// A callback that neither returns nor panics would leave the library in the middle of what it does, with its locks held: the
// program ends and says why.
func TestACallbackThatExitsItsGoroutineEndsTheProgram(t *testing.T) {
	const variable = "SOGOV_TEST_EXITS"
	if what := os.Getenv(variable); what != "" {
		done := make(chan struct{})
		go func() {
			defer close(done)
			exitIn(t, what)
		}()
		<-done
		return
	}
	program, err := os.Executable()
	must(t, err)
	for _, what := range []string{"Log", "Callback", "Progress"} {
		command := exec.Command(program, "-test.run", "^"+t.Name()+"$", "-test.timeout", deadline.String())
		command.Env = append(os.Environ(), variable+"="+what, "SOGOV_TEST_PLUGINS="+feeDirectory,
			"SOGOV_TEST_ZOO="+zooDirectory)
		printed, err := command.CombinedOutput()
		expected := fmt.Sprintf("panic: sogov: panic in the callback %s: runtime.Goexit was called", what)
		if err == nil || !regexp.MustCompile(regexp.QuoteMeta(expected)).Match(printed) {
			t.Errorf("expected %q, found %v\n%s", expected, err, printed)
		}
	}
}

func exitIn(t *testing.T, what string) {
	switch what {
	case "Log":
		engine, err := sogov.Open(&sogov.EngineOptions{Log: func(sogov.LogLevel, string) { runtime.Goexit() }})
		must(t, err)
		_, err = engine.Load("fee", "v1", fee("v1"), nil)
		t.Errorf("expected a line of the log, found %v", err)
	case "Callback":
		key, public := generate(t)
		signature, err := key.Sign([]byte(payment), nil)
		must(t, err)
		verifier, err := sogov.OpenVerifier(&sogov.VerifierOptions{
			Callback: func([]sogov.VerificationResult) { runtime.Goexit() },
		})
		must(t, err)
		must(t, verifier.Submit(sogov.Verification{Key: public, Message: []byte(payment), Signature: signature}, 1, nil))
		must(t, verifier.Finish(context.Background()))
	case "Progress":
		engine, _ := feeEngine(t)
		_, err := engine.Update(context.Background(), "fee", "v3", fee("v3"), &sogov.UpdateOptions{
			Progress: func(sogov.UpdateProgress) error {
				runtime.Goexit()
				return nil
			},
		})
		t.Errorf("expected the progress, found %v", err)
	}
}
