//go:build cgo && linux

package sogov

/*
#include "bridge.h"
*/
import "C"

import "time"

// RefreshTrust looks at the trust directory now, takes out of service what it revokes, and says how trust stands. Loads do the
// same, and so does a background thread (EngineOptions.TrustCheck).
//
// It fails with ErrTrustInvalid, ErrExpired, with ErrBelowFloor for a document, a deny-list or root keys that are older than
// what was accepted before, and with ErrClockRefused where the clock would decide and is not believed.
func (e *Engine) RefreshTrust(options *ChangeOptions) (TrustInfo, error) {
	var raw C.sogov_trust_info
	raw.size = C.sizeof_sogov_trust_info
	_, err := e.change("", "", options, func(c *change) error {
		return take(C.sogov_trust_refresh(e.handle, c.options, &raw, &c.failed), &c.failed)
	})
	if err != nil {
		return TrustInfo{}, err
	}
	return TrustInfo{
		DocumentEpoch: uint64(raw.document_epoch), DenylistNumber: uint64(raw.denylist_number),
		RootSet: uint64(raw.root_set), Revoked: uint64(raw.revoked), RevokedServing: uint64(raw.revoked_serving),
		Time: time.Unix(int64(raw.time), 0).UTC(), Clock: ClockVerdict(raw.clock), Durable: raw.durable != 0,
	}, nil
}

// ConfirmTime takes the machine's clock as it stands for right, after it jumped ahead by more than a day: the word of the
// options' Actor, who has to give a Reason. It fails with ErrInvalidArgument without them, and with ErrClockRefused for a clock
// that is behind what was seen or signed.
func (e *Engine) ConfirmTime(options *ChangeOptions) (time.Time, error) {
	var confirmed C.uint64_t
	_, err := e.change("", "", options, func(c *change) error {
		return take(C.sogov_trust_confirm_time(e.handle, c.options, &confirmed, &c.failed), &c.failed)
	})
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(confirmed), 0).UTC(), nil
}
