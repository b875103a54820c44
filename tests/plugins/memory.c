/* Counts live bytes of the heap. The linker sends this program's calls of malloc and its family here (see CMakeLists.txt); what
 * shared libraries allocate is not seen, so each block that is counted is remembered. One thread. */
#include <malloc.h>
#include <stdlib.h>

#include "plugins.h"

enum { MOST_BLOCKS = 1 << 16 };
static struct {
    void *memory;
    int64_t bytes;
} blocks[MOST_BLOCKS];
static int n_blocks;
static int64_t live, peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);

static void *add(void *memory) {
    if (!memory) return NULL;
    if (n_blocks == MOST_BLOCKS) abort();
    blocks[n_blocks].memory = memory;
    blocks[n_blocks].bytes = (int64_t)malloc_usable_size(memory);
    live += blocks[n_blocks++].bytes;
    if (live > peak) peak = live;
    return memory;
}

static void drop(const void *memory) {
    int k = n_blocks - 1;
    while (k >= 0 && blocks[k].memory != memory) k--;
    if (k < 0) return;
    live -= blocks[k].bytes;
    blocks[k] = blocks[--n_blocks];
}

void *__wrap_malloc(size_t size) { return add(__real_malloc(size)); }
void *__wrap_calloc(size_t n, size_t size) { return add(__real_calloc(n, size)); }

void *__wrap_realloc(void *old, size_t size) {
    void *memory = __real_realloc(old, size);
    if (!memory) return NULL;
    if (old) drop(old);
    return add(memory);
}

void __wrap_free(void *memory) {
    if (memory) drop(memory);
    __real_free(memory);
}

int64_t memory_live(void) { return live; }
void memory_watch(void) { peak = live; }
int64_t memory_peak(void) { return peak; }
