/* jni_util.c - see jni_util.h. */
#include "jni_util.h"

#include <stdlib.h>
#include <string.h>

java_side java;

/* ---- failures ---- */

void throw_failure(JNIEnv *env, sogov_status status, sogov_error *error)
{
    if (status == SOGOV_STATUS_OK)
        return;
    /* Java code that a plugin or the engine called back into has thrown: that is the reason then. */
    if (!(*env)->ExceptionCheck(env)) {
        const char *message = sogov_error_message(error);
        jbyteArray bytes = new_bytes(env, message, strlen(message));
        jobject failure = bytes == NULL ? NULL
                                        : (*env)->CallStaticObjectMethod(env, java.native, java.failure, (jint)status, bytes);
        if (failure != NULL && !(*env)->ExceptionCheck(env))
            (*env)->Throw(env, failure);
    }
    sogov_error_free(error);
}

void throw_no_memory(JNIEnv *env)
{
    jclass class = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
    if (class != NULL)
        (*env)->ThrowNew(env, class, "sogov: no memory for a copy");
}

/* ---- bytes ---- */

jbyteArray new_bytes(JNIEnv *env, const void *bytes, size_t len)
{
    if (len > INT32_MAX) {
        throw_no_memory(env);
        return NULL;
    }
    jbyteArray array = (*env)->NewByteArray(env, (jsize)len);
    if (array != NULL && len > 0)
        (*env)->SetByteArrayRegion(env, array, 0, (jsize)len, bytes);
    return array;
}

jbyteArray new_text(JNIEnv *env, const char *text, size_t len)
{
    return new_bytes(env, text, text == NULL ? 0 : len);
}

jbyteArray digest_or_throw(JNIEnv *env, sogov_status status, const uint8_t digest[32], sogov_error *error)
{
    if (status == SOGOV_STATUS_OK)
        return new_bytes(env, digest, 32);
    throw_failure(env, status, error);
    return NULL;
}

jbyteArray taken_or_throw(JNIEnv *env, sogov_status status, sogov_bytes *bytes, sogov_error *error)
{
    jbyteArray array = status == SOGOV_STATUS_OK ? new_bytes(env, bytes->data, bytes->len) : NULL;
    if (bytes->len > 0) {
        /* It may be a private key: a plain memset before free would be left out. */
        memset(bytes->data, 0, bytes->len);
        __asm__ volatile("" : : "r"(bytes->data) : "memory");
    }
    sogov_bytes_free(bytes);
    throw_failure(env, status, error);
    return array;
}

/* ---- bytes that Java gave ---- */

bool span_open(JNIEnv *env, span *span, jbyteArray array, jobject direct, jint offset, jint length)
{
    *span = (struct span){.len = (size_t)length};
    if (array == NULL) {
        span->data = (const uint8_t *)(*env)->GetDirectBufferAddress(env, direct) + offset;
        return true;
    }
    /* A copy, and no critical section, which would hold up the garbage collector for as long as the call takes. */
    span->data = span->copy = malloc((size_t)length + 1);
    if (span->copy == NULL) {
        throw_no_memory(env);
        return false;
    }
    (*env)->GetByteArrayRegion(env, array, offset, length, (jbyte *)span->copy);
    return true;
}

void span_close(span *span)
{
    free(span->copy);
}

/* ---- reading ---- */

bool reader_open(JNIEnv *env, reader *reader, jbyteArray packed)
{
    jsize len = (*env)->GetArrayLength(env, packed);
    *reader = (struct reader){.bytes = malloc((size_t)len + 1)};
    if (reader->bytes == NULL) {
        throw_no_memory(env);
        return false;
    }
    (*env)->GetByteArrayRegion(env, packed, 0, len, (jbyte *)reader->bytes);
    return true;
}

void reader_close(reader *reader)
{
    free(reader->bytes);
}

int64_t read_number(reader *reader)
{
    int64_t number;
    memcpy(&number, reader->bytes + reader->next, sizeof number);
    reader->next += sizeof number;
    return number;
}

uint32_t read_u32(reader *reader)
{
    return (uint32_t)read_number(reader);
}

text read_text(reader *reader)
{
    int64_t len = read_number(reader);
    if (len < 0)
        return (text){NULL, 0};
    text text = {(const char *)reader->bytes + reader->next, (size_t)len};
    reader->next += text.len;
    return text;
}

/* ---- packing ---- */

static void put(packer *packer, const void *bytes, size_t len)
{
    if (len > packer->capacity - packer->len) {
        size_t capacity = 2 * packer->capacity + len;
        uint8_t *grown = realloc(packer->bytes, capacity);
        if (grown == NULL) {
            packer->failed = true;
            return;
        }
        packer->bytes = grown;
        packer->capacity = capacity;
    }
    if (len > 0)
        memcpy(packer->bytes + packer->len, bytes, len);
    packer->len += len;
}

void pack_number(packer *packer, int64_t number)
{
    put(packer, &number, sizeof number);
}

void pack_data(packer *packer, const void *bytes, size_t len)
{
    pack_number(packer, bytes == NULL ? -1 : (int64_t)len);
    put(packer, bytes, bytes == NULL ? 0 : len);
}

void pack_text(packer *packer, const char *text)
{
    pack_data(packer, text, strlen(text));
}

jbyteArray packed(JNIEnv *env, packer *packer)
{
    jbyteArray array = NULL;
    if (packer->failed)
        throw_no_memory(env);
    else
        array = new_bytes(env, packer->bytes, packer->len);
    free(packer->bytes);
    return array;
}
