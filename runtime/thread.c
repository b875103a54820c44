/* thread.c: workers that wait for a loop. The caller works too; a chunk is handed out by one atomic addition. */
#define _GNU_SOURCE /* sched_getaffinity: POSIX cannot say which processors a process may use */
#include "ardm/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

enum { MOST_THREADS = 256, CHUNKS_A_THREAD = 4 /* evens out rows of unequal cost */ };

typedef void (*range_body)(void *user, int64_t begin, int64_t end);

typedef struct loop {
    range_body body;
    void *user;
    int64_t count, chunk;
    _Atomic int64_t next;
} loop;

static struct {
    pthread_mutex_t busy; /* held through a loop: a second caller works alone instead of waiting */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake, done;
    loop *work;
    int tickets, active; /* workers that may still join, workers inside */
    int stop, n_workers, wanted;
    pthread_t workers[MOST_THREADS];
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static _Thread_local int inside; /* this thread runs a body */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void take_chunks(loop *work) {
    inside++;
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&work->next, work->chunk, memory_order_relaxed);
        if (begin >= work->count) break;
        int64_t left = work->count - begin;
        work->body(work->user, begin, begin + (left < work->chunk ? left : work->chunk));
    }
    inside--;
}

static void *worker(void *unused) {
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (!pool.tickets && !pool.stop) pthread_cond_wait(&pool.wake, &pool.lock);
        if (pool.stop) break;
        loop *work = pool.work;
        pool.tickets--;
        pool.active++;
        pthread_mutex_unlock(&pool.lock);
        take_chunks(work);
        pthread_mutex_lock(&pool.lock);
        if (--pool.active == 0) pthread_cond_signal(&pool.done);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* A control group may grant fewer processors than it shows. */
static int granted_processors(void) {
    long long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file) return MOST_THREADS;
    int read = fscanf(file, "%lld %lld", &quota, &period);
    fclose(file);
    if (read != 2 || quota <= 0 || period <= 0) return MOST_THREADS;
    long long processors = (quota + period - 1) / period;
    return processors < MOST_THREADS ? (int)processors : MOST_THREADS;
}

static int usable_processors(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int granted = granted_processors();
    if (granted < n) n = granted;
    return n < 1 ? 1 : n < MOST_THREADS ? n : MOST_THREADS;
}

/* A child has none of its parent's threads and may have copied locks in any state. */
static void forget_workers(void) {
    pthread_mutex_init(&pool.busy, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.work = NULL;
    pool.tickets = pool.active = pool.n_workers = 0;
}

static void start_once(void) {
    if (!pool.wanted) pool.wanted = usable_processors();
    pthread_atfork(NULL, NULL, forget_workers);
}

/* Workers leave signals to the thread that runs the program. Fewer than wanted is slower, not wrong. */
static void start_workers(void) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool.n_workers < pool.wanted - 1 && !pthread_create(&pool.workers[pool.n_workers], NULL, worker, NULL)) pool.n_workers++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_workers(void) {
    pthread_mutex_lock(&pool.lock);
    pool.stop = 1;
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    while (pool.n_workers) pthread_join(pool.workers[--pool.n_workers], NULL);
    pool.stop = 0;
}

void ardm_parallel(int64_t count, int64_t grain, range_body body, void *user) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    pthread_once(&once, start_once);
    if (inside || count <= grain || pool.wanted == 1 || pthread_mutex_trylock(&pool.busy)) {
        inside++;
        body(user, 0, count);
        inside--;
        return;
    }
    if (pool.n_workers < pool.wanted - 1) start_workers();
    loop work = {.body = body, .user = user, .count = count};
    int64_t chunks = (int64_t)(pool.n_workers + 1) * CHUNKS_A_THREAD;
    work.chunk = count / chunks + (count % chunks != 0);
    if (work.chunk < grain) work.chunk = grain;
    int64_t others = (count - 1) / work.chunk; /* chunks besides the caller's first */
    pthread_mutex_lock(&pool.lock);
    pool.work = &work;
    pool.tickets = others < pool.n_workers ? (int)others : pool.n_workers;
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    take_chunks(&work);
    pthread_mutex_lock(&pool.lock);
    pool.tickets = 0; /* nothing is left for who has not come yet */
    while (pool.active) pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.busy);
}

void ardm_parallel_set_threads(int32_t threads) {
    pthread_once(&once, start_once);
    pthread_mutex_lock(&pool.busy);
    stop_workers();
    pool.wanted = threads <= 0 ? usable_processors() : threads < MOST_THREADS ? threads : MOST_THREADS;
    pthread_mutex_unlock(&pool.busy);
}

int32_t ardm_parallel_threads(void) {
    pthread_once(&once, start_once);
    return pool.wanted;
}
