/* file.c - signatures of plugin files. The order of what is read is that of FileFacts.java. */
#include "jni_util.h"
#include "sogov_Native.h"

NATIVE(jbyteArray, fileSign)(JNIEnv *env, jclass class, jlong key, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text source = read_text(&reader), target = read_text(&reader), service = read_text(&reader);
    text version = read_text(&reader), name = read_text(&reader), semver = read_text(&reader);
    text issuer = read_text(&reader), user_id = read_text(&reader);
    sogov_file_facts facts = {
        .size = sizeof facts,
        .service = service.bytes,
        .service_len = service.len,
        .version = version.bytes,
        .version_len = version.len,
        .name = name.bytes,
        .name_len = name.len,
        .semver = semver.bytes,
        .semver_len = semver.len,
        .issuer = issuer.bytes,
        .issuer_len = issuer.len,
        .user_id = (const uint8_t *)user_id.bytes,
        .user_id_len = user_id.len,
    };
    facts.epoch = (uint64_t)read_number(&reader);
    facts.not_before = (uint64_t)read_number(&reader);
    facts.not_after = (uint64_t)read_number(&reader);
    facts.detached = read_u32(&reader);
    text sbom = read_text(&reader);
    facts.sbom_path = sbom.bytes;
    facts.sbom_path_len = sbom.len;
    uint8_t digest[32];
    sogov_error *error = NULL;
    sogov_status status = sogov_file_sign(HANDLE(const sogov_key, key), source.bytes, source.len, target.bytes,
                                          target.len, &facts, digest, &error);
    reader_close(&reader);
    return digest_or_throw(env, status, digest, error);
}

NATIVE(void, fileAddSignature)(JNIEnv *env, jclass class, jlong key, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return;
    text path = read_text(&reader), user_id = read_text(&reader);
    sogov_error *error = NULL;
    sogov_status status = sogov_file_add_signature(HANDLE(const sogov_key, key), path.bytes, path.len,
                                                   (const uint8_t *)user_id.bytes, user_id.len, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(jbyteArray, fileVerify)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader), version = read_text(&reader), path = read_text(&reader);
    uint8_t digest[32];
    sogov_error *error = NULL;
    sogov_status status = sogov_file_verify(HANDLE(const sogov_engine, engine), service.bytes, service.len,
                                            version.bytes, version.len, path.bytes, path.len, digest, &error);
    reader_close(&reader);
    return digest_or_throw(env, status, digest, error);
}
