/* payment_host.c - a payment host that prices transactions through the plugin "fee", from its first version to the
 * rollback of a bad one.
 *
 *     payment_host [-v] DIRECTORY
 *
 * DIRECTORY holds what a release team hands over: trust/ (trust.json, its signature, public keys), root.id (the root
 * key's identifier as text), the signed plugins fee-v1.so, fee-v2.so and fee-v3.so, and two files that must not run:
 * fee-tampered.so and fee-unsigned.so. -v shows the engine's log on stderr.
 *
 * Exit status 0: every count was as it must be. */
#define _POSIX_C_SOURCE 200809L
#include "payment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE SOGOV_TEXT("fee")

enum { CALLS = 100000, CALLS_OF_A_USER = 2, USERS = CALLS / CALLS_OF_A_USER, RULE_CALLS = 1000, GRAY_PERCENT = 20 };

typedef struct host {
    const char *directory;
    sogov_engine *engine;
    sogov_service *service;
    /* Every call of the story. */
    tally total;
} host;

static void open_engine(host *host, int verbose);
static void refuse(host *host, const char *file, sogov_status expected);
static void load(host *host, const char *version);
static void promote(host *host, const char *version, const char *reason);
static void apply_policy(host *host, const char *policy, const char *what);
static void check_split(host *host);
static void check_header_rule(host *host);
static void expose_and_roll_back(host *host, void (*expose)(struct host *host));
static void make_v3_gray(host *host);
static void promote_v3(host *host);
static void check_counts(host *host);
static void unload(host *host, const char *version);
static void close_engine(host *host);

int main(int count, char **arguments)
{
    int verbose = count == 3 && strcmp(arguments[1], "-v") == 0;
    if (count != 2 + verbose) {
        fprintf(stderr, "usage: %s [-v] DIRECTORY\n", arguments[0]);
        return 2;
    }
    host host = {.directory = arguments[count - 1]};
    open_engine(&host, verbose);
    refuse(&host, "fee-tampered.so", SOGOV_STATUS_MODIFIED);
    refuse(&host, "fee-unsigned.so", SOGOV_STATUS_UNSIGNED);

    load(&host, "v1");
    promote(&host, "v1", "first release");
    load(&host, "v2");
    apply_policy(&host,
                 "{\"version\": \"try-v2\", \"epoch\": 1, \"stable\": \"v1\", \"weight\": {\"v1\": 80, \"v2\": 20},"
                 " \"rules\": [{\"id\": \"testers\", \"priority\": 1,"
                 " \"when\": {\"header\": \"x-env\", \"eq\": \"gray\"}, \"to\": \"v2\"}]}",
                 "v1 80%, v2 20%; x-env: gray goes to v2");
    check_split(&host);
    check_header_rule(&host);
    promote(&host, "v2", "a day without failures");

    load(&host, "v3");
    expose_and_roll_back(&host, make_v3_gray);
    expose_and_roll_back(&host, promote_v3);

    check_counts(&host);
    unload(&host, "v3");
    unload(&host, "v1");
    close_engine(&host);
    say("end", "%s", everything_held() ? "every count is as it must be" : "something is WRONG, see above");
    return everything_held() ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

static void path_in(const host *host, const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", host->directory, name);
}

/* The root key's identifier comes with the program's own configuration, not from the trust directory: whoever can
 * change the directory must not be able to say whom to trust. */
static void read_root_id(const host *host, uint8_t id[32])
{
    char path[4096], text[128] = "";
    path_in(host, "root.id", path);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    sogov_error *error = NULL;
    require(sogov_key_id_parse(text, strcspn(text, "\r\n"), id, &error), error, "root.id");
}

static void log_to_stderr(void *context, sogov_log_level level, const char *message, size_t message_len)
{
    (void)context;
    fprintf(stderr, "log %d: %.*s\n", (int)level, (int)message_len, message);
}

static void open_engine(host *host, int verbose)
{
    if (sogov_version_number() / 1000 != SOGOV_VERSION_NUMBER / 1000) {
        fprintf(stderr, "built for sogov %s, found %s\n", SOGOV_VERSION_TEXT, sogov_version_text());
        exit(EXIT_FAILURE);
    }
    uint8_t root_id[32];
    char trust[4096];
    read_root_id(host, root_id);
    path_in(host, "trust", trust);
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust,
        .trust_directory_len = strlen(trust),
        .root_key_ids = root_id,
        .root_key_count = 1,
        .log = verbose ? log_to_stderr : NULL,
    };
    sogov_error *error = NULL;
    require(sogov_engine_open(&options, &host->engine, &error), error, "open the engine");
    require(sogov_service_open(host->engine, SERVICE, &host->service, &error), error, "open the service");
    say("open", "sogov %s; trust.json is signed by the root key", sogov_version_text());
}

static void close_engine(host *host)
{
    sogov_service_free(host->service);
    sogov_engine_free(host->engine);
    say("close", "the engine is closed");
}

/* ---- loading and changing what serves -------------------------------------------------------------------------- */

/* Who asks, and why: an audit wants both of every change. */
static sogov_change_options because(const char *reason)
{
    return (sogov_change_options){
        .size = sizeof(sogov_change_options),
        .actor = "payment_host",
        .actor_len = strlen("payment_host"),
        .reason = reason,
        .reason_len = strlen(reason),
    };
}

static void refuse(host *host, const char *file, sogov_status expected)
{
    char path[4096];
    path_in(host, file, path);
    sogov_error *error = NULL;
    sogov_status status =
        sogov_load_versioned(host->engine, SERVICE, SOGOV_TEXT("v1"), path, strlen(path), NULL, NULL, &error);
    say("refuse", "%s: %s: %s", file, sogov_status_name((int32_t)status), sogov_error_message(error));
    must(status == expected, "%s: expected %s", file, sogov_status_name((int32_t)expected));
    sogov_error_free(error);
}

static void load(host *host, const char *version)
{
    char name[64], path[4096];
    snprintf(name, sizeof name, "fee-%s.so", version);
    path_in(host, name, path);
    sogov_change_options options = because("release");
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    double begin = now_ms();
    require(sogov_load_versioned(host->engine, SERVICE, version, strlen(version), path, strlen(path), &options, &info,
                                 &error),
            error, name);
    say("load", "%s in %.3f ms: digest %02x%02x%02x%02x..., epoch %llu", info.version, now_ms() - begin,
        info.digest[0], info.digest[1], info.digest[2], info.digest[3], (unsigned long long)info.epoch);
    must(!info.development, "the engine is in development mode");
}

static void promote(host *host, const char *version, const char *reason)
{
    sogov_change_options options = because(reason);
    sogov_error *error = NULL;
    double begin = now_ms();
    require(sogov_promote(host->engine, SERVICE, version, strlen(version), &options, NULL, &error), error, "promote");
    say("promote", "%s in %.3f ms", version, now_ms() - begin);
}

static void apply_policy(host *host, const char *policy, const char *what)
{
    sogov_change_options options = because(what);
    sogov_error *error = NULL;
    double begin = now_ms();
    require(sogov_route_policy_apply(host->engine, SERVICE, (const uint8_t *)policy, strlen(policy), &options, &error),
            error, "route policy");
    say("policy", "%s: in force after %.3f ms", what, now_ms() - begin);
}

/* ---- the gray version ------------------------------------------------------------------------------------------ */

static void add_to_total(host *host, const tally *part)
{
    host->total.calls += part->calls;
    host->total.right += part->right;
    host->total.known_defect += part->known_defect;
    host->total.lost += part->lost;
}

/* 100,000 calls: the share of v2, and that every user stays where the first call went. */
static void check_split(host *host)
{
    static char first_version[USERS][SOGOV_LABEL_SIZE];
    caller caller = {.service = host->service, .answer = SOGOV_BYTES_INIT};
    uint64_t on_v2 = 0;
    uint64_t moved = 0;
    double begin = now_ms();
    for (uint64_t i = 0; i < CALLS; i++) {
        char user[32];
        snprintf(user, sizeof user, "user-%llu", (unsigned long long)(i % USERS));
        transaction transaction = transaction_of(i);
        sogov_call_info info;
        caller_price(&caller, user, NULL, &transaction, &info);
        on_v2 += strcmp(info.version, "v2") == 0;
        if (i < USERS)
            memcpy(first_version[i], info.version, sizeof info.version);
        else
            moved += strcmp(first_version[i % USERS], info.version) != 0;
    }
    double percent = 100.0 * (double)on_v2 / CALLS;
    say("split", "%d calls by %d users in %.0f ms: asked %d%% on v2, found %.2f%%", CALLS, USERS, now_ms() - begin,
        GRAY_PERCENT, percent);
    say("sticky", "%llu of %d users changed their version", (unsigned long long)moved, USERS);
    must(percent > GRAY_PERCENT - 1 && percent < GRAY_PERCENT + 1, "split: expected within one point of %d%%",
         GRAY_PERCENT);
    must(moved == 0, "sticky: expected no user to change");
    add_to_total(host, &caller.tally);
    caller_end(&caller);
}

static void check_header_rule(host *host)
{
    caller caller = {.service = host->service, .answer = SOGOV_BYTES_INIT};
    unsigned by_rule = 0;
    for (unsigned i = 0; i < RULE_CALLS; i++) {
        char user[32];
        snprintf(user, sizeof user, "user-%u", i);
        transaction transaction = transaction_of(i);
        sogov_call_info info;
        caller_price(&caller, user, "gray", &transaction, &info);
        by_rule += info.reason == SOGOV_ROUTE_REASON_RULE && strcmp(info.version, "v2") == 0;
    }
    say("header", "%d calls with x-env: gray: %u on v2", RULE_CALLS, by_rule);
    must(by_rule == RULE_CALLS, "header: expected all of them on v2");
    add_to_total(host, &caller.tally);
    caller_end(&caller);
}

/* ---- the bad version ------------------------------------------------------------------------------------------- */

static void make_v3_gray(host *host)
{
    apply_policy(host,
                 "{\"version\": \"try-v3\", \"epoch\": 2, \"stable\": \"v2\", \"weight\": {\"v2\": 80, \"v3\": 20}}",
                 "v2 80%, v3 20%");
}

static void promote_v3(host *host)
{
    promote(host, "v3", "somebody insists");
}

/* Eight threads call without a pause while v3 is put into service, fails on large amounts, and is taken back. */
static void expose_and_roll_back(host *host, void (*expose)(struct host *host))
{
    traffic *traffic = traffic_start(host->service, "v3");
    expose(host);
    int has_failed = traffic_wait_for_failure(traffic);
    say("failing", "v3 fails; rolling back under load");

    sogov_change_options options = because("v3 fails on large amounts");
    sogov_version_info restored = SOGOV_VERSION_INFO_INIT;
    sogov_error *error = NULL;
    double begin = now_ms();
    sogov_status status = sogov_rollback(host->engine, SERVICE, &options, &restored, &error);
    double duration = now_ms() - begin;
    tally tally = traffic_finish(traffic);
    require(status, error, "rollback");

    say("rollback", "%s restored in %.3f ms under the load of 8 threads", restored.version, duration);
    say("traffic", "%llu calls: %llu right, %llu failed by v3's defect, %llu lost", (unsigned long long)tally.calls,
        (unsigned long long)tally.right, (unsigned long long)tally.known_defect, (unsigned long long)tally.lost);
    say("after", "%llu calls began after the rollback: %llu met v3", (unsigned long long)tally.after_rollback,
        (unsigned long long)tally.too_late);
    must(has_failed, "v3: expected a failure to be seen");
    must(strcmp(restored.version, "v2") == 0, "rollback: expected v2");
    must(tally.too_late == 0, "rollback: expected no later call on v3");
    add_to_total(host, &tally);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static size_t list(host *host, sogov_version_info *infos, size_t capacity)
{
    size_t found = 0;
    sogov_error *error = NULL;
    infos[0].size = sizeof infos[0];
    require(sogov_version_list(host->engine, SERVICE, infos, capacity, &found, &error), error, "list the versions");
    return found < capacity ? found : capacity;
}

/* The engine's own counts must be those of the callers. */
static void check_counts(host *host)
{
    sogov_version_info infos[8] = {SOGOV_VERSION_INFO_INIT};
    size_t found = list(host, infos, 8);
    uint64_t calls = 0;
    uint64_t failures = 0;
    uint64_t in_flight = 0;
    for (size_t i = 0; i < found; i++) {
        say("version", "%s: %s, %llu calls, %llu failures", infos[i].version,
            infos[i].standing == SOGOV_STANDING_STABLE ? "stable" : "retired", (unsigned long long)infos[i].calls,
            (unsigned long long)infos[i].failures);
        calls += infos[i].calls;
        failures += infos[i].failures;
        in_flight += infos[i].in_flight;
    }
    say("total", "%llu calls, %llu of them right, lost calls: %llu", (unsigned long long)host->total.calls,
        (unsigned long long)host->total.right, (unsigned long long)host->total.lost);
    must(host->total.lost == 0, "expected no lost call");
    must(calls == host->total.calls && failures == host->total.known_defect && in_flight == 0,
         "expected the engine to count %llu calls, %llu failures and none in flight, found %llu, %llu and %llu",
         (unsigned long long)host->total.calls, (unsigned long long)host->total.known_defect,
         (unsigned long long)calls, (unsigned long long)failures, (unsigned long long)in_flight);
}

/* Whether an image of that name is mapped: the engine names its mappings service@version. */
static int is_mapped(const char *version)
{
    char name[96], line[4096];
    snprintf(name, sizeof name, "/memfd:fee@%s ", version);
    FILE *maps = fopen("/proc/self/maps", "r");
    int found = 0;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, name) != NULL;
    if (maps != NULL)
        fclose(maps);
    return found;
}

/* sogov_unload() proves by the dynamic linker's list that the image is gone; this host looks into its maps too. */
static void unload(host *host, const char *version)
{
    int was_mapped = is_mapped(version);
    sogov_change_options options = because("no longer needed");
    sogov_error *error = NULL;
    double begin = now_ms();
    require(sogov_unload(host->engine, SERVICE, version, strlen(version), &options, &error), error, "unload");
    say("unload", "%s in %.3f ms: it was %s, and is %s", version, now_ms() - begin,
        was_mapped ? "mapped" : "not mapped", is_mapped(version) ? "mapped still" : "mapped no more");
    must(was_mapped && !is_mapped(version), "%s: expected its image to go", version);
}
