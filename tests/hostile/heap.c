/* Counts live bytes of the heap: the linker sends this program's calls of malloc and its family here (see CMakeLists.txt). What shared
 * libraries allocate for themselves is not seen. */
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "hostile.h"

static _Atomic int64_t live, peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);

static void change(int64_t bytes) {
    int64_t now = atomic_fetch_add(&live, bytes) + bytes, before = peak;
    while (now > before && !atomic_compare_exchange_weak(&peak, &before, now)) continue;
}

static void *add(void *memory) {
    if (memory) change((int64_t)malloc_usable_size(memory));
    return memory;
}

void *__wrap_malloc(size_t size) { return add(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) { return add(__real_calloc(count, size)); }

void *__wrap_realloc(void *old, size_t size) {
    int64_t before = old ? (int64_t)malloc_usable_size(old) : 0;
    void *memory = __real_realloc(old, size);
    if (memory) change((int64_t)malloc_usable_size(memory) - before);
    return memory;
}

void __wrap_free(void *memory) {
    if (memory) change(-(int64_t)malloc_usable_size(memory));
    __real_free(memory);
}

int64_t heap_live(void) { return live; }
void heap_watch(void) { peak = live; }
int64_t heap_peak(void) { return peak; }
