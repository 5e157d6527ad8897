package sogov;

import java.util.Optional;

/**
 * The process as it stood at one moment, all engines together.
 *
 * @param versionsMapped versions whose images are mapped, in whatever standing
 * @param versionsPinned those among them that stay mapped by necessity
 * @param versionsParked those among them that are retired and wait for a way back
 * @param bytesMapped bytes of address space that the images take
 * @param restartReason the first reason why only a restart brings the process back to what it was
 * @param taintReason the first thing that may have damaged the process
 */
public record ProcessInfo(
        long versionsMapped, long versionsPinned, long versionsParked, long bytesMapped,
        Optional<String> restartReason, Optional<String> taintReason) {
    static ProcessInfo read(Unpacker from) {
        long mapped = from.number();
        long pinned = from.number();
        long parked = from.number();
        long bytes = from.number();
        boolean restart = from.flag();
        boolean tainted = from.flag();
        String restartReason = from.text();
        String taintReason = from.text();
        return new ProcessInfo(
                mapped, pinned, parked, bytes,
                restart ? Optional.of(restartReason) : Optional.empty(),
                tainted ? Optional.of(taintReason) : Optional.empty());
    }
}
