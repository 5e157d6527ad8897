/*
 * sogov_plugin.h - what a plugin exports to be called through sogov.
 *
 * Level 0: any shared object. Its functions are looked up by name through a lease (sogov_lease_symbol).
 * Level 1: a shared object that exports one constant, SOGOV_PLUGIN_SYMBOL, of type sogov_plugin. Hosts then
 * call it through sogov_call from any language.
 *
 * Rules for a plugin
 *  - Build with hidden visibility and a version script that exports SOGOV_PLUGIN_SYMBOL alone, and with
 *    -Wl,-z,defs,-z,now,-z,relro,-z,noexecstack. docs/plugin-guide.md gives the lines and the reasons.
 *  - Keep no state outside of `self`, and nothing that outlives `stop`: no thread, no signal handler, no
 *    thread-specific data with a destructor. Otherwise the version stays mapped when it is unloaded.
 *  - No exception, panic or longjmp may leave one of the functions below.
 *  - Memory never changes its owner: requests are borrowed for the call, answers go through the host's writer.
 */
#ifndef SOGOV_PLUGIN_H
#define SOGOV_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The revision of this interface. A host refuses a plugin of another one before it runs any of its code. */
#define SOGOV_PLUGIN_ABI 1u

/* The name of the constant that a level-1 plugin exports. */
#define SOGOV_PLUGIN_SYMBOL sogov_plugin_descriptor

/* What the functions answer. A plugin may use any other positive number for failures of its own. */
#define SOGOV_PLUGIN_OK 0
#define SOGOV_PLUGIN_FAILED 1

/* Declares that after `stop` nothing of the plugin is left behind (see the rules above), although its imports
 * (pthread_create, sigaction, pthread_key_create, ...) would make sogov keep it mapped to be safe. */
#define SOGOV_PLUGIN_STOPS_CLEAN 1u

/* Declares that `invoke` may be given copies of requests: serving a request once more changes nothing that another
 * request, another version or anyone outside of the process could see. Hosts send shadow calls to such a plugin only. */
#define SOGOV_PLUGIN_IDEMPOTENT 2u

/* The host is a preflight: a child process without network, without files that can be written, and without further
 * processes. `start`, `health` and `stop` run there once, and then again where the plugin is to serve. */
#define SOGOV_PLUGIN_HOST_PREFLIGHT 1u

/* Where an answer goes. The host owns it; it is valid for the call only. */
typedef struct sogov_writer {
    /* The bytes of this struct that the host filled. */
    size_t size;
    void *context;
    /* Appends `len` bytes to the answer. Non-zero when the host takes no more (a limit, no memory): return
     * SOGOV_PLUGIN_FAILED then. */
    int32_t (*write)(void *context, const void *bytes, size_t len);
} sogov_writer;

/* What the host tells a plugin at its start. Valid until `stop` returns. */
typedef struct sogov_plugin_host {
    /* The bytes of this struct that the host filled. */
    size_t size;
    /* The service and the version label that the plugin was loaded as; NUL-terminated UTF-8. */
    const char *service;
    const char *version;
    void *context;
    /* Writes one line to the host's log. `level`: 1 error, 2 warning, 3 information. Any thread. */
    void (*log)(void *context, int32_t level, const char *message, size_t message_len);
    /* SOGOV_PLUGIN_HOST_PREFLIGHT or 0. Look at it only where `size` reaches that far. */
    uint64_t flags;
} sogov_plugin_host;

/* The descriptor. Functions that are NULL are not called. */
typedef struct sogov_plugin {
    /* sizeof(sogov_plugin). Later releases append members; the host reads those that `size` covers, and takes the
     * others for 0. The members up to `health` are always there. */
    uint32_t size;
    /* SOGOV_PLUGIN_ABI. */
    uint32_t abi;
    /* SOGOV_PLUGIN_STOPS_CLEAN, SOGOV_PLUGIN_IDEMPOTENT, both or 0. */
    uint64_t flags;
    /* The plugin's own name, NUL-terminated UTF-8, for logs. */
    const char *name;
    /* Runs once, before the first invoke. Sets *self, which every other function gets. */
    int32_t (*start)(const sogov_plugin_host *host, void **self);
    /* Runs once, after the last invoke has returned. Frees self. */
    int32_t (*stop)(void *self);
    /* Serves one request. Called from many threads at once, on any thread. */
    int32_t (*invoke)(void *self, const void *request, size_t request_len, const sogov_writer *answer);
    /* SOGOV_PLUGIN_OK when the plugin can serve. Called after start, and whenever the host asks. */
    int32_t (*health)(void *self);

    /* The schema of what state_export writes, a number of the plugin's own. */
    uint32_t state_schema;
    /* 0. */
    uint32_t reserved;
    /* Writes the state of `self`, at most 1 GiB, in the schema state_schema, so that a `self` that imports it answers
     * as this one would. Memory alone is meant: what stands in files and tables is not moved by an update.
     * May be called while invokes run on other threads, and synchronises with them: what it writes is the state as it
     * stood at one moment between its beginning and its end, with every invoke that had returned before it began.
     * Changes nothing; `self` may serve on afterwards. */
    int32_t (*state_export)(void *self, const sogov_writer *state);
    /* Replaces the whole state of `self` by one that state_export of this or of another version wrote in `schema`.
     * Called after start; no invoke, export or import of this `self` runs meanwhile. The host may call it more than
     * once: before the first request of a caller, and later, when the state of a version that is taken back returns.
     * Invokes of the self test and of shadow calls may have come before. SOGOV_PLUGIN_FAILED, or another number than
     * 0, refuses a schema or bytes that it does not know, and leaves the state as it was. */
    int32_t (*state_import)(void *self, uint32_t schema, const void *state, size_t state_len);

    /* The self test: the host hands this request to `invoke` after start, after an import too, before the first
     * request of a caller. `invoke` has to return SOGOV_PLUGIN_OK and, unless self_test_answer is NULL, to answer
     * exactly these bytes. Both pointers NULL: there is none. It may run several times, and must leave the state as it
     * was. */
    const void *self_test_request;
    size_t self_test_request_len;
    const void *self_test_answer;
    size_t self_test_answer_len;
} sogov_plugin;

#ifdef __cplusplus
}
#endif

#endif /* SOGOV_PLUGIN_H */
