/* bridge_callbacks.c - the library's callbacks, on their way to Go; see bridge.h. */
#include "bridge.h"

#include "_cgo_export.h"

/* The callbacks that this thread is inside of. */
static _Thread_local const struct frame {
    uintptr_t owner;
    bool of_verifier;
    const struct frame *outer;
} *frames;

static void log_line(void *context, sogov_log_level level, const char *message, size_t message_len)
{
    const bridge_listener *listener = context;
    const struct frame frame = {listener->owner, false, frames};
    frames = &frame;
    sogovgo_log(listener->context, (int32_t)level, (char *)message, message_len);
    frames = frame.outer;
}

static void tell_event(void *context, const sogov_event *event)
{
    const bridge_listener *listener = context;
    const struct frame frame = {listener->owner, false, frames};
    frames = &frame;
    sogovgo_event(listener->context, (sogov_event *)event);
    frames = frame.outer;
}

static int32_t tell_progress(void *context, const sogov_update_progress *progress)
{
    const bridge_listener *listener = context;
    const struct frame frame = {listener->owner, false, frames};
    frames = &frame;
    int32_t cancels = sogovgo_progress(listener->context, (sogov_update_progress *)progress);
    frames = frame.outer;
    return cancels;
}

static void tell_results(void *context, const sogov_verification_result *results, size_t count)
{
    const bridge_listener *listener = context;
    const struct frame frame = {listener->owner, true, frames};
    frames = &frame;
    sogovgo_results(listener->context, (sogov_verification_result *)results, count);
    frames = frame.outer;
}

void bridge_listen(sogov_engine_options *options, bridge_listener *listener, bool log, bool event)
{
    if (log) {
        options->log = log_line;
        options->log_context = listener;
    }
    if (event) {
        options->event = tell_event;
        options->event_context = listener;
    }
}

void bridge_follow(sogov_update_options *options, bridge_listener *listener)
{
    options->progress = tell_progress;
    options->progress_context = listener;
}

void bridge_collect(sogov_verifier_options *options, bridge_listener *listener)
{
    options->callback = tell_results;
    options->callback_context = listener;
}

static int32_t verify_by_scheme(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                                size_t message_len, const uint8_t *signature, size_t signature_len)
{
    return sogovgo_scheme_verify((uintptr_t)payload, (uint8_t *)key, key_len, (uint8_t *)message, message_len,
                                 (uint8_t *)signature, signature_len);
}

static int32_t sign_by_scheme(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                              size_t message_len, uint8_t *signature, size_t *signature_len)
{
    return sogovgo_scheme_sign((uintptr_t)payload, (uint8_t *)key, key_len, (uint8_t *)message, message_len, signature,
                               signature_len);
}

static void release_scheme(void *payload)
{
    sogovgo_scheme_release((uintptr_t)payload);
}

bridge_result bridge_register(const char *name, size_t name_len, uint32_t number, uintptr_t context, bool signs)
{
    const sogov_scheme_options options = {
        .size = sizeof options,
        .number = number,
        .verify = verify_by_scheme,
        .sign = signs ? sign_by_scheme : NULL,
        .release = release_scheme,
        .payload = (void *)context,
    };
    bridge_result result = {0};
    result.status = sogov_scheme_register(name, name_len, &options, &result.error);
    return result;
}

bool bridge_inside(uintptr_t owner)
{
    const struct frame *frame = frames;
    while (frame != NULL && (owner == 0 ? !frame->of_verifier : frame->owner != owner))
        frame = frame->outer;
    return frame != NULL;
}
