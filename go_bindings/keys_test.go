package sogov_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

// keyFile reads a file of tests/vectors/keys.
func keyFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "tests/vectors/keys", name))
	must(t, err)
	return content
}

func TestPrivateKeysOfEveryFormatAreOneKey(t *testing.T) {
	public, err := sogov.LoadPublicKey(keyFile(t, "spki.pem"))
	must(t, err)
	expected, err := public.ID()
	must(t, err)
	passwords := map[string][]byte{"encrypted_aes-256-cbc.pem": []byte("secret")}
	for _, name := range []string{"pkcs8.pem", "pkcs8.der", "sec1.der", "sec1_sm2_label.pem", "sec1_ec_label.pem",
		"encrypted_aes-256-cbc.pem"} {
		key, err := sogov.LoadPrivateKey(keyFile(t, name), passwords[name])
		must(t, err)
		if found, err := key.ID(); err != nil || found != expected {
			t.Errorf("%s: expected %v, found %v (%v)", name, expected, found, err)
		}
	}
}

func TestKeysAreOpenedByURIsAndSayWhereTheyAre(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte("secret\n"), 0o600))
	file, err := filepath.Abs(filepath.Join(root, "tests/vectors/keys/encrypted_aes-256-cbc.pem"))
	must(t, err)
	key, err := sogov.OpenKey("file:" + file + "?pin-source=file:" + password)
	must(t, err)
	defer key.Close()
	custody, err := key.Custody()
	must(t, err)
	if custody < sogov.CustodyUnlocked || custody > sogov.CustodySecret {
		t.Errorf("expected pages of its own, found %v", custody)
	}
	public, err := key.Public()
	must(t, err)
	if custody, err := public.Custody(); err != nil || custody != sogov.CustodyNone {
		t.Errorf("expected none, found %v (%v)", custody, err)
	}
	for uri, status := range map[string]sogov.Status{
		"file:" + file: sogov.ErrKeyInvalid,
		"other:key":    sogov.ErrInvalidArgument,
		"pkcs11:object=k?module-path=/no/such/module.so":                 sogov.ErrNotFound,
		"pkcs11:object=k?module-path=" + file:                            sogov.ErrCustodyFailed,
		"sdf:library=/no/such/library.so;index=1;pin-source=" + password: sogov.ErrNotFound,
	} {
		_, err := sogov.OpenKey(uri)
		expect(t, status, err)
	}
	must(t, sogov.SetKeyMemory(sogov.KeyMemoryRequire))
	must(t, sogov.SetKeyMemory(sogov.KeyMemoryDegrade))
	expect(t, sogov.ErrInvalidArgument, sogov.SetKeyMemory(2))
}

func TestOtherKeysAreRefused(t *testing.T) {
	for _, name := range []string{"ed25519.pem", "explicit.pem", "encrypted_scrypt.pem",
		"legacy_encrypted.pem", "spki.pem"} {
		_, err := sogov.LoadPrivateKey(keyFile(t, name), []byte("secret"))
		expect(t, sogov.ErrKeyInvalid, err)
	}
	for _, password := range [][]byte{nil, {}, []byte("Secret")} {
		_, err := sogov.LoadPrivateKey(keyFile(t, "encrypted_aes-256-cbc.pem"), password)
		expect(t, sogov.ErrKeyInvalid, err)
	}
	for _, junk := range [][]byte{nil, {0}, []byte("-----BEGIN PRIVATE KEY-----"), make([]byte, 70_000)} {
		_, private := sogov.LoadPrivateKey(junk, nil)
		_, public := sogov.LoadPublicKey(junk)
		for _, err := range []error{private, public} {
			var failed *sogov.Error
			if !errors.As(err, &failed) || failed.Message == "" {
				t.Errorf("%d bytes: expected a refusal with a reason, found %v", len(junk), err)
			}
		}
	}
}

func TestKeysSurviveBeingWrittenAndRead(t *testing.T) {
	key, public := generate(t)
	id, err := key.ID()
	must(t, err)
	for _, password := range [][]byte{nil, []byte("pässword"), []byte("\xff\x00")} {
		pem, err := key.PEM(password)
		must(t, err)
		if encrypted := bytes.Contains(pem, []byte("ENCRYPTED")); encrypted != (password != nil) {
			t.Errorf("password %q: encrypted is %v", password, encrypted)
		}
		again, err := sogov.LoadPrivateKey(pem, password)
		must(t, err)
		if found, _ := again.ID(); found != id {
			t.Errorf("expected %v, found %v", id, found)
		}
	}
	der, err := key.DER()
	must(t, err)
	_, err = sogov.LoadPrivateKey(der, nil)
	must(t, err)
	der, err = public.DER()
	must(t, err)
	again, err := sogov.LoadPublicKey(der)
	must(t, err)
	must(t, again.Prepare())
	_, err = key.PEM([]byte{})
	expect(t, sogov.ErrInvalidArgument, err)
}

func TestKeyIDsHaveOneForm(t *testing.T) {
	_, public := generate(t)
	id, err := public.ID()
	must(t, err)
	text := id.String()
	for _, form := range []string{text, "sm3:" + strings.ToUpper(text[4:])} {
		if found, err := sogov.ParseKeyID(form); err != nil || found != id {
			t.Errorf("%s: found %v (%v)", form, found, err)
		}
	}
	for _, wrong := range []string{"", "sm3:", text[1:], text + "0", "md5:" + text[4:], "sm3:" + strings.Repeat("g", 64)} {
		_, err := sogov.ParseKeyID(wrong)
		expect(t, sogov.ErrInvalidArgument, err)
	}
	written, err := json.Marshal(id)
	must(t, err)
	var read sogov.KeyID
	must(t, json.Unmarshal(written, &read))
	if read != id {
		t.Errorf("expected %v, found %v", id, read)
	}
}

func TestAClosedKeyRefusesEveryUse(t *testing.T) {
	key, public := generate(t)
	other, _ := generate(t)
	must(t, key.Close())
	must(t, key.Close())
	must(t, public.Close())
	uses := map[string]func() error{
		"ID":             func() error { _, err := key.ID(); return err },
		"Sign":           func() error { _, err := key.Sign(nil, nil); return err },
		"Verify":         func() error { return public.Verify(nil, nil, nil) },
		"Prepare":        public.Prepare,
		"Public":         func() error { _, err := key.Public(); return err },
		"PrivateKey.PEM": func() error { _, err := key.PEM(nil); return err },
		"PrivateKey.DER": func() error { _, err := key.DER(); return err },
		"PublicKey.PEM":  func() error { _, err := public.PEM(); return err },
		"PublicKey.DER":  func() error { _, err := public.DER(); return err },
		"SignFile":       func() error { _, err := key.SignFile("a", "b", sogov.FileFacts{}); return err },
		"AddSignature":   func() error { return key.AddSignature("a", nil) },
		"VerifyBatch":    func() error { return sogov.VerifyBatch([]sogov.Verification{{Key: public}}, nil) },
		"SignBatch":      func() error { _, err := sogov.SignBatch([]sogov.Signing{{Key: key}}, nil); return err },
	}
	for name, use := range uses {
		if err := use(); !errors.Is(err, sogov.ErrClosed) {
			t.Errorf("%s: expected ErrClosed, found %v", name, err)
		}
	}
	if _, err := other.Sign(nil, nil); err != nil {
		t.Errorf("expected another key to go on, found %v", err)
	}
}

func TestForgottenKeysAreFreedWithoutAWord(t *testing.T) {
	for i := 0; i < 5000; i++ {
		key, err := sogov.GenerateKey()
		must(t, err)
		if _, err := key.Public(); err != nil {
			t.Fatal(err)
		}
		if i%500 == 0 {
			runtime.GC()
		}
	}
}
