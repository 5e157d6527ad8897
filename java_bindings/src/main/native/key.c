/* key.c - keys and their files. */
#include "jni_util.h"
#include "sogov_Native.h"

#include <string.h>

/* Wipes what held a password. */
static void wipe(reader *reader)
{
    memset(reader->bytes, 0, reader->next);
    __asm__ volatile("" : : "r"(reader->bytes) : "memory");
    reader_close(reader);
}

NATIVE(jlong, keyGenerate)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text scheme = read_text(&reader);
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_key_generate(scheme.bytes, scheme.len, &key, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(jlong, keyLoadPrivate)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text file = read_text(&reader), password = read_text(&reader);
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_key_load_private((const uint8_t *)file.bytes, file.len, (const uint8_t *)password.bytes,
                                                 password.len, &key, &error);
    wipe(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(jlong, keyLoadPublic)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text file = read_text(&reader);
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_key_load_public((const uint8_t *)file.bytes, file.len, &key, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(jlong, keyLoadRaw)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text scheme = read_text(&reader), public_bytes = read_text(&reader), private_bytes = read_text(&reader);
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_key_load_raw(scheme.bytes, scheme.len, (const uint8_t *)public_bytes.bytes, public_bytes.len,
                           (const uint8_t *)private_bytes.bytes, private_bytes.len, &key, &error);
    wipe(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(jlong, keyOpen)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text uri = read_text(&reader);
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_key_open(uri.bytes, uri.len, &key, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(jint, keyCustody)(JNIEnv *env, jclass class, jlong key)
{
    (void)class;
    uint32_t custody = 0;
    sogov_error *error = NULL;
    throw_failure(env, sogov_key_custody(HANDLE(const sogov_key, key), &custody, &error), error);
    return (jint)custody;
}

NATIVE(void, keyMemoryPolicy)(JNIEnv *env, jclass class, jint policy)
{
    (void)class;
    sogov_error *error = NULL;
    throw_failure(env, sogov_key_memory_policy((uint32_t)policy, &error), error);
}

NATIVE(jlong, keyPublic)(JNIEnv *env, jclass class, jlong key)
{
    (void)class;
    sogov_key *public_key = NULL;
    sogov_error *error = NULL;
    throw_failure(env, sogov_key_public(HANDLE(const sogov_key, key), &public_key, &error), error);
    return NUMBER(public_key);
}

NATIVE(jbyteArray, keyId)(JNIEnv *env, jclass class, jlong key)
{
    (void)class;
    uint8_t id[32];
    sogov_error *error = NULL;
    sogov_status status = sogov_key_id(HANDLE(const sogov_key, key), id, &error);
    return digest_or_throw(env, status, id, error);
}

NATIVE(jbyteArray, keyIdParse)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text given = read_text(&reader);
    uint8_t id[32];
    sogov_error *error = NULL;
    sogov_status status = sogov_key_id_parse(given.bytes, given.len, id, &error);
    reader_close(&reader);
    return digest_or_throw(env, status, id, error);
}

NATIVE(jbyteArray, keyExport)(JNIEnv *env, jclass class, jlong key, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    uint32_t format = read_u32(&reader);
    text password = read_text(&reader);
    sogov_bytes file = SOGOV_BYTES_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_key_export(HANDLE(const sogov_key, key), format, (const uint8_t *)password.bytes,
                                           password.len, &file, &error);
    wipe(&reader);
    return taken_or_throw(env, status, &file, error);
}

NATIVE(void, keyPrepare)(JNIEnv *env, jclass class, jlong key)
{
    (void)class;
    sogov_error *error = NULL;
    throw_failure(env, sogov_key_prepare(HANDLE(const sogov_key, key), &error), error);
}

NATIVE(void, keyFree)(JNIEnv *env, jclass class, jlong key)
{
    (void)env, (void)class;
    sogov_key_free(HANDLE(sogov_key, key));
}

NATIVE(void, preparedKeysLimit)(JNIEnv *env, jclass class, jlong bytes)
{
    (void)env, (void)class;
    sogov_prepared_keys_limit((size_t)bytes);
}
