// embed.cl: rows of a table by id, and the gradient of the table
//   ids    i32[rows]      table [classes, width]     y [rows, width]; an id outside the table gives +0
//   dy     [parts, rows of a part, width]            dtable [parts, classes, width]
//   order  i32[parts, rows of a part]: positions sorted by token, ascending within it; ends i32[parts, classes]
// Kernels for a CPU take many rows or tokens a work-item; the `_wide` ones take one element.
#define BLOCK 256        // terms of a block sum

static inline float16 flush16(const float16 x) {
    const uint16 u = as_uint16(x);
    return as_float16(u & as_uint16((u & 0x7fffffffu) >= 0x2b800000u));
}

kernel void embed(global const int *restrict ids, global const float *restrict table, global float *restrict y, const int rows, const int classes,
                  const int width, const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) {
        const int id = ids[row], known = id >= 0 && id < classes;
        global const float *from = table + (size_t)(known ? id : 0) * width;
        global float *to = y + (size_t)row * width;
        int i = 0;
        for (; i + 16 <= width; i += 16) vstore16(known ? flush16(vload16(0, from + i)) : (float16)(0.0f), 0, to + i);
        for (; i < width; ++i) to[i] = known ? ardm_flush(from[i]) : 0.0f;
    }
}

kernel void embed_wide(global const int *restrict ids, global const float *restrict table, global float *restrict y, const int classes,
                       const int width) {
    const int i = (int)get_global_id(0), row = (int)get_global_id(1), id = ids[row];
    if (i >= width) return;
    y[(size_t)row * width + i] = id >= 0 && id < classes ? ardm_flush(table[(size_t)id * width + i]) : 0.0f;
}

// Stable counting sort without atomics: a work-item sorts the tokens low <= id < high of one part, after it has counted those below.
kernel void embed_sort(global const int *restrict ids, global int *restrict order, global int *restrict ends, const int rows, const int classes,
                       const int range) {
    const int part = (int)get_global_id(1), low = (int)get_global_id(0) * range, high = min(low + range, classes);
    global const int *id = ids + (size_t)part * rows;
    global int *to = order + (size_t)part * rows, *end = ends + (size_t)part * classes;
    int below = 0;
    for (int token = low; token < high; ++token) end[token] = 0;
    for (int i = 0; i < rows; ++i) {
        if (id[i] >= low && id[i] < high) end[id[i]] += 1;
        below += id[i] >= 0 && id[i] < low;
    }
    for (int token = low; token < high; ++token) {
        const int count = end[token];
        end[token] = below;
        below += count;
    }
    for (int i = 0; i < rows; ++i)
        if (id[i] >= low && id[i] < high) to[end[id[i]]++] = i;
}

kernel void embed_sum(global const float *restrict dy, global const int *restrict order, global const int *restrict ends,
                      global float *restrict dtable, const int rows, const int classes, const int width, const int per) {
    const int part = (int)get_global_id(1), low = (int)get_global_id(0) * per, high = min(low + per, classes);
    global const int *position = order + (size_t)part * rows, *end = ends + (size_t)part * classes;
    global const float *in = dy + (size_t)part * rows * width;
    for (int token = low; token < high; ++token) {
        const int first = token > 0 ? end[token - 1] : 0, last = end[token];
        global float *out = dtable + ((size_t)part * classes + token) * width;
        int c = 0;
        for (; c + 64 <= width; c += 64) {
            float16 total[4], sum[4];
            for (int k = 0; k < 4; ++k) total[k] = sum[k] = 0.0f;
            for (int i = first; i < last; ++i) {
                global const float *row = in + (size_t)position[i] * width + c;
                for (int k = 0; k < 4; ++k) sum[k] += vload16(k, row);
                if ((i - first) % BLOCK == BLOCK - 1)
                    for (int k = 0; k < 4; ++k) total[k] += sum[k], sum[k] = 0.0f;
            }
            for (int k = 0; k < 4; ++k) vstore16(flush16(total[k] + sum[k]), k, out + c);
        }
        for (; c < width; ++c) {
            float total = 0.0f, sum = 0.0f;
            for (int i = first; i < last; ++i) {
                sum += in[(size_t)position[i] * width + c];
                if ((i - first) % BLOCK == BLOCK - 1) total += sum, sum = 0.0f;
            }
            out[c] = ardm_flush(total + sum);
        }
    }
}

kernel void embed_sum_wide(global const float *restrict dy, global const int *restrict order, global const int *restrict ends,
                           global float *restrict dtable, const int rows, const int classes, const int width) {
    const int c = (int)get_global_id(0), token = (int)get_global_id(1), part = (int)get_global_id(2);
    global const int *position = order + (size_t)part * rows, *end = ends + (size_t)part * classes;
    global const float *in = dy + (size_t)part * rows * width + c;
    const int first = token > 0 ? end[token - 1] : 0, last = end[token];
    float total = 0.0f, sum = 0.0f;
    if (c >= width) return;
    for (int i = first; i < last; ++i) {
        sum += in[(size_t)position[i] * width];
        if ((i - first) % BLOCK == BLOCK - 1) total += sum, sum = 0.0f;
    }
    dtable[((size_t)part * classes + token) * width + c] = ardm_flush(total + sum);
}
