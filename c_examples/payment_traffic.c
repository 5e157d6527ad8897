/* payment_traffic.c - calls, one by one and from many threads. */
#define _POSIX_C_SOURCE 200809L
#include "payment.h"
#include "sogov_plugin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8, CALLS_AFTER_ROLLBACK = 5000, PATIENCE_SECONDS = 10 };

static void count(caller *caller, const transaction *transaction, sogov_status status, const sogov_call_info *info);

void caller_price(caller *caller, const char *user, const char *environment, const transaction *transaction,
                  sogov_call_info *info)
{
    sogov_header header = {SOGOV_TEXT("x-env"), (const uint8_t *)environment, 0};
    sogov_request request = {
        .size = sizeof request,
        .user_key = (const uint8_t *)user,
        .user_key_len = strlen(user),
    };
    if (environment != NULL) {
        header.value_len = strlen(environment);
        request.headers = &header;
        request.header_count = 1;
    }
    char line[LINE_MAX_BYTES];
    transaction_request(transaction, line);

    *info = (sogov_call_info)SOGOV_CALL_INFO_INIT;
    /* No error object: the status and `info` say all that is needed, and nothing is allocated. */
    sogov_status status = sogov_call(caller->service, &request, (const uint8_t *)line, strlen(line), &caller->answer,
                                     info, NULL);
    count(caller, transaction, status, info);
}

void caller_end(caller *caller)
{
    sogov_bytes_free(&caller->answer);
}

static void count(caller *caller, const transaction *transaction, sogov_status status, const sogov_call_info *info)
{
    char expected[LINE_MAX_BYTES] = "";
    enum expectation expectation = transaction_expected(transaction, info->version, expected);
    caller->tally.calls++;
    if (expectation == EXPECT_ANSWER && status == SOGOV_STATUS_OK && caller->answer.len == strlen(expected) &&
        memcmp(caller->answer.data, expected, caller->answer.len) == 0)
        caller->tally.right++;
    else if (expectation == EXPECT_FAILURE && status == SOGOV_STATUS_PLUGIN_FAILED &&
             info->plugin_status == SOGOV_PLUGIN_FAILED)
        caller->tally.known_defect++;
    else
        caller->tally.lost++;
}

struct traffic {
    const sogov_service *service;
    const char *watched_version;
    pthread_t threads[THREADS];
    atomic_uint next_thread;
    atomic_int rolled_back;

    pthread_mutex_t lock;
    pthread_cond_t failed;
    int has_failed;
    tally total;
};

static void *call_until_rolled_back(void *argument);

traffic *traffic_start(const sogov_service *service, const char *watched_version)
{
    traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL)
        abort();
    traffic->service = service;
    traffic->watched_version = watched_version;
    atomic_init(&traffic->next_thread, 0);
    atomic_init(&traffic->rolled_back, 0);
    pthread_mutex_init(&traffic->lock, NULL);
    pthread_cond_init(&traffic->failed, NULL);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&traffic->threads[i], NULL, call_until_rolled_back, traffic) != 0)
            abort();
    return traffic;
}

int traffic_wait_for_failure(traffic *traffic)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_SECONDS;
    int late = 0;
    pthread_mutex_lock(&traffic->lock);
    while (!traffic->has_failed && late == 0)
        late = pthread_cond_timedwait(&traffic->failed, &traffic->lock, &deadline);
    int has_failed = traffic->has_failed;
    pthread_mutex_unlock(&traffic->lock);
    return has_failed;
}

tally traffic_finish(traffic *traffic)
{
    atomic_store(&traffic->rolled_back, 1);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(traffic->threads[i], NULL);
    tally total = traffic->total;
    pthread_cond_destroy(&traffic->failed);
    pthread_mutex_destroy(&traffic->lock);
    free(traffic);
    return total;
}

static void announce_failure(traffic *traffic)
{
    pthread_mutex_lock(&traffic->lock);
    traffic->has_failed = 1;
    pthread_cond_signal(&traffic->failed);
    pthread_mutex_unlock(&traffic->lock);
}

static void add_to_total(traffic *traffic, const tally *part)
{
    pthread_mutex_lock(&traffic->lock);
    traffic->total.calls += part->calls;
    traffic->total.right += part->right;
    traffic->total.known_defect += part->known_defect;
    traffic->total.lost += part->lost;
    traffic->total.after_rollback += part->after_rollback;
    traffic->total.too_late += part->too_late;
    pthread_mutex_unlock(&traffic->lock);
}

static void *call_until_rolled_back(void *argument)
{
    traffic *traffic = argument;
    caller caller = {.service = traffic->service, .answer = SOGOV_BYTES_INIT};
    uint64_t number = (uint64_t)atomic_fetch_add(&traffic->next_thread, 1) << 32;
    int announced = 0;

    while (caller.tally.after_rollback < CALLS_AFTER_ROLLBACK) {
        char user[32];
        snprintf(user, sizeof user, "user-%llu", (unsigned long long)number);
        transaction transaction = transaction_of(number++);
        sogov_call_info info;
        int rolled_back = atomic_load(&traffic->rolled_back);
        caller_price(&caller, user, NULL, &transaction, &info);
        int is_watched = strcmp(info.version, traffic->watched_version) == 0;
        if (rolled_back) {
            caller.tally.after_rollback++;
            caller.tally.too_late += (uint64_t)is_watched;
        }
        if (!announced && caller.tally.known_defect > 0) {
            announced = 1;
            announce_failure(traffic);
        }
    }
    add_to_total(traffic, &caller.tally);
    caller_end(&caller);
    return NULL;
}
