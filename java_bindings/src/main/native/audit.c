/* audit.c - the head of an audit trail, and its verification. */
#include "jni_util.h"
#include "sogov_Native.h"

#include <stdlib.h>
#include <string.h>

static void pack_position(packer *packer, const sogov_audit_position *place)
{
    pack_number(packer, (int64_t)place->record);
    pack_data(packer, place->hash, sizeof place->hash);
}

NATIVE(jbyteArray, auditHead)(JNIEnv *env, jclass class, jlong engine, jboolean checkpoint)
{
    (void)class;
    sogov_audit_position place = {0};
    sogov_error *error = NULL;
    sogov_status status = sogov_audit_head(HANDLE(const sogov_engine, engine), checkpoint ? 1 : 0, &place, &error);
    throw_failure(env, status, error);
    if (status != SOGOV_STATUS_OK)
        return NULL;
    packer packer = {0};
    pack_position(&packer, &place);
    return packed(env, &packer);
}

/* Directory, the record that is expected, keys: the order of Audit.java. */
NATIVE(jbyteArray, auditVerify)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text directory = read_text(&reader);
    sogov_audit_position expected = {0};
    bool is_expected = read_number(&reader) != 0;
    if (is_expected) {
        expected.record = (uint64_t)read_number(&reader);
        text hash = read_text(&reader);
        memcpy(expected.hash, hash.bytes, hash.len < sizeof expected.hash ? hash.len : sizeof expected.hash);
    }
    size_t count = (size_t)read_number(&reader);
    const sogov_key **keys = calloc(count + 1, sizeof *keys);
    jbyteArray result = NULL;
    if (keys == NULL) {
        throw_no_memory(env);
    } else {
        for (size_t i = 0; i < count; i++)
            keys[i] = HANDLE(const sogov_key, read_number(&reader));
        sogov_audit_report report = SOGOV_AUDIT_REPORT_INIT;
        sogov_error *error = NULL;
        sogov_status status = sogov_audit_verify(directory.bytes, directory.len, keys, count,
                                                 is_expected ? &expected : NULL, &report, &error);
        throw_failure(env, status, error);
        if (status == SOGOV_STATUS_OK) {
            packer packer = {0};
            pack_number(&packer, (int64_t)report.first);
            pack_position(&packer, &report.head);
            pack_number(&packer, (int64_t)report.segments);
            pack_number(&packer, (int64_t)report.checkpoints);
            pack_number(&packer, (int64_t)report.signed_up_to);
            pack_number(&packer, (int64_t)report.recovered);
            result = packed(env, &packer);
        }
    }
    free(keys);
    reader_close(&reader);
    return result;
}
