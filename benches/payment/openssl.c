/*
 * openssl.c - OpenSSL 3 for the payment mix: verifies all of it, and makes the RSA half of it. Ends the program where
 * OpenSSL refuses what it should not.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>

enum scheme { SM2_SM3, RSA_PKCS1_SHA256, RSA_PSS_SHA256 };

static const char user_id[] = "1234567812345678";

static void check(int ok)
{
    if (ok != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

/* A public key from SubjectPublicKeyInfo. */
EVP_PKEY *openssl_key(const uint8_t *spki, size_t len)
{
    EVP_PKEY *key = d2i_PUBKEY(NULL, &spki, (long)len);
    check(key != NULL);
    return key;
}

EVP_PKEY *openssl_rsa_2048(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    check(key != NULL);
    return key;
}

/* The modulus, big-endian in 256 bytes; the exponent is 65537. */
void openssl_rsa_modulus(const EVP_PKEY *key, uint8_t modulus[256])
{
    BIGNUM *n = NULL;
    check(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
    check(BN_bn2binpad(n, modulus, 256) == 256);
    BN_free(n);
}

static void set(EVP_PKEY_CTX *parameters, enum scheme scheme)
{
    if (scheme == SM2_SM3) {
        check(EVP_PKEY_CTX_set1_id(parameters, user_id, sizeof user_id - 1));
    } else if (scheme == RSA_PSS_SHA256) {
        check(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING));
        check(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST));
    }
}

static const EVP_MD *digest(enum scheme scheme)
{
    return scheme == SM2_SM3 ? EVP_sm3() : EVP_sha256();
}

void openssl_rsa_sign(EVP_PKEY *key, uint32_t scheme, const uint8_t *message, size_t len, uint8_t signature[256])
{
    size_t signature_len = 256;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    check(EVP_DigestSignInit(context, &parameters, digest(scheme), NULL, key));
    set(parameters, scheme);
    check(EVP_DigestSign(context, signature, &signature_len, message, len));
    EVP_MD_CTX_free(context);
}

/* `signature` is in DER for SM2. */
int openssl_verify(EVP_PKEY *key, uint32_t scheme, const uint8_t *message, size_t len, const uint8_t *signature,
                   size_t signature_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    check(EVP_DigestVerifyInit(context, &parameters, digest(scheme), NULL, key));
    set(parameters, scheme);
    int good = EVP_DigestVerify(context, signature, signature_len, message, len);
    EVP_MD_CTX_free(context);
    return good == 1;
}
