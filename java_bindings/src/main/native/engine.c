/* engine.c - engines, and the changes of what serves. The order of what is read is that of Engine.java. */
#include "callback.h"
#include "info.h"
#include "sogov_Native.h"

/* Actor, reason, durable, drain, signature file, force, isolated, bill of materials: what Packer.change packs. */
static sogov_change_options read_change(reader *reader)
{
    text actor = read_text(reader), reason = read_text(reader);
    sogov_change_options options = {
        .size = sizeof options, .actor = actor.bytes, .actor_len = actor.len, .reason = reason.bytes, .reason_len = reason.len,
    };
    options.wait_durable = read_u32(reader);
    options.drain_ms = read_u32(reader);
    text signature = read_text(reader);
    options.signature_path = signature.bytes;
    options.signature_path_len = signature.len;
    options.force = read_u32(reader);
    options.isolated = read_u32(reader);
    text sbom = read_text(reader);
    options.sbom_path = sbom.bytes;
    options.sbom_path_len = sbom.len;
    return options;
}

NATIVE(jlong, engineOpen)(JNIEnv *env, jclass class, jlong context, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text trust = read_text(&reader), roots = read_text(&reader), state = read_text(&reader);
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust.bytes,
        .trust_directory_len = trust.len,
        .root_key_ids = (const uint8_t *)roots.bytes,
        .root_key_count = roots.len / 32,
        .state_directory = state.bytes,
        .state_directory_len = state.len,
    };
    if (read_number(&reader)) {
        options.log = write_log;
        options.log_context = HANDLE(void, context);
    }
    if (read_number(&reader)) {
        options.event = tell_event;
        options.event_context = HANDLE(void, context);
    }
    options.parked_versions = (size_t)read_number(&reader);
    options.parked_bytes = (size_t)read_number(&reader);
    options.preflight = read_u32(&reader);
    options.preflight_ms = read_u32(&reader);
    options.preflight_memory_mib = read_u32(&reader);
    options.preflight_cpu_ms = read_u32(&reader);
    options.symbol_collisions = read_u32(&reader);
    options.contain_crashes = read_u32(&reader);
    options.receipt_key = HANDLE(const sogov_key, read_number(&reader));
    sogov_audit_options audit = {.size = sizeof audit};
    if (read_number(&reader)) {
        audit.required = read_u32(&reader);
        audit.checkpoint_key = HANDLE(const sogov_key, read_number(&reader));
        audit.checkpoint_every = read_u32(&reader);
        audit.segment_size = (uint64_t)read_number(&reader);
        audit.total_size = (uint64_t)read_number(&reader);
        text secret = read_text(&reader);
        audit.pseudonym_key = (const uint8_t *)secret.bytes;
        audit.pseudonym_key_len = secret.len;
        options.audit = &audit;
    }
    options.root_threshold = read_u32(&reader);
    options.trust_check_ms = read_u32(&reader);
    options.root_set = (uint64_t)read_number(&reader);
    sogov_engine *engine = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_engine_open(&options, &engine, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(engine);
}

NATIVE(void, engineFree)(JNIEnv *env, jclass class, jlong engine)
{
    (void)env, (void)class;
    sogov_engine_free(HANDLE(sogov_engine, engine));
}

NATIVE(jbyteArray, loadVersioned)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader), version = read_text(&reader), path = read_text(&reader);
    sogov_change_options options = read_change(&reader);
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_load_versioned(HANDLE(const sogov_engine, engine), service.bytes, service.len, version.bytes, version.len,
                             path.bytes, path.len, &options, &info, &error);
    reader_close(&reader);
    return version_or_throw(env, status, &info, error);
}

NATIVE(void, applyRoutePolicy)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return;
    text service = read_text(&reader), document = read_text(&reader);
    sogov_change_options options = read_change(&reader);
    sogov_error *error = NULL;
    sogov_status status =
        sogov_route_policy_apply(HANDLE(const sogov_engine, engine), service.bytes, service.len,
                                 (const uint8_t *)document.bytes, document.len, &options, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(jbyteArray, promote)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader), version = read_text(&reader);
    sogov_change_options options = read_change(&reader);
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_promote(HANDLE(const sogov_engine, engine), service.bytes, service.len, version.bytes,
                                        version.len, &options, &info, &error);
    reader_close(&reader);
    return version_or_throw(env, status, &info, error);
}

NATIVE(jbyteArray, rollback)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    text service = read_text(&reader);
    sogov_change_options options = read_change(&reader);
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_rollback(HANDLE(const sogov_engine, engine), service.bytes, service.len, &options,
                                         &info, &error);
    reader_close(&reader);
    return version_or_throw(env, status, &info, error);
}

NATIVE(void, unload)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return;
    text service = read_text(&reader), version = read_text(&reader);
    sogov_change_options options = read_change(&reader);
    sogov_error *error = NULL;
    sogov_status status = sogov_unload(HANDLE(const sogov_engine, engine), service.bytes, service.len, version.bytes,
                                       version.len, &options, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(jbyteArray, trustRefresh)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return NULL;
    sogov_change_options options = read_change(&reader);
    sogov_trust_info info = SOGOV_TRUST_INFO_INIT;
    sogov_error *error = NULL;
    sogov_status status = sogov_trust_refresh(HANDLE(const sogov_engine, engine), &options, &info, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    /* A listener may have thrown although all went well. */
    if (status != SOGOV_STATUS_OK || (*env)->ExceptionCheck(env))
        return NULL;
    packer packer = {0};
    pack_number(&packer, (int64_t)info.document_epoch);
    pack_number(&packer, (int64_t)info.denylist_number);
    pack_number(&packer, (int64_t)info.root_set);
    pack_number(&packer, (int64_t)info.revoked);
    pack_number(&packer, (int64_t)info.revoked_serving);
    pack_number(&packer, (int64_t)info.time);
    pack_number(&packer, info.clock);
    pack_number(&packer, info.durable);
    return packed(env, &packer);
}

NATIVE(jlong, trustConfirmTime)(JNIEnv *env, jclass class, jlong engine, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    sogov_change_options options = read_change(&reader);
    uint64_t time = 0;
    sogov_error *error = NULL;
    sogov_status status = sogov_trust_confirm_time(HANDLE(const sogov_engine, engine), &options, &time, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return (jlong)time;
}
