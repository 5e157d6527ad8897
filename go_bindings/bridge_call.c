/* bridge_call.c - requests and leases; see bridge.h. */
#include "bridge.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* More memory than this is given back after the call instead of being kept. */
enum { KEPT_ANSWER = 1 << 20 };

/* The memory of the latest answer, kept by each OS thread for its next call: a goroutine stays on its thread while it
 * is in C, and nothing of it is needed afterwards. */
static _Thread_local struct kept {
    sogov_bytes answer;
    /* A call inside a call finds it so, and gets memory of its own. */
    bool in_use;
    bool ends_with_the_thread;
} kept;

/* A request, and the headers that it points at. */
struct description {
    sogov_request request;
    sogov_header headers[BRIDGE_HEADERS];
};

static const sogov_request *describe(struct description *about, const uint8_t *user_key, size_t user_key_len,
                                     const uint8_t *headers, const size_t *lengths, size_t count);
static bridge_answer call(uintptr_t service, const sogov_request *about, const uint8_t *request, size_t request_len,
                          uint8_t *room, size_t capacity, char *label);
static struct kept *of_this_thread(void);
static void hand_out(bridge_answer *result, sogov_bytes *answer);
static void settle(struct kept *mine);

bridge_answer bridge_call(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *request,
                          size_t request_len, uint8_t *room, size_t capacity, char *label)
{
    const sogov_request about = {.size = sizeof about, .user_key = user_key, .user_key_len = user_key_len};
    return call(service, user_key_len > 0 ? &about : NULL, request, request_len, room, capacity, label);
}

bridge_answer bridge_call_with(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *headers,
                               const size_t *header_lengths, size_t header_count, const uint8_t *request,
                               size_t request_len, uint8_t *room, size_t capacity, char *label)
{
    struct description about;
    return call(service, describe(&about, user_key, user_key_len, headers, header_lengths, header_count), request,
                request_len, room, capacity, label);
}

static bridge_answer call(uintptr_t service, const sogov_request *about, const uint8_t *request, size_t request_len,
                          uint8_t *room, size_t capacity, char *label)
{
    struct kept *mine = of_this_thread();
    bool nested = mine->in_use;
    sogov_bytes own = SOGOV_BYTES_INIT;
    sogov_bytes *answer = nested ? &own : &mine->answer;
    sogov_call_info info;
    bridge_answer result = {0};

    info.size = sizeof info;
    mine->in_use = true;
    result.status =
        sogov_call((const sogov_service *)service, about, request, request_len, answer, &info, &result.error);
    mine->in_use = nested;
    result.plugin_status = info.plugin_status;
    result.reason = info.reason;
    memcpy(label, info.version, sizeof info.version);
    result.len = answer->len;
    if (answer->len > capacity)
        hand_out(&result, answer);
    else if (answer->len > 0)
        memcpy(room, answer->data, answer->len);
    if (nested)
        sogov_bytes_free(&own);
    else if (!mine->ends_with_the_thread || mine->answer.capacity > KEPT_ANSWER)
        settle(mine);
    return result;
}

void bridge_free(sogov_bytes *longer)
{
    sogov_bytes_free(longer);
    free(longer);
}

bridge_result bridge_route(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *headers,
                           const size_t *header_lengths, size_t header_count)
{
    struct description about;
    bridge_result result = {0};
    result.status = sogov_route((const sogov_service *)service,
                                describe(&about, user_key, user_key_len, headers, header_lengths, header_count),
                                &result.value, &result.error);
    return result;
}

bridge_result bridge_release(uint64_t lease, uint32_t outcome)
{
    bridge_result result = {0};
    result.status = sogov_lease_release(lease, outcome, &result.error);
    return result;
}

static const sogov_request *describe(struct description *about, const uint8_t *user_key, size_t user_key_len,
                                     const uint8_t *headers, const size_t *lengths, size_t count)
{
    if (user_key_len == 0 && count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *value = headers + lengths[2 * i];
        about->headers[i] = (sogov_header){(const char *)headers, lengths[2 * i], value, lengths[2 * i + 1]};
        headers = value + lengths[2 * i + 1];
    }
    about->request = (sogov_request){sizeof about->request, user_key, user_key_len, about->headers, count};
    return &about->request;
}

/* Not inlined: in a shared library the compiler would look the thread's memory up again for each use. */
__attribute__((noinline)) static struct kept *of_this_thread(void)
{
    return &kept;
}

/* Gives the memory of the answer away. */
static void hand_out(bridge_answer *result, sogov_bytes *answer)
{
    result->longer = malloc(sizeof *result->longer);
    if (result->longer == NULL)
        abort();
    *result->longer = *answer;
    *answer = (sogov_bytes)SOGOV_BYTES_INIT;
}

/* ---- what a thread keeps ---- */

static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_kept(void *mine)
{
    struct kept *leaving = mine;
    sogov_bytes_free(&leaving->answer);
    /* A later destructor may call again. */
    leaving->ends_with_the_thread = false;
}

static void make_key(void)
{
    if (pthread_key_create(&at_thread_end, free_kept) != 0)
        abort();
}

/* Makes sure that what is kept ends with its thread, and is not too much. */
static void settle(struct kept *mine)
{
    pthread_once(&once, make_key);
    mine->ends_with_the_thread = pthread_setspecific(at_thread_end, mine) == 0;
    if (!mine->ends_with_the_thread || mine->answer.capacity > KEPT_ANSWER)
        sogov_bytes_free(&mine->answer);
}
