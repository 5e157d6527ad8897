/* crossing.c - see crossing.h. */
#include "crossing.h"

#include "sogov_plugin.h"

#include <dlfcn.h>
#include <string.h>

static const sogov_plugin *plugin;
static void *self;

/* The answer goes into memory of the caller's, as a sogov_bytes is, and from there to where the language wants it. */
static struct answer {
    uint8_t bytes[4096];
    size_t len;
} answer;

static int32_t append(void *context, const void *bytes, size_t len)
{
    struct answer *to = context;
    if (len > sizeof to->bytes - to->len)
        return 1;
    memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
    return 0;
}

static const sogov_writer writer = {sizeof writer, &answer, append};

int crossing_open(const char *path)
{
    void *image = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (image == NULL)
        return 1;
    plugin = dlsym(image, "sogov_plugin_descriptor");
    return plugin == NULL || plugin->start != NULL;
}

int crossing_in_place(const uint8_t *request, size_t request_len, const uint8_t **bytes, size_t *len)
{
    answer.len = 0;
    int32_t status = plugin->invoke(self, request, request_len, &writer);
    *bytes = answer.bytes;
    *len = answer.len;
    return status;
}

ptrdiff_t crossing(const uint8_t *request, size_t request_len, uint8_t *room, size_t capacity)
{
    const uint8_t *bytes;
    size_t len;
    if (crossing_in_place(request, request_len, &bytes, &len) != 0 || len > capacity)
        return -1;
    memcpy(room, bytes, len);
    return (ptrdiff_t)len;
}
