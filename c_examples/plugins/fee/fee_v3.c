/* Tariff v3: 0.4%, and a defect. Amounts above one million were to be refused, but the limit stands in minor
 * units: from 10,000.01 CNY on, every request fails. */
#include "fee.h"

const fee_tariff fee_current_tariff = {
    .name = "v3",
    .rate_ppm = 4000,
    .refuse_above = 1000000,
    .bounds = {
        [FEE_BHD] = {.floor = 20, .cap = 25000},
        [FEE_CNY] = {.floor = 20, .cap = 50000},
        [FEE_EUR] = {.floor = 10, .cap = 7500},
        [FEE_JPY] = {.floor = 20, .cap = 10000},
        [FEE_KWD] = {.floor = 20, .cap = 25000},
        [FEE_USD] = {.floor = 10, .cap = 7500},
    },
};
