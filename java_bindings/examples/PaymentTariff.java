import static java.nio.charset.StandardCharsets.US_ASCII;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

/** What a fee must be, worked out apart from the plugin: the bank's own copy of the tariff sheet. */
final class PaymentTariff {
    /** ISO 4217: how many decimal digits the minor unit has. */
    private static final TreeMap<String, Integer> DIGITS =
            new TreeMap<>(Map.of("BHD", 3, "CNY", 2, "EUR", 2, "JPY", 0, "KWD", 3, "USD", 2));
    private static final Map<String, String> CAPS =
            Map.of("BHD", "25", "CNY", "500", "EUR", "75", "JPY", "10000", "KWD", "25", "USD", "75");
    private static final Map<String, String> FLOORS_V1 =
            Map.of("BHD", "0.01", "CNY", "0.10", "EUR", "0.05", "JPY", "10", "KWD", "0.01", "USD", "0.05");
    private static final Map<String, String> FLOORS_V2 =
            Map.of("BHD", "0.02", "CNY", "0.20", "EUR", "0.10", "JPY", "20", "KWD", "0.02", "USD", "0.10");
    private static final Map<String, Tariff> TARIFFS = Map.of(
            "v1", new Tariff("0.005", FLOORS_V1, Long.MAX_VALUE),
            "v2", new Tariff("0.0045", FLOORS_V2, Long.MAX_VALUE),
            "v3", new Tariff("0.004", FLOORS_V2, 1_000_000));

    private PaymentTariff() {}

    /** Rate, and floors in whole units; above so many minor units the version has a defect: it fails. */
    private record Tariff(String rate, Map<String, String> floors, long failsAbove) {
        Optional<String> answer(Transaction of, String version) {
            String currency = of.currency;
            int digits = DIGITS.get(currency);
            if (of.amount.unscaledValue().longValueExact() > failsAbove) {
                return Optional.empty();
            }
            BigDecimal fee = of.amount.multiply(new BigDecimal(rate)).setScale(digits, RoundingMode.HALF_EVEN)
                    .max(new BigDecimal(floors.get(currency))).min(new BigDecimal(CAPS.get(currency)))
                    .setScale(digits);
            return Optional.of("fee=" + fee.toPlainString() + " currency=" + currency + " tariff=" + version);
        }
    }

    /** An amount in a currency, as the plugin takes it, and what each version must answer; empty where it fails. */
    static final class Transaction {
        private final BigDecimal amount;
        private final String currency;
        final byte[] request;
        private final Map<String, Optional<String>> answers = new TreeMap<>();

        private Transaction(BigDecimal amount, String currency) {
            this.amount = amount;
            this.currency = currency;
            request = ("amount=" + amount.toPlainString() + " currency=" + currency).getBytes(US_ASCII);
            TARIFFS.forEach((version, tariff) -> answers.put(version, tariff.answer(this, version)));
        }

        Optional<String> answer(String version) {
            return answers.getOrDefault(version, Optional.empty());
        }
    }

    /** The same ones in every run, small amounts as often as large ones. */
    static List<Transaction> transactions(int count) {
        Random dice = new Random(20_250_101);
        List<String> currencies = new ArrayList<>(DIGITS.keySet());
        List<Transaction> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String currency = currencies.get(dice.nextInt(currencies.size()));
            long minor = (long) Math.pow(10, 9 * dice.nextDouble());
            made.add(new Transaction(BigDecimal.valueOf(minor, DIGITS.get(currency)), currency));
        }
        return made;
    }
}
