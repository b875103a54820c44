/* round_trip: files of the modality org.example.dna through the library and back; damaged ones and foreign ones are refused. */
#include <stdio.h>
#include <string.h>

#include <ardm/modality.h>

static int fault(const char *what) {
    fprintf(stderr, "round_trip: %s: %s\n", what, ardm_message());
    return 1;
}

/* Probed by content, decoded, encoded: the same bytes, and `count` symbols. */
static int comes_back(const char *text, int64_t count) {
    const ardm_modality *modality = NULL;
    ardm_item item = {0};
    ardm_bytes out = {0};
    int bad = 0;
    if (ardm_item_decode(&item, &modality, text, strlen(text), "strand", NULL) != ARDM_OK) return fault(text);
    if (strcmp(ardm_modality_id(modality), "org.example.dna") != 0 || item.count != count || item.classes != 4 || !item.exact)
        bad = fault("not taken for a strand");
    for (int64_t i = 0; i < item.count && !bad; ++i)
        if ("ACGT"[item.symbols[i]] != text[i]) bad = fault("another symbol");
    if (!bad && ardm_item_encode(&out, modality, &item, 0) != ARDM_OK) bad = fault("encoding");
    if (!bad && (out.size != strlen(text) || memcmp(out.data, text, out.size) != 0)) bad = fault("other bytes came back");
    /* A side of a damaged archive. */
    if (!bad && ardm_bytes_append(&item.side, "xx", 2) == ARDM_OK && ardm_item_encode(&out, modality, &item, 0) != ARDM_EFORMAT)
        bad = fault("a damaged side was taken");
    ardm_bytes_free(&out);
    ardm_item_free(&item);
    return bad;
}

int main(void) {
    static const int64_t extents[] = {100000}; /* more than one slab */
    const ardm_modality *dna = NULL, *found = NULL;
    ardm_item made = {0}, read = {0};
    ardm_bytes file = {0};
    int bad = comes_back("ACGTTGCA", 8) + comes_back("GATTACA\n", 7) + comes_back("T", 1);
    if (ardm_modality_find(&dna, "org.example.dna") != ARDM_OK) return fault("find");
    found = dna;
    if (ardm_item_decode(&read, &found, "ACGU", 4, "rna", NULL) != ARDM_EUNSUPPORTED || !strstr(ardm_message(), "byte 3 is 85"))
        bad += fault("a foreign letter was taken");
    if (ardm_item_synthetic(&made, dna, NULL, 1, extents, 7) != ARDM_OK || ardm_item_encode(&file, dna, &made, 0) != ARDM_OK)
        bad += fault("synthetic");
    else if (ardm_item_decode(&read, &found, file.data, file.size, "strand", NULL) != ARDM_OK || read.count != made.count ||
             memcmp(read.symbols, made.symbols, (size_t)made.count * sizeof *made.symbols) != 0)
        bad += fault("a synthetic strand did not come back");
    ardm_item_free(&made);
    ardm_item_free(&read);
    ardm_bytes_free(&file);
    return bad != 0;
}
