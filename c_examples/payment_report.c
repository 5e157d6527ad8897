/* payment_report.c - lines with times, and what must hold. */
#define _POSIX_C_SOURCE 200809L
#include "payment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned wrong;

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void print_line(const char *topic, const char *format, va_list arguments)
{
    static double begin;
    if (begin == 0)
        begin = now_ms();
    printf("%10.3f ms  %-8s  ", now_ms() - begin, topic);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
}

void say(const char *topic, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(topic, format, arguments);
    va_end(arguments);
}

void must(int holds, const char *format, ...)
{
    if (holds)
        return;
    wrong++;
    va_list arguments;
    va_start(arguments, format);
    print_line("WRONG", format, arguments);
    va_end(arguments);
}

int everything_held(void)
{
    return wrong == 0;
}

void require(sogov_status status, sogov_error *error, const char *what)
{
    if (status == SOGOV_STATUS_OK)
        return;
    say("FAILED", "%s: %s: %s", what, sogov_status_name((int32_t)status), sogov_error_message(error));
    sogov_error_free(error);
    exit(EXIT_FAILURE);
}
