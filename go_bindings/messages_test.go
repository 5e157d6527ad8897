package sogov_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sogov.internal/sogov"
)

// sm2Vectors are a file of vectors for signatures.
type sm2Vectors struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		Key struct {
			SPKI hexBytes `json:"spki"`
		} `json:"key"`
		UserID *hexBytes `json:"user_id_hex"`
		Tests  []struct {
			ID       int      `json:"tcId"`
			Message  hexBytes `json:"msg"`
			Sig      hexBytes `json:"sig"`
			Encoding string   `json:"encoding"`
			Result   string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

var encodings = map[string]sogov.Encoding{"raw": sogov.Raw, "der": sogov.DER}

// Each vector, one at a time and in a batch of its own; afterwards all of an encoding in one batch.
func TestSM2Vectors(t *testing.T) {
	count := 0
	batches := map[sogov.Encoding][]sogov.Verification{}
	expected := map[sogov.Encoding][]sogov.Status{}
	for _, name := range []string{"sm2_sign.json", "sm2_wycheproof.json"} {
		var file sm2Vectors
		vectors(t, name, &file)
		for _, group := range file.TestGroups {
			if group.UserID == nil {
				continue
			}
			key, err := sogov.LoadPublicKey(group.Key.SPKI)
			must(t, err)
			for _, test := range group.Tests {
				encoding, known := encodings[test.Encoding]
				if !known {
					t.Fatalf("%s %d: unknown encoding %q", name, test.ID, test.Encoding)
				}
				status := sogov.OK
				if test.Result != "valid" {
					status = sogov.ErrSignatureInvalid
				}
				options := &sogov.SignatureOptions{UserID: *group.UserID, Encoding: encoding}
				if found := sogov.StatusOf(key.Verify(test.Message, test.Sig, options)); found != status {
					t.Errorf("%s %d: expected %v, found %v", name, test.ID, status, found)
				}
				batches[encoding] = append(batches[encoding],
					sogov.Verification{Key: key, Message: test.Message, Signature: test.Sig, UserID: *group.UserID})
				expected[encoding] = append(expected[encoding], status)
				count++
			}
		}
	}
	if count < 700 {
		t.Errorf("expected hundreds of vectors, found %d", count)
	}
	for encoding, items := range batches {
		var refused *sogov.BatchError
		err := sogov.VerifyBatch(items, &sogov.SignatureOptions{Encoding: encoding})
		if !errors.As(err, &refused) || !errors.Is(err, sogov.ErrSignatureInvalid) {
			t.Fatalf("expected a BatchError, found %v", err)
		}
		for i, status := range expected[encoding] {
			if refused.Results[i] != status {
				t.Errorf("%v item %d: expected %v, found %v", encoding, i, status, refused.Results[i])
			}
		}
	}
}

// The published signatures, by the key that the vector gives as a number: SEC 1 holds that without its public part.
func TestPublishedVectors(t *testing.T) {
	var file struct {
		Signatures []struct {
			ID      int      `json:"tcId"`
			Private hexBytes `json:"private"`
			UserID  hexBytes `json:"user_id_hex"`
			Message hexBytes `json:"msg"`
			Sig     hexBytes `json:"sig"`
			Hash    string   `json:"hash"`
			Result  string   `json:"result"`
		} `json:"signatures"`
	}
	vectors(t, "sm2_published.json", &file)
	held := 0
	for _, test := range file.Signatures {
		if test.Hash != "SM3" {
			continue
		}
		held++
		key, err := sogov.LoadPrivateKey(sec1(t, test.Private), nil)
		must(t, err)
		options := &sogov.SignatureOptions{UserID: test.UserID}
		status := sogov.OK
		if test.Result != "valid" {
			status = sogov.ErrSignatureInvalid
		}
		if found := sogov.StatusOf(key.Verify(test.Message, test.Sig, options)); found != status {
			t.Errorf("%d: expected %v, found %v", test.ID, status, found)
		}
		signature, err := key.Sign(test.Message, options)
		must(t, err)
		must(t, key.Verify(test.Message, signature, options))
	}
	if held < 2 {
		t.Errorf("expected published signatures, found %d", held)
	}
}

// sec1 is SEQUENCE { 1, OCTET STRING, [0] sm2p256v1 } in DER.
func sec1(t *testing.T, private []byte) []byte {
	t.Helper()
	curve, err := hex.DecodeString("a00a06082a811ccf5501822d")
	must(t, err)
	content := append([]byte{2, 1, 1, 4, byte(len(private))}, private...)
	content = append(content, curve...)
	return append([]byte{0x30, byte(len(content))}, content...)
}

func TestSM3Vectors(t *testing.T) {
	var flat struct {
		Tests []struct {
			ID      int      `json:"tcId"`
			Message hexBytes `json:"msg"`
			Digest  string   `json:"digest"`
		} `json:"tests"`
	}
	vectors(t, "sm3.json", &flat)
	for _, test := range flat.Tests {
		found, err := sogov.SM3(test.Message)
		must(t, err)
		if found.String() != test.Digest {
			t.Errorf("%d: expected %s, found %v", test.ID, test.Digest, found)
		}
	}
	var tree struct {
		Tests []struct {
			ID     int    `json:"tcId"`
			Length int    `json:"length"`
			Root   string `json:"root"`
		} `json:"tests"`
	}
	vectors(t, "sm3_tree.json", &tree)
	for _, test := range tree.Tests {
		data := make([]byte, test.Length)
		for i := range data {
			data[i] = byte(i % 251)
		}
		found, err := sogov.SM3Tree(data)
		must(t, err)
		if found.String() != test.Root {
			t.Errorf("tree %d: expected %s, found %v", test.ID, test.Root, found)
		}
	}
	if len(flat.Tests) < 100 || len(tree.Tests) < 5 {
		t.Errorf("expected the vectors to be there, found %d and %d", len(flat.Tests), len(tree.Tests))
	}
}

func TestASignatureIsValidForItsMessageKeyAndUserIDAlone(t *testing.T) {
	_, stranger := generate(t)
	for _, encoding := range []sogov.Encoding{sogov.Raw, sogov.DER} {
		for _, id := range [][]byte{nil, {}, []byte("alice"), make([]byte, 8191)} {
			key, public := generate(t)
			options := &sogov.SignatureOptions{UserID: id, Encoding: encoding}
			signature, err := key.Sign([]byte("message"), options)
			must(t, err)
			if encoding == sogov.Raw && len(signature) != 64 {
				t.Errorf("expected 64 bytes, found %d", len(signature))
			}
			must(t, public.Verify([]byte("message"), signature, options))
			must(t, key.Verify([]byte("message"), signature, options))
			bob := &sogov.SignatureOptions{UserID: []byte("bob"), Encoding: encoding}
			expect(t, sogov.ErrSignatureInvalid, public.Verify([]byte("massage"), signature, options))
			expect(t, sogov.ErrSignatureInvalid, public.Verify([]byte("message"), signature, bob))
			expect(t, sogov.ErrSignatureInvalid, public.Verify([]byte("message"), signature[:63], options))
			expect(t, sogov.ErrSignatureInvalid, public.Verify([]byte("message"), nil, options))
			expect(t, sogov.ErrSignatureInvalid, stranger.Verify([]byte("message"), signature, options))
		}
	}
}

func TestNoUserIDIsTheDefaultAndNotTheEmptyOne(t *testing.T) {
	key, public := generate(t)
	signature, err := key.Sign(nil, nil)
	must(t, err)
	must(t, public.Verify([]byte{}, signature, &sogov.SignatureOptions{UserID: []byte("1234567812345678")}))
	expect(t, sogov.ErrSignatureInvalid, public.Verify(nil, signature, &sogov.SignatureOptions{UserID: []byte{}}))
}

func TestWhatVouchesForPluginsIsNotSignedAsAMessage(t *testing.T) {
	key, _ := generate(t)
	for _, tag := range []string{"sogov.sig.v1\x00", "sogov.trust.v1\x00", "sogov.advisories.v1\x00"} {
		_, err := key.Sign([]byte(tag+"..."), nil)
		expect(t, sogov.ErrInvalidArgument, err)
		_, err = key.Sign([]byte(tag[:len(tag)-1]), nil)
		must(t, err)
	}
	for _, options := range []sogov.SignatureOptions{{Encoding: 7}, {UserID: make([]byte, 8192)}} {
		_, err := key.Sign(nil, &options)
		expect(t, sogov.ErrInvalidArgument, err)
	}
}

func TestOpenSSLVerifiesWhatIsSignedHereAndTheOtherWayRound(t *testing.T) {
	key, public := generate(t)
	directory, message := t.TempDir(), []byte("message")
	private, err := key.PEM(nil)
	must(t, err)
	pem, err := public.PEM()
	must(t, err)
	signature, err := key.Sign(message, &sogov.SignatureOptions{Encoding: sogov.DER})
	must(t, err)
	for name, content := range map[string][]byte{"key": private, "pub": pem, "message": message, "ours": signature} {
		must(t, os.WriteFile(filepath.Join(directory, name), content, 0o600))
	}
	openssl := func(arguments string) {
		command := exec.Command("openssl", strings.Fields("pkeyutl -rawin -digest sm3 -in message -pkeyopt "+
			"distid:1234567812345678 "+arguments)...)
		command.Dir = directory
		if printed, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, printed)
		}
	}
	openssl("-verify -pubin -inkey pub -sigfile ours")
	openssl("-sign -inkey key -out theirs")
	theirs, err := os.ReadFile(filepath.Join(directory, "theirs"))
	must(t, err)
	must(t, public.Verify(message, theirs, &sogov.SignatureOptions{Encoding: sogov.DER}))
}

func TestABatchSignsAllOrNothingAndVerifiesEach(t *testing.T) {
	ids := [][]byte{nil, {}, []byte("alice")}
	for _, encoding := range []sogov.Encoding{sogov.Raw, sogov.DER} {
		options := &sogov.SignatureOptions{Encoding: encoding}
		var orders []sogov.Signing
		for i := 0; i < 30; i++ {
			key, _ := generate(t)
			orders = append(orders, sogov.Signing{Key: key, Message: bytes.Repeat([]byte{byte(i)}, i), UserID: ids[i%3]})
		}
		signatures, err := sogov.SignBatch(orders, options)
		must(t, err)
		var items []sogov.Verification
		for i, order := range orders {
			own := &sogov.SignatureOptions{UserID: order.UserID, Encoding: encoding}
			must(t, order.Key.Verify(order.Message, signatures[i], own))
			items = append(items, sogov.Verification{Key: order.Key, Message: order.Message, Signature: signatures[i],
				UserID: order.UserID})
		}
		must(t, sogov.VerifyBatch(items, options))
		items[7].Message = []byte("another")
		var refused *sogov.BatchError
		if err := sogov.VerifyBatch(items, options); !errors.As(err, &refused) {
			t.Fatalf("expected a BatchError, found %v", err)
		}
		for i, result := range refused.Results {
			if (result == sogov.OK) == (i == 7) {
				t.Errorf("item %d: found %v", i, result)
			}
		}
		orders[3].Message = []byte("sogov.sig.v1\x00")
		_, err = sogov.SignBatch(orders, options)
		expect(t, sogov.ErrInvalidArgument, err)
		must(t, orders[4].Key.Close())
		_, err = sogov.SignBatch(orders, options)
		expect(t, sogov.ErrClosed, err)
		expect(t, sogov.ErrClosed, sogov.VerifyBatch(items, options))
	}
	must(t, sogov.VerifyBatch(nil, nil))
	expect(t, sogov.ErrInvalidArgument, sogov.VerifyBatch(make([]sogov.Verification, 1), nil))
	_, err := sogov.SignBatch(make([]sogov.Signing, 1), nil)
	expect(t, sogov.ErrInvalidArgument, err)
}
