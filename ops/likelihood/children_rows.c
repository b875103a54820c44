/* children: see children_rows.h for the formula. Exponentials run in strips, their sums one by one. */
#include "likelihood/children_rows.h"

#include "ardm/exact.h"

enum { STRIP = 16, BLOCK = 256, GROUP = 64 };

static inline int32_t limited(int32_t value, int32_t high) { return value < 0 ? 0 : value > high ? high : value; }

/* Free of order; in lanes it runs in vectors. */
static float largest(const float *z, int32_t n) {
    float most = z[0], lane[STRIP];
    int32_t i = 0;
    if (n >= STRIP) {
        for (int j = 0; j < STRIP; ++j) lane[j] = z[j];
        for (i = STRIP; i + STRIP <= n; i += STRIP)
            for (int j = 0; j < STRIP; ++j) lane[j] = ardm_max(lane[j], z[i + j]);
        for (int j = 0; j < STRIP; ++j) most = ardm_max(most, lane[j]);
    }
    for (; i < n; ++i) most = ardm_max(most, z[i]);
    return most;
}

static float log_mass(const float *z, int32_t n) {
    float e[STRIP], total = 0, block = 0;
    if (n == 1) return ardm_flush(z[0]);
    const float top = largest(z, n);
    for (int32_t at = 0; at < n; at += STRIP) {
        const int32_t many = n - at < STRIP ? n - at : STRIP;
        if (at > 0 && at % BLOCK == 0) {
            total = at == BLOCK ? block : total + block;
            block = 0;
        }
        for (int32_t l = 0; l < STRIP; ++l) e[l] = ardm_flush(ardm_exp(z[l < many ? at + l : at] - top));
        for (int32_t l = 0; l < many; ++l) block += e[l];
    }
    return ardm_flush(top + ardm_log(n > BLOCK ? total + block : block));
}

void ARDM_REFERENCE(children_row)(const float *z, int32_t low, int32_t end, int32_t after, float *y, int32_t B) {
    int32_t j = 0;
    for (int32_t x = low; x < end; x += after) y[j++] = log_mass(z + x, end - x < after ? end - x : after);
    for (; j < B; ++j) y[j] = 0;
}

/* Symbols at … at+STRIP-1 with their child's y and dy; what is not a leaf has held 0. */
typedef struct strip {
    float z[STRIP], y[STRIP], dy[STRIP];
    int32_t held[STRIP];
} strip;

static void spread(const strip *s, float *dz, int32_t many) {
    float out[STRIP];
    for (int l = 0; l < STRIP; ++l)
        out[l] = ardm_select(s->held[l], ardm_flush(ardm_mul(s->dy[l], ardm_flush(ardm_exp(ardm_flush(s->z[l] - s->y[l]))))), 0.0f);
    for (int32_t l = 0; l < many; ++l) dz[l] = out[l];
}

void ARDM_REFERENCE(children_grad_row)(const float *z, const float *y, const float *dy, int32_t low, int32_t end, int32_t after, float *dz,
                                       int32_t K) {
    strip s;
    for (int32_t x = 0; x < low; ++x) dz[x] = 0;
    for (int32_t x = end; x < K; ++x) dz[x] = 0;
    for (int32_t at = low, j = 0, left = after; at < end; at += STRIP) {
        const int32_t many = end - at < STRIP ? end - at : STRIP;
        for (int32_t l = 0; l < STRIP; ++l) {
            s.held[l] = l < many;
            s.z[l] = z[l < many ? at + l : at];
            s.y[l] = y[j];
            s.dy[l] = dy[j];
            if (l + 1 >= many || --left > 0) continue;
            left = after;
            ++j;
        }
        if (end - at > STRIP && --left == 0) {
            left = after;
            ++j;
        }
        spread(&s, dz + at, many);
    }
}

void ARDM_REFERENCE(children_table_row)(const float *z, const int32_t *least, const int32_t *digit, int32_t low, int32_t end, float *y, int32_t B,
                                        int32_t K) {
    int32_t place[GROUP], child[STRIP];
    float top[GROUP], total[GROUP], block[GROUP], e[STRIP];
    for (int32_t first = 0; first < B; first += GROUP) {
        const int32_t group = B - first < GROUP ? B - first : GROUP;
        for (int32_t g = 0; g < GROUP; ++g) {
            place[g] = 0;
            top[g] = total[g] = block[g] = 0;
        }
        for (int32_t x = low; x < end; ++x) {
            const int32_t g = limited(digit[x], B - 1) - first;
            if (g < 0 || g >= group || limited(least[x], K - 1) != low) continue;
            top[g] = place[g]++ ? ardm_max(top[g], z[x]) : z[x];
        }
        for (int32_t g = 0; g < group; ++g) place[g] = 0;
        for (int32_t at = low; at < end; at += STRIP) {
            for (int32_t l = 0; l < STRIP; ++l) {
                const int32_t x = at + l < end ? at + l : end - 1, g = limited(digit[x], B - 1) - first;
                child[l] = at + l < end && g >= 0 && g < group && limited(least[x], K - 1) == low ? g : -1;
                e[l] = z[x] - top[child[l] < 0 ? 0 : g];
            }
            for (int32_t l = 0; l < STRIP; ++l) e[l] = ardm_flush(ardm_exp(e[l]));
            for (int32_t l = 0; l < STRIP; ++l) {
                const int32_t g = child[l];
                if (g < 0) continue;
                if (place[g] > 0 && place[g] % BLOCK == 0) {
                    total[g] = place[g] == BLOCK ? block[g] : total[g] + block[g];
                    block[g] = 0;
                }
                place[g]++;
                block[g] += e[l];
            }
        }
        for (int32_t g = 0; g < group; ++g) {
            const float sum = place[g] > BLOCK ? total[g] + block[g] : block[g];
            y[first + g] = place[g] == 0 ? 0.0f : place[g] == 1 ? ardm_flush(top[g]) : ardm_flush(top[g] + ardm_log(sum));
        }
    }
}

void ARDM_REFERENCE(children_table_grad_row)(const float *z, const float *y, const float *dy, const int32_t *least, const int32_t *digit, int32_t low,
                                             int32_t end, float *dz, int32_t B, int32_t K) {
    strip s;
    for (int32_t x = 0; x < low; ++x) dz[x] = 0;
    for (int32_t x = end; x < K; ++x) dz[x] = 0;
    for (int32_t at = low; at < end; at += STRIP) {
        const int32_t many = end - at < STRIP ? end - at : STRIP;
        for (int32_t l = 0; l < STRIP; ++l) {
            const int32_t x = l < many ? at + l : at, j = limited(digit[x], B - 1);
            s.held[l] = limited(least[x], K - 1) == low;
            s.z[l] = z[x];
            s.y[l] = y[j];
            s.dy[l] = dy[j];
        }
        spread(&s, dz + at, many);
    }
}
