/* Liveness of the leak check: loses memory, so that a sanitized build must end with LeakSanitizer's report. */
#include <stdlib.h>
#include <string.h>

static void *volatile kept;

int main(void) {
    kept = malloc(512);
    if (!kept) return EXIT_FAILURE;
    memset(kept, 1, 512);
    kept = NULL;
    return EXIT_SUCCESS;
}
