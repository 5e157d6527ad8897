/* batch.c - many signatures in one call. */
#include "message.h"
#include "sogov_Native.h"

#include <stdlib.h>

enum {
    /* Room for a signature in either encoding. */
    STRIDE = 72
};

_Static_assert(sizeof(sogov_status) == sizeof(jint), "statuses are copied into an int[]");

static const uint8_t *bytes_of(text text)
{
    return (const uint8_t *)text.bytes;
}

/* The items' statuses where all that is wrong is signatures, or nothing; otherwise the exception. */
NATIVE(jbyteArray, verifyBatch)(JNIEnv *env, jclass class, jbyteArray arguments, jintArray results)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    sogov_signature_options options = read_signature_options(&reader);
    size_t count = (size_t)read_number(&reader);
    sogov_verification *items = calloc(count + 1, sizeof *items);
    sogov_status *statuses = calloc(count + 1, sizeof *statuses);
    jbyteArray why = NULL;
    if (items == NULL || statuses == NULL) {
        throw_no_memory(env);
    } else {
        for (size_t i = 0; i < count; i++) {
            items[i].key = HANDLE(const sogov_key, read_number(&reader));
            text message = read_text(&reader), signature = read_text(&reader), user_id = read_text(&reader);
            items[i].message = bytes_of(message), items[i].message_len = message.len;
            items[i].signature = bytes_of(signature), items[i].signature_len = signature.len;
            items[i].user_id = bytes_of(user_id), items[i].user_id_len = user_id.len;
        }
        sogov_error *error = NULL;
        sogov_status status = sogov_verify_batch(items, count, &options, statuses, &error);
        if (status == SOGOV_STATUS_SIGNATURE_INVALID) {
            const char *message = sogov_error_message(error);
            packer packer = {0};
            pack_text(&packer, message);
            why = packed(env, &packer);
            sogov_error_free(error);
        } else {
            throw_failure(env, status, error);
        }
        if (!(*env)->ExceptionCheck(env))
            (*env)->SetIntArrayRegion(env, results, 0, (jsize)count, (const jint *)statuses);
    }
    free(statuses);
    free(items);
    reader_close(&reader);
    return why;
}

/* The signatures, packed one after the other. */
NATIVE(jbyteArray, signBatch)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    sogov_signature_options options = read_signature_options(&reader);
    size_t count = (size_t)read_number(&reader);
    sogov_signing *items = calloc(count + 1, sizeof *items);
    uint8_t *signatures = calloc(count + 1, STRIDE);
    size_t *lengths = calloc(count + 1, sizeof *lengths);
    jbyteArray result = NULL;
    if (items == NULL || signatures == NULL || lengths == NULL) {
        throw_no_memory(env);
    } else {
        for (size_t i = 0; i < count; i++) {
            items[i].key = HANDLE(const sogov_key, read_number(&reader));
            text message = read_text(&reader), user_id = read_text(&reader);
            items[i].message = bytes_of(message), items[i].message_len = message.len;
            items[i].user_id = bytes_of(user_id), items[i].user_id_len = user_id.len;
        }
        sogov_error *error = NULL;
        sogov_status status = sogov_sign_batch(items, count, &options, signatures, STRIDE, lengths, &error);
        throw_failure(env, status, error);
        if (status == SOGOV_STATUS_OK) {
            packer packer = {0};
            for (size_t i = 0; i < count; i++)
                pack_data(&packer, signatures + i * STRIDE, lengths[i]);
            result = packed(env, &packer);
        }
    }
    free(lengths);
    free(signatures);
    free(items);
    reader_close(&reader);
    return result;
}
