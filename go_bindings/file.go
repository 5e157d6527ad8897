//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import "time"

// SignFile signs a plugin file and returns the artifact's digest. Strip first, sign last. The result appears whole or not at
// all.
//
// The target is where the signed copy goes; "" signs in place. With facts.Detached the plugin stays as it is, and the target is
// the signature file; "" is the source with ".sogsig" behind it, where loading looks for it.
//
// It fails with ErrImageRejected when the source is no well-formed shared object, and with ErrBusy when it is signed already:
// see AddSignature. A bill of materials that is malformed fails with ErrSbomInvalid.
func (k *PrivateKey) SignFile(source, target string, facts FileFacts) (digest Digest, err error) {
	if err := k.gate.enter("key"); err != nil {
		return digest, err
	}
	defer k.gate.leave()
	var given memory
	defer given.free()
	raw, err := facts.raw(&given)
	if err != nil {
		return digest, err
	}
	from, fromLen := given.text(source)
	to, toLen := given.text(target)
	var failed *C.sogov_error
	err = take(C.sogov_file_sign(k.handle, from, fromLen, to, toLen, raw, first(digest[:]), &failed), &failed)
	return digest, err
}

// AddSignature adds a signature over the statement that a signed plugin or a signature file carries; a nil user id is the
// default one. The file is replaced whole. It fails with ErrUnsigned when there is no statement, with ErrBusy when this key has
// signed already, and with ErrLimitExceeded when the space that the first signer reserved is used up.
func (k *PrivateKey) AddSignature(path string, userID []byte) error {
	if err := k.gate.enter("key"); err != nil {
		return err
	}
	defer k.gate.leave()
	var given memory
	defer given.free()
	file, fileLen := given.text(path)
	id, idLen := given.userID(userID)
	var failed *C.sogov_error
	return take(C.sogov_file_add_signature(k.handle, file, fileLen, id, idLen, &failed), &failed)
}

func (f *FileFacts) raw(given *memory) (*C.sogov_file_facts, error) {
	raw := (*C.sogov_file_facts)(given.zeroed(1, C.sizeof_sogov_file_facts))
	raw.size = C.sizeof_sogov_file_facts
	raw.service, raw.service_len = given.text(f.Service)
	raw.version, raw.version_len = given.text(f.Version)
	raw.name, raw.name_len = given.text(f.Name)
	raw.semver, raw.semver_len = given.text(f.Semver)
	raw.issuer, raw.issuer_len = given.text(f.Issuer)
	raw.user_id, raw.user_id_len = given.userID(f.UserID)
	raw.sbom_path, raw.sbom_path_len = given.text(f.SbomPath)
	raw.epoch, raw.detached = C.uint64_t(f.Epoch), flag(f.Detached)
	var err error
	if raw.not_before, err = unixSeconds(f.NotBefore, "NotBefore"); err != nil {
		return nil, err
	}
	raw.not_after, err = unixSeconds(f.NotAfter, "NotAfter")
	return raw, err
}

// unixSeconds is a time as the library takes it: 0 is no limit.
func unixSeconds(at time.Time, what string) (C.uint64_t, error) {
	if at.IsZero() {
		return 0, nil
	}
	if at.Unix() < 1 {
		return 0, badArgument("%s: expected a time after 1970, found %v", what, at)
	}
	return C.uint64_t(at.Unix()), nil
}
