/* package.c - update packages. The order of what is read is that of PackageFacts.java and Engine.java. */
#include "jni_util.h"
#include "sogov_Native.h"

#include <stdlib.h>
#include <string.h>

NATIVE(jlong, recipientRead)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text file = read_text(&reader);
    sogov_recipient *recipient = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_recipient_read((const uint8_t *)file.bytes, file.len, &recipient, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(recipient);
}

NATIVE(void, recipientFree)(JNIEnv *env, jclass class, jlong recipient)
{
    (void)env, (void)class;
    sogov_recipient_free(HANDLE(sogov_recipient, recipient));
}

NATIVE(jlong, recipientKeyRead)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text file = read_text(&reader), password = read_text(&reader), certificate = read_text(&reader);
    sogov_recipient_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_recipient_key_read((const uint8_t *)file.bytes, file.len, (const uint8_t *)password.bytes,
                                                   password.len, (const uint8_t *)certificate.bytes, certificate.len,
                                                   &key, &error);
    /* It held a key and a password. */
    memset(reader.bytes, 0, reader.next);
    __asm__ volatile("" : : "r"(reader.bytes) : "memory");
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(key);
}

NATIVE(void, recipientKeyFree)(JNIEnv *env, jclass class, jlong key)
{
    (void)env, (void)class;
    sogov_recipient_key_free(HANDLE(sogov_recipient_key, key));
}

/* The texts of a list behind its count; NULL for none, or with *failed where there is no memory. */
static sogov_text *read_texts(reader *reader, size_t *count, bool *failed)
{
    *count = (size_t)read_number(reader);
    if (*count == 0)
        return NULL;
    sogov_text *texts = calloc(*count, sizeof *texts);
    if (texts == NULL) {
        *failed = true;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        text one = read_text(reader);
        texts[i] = (sogov_text){.data = one.bytes, .len = one.len};
    }
    return texts;
}

/* The same of handles. */
static const void **read_handles(reader *reader, size_t *count, bool *failed)
{
    *count = (size_t)read_number(reader);
    if (*count == 0)
        return NULL;
    const void **handles = calloc(*count, sizeof *handles);
    if (handles == NULL) {
        *failed = true;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        handles[i] = HANDLE(const void, read_number(reader));
    return handles;
}

NATIVE(jbyteArray, pack)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text target = read_text(&reader), service = read_text(&reader), issuer = read_text(&reader);
    text user_id = read_text(&reader);
    sogov_pack_options options = {
        .size = sizeof options,
        .service = service.bytes,
        .service_len = service.len,
        .issuer = issuer.bytes,
        .issuer_len = issuer.len,
        .user_id = (const uint8_t *)user_id.bytes,
        .user_id_len = user_id.len,
    };
    options.epoch = (uint64_t)read_number(&reader);
    options.not_after = (uint64_t)read_number(&reader);
    /* Each list is read whole before the next one: where one has no memory, the rest is not looked at. */
    bool failed = false;
    sogov_text *plugins = read_texts(&reader, &options.plugin_count, &failed);
    sogov_text *files = failed ? NULL : read_texts(&reader, &options.file_count, &failed);
    sogov_text *audiences = failed ? NULL : read_texts(&reader, &options.audience_count, &failed);
    const void **keys = failed ? NULL : read_handles(&reader, &options.key_count, &failed);
    const void **recipients = failed ? NULL : read_handles(&reader, &options.recipient_count, &failed);
    jbyteArray made = NULL;
    if (failed) {
        throw_no_memory(env);
    } else {
        options.plugins = plugins;
        options.files = files;
        options.audiences = audiences;
        options.keys = (const sogov_key *const *)keys;
        options.recipients = (const sogov_recipient *const *)recipients;
        uint8_t id[16];
        sogov_error *error = NULL;
        sogov_status status = sogov_pack(&options, target.bytes, target.len, id, &error);
        if (status == SOGOV_STATUS_OK)
            made = new_bytes(env, id, sizeof id);
        else
            throw_failure(env, status, error);
    }
    free(plugins);
    free(files);
    free(audiences);
    free(keys);
    free(recipients);
    reader_close(&reader);
    return made;
}

NATIVE(jbyteArray, install)(JNIEnv *env, jclass class, jlong engine, jlong key, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text path = read_text(&reader), audience = read_text(&reader), actor = read_text(&reader);
    text reason = read_text(&reader);
    sogov_install_options options = {
        .size = sizeof options,
        .audience = audience.bytes,
        .audience_len = audience.len,
        .actor = actor.bytes,
        .actor_len = actor.len,
        .reason = reason.bytes,
        .reason_len = reason.len,
    };
    sogov_bytes directory = SOGOV_BYTES_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_install(HANDLE(const sogov_engine, engine), path.bytes, path.len,
                                        HANDLE(const sogov_recipient_key, key), &options, &directory, &error);
    reader_close(&reader);
    return taken_or_throw(env, status, &directory, error);
}

NATIVE(jint, packageCheck)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text path = read_text(&reader);
    sogov_package_standing standing = SOGOV_PACKAGE_STANDING_UNTOUCHED;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_package_check(HANDLE(const sogov_engine, engine), path.bytes, path.len, &standing, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return (jint)standing;
}
