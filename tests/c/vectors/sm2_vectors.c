/*
 * Runs the cases of tests/vectors/sm2_sign.json through sogov.h. tests/c_abi.rs writes them one a line, in hexadecimal
 * ("-" is empty), to the file that is named on the command line:
 *
 *     SPKI USER_ID MESSAGE SIGNATURE raw|der valid|invalid
 *
 * Prints how many held; exit code 1 at the first that does not.
 */
#include "sogov.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1 << 18 };

typedef struct {
    uint8_t bytes[LINE_SIZE / 2];
    size_t len;
} field;

static field spki, user_id, message, signature;

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void read_hex(field *into, const char *text)
{
    into->len = 0;
    if (strcmp(text, "-") == 0)
        return;
    for (; text[0] != '\0' && text[1] != '\0'; text += 2)
        into->bytes[into->len++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
}

static int holds(int is_der, int is_valid)
{
    sogov_key *key = NULL;
    if (sogov_key_load_public(spki.bytes, spki.len, &key, NULL) != SOGOV_STATUS_OK)
        return 0;
    sogov_signature_options options = {.size = sizeof options, .user_id = user_id.bytes, .user_id_len = user_id.len};
    options.encoding = is_der ? SOGOV_SIGNATURE_ENCODING_DER : SOGOV_SIGNATURE_ENCODING_RAW;
    sogov_status status =
        sogov_verify(key, message.bytes, message.len, signature.bytes, signature.len, &options, NULL);
    sogov_key_free(key);
    return status == (is_valid ? SOGOV_STATUS_OK : SOGOV_STATUS_SIGNATURE_INVALID);
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];
    FILE *cases = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (cases == NULL) {
        fprintf(stderr, "usage: sm2_vectors FILE\n");
        return EXIT_FAILURE;
    }
    int count = 0;
    while (fgets(line, sizeof line, cases) != NULL) {
        field *const fields[] = {&spki, &user_id, &message, &signature};
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            read_hex(fields[i], strtok(i == 0 ? line : NULL, " "));
        int is_der = strcmp(strtok(NULL, " "), "der") == 0;
        int is_valid = strcmp(strtok(NULL, " \n"), "valid") == 0;
        count++;
        if (!holds(is_der, is_valid)) {
            fprintf(stderr, "case %d does not hold\n", count);
            return EXIT_FAILURE;
        }
    }
    fclose(cases);
    printf("%d cases hold\n", count);
    return EXIT_SUCCESS;
}
