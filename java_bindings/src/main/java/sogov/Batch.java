package sogov;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Many signatures in one call: faster than as many calls, and the more so the more there are. */
public final class Batch {
    private Batch() {}

    /**
     * Verifies signatures by the default user id, in the raw encoding.
     *
     * @param items of any keys
     * @throws BatchException if not every one is valid
     */
    public static void verify(List<Verification> items) {
        verify(items, SignatureOptions.DEFAULT);
    }

    /**
     * Verifies signatures, and returns when every one is valid.
     *
     * @param items of any keys; less than 2 GiB together
     * @param options the encoding of all, and the user id of items that have none
     * @throws BatchException if not every one is valid; it tells of each what {@link Key#verify} would say of it
     */
    public static void verify(List<Verification> items, SignatureOptions options) {
        List<Verification> all = List.copyOf(items);
        int[] results = new int[all.size()];
        byte[] why = withKeys(all, Verification::key, addresses -> {
            Packer packer = options.pack(new Packer()).number(all.size());
            for (int i = 0; i < addresses.length; i++) {
                Verification item = all.get(i);
                packer.number(addresses[i]).data(item.message()).data(item.signature()).data(item.userId());
            }
            return Native.verifyBatch(packer.done(), results);
        });
        if (why != null) {
            throw new BatchException(
                    new Unpacker(why).text(), Arrays.stream(results).mapToObj(Status::of).toList());
        }
    }

    /**
     * Signs messages by the default user id, in the raw encoding.
     *
     * @param items by any keys
     * @return the signatures, in the order of the items
     */
    public static List<byte[]> sign(List<Signing> items) {
        return sign(items, SignatureOptions.DEFAULT);
    }

    /**
     * Signs messages as {@link PrivateKey#sign(byte[], SignatureOptions)} does, all of them or none.
     *
     * @param items by any keys; less than 2 GiB together
     * @param options the encoding of all, and the user id of items that have none
     * @return the signatures, in the order of the items
     */
    public static List<byte[]> sign(List<Signing> items, SignatureOptions options) {
        List<Signing> all = List.copyOf(items);
        Unpacker signatures = new Unpacker(withKeys(all, Signing::key, addresses -> {
            Packer packer = options.pack(new Packer()).number(all.size());
            for (int i = 0; i < addresses.length; i++) {
                Signing item = all.get(i);
                packer.number(addresses[i]).data(item.message()).data(item.userId());
            }
            return Native.signBatch(packer.done());
        }));
        List<byte[]> list = new ArrayList<>(all.size());
        for (int i = 0; i < all.size(); i++) {
            list.add(signatures.data());
        }
        return list;
    }

    /** Holds the keys of all items for the call; one that is closed is an IllegalStateException. */
    private static <T> byte[] withKeys(List<T> items, Function<T, Key> keyOf, Function<long[], byte[]> call) {
        long[] addresses = new long[items.size()];
        int entered = 0;
        try {
            for (; entered < addresses.length; entered++) {
                addresses[entered] = keyOf.apply(items.get(entered)).enter();
            }
            return call.apply(addresses);
        } finally {
            for (int i = 0; i < entered; i++) {
                keyOf.apply(items.get(i)).leave();
            }
        }
    }
}
