package sogov_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"sogov.internal/sogov"
)

// masked is a scheme whose signature is key and message.
var masked = sogov.Scheme{
	Verify: func(key, message, signature []byte) bool {
		if string(message) == "panic" {
			panic("no signature")
		}
		return bytes.Equal(signature, append(append([]byte{}, key...), message...))
	},
	Sign: func(key, message []byte) ([]byte, error) {
		if string(message) == "none" {
			return nil, errors.New("no signature")
		}
		return append(append([]byte{}, key...), message...), nil
	},
}

func TestASchemeOfTheHostsSignsAndVerifies(t *testing.T) {
	must(t, sogov.RegisterScheme("x-go", 230, masked))
	private, err := sogov.LoadRawPrivateKey("x-go", []byte("key"), []byte("key"))
	must(t, err)
	public, err := private.Public()
	must(t, err)
	for _, message := range [][]byte{[]byte("message"), make([]byte, 8000)} {
		signature, err := private.Sign(message, nil)
		must(t, err)
		must(t, public.Verify(message, signature, nil))
		if err := public.Verify([]byte("another"), signature, nil); !errors.Is(err, sogov.ErrSignatureInvalid) {
			t.Errorf("expected a refusal, found %v", err)
		}
		if err := public.Verify([]byte("panic"), signature, nil); !errors.Is(err, sogov.ErrSignatureInvalid) {
			t.Errorf("expected a refusal, found %v", err)
		}
	}
	for _, message := range [][]byte{[]byte("none"), make([]byte, 9000)} {
		if _, err := private.Sign(message, nil); !errors.Is(err, sogov.ErrCustodyFailed) {
			t.Errorf("expected a refusal, found %v", err)
		}
	}
	must(t, sogov.UnregisterScheme("x-go"))
	if err := public.Verify([]byte("message"), []byte("keymessage"), nil); !errors.Is(err, sogov.ErrUnsupported) {
		t.Errorf("expected a refusal, found %v", err)
	}
	if err := sogov.UnregisterScheme("x-go"); !errors.Is(err, sogov.ErrNotFound) {
		t.Errorf("expected a refusal, found %v", err)
	}
}

func TestASchemeIsReplacedWhileGoroutinesVerify(t *testing.T) {
	must(t, sogov.RegisterScheme("x-go-replaced", 231, masked))
	public, err := sogov.LoadRawPublicKey("x-go-replaced", []byte("key"))
	must(t, err)
	stop := make(chan struct{})
	var verifying sync.WaitGroup
	for i := 0; i < 8; i++ {
		verifying.Add(1)
		go func() {
			defer verifying.Done()
			for {
				select {
				case <-stop:
					return
				default:
					if err := public.Verify([]byte("message"), []byte("keymessage"), nil); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}()
	}
	for i := 0; i < 500; i++ {
		must(t, sogov.RegisterScheme("x-go-replaced", 231, masked))
	}
	close(stop)
	verifying.Wait()
	must(t, sogov.UnregisterScheme("x-go-replaced"))
}

func TestKeysOfOtherSchemesSignAndVerify(t *testing.T) {
	p256, err := sogov.GenerateKeyOf("ecdsa-p256")
	must(t, err)
	secret, err := sogov.LoadRawPrivateKey("hmac-sha256", nil, make([]byte, 32))
	must(t, err)
	keys := []*sogov.PrivateKey{p256, secret}
	for i, key := range keys {
		signature, err := key.Sign([]byte("message"), nil)
		must(t, err)
		must(t, key.Verify([]byte("message"), signature, nil))
		if err := keys[1-i].Verify([]byte("message"), signature, nil); !errors.Is(err, sogov.ErrSignatureInvalid) {
			t.Errorf("expected a refusal, found %v", err)
		}
	}
	if _, err := secret.Public(); !errors.Is(err, sogov.ErrInvalidArgument) {
		t.Errorf("expected a refusal, found %v", err)
	}
	if _, err := sogov.LoadRawPrivateKey("hmac-sha256", nil, make([]byte, 8)); !errors.Is(err, sogov.ErrKeyInvalid) {
		t.Errorf("expected a refusal, found %v", err)
	}
	if err := sogov.RegisterScheme("sm2-sm3", 230, masked); !errors.Is(err, sogov.ErrInvalidArgument) {
		t.Errorf("expected a refusal, found %v", err)
	}
}
