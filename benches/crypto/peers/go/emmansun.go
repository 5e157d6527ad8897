package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"errors"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
)

type emmansun struct{}

func (emmansun) publicKey(spki []byte) (verifier, error) {
	parsed, err := smx509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("not a key on an elliptic curve")
	}
	// Without a user id it takes the default.
	return func(message, signature []byte) bool { return sm2.VerifyASN1WithSM2(key, nil, message, signature) }, nil
}

func (emmansun) privateKey(pkcs8 []byte) (signer, error) {
	parsed, err := smx509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*sm2.PrivateKey)
	if !ok {
		return nil, errors.New("not an SM2 key")
	}
	return func(message []byte) ([]byte, error) { return key.Sign(rand.Reader, message, sm2.DefaultSM2SignerOpts) }, nil
}

func (emmansun) digest(message []byte) [32]byte { return sm3.Sum(message) }
