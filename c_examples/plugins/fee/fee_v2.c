/* Tariff v2: 0.45% with higher floors. */
#include "fee.h"

const fee_tariff fee_current_tariff = {
    .name = "v2",
    .rate_ppm = 4500,
    .refuse_above = FEE_AMOUNT_MAX,
    .bounds = {
        [FEE_BHD] = {.floor = 20, .cap = 25000},
        [FEE_CNY] = {.floor = 20, .cap = 50000},
        [FEE_EUR] = {.floor = 10, .cap = 7500},
        [FEE_JPY] = {.floor = 20, .cap = 10000},
        [FEE_KWD] = {.floor = 20, .cap = 25000},
        [FEE_USD] = {.floor = 10, .cap = 7500},
    },
};
