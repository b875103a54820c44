// move/gather.cl: rows of an item picked by number, and their way back; parts of the last extent picked by number
//   rows   i32[N,R]; a number that is not one of the P positions reads 0 and gives nothing back

// y[n,r,:] = x[n, rows[n,r], :]     global  ceil(F / columns), ceil(N * R / each)
kernel void gather(global const uint *restrict x, global const int *restrict rows, global uint *restrict y, const int NR, const int R, const int P,
                   const int F, const int columns, const int each) {
    const int begin = (int)get_global_id(0) * columns;
    const int many = min(F - begin, columns);
    const int first = (int)get_global_id(1) * each;
    const int last = min(NR - first, each) + first;
    for (int i = first; i < last; i++) {
        const int p = rows[i];
        global uint *to = y + (size_t)i * F + begin;
        if (p < 0 || p >= P) {
            for (int j = 0; j < many; j++) to[j] = 0;
        } else {
            global const uint *from = x + ((size_t)(i / R) * P + p) * F + begin;
            for (int j = 0; j < many; j++) to[j] = from[j];
        }
    }
}

// dx[n,p,:] = sum of dy[n,r,:] over the r with rows[n,r] = p, ascending. One work-item owns `columns` columns of an item, so rows
// that repeat need no atomics.     global  ceil(F / columns), N
kernel void scatter(global const int *restrict rows, global const float *restrict dy, global float *restrict dx, const int R, const int P,
                    const int F, const int columns) {
    const int begin = (int)get_global_id(0) * columns;
    const int many = min(F - begin, columns);
    const int n = (int)get_global_id(1);
    global float *item = dx + (size_t)n * P * F + begin;
    for (int p = 0; p < P; p++)
        for (int j = 0; j < many; j++) item[(size_t)p * F + j] = 0.0f;
    for (int r = 0; r < R; r++) {
        const int p = rows[(size_t)n * R + r];
        if (p < 0 || p >= P) continue;
        global const float *from = dy + ((size_t)n * R + r) * F + begin;
        global float *to = item + (size_t)p * F;
        for (int j = 0; j < many; j++) to[j] = ardm_flush(to[j] + from[j]);
    }
}

// y[i,:] = x[i, channel[i / per] * Z …]; `per` rows share a channel     global  ceil(Z / columns), ceil(rows / each)
kernel void pick(global const uint *restrict x, global const int *restrict channel, global uint *restrict y, const int rows, const int C,
                 const int Z, const int columns, const int each, const int per) {
    const int begin = (int)get_global_id(0) * columns;
    const int many = min(Z - begin, columns);
    const int first = (int)get_global_id(1) * each;
    const int last = min(rows - first, each) + first;
    for (int i = first; i < last; i++) {
        const int c = channel[i / per];
        global uint *to = y + (size_t)i * Z + begin;
        if (c < 0 || c >= C) {
            for (int j = 0; j < many; j++) to[j] = 0;
        } else {
            global const uint *from = x + ((size_t)i * C + c) * Z + begin;
            for (int j = 0; j < many; j++) to[j] = from[j];
        }
    }
}

// dx[i, channel[i / per] * Z …] = dy[i,:], 0 elsewhere     global  ceil(Z / columns), ceil(rows / each)
kernel void pick_back(global const int *restrict channel, global const uint *restrict dy, global uint *restrict dx, const int rows, const int C,
                      const int Z, const int columns, const int each, const int per) {
    const int begin = (int)get_global_id(0) * columns;
    const int many = min(Z - begin, columns);
    const int first = (int)get_global_id(1) * each;
    const int last = min(rows - first, each) + first;
    for (int i = first; i < last; i++) {
        global const uint *from = dy + (size_t)i * Z + begin;
        const int own = channel[i / per];
        for (int c = 0; c < C; c++) {
            global uint *to = dx + ((size_t)i * C + c) * Z + begin;
            const uint keep = c == own ? 0xffffffffu : 0u;
            for (int j = 0; j < many; j++) to[j] = from[j] & keep;
        }
    }
}
