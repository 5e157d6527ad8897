/* payment_tariff.c - what a fee must be, worked out apart from the plugin: the bank's own copy of the tariff sheet. */
#include "payment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct currency {
    const char *code;
    int digits;
    int64_t minor_of_one;
} currencies[] = {
    {"BHD", 3, 1000}, {"CNY", 2, 100}, {"EUR", 2, 100}, {"JPY", 0, 1}, {"KWD", 3, 1000}, {"USD", 2, 100},
};

enum { CURRENCIES = sizeof currencies / sizeof currencies[0] };

/* Rates in millionths; floors and caps in minor units, in the order of `currencies`. */
static const struct tariff {
    const char *version;
    int64_t rate;
    int64_t fails_above;
    int64_t floor[CURRENCIES];
    int64_t cap[CURRENCIES];
} tariffs[] = {
    {"v1", 5000, INT64_MAX, {10, 10, 5, 10, 10, 5}, {25000, 50000, 7500, 10000, 25000, 7500}},
    {"v2", 4500, INT64_MAX, {20, 20, 10, 20, 20, 10}, {25000, 50000, 7500, 10000, 25000, 7500}},
    /* v3 has a defect: above one million minor units it fails. */
    {"v3", 4000, 1000000, {20, 20, 10, 20, 20, 10}, {25000, 50000, 7500, 10000, 25000, 7500}},
};

static uint64_t scrambled(uint64_t number);
static int64_t fee_of(const struct tariff *tariff, const transaction *transaction);
static int print_money(char *to, size_t room, int64_t minor, const struct currency *currency);

/* From one minor unit to a million whole ones, and small amounts as often as large ones. */
transaction transaction_of(uint64_t number)
{
    uint64_t random = scrambled(number);
    unsigned currency = (unsigned)(random % CURRENCIES);
    int64_t minor = 1;
    for (uint64_t digits = (random >> 8) % 9; digits > 0; digits--)
        minor *= 10;
    minor += (int64_t)((random >> 16) % (uint64_t)(9 * minor));
    return (transaction){.minor = minor, .currency = currency};
}

void transaction_request(const transaction *transaction, char line[LINE_MAX_BYTES])
{
    const struct currency *currency = &currencies[transaction->currency];
    int at = snprintf(line, LINE_MAX_BYTES, "amount=");
    at += print_money(line + at, (size_t)(LINE_MAX_BYTES - at), transaction->minor, currency);
    snprintf(line + at, (size_t)(LINE_MAX_BYTES - at), " currency=%s", currency->code);
}

enum expectation transaction_expected(const transaction *transaction, const char *version, char line[LINE_MAX_BYTES])
{
    const struct currency *currency = &currencies[transaction->currency];
    const struct tariff *tariff = NULL;
    for (size_t i = 0; i < sizeof tariffs / sizeof tariffs[0]; i++)
        if (strcmp(tariffs[i].version, version) == 0)
            tariff = &tariffs[i];
    if (tariff == NULL)
        return EXPECT_NOTHING_KNOWN;
    if (transaction->minor > tariff->fails_above)
        return EXPECT_FAILURE;
    int at = snprintf(line, LINE_MAX_BYTES, "fee=");
    at += print_money(line + at, (size_t)(LINE_MAX_BYTES - at), fee_of(tariff, transaction), currency);
    snprintf(line + at, (size_t)(LINE_MAX_BYTES - at), " currency=%s tariff=%s", currency->code, version);
    return EXPECT_ANSWER;
}

/* The rate, rounded half to even, within floor and cap. Amounts stay below 10^9, so nothing overflows. */
static int64_t fee_of(const struct tariff *tariff, const transaction *transaction)
{
    int64_t product = transaction->minor * tariff->rate;
    int64_t fee = product / 1000000;
    int64_t rest = product % 1000000;
    if (rest > 500000 || (rest == 500000 && fee % 2 == 1))
        fee++;
    int64_t floor = tariff->floor[transaction->currency];
    int64_t cap = tariff->cap[transaction->currency];
    return fee < floor ? floor : fee > cap ? cap : fee;
}

static int print_money(char *to, size_t room, int64_t minor, const struct currency *currency)
{
    int64_t whole = minor / currency->minor_of_one;
    if (currency->digits == 0)
        return snprintf(to, room, "%" PRId64, whole);
    return snprintf(to, room, "%" PRId64 ".%0*" PRId64, whole, currency->digits, minor % currency->minor_of_one);
}

/* SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers become unrelated ones. */
static uint64_t scrambled(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}
