//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import "errors"

// Verification is a signature to be verified: that of Key over Message.
type Verification struct {
	// Key is a public key, or a private one, whose public part is used.
	Key Key
	// Message is any number of bytes.
	Message []byte
	// Signature is in the encoding of the options.
	Signature []byte
	// UserID is the signer's; nil is that of the options.
	UserID []byte
}

// Signing is a message to be signed by Key.
type Signing struct {
	// Key signs.
	Key *PrivateKey
	// Message is any number of bytes; not those that PrivateKey.Sign refuses.
	Message []byte
	// UserID is the signer's; nil is that of the options.
	UserID []byte
}

// VerifyBatch verifies many signatures, of any keys, faster than as many calls of Verify. It returns nil when every one is
// valid, and for none; otherwise a *BatchError, which tells of each item what became of it. The options are those of all
// items.
func VerifyBatch(items []Verification, options *SignatureOptions) error {
	if len(items) == 0 {
		return nil
	}
	var crossing batch
	defer crossing.leave()
	for _, item := range items {
		if err := crossing.enter(item.Key); err != nil {
			return err
		}
		crossing.add(item.Message)
		crossing.add(item.Signature)
		crossing.addUserID(item.UserID)
	}
	userID, encoding := options.parts()
	results := make([]C.int32_t, len(items))
	r := C.bridge_verify_batch(&crossing.numbers[0], first(crossing.bytes), &crossing.lengths[0], C.size_t(len(items)),
		first(userID), userIDLen(userID), encoding, &results[0])
	return batchError(take(r.status, &r.error), results)
}

// SignBatch signs many messages as PrivateKey.Sign does, all of them or none, and returns the signatures in the order of the
// items; faster than as many calls of it. It fails with what PrivateKey.Sign would say of the first item that it would refuse.
func SignBatch(items []Signing, options *SignatureOptions) ([][]byte, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var crossing batch
	defer crossing.leave()
	for _, item := range items {
		if item.Key == nil {
			return nil, badArgument("key: expected one, found nil")
		}
		if err := crossing.enter(item.Key); err != nil {
			return nil, err
		}
		crossing.add(item.Message)
		crossing.addUserID(item.UserID)
	}
	userID, encoding := options.parts()
	made := make([]byte, len(items)*C.BRIDGE_SIGNATURE_SIZE)
	lengths := make([]C.size_t, len(items))
	r := C.bridge_sign_batch(&crossing.numbers[0], first(crossing.bytes), &crossing.lengths[0], C.size_t(len(items)),
		first(userID), userIDLen(userID), encoding, first(made), &lengths[0])
	if err := take(r.status, &r.error); err != nil {
		return nil, err
	}
	signatures := make([][]byte, len(items))
	for i, length := range lengths {
		begin := i * C.BRIDGE_SIGNATURE_SIZE
		end := begin + int(length)
		signatures[i] = made[begin:end:end]
	}
	return signatures, nil
}

// batch is what crosses of many items, whose keys nobody frees meanwhile.
type batch struct {
	packed
	inside  []*key
	numbers []C.uintptr_t
}

func (b *batch) enter(given Key) error {
	if given == nil {
		return badArgument("key: expected one, found nil")
	}
	held := given.held()
	if err := held.gate.enter("key"); err != nil {
		return err
	}
	b.inside = append(b.inside, held)
	b.numbers = append(b.numbers, held.number())
	return nil
}

func (b *batch) leave() {
	for _, key := range b.inside {
		key.gate.leave()
	}
}

func batchError(err error, results []C.int32_t) error {
	var invalid *Error
	if !errors.As(err, &invalid) || invalid.Status != ErrSignatureInvalid {
		return err
	}
	told := make([]Status, len(results))
	for i, result := range results {
		told[i] = Status(result)
	}
	return &BatchError{invalid, told}
}
