//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import "unsafe"

// Sign signs a message under the scheme of the key: sm2-sm3 (GB/T 32918.2-2016) or ecdsa-p256 (FIPS 186-5) with a fresh nonce each
// time, hmac-sha256, or a registered one, of which it takes up to 8 KiB. It fails with ErrInvalidArgument for a
// message that begins with a tag of what vouches for plugins, trust directories, packages and audit trails ("sogov.sig.v1" and a
// NUL, and its like: docs/conventions.md): sign the
// file instead.
func (k *PrivateKey) Sign(message []byte, options *SignatureOptions) ([]byte, error) {
	if err := k.gate.enter("key"); err != nil {
		return nil, err
	}
	defer k.gate.leave()
	userID, encoding := options.parts()
	signature := make([]byte, C.BRIDGE_SIGNATURE_SIZE)
	r := C.bridge_sign(k.number(), first(message), C.size_t(len(message)), first(userID), userIDLen(userID), encoding,
		first(signature))
	if err := take(r.status, &r.error); err != nil {
		return nil, err
	}
	if r.longer != nil {
		defer C.bridge_free(r.longer)
		return C.GoBytes(unsafe.Pointer(r.longer.data), C.int(r.longer.len)), nil
	}
	return signature[:r.value], nil
}

// Verify fails with ErrSignatureInvalid when the signature is not valid, or is malformed. The options must be those of
// PrivateKey.Sign. A private key verifies by its public part.
func (k *key) Verify(message, signature []byte, options *SignatureOptions) error {
	if err := k.gate.enter("key"); err != nil {
		return err
	}
	defer k.gate.leave()
	userID, encoding := options.parts()
	r := C.bridge_verify(k.number(), first(message), C.size_t(len(message)), first(signature), C.size_t(len(signature)),
		first(userID), userIDLen(userID), encoding)
	return take(r.status, &r.error)
}

// SM3 is the digest of some data (GB/T 32905-2016).
func SM3(data []byte) (Digest, error) { return digest(C.SOGOV_DIGEST_ALGORITHM_SM3, data) }

// SM3Tree is the tree digest of docs/conventions.md, that of plugin files, which is faster for data of more than some leaves of
// 64 KiB.
func SM3Tree(data []byte) (Digest, error) { return digest(C.SOGOV_DIGEST_ALGORITHM_SM3_TREE, data) }

func digest(algorithm C.uint32_t, data []byte) (digest Digest, err error) {
	var failed *C.sogov_error
	err = take(C.sogov_digest(algorithm, first(data), C.size_t(len(data)), first(digest[:]), &failed), &failed)
	return digest, err
}

// number is the handle as what cgo does not look for pointers in.
func (k *key) number() C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(k.handle))) }

func (o *SignatureOptions) parts() (userID []byte, encoding C.uint32_t) {
	if o == nil {
		return nil, 0
	}
	return o.UserID, C.uint32_t(o.Encoding)
}
