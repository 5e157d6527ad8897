package sogov;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the files of tests/vectors: enough of JSON for them. Values are Map, List, String, Long, Boolean or null. */
final class Json {
    private final String text;
    private int next;

    private Json(String text) {
        this.text = text;
    }

    /** A file of tests/vectors. */
    static Map<String, Object> vectors(String name) throws IOException {
        return map(new Json(Files.readString(Release.ROOT.resolve("tests/vectors/" + name))).value());
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    static List<Map<String, Object>> list(Map<String, Object> of, String name) {
        return ((List<?>) of.get(name)).stream().map(Json::map).toList();
    }

    static byte[] hex(Map<String, Object> of, String name) {
        return HexFormat.of().parseHex((String) of.get(name));
    }

    /** The value as it would stand in a file. */
    static String write(Object value) {
        StringBuilder to = new StringBuilder();
        write(value, to);
        return to.toString();
    }

    private static void write(Object value, StringBuilder to) {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                write(entry.getKey(), to.append(separator));
                write(entry.getValue(), to.append(':'));
                separator = ",";
            }
            to.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof List<?> list) {
            String separator = "[";
            for (Object one : list) {
                write(one, to.append(separator));
                separator = ",";
            }
            to.append(list.isEmpty() ? "[]" : "]");
        } else if (value instanceof String string) {
            to.append('"');
            string.chars().forEach(c -> to.append(c < ' ' || c == '"' || c == '\\'
                    ? String.format("\\u%04x", c) : String.valueOf((char) c)));
            to.append('"');
        } else {
            to.append(value);
        }
    }

    private Object value() {
        char first = peek();
        switch (first) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            default:
                int begin = next;
                while (next < text.length() && "+-.".indexOf(text.charAt(next)) >= 0
                        || next < text.length() && Character.isLetterOrDigit(text.charAt(next))) {
                    next++;
                }
                String word = text.substring(begin, next);
                return switch (word) {
                    case "true" -> true;
                    case "false" -> false;
                    case "null" -> null;
                    default -> Long.valueOf(word);
                };
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        take('{');
        while (peek() != '}') {
            String name = string();
            take(':');
            map.put(name, value());
            if (peek() == ',') {
                take(',');
            }
        }
        take('}');
        return map;
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        take('[');
        while (peek() != ']') {
            list.add(value());
            if (peek() == ',') {
                take(',');
            }
        }
        take(']');
        return list;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        take('"');
        while (text.charAt(next) != '"') {
            char c = text.charAt(next++);
            if (c != '\\') {
                string.append(c);
                continue;
            }
            char escaped = text.charAt(next++);
            int at = "bfnrt".indexOf(escaped);
            if (escaped == 'u') {
                string.append((char) Integer.parseInt(text.substring(next, next + 4), 16));
                next += 4;
            } else {
                string.append(at < 0 ? escaped : "\b\f\n\r\t".charAt(at));
            }
        }
        take('"');
        return string.toString();
    }

    private char peek() {
        while (Character.isWhitespace(text.charAt(next))) {
            next++;
        }
        return text.charAt(next);
    }

    private void take(char expected) {
        if (peek() != expected) {
            throw new IllegalArgumentException("at " + next + ": expected " + expected);
        }
        next++;
    }
}
