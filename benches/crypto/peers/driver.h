/*
 * driver.h - the commands of README.md for drivers in C. A driver defines `peer` and includes this file once.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USER_ID "1234567812345678"
#define POINT_LEN 65 /* 04 || x || y: what a public key in DER ends with */
#define SIGNATURE_MAX 80
#define STREAM_LEN (1u << 20)
#define LANES 16
#define LANE_LEN (16u << 10)

struct bytes {
    uint8_t *data;
    size_t len;
};

struct test_case {
    struct bytes spki, signature, message;
};

struct operation {
    const char *name;
    void (*prepare)(void);  /* not timed; may be NULL */
    uint64_t (*turn)(void); /* returns the units done */
};

struct peer {
    const char *title, *encoding;
    const char *(*open)(void); /* why the peer is missing, or NULL; may be NULL itself */
    const char *(*version)(void);
    void (*check)(bool *good);                                              /* one verdict a case */
    size_t (*sign)(const struct bytes *message, uint8_t out[SIGNATURE_MAX]); /* the signature's length */
    void (*digest)(const struct bytes *message, uint8_t out[32]);
    const struct operation *operations; /* ends with a name that is NULL */
};

static const struct peer peer;
static struct test_case *cases;
static size_t cases_len;
static struct bytes pkcs8, scalar, signer_spki;

/* Ends the driver: a bench with a wrong result has none. */
static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "%s: %s\n", peer.title, what);
        exit(1);
    }
}

/* The next case in turn. */
__attribute__((unused)) static size_t next_case(void)
{
    static size_t next;
    return next++ % cases_len;
}

/* Bytes to digest, the same in every driver. */
__attribute__((unused)) static const uint8_t *sample(size_t len)
{
    static uint8_t *data;
    static size_t size;
    if (len > size) {
        data = realloc(data, len);
        require(data != NULL, "no memory");
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i % 251);
        size = len;
    }
    return data;
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Reads the next word of the line as bytes. */
static struct bytes read_bytes(void)
{
    const char *word = strtok(NULL, " \n");
    require(word != NULL, "a command is too short");
    struct bytes bytes = {malloc(strlen(word) / 2 + 1), 0};
    require(bytes.data != NULL, "no memory");
    for (; word[0] != '-' && word[0] != 0; word += 2)
        bytes.data[bytes.len++] = (uint8_t)(hex_digit(word[0]) << 4 | hex_digit(word[1]));
    return bytes;
}

static void print_bytes(const uint8_t *data, size_t len)
{
    putchar(' ');
    for (size_t i = 0; i < len; i++)
        printf("%02x", data[i]);
}

static void add_case(void)
{
    cases = realloc(cases, (cases_len + 1) * sizeof *cases);
    require(cases != NULL, "no memory");
    struct test_case *added = &cases[cases_len++];
    added->spki = read_bytes();
    added->signature = read_bytes();
    added->message = read_bytes();
}

static void print_verdicts(void)
{
    bool *good = calloc(cases_len, sizeof *good);
    require(good != NULL, "no memory");
    peer.check(good);
    fputs("verdicts ", stdout);
    for (size_t i = 0; i < cases_len; i++)
        putchar(good[i] ? '1' : '0');
    putchar('\n');
    free(good);
}

static void print_signatures(void)
{
    fputs("signatures", stdout);
    for (size_t i = 0; i < cases_len; i++) {
        uint8_t signature[SIGNATURE_MAX];
        size_t len = peer.sign(&cases[i].message, signature);
        print_bytes(signature, len);
    }
    putchar('\n');
}

static void print_digests(void)
{
    fputs("digests", stdout);
    for (size_t i = 0; i < cases_len; i++) {
        uint8_t digest[32];
        peer.digest(&cases[i].message, digest);
        print_bytes(digest, sizeof digest);
    }
    putchar('\n');
}

static void run(void)
{
    const char *name = strtok(NULL, " \n"), *milliseconds = strtok(NULL, " \n");
    require(name != NULL && milliseconds != NULL, "a command is too short");
    uint64_t duration = strtoull(milliseconds, NULL, 10) * 1000000u;
    for (const struct operation *operation = peer.operations; operation->name != NULL; operation++) {
        if (strcmp(operation->name, name) != 0)
            continue;
        if (operation->prepare != NULL)
            operation->prepare();
        operation->turn();
        uint64_t units = 0, processor = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), begin = nanoseconds(CLOCK_MONOTONIC), now;
        do {
            units += operation->turn();
            now = nanoseconds(CLOCK_MONOTONIC);
        } while (now - begin < duration);
        processor = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
        printf("ran %llu %llu %llu\n", (unsigned long long)units, (unsigned long long)processor,
               (unsigned long long)(now - begin));
        return;
    }
    puts("none");
}

int main(void)
{
    const char *why = peer.open != NULL ? peer.open() : NULL;
    if (why != NULL) {
        printf("missing %s\n", why);
        return 0;
    }
    printf("driver %s %s %s\n", peer.encoding, peer.version(), peer.title);
    fflush(stdout);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        const char *command = strtok(line, " \n");
        if (command == NULL)
            continue;
        if (strcmp(command, "signer") == 0) {
            pkcs8 = read_bytes();
            scalar = read_bytes();
            signer_spki = read_bytes();
        } else if (strcmp(command, "case") == 0) {
            add_case();
        } else if (strcmp(command, "check") == 0) {
            print_verdicts();
        } else if (strcmp(command, "sign") == 0) {
            print_signatures();
        } else if (strcmp(command, "digest") == 0) {
            print_digests();
        } else if (strcmp(command, "run") == 0) {
            run();
        } else {
            require(false, "unknown command");
        }
        fflush(stdout);
    }
    return 0;
}

#endif
