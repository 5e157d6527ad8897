/* tariff.c - from a request line to an answer line. Integer arithmetic in minor units; nothing depends on a locale. */
#include "fee.h"
#include "sogov_plugin.h"

#include <string.h>

/* ISO 4217: code, and how many decimal digits the minor unit has. */
static const struct currency {
    char code[4];
    unsigned exponent;
} currencies[FEE_CURRENCIES] = {
    [FEE_BHD] = {"BHD", 3}, [FEE_CNY] = {"CNY", 2}, [FEE_EUR] = {"EUR", 2},
    [FEE_JPY] = {"JPY", 0}, [FEE_KWD] = {"KWD", 3}, [FEE_USD] = {"USD", 2},
};

/* Part of a line that is still to be read, or that was read. */
typedef struct span {
    const char *at;
    size_t len;
} span;

/* The parts of a well-formed request. */
typedef struct request {
    span whole;
    span fraction;
    span currency;
} request;

static int parse_request(span line, request *parsed);
static const struct currency *find_currency(span code);
static int32_t parse_amount(const request *parsed, unsigned exponent, int64_t *minor);
static int64_t fee_of(const fee_tariff *tariff, const struct fee_bounds *bounds, int64_t amount);
static void line_money(fee_line *line, int64_t minor, unsigned exponent);

int32_t fee_price(const fee_tariff *tariff, const void *bytes, size_t len, fee_line *answer)
{
    request parsed;
    if (!parse_request((span){bytes, len}, &parsed))
        return FEE_MALFORMED;
    const struct currency *currency = find_currency(parsed.currency);
    if (currency == NULL)
        return FEE_UNKNOWN_CURRENCY;
    int64_t amount = 0;
    int32_t status = parse_amount(&parsed, currency->exponent, &amount);
    if (status != SOGOV_PLUGIN_OK)
        return status;
    if (amount > tariff->refuse_above)
        return SOGOV_PLUGIN_FAILED;

    answer->len = 0;
    fee_line_text(answer, "fee=");
    line_money(answer, fee_of(tariff, &tariff->bounds[currency - currencies], amount), currency->exponent);
    fee_line_text(answer, " currency=");
    fee_line_text(answer, currency->code);
    fee_line_text(answer, " tariff=");
    fee_line_text(answer, tariff->name);
    return SOGOV_PLUGIN_OK;
}

int fee_tariff_is_sound(const fee_tariff *tariff)
{
    if (tariff->rate_ppm < 0 || tariff->rate_ppm > 1000000 || strlen(tariff->name) > 12)
        return 0;
    for (size_t i = 0; i < FEE_CURRENCIES; i++)
        if (tariff->bounds[i].floor < 0 || tariff->bounds[i].floor > tariff->bounds[i].cap)
            return 0;
    return 1;
}

/* The rate rounded half to even, then held within floor and cap.
 * The amount is split at a million, so that no product can overflow: millions * rate_ppm <= amount, and
 * rest * rate_ppm <= 10^12. */
static int64_t fee_of(const fee_tariff *tariff, const struct fee_bounds *bounds, int64_t amount)
{
    const int64_t million = 1000000;
    int64_t millionths = amount % million * tariff->rate_ppm;
    int64_t fee = amount / million * tariff->rate_ppm + millionths / million;
    int64_t twice_the_rest = millionths % million * 2;

    if (twice_the_rest > million || (twice_the_rest == million && fee % 2 != 0))
        fee++;
    if (fee < bounds->floor)
        return bounds->floor;
    return fee > bounds->cap ? bounds->cap : fee;
}

static int take_text(span *line, const char *text);
static span take_between(span *line, char first, char last);

/* "amount=" whole [ "." fraction ] " currency=" three capitals, and nothing else. */
static int parse_request(span line, request *parsed)
{
    if (line.len > FEE_LINE_MAX || !take_text(&line, "amount="))
        return 0;
    parsed->whole = take_between(&line, '0', '9');
    if (parsed->whole.len == 0 || (parsed->whole.len > 1 && parsed->whole.at[0] == '0'))
        return 0;
    parsed->fraction = (span){line.at, 0};
    if (take_text(&line, ".")) {
        parsed->fraction = take_between(&line, '0', '9');
        if (parsed->fraction.len == 0)
            return 0;
    }
    if (!take_text(&line, " currency="))
        return 0;
    parsed->currency = take_between(&line, 'A', 'Z');
    return parsed->currency.len == 3 && line.len == 0;
}

static const struct currency *find_currency(span code)
{
    for (size_t i = 0; i < FEE_CURRENCIES; i++)
        if (memcmp(currencies[i].code, code.at, 3) == 0)
            return &currencies[i];
    return NULL;
}

/* value * 10 + digit. Zero, and *value left alone, when that passes FEE_AMOUNT_MAX. */
static int append_digit(int64_t *value, int digit)
{
    if (*value > (FEE_AMOUNT_MAX - digit) / 10)
        return 0;
    *value = *value * 10 + digit;
    return 1;
}

static int32_t parse_amount(const request *parsed, unsigned exponent, int64_t *minor)
{
    if (parsed->fraction.len > exponent)
        return FEE_MALFORMED;
    for (size_t i = 0; i < parsed->whole.len; i++)
        if (!append_digit(minor, parsed->whole.at[i] - '0'))
            return FEE_OUT_OF_RANGE;
    for (size_t i = 0; i < exponent; i++)
        if (!append_digit(minor, i < parsed->fraction.len ? parsed->fraction.at[i] - '0' : 0))
            return FEE_OUT_OF_RANGE;
    return *minor == 0 ? FEE_OUT_OF_RANGE : SOGOV_PLUGIN_OK;
}

static int take_text(span *line, const char *text)
{
    size_t len = strlen(text);
    if (line->len < len || memcmp(line->at, text, len) != 0)
        return 0;
    line->at += len;
    line->len -= len;
    return 1;
}

/* The longest prefix of characters from `first` to `last`; it may be empty. */
static span take_between(span *line, char first, char last)
{
    span taken = {line->at, 0};
    while (line->len > 0 && *line->at >= first && *line->at <= last) {
        line->at++;
        line->len--;
        taken.len++;
    }
    return taken;
}

static void line_money(fee_line *line, int64_t minor, unsigned exponent)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < exponent; i++)
        unit *= 10;
    fee_line_number(line, (uint64_t)minor / unit);
    if (exponent == 0)
        return;
    fee_line_text(line, ".");
    for (uint64_t place = unit / 10; place > 0; place /= 10)
        fee_line_number(line, (uint64_t)minor / place % 10);
}

void fee_line_text(fee_line *line, const char *text)
{
    for (; *text != '\0' && line->len < FEE_LINE_MAX; text++)
        line->bytes[line->len++] = *text;
}

void fee_line_number(fee_line *line, uint64_t number)
{
    char digits[21];
    char *first = &digits[20];

    *first = '\0';
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    fee_line_text(line, first);
}
