package sogov;

/**
 * What happened to a version without anybody having asked for it.
 *
 * @param kind what happened
 * @param service the service's name
 * @param version the version's label
 * @param detail the reason, for people
 */
public record Event(EventKind kind, String service, String version, String detail) {}
