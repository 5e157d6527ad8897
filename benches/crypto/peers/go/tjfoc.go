package main

import (
	"crypto/rand"

	"github.com/tjfoc/gmsm/sm3"
	"github.com/tjfoc/gmsm/x509"
)

type tjfoc struct{}

func (tjfoc) publicKey(spki []byte) (verifier, error) {
	key, err := x509.ParseSm2PublicKey(spki)
	if err != nil {
		return nil, err
	}
	return key.Verify, nil
}

func (tjfoc) privateKey(pkcs8 []byte) (signer, error) {
	key, err := x509.ParsePKCS8UnecryptedPrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	return func(message []byte) ([]byte, error) { return key.Sign(rand.Reader, message, nil) }, nil
}

func (tjfoc) digest(message []byte) [32]byte { return [32]byte(sm3.Sm3Sum(message)) }
