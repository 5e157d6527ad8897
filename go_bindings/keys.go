//go:build cgo && linux

package sogov

/*
#include <string.h>
#include "bridge.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Key is a PublicKey or a PrivateKey. It is immutable: any number of goroutines may use it at once.
type Key interface {
	// ID is the identifier, equal for both halves of a pair.
	ID() (KeyID, error)
	// Verify checks the signature of a message; see PublicKey.Verify.
	Verify(message, signature []byte, options *SignatureOptions) error
	// Custody tells where the secret part of the key is kept.
	Custody() (Custody, error)
	// Prepare makes the tables that verifying is fast with; see PublicKey.Prepare.
	Prepare() error
	// Close frees the key.
	Close() error

	held() *key
}

// PublicKey is the public half of a pair: it verifies, and is named in trust directories.
type PublicKey struct{ key }

// PrivateKey signs messages, plugin files and, by its public part, verifies.
type PrivateKey struct{ key }

// key is what both kinds can do.
type key struct {
	gate   gate
	handle *C.sogov_key
}

// GenerateKey makes a new private key for SM2 with SM3, from the operating system's randomness.
func GenerateKey() (*PrivateKey, error) { return GenerateKeyOf("sm2-sm3") }

// GenerateKeyOf makes a new key for a scheme: "sm2-sm3", "ecdsa-p256" or "hmac-sha256". It fails with ErrUnsupported for another.
func GenerateKeyOf(name string) (*PrivateKey, error) {
	var given memory
	defer given.free()
	scheme, schemeLen := given.text(name)
	var handle *C.sogov_key
	var failed *C.sogov_error
	if err := take(C.sogov_key_generate(scheme, schemeLen, &handle, &failed), &failed); err != nil {
		return nil, err
	}
	return privateKey(handle), nil
}

// LoadPrivateKey reads PKCS#8 (plain, or encrypted by PBES2) or SEC 1, PEM or DER, told apart by the content; at most 64 KiB.
// The password is that of an encrypted key, and otherwise not looked at. It fails with ErrKeyInvalid for another format or
// curve, and for a wrong or missing password.
func LoadPrivateKey(file, password []byte) (*PrivateKey, error) {
	var handle *C.sogov_key
	var failed *C.sogov_error
	if err := take(C.sogov_key_load_private(first(file), C.size_t(len(file)), first(password), C.size_t(len(password)),
		&handle, &failed), &failed); err != nil {
		return nil, err
	}
	return privateKey(handle), nil
}

// OpenKey opens the private key that a URI names: "file:PATH?pin-source=file:PATH", whose file is read into memory that is wiped,
// "pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH" (RFC 7512), or
// "sdf:library=PATH;index=N;pin-source=file:PATH" (GM/T 0018). It fails with ErrInvalidArgument for another text, and with
// ErrCustodyFailed when the token or the device refused.
func OpenKey(uri string) (*PrivateKey, error) {
	var given memory
	defer given.free()
	text, textLen := given.text(uri)
	var handle *C.sogov_key
	var failed *C.sogov_error
	if err := take(C.sogov_key_open(text, textLen, &handle, &failed), &failed); err != nil {
		return nil, err
	}
	return privateKey(handle), nil
}

// SetKeyMemory says what happens to private keys where memory cannot be locked, for those that are made and read from now on.
func SetKeyMemory(policy KeyMemory) error {
	var failed *C.sogov_error
	return take(C.sogov_key_memory_policy(C.uint32_t(policy), &failed), &failed)
}

// LoadPublicKey reads SubjectPublicKeyInfo of SM2, P-256 or RSA (3072 to 8192 bits), PEM or DER, at most 64 KiB. It fails with ErrKeyInvalid for another format or
// curve, or a point off the curve.
func LoadPublicKey(file []byte) (*PublicKey, error) {
	var handle *C.sogov_key
	var failed *C.sogov_error
	if err := take(C.sogov_key_load_public(first(file), C.size_t(len(file)), &handle, &failed), &failed); err != nil {
		return nil, err
	}
	return publicKey(handle), nil
}

// LoadRawPrivateKey makes a key of "hmac-sha256" (public is nil, private 16 to 1,024 bytes), or the key pair of a scheme of the
// host's, whose name begins with "x-"; see RegisterScheme. It fails with ErrKeyInvalid for other lengths, and with ErrUnsupported
// for another scheme.
func LoadRawPrivateKey(scheme string, public, private []byte) (*PrivateKey, error) {
	if len(private) == 0 {
		return nil, badArgument("private: expected at least one byte, found none")
	}
	handle, err := loadRaw(scheme, public, private)
	if err != nil {
		return nil, err
	}
	return privateKey(handle), nil
}

// LoadRawPublicKey makes the public key of a scheme of the host's, whose name begins with "x-"; see RegisterScheme.
func LoadRawPublicKey(scheme string, public []byte) (*PublicKey, error) {
	handle, err := loadRaw(scheme, public, nil)
	if err != nil {
		return nil, err
	}
	return publicKey(handle), nil
}

func loadRaw(scheme string, public, private []byte) (handle *C.sogov_key, err error) {
	var given memory
	defer given.free()
	name, nameLen := given.text(scheme)
	var failed *C.sogov_error
	err = take(C.sogov_key_load_raw(name, nameLen, first(public), C.size_t(len(public)), first(private),
		C.size_t(len(private)), &handle, &failed), &failed)
	return handle, err
}

// ParseKeyID reads the text form of a key identifier, "sm3:" and 64 hexadecimal digits. It fails with ErrInvalidArgument for
// another text.
func ParseKeyID(text string) (id KeyID, err error) {
	var given memory
	defer given.free()
	raw, length := given.text(text)
	var failed *C.sogov_error
	err = take(C.sogov_key_id_parse(raw, length, first(id[:]), &failed), &failed)
	return id, err
}

// PreparedKeysLimit changes how many bytes the tables of prepared keys may take in this process: 64 MiB unless set, which is
// room for about 250 keys; with 0 no key is prepared. Verifying goes on in any case, more slowly by keys without tables.
func PreparedKeysLimit(bytes uint64) { C.sogov_prepared_keys_limit(C.size_t(bytes)) }

// ID is the identifier, equal for both halves of a pair.
func (k *key) ID() (id KeyID, err error) {
	if err := k.gate.enter("key"); err != nil {
		return id, err
	}
	defer k.gate.leave()
	var failed *C.sogov_error
	err = take(C.sogov_key_id(k.handle, first(id[:]), &failed), &failed)
	return id, err
}

// Custody tells where the secret part of the key is kept.
func (k *key) Custody() (Custody, error) {
	if err := k.gate.enter("key"); err != nil {
		return 0, err
	}
	defer k.gate.leave()
	var custody C.uint32_t
	var failed *C.sogov_error
	err := take(C.sogov_key_custody(k.handle, &custody, &failed), &failed)
	return Custody(custody), err
}

// Prepare makes the tables that verifying by this key is fast with (256 KiB) now, rather than after some verifications. The
// process keeps those of the keys that were used lately; see PreparedKeysLimit.
func (k *key) Prepare() error {
	if err := k.gate.enter("key"); err != nil {
		return err
	}
	defer k.gate.leave()
	var failed *C.sogov_error
	return take(C.sogov_key_prepare(k.handle, &failed), &failed)
}

// Close frees the key; a private one is wiped when the last call that uses it has ended. A second time it does nothing. The
// error is nil.
func (k *key) Close() error {
	k.gate.close()
	return nil
}

// PEM is the key as SubjectPublicKeyInfo, PEM.
func (k *PublicKey) PEM() ([]byte, error) { return k.export(C.SOGOV_KEY_FORMAT_SPKI_PEM, nil) }

// DER is the key as SubjectPublicKeyInfo, DER (RFC 5280, section 4.1).
func (k *PublicKey) DER() ([]byte, error) { return k.export(C.SOGOV_KEY_FORMAT_SPKI_DER, nil) }

// Public is the public half, as a key of its own. It fails with ErrInvalidArgument for a key of hmac-sha256, which has none.
func (k *PrivateKey) Public() (*PublicKey, error) {
	if err := k.gate.enter("key"); err != nil {
		return nil, err
	}
	defer k.gate.leave()
	var handle *C.sogov_key
	var failed *C.sogov_error
	if err := take(C.sogov_key_public(k.handle, &handle, &failed), &failed); err != nil {
		return nil, err
	}
	return publicKey(handle), nil
}

// PEM is the key as PKCS#8, PEM; with a password that is not nil, encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC). Wipe it
// after use. It fails with ErrInvalidArgument for a password that is empty.
func (k *PrivateKey) PEM(password []byte) ([]byte, error) {
	if password != nil && len(password) == 0 {
		return nil, badArgument("password: expected one that is not empty, or nil")
	}
	return k.export(C.SOGOV_KEY_FORMAT_PKCS8_PEM, password)
}

// DER is the key as PKCS#8, DER (RFC 5958), not encrypted. Wipe it after use.
func (k *PrivateKey) DER() ([]byte, error) { return k.export(C.SOGOV_KEY_FORMAT_PKCS8_DER, nil) }

func (k *key) held() *key { return k }

func (k *key) export(format C.uint32_t, password []byte) ([]byte, error) {
	if err := k.gate.enter("key"); err != nil {
		return nil, err
	}
	defer k.gate.leave()
	var given memory
	defer given.free()
	file := (*C.sogov_bytes)(given.zeroed(1, C.sizeof_sogov_bytes))
	var failed *C.sogov_error
	if err := take(C.sogov_key_export(k.handle, format, first(password), C.size_t(len(password)), file, &failed),
		&failed); err != nil {
		return nil, err
	}
	defer C.sogov_bytes_free(file)
	defer C.memset(unsafe.Pointer(file.data), 0, file.len)
	return C.GoBytes(unsafe.Pointer(file.data), C.int(file.len)), nil
}

func privateKey(handle *C.sogov_key) *PrivateKey {
	made := &PrivateKey{key{handle: handle}}
	made.gate.open(func() { C.sogov_key_free(handle) })
	runtime.SetFinalizer(made, func(key *PrivateKey) { key.gate.close() })
	return made
}

func publicKey(handle *C.sogov_key) *PublicKey {
	made := &PublicKey{key{handle: handle}}
	made.gate.open(func() { C.sogov_key_free(handle) })
	runtime.SetFinalizer(made, func(key *PublicKey) { key.gate.close() })
	return made
}
