/* botan.c - Botan as a peer, through its C interface (FFI). */
#define _GNU_SOURCE
#include "driver.h"
#include <botan/ffi.h>

/* For SM2, Botan takes the user id where other schemes name the padding. */
#define PARAMETERS USER_ID ",SM3"
#define CURVE "sm2p256v1"

/* An operation refers to its key, which has to outlive it. It keeps Z from one message to the next. */
struct verifier {
    botan_pubkey_t key;
    botan_pk_op_verify_t operation;
};

static struct verifier *verifiers;
static botan_pk_op_sign_t signer;
static botan_rng_t rng;

static botan_mp_t number(const uint8_t bytes[32])
{
    botan_mp_t made;
    require(botan_mp_init(&made) == 0 && botan_mp_from_bin(made, bytes, 32) == 0, "botan_mp_from_bin");
    return made;
}

/*
 * The key goes in as coordinates: Botan takes a key in DER whose algorithm is 1.2.840.10045.2.1, as GM/T 0009 has it,
 * for one of ECDSA.
 */
static bool open_verifier(const struct bytes *spki, struct verifier *verifier)
{
    require(spki->len > POINT_LEN, "a key is too short");
    const uint8_t *point = spki->data + spki->len - POINT_LEN;
    botan_mp_t x = number(point + 1), y = number(point + 33);
    bool good = botan_pubkey_load_sm2(&verifier->key, x, y, CURVE) == 0;
    if (good)
        require(botan_pk_op_verify_create(&verifier->operation, verifier->key, PARAMETERS, 0) == 0,
                "botan_pk_op_verify_create");
    botan_mp_destroy(x);
    botan_mp_destroy(y);
    return good;
}

static void close_verifier(struct verifier *verifier)
{
    botan_pk_op_verify_destroy(verifier->operation);
    botan_pubkey_destroy(verifier->key);
}

static bool verify(const struct verifier *verifier, const struct test_case *claim)
{
    botan_pk_op_verify_t with = verifier->operation;
    require(botan_pk_op_verify_update(with, claim->message.data, claim->message.len) == 0, "botan_pk_op_verify_update");
    return botan_pk_op_verify_finish(with, claim->signature.data, claim->signature.len) == 0;
}

static bool verify_new_key(const struct test_case *claim)
{
    struct verifier verifier;
    if (!open_verifier(&claim->spki, &verifier))
        return false;
    bool good = verify(&verifier, claim);
    close_verifier(&verifier);
    return good;
}

static size_t sign(const struct bytes *message, uint8_t out[SIGNATURE_MAX])
{
    if (signer == NULL) {
        static botan_privkey_t key;
        require(botan_privkey_load_sm2(&key, number(scalar.data), CURVE) == 0, "the signer's key was refused");
        require(botan_pk_op_sign_create(&signer, key, PARAMETERS, 0) == 0, "botan_pk_op_sign_create");
    }
    size_t len = SIGNATURE_MAX;
    require(botan_pk_op_sign_update(signer, message->data, message->len) == 0, "botan_pk_op_sign_update");
    require(botan_pk_op_sign_finish(signer, rng, out, &len) == 0, "botan_pk_op_sign_finish");
    return len;
}

static void sm3(const uint8_t *data, size_t len, uint8_t out[32])
{
    static botan_hash_t hash;
    if (hash == NULL)
        require(botan_hash_init(&hash, "SM3", 0) == 0, "botan_hash_init");
    require(botan_hash_update(hash, data, len) == 0, "botan_hash_update");
    require(botan_hash_final(hash, out) == 0, "botan_hash_final");
}

static void digest(const struct bytes *message, uint8_t out[32])
{
    sm3(message->data, message->len, out);
}

static void check(bool *good)
{
    for (size_t i = 0; i < cases_len; i++)
        good[i] = verify_new_key(&cases[i]);
}

static void decode_keys(void)
{
    if (verifiers != NULL)
        return;
    verifiers = calloc(cases_len, sizeof *verifiers);
    for (size_t i = 0; i < cases_len; i++)
        require(open_verifier(&cases[i].spki, &verifiers[i]), "a key was refused");
}

static uint64_t turn_verify_one(void)
{
    size_t i = next_case();
    require(verify(&verifiers[i], &cases[i]), "a good signature was refused");
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
    sm3(sample(STREAM_LEN), STREAM_LEN, out);
    return STREAM_LEN;
}

static const char *open_peer(void)
{
    require(botan_rng_init(&rng, "system") == 0, "botan_rng_init");
    return NULL;
}

static const char *version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "%u.%u.%u", botan_version_major(), botan_version_minor(), botan_version_patch());
    return text;
}

static const struct operation operations[] = {
    {"verify_one", decode_keys, turn_verify_one},
    {"verify_one_new_key", NULL, turn_verify_one_new_key},
    {"sign_one", NULL, turn_sign_one},
    {"sm3_stream", NULL, turn_sm3_stream},
    {NULL, NULL, NULL},
};

static const struct peer peer = {"Botan", "raw", open_peer, version, check, sign, digest, operations};
