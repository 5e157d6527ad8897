/* batch.c - many signatures in one call, good and bad ones mixed, and digests. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define INVALID SOGOV_STATUS_INVALID_ARGUMENT
#define NOT_VALID SOGOV_STATUS_SIGNATURE_INVALID

/* More items than are worked on at a time; under valgrind fewer, as each takes a hundred times as long. */
enum { KEYS = 7, MOST_ITEMS = 600, MESSAGE_SIZE = 40, DER_SIZE = 72 };
static size_t items_of(const fixture *fixture) { return fixture->cycles < 100 ? 60 : MOST_ITEMS; }

static void check_signing(fixture *fixture);
static void check_verifying(fixture *fixture);
static void check_user_ids(fixture *fixture);
static void check_empty_batches(void);
static void check_keys_freed_in_use(fixture *fixture);
static void check_preparing(fixture *fixture);
static void check_digests(void);

void test_batch(fixture *fixture)
{
    check_signing(fixture);
    check_verifying(fixture);
    check_user_ids(fixture);
    check_empty_batches();
    check_keys_freed_in_use(fixture);
    check_preparing(fixture);
    check_digests();
}

/* Orders of different keys over different messages, and their signatures. */
typedef struct batch {
    size_t count;
    sogov_key *keys[KEYS];
    char messages[MOST_ITEMS][MESSAGE_SIZE];
    sogov_signing orders[MOST_ITEMS];
    uint8_t signatures[MOST_ITEMS][DER_SIZE];
    size_t lengths[MOST_ITEMS];
    sogov_verification items[MOST_ITEMS];
    sogov_status results[MOST_ITEMS];
} batch;

static const sogov_signature_options DER = {
    .size = sizeof DER,
    .encoding = SOGOV_SIGNATURE_ENCODING_DER,
};

/* Signed, with valid items; the caller frees it with free_batch(). */
static batch *new_batch(const fixture *fixture, const sogov_signature_options *options)
{
    batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    b->count = items_of(fixture);
    for (size_t i = 0; i < KEYS; i++)
        SUCCEEDS(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &b->keys[i], E));
    for (size_t i = 0; i < b->count; i++) {
        int len = snprintf(b->messages[i], MESSAGE_SIZE, "payment %zu", i);
        b->orders[i] = (sogov_signing){b->keys[i * i % KEYS], (const uint8_t *)b->messages[i], (size_t)len, NULL, 0};
    }
    SUCCEEDS(sogov_sign_batch(b->orders, b->count, options, b->signatures[0], DER_SIZE, b->lengths, E));
    for (size_t i = 0; i < b->count; i++)
        b->items[i] = (sogov_verification){b->orders[i].key, b->orders[i].message, b->orders[i].message_len,
                                           b->signatures[i], b->lengths[i], NULL, 0};
    return b;
}

static void free_batch(batch *b)
{
    for (size_t i = 0; i < KEYS; i++)
        sogov_key_free(b->keys[i]);
    free(b);
}

/* All or nothing; beyond a signature nothing is written; what sogov_sign() refuses is refused. */
static void check_signing(fixture *fixture)
{
    static const uint8_t too_long[8192];
    uint8_t place[4][DER_SIZE];
    size_t lengths[4];
    const uint8_t *message = (const uint8_t *)"m";
    sogov_signing good = {fixture->key, message, 1, NULL, 0};
    sogov_key *public_key = NULL;
    SUCCEEDS(sogov_key_public(fixture->key, &public_key, E));

    memset(place, 0xee, sizeof place);
    sogov_signing two[] = {good, {fixture->stranger, NULL, 0, message, 1}};
    SUCCEEDS(sogov_sign_batch(two, 2, NULL, place[0], DER_SIZE, NULL, E));
    SUCCEEDS(sogov_verify(fixture->key, message, 1, place[0], 64, NULL, E));
    sogov_signature_options named = {.size = sizeof named, .user_id = message, .user_id_len = 1};
    SUCCEEDS(sogov_verify(fixture->stranger, NULL, 0, place[1], 64, &named, E));
    for (size_t i = 0; i < 4; i++)
        for (size_t byte = i < 2 ? 64 : 0; byte < DER_SIZE; byte++)
            CHECK(place[i][byte] == 0xee);

    SUCCEEDS(sogov_sign_batch(two, 2, &DER, place[0], DER_SIZE, lengths, E));
    CHECK(lengths[0] > 64 && lengths[0] <= DER_SIZE && lengths[1] > 64 && lengths[1] <= DER_SIZE);
    SUCCEEDS(sogov_verify(fixture->key, message, 1, place[0], lengths[0], &DER, E));

    memset(place, 0xee, sizeof place);
#define SIGN(item) sogov_sign_batch((sogov_signing[]){good, item, good}, 3, NULL, place[0], 64, lengths, E)
#define ITEM(...) ((sogov_signing){__VA_ARGS__})
    REFUSED(INVALID, "items[1]: key", SIGN(ITEM(NULL, message, 1, NULL, 0)));
    REFUSED(INVALID, "items[1]: key: expected a private key", SIGN(ITEM(public_key, message, 1, NULL, 0)));
    REFUSED(SOGOV_STATUS_CLOSED, "items[1]: key", SIGN(ITEM(fixture->freed_key, message, 1, NULL, 0)));
    REFUSED(INVALID, "items[1]: message", SIGN(ITEM(fixture->key, NULL, 1, NULL, 0)));
    REFUSED(INVALID, "items[1]: message", SIGN(ITEM(fixture->key, message, SIZE_MAX, NULL, 0)));
    REFUSED(INVALID, "items[1]: user_id", SIGN(ITEM(fixture->key, message, 1, NULL, 1)));
    REFUSED(INVALID, "items[1]: user id", SIGN(ITEM(fixture->key, message, 1, too_long, 8192)));
    REFUSED(INVALID, "items[1]: message: begins with a tag",
            SIGN(ITEM(fixture->key, (const uint8_t *)"sogov.sig.v1", 13, NULL, 0)));
    /* Of several it is the first that answers, whatever is wrong with each. */
    sogov_signing bad[] = {
        good,
        ITEM(fixture->key, (const uint8_t *)"sogov.sig.v1", 13, NULL, 0),
        ITEM(public_key, message, 1, NULL, 0),
        ITEM(fixture->freed_key, message, 1, NULL, 0),
    };
    REFUSED(INVALID, "items[1]: message: begins", sogov_sign_batch(bad, 4, NULL, place[0], 64, lengths, E));
    REFUSED(INVALID, "items[0]: key: expected", sogov_sign_batch(&bad[2], 2, NULL, place[0], 64, lengths, E));
    REFUSED(INVALID, "items[1]: message", SIGN(ITEM(fixture->freed_key, NULL, 1, NULL, 0)));
#undef SIGN
#undef ITEM
    REFUSED(INVALID, "stride", sogov_sign_batch(two, 2, NULL, place[0], 63, NULL, E));
    REFUSED(INVALID, "stride", sogov_sign_batch(two, 2, &DER, place[0], 71, NULL, E));
    REFUSED(INVALID, "stride", sogov_sign_batch(two, 2, NULL, place[0], SIZE_MAX / 2 + 2, NULL, E));
    REFUSED(INVALID, "stride", sogov_sign_batch(two, 2, NULL, place[0], SIZE_MAX / 2 - 1, NULL, E));
    for (size_t i = 0; i < 4; i++)
        for (size_t byte = 0; byte < DER_SIZE; byte++)
            CHECK(place[i][byte] == 0xee);
    sogov_key_free(public_key);
}

/* More items than are worked on at a time, every third one bad in its own way: each gets its own result. */
static void check_verifying(fixture *fixture)
{
    batch *b = new_batch(fixture, NULL);
    SUCCEEDS(sogov_verify_batch(b->items, b->count, NULL, b->results, E));
    for (size_t i = 0; i < b->count; i++)
        CHECK(b->results[i] == SOGOV_STATUS_OK);
    SUCCEEDS(sogov_verify_batch(b->items, b->count, NULL, NULL, E));

    static const uint8_t zeros[64];
    sogov_status expected[MOST_ITEMS] = {SOGOV_STATUS_OK};
    for (size_t i = 1; i < b->count; i += 3) {
        sogov_verification *item = &b->items[i];
        expected[i] = NOT_VALID;
        switch (i / 3 % 10) {
        case 0:
            b->signatures[i][i % 64] ^= 1;
            break;
        case 1:
            item->message_len--;
            break;
        case 2:
            item->key = fixture->stranger;
            break;
        case 3:
            item->signature_len = 63;
            break;
        case 4:
            item->signature = zeros;
            break;
        case 5:
            item->user_id = zeros;
            break;
        case 6:
            item->key = NULL;
            expected[i] = INVALID;
            break;
        case 7:
            item->key = fixture->freed_key;
            expected[i] = SOGOV_STATUS_CLOSED;
            break;
        case 8:
            item->message = NULL;
            expected[i] = INVALID;
            break;
        default:
            item->signature = NULL;
            expected[i] = INVALID;
            break;
        }
    }
    char summary[80], all[40];
    snprintf(summary, sizeof summary, "%zu of %zu items are not valid, the first is items[1]: signature", b->count / 3,
             b->count);
    snprintf(all, sizeof all, "%zu of %zu items", b->count, b->count);
    REFUSED(NOT_VALID, summary,
            sogov_verify_batch(b->items, b->count, NULL, b->results, E));
    for (size_t i = 0; i < b->count; i++)
        CHECK(b->results[i] == expected[i]);
    REFUSED(NOT_VALID, "items[1]", sogov_verify_batch(b->items, b->count, NULL, NULL, E));
    REFUSED(NOT_VALID, "1 of 2 items are not valid, the first is items[1]: key",
            sogov_verify_batch(&b->items[18], 2, NULL, NULL, E));

    /* Refused as a whole: no result reads as valid. */
    memset(b->results, 0, sizeof b->results);
    REFUSED(INVALID, "encoding",
            sogov_verify_batch(b->items, b->count,
                               &(sogov_signature_options){.size = sizeof(sogov_signature_options), .encoding = 2},
                               b->results, E));
    for (size_t i = 0; i < b->count; i++)
        CHECK(b->results[i] == INVALID);
    /* In the other encoding none is valid. */
    REFUSED(NOT_VALID, all, sogov_verify_batch(b->items, b->count, &DER, b->results, E));
    /* Two faults at once: what sogov_verify() answers. */
    sogov_verification item = {fixture->freed_key, NULL, 1, zeros, 63, NULL, 0};
    REFUSED(NOT_VALID, "items[0]: message", sogov_verify_batch(&item, 1, NULL, b->results, E));
    CHECK(b->results[0] == sogov_verify(item.key, NULL, 1, zeros, 63, NULL, NULL));
    item.message_len = 0;
    REFUSED(NOT_VALID, "items[0]: key", sogov_verify_batch(&item, 1, NULL, b->results, E));
    CHECK(b->results[0] == sogov_verify(item.key, NULL, 0, zeros, 63, NULL, NULL));
    free_batch(b);

    b = new_batch(fixture, &DER);
    SUCCEEDS(sogov_verify_batch(b->items, b->count, &DER, b->results, E));
    free_batch(b);
}

/* The id of an item goes before that of the options; empty is not absent. */
static void check_user_ids(fixture *fixture)
{
    static const uint8_t ids[8192] = "1234567812345678";
    static const size_t lengths[] = {0, 1, 16, 30, 31, 32, 33, 8191};
    uint8_t signature[64];
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        sogov_signing order = {fixture->key, ids, 1, ids, lengths[i]};
        sogov_signature_options common = {.size = sizeof common, .user_id = ids, .user_id_len = lengths[i]};
        SUCCEEDS(sogov_sign_batch(&order, 1, NULL, signature, 64, NULL, E));
        sogov_verification item = {fixture->key, ids, 1, signature, 64, ids, lengths[i]};
        SUCCEEDS(sogov_verify(fixture->key, ids, 1, signature, 64, &common, E));
        SUCCEEDS(sogov_verify_batch(&item, 1, NULL, NULL, E));
        item.user_id = NULL;
        item.user_id_len = 0;
        SUCCEEDS(sogov_verify_batch(&item, 1, &common, NULL, E));
        if (lengths[i] != 16)
            REFUSED(NOT_VALID, "items[0]: signature", sogov_verify_batch(&item, 1, NULL, NULL, E));
        item.user_id = ids;
        item.user_id_len = lengths[i] + 1;
        REFUSED(NOT_VALID, "items[0]: ", sogov_verify_batch(&item, 1, &common, NULL, E));
    }
}

static void check_empty_batches(void)
{
    sogov_verification item = {0};
    sogov_status result = SOGOV_STATUS_INTERNAL;
    SUCCEEDS(sogov_verify_batch(NULL, 0, NULL, NULL, E));
    SUCCEEDS(sogov_verify_batch(&item, 0, NULL, &result, E));
    CHECK(result == SOGOV_STATUS_INTERNAL);
    REFUSED(NOT_VALID, "1 of 1", sogov_verify_batch(&item, 1, NULL, &result, E));
    CHECK(result == INVALID);
    SUCCEEDS(sogov_sign_batch(NULL, 0, NULL, NULL, 0, NULL, E));
}

typedef struct race {
    batch *batch;
    atomic_int started;
} race;

static void *free_keys(void *context)
{
    race *race = context;
    while (!atomic_load(&race->started))
        continue;
    for (size_t i = 0; i < KEYS; i++)
        sogov_key_free(race->batch->keys[i]);
    return NULL;
}

/* An item is valid, or its key was freed before the item's turn came. */
static void check_keys_freed_in_use(fixture *fixture)
{
    race race = {.batch = new_batch(fixture, NULL)};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_keys, &race) == 0);
    atomic_store(&race.started, 1);
    sogov_status status = sogov_verify_batch(race.batch->items, race.batch->count, NULL, race.batch->results, NULL);
    CHECK(pthread_join(thread, NULL) == 0);
    int all_valid = 1;
    for (size_t i = 0; i < race.batch->count; i++) {
        sogov_status result = race.batch->results[i];
        CHECK(result == SOGOV_STATUS_OK || result == SOGOV_STATUS_CLOSED);
        all_valid &= result == SOGOV_STATUS_OK;
    }
    CHECK(status == (all_valid ? SOGOV_STATUS_OK : NOT_VALID));
    REFUSED(NOT_VALID, "the handle was freed", sogov_verify_batch(race.batch->items, race.batch->count, NULL, NULL, E));
    free_batch(race.batch);
}

/* A limit, even of nothing, changes how fast verifying is, and not what it answers. */
static void check_preparing(fixture *fixture)
{
    batch *b = new_batch(fixture, NULL);
    static const size_t limits[] = {0, 1 << 20, 64 << 20};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        sogov_prepared_keys_limit(limits[i]);
        for (size_t k = 0; k < KEYS; k++)
            SUCCEEDS(sogov_key_prepare(b->keys[k], E));
        SUCCEEDS(sogov_key_prepare(fixture->key, E));
        SUCCEEDS(sogov_verify_batch(b->items, b->count, NULL, NULL, E));
        SUCCEEDS(sogov_verify(b->items[0].key, b->items[0].message, b->items[0].message_len, b->signatures[0], 64,
                              NULL, E));
        REFUSED(NOT_VALID, "", sogov_verify(b->items[0].key, NULL, 0, b->signatures[0], 64, NULL, E));
    }
    free_batch(b);
}

/* GB/T 32905-2016, A.1; and that the tree is not the flat digest, and counts every leaf. */
static void check_digests(void)
{
    static const uint8_t abc[32] = {0x66, 0xc7, 0xf0, 0xf4, 0x62, 0xee, 0xed, 0xd9, 0xd1, 0xf2, 0xd4,
                                    0x6b, 0xdc, 0x10, 0xe4, 0xe2, 0x41, 0x67, 0xc4, 0x87, 0x5c, 0xf2,
                                    0xf7, 0xa2, 0x29, 0x7d, 0xa0, 0x2b, 0x8f, 0x4b, 0xa8, 0xe0};
    static uint8_t data[3 << 16];
    uint8_t flat[32], tree[32], other[32];
    SUCCEEDS(sogov_digest(SOGOV_DIGEST_ALGORITHM_SM3, (const uint8_t *)"abc", 3, flat, E));
    CHECK(memcmp(flat, abc, sizeof abc) == 0);
    SUCCEEDS(sogov_digest(SOGOV_DIGEST_ALGORITHM_SM3_TREE, (const uint8_t *)"abc", 3, tree, E));
    CHECK(memcmp(flat, tree, sizeof flat) != 0);
    SUCCEEDS(sogov_digest(SOGOV_DIGEST_ALGORITHM_SM3_TREE, data, sizeof data, tree, E));
    data[sizeof data - 1] = 1;
    SUCCEEDS(sogov_digest(SOGOV_DIGEST_ALGORITHM_SM3_TREE, data, sizeof data, other, E));
    CHECK(memcmp(other, tree, sizeof other) != 0);
}
