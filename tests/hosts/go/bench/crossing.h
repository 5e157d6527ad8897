/* crossing.h - what the benches of the hosts hold calls against: the plugin's function through a bare pointer, in one
 * crossing of the language. For one thread. */
#ifndef CROSSING_H
#define CROSSING_H

#include <stddef.h>
#include <stdint.h>

/* Loads the level-1 plugin of a file with dlopen; 0 for success. */
int crossing_open(const char *path);

/* Sends a request to its invoke and copies the answer into the room; answers its length, or -1. */
ptrdiff_t crossing(const uint8_t *request, size_t request_len, uint8_t *room, size_t capacity);

/* The same, but the answer stays where it is until the next crossing; 0 for success. */
int crossing_in_place(const uint8_t *request, size_t request_len, const uint8_t **answer, size_t *answer_len);

#endif /* CROSSING_H */
