// The same in Go: host DIRECTORY ROOT_ID.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"

	"sogov.internal/sogov"
)

func main() {
	log.SetFlags(0)
	directory, rootID := os.Args[1], os.Args[2]
	root, err := sogov.ParseKeyID(rootID)
	if err != nil {
		log.Fatal(err)
	}
	engine, err := sogov.Open(&sogov.EngineOptions{TrustDirectory: directory + "/trust", RootKeyIDs: []sogov.KeyID{root}})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if _, err := engine.Load("crash", "v1", directory+"/crash-v1.so", nil); !errors.Is(err, sogov.ErrPreflightFailed) {
		log.Fatal("WRONG: the preflight sees the crash: ", err)
	}
	if _, err := engine.Load("fee", "v1", directory+"/fee-v1.so", nil); err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Promote("fee", "v1", nil); err != nil {
		log.Fatal(err)
	}
	fee, err := engine.Service("fee")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := fee.Call([]byte("amount=1234.56 currency=CNY"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", answer.Version, answer.Data)
}
