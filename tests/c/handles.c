/* handles.c - handles and buffers after their end, and in any order. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <pthread.h>

#define CLOSED SOGOV_STATUS_CLOSED

static void check_bytes(fixture *fixture);
static void check_freed_handles(fixture *fixture);
static void check_orders(fixture *fixture);
static void check_many_handles(fixture *fixture);

void test_handles(fixture *fixture)
{
    check_bytes(fixture);
    check_freed_handles(fixture);
    check_orders(fixture);
    check_many_handles(fixture);
}

static void check_bytes(fixture *fixture)
{
    uint8_t foreign[8];
    sogov_bytes broken[] = {{NULL, 5, 0}, {NULL, 0, 5}, {NULL, 5, 5}, {foreign, 0, 0}, {foreign, 5, 4}};
    CHECK(sogov_bytes_free(NULL) == SOGOV_STATUS_OK);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        CHECK(sogov_bytes_free(&broken[i]) == SOGOV_STATUS_INVALID_ARGUMENT);

    /* One buffer for results of different lengths; empty after a failure; usable after its end. */
    sogov_bytes bytes = SOGOV_BYTES_INIT;
    SUCCEEDS(sogov_sign(fixture->key, NULL, 0, NULL, &bytes, E));
    CHECK(bytes.len == 64 && bytes.capacity >= 64 && bytes.data != NULL);
    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0, &bytes, E));
    CHECK(bytes.len > 100 && memcmp(bytes.data, "-----BEGIN PUBLIC KEY-----", 26) == 0);
    size_t capacity = bytes.capacity;
    SUCCEEDS(sogov_sign(fixture->key, NULL, 0, NULL, &bytes, E));
    CHECK(bytes.len == 64 && bytes.capacity == capacity);
    REFUSED(CLOSED, "key", sogov_sign(fixture->freed_key, NULL, 0, NULL, &bytes, E));
    CHECK(bytes.len == 0 && bytes.capacity == capacity);
    CHECK(sogov_bytes_free(&bytes) == SOGOV_STATUS_OK);
    CHECK(bytes.data == NULL && bytes.len == 0 && bytes.capacity == 0);
    CHECK(sogov_bytes_free(&bytes) == SOGOV_STATUS_OK);
    SUCCEEDS(sogov_sign(fixture->key, NULL, 0, NULL, &bytes, E));
    CHECK(sogov_bytes_free(&bytes) == SOGOV_STATUS_OK);
}

/* arguments.c uses freed handles in every function; here they are freed again. */
static void check_freed_handles(fixture *fixture)
{
    sogov_engine_free(NULL);
    sogov_service_free(NULL);
    sogov_key_free(NULL);
    sogov_recipient_free(NULL);
    sogov_recipient_key_free(NULL);
    for (int times = 0; times < 3; times++) {
        sogov_engine_free(fixture->freed_engine);
        sogov_service_free(fixture->freed_service);
        sogov_key_free(fixture->freed_key);
    }
    uint8_t id[32];
    REFUSED(CLOSED, "key", sogov_key_id(fixture->freed_key, id, E));
    REFUSED(CLOSED, "service", sogov_route(fixture->freed_service, NULL, &(sogov_lease){0}, E));
    REFUSED(CLOSED, "engine", sogov_version_list(fixture->freed_engine, NULL, 0, NULL, 0, &(size_t){0}, E));

    /* A public key outlives the private one that it came from. */
    sogov_key *key = NULL;
    sogov_key *public_key = NULL;
    SUCCEEDS(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &key, E));
    SUCCEEDS(sogov_key_public(key, &public_key, E));
    sogov_key_free(key);
    SUCCEEDS(sogov_key_id(public_key, id, E));
    sogov_key_free(public_key);
}

static void *free_engine(void *engine)
{
    sogov_engine_free(engine);
    return NULL;
}

/* Engine, service, lease: all six orders of letting go. Freeing the engine waits for leases, so it has a thread. */
static void check_orders(fixture *fixture)
{
    static const char orders[6][3] = {{'e', 's', 'l'}, {'e', 'l', 's'}, {'s', 'e', 'l'},
                                      {'s', 'l', 'e'}, {'l', 'e', 's'}, {'l', 's', 'e'}};
    for (size_t order = 0; order < 6; order++) {
        sogov_engine *engine = new_engine(fixture, NULL, NULL);
        load_plugin(fixture, engine, fee_plugin(fixture, "v1"), "orders", "v1");
        promote(engine, "orders", "v1");
        sogov_service *service = open_service(engine, "orders");
        sogov_lease lease = 0;
        pthread_t thread;
        char label[SOGOV_LABEL_SIZE] = "";
        SUCCEEDS(sogov_route(service, NULL, &lease, E));
        for (size_t step = 0; step < 3; step++) {
            switch (orders[order][step]) {
            case 'e':
                CHECK(pthread_create(&thread, NULL, free_engine, engine) == 0);
                break;
            case 's':
                sogov_service_free(service);
                REFUSED(CLOSED, "service", sogov_route(service, NULL, &(sogov_lease){0}, E));
                break;
            default:
                SUCCEEDS(sogov_lease_version(lease, label, E));
                CHECK(strcmp(label, "v1") == 0);
                SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
                break;
            }
        }
        CHECK(pthread_join(thread, NULL) == 0);
        sogov_engine_free(engine);
        REFUSED(CLOSED, "engine", sogov_service_open(engine, SOGOV_TEXT("orders"), &(sogov_service *){NULL}, E));
    }
}

/* More handles than wait in quarantine: a stale one stays recognisable, live ones stay distinct. */
static void check_many_handles(fixture *fixture)
{
    (void)fixture;
    sogov_engine *engine = NULL;
    SUCCEEDS(sogov_engine_open(NULL, &engine, E));
    sogov_service *stale = open_service(engine, "many");
    sogov_service *live = open_service(engine, "many");
    sogov_service_free(stale);
    for (int i = 0; i < 4000; i++) {
        sogov_service *service = NULL;
        CHECK(sogov_service_open(engine, SOGOV_TEXT("many"), &service, NULL) == SOGOV_STATUS_OK);
        CHECK(service != stale && service != live);
        sogov_service_free(service);
    }
    REFUSED(CLOSED, "service", sogov_route(stale, NULL, &(sogov_lease){0}, E));
    REFUSED(SOGOV_STATUS_NO_VERSION, "many", sogov_route(live, NULL, &(sogov_lease){0}, E));
    sogov_engine_free(engine);
    REFUSED(CLOSED, "many", sogov_route(live, NULL, &(sogov_lease){0}, E));
    sogov_service_free(live);
}
