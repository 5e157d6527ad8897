package sogov_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"sogov.internal/sogov"
)

// Versions side by side: a gray release, and the way back.
func Example() {
	directory := prepared()
	defer os.RemoveAll(directory)
	// A production host names the keys that must have signed trust.json, in RootKeyIDs.
	engine, err := sogov.Open(&sogov.EngineOptions{TrustDirectory: filepath.Join(directory, "trust")})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	deploy := sogov.ChangeOptions{Actor: "deploy", Reason: "first release"}
	for _, version := range []string{"v1", "v2"} {
		path := filepath.Join(directory, "fee-"+version+".so")
		if _, err := engine.Load("fee", version, path, &sogov.LoadOptions{ChangeOptions: deploy}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := engine.Promote("fee", "v1", &deploy); err != nil {
		log.Fatal(err)
	}
	policy := []byte(`{"version": "try-v2", "stable": "v1", "weight": {"v1": 80, "v2": 20}}`)
	if err := engine.ApplyRoutePolicy("fee", policy, nil); err != nil {
		log.Fatal(err)
	}

	fee, err := engine.Service("fee")
	if err != nil {
		log.Fatal(err)
	}
	count := func() map[string]int {
		counts := map[string]int{}
		for n := 0; n < 1000; n++ {
			request := &sogov.Request{UserKey: fmt.Sprintf("user-%d", n)}
			answer, err := fee.Call([]byte("amount=1234.56 currency=CNY"), request)
			if err != nil {
				log.Fatal(err)
			}
			counts[answer.Version]++
		}
		return counts
	}
	gray := count()
	fmt.Println("gray:", gray["v1"] > 700 && gray["v2"] > 100)
	if _, err := engine.Rollback("fee", &sogov.ChangeOptions{Actor: "alice", Reason: "v2 looks wrong"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("rolled back:", count())
	// Output:
	// gray: true
	// rolled back: map[v1:1000]
}

// Errors are found by their status, and by what the status is about.
func ExampleStatus() {
	_, err := sogov.LoadPublicKey([]byte("no key"))
	fmt.Println(errors.Is(err, sogov.ErrKeyInvalid))
	var failed *sogov.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.Status, failed.Status.Family() == sogov.FamilySignature)
	}
	// Output:
	// true
	// SOGOV_STATUS_KEY_INVALID true
}

func ExamplePrivateKey_Sign() {
	key, err := sogov.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	signature, err := key.Sign([]byte("message"), &sogov.SignatureOptions{Encoding: sogov.Raw})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(signature), key.Verify([]byte("message"), signature, nil))
	// Output: 64 <nil>
}

func ExampleSM3() {
	digest, err := sogov.SM3([]byte("abc"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(digest)
	// Output: 66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0
}

// Many signatures in one call: the error tells of each.
func ExampleVerifyBatch() {
	items := signedMessages(3)
	items[1].Message = []byte("another")
	var refused *sogov.BatchError
	if err := sogov.VerifyBatch(items, nil); errors.As(err, &refused) {
		fmt.Println(refused.Results)
	}
	// Output: [SOGOV_STATUS_OK SOGOV_STATUS_SIGNATURE_INVALID SOGOV_STATUS_OK]
}

// Signatures are verified in the background; each ticket comes back once.
func ExampleVerifier() {
	verifier, err := sogov.OpenVerifier(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()
	for ticket, item := range signedMessages(100) {
		if err := verifier.Submit(item, uint64(ticket), nil); err != nil {
			log.Fatal(err)
		}
	}
	ctx := context.Background()
	if err := verifier.Finish(ctx); err != nil {
		log.Fatal(err)
	}
	valid, results := 0, make([]sogov.VerificationResult, 32)
	for {
		count, err := verifier.Poll(ctx, results)
		if errors.Is(err, sogov.ErrClosed) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		for _, result := range results[:count] {
			if result.Valid() {
				valid++
			}
		}
	}
	fmt.Println(valid, "valid")
	// Output: 100 valid
}

// signedMessages are signatures that are valid.
func signedMessages(count int) []sogov.Verification {
	key, err := sogov.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	items := make([]sogov.Verification, count)
	for i := range items {
		message := []byte(fmt.Sprintf("message %d", i))
		signature, err := key.Sign(message, nil)
		if err != nil {
			log.Fatal(err)
		}
		items[i] = sogov.Verification{Key: key, Message: message, Signature: signature}
	}
	return items
}

// prepared is a directory with trust/ and the signed plugins fee-v1.so and fee-v2.so.
func prepared() string {
	key, err := sogov.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		log.Fatal(err)
	}
	id, _ := key.ID()
	pem, _ := public.PEM()
	directory, err := os.MkdirTemp("", "sogov-example-")
	if err != nil {
		log.Fatal(err)
	}
	document := fmt.Sprintf(`{"schema": 1, "keys": [{"id": "%v", "scheme": "sm2-sm3", "services": ["fee"]}]}`, id)
	trust := filepath.Join(directory, "trust")
	if err := os.MkdirAll(filepath.Join(trust, "keys"), 0o700); err != nil {
		log.Fatal(err)
	}
	for name, content := range map[string]string{"trust.json": document, "keys/release.pem": string(pem)} {
		if err := os.WriteFile(filepath.Join(trust, name), []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	for _, version := range []string{"v1", "v2"} {
		facts := sogov.FileFacts{Service: "fee", Version: version, Epoch: 1}
		if _, err := key.SignFile(fee(version), filepath.Join(directory, "fee-"+version+".so"), facts); err != nil {
			log.Fatal(err)
		}
	}
	return directory
}
