/* Digests of all reference outputs: ops/numerics.md says which bits version n of an op gives. A change of bits needs a new version;
 * a change of cases needs new lines, which `test_ops --digest` prints. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ops.h"

static uint32_t cases_hash(const ardm_op *op) {
    ardm_bytes text = {0};
    for (uint32_t k = 0; k < op->n_cases; ++k)
        if (ardm_bytes_printf(&text, "%s|%s\n", op->cases[k].inputs, op->cases[k].attrs ? op->cases[k].attrs : "") != ARDM_OK) abort();
    uint32_t hash = ardm_xxh32(text.data ? text.data : (const uint8_t *)"", text.size);
    ardm_bytes_free(&text);
    return hash;
}

int digest_print(const ardm_op *op) {
    uint64_t digest;
    if (ardm_case_digest(&digest, op) != ARDM_OK) {
        fprintf(stderr, "%s: %s\n", op->name, ardm_message());
        return 1;
    }
    printf("| %s | %" PRIu32 " | %08" PRIx32 " | %016" PRIx64 " |\n", op->name, op->version, cases_hash(op), digest);
    return 0;
}

int digest_differs(const ardm_op *op, char *why, size_t size) {
    char want[160], line[160], start[80];
    uint64_t digest;
    FILE *table = fopen(ARDM_NUMERICS_TABLE, "r");
    int found = 0, differs = 1;
    if (ardm_case_digest(&digest, op) != ARDM_OK) {
        snprintf(why, size, "%s", ardm_message());
    } else if (!table) {
        snprintf(why, size, "ops/numerics.md cannot be read");
    } else {
        snprintf(want, sizeof want, "| %s | %" PRIu32 " | %08" PRIx32 " | %016" PRIx64 " |", op->name, op->version, cases_hash(op), digest);
        snprintf(start, sizeof start, "| %s | %" PRIu32 " | %08" PRIx32 " |", op->name, op->version, cases_hash(op));
        snprintf(why, size, "ops/numerics.md has no line for version %" PRIu32 " with these cases; it would be\n%s", op->version, want);
        while (differs && !found && fgets(line, sizeof line, table)) {
            line[strcspn(line, "\n")] = '\0';
            differs = strcmp(line, want) != 0;
            found = strncmp(line, start, strlen(start)) == 0;
        }
        if (differs && found) snprintf(why, size, "the bits of version %" PRIu32 " changed: %s, now\n%s", op->version, line, want);
    }
    if (table) fclose(table);
    return differs;
}
