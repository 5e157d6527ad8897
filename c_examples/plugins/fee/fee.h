/* fee.h - what the versions of the plugin "fee" share. README.md defines the request and the answer. */
#ifndef FEE_H
#define FEE_H

#include <stddef.h>
#include <stdint.h>

/* Answers of invoke beside SOGOV_PLUGIN_OK and SOGOV_PLUGIN_FAILED: the request is at fault, not the plugin. */
enum {
    FEE_MALFORMED = 2,
    FEE_UNKNOWN_CURRENCY = 3,
    FEE_OUT_OF_RANGE = 4,
};

/* The largest amount, in minor units: 18 digits, as in ISO 20022. Such an amount times 10 fits in int64_t. */
#define FEE_AMOUNT_MAX INT64_C(999999999999999999)

/* No request is longer; an answer fits too. */
#define FEE_LINE_MAX 64

/* Indices into fee_tariff.bounds. */
enum { FEE_BHD, FEE_CNY, FEE_EUR, FEE_JPY, FEE_KWD, FEE_USD, FEE_CURRENCIES };

typedef struct fee_tariff {
    /* At most 12 characters, for the answer. */
    const char *name;
    /* Millionths of the amount, at most 1,000,000. */
    int64_t rate_ppm;
    /* A larger amount, in minor units, fails with SOGOV_PLUGIN_FAILED. */
    int64_t refuse_above;
    /* The least and the greatest fee, in minor units of each currency. */
    struct fee_bounds {
        int64_t floor;
        int64_t cap;
    } bounds[FEE_CURRENCIES];
} fee_tariff;

/* The one tariff of this version: fee_v1.c, fee_v2.c or fee_v3.c defines it. */
extern const fee_tariff fee_current_tariff;

typedef struct fee_line {
    size_t len;
    char bytes[FEE_LINE_MAX];
} fee_line;

/* Prices one request: SOGOV_PLUGIN_OK and the answer, or another status and nothing to read in *answer. */
int32_t fee_price(const fee_tariff *tariff, const void *request, size_t request_len, fee_line *answer);

/* Whether every answer under this tariff is well-defined: a rate of at most 100%, 0 <= floor <= cap, a short name. */
int fee_tariff_is_sound(const fee_tariff *tariff);

/* Append to a line; what does not fit is left out. */
void fee_line_text(fee_line *line, const char *text);
void fee_line_number(fee_line *line, uint64_t number);

#endif /* FEE_H */
