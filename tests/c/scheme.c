/* scheme.c - schemes of the host's, and keys of other schemes than SM2, by every function that verifies. */
#include "abi_test.h"

#include <stdatomic.h>
#include <stdlib.h>

#define INVALID SOGOV_STATUS_INVALID_ARGUMENT
#define NOT_VALID SOGOV_STATUS_SIGNATURE_INVALID
#define UNSUPPORTED SOGOV_STATUS_UNSUPPORTED

static void check_registering(void);
static void check_refusals(void);
static void check_mixed_batches(void);
static void check_background(void);

void test_scheme(void)
{
    check_registering();
    check_refusals();
    check_mixed_batches();
    check_background();
}

/* A scheme whose signature is the message with each byte changed by the first one of the key. */
typedef struct mask {
    atomic_uint verified, released;
    uint8_t salt;
} mask;

static int32_t verify_masked(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                             size_t message_len, const uint8_t *signature, size_t signature_len)
{
    mask *mask = payload;
    atomic_fetch_add(&mask->verified, 1);
    if (key_len != 1 || signature_len != message_len)
        return 0;
    for (size_t i = 0; i < message_len; i++)
        if (signature[i] != (uint8_t)(message[i] ^ key[0] ^ mask->salt))
            return -1;
    return 1;
}

static int32_t sign_masked(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                           size_t message_len, uint8_t *signature, size_t *signature_len)
{
    mask *mask = payload;
    CHECK(*signature_len == 8192);
    if (key_len != 1 || message_len > *signature_len)
        return 0;
    for (size_t i = 0; i < message_len; i++)
        signature[i] = (uint8_t)(message[i] ^ key[0] ^ mask->salt);
    *signature_len = message_len;
    return 1;
}

static int32_t sign_too_much(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                             size_t message_len, uint8_t *signature, size_t *signature_len)
{
    (void)payload, (void)key, (void)key_len, (void)message, (void)message_len, (void)signature;
    *signature_len = 8193;
    return 1;
}

static void release_mask(void *payload)
{
    atomic_fetch_add(&((mask *)payload)->released, 1);
}

static sogov_scheme_options options_of(mask *mask)
{
    return (sogov_scheme_options){sizeof(sogov_scheme_options), 200, verify_masked, sign_masked, release_mask, mask};
}

static sogov_key *masking_key(void)
{
    sogov_key *key = NULL;
    SUCCEEDS(sogov_key_load_raw(SOGOV_TEXT("x-mask"), (const uint8_t *)"k", 1, (const uint8_t *)"k", 1, &key, E));
    return key;
}

static sogov_key *generated(const char *scheme)
{
    sogov_key *key = NULL;
    SUCCEEDS(sogov_key_generate(scheme, strlen(scheme), &key, E));
    return key;
}

static const uint8_t MESSAGE[] = "payment";

static sogov_bytes signature_by(const sogov_key *key)
{
    sogov_bytes signature = SOGOV_BYTES_INIT;
    SUCCEEDS(sogov_sign(key, MESSAGE, sizeof MESSAGE, NULL, &signature, E));
    return signature;
}

static void check_registering(void)
{
    mask first = {0}, second = {.salt = 1};
    sogov_scheme_options options = options_of(&first);
    sogov_key *key = masking_key();
    sogov_bytes signature = SOGOV_BYTES_INIT;
    REFUSED(UNSUPPORTED, "not registered", sogov_sign(key, MESSAGE, sizeof MESSAGE, NULL, &signature, E));
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    sogov_bytes_free(&signature);
    signature = signature_by(key);
    CHECK(signature.len == sizeof MESSAGE);
#define VERIFY() sogov_verify(key, MESSAGE, sizeof MESSAGE, signature.data, signature.len, NULL, E)
    SUCCEEDS(VERIFY());
    CHECK(atomic_load(&first.verified) == 1);

    /* Replaced by one that takes others: the old one is let go of. */
    options.payload = &second;
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    CHECK(atomic_load(&first.released) == 1);
    REFUSED(NOT_VALID, "does not take it", VERIFY());
    CHECK(atomic_load(&second.verified) == 2 && atomic_load(&second.released) == 0);

    SUCCEEDS(sogov_scheme_unregister(SOGOV_TEXT("x-mask"), E));
    CHECK(atomic_load(&second.released) == 1);
    REFUSED(UNSUPPORTED, "not registered", VERIFY());
    REFUSED(SOGOV_STATUS_NOT_FOUND, "not registered", sogov_scheme_unregister(SOGOV_TEXT("x-mask"), E));

    options.sign = sign_too_much;
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    REFUSED(SOGOV_STATUS_CUSTODY_FAILED, "8193", sogov_sign(key, MESSAGE, sizeof MESSAGE, NULL, &signature, E));
    options.sign = NULL;
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    REFUSED(UNSUPPORTED, "without a function", sogov_sign(key, MESSAGE, sizeof MESSAGE, NULL, &signature, E));
    SUCCEEDS(sogov_scheme_unregister(SOGOV_TEXT("x-mask"), E));
    CHECK(atomic_load(&first.released) == 1 && atomic_load(&second.released) == 3);
    sogov_bytes_free(&signature);
    sogov_key_free(key);
}

/* What is refused leaves the payload with the caller. */
static void check_refusals(void)
{
    mask mask = {0};
    sogov_scheme_options options = options_of(&mask);
    const char *names[] = {"sm2-sm3", "ecdsa-p256", "x-", "X-mask", "x-mask with blanks"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        REFUSED(INVALID, "name", sogov_scheme_register(names[i], strlen(names[i]), &options, E));
    const uint32_t numbers[] = {0, 1, 127, 255, 256 + 200, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        options.number = numbers[i];
        REFUSED(INVALID, "number", sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    }
    options = options_of(&mask);
    options.verify = NULL;
    REFUSED(INVALID, "verify", sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    options = options_of(&mask);
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    REFUSED(SOGOV_STATUS_BUSY, "x-mask", sogov_scheme_register(SOGOV_TEXT("x-other"), &options, E));
    options.number = 201;
    REFUSED(SOGOV_STATUS_BUSY, "200", sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    CHECK(atomic_load(&mask.released) == 0);
    SUCCEEDS(sogov_scheme_unregister(SOGOV_TEXT("x-mask"), E));
    CHECK(atomic_load(&mask.released) == 1);

    sogov_key *key = NULL;
    const uint8_t secret[32] = {1};
    REFUSED(UNSUPPORTED, "ecdsa-p256", sogov_key_load_raw(SOGOV_TEXT("ecdsa-p256"), secret, 32, NULL, 0, &key, E));
    REFUSED(INVALID, "public_bytes", sogov_key_load_raw(SOGOV_TEXT("hmac-sha256"), secret, 32, secret, 32, &key, E));
    REFUSED(SOGOV_STATUS_KEY_INVALID, "16", sogov_key_load_raw(SOGOV_TEXT("hmac-sha256"), NULL, 0, secret, 15, &key, E));
    REFUSED(UNSUPPORTED, "rsa-pss-sha512", sogov_key_generate(SOGOV_TEXT("rsa-pss-sha512"), &key, E));
    SUCCEEDS(sogov_key_load_raw(SOGOV_TEXT("hmac-sha256"), NULL, 0, secret, 32, &key, E));
    sogov_bytes file = SOGOV_BYTES_INIT;
    sogov_key *public_key = NULL;
    REFUSED(INVALID, "no public part", sogov_key_public(key, &public_key, E));
    REFUSED(INVALID, "no public part", sogov_key_export(key, SOGOV_KEY_FORMAT_SPKI_DER, NULL, 0, &file, E));
    SUCCEEDS(sogov_key_export(key, SOGOV_KEY_FORMAT_RAW, NULL, 0, &file, E));
    CHECK(file.len == sizeof secret && memcmp(file.data, secret, sizeof secret) == 0);
    const sogov_signature_options der = {sizeof der, NULL, 0, SOGOV_SIGNATURE_ENCODING_DER};
    REFUSED(INVALID, "encoding", sogov_sign(key, MESSAGE, sizeof MESSAGE, &der, &file, E));
    sogov_bytes_free(&file);
    sogov_key_free(key);
}

enum { KINDS = 4, ITEMS = 40 };

/* One key of each scheme that signs here, with a signature by it. */
typedef struct kinds {
    sogov_key *keys[KINDS];
    sogov_bytes signatures[KINDS];
} kinds;

static void make_kinds(kinds *kinds, mask *mask)
{
    const sogov_scheme_options options = options_of(mask);
    SUCCEEDS(sogov_scheme_register(SOGOV_TEXT("x-mask"), &options, E));
    sogov_key *keys[KINDS] = {generated("sm2-sm3"), generated("ecdsa-p256"), generated("hmac-sha256"), masking_key()};
    for (size_t i = 0; i < KINDS; i++) {
        kinds->keys[i] = keys[i];
        kinds->signatures[i] = signature_by(keys[i]);
    }
}

static void free_kinds(kinds *kinds)
{
    for (size_t i = 0; i < KINDS; i++) {
        sogov_bytes_free(&kinds->signatures[i]);
        sogov_key_free(kinds->keys[i]);
    }
    SUCCEEDS(sogov_scheme_unregister(SOGOV_TEXT("x-mask"), E));
}

/* Item i is of kind i % KINDS; every third has the signature of the next kind. */
static sogov_verification item_of(const kinds *kinds, size_t i)
{
    const sogov_bytes *signature = &kinds->signatures[(i % 3 == 2 ? i + 1 : i) % KINDS];
    return (sogov_verification){
        kinds->keys[i % KINDS], MESSAGE, sizeof MESSAGE, signature->data, signature->len, NULL, 0,
    };
}

static sogov_status expected_of(size_t i)
{
    return i % 3 == 2 ? NOT_VALID : SOGOV_STATUS_OK;
}

static void check_mixed_batches(void)
{
    mask mask = {0};
    kinds kinds;
    make_kinds(&kinds, &mask);
    sogov_verification items[ITEMS];
    sogov_status results[ITEMS];
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = item_of(&kinds, i);
    REFUSED(NOT_VALID, "13 of 40", sogov_verify_batch(items, ITEMS, NULL, results, E));
    for (size_t i = 0; i < ITEMS; i++)
        CHECK(results[i] == expected_of(i));

    sogov_signing orders[ITEMS];
    static uint8_t made[ITEMS][72];
    size_t lengths[ITEMS];
    for (size_t i = 0; i < ITEMS; i++)
        orders[i] = (sogov_signing){kinds.keys[i % KINDS], MESSAGE, sizeof MESSAGE, NULL, 0};
    SUCCEEDS(sogov_sign_batch(orders, ITEMS, NULL, made[0], sizeof made[0], lengths, E));
    for (size_t i = 0; i < ITEMS; i++)
        SUCCEEDS(sogov_verify(kinds.keys[i % KINDS], MESSAGE, sizeof MESSAGE, made[i], lengths[i], NULL, E));

    /* A signature that is longer than its place is written nowhere. */
    static const uint8_t long_message[80];
    orders[3].message = long_message;
    orders[3].message_len = sizeof long_message;
    memset(made, 0, sizeof made);
    REFUSED(INVALID, "items[3]", sogov_sign_batch(orders, ITEMS, NULL, made[0], sizeof made[0], lengths, E));
    static const uint8_t untouched[sizeof made];
    CHECK(memcmp(made, untouched, sizeof made) == 0);
    free_kinds(&kinds);
    CHECK(atomic_load(&mask.released) == 1);
}

static void check_background(void)
{
    mask mask = {0};
    kinds kinds;
    make_kinds(&kinds, &mask);
    sogov_verifier *verifier = NULL;
    SUCCEEDS(sogov_verifier_open(NULL, &verifier, E));
    for (size_t i = 0; i < ITEMS; i++) {
        const sogov_verification item = item_of(&kinds, i);
        SUCCEEDS(sogov_verifier_submit(verifier, &item, NULL, i, E));
    }
    /* DER where the scheme has none is refused at once; what is no DER is a result. */
    const sogov_signature_options der = {sizeof der, NULL, 0, SOGOV_SIGNATURE_ENCODING_DER};
    sogov_verification item = item_of(&kinds, 3);
    REFUSED(INVALID, "encoding", sogov_verifier_submit(verifier, &item, &der, ITEMS, E));
    item = item_of(&kinds, 1);
    SUCCEEDS(sogov_verifier_submit(verifier, &item, &der, ITEMS + 1, E));
    SUCCEEDS(sogov_verifier_close(verifier, E));
    size_t found = 0;
    for (;;) {
        sogov_verification_result results[8];
        size_t count = 0;
        if (sogov_verifier_poll(verifier, results, 8, 0, &count, NULL) != SOGOV_STATUS_OK)
            break;
        for (size_t i = 0; i < count; i++, found++)
            CHECK(results[i].status == expected_of((size_t)results[i].ticket));
    }
    CHECK(found == ITEMS + 1);
    CHECK(sogov_verifier_free(verifier) == 0);
    free_kinds(&kinds);
    CHECK(atomic_load(&mask.released) == 1);
}
