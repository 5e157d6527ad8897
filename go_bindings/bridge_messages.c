/* bridge_messages.c - signatures of messages; see bridge.h. */
#include "bridge.h"

#include <stdlib.h>
#include <string.h>

/* A message, a signature or a user id; NULL is none. */
struct part {
    const uint8_t *bytes;
    size_t len;
};

static struct part part_of(const uint8_t *bytes, ptrdiff_t len);
static sogov_signature_options options_of(const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding);

/* Takes the parts of an item one after the other. */
struct reader {
    const uint8_t *bytes;
    const ptrdiff_t *lengths;
};

static struct part next(struct reader *from);
static bridge_result no_memory(void);

bridge_signed bridge_sign(uintptr_t key, const uint8_t *message, size_t message_len, const uint8_t *user_id,
                          ptrdiff_t user_id_len, uint32_t encoding, uint8_t *signature)
{
    sogov_signature_options options = options_of(user_id, user_id_len, encoding);
    sogov_bytes made = SOGOV_BYTES_INIT;
    bridge_signed result = {0};
    result.status = sogov_sign((const sogov_key *)key, message, message_len, &options, &made, &result.error);
    if (result.status == SOGOV_STATUS_OK && made.len > BRIDGE_SIGNATURE_SIZE) {
        result.longer = malloc(sizeof made);
        if (result.longer == NULL)
            abort();
        *result.longer = made;
        return result;
    }
    if (result.status == SOGOV_STATUS_OK) {
        memcpy(signature, made.data, made.len);
        result.value = made.len;
    }
    sogov_bytes_free(&made);
    return result;
}

bridge_result bridge_verify(uintptr_t key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                            size_t signature_len, const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding)
{
    sogov_signature_options options = options_of(user_id, user_id_len, encoding);
    bridge_result result = {0};
    result.status = sogov_verify((const sogov_key *)key, message, message_len, signature, signature_len, &options,
                                 &result.error);
    return result;
}

bridge_result bridge_submit(uintptr_t verifier, uint64_t ticket, uintptr_t key, const uint8_t *message,
                            size_t message_len, const uint8_t *signature, size_t signature_len, const uint8_t *user_id,
                            ptrdiff_t user_id_len, const uint8_t *common_id, ptrdiff_t common_id_len, uint32_t encoding)
{
    struct part own = part_of(user_id, user_id_len);
    sogov_verification item = {
        (const sogov_key *)key, message, message_len, signature, signature_len, own.bytes, own.len,
    };
    sogov_signature_options options = options_of(common_id, common_id_len, encoding);
    bridge_result result = {0};
    result.status = sogov_verifier_submit((const sogov_verifier *)verifier, &item, &options, ticket, &result.error);
    return result;
}

bridge_result bridge_verify_batch(const uintptr_t *keys, const uint8_t *bytes, const ptrdiff_t *lengths, size_t count,
                                  const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding, int32_t *results)
{
    sogov_signature_options options = options_of(user_id, user_id_len, encoding);
    struct reader from = {bytes, lengths};
    bridge_result result = {0};
    sogov_verification *items = calloc(count, sizeof *items);
    sogov_status *statuses = calloc(count, sizeof *statuses);
    if (items == NULL || statuses == NULL) {
        result = no_memory();
    } else {
        for (size_t i = 0; i < count; i++) {
            struct part message = next(&from), signature = next(&from), own = next(&from);
            items[i] = (sogov_verification){
                (const sogov_key *)keys[i], message.bytes, message.len, signature.bytes, signature.len, own.bytes,
                own.len,
            };
        }
        result.status = sogov_verify_batch(items, count, &options, statuses, &result.error);
        for (size_t i = 0; i < count; i++)
            results[i] = (int32_t)statuses[i];
    }
    free(items);
    free(statuses);
    return result;
}

bridge_result bridge_sign_batch(const uintptr_t *keys, const uint8_t *bytes, const ptrdiff_t *lengths, size_t count,
                                const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding, uint8_t *signatures,
                                size_t *signature_lengths)
{
    sogov_signature_options options = options_of(user_id, user_id_len, encoding);
    struct reader from = {bytes, lengths};
    bridge_result result = {0};
    sogov_signing *items = calloc(count, sizeof *items);
    if (items == NULL)
        return no_memory();
    for (size_t i = 0; i < count; i++) {
        struct part message = next(&from), own = next(&from);
        items[i] = (sogov_signing){(const sogov_key *)keys[i], message.bytes, message.len, own.bytes, own.len};
    }
    result.status = sogov_sign_batch(items, count, &options, signatures, BRIDGE_SIGNATURE_SIZE, signature_lengths,
                                     &result.error);
    free(items);
    return result;
}

static struct part part_of(const uint8_t *bytes, ptrdiff_t len)
{
    static const uint8_t empty;
    if (len < 0)
        return (struct part){NULL, 0};
    return (struct part){len == 0 ? &empty : bytes, (size_t)len};
}

static sogov_signature_options options_of(const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding)
{
    struct part id = part_of(user_id, user_id_len);
    return (sogov_signature_options){sizeof(sogov_signature_options), id.bytes, id.len, encoding};
}

static struct part next(struct reader *from)
{
    struct part part = part_of(from->bytes, *from->lengths++);
    from->bytes += part.len;
    return part;
}

/* Without an error object: there is no memory for one either. */
static bridge_result no_memory(void)
{
    return (bridge_result){0, NULL, SOGOV_STATUS_LIMIT_EXCEEDED};
}
