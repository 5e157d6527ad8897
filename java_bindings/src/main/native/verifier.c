/* verifier.c - verifying in the background: results come on the threads of the pool, some at a time. */
#include "callback.h"
#include "message.h"
#include "sogov_Native.h"

_Static_assert(sizeof(jlong) == sizeof(uint64_t), "tickets are Java's long");

enum { AT_ONCE = 256 };

static void tell_some(JNIEnv *env, void *context, const sogov_verification_result *results, size_t count)
{
    jlong tickets[AT_ONCE];
    jint statuses[AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        tickets[i] = (jlong)results[i].ticket;
        statuses[i] = (jint)results[i].status;
    }
    jlongArray all_tickets = (*env)->NewLongArray(env, (jsize)count);
    jintArray all_statuses = all_tickets == NULL ? NULL : (*env)->NewIntArray(env, (jsize)count);
    if (all_statuses == NULL)
        return;
    (*env)->SetLongArrayRegion(env, all_tickets, 0, (jsize)count, tickets);
    (*env)->SetIntArrayRegion(env, all_statuses, 0, (jsize)count, statuses);
    (*env)->CallStaticVoidMethod(env, java.native, java.verified, NUMBER(context), all_tickets, all_statuses);
}

static void tell_results(void *context, const sogov_verification_result *results, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t some = count - done < AT_ONCE ? count - done : AT_ONCE;
        visit visit;
        if (!visit_begin(&visit))
            return;
        tell_some(visit.env, context, results + done, some);
        visit_end(&visit);
        done += some;
    }
}

NATIVE(jlong, verifierOpen)(JNIEnv *env, jclass class, jlong context, jint threads, jint max_wait_us, jlong capacity)
{
    (void)class;
    sogov_verifier_options options = {
        .size = sizeof options,
        .threads = (uint32_t)threads,
        .max_wait_us = (uint32_t)max_wait_us,
        .capacity = (size_t)capacity,
        .callback = tell_results,
        .callback_context = HANDLE(void, context),
    };
    sogov_verifier *verifier = NULL;
    sogov_error *error = NULL;
    throw_failure(env, sogov_verifier_open(&options, &verifier, &error), error);
    return NUMBER(verifier);
}

NATIVE(void, verifierSubmit)
(JNIEnv *env, jclass class, jlong verifier, jlong ticket, jlong key, jbyteArray array, jobject direct, jint offset,
 jint length, jbyteArray arguments)
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
    sogov_verification item = {
        .key = HANDLE(const sogov_key, key),
        .message = message.data,
        .message_len = message.len,
        .signature = (const uint8_t *)signature.bytes,
        .signature_len = signature.len,
    };
    sogov_error *error = NULL;
    sogov_status status =
        sogov_verifier_submit(HANDLE(const sogov_verifier, verifier), &item, &options, (uint64_t)ticket, &error);
    span_close(&message);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(void, verifierFree)(JNIEnv *env, jclass class, jlong verifier)
{
    (void)env, (void)class;
    sogov_verifier_free(HANDLE(sogov_verifier, verifier));
}
