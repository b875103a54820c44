/* Runs a fuzz target over every file of a folder; the target aborts where it finds something. An empty folder is a failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
    static uint8_t room[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    const size_t size = fread(room, 1, sizeof room, file);
    const int whole = !ferror(file) && size < sizeof room;
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1); /* exactly its bytes are valid, for the sanitizer */
    if (!exact || !whole) {
        free(exact);
        return 0;
    }
    memcpy(exact, room, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv) {
    int runs = 0, failures = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "replay FOLDER\n");
        return EXIT_FAILURE;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (replay(path)) {
            runs++;
        } else {
            fprintf(stderr, "%s cannot be read\n", path);
            failures++;
        }
    }
    closedir(folder);
    printf("%d inputs\n", runs);
    return runs && !failures ? EXIT_SUCCESS : EXIT_FAILURE;
}
