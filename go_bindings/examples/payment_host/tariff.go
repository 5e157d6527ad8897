package main

import "fmt"

// What a fee must be, worked out apart from the plugin: the bank's own copy of the tariff sheet. Money is in minor units.

var currencies = []struct {
	code   string
	digits int
	one    int64
}{
	{"BHD", 3, 1000}, {"CNY", 2, 100}, {"EUR", 2, 100}, {"JPY", 0, 1}, {"KWD", 3, 1000}, {"USD", 2, 100},
}

// tariff has its rate in millionths, floors and caps in the order of currencies.
type tariff struct {
	rate, failsAbove int64
	floor, cap       [6]int64
}

const never = 1 << 62

var caps = [6]int64{25000, 50000, 7500, 10000, 25000, 7500}

var tariffs = map[string]tariff{
	"v1": {5000, never, [6]int64{10, 10, 5, 10, 10, 5}, caps},
	"v2": {4500, never, [6]int64{20, 20, 10, 20, 20, 10}, caps},
	// v3 has a defect: above one million minor units it fails.
	"v3": {4000, 1_000_000, [6]int64{20, 20, 10, 20, 20, 10}, caps},
}

// transaction is an amount in a currency.
type transaction struct {
	minor    int64
	currency int
}

// transactionOf is the same one in every run: from one minor unit to a billion, small amounts as often as large ones.
func transactionOf(number uint64) transaction {
	random := scrambled(number)
	minor := int64(1)
	for digits := (random >> 8) % 9; digits > 0; digits-- {
		minor *= 10
	}
	minor += int64((random >> 16) % uint64(9*minor))
	return transaction{minor, int(random % uint64(len(currencies)))}
}

// request is the line that the plugin takes.
func (t transaction) request() string {
	return fmt.Sprintf("amount=%s currency=%s", money(t.minor, t.currency), currencies[t.currency].code)
}

// expected is what the version must answer; false where it fails by its known defect, or is not known.
func (t transaction) expected(version string) (string, bool) {
	tariff, known := tariffs[version]
	if !known || t.minor > tariff.failsAbove {
		return "", false
	}
	fee := tariff.fee(t)
	return fmt.Sprintf("fee=%s currency=%s tariff=%s", money(fee, t.currency), currencies[t.currency].code, version), true
}

// fee is the rate, rounded half to even, within floor and cap. Amounts stay below 10^9, so nothing overflows.
func (t tariff) fee(of transaction) int64 {
	product := of.minor * t.rate
	fee, rest := product/1_000_000, product%1_000_000
	if rest > 500_000 || (rest == 500_000 && fee%2 == 1) {
		fee++
	}
	switch {
	case fee < t.floor[of.currency]:
		return t.floor[of.currency]
	case fee > t.cap[of.currency]:
		return t.cap[of.currency]
	}
	return fee
}

func money(minor int64, currency int) string {
	of := currencies[currency]
	if of.digits == 0 {
		return fmt.Sprint(minor)
	}
	return fmt.Sprintf("%d.%0*d", minor/of.one, of.digits, minor%of.one)
}

// scrambled is SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers become unrelated ones.
func scrambled(number uint64) uint64 {
	number += 0x9e3779b97f4a7c15
	number = (number ^ number>>30) * 0xbf58476d1ce4e5b9
	number = (number ^ number>>27) * 0x94d049bb133111eb
	return number ^ number>>31
}
