/*
 * crypto_mb.c - Intel Cryptography Primitives' crypto_mb as a peer: 8 signatures and 16 digests at a time with
 * AVX-512 IFMA.
 *
 * It knows no prepared keys: a key is the pair of its coordinates as little-endian words, Z is computed in each call,
 * and whether the point lies on the curve is the caller's business. Signing is given its nonces, so what it measures
 * leaves out the making of k; the driver counts k up from a random number, which would be no way to sign in earnest.
 */
#define _GNU_SOURCE
#define BN_OPENSSL_DISABLE
#include "driver.h"
#include <crypto_mb/cpu_features.h>
#include <crypto_mb/ec_sm2.h>
#include <crypto_mb/sm3.h>
#include <crypto_mb/version.h>
#include <sys/random.h>

#define WIDTH 8
#define WORDS 4 /* of 64 bits in a coordinate or a scalar */

struct key {
    int64u x[WORDS], y[WORDS];
};

static struct key *keys;

/* The little-endian words of a big-endian number of 32 bytes. */
static void words(const uint8_t number[32], int64u out[WORDS])
{
    for (int i = 0; i < WORDS; i++) {
        out[i] = 0;
        for (int j = 0; j < 8; j++)
            out[i] = out[i] << 8 | number[8 * (WORDS - 1 - i) + j];
    }
}

static bool decode(const struct bytes *spki, struct key *key)
{
    if (spki->len < POINT_LEN)
        return false;
    const uint8_t *point = spki->data + spki->len - POINT_LEN;
    words(point + 1, key->x);
    words(point + 33, key->y);
    return point[0] == 4;
}

/* Verifies 8 cases, of which the numbers begin with `first` and go up by `step`; bit i of the result is set when case i is
 * good. */
static unsigned verify(size_t first, size_t step, const struct key *of)
{
    const int8u *r[WIDTH], *s[WIDTH], *id[WIDTH], *message[WIDTH];
    const int64u *x[WIDTH], *y[WIDTH];
    int id_len[WIDTH], message_len[WIDTH];
    for (size_t lane = 0; lane < WIDTH; lane++) {
        size_t i = (first + lane * step) % cases_len;
        r[lane] = cases[i].signature.data;
        s[lane] = cases[i].signature.data + 32;
        id[lane] = (const int8u *)USER_ID;
        id_len[lane] = (int)strlen(USER_ID);
        message[lane] = cases[i].message.data;
        message_len[lane] = (int)cases[i].message.len;
        x[lane] = of[lane].x;
        y[lane] = of[lane].y;
    }
    mbx_status status = mbx_sm2_ecdsa_verify_mb8(r, s, id, id_len, message, message_len, x, y, NULL, NULL);
    unsigned good = 0;
    for (int lane = 0; lane < WIDTH; lane++)
        good |= (unsigned)(MBX_GET_STS(status, lane) == MBX_STATUS_OK) << lane;
    return good;
}

static unsigned verify_new_keys(size_t first, size_t step)
{
    struct key decoded[WIDTH] = {{{0}, {0}}};
    unsigned readable = 0;
    for (size_t lane = 0; lane < WIDTH; lane++) {
        const struct test_case *claim = &cases[(first + lane * step) % cases_len];
        bool whole = decode(&claim->spki, &decoded[lane]) && claim->signature.len == 64;
        readable |= (unsigned)whole << lane;
    }
    return verify(first, step, decoded) & readable;
}

/* Each case in all lanes: on some processors version 2.3.0 reads through NULL for a lane whose message ends a block of SM3
 * before that of another one. */
static void check(bool *good)
{
    for (size_t i = 0; i < cases_len; i++)
        good[i] = verify_new_keys(i, 0) == 0xff;
}

/* Signs 8 messages. */
static void sign_eight(const struct bytes *const of[WIDTH], uint8_t out[WIDTH][64])
{
    static struct key public;
    static int64u secret[WORDS], nonces[WIDTH][WORDS];
    if (secret[0] == 0) {
        words(scalar.data, secret);
        require(decode(&signer_spki, &public), "the signer's key was refused");
        require(getrandom(nonces, sizeof nonces, 0) == sizeof nonces, "getrandom");
        for (int lane = 0; lane < WIDTH; lane++)
            nonces[lane][WORDS - 1] >>= 1; /* below n */
    }
    const int8u *id[WIDTH], *message[WIDTH];
    const int64u *k[WIDTH], *d[WIDTH], *x[WIDTH], *y[WIDTH];
    int8u *r[WIDTH], *s[WIDTH];
    int id_len[WIDTH], message_len[WIDTH];
    for (int lane = 0; lane < WIDTH; lane++) {
        nonces[lane][0]++;
        r[lane] = out[lane];
        s[lane] = out[lane] + 32;
        id[lane] = (const int8u *)USER_ID;
        id_len[lane] = (int)strlen(USER_ID);
        message[lane] = of[lane]->data;
        message_len[lane] = (int)of[lane]->len;
        k[lane] = nonces[lane];
        d[lane] = secret;
        x[lane] = public.x;
        y[lane] = public.y;
    }
    mbx_status status = mbx_sm2_ecdsa_sign_mb8(r, s, id, id_len, message, message_len, k, d, x, y, NULL, NULL);
    require(status == MBX_STATUS_OK, "a signature failed");
}

static size_t sign(const struct bytes *message, uint8_t out[SIGNATURE_MAX])
{
    const struct bytes *of[WIDTH];
    uint8_t signatures[WIDTH][64];
    for (int lane = 0; lane < WIDTH; lane++)
        of[lane] = message;
    sign_eight(of, signatures);
    memcpy(out, signatures[0], 64);
    return 64;
}

static void digest_lanes(const uint8_t *const data[LANES], size_t len, uint8_t out[LANES][32])
{
    int8u *hashes[LANES];
    int lengths[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        hashes[lane] = out[lane];
        lengths[lane] = (int)len;
    }
    require(mbx_sm3_msg_digest_mb16(data, lengths, hashes) == 0, "mbx_sm3_msg_digest_mb16");
}

static void digest(const struct bytes *message, uint8_t out[32])
{
    const uint8_t *data[LANES];
    uint8_t digests[LANES][32];
    for (int lane = 0; lane < LANES; lane++)
        data[lane] = message->data;
    digest_lanes(data, message->len, digests);
    memcpy(out, digests[0], 32);
}

static void decode_keys(void)
{
    if (keys != NULL)
        return;
    keys = calloc(cases_len, sizeof *keys);
    require(keys != NULL && cases_len % WIDTH == 0, "expected a multiple of 8 cases");
    for (size_t i = 0; i < cases_len; i++)
        require(decode(&cases[i].spki, &keys[i]), "a key was refused");
}

static size_t next_eight(void)
{
    static size_t next;
    size_t first = next % cases_len;
    next += WIDTH;
    return first;
}

static uint64_t turn_verify_batch(void)
{
    size_t first = next_eight();
    require(verify(first, 1, &keys[first]) == 0xff, "a good signature was refused");
    return WIDTH;
}

static uint64_t turn_verify_batch_new_key(void)
{
    require(verify_new_keys(next_eight(), 1) == 0xff, "a good signature was refused");
    return WIDTH;
}

static uint64_t turn_sign_batch(void)
{
    size_t first = next_eight();
    const struct bytes *of[WIDTH];
    uint8_t signatures[WIDTH][64];
    for (size_t lane = 0; lane < WIDTH; lane++)
        of[lane] = &cases[(first + lane) % cases_len].message;
    sign_eight(of, signatures);
    return WIDTH;
}

static uint64_t turn_sm3_lanes(void)
{
    const uint8_t *data[LANES];
    uint8_t digests[LANES][32];
    for (size_t lane = 0; lane < LANES; lane++)
        data[lane] = sample(LANES * LANE_LEN) + lane * LANE_LEN;
    digest_lanes(data, LANE_LEN, digests);
    return LANES * LANE_LEN;
}

static const char *open_peer(void)
{
    if (mbx_get_algo_info(MBX_ALGO_ECDSA_SM2) == 0)
        return "the processor has no AVX-512 IFMA, and crypto_mb has no other code";
    return NULL;
}

static const char *version(void)
{
    static char text[32];
    const mbxVersion *found = mbx_getversion();
    snprintf(text, sizeof text, "%d.%d.%d", found->major, found->minor, found->patch);
    return text;
}

static const struct operation operations[] = {
    {"verify_batch", decode_keys, turn_verify_batch},
    {"verify_batch_new_key", NULL, turn_verify_batch_new_key},
    {"sign_batch", NULL, turn_sign_batch},
    {"sm3_lanes", NULL, turn_sm3_lanes},
    {NULL, NULL, NULL},
};

static const struct peer peer = {"Intel crypto_mb", "raw", open_peer, version, check, sign, digest, operations};
