// likelihood/children.cl: logits of a parent's children from logits of symbols, and the gradient (likelihood/children_rows.h has the formula)
//   rows of K logits z and of `most` logits y; per: rows an item
//   STRIP    exponentials that run side by side, divides 256; GROUP: children of a table that one pass holds
//   global   one extent, rounded up; any local size

#include "child.clh"

#ifndef STRIP
#define STRIP 16
#endif
#ifndef GROUP
#define GROUP 64
#endif
#define BLOCK 256

static float log_mass(global const float *restrict z, const int n) {
    float e[STRIP], top = z[0], total = 0.0f, block = 0.0f;
    for (int i = 1; i < n; i++) top = ardm_max(top, z[i]);
    if (n == 1) return ardm_flush(top);
    for (int at = 0; at < n; at += STRIP) {
        const int many = min(n - at, STRIP);
        if (at > 0 && at % BLOCK == 0) {
            total = at == BLOCK ? block : total + block;
            block = 0.0f;
        }
        for (int l = 0; l < STRIP; l++) e[l] = ardm_flush(ardm_exp(z[l < many ? at + l : at] - top));
        for (int l = 0; l < many; l++) block += e[l];
    }
    return ardm_flush(top + ardm_log(n > BLOCK ? total + block : block));
}

// each: outputs a work-item
kernel void children(global const float *restrict z, global const int *restrict parent, global const int *restrict stage, global float *restrict y,
                     const int rows, const int per, const int stages, const int base, const int K, const int most, const int each) {
    const family f = {stages, base, K, most, 0};
    const size_t all = (size_t)rows * most, begin = get_global_id(0) * each;
    if (begin >= all) return;
    const size_t end = min(all - begin, (size_t)each) + begin;
    int row = (int)(begin / most), j = (int)(begin % most);
    parent_class p = parent_of(parent, f, parent[row], stage[row / per]);
    for (size_t at = begin; at < end; at++) {
        const int low = j < p.count ? p.low + j * p.after : 0;
        y[at] = j < p.count ? log_mass(z + (size_t)row * K + low, min(p.end - low, p.after)) : 0.0f;
        if (++j < most || at + 1 == end) continue;
        j = 0;
        row++;
        p = parent_of(parent, f, parent[row], stage[row / per]);
    }
}

// each: groups of children a work-item
kernel void children_table(global const float *restrict z, global const int *restrict parent, global const int *restrict stage,
                           global const int *restrict table, global float *restrict y, const int rows, const int per, const int stages, const int K,
                           const int most, const int each) {
    const family f = {stages, 1, K, most, 1};
    const int groups = (most + GROUP - 1) / GROUP;
    const size_t all = (size_t)rows * groups, begin = get_global_id(0) * each;
    if (begin >= all) return;
    const size_t end = min(all - begin, (size_t)each) + begin;
    for (size_t item = begin; item < end; item++) {
        const int row = (int)(item / groups), first = (int)(item % groups) * GROUP, many = min(most - first, GROUP);
        const parent_class p = parent_of(table, f, parent[row], stage[row / per]);
        global const float *x = z + (size_t)row * K;
        global const int *least = table + (size_t)p.stage * K, *digit = table + ((size_t)3 * (stages + 1) + p.stage) * K;
        int place[GROUP];
        float top[GROUP], total[GROUP], block[GROUP];
        for (int g = 0; g < GROUP; g++) {
            place[g] = 0;
            top[g] = total[g] = block[g] = 0.0f;
        }
        for (int i = p.low; i < p.end; i++) {
            const int g = clamp(digit[i], 0, most - 1) - first;
            if (g < 0 || g >= many || clamp(least[i], 0, K - 1) != p.low) continue;
            top[g] = place[g]++ ? ardm_max(top[g], x[i]) : x[i];
        }
        for (int g = 0; g < GROUP; g++) place[g] = 0;
        for (int at = p.low; at < p.end; at += STRIP) {
            int child[STRIP];
            float e[STRIP];
            for (int l = 0; l < STRIP; l++) {
                const int i = min(at + l, p.end - 1), g = clamp(digit[i], 0, most - 1) - first;
                child[l] = at + l < p.end && g >= 0 && g < many && clamp(least[i], 0, K - 1) == p.low ? g : -1;
                e[l] = x[i] - top[max(child[l], 0)];
            }
            for (int l = 0; l < STRIP; l++) e[l] = ardm_flush(ardm_exp(e[l]));
            for (int l = 0; l < STRIP; l++) {
                const int g = child[l];
                if (g < 0) continue;
                if (place[g] > 0 && place[g] % BLOCK == 0) {
                    total[g] = place[g] == BLOCK ? block[g] : total[g] + block[g];
                    block[g] = 0.0f;
                }
                place[g]++;
                block[g] += e[l];
            }
        }
        for (int g = 0; g < many; g++) {
            const float sum = place[g] > BLOCK ? total[g] + block[g] : block[g];
            y[(size_t)row * most + first + g] =
                place[g] == 0 ? 0.0f : place[g] == 1 ? ardm_flush(top[g]) : ardm_flush(top[g] + ardm_log(sum));
        }
    }
}

// each: symbols a work-item, a multiple of STRIP
kernel void children_grad(global const float *restrict z, global const float *restrict y, global const int *restrict parent,
                          global const int *restrict stage, global const float *restrict dy, global const int *restrict table,
                          global float *restrict dz, const int rows, const int per, const int stages, const int base, const int K, const int most,
                          const int tabled, const int each) {
    const family f = {stages, base, K, most, tabled};
    const size_t all = (size_t)rows * K, begin = get_global_id(0) * each;
    if (begin >= all) return;
    const size_t end = min(all - begin, (size_t)each) + begin;
    for (size_t at = begin; at < end;) {
        const int row = (int)(at / K), from = (int)(at % K), to = (int)min((size_t)(K - from), end - at) + from;
        const parent_class p = parent_of(table, f, parent[row], stage[row / per]);
        global const float *x = z + (size_t)row * K, *mass = y + (size_t)row * most, *gain = dy + (size_t)row * most;
        const size_t least = (size_t)p.stage * K, digit = ((size_t)3 * (stages + 1) + p.stage) * K;
        global float *dx = dz + (size_t)row * K;
        const int low = clamp(p.low, from, to), high = clamp(p.end, from, to);
        for (int i = from; i < low; i++) dx[i] = 0.0f;
        for (int i = high; i < to; i++) dx[i] = 0.0f;
        for (int i = low; i < high; i += STRIP) {
            float a[STRIP], g[STRIP];
            int held[STRIP];
            int j = tabled ? 0 : (i - p.low) / p.after, left = p.after - (i - p.low - j * p.after);
            for (int l = 0; l < STRIP; l++) {
                const int k = min(i + l, high - 1);
                if (tabled) j = clamp(table[digit + k], 0, most - 1);
                held[l] = tabled ? clamp(table[least + k], 0, K - 1) == p.low : 1;
                a[l] = ardm_flush(x[k] - mass[j]);
                g[l] = gain[j];
                if (tabled || i + l + 1 >= high || --left > 0) continue;
                left = p.after;
                j++;
            }
            for (int l = 0; l < STRIP; l++) a[l] = ardm_select(held[l], ardm_flush(ardm_mul(g[l], ardm_flush(ardm_exp(a[l])))), 0.0f);
            for (int l = 0; l < STRIP && i + l < high; l++) dx[i + l] = a[l];
        }
        at += to - from;
    }
}
