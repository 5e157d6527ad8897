/* update.c - hot update, and its progress. The order of what is read is that of UpdateOptions.java. */
#include "callback.h"
#include "info.h"
#include "sogov_Native.h"

enum { MOST_GRAY_STEPS = 64 };

static void pack_mismatch(packer *packer, const sogov_update_mismatch *mismatch)
{
    pack_number(packer, mismatch != NULL);
    if (mismatch == NULL)
        return;
    pack_number(packer, (int64_t)mismatch->request_len);
    pack_number(packer, (int64_t)mismatch->expected_len);
    pack_number(packer, (int64_t)mismatch->found_len);
    pack_number(packer, mismatch->expected_status);
    pack_number(packer, mismatch->found_status);
    pack_data(packer, mismatch->request_digest, sizeof mismatch->request_digest);
    pack_data(packer, mismatch->expected_digest, sizeof mismatch->expected_digest);
    pack_data(packer, mismatch->found_digest, sizeof mismatch->found_digest);
}

/* The context is the follower, an argument of the native that is waiting for the update on this thread. */
static int32_t tell_progress(void *context, const sogov_update_progress *progress)
{
    visit visit;
    if (!visit_begin(&visit))
        return 1;
    JNIEnv *env = visit.env;
    packer packer = {0};
    pack_number(&packer, (int64_t)progress->step);
    pack_number(&packer, (int64_t)progress->phase);
    pack_number(&packer, progress->share);
    pack_number(&packer, (int64_t)progress->elapsed_ms);
    pack_number(&packer, (int64_t)progress->calls);
    pack_number(&packer, (int64_t)progress->failures);
    pack_number(&packer, (int64_t)progress->compared);
    pack_number(&packer, (int64_t)progress->mismatched);
    pack_number(&packer, (int64_t)progress->dropped);
    pack_mismatch(&packer, progress->mismatch);
    pack_data(&packer, progress->message, progress->message_len);
    jbyteArray bytes = packed(env, &packer);
    jboolean goes_on = JNI_FALSE;
    if (bytes != NULL)
        goes_on = (*env)->CallStaticBooleanMethod(env, java.native, java.progress, (jobject)context, bytes);
    bool failed = (*env)->ExceptionCheck(env);
    visit_end(&visit);
    return failed || !goes_on;
}

NATIVE(jbyteArray, update)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments, jobject follower)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader), version = read_text(&reader), path = read_text(&reader);
    text actor = read_text(&reader), reason = read_text(&reader), signature = read_text(&reader);
    sogov_update_gray gray[MOST_GRAY_STEPS];
    sogov_update_options options = {
        .size = sizeof options,
        .actor = actor.bytes,
        .actor_len = actor.len,
        .reason = reason.bytes,
        .reason_len = reason.len,
        .signature_path = signature.bytes,
        .signature_path_len = signature.len,
        .progress = follower == NULL ? NULL : tell_progress,
        .progress_context = follower,
        .gray = gray,
        /* At most 64: UpdateOptions.java counts them. */
        .gray_count = (size_t)read_number(&reader),
    };
    for (size_t i = 0; i < options.gray_count; i++) {
        gray[i].share = read_u32(&reader);
        gray[i].hold_ms = read_u32(&reader);
        gray[i].calls = (uint64_t)read_number(&reader);
    }
    options.shadow_requests = (uint64_t)read_number(&reader);
    options.shadow_mismatches = (uint64_t)read_number(&reader);
    options.shadow_ms = read_u32(&reader);
    options.probation_calls = (uint64_t)read_number(&reader);
    options.probation_ms = read_u32(&reader);
    options.state = read_u32(&reader);
    options.handover_ms = read_u32(&reader);
    options.tolerated_failures = read_u32(&reader);
    options.on_no_data = read_u32(&reader);
    options.keep_failed = read_u32(&reader);
    options.drain_ms = read_u32(&reader);
    options.wait_durable = read_u32(&reader);
    options.isolated = read_u32(&reader);
    text sbom = read_text(&reader);
    options.sbom_path = sbom.bytes;
    options.sbom_path_len = sbom.len;
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_update(HANDLE(const sogov_engine, engine), service.bytes, service.len, version.bytes,
                                       version.len, path.bytes, path.len, &options, &info, &error);
    reader_close(&reader);
    return version_or_throw(env, status, &info, error);
}
