//go:build !cgo || !linux

package sogov

import (
	"context"
	"time"
	"unsafe"
)

// What everything fails with: the same functions, so that programs and tools that do not run anything still compile.
var errNoCgo = &Error{Status: ErrUnsupported, Message: "this program was built without cgo, or for another system than " +
	"Linux: package sogov needs CGO_ENABLED=1, a C compiler, and libsogov with its header (see README.md)"}

type (
	Engine     struct{}
	Service    struct{ name string }
	Verifier   struct{}
	PublicKey  struct{ key }
	PrivateKey struct{ key }
	key        struct{}

	Recipient    struct{}
	RecipientKey struct{}
)

type Key interface {
	ID() (KeyID, error)
	Verify(message, signature []byte, options *SignatureOptions) error
	Custody() (Custody, error)
	Prepare() error
	Close() error

	held() *key
}

type Verification struct {
	Key       Key
	Message   []byte
	Signature []byte
	UserID    []byte
}

type Signing struct {
	Key     *PrivateKey
	Message []byte
	UserID  []byte
}

func Open(*EngineOptions) (*Engine, error)                      { return nil, errNoCgo }
func GenerateKey() (*PrivateKey, error)                         { return nil, errNoCgo }
func GenerateKeyOf(name string) (*PrivateKey, error)            { return nil, errNoCgo }
func LoadPrivateKey(file, password []byte) (*PrivateKey, error) { return nil, errNoCgo }
func LoadPublicKey(file []byte) (*PublicKey, error)             { return nil, errNoCgo }
func OpenKey(uri string) (*PrivateKey, error)                   { return nil, errNoCgo }
func SetKeyMemory(policy KeyMemory) error                       { return errNoCgo }
func LoadRawPrivateKey(scheme string, public, private []byte) (*PrivateKey, error) {
	return nil, errNoCgo
}
func LoadRawPublicKey(scheme string, public []byte) (*PublicKey, error) { return nil, errNoCgo }
func RegisterScheme(name string, number uint8, scheme Scheme) error     { return errNoCgo }
func UnregisterScheme(name string) error                                { return errNoCgo }
func ParseKeyID(text string) (KeyID, error)                             { return KeyID{}, errNoCgo }
func OpenVerifier(*VerifierOptions) (*Verifier, error)                  { return nil, errNoCgo }
func VerifyBatch([]Verification, *SignatureOptions) error               { return errNoCgo }
func SignBatch([]Signing, *SignatureOptions) ([][]byte, error)          { return nil, errNoCgo }
func SM3(data []byte) (Digest, error)                                   { return Digest{}, errNoCgo }
func SM3Tree(data []byte) (Digest, error)                               { return Digest{}, errNoCgo }
func ProcessStatus() (ProcessInfo, error)                               { return ProcessInfo{}, errNoCgo }
func VerifyAudit(directory string, keys []Key, expected *AuditPosition) (AuditReport, error) {
	return AuditReport{}, errNoCgo
}
func (*Engine) AuditHead(checkpoint bool) (AuditPosition, error) { return AuditPosition{}, errNoCgo }
func PreparedKeysLimit(bytes uint64)                             {}
func LibraryVersion() string                                     { return "none: " + errNoCgo.Message }

func LoadRecipient(file []byte) (*Recipient, error) { return nil, errNoCgo }
func LoadRecipientKey(file, password, certificate []byte) (*RecipientKey, error) {
	return nil, errNoCgo
}
func Pack(target string, facts PackageFacts) (PackageID, error) { return PackageID{}, errNoCgo }

func (*Recipient) Close() error    { return nil }
func (*RecipientKey) Close() error { return nil }

func (*Engine) Install(path string, key *RecipientKey, audience string, options *ChangeOptions) (string, error) {
	return "", errNoCgo
}
func (*Engine) CheckPackage(path string) (PackageStanding, error) { return 0, errNoCgo }

func (*Engine) Service(name string) (*Service, error) { return nil, errNoCgo }
func (*Engine) Load(service, version, path string, options *LoadOptions) (VersionInfo, error) {
	return VersionInfo{}, errNoCgo
}
func (*Engine) Update(ctx context.Context, service, version, path string, options *UpdateOptions) (VersionInfo, error) {
	return VersionInfo{}, errNoCgo
}
func (*Engine) ApplyRoutePolicy(service string, document []byte, options *ChangeOptions) error {
	return errNoCgo
}
func (*Engine) Promote(service, version string, options *ChangeOptions) (VersionInfo, error) {
	return VersionInfo{}, errNoCgo
}
func (*Engine) Rollback(service string, options *ChangeOptions) (VersionInfo, error) {
	return VersionInfo{}, errNoCgo
}
func (*Engine) Unload(ctx context.Context, service, version string, options *UnloadOptions) error {
	return errNoCgo
}
func (*Engine) RefreshTrust(options *ChangeOptions) (TrustInfo, error)   { return TrustInfo{}, errNoCgo }
func (*Engine) ConfirmTime(options *ChangeOptions) (time.Time, error)    { return time.Time{}, errNoCgo }
func (*Engine) Versions(service string) ([]VersionInfo, error)           { return nil, errNoCgo }
func (*Engine) AllVersions() ([]VersionInfo, error)                      { return nil, errNoCgo }
func (*Engine) VerifyFile(service, version, path string) (Digest, error) { return Digest{}, errNoCgo }
func (*Engine) Close() error                                             { return nil }

func (s *Service) Name() string                                                { return s.name }
func (*Service) Call(input []byte, request *Request) (Answer, error)           { return Answer{}, errNoCgo }
func (*Service) CallInto(answer *Answer, input []byte, request *Request) error { return errNoCgo }
func (*Service) Route(request *Request) (Lease, error)                         { return Lease{}, errNoCgo }
func (*Service) Close() error                                                  { return nil }

func (Lease) Version() (string, error)                                  { return "", errNoCgo }
func (Lease) Symbol(name, symbolVersion string) (unsafe.Pointer, error) { return nil, errNoCgo }
func (Lease) Plugin() (descriptor, self unsafe.Pointer, err error)      { return nil, nil, errNoCgo }
func (Lease) Release(outcome Outcome) error                             { return errNoCgo }

func (*key) ID() (KeyID, error)                                                { return KeyID{}, errNoCgo }
func (*key) Verify(message, signature []byte, options *SignatureOptions) error { return errNoCgo }
func (*key) Custody() (Custody, error)                                         { return 0, errNoCgo }
func (*key) Prepare() error                                                    { return errNoCgo }
func (*key) Close() error                                                      { return nil }
func (k *key) held() *key                                                      { return k }
func (*PublicKey) PEM() ([]byte, error)                                        { return nil, errNoCgo }
func (*PublicKey) DER() ([]byte, error)                                        { return nil, errNoCgo }
func (*PrivateKey) Public() (*PublicKey, error)                                { return nil, errNoCgo }
func (*PrivateKey) PEM(password []byte) ([]byte, error)                        { return nil, errNoCgo }
func (*PrivateKey) DER() ([]byte, error)                                       { return nil, errNoCgo }
func (*PrivateKey) Sign(message []byte, options *SignatureOptions) ([]byte, error) {
	return nil, errNoCgo
}
func (*PrivateKey) SignFile(source, target string, facts FileFacts) (Digest, error) {
	return Digest{}, errNoCgo
}
func (*PrivateKey) AddSignature(path string, userID []byte) error { return errNoCgo }

func (*Verifier) Submit(item Verification, ticket uint64, options *SignatureOptions) error {
	return errNoCgo
}
func (*Verifier) Poll(ctx context.Context, results []VerificationResult) (int, error) {
	return 0, errNoCgo
}
func (*Verifier) Finish(ctx context.Context) error { return errNoCgo }
func (*Verifier) Close() error                     { return nil }
