/*
 * openssl.c - OpenSSL 3 doing what the crypto bench measures. Every function returns the nanoseconds that n turns
 * took, and ends the program if OpenSSL refuses.
 */
#define _POSIX_C_SOURCE 199309L
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

static void check(int ok);
static uint64_t now(void);

uint64_t openssl_sm3(uint64_t n, const struct bytes *data)
{
    uint8_t digest[32];
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++)
        check(EVP_Digest(data->data, data->len, digest, NULL, EVP_sm3(), NULL));
    return now() - begin;
}

/* `pkcs8` is the private key in DER; it is read once. */
uint64_t openssl_sign(uint64_t n, const struct bytes *pkcs8, const struct bytes *user_id, const struct bytes *message)
{
    const uint8_t *der = pkcs8->data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, (long)pkcs8->len);
    check(key != NULL);
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++) {
        uint8_t signature[80];
        size_t signature_len = sizeof signature;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *parameters;
        check(EVP_DigestSignInit(context, &parameters, EVP_sm3(), NULL, key));
        check(EVP_PKEY_CTX_set1_id(parameters, user_id->data, (int)user_id->len));
        check(EVP_DigestSign(context, signature, &signature_len, message->data, message->len));
        EVP_MD_CTX_free(context);
    }
    uint64_t end = now();
    EVP_PKEY_free(key);
    return end - begin;
}

/* `spki` is the public key in DER; it is read anew each time. `signature` is in DER. */
uint64_t openssl_verify(uint64_t n, const struct bytes *spki, const struct bytes *user_id,
                        const struct bytes *message, const struct bytes *signature)
{
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *der = spki->data;
        EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)spki->len);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        check(key != NULL);
        EVP_PKEY_CTX *parameters;
        check(EVP_DigestVerifyInit(context, &parameters, EVP_sm3(), NULL, key));
        check(EVP_PKEY_CTX_set1_id(parameters, user_id->data, (int)user_id->len));
        check(EVP_DigestVerify(context, signature->data, signature->len, message->data, message->len));
        EVP_MD_CTX_free(context);
        EVP_PKEY_free(key);
    }
    return now() - begin;
}

static void check(int ok)
{
    if (ok != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
