/* message.c - signatures of messages, and digests. */
#include "message.h"
#include "sogov_Native.h"

sogov_signature_options read_signature_options(reader *reader)
{
    text user_id = read_text(reader);
    return (sogov_signature_options){
        .size = sizeof(sogov_signature_options),
        .user_id = (const uint8_t *)user_id.bytes,
        .user_id_len = user_id.len,
        .encoding = read_u32(reader),
    };
}

NATIVE(jbyteArray, sign)
(JNIEnv *env, jclass class, jlong key, jbyteArray array, jobject direct, jint offset, jint length, jbyteArray arguments)
{
    (void)class;
    reader reader;
    span message;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    if (!span_open(env, &message, array, direct, offset, length)) {
        reader_close(&reader);
        return NULL;
    }
    sogov_signature_options options = read_signature_options(&reader);
    sogov_bytes signature = SOGOV_BYTES_INIT;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_sign(HANDLE(const sogov_key, key), message.data, message.len, &options, &signature, &error);
    span_close(&message);
    reader_close(&reader);
    return taken_or_throw(env, status, &signature, error);
}

NATIVE(void, verify)
(JNIEnv *env, jclass class, jlong key, jbyteArray array, jobject direct, jint offset, jint length, jbyteArray arguments)
{
    (void)class;
    reader reader;
    span message;
    if (!reader_open(env, &reader, arguments))
        return;
    if (!span_open(env, &message, array, direct, offset, length)) {
        reader_close(&reader);
        return;
    }
    text signature = read_text(&reader);
    sogov_signature_options options = read_signature_options(&reader);
    sogov_error *error = NULL;
    sogov_status status = sogov_verify(HANDLE(const sogov_key, key), message.data, message.len,
                                       (const uint8_t *)signature.bytes, signature.len, &options, &error);
    span_close(&message);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(jbyteArray, digest)
(JNIEnv *env, jclass class, jint algorithm, jbyteArray array, jobject direct, jint offset, jint length)
{
    (void)class;
    span data;
    if (!span_open(env, &data, array, direct, offset, length))
        return NULL;
    uint8_t digest[32];
    sogov_error *error = NULL;
    sogov_status status = sogov_digest((uint32_t)algorithm, data.data, data.len, digest, &error);
    span_close(&data);
    return digest_or_throw(env, status, digest, error);
}
