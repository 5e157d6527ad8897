/* Tariff v1: 0.5%. */
#include "fee.h"

const fee_tariff fee_current_tariff = {
    .name = "v1",
    .rate_ppm = 5000,
    .refuse_above = FEE_AMOUNT_MAX,
    .bounds = {
        [FEE_BHD] = {.floor = 10, .cap = 25000},
        [FEE_CNY] = {.floor = 10, .cap = 50000},
        [FEE_EUR] = {.floor = 5, .cap = 7500},
        [FEE_JPY] = {.floor = 10, .cap = 10000},
        [FEE_KWD] = {.floor = 10, .cap = 25000},
        [FEE_USD] = {.floor = 5, .cap = 7500},
    },
};
