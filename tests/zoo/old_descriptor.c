/* A descriptor of the size that the first revision of sogov_plugin.h had, with other data right behind it: it loads,
 * and nothing behind its end is read. Echoes each request. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct sogov_writer {
    size_t size;
    void *context;
    int32_t (*write)(void *context, const void *bytes, size_t len);
} sogov_writer;

/* `descriptor` is what the header said then. */
struct exported {
    struct {
        uint32_t size;
        uint32_t abi;
        uint64_t flags;
        const char *name;
        int32_t (*start)(const void *host, void **self);
        int32_t (*stop)(void *self);
        int32_t (*invoke)(void *self, const void *request, size_t request_len, const sogov_writer *answer);
        int32_t (*health)(void *self);
    } descriptor;
    const void *behind[7];
};

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    return answer->write(answer->context, request, request_len);
}

/* Where a self test would stand today. */
static const char behind[] = "not a member";

EXPORT const struct exported sogov_plugin_descriptor = {
    {
        .size = sizeof sogov_plugin_descriptor.descriptor,
        .abi = 1,
        .name = "old_descriptor",
        .invoke = invoke,
    },
    {behind, behind, behind, behind, behind, behind, behind},
};
