"""What a fee must be, worked out apart from the plugin: the bank's own copy of the tariff sheet."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

# ISO 4217: how many decimal digits the minor unit has.
DIGITS = {"BHD": 3, "CNY": 2, "EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}


@dataclass(frozen=True)
class Tariff:
    """Rate, and floor and cap by currency, in whole units."""

    rate: Decimal
    floors: dict[str, str]
    caps: dict[str, str]
    # Above so many minor units the version has a defect: it fails.
    fails_above: int | None = None


CAPS = {"BHD": "25", "CNY": "500", "EUR": "75", "JPY": "10000", "KWD": "25", "USD": "75"}
FLOORS_V1 = {"BHD": "0.01", "CNY": "0.10", "EUR": "0.05", "JPY": "10", "KWD": "0.01", "USD": "0.05"}
FLOORS_V2 = {"BHD": "0.02", "CNY": "0.20", "EUR": "0.10", "JPY": "20", "KWD": "0.02", "USD": "0.10"}
TARIFFS = {
    "v1": Tariff(Decimal("0.005"), FLOORS_V1, CAPS),
    "v2": Tariff(Decimal("0.0045"), FLOORS_V2, CAPS),
    "v3": Tariff(Decimal("0.004"), FLOORS_V2, CAPS, fails_above=1_000_000),
}


@dataclass(frozen=True)
class Transaction:
    """An amount in a currency."""

    amount: Decimal
    currency: str

    @property
    def request(self) -> bytes:
        """The line that the plugin takes."""
        return f"amount={self.amount} currency={self.currency}".encode()


@cache
def expected_answer(transaction: Transaction, version: str) -> bytes | None:
    """What the version must answer; None where it fails by its known defect."""
    tariff, currency = TARIFFS[version], transaction.currency
    unit = Decimal(1).scaleb(-DIGITS[currency])
    if tariff.fails_above is not None and transaction.amount / unit > tariff.fails_above:
        return None
    fee = (transaction.amount * tariff.rate).quantize(unit, ROUND_HALF_EVEN)
    fee = min(max(fee, Decimal(tariff.floors[currency])), Decimal(tariff.caps[currency])).quantize(unit)
    return f"fee={fee} currency={currency} tariff={version}".encode()


def transactions(count: int) -> list[Transaction]:
    """The same ones in every run, small amounts as often as large ones."""
    dice = random.Random(20250101)
    made = []
    for _ in range(count):
        currency = dice.choice(sorted(DIGITS))
        minor = int(10 ** dice.uniform(0, 9))
        made.append(Transaction(Decimal(minor).scaleb(-DIGITS[currency]), currency))
    return made
