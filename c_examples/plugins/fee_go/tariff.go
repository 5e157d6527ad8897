package main

import (
	"strconv"
	"strings"
)

// Why a request has no fee. The numbers are answers of invoke.
const (
	priced          = 0
	malformed       = 2
	unknownCurrency = 3
	outOfRange      = 4
)

const (
	// No request is longer.
	lineMax = 64
	// The largest amount in minor units: 18 digits, as in ISO 20022. Ten times as much fits.
	amountMax = 999_999_999_999_999_999
	million   = 1_000_000
	// Millionths of the amount: 0.5%. At most a million, so that a fee is never larger than its amount.
	ratePPM = 5_000
)

// A currency with its bounds on the fee, in minor units.
type currency struct {
	// ISO 4217: how many decimal digits the minor unit has.
	exponent   int
	floor, cap uint64
}

var tariff = map[string]currency{
	"BHD": {3, 10, 25_000},
	"CNY": {2, 10, 50_000},
	"EUR": {2, 5, 7_500},
	"JPY": {0, 10, 10_000},
	"KWD": {3, 10, 25_000},
	"USD": {2, 5, 7_500},
}

// price makes "fee=6.17 currency=CNY tariff=go" of "amount=1234.56 currency=CNY".
func price(request string) (answer []byte, refusal int) {
	whole, fraction, code, ok := parse(request)
	if !ok {
		return nil, malformed
	}
	currency, known := tariff[code]
	if !known {
		return nil, unknownCurrency
	}
	if len(fraction) > currency.exponent {
		return nil, malformed
	}
	amount, ok := minorUnits(whole + fraction + strings.Repeat("0", currency.exponent-len(fraction)))
	if !ok {
		return nil, outOfRange
	}
	fee := halfEvenShare(amount)
	if fee < currency.floor {
		fee = currency.floor
	}
	if fee > currency.cap {
		fee = currency.cap
	}
	return []byte("fee=" + money(fee, currency.exponent) + " currency=" + code + " tariff=go"), priced
}

// parse takes "amount=" whole [ "." fraction ] " currency=" three capitals, and nothing else.
func parse(line string) (whole, fraction, code string, ok bool) {
	if len(line) > lineMax || !strings.HasPrefix(line, "amount=") {
		return "", "", "", false
	}
	amount, code, ok := strings.Cut(line[len("amount="):], " currency=")
	if !ok || len(code) != 3 || !consists(code, 'A', 'Z') {
		return "", "", "", false
	}
	whole, fraction, hasPoint := strings.Cut(amount, ".")
	ok = consists(whole, '0', '9') && (len(whole) == 1 || whole[0] != '0') &&
		(!hasPoint || consists(fraction, '0', '9'))
	return whole, fraction, code, ok
}

// consists tells whether a text is not empty and has no other characters than those from first to last.
func consists(text string, first, last byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < first || text[i] > last {
			return false
		}
	}
	return text != ""
}

// minorUnits reads from 1 to amountMax.
func minorUnits(digits string) (amount uint64, ok bool) {
	for i := 0; i < len(digits); i++ {
		amount = amount*10 + uint64(digits[i]-'0')
		if amount > amountMax {
			return 0, false
		}
	}
	return amount, amount > 0
}

// halfEvenShare is the rate, rounded half to even. Split at a million, so that no product can overflow.
func halfEvenShare(amount uint64) uint64 {
	millionths := amount % million * ratePPM
	fee := amount/million*ratePPM + millionths/million
	rest := millionths % million
	if rest*2 > million || (rest*2 == million && fee%2 == 1) {
		fee++
	}
	return fee
}

// money is minor units as a decimal number with all its digits: 617 of CNY is 6.17.
func money(minor uint64, exponent int) string {
	digits := strconv.FormatUint(minor, 10)
	if exponent == 0 {
		return digits
	}
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return digits[:len(digits)-exponent] + "." + digits[len(digits)-exponent:]
}
