/* host.c - a program against the installed package, in what C and C++ have in common.
 *
 *     host shared|static DIRECTORY ROOT_ID
 *
 * DIRECTORY has trust/, the signed plugin fee-v1.so, and crash-v1.so, which is signed too and aborts when it is loaded. The
 * program prints what the plugin fee answers, after a preflight. "static": it contains libsogov.a, of which no child
 * process can be made for a preflight; loads must be refused then, and go without one where the host says so. */
#include <sogov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sogov_error *error;

static void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "WRONG: %s: %s\n", what, error == NULL ? "" : sogov_error_message(error));
    exit(EXIT_FAILURE);
}

static sogov_engine *open_engine(const char *directory, const char *root, uint32_t preflight)
{
    char trust[4096];
    uint8_t root_id[32];
    sogov_engine_options options;
    sogov_engine *engine = NULL;
    snprintf(trust, sizeof trust, "%s/trust", directory);
    must(sogov_key_id_parse(root, strlen(root), root_id, &error) == SOGOV_STATUS_OK, "the root key's id");
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.trust_directory = trust;
    options.trust_directory_len = strlen(trust);
    options.root_key_ids = root_id;
    options.root_key_count = 1;
    options.preflight = preflight;
    must(sogov_engine_open(&options, &engine, &error) == SOGOV_STATUS_OK, "open the engine");
    return engine;
}

/* What becomes of loading SERVICE-v1.so. */
static sogov_status load(const sogov_engine *engine, const char *directory, const char *service)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-v1.so", directory, service);
    sogov_error_free(error);
    error = NULL;
    return sogov_load_versioned(engine, service, strlen(service), SOGOV_TEXT("v1"), path, strlen(path), NULL, NULL,
                                &error);
}

static void call(const sogov_engine *engine)
{
    static const char payment[] = "amount=1234.56 currency=CNY";
    sogov_service *service = NULL;
    sogov_request request;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    sogov_call_info info = SOGOV_CALL_INFO_INIT;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    must(sogov_promote(engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v1"), NULL, NULL, &error) == SOGOV_STATUS_OK, "promote");
    must(sogov_service_open(engine, SOGOV_TEXT("fee"), &service, &error) == SOGOV_STATUS_OK, "open the service");
    must(sogov_call(service, &request, (const uint8_t *)payment, strlen(payment), &answer, &info, &error) ==
             SOGOV_STATUS_OK,
         "call");
    printf("%s: %.*s\n", info.version, (int)answer.len, (const char *)answer.data);
    sogov_bytes_free(&answer);
    sogov_service_free(service);
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    const char *directory = arguments[2];
    const char *root = arguments[3];
    must(sogov_version_number() == SOGOV_VERSION_NUMBER, "header and library are of one version");
    sogov_engine *engine = open_engine(directory, root, SOGOV_PREFLIGHT_REQUIRED);
    if (strcmp(arguments[1], "static") == 0) {
        must(load(engine, directory, "fee") == SOGOV_STATUS_UNSUPPORTED, "no preflight in a static host");
        sogov_engine_free(engine);
        engine = open_engine(directory, root, SOGOV_PREFLIGHT_OFF);
    } else {
        must(load(engine, directory, "crash") == SOGOV_STATUS_PREFLIGHT_FAILED, "the preflight sees the crash");
    }
    must(load(engine, directory, "fee") == SOGOV_STATUS_OK, "load");
    call(engine);
    sogov_engine_free(engine);
    sogov_error_free(error);
    return EXIT_SUCCESS;
}
