//go:build cgo && linux

package sogov

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Recipient is a public key of RSA or SM2 that packages are encrypted for. It is immutable: any number of goroutines may use it
// at once.
type Recipient struct {
	gate   gate
	handle *C.sogov_recipient
}

// RecipientKey is a private key of RSA or SM2 that opens packages. It is immutable: any number of goroutines may use it at once.
type RecipientKey struct {
	gate   gate
	handle *C.sogov_recipient_key
}

// LoadRecipient reads a certificate, whose chain and dates are not looked at, or a SubjectPublicKeyInfo, PEM or DER. It fails with
// ErrKeyInvalid for another format, and for another algorithm than RSA (3072 to 8192 bits) and SM2.
func LoadRecipient(file []byte) (*Recipient, error) {
	var handle *C.sogov_recipient
	var failed *C.sogov_error
	if err := take(C.sogov_recipient_read(first(file), C.size_t(len(file)), &handle, &failed), &failed); err != nil {
		return nil, err
	}
	recipient := &Recipient{handle: handle}
	recipient.gate.open(func() { C.sogov_recipient_free(handle) })
	runtime.SetFinalizer(recipient, func(recipient *Recipient) { recipient.gate.close() })
	return recipient, nil
}

// LoadRecipientKey reads PKCS#8 of RSA (3072 to 8192 bits) or SM2, or SEC 1 of SM2, PEM or DER. The password is that of an
// encrypted key. The certificate is the key's, or nil: then up to eight recipients are tried that a package names by
// certificates. It fails with ErrKeyInvalid for another format or algorithm, a wrong or missing password, or the certificate of
// another key.
func LoadRecipientKey(file, password, certificate []byte) (*RecipientKey, error) {
	var handle *C.sogov_recipient_key
	var failed *C.sogov_error
	if err := take(C.sogov_recipient_key_read(first(file), C.size_t(len(file)), first(password), C.size_t(len(password)),
		first(certificate), C.size_t(len(certificate)), &handle, &failed), &failed); err != nil {
		return nil, err
	}
	key := &RecipientKey{handle: handle}
	key.gate.open(func() { C.sogov_recipient_key_free(handle) })
	runtime.SetFinalizer(key, func(key *RecipientKey) { key.gate.close() })
	return key, nil
}

// Close frees the recipient when the last one has left it. A second time it does nothing.
func (r *Recipient) Close() error {
	r.gate.close()
	runtime.SetFinalizer(r, nil)
	return nil
}

// Close frees the key, which is wiped, when the last one has left it. A second time it does nothing.
func (k *RecipientKey) Close() error {
	k.gate.close()
	runtime.SetFinalizer(k, nil)
	return nil
}

// Pack puts signed plugins and other files into an update package, which appears at the target whole or not at all, and returns
// its number. It fails with ErrInvalidArgument where something is missing, or for a file's name that a package cannot have, and
// with ErrUnsigned and ErrWrongService for plugins.
func Pack(target string, facts PackageFacts) (id PackageID, err error) {
	var given memory
	defer given.free()
	raw := (*C.sogov_pack_options)(given.zeroed(1, C.sizeof_sogov_pack_options))
	raw.size = C.sizeof_sogov_pack_options
	raw.plugins, raw.plugin_count = given.texts(facts.Plugins)
	raw.files, raw.file_count = given.texts(facts.Files)
	raw.audiences, raw.audience_count = given.texts(facts.Audiences)
	raw.service, raw.service_len = given.text(facts.Service)
	raw.issuer, raw.issuer_len = given.text(facts.Issuer)
	raw.user_id, raw.user_id_len = given.userID(facts.UserID)
	raw.epoch = C.uint64_t(facts.Epoch)
	if raw.not_after, err = unixSeconds(facts.NotAfter, "NotAfter"); err != nil {
		return id, err
	}
	pointer := C.size_t(unsafe.Sizeof(uintptr(0)))
	if count := len(facts.Keys); count > 0 {
		block := given.zeroed(count, pointer)
		keys := unsafe.Slice((**C.sogov_key)(block), count)
		for i, key := range facts.Keys {
			if key == nil {
				return id, badArgument("Keys[%d]: expected a key, found nil", i)
			}
			if err := key.gate.enter("key"); err != nil {
				return id, err
			}
			defer key.gate.leave()
			keys[i] = key.handle
		}
		raw.keys, raw.key_count = (**C.sogov_key)(block), C.size_t(count)
	}
	if count := len(facts.Recipients); count > 0 {
		block := given.zeroed(count, pointer)
		recipients := unsafe.Slice((**C.sogov_recipient)(block), count)
		for i, recipient := range facts.Recipients {
			if recipient == nil {
				return id, badArgument("Recipients[%d]: expected a recipient, found nil", i)
			}
			if err := recipient.gate.enter("recipient"); err != nil {
				return id, err
			}
			defer recipient.gate.leave()
			recipients[i] = recipient.handle
		}
		raw.recipients, raw.recipient_count = (**C.sogov_recipient)(block), C.size_t(count)
	}
	path, pathLen := given.text(target)
	var failed *C.sogov_error
	err = take(C.sogov_pack(raw, path, pathLen, first(id[:]), &failed), &failed)
	return id, err
}

// Install decrypts an update package, verifies all of it, and installs it into the state directory: its files appear together, or
// not at all. It returns the directory that they are in. The audience is the name of this host, and the engine needs a receipt key.
//
// It fails with ErrPackageInvalid for what was altered, has another form or is not for this key, with ErrWrongAudience, with
// ErrReplayed for a package that was installed before or is older than the last one of its service, and as Load does, for the
// package and for each plugin in it.
func (e *Engine) Install(path string, key *RecipientKey, audience string, options *ChangeOptions) (directory string, err error) {
	if key == nil {
		return "", badArgument("key: expected a key, found nil")
	}
	if err := e.gate.enter("engine"); err != nil {
		return "", err
	}
	defer e.gate.leave()
	if err := key.gate.enter("recipient key"); err != nil {
		return "", err
	}
	defer key.gate.leave()
	if options == nil {
		options = &ChangeOptions{}
	}
	var given memory
	defer given.free()
	raw := (*C.sogov_install_options)(given.zeroed(1, C.sizeof_sogov_install_options))
	raw.size = C.sizeof_sogov_install_options
	raw.audience, raw.audience_len = given.text(audience)
	raw.actor, raw.actor_len = given.text(options.Actor)
	raw.reason, raw.reason_len = given.text(options.Reason)
	file, fileLen := given.text(path)
	place := (*C.sogov_bytes)(given.zeroed(1, C.sizeof_sogov_bytes))
	defer C.sogov_bytes_free(place)
	var failed *C.sogov_error
	if err := take(C.sogov_install(e.handle, file, fileLen, key.handle, raw, place, &failed), &failed); err != nil {
		return "", err
	}
	return C.GoStringN((*C.char)(unsafe.Pointer(place.data)), C.int(place.len)), nil
}

// CheckPackage says whether an installed file is the one that was installed. It fails with ErrNotFound for a file that no package
// brought, and with ErrModified when the receipt itself was altered.
func (e *Engine) CheckPackage(path string) (PackageStanding, error) {
	if err := e.gate.enter("engine"); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	var given memory
	defer given.free()
	file, fileLen := given.text(path)
	var standing uint32
	var failed *C.sogov_error
	err := take(C.sogov_package_check(e.handle, file, fileLen, &standing, &failed), &failed)
	return PackageStanding(standing), err
}

// texts are copies of texts, and where they are.
func (m *memory) texts(texts []string) (*C.sogov_text, C.size_t) {
	if len(texts) == 0 {
		return nil, 0
	}
	block := m.zeroed(len(texts), C.sizeof_sogov_text)
	for i, one := range unsafe.Slice((*C.sogov_text)(block), len(texts)) {
		one.data, one.len = m.text(texts[i])
		unsafe.Slice((*C.sogov_text)(block), len(texts))[i] = one
	}
	return (*C.sogov_text)(block), C.size_t(len(texts))
}
