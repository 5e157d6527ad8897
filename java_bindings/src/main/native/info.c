/* info.c - see info.h. */
#include "info.h"
#include "sogov_Native.h"

#include <stdlib.h>

void pack_version(packer *packer, const sogov_version_info *info)
{
    pack_text(packer, info->service);
    pack_text(packer, info->version);
    pack_number(packer, (int64_t)info->standing);
    pack_number(packer, info->development);
    pack_data(packer, info->digest, sizeof info->digest);
    pack_number(packer, (int64_t)info->epoch);
    pack_number(packer, (int64_t)info->in_flight);
    pack_number(packer, (int64_t)info->calls);
    pack_number(packer, (int64_t)info->failures);
    pack_text(packer, info->pin_reason);
    pack_number(packer, (int64_t)info->breaker);
    pack_number(packer, (int64_t)info->breaker_open_ms);
    pack_number(packer, (int64_t)info->breaker_opened);
    pack_number(packer, info->isolated);
}

jbyteArray version_or_throw(JNIEnv *env, sogov_status status, const sogov_version_info *info, sogov_error *error)
{
    throw_failure(env, status, error);
    /* Java code that the engine called back into may have thrown although all went well. */
    if (status != SOGOV_STATUS_OK || (*env)->ExceptionCheck(env))
        return NULL;
    packer packer = {0};
    pack_version(&packer, info);
    return packed(env, &packer);
}

/* All versions of a service, or of all: their count, and each. */
NATIVE(jbyteArray, versions)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader);
    sogov_version_info *infos = NULL;
    size_t room = 0, count = 0;
    sogov_error *error = NULL;
    sogov_status status;
    /* Versions may come while this asks: until there was room for all. */
    do {
        room = count;
        free(infos);
        infos = calloc(room + 1, sizeof *infos);
        if (infos == NULL) {
            reader_close(&reader);
            throw_no_memory(env);
            return NULL;
        }
        infos[0].size = sizeof infos[0];
        status = sogov_version_list(HANDLE(const sogov_engine, engine), service.bytes, service.len, infos, room, &count,
                                    &error);
    } while (status == SOGOV_STATUS_OK && count > room);
    reader_close(&reader);

    jbyteArray result = NULL;
    if (status == SOGOV_STATUS_OK) {
        packer packer = {0};
        pack_number(&packer, (int64_t)count);
        for (size_t i = 0; i < count; i++)
            pack_version(&packer, &infos[i]);
        result = packed(env, &packer);
    }
    free(infos);
    throw_failure(env, status, error);
    return result;
}

NATIVE(jbyteArray, processInfo)(JNIEnv *env, jclass class)
{
    (void)class;
    sogov_process_info info = SOGOV_PROCESS_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_process_status(&info, &error);
    throw_failure(env, status, error);
    if (status != SOGOV_STATUS_OK)
        return NULL;
    packer packer = {0};
    pack_number(&packer, (int64_t)info.versions_mapped);
    pack_number(&packer, (int64_t)info.versions_pinned);
    pack_number(&packer, (int64_t)info.versions_parked);
    pack_number(&packer, (int64_t)info.bytes_mapped);
    pack_number(&packer, info.restart_wanted);
    pack_number(&packer, info.tainted);
    pack_text(&packer, info.restart_reason);
    pack_text(&packer, info.taint_reason);
    return packed(env, &packer);
}
