/* plugin.h - what Go calls in plugin.c. */
#ifndef FEE_GO_PLUGIN_H
#define FEE_GO_PLUGIN_H

#include <sogov_plugin.h>

/* Hands the answer to the host's writer: SOGOV_PLUGIN_OK or SOGOV_PLUGIN_FAILED. */
int32_t fee_write(const void *answer, const void *bytes, size_t len);

/* Writes a line to the host's log, where it has one. */
void fee_log(const void *host, const char *message, size_t len);

#endif /* FEE_GO_PLUGIN_H */
