/* bridge.c - see bridge.h. */
#include "bridge.h"

#include <pthread.h>
#include <string.h>

/* The memory of the latest answer, kept by each OS thread for its next call: a goroutine stays on its thread while it
 * is in C, and nothing of it is needed afterwards. A call inside a call finds none and gets its own. */
static _Thread_local sogov_bytes kept;

static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_kept(void *bytes)
{
    sogov_bytes_free(bytes);
}

static void make_key(void)
{
    pthread_key_create(&at_thread_end, free_kept);
}

static void keep(sogov_bytes *bytes)
{
    if (kept.data != NULL) {
        sogov_bytes_free(bytes);
        return;
    }
    kept = *bytes;
    if (pthread_getspecific(at_thread_end) == NULL)
        pthread_setspecific(at_thread_end, &kept);
}

bridge_answer bridge_call(const sogov_service *service, const uint8_t *user_key, size_t user_key_len,
                          const uint8_t *request, size_t request_len, uint8_t *room, size_t capacity)
{
    bridge_answer result = {.longer = SOGOV_BYTES_INIT};
    sogov_call_info info = SOGOV_CALL_INFO_INIT;
    sogov_request about = {.size = sizeof about, .user_key = user_key, .user_key_len = user_key_len};
    sogov_bytes answer = kept;
    kept = (sogov_bytes)SOGOV_BYTES_INIT;
    pthread_once(&once, make_key);

    result.status = sogov_call(service, user_key_len > 0 ? &about : NULL, request, request_len, &answer, &info,
                               &result.error);
    result.plugin_status = info.plugin_status;
    result.reason = info.reason;
    memcpy(result.version, info.version, sizeof result.version);
    result.len = answer.len;
    if (answer.len > capacity) {
        result.longer = answer;
        return result;
    }
    if (answer.len > 0)
        memcpy(room, answer.data, answer.len);
    keep(&answer);
    return result;
}
