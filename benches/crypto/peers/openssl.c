/* openssl.c - OpenSSL 3 (libcrypto) as a peer. */
#define _GNU_SOURCE
#include "driver.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static EVP_PKEY **keys, *signer;

static EVP_PKEY *decode(const struct bytes *spki)
{
    const uint8_t *der = spki->data;
    return d2i_PUBKEY(NULL, &der, (long)spki->len);
}

/* OpenSSL 3.0 takes an empty user id where none is set. */
static bool verify(EVP_PKEY *key, const struct test_case *claim)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    require(EVP_DigestVerifyInit(context, &parameters, EVP_sm3(), NULL, key) == 1, "EVP_DigestVerifyInit");
    require(EVP_PKEY_CTX_set1_id(parameters, USER_ID, strlen(USER_ID)) == 1, "EVP_PKEY_CTX_set1_id");
    bool good = EVP_DigestVerify(context, claim->signature.data, claim->signature.len, claim->message.data,
                                 claim->message.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool verify_new_key(const struct test_case *claim)
{
    EVP_PKEY *key = decode(&claim->spki);
    bool good = key != NULL && verify(key, claim);
    EVP_PKEY_free(key);
    return good;
}

static size_t sign(const struct bytes *message, uint8_t out[SIGNATURE_MAX])
{
    if (signer == NULL) {
        const uint8_t *der = pkcs8.data;
        signer = d2i_AutoPrivateKey(NULL, &der, (long)pkcs8.len);
        require(signer != NULL, "the signer's key was refused");
    }
    size_t len = SIGNATURE_MAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    require(EVP_DigestSignInit(context, &parameters, EVP_sm3(), NULL, signer) == 1, "EVP_DigestSignInit");
    require(EVP_PKEY_CTX_set1_id(parameters, USER_ID, strlen(USER_ID)) == 1, "EVP_PKEY_CTX_set1_id");
    require(EVP_DigestSign(context, out, &len, message->data, message->len) == 1, "EVP_DigestSign");
    EVP_MD_CTX_free(context);
    return len;
}

static void digest(const struct bytes *message, uint8_t out[32])
{
    require(EVP_Digest(message->data, message->len, out, NULL, EVP_sm3(), NULL) == 1, "EVP_Digest");
}

static void check(bool *good)
{
    for (size_t i = 0; i < cases_len; i++)
        good[i] = verify_new_key(&cases[i]);
}

static void decode_keys(void)
{
    if (keys != NULL)
        return;
    keys = calloc(cases_len, sizeof *keys);
    for (size_t i = 0; i < cases_len; i++)
        keys[i] = decode(&cases[i].spki);
}

static uint64_t turn_verify_one(void)
{
    size_t i = next_case();
    require(verify(keys[i], &cases[i]), "a good signature was refused");
    return 1;
}

static uint64_t turn_verify_one_new_key(void)
{
    require(verify_new_key(&cases[next_case()]), "a good signature was refused");
    return 1;
}

static uint64_t turn_sign_one(void)
{
    uint8_t signature[SIGNATURE_MAX];
    sign(&cases[next_case()].message, signature);
    return 1;
}

static uint64_t turn_sm3_stream(void)
{
    uint8_t out[32];
    require(EVP_Digest(sample(STREAM_LEN), STREAM_LEN, out, NULL, EVP_sm3(), NULL) == 1, "EVP_Digest");
    return STREAM_LEN;
}

static const char *version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const struct operation operations[] = {
    {"verify_one", decode_keys, turn_verify_one},
    {"verify_one_new_key", NULL, turn_verify_one_new_key},
    {"sign_one", NULL, turn_sign_one},
    {"sm3_stream", NULL, turn_sm3_stream},
    {NULL, NULL, NULL},
};

static const struct peer peer = {"OpenSSL", "der", NULL, version, check, sign, digest, operations};
