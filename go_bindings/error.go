package sogov

import (
	"errors"
	"fmt"
)

// Error is why a call failed. errors.Is finds it by its Status, and errors.As gives the whole.
type Error struct {
	// Status is the reason for programs.
	Status Status
	// Message is the reason for people: one line that names the thing, what was expected and what was found. It never
	// holds key bytes; its wording may change.
	Message string

	cause error
}

// Error is the status's name and the message.
func (e *Error) Error() string { return e.Status.String() + ": " + e.Message }

// Is tells whether target is this error's Status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap is what the caller gave as the reason, such as context.Canceled; or nil.
func (e *Error) Unwrap() error { return e.cause }

// BatchError says of each item of a batch whether its signature is valid. It is ErrSignatureInvalid too.
type BatchError struct {
	// Err says how many are not, and names the first.
	Err *Error
	// Results has one status for each item, in the order of the items: OK for a valid signature.
	Results []Status
}

// Error is that of Err.
func (e *BatchError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *BatchError) Unwrap() error { return e.Err }

// DroppedError is what Verifier.Close returns when it dropped results that nobody had polled.
type DroppedError struct {
	// Count is how many there were.
	Count int
}

// Error says how many.
func (e *DroppedError) Error() string {
	return fmt.Sprintf("verifier: %d results were dropped, as nobody had polled them", e.Count)
}

// panicked is what a progress callback panicked with. The update is taken back first, and then the panic goes on where
// Engine.Update was called.
type panicked struct {
	reason interface{}
	stack  []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic in the progress callback: %v\n\n%s", p.reason, p.stack)
}

// StatusOf is the status of an error of this package; OK for nil, ErrInternal for an error of another package.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	var failed *Error
	if errors.As(err, &failed) {
		return failed.Status
	}
	var status Status
	if errors.As(err, &status) {
		return status
	}
	return ErrInternal
}

func closed(what string) error {
	return &Error{Status: ErrClosed, Message: what + ": was closed"}
}

func badArgument(format string, arguments ...interface{}) error {
	return &Error{Status: ErrInvalidArgument, Message: fmt.Sprintf(format, arguments...)}
}
