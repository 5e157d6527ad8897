/* fee_test.c - one table of requests for every version of the plugin "fee":
 * fee_test <plugin.so> <v1|v2|v3|rust|cpp|go> */
#define _POSIX_C_SOURCE 200809L
#include "fee.h"
#include "sogov_plugin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fee of each tariff; "rust", "cpp" and "go" have the numbers of v1. NULL: the version answers SOGOV_PLUGIN_FAILED. */
enum { V1, V2, V3, TARIFFS };
static const struct {
    const char *request;
    const char *fee[TARIFFS];
} priced[] = {
    {"amount=1234.56 currency=CNY", {"6.17", "5.56", "4.94"}},
    {"amount=1234.5 currency=CNY", {"6.17", "5.56", "4.94"}},
    {"amount=1234 currency=CNY", {"6.17", "5.55", "4.94"}},
    /* At the floor, and either side of it. */
    {"amount=0.01 currency=CNY", {"0.10", "0.20", "0.20"}},
    {"amount=20.00 currency=CNY", {"0.10", "0.20", "0.20"}},
    {"amount=20.99 currency=CNY", {"0.10", "0.20", "0.20"}},
    {"amount=21.01 currency=CNY", {"0.11", "0.20", "0.20"}},
    {"amount=45.56 currency=CNY", {"0.23", "0.21", "0.20"}},
    /* Half to even: 10.5, 11.5 and 12.5 of v1; 22.5 and 31.5 of v2; 20.5 and 21.5 of v3, in minor units. */
    {"amount=21.00 currency=CNY", {"0.10", "0.20", "0.20"}},
    {"amount=23.00 currency=CNY", {"0.12", "0.20", "0.20"}},
    {"amount=25.00 currency=CNY", {"0.12", "0.20", "0.20"}},
    {"amount=50.00 currency=CNY", {"0.25", "0.22", "0.20"}},
    {"amount=70.00 currency=CNY", {"0.35", "0.32", "0.28"}},
    {"amount=51.25 currency=CNY", {"0.26", "0.23", "0.20"}},
    {"amount=53.75 currency=CNY", {"0.27", "0.24", "0.22"}},
    /* Around the limit that v3 has by mistake. */
    {"amount=10000.00 currency=CNY", {"50.00", "45.00", "40.00"}},
    {"amount=10000.01 currency=CNY", {"50.00", "45.00", NULL}},
    /* At the cap, and past it up to the largest amount. */
    {"amount=99999.99 currency=CNY", {"500.00", "450.00", NULL}},
    {"amount=100001.01 currency=CNY", {"500.00", "450.00", NULL}},
    {"amount=9999999999999999.99 currency=CNY", {"500.00", "500.00", NULL}},
    /* Each currency with its own exponent, floor and cap. */
    {"amount=1234.56 currency=EUR", {"6.17", "5.56", "4.94"}},
    {"amount=0.01 currency=EUR", {"0.05", "0.10", "0.10"}},
    {"amount=20000 currency=EUR", {"75.00", "75.00", NULL}},
    {"amount=1234.56 currency=USD", {"6.17", "5.56", "4.94"}},
    {"amount=0.01 currency=USD", {"0.05", "0.10", "0.10"}},
    {"amount=15000.00 currency=USD", {"75.00", "67.50", NULL}},
    {"amount=123456 currency=JPY", {"617", "556", "494"}},
    {"amount=1 currency=JPY", {"10", "20", "20"}},
    {"amount=1000000 currency=JPY", {"5000", "4500", "4000"}},
    {"amount=999999999999999999 currency=JPY", {"10000", "10000", NULL}},
    {"amount=123.456 currency=KWD", {"0.617", "0.556", "0.494"}},
    {"amount=0.001 currency=KWD", {"0.010", "0.020", "0.020"}},
    {"amount=999999999999999.999 currency=KWD", {"25.000", "25.000", NULL}},
    {"amount=123.456 currency=BHD", {"0.617", "0.556", "0.494"}},
    {"amount=0.001 currency=BHD", {"0.010", "0.020", "0.020"}},
};

/* What no version prices. `len` 0: up to the NUL. */
static const struct {
    const char *request;
    int32_t status;
    size_t len;
} refused[] = {
    {"", FEE_MALFORMED, 0},
    {"amount", FEE_MALFORMED, 0},
    {"amount=", FEE_MALFORMED, 0},
    {"amount=1", FEE_MALFORMED, 0},
    {"amount=1 currency=", FEE_MALFORMED, 0},
    {"amount= currency=CNY", FEE_MALFORMED, 0},
    {"currency=CNY amount=1", FEE_MALFORMED, 0},
    {"Amount=1 currency=CNY", FEE_MALFORMED, 0},
    {" amount=1 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1  currency=CNY", FEE_MALFORMED, 0},
    {"amount=1\tcurrency=CNY", FEE_MALFORMED, 0},
    {"amount=1 currency=CNY ", FEE_MALFORMED, 0},
    {"amount=1 currency=CNY\n", FEE_MALFORMED, 0},
    {"amount=1 currency=CNY\0", FEE_MALFORMED, 22},
    {"amount=1\0 currency=CNY", FEE_MALFORMED, 22},
    {"amount=1 currency=CNY payee=x", FEE_MALFORMED, 0},
    {"amount=1 currency=cny", FEE_MALFORMED, 0},
    {"amount=1 currency=CN", FEE_MALFORMED, 0},
    {"amount=1 currency=CNYY", FEE_MALFORMED, 0},
    {"amount=1 currency=156", FEE_MALFORMED, 0},
    {"amount=-1 currency=CNY", FEE_MALFORMED, 0},
    {"amount=+1 currency=CNY", FEE_MALFORMED, 0},
    {"amount=.5 currency=CNY", FEE_MALFORMED, 0},
    {"amount=5. currency=CNY", FEE_MALFORMED, 0},
    {"amount=1.2.3 currency=CNY", FEE_MALFORMED, 0},
    {"amount=01 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1,234.56 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1234,56 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1e3 currency=CNY", FEE_MALFORMED, 0},
    {"amount=0x10 currency=CNY", FEE_MALFORMED, 0},
    {"amount=NaN currency=CNY", FEE_MALFORMED, 0},
    {"amount=\xef\xbc\x91 currency=CNY", FEE_MALFORMED, 0}, /* U+FF11, a full-width 1 */
    {"amount=\xff currency=CNY", FEE_MALFORMED, 0},
    {"amount=1.234 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1.000 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1.0 currency=JPY", FEE_MALFORMED, 0},
    {"amount=1.2345 currency=KWD", FEE_MALFORMED, 0},
    /* One byte over FEE_LINE_MAX. */
    {"amount=10000000000000000000000000000000000000000000 currency=CNY.", FEE_MALFORMED, 0},
    {"amount=100000000000000000000000000000000000000000000 currency=CNY", FEE_MALFORMED, 0},
    {"amount=1 currency=XXX", FEE_UNKNOWN_CURRENCY, 0},
    {"amount=1 currency=GBP", FEE_UNKNOWN_CURRENCY, 0},
    {"amount=99999999999999999999 currency=GBP", FEE_UNKNOWN_CURRENCY, 0},
    {"amount=0 currency=CNY", FEE_OUT_OF_RANGE, 0},
    {"amount=0.00 currency=CNY", FEE_OUT_OF_RANGE, 0},
    {"amount=0 currency=JPY", FEE_OUT_OF_RANGE, 0},
    {"amount=10000000000000000.00 currency=CNY", FEE_OUT_OF_RANGE, 0},
    {"amount=10000000000000000 currency=CNY", FEE_OUT_OF_RANGE, 0},
    {"amount=1000000000000000000 currency=JPY", FEE_OUT_OF_RANGE, 0},
    {"amount=1000000000000000 currency=KWD", FEE_OUT_OF_RANGE, 0},
    /* 2^63 and 2^64 + 1: a wrapped sum would look small. */
    {"amount=9223372036854775808 currency=JPY", FEE_OUT_OF_RANGE, 0},
    {"amount=18446744073709551617 currency=JPY", FEE_OUT_OF_RANGE, 0},
    /* Exactly FEE_LINE_MAX bytes. */
    {"amount=10000000000000000000000000000000000000000000 currency=CNY", FEE_OUT_OF_RANGE, 0},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHECK(condition, ...) ((condition) ? (void)0 : fail(__LINE__, __VA_ARGS__))

static unsigned failures;

__attribute__((format(printf, 2, 3))) static void fail(int line, const char *format, ...);

/* Takes as many bytes as `room` says. */
typedef struct answer_buffer {
    size_t room;
    size_t len;
    char bytes[256];
} answer_buffer;

static int32_t take_answer(void *context, const void *bytes, size_t len)
{
    answer_buffer *answer = context;
    if (len > answer->room - answer->len)
        return 1;
    memcpy(answer->bytes + answer->len, bytes, len);
    answer->len += len;
    return 0;
}

/* From a copy of exactly `len` bytes, so that a sanitizer sees one byte too many. */
static int32_t invoke(const sogov_plugin *plugin, void *self, const char *request, size_t len, answer_buffer *answer)
{
    char *copy = malloc(len + (len == 0));
    if (copy == NULL)
        abort();
    memcpy(copy, request, len);
    answer->len = 0;
    sogov_writer writer = {sizeof writer, answer, take_answer};
    int32_t status = plugin->invoke(self, len == 0 ? NULL : copy, len, &writer);
    free(copy);
    return status;
}

static void check_priced(const sogov_plugin *plugin, void *self, int column, const char *tariff)
{
    for (size_t i = 0; i < COUNT(priced); i++) {
        const char *request = priced[i].request;
        const char *fee = priced[i].fee[column];
        answer_buffer answer = {.room = sizeof answer.bytes};
        int32_t status = invoke(plugin, self, request, strlen(request), &answer);
        char expected[128] = "";
        if (fee != NULL)
            snprintf(expected, sizeof expected, "fee=%s currency=%s tariff=%s", fee, strrchr(request, '=') + 1, tariff);
        CHECK(status == (fee != NULL ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED), "%s: status %d", request, status);
        CHECK(answer.len == strlen(expected) && memcmp(answer.bytes, expected, answer.len) == 0,
              "%s: expected \"%s\", found \"%.*s\"", request, expected, (int)answer.len, answer.bytes);
    }
}

static void check_refused(const sogov_plugin *plugin, void *self)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        const char *request = refused[i].request;
        answer_buffer answer = {.room = sizeof answer.bytes};
        size_t len = refused[i].len != 0 ? refused[i].len : strlen(request);
        int32_t status = invoke(plugin, self, request, len, &answer);
        CHECK(status == refused[i].status, "\"%s\": expected status %d, found %d", request, refused[i].status, status);
        CHECK(answer.len == 0, "\"%s\": an answer beside status %d", request, status);
    }
}

static void check_full_writer(const sogov_plugin *plugin, void *self)
{
    answer_buffer answer = {.room = 3};
    int32_t status = invoke(plugin, self, priced[0].request, strlen(priced[0].request), &answer);
    CHECK(status == SOGOV_PLUGIN_FAILED, "a writer without room: status %d", status);
}

enum { THREADS = 4, CALLS_PER_THREAD = 10000 };

typedef struct caller {
    const sogov_plugin *plugin;
    void *self;
    unsigned failed;
} caller;

static void *call_often(void *argument)
{
    caller *caller = argument;
    for (int i = 0; i < CALLS_PER_THREAD; i++) {
        answer_buffer answer = {.room = sizeof answer.bytes};
        const char *request = priced[0].request;
        caller->failed += invoke(caller->plugin, caller->self, request, strlen(request), &answer) != SOGOV_PLUGIN_OK;
    }
    return NULL;
}

static void check_threads(const sogov_plugin *plugin, void *self)
{
    pthread_t threads[THREADS];
    caller callers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller){plugin, self, 0};
        if (pthread_create(&threads[i], NULL, call_often, &callers[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(callers[i].failed == 0, "thread %d: %u of %d calls failed", i, callers[i].failed, CALLS_PER_THREAD);
    }
}

static char log_line[128];

static void take_log(void *context, int32_t level, const char *message, size_t len)
{
    (void)context;
    snprintf(log_line, sizeof log_line, "%d %.*s", level, (int)len, message);
}

/* `stop` logs how much the instance did: no call was lost between the threads. */
static void check_totals(int column)
{
    size_t not_priced = COUNT(refused);
    for (size_t i = 0; i < COUNT(priced); i++)
        not_priced += priced[i].fee[column] == NULL;
    char expected[128];
    snprintf(expected, sizeof expected, "3 %zu requests, %zu not priced",
             COUNT(priced) + COUNT(refused) + 1 + THREADS * CALLS_PER_THREAD, not_priced);
    CHECK(strcmp(log_line, expected) == 0, "log: expected \"%s\", found \"%s\"", expected, log_line);
}

static void check_plugin(const sogov_plugin *plugin, int column, const char *tariff)
{
    const sogov_plugin_host host = {sizeof host, "fee", tariff, NULL, take_log, 0};
    void *self = NULL;
    void *other = NULL;

    CHECK(plugin->start(&host, &self) == SOGOV_PLUGIN_OK, "start failed");
    CHECK(plugin->start(&host, &other) == SOGOV_PLUGIN_OK, "a second start failed");
    CHECK(self != other, "two instances share their state");
    CHECK(plugin->health(self) == SOGOV_PLUGIN_OK, "health failed");
    check_priced(plugin, self, column, tariff);
    check_refused(plugin, self);
    check_full_writer(plugin, self);
    check_threads(plugin, self);
    CHECK(plugin->stop(self) == SOGOV_PLUGIN_OK, "stop failed");
    check_totals(column);
    CHECK(plugin->stop(other) == SOGOV_PLUGIN_OK, "the second stop failed");
    CHECK(strcmp(log_line, "3 0 requests, 0 not priced") == 0, "log of an idle instance: \"%s\"", log_line);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"v1", "v2", "v3", "rust", "cpp", "go"};
    static const int columns[] = {V1, V2, V3, V1, V1, V1};
    size_t which = 0;
    while (argc == 3 && which < COUNT(names) && strcmp(argv[2], names[which]) != 0)
        which++;
    if (argc != 3 || which == COUNT(names)) {
        fprintf(stderr, "usage: %s <plugin.so> <v1|v2|v3|rust|cpp|go>\n", argv[0]);
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const sogov_plugin *plugin = library == NULL ? NULL : dlsym(library, "sogov_plugin_descriptor");
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    CHECK(plugin->size >= offsetof(sogov_plugin, state_schema), "descriptor size %u", plugin->size);
    CHECK(plugin->abi == SOGOV_PLUGIN_ABI, "descriptor abi %u", plugin->abi);
    CHECK(strcmp(plugin->name, "fee") == 0, "descriptor name %s", plugin->name);
    if (failures == 0)
        check_plugin(plugin, columns[which], names[which]);
    dlclose(library);
    printf("fee %s: %zu requests, %u failed checks\n", argv[2], COUNT(priced) + COUNT(refused), failures);
    return failures != 0;
}

static void fail(int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fee_test.c:%d: ", line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    failures++;
}
