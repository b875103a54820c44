// optimiser/norm.cl: lane sum of squares of a tensor, the clipping factor of all of them, and whether a step counts (numerics.md 2 and 6)
//   x      n floats; segments of SEGMENT elements, element i of a segment to lane i mod LANES
//   sums   one a segment; flushed only when it is the result
#define LANES 64
#define SEGMENT 16384

// CPU class: global segments, local size 1
kernel void square_segments(global const float *restrict x, global float *restrict sums, const int n) {
    const int segment = (int)get_global_id(0);
    global const float *from = x + (size_t)segment * SEGMENT;
    const int many = min(n - segment * SEGMENT, SEGMENT), full = many / LANES;
    float16 a0 = (float16)(0.0f), a1 = a0, a2 = a0, a3 = a0;
    for (int i = 0; i < full; ++i, from += LANES) {
        const float16 x0 = vload16(0, from), x1 = vload16(1, from), x2 = vload16(2, from), x3 = vload16(3, from);
        a0 = fma(x0, x0, a0);
        a1 = fma(x1, x1, a1);
        a2 = fma(x2, x2, a2);
        a3 = fma(x3, x3, a3);
    }
    float lane[LANES];
    vstore16(a0, 0, lane);
    vstore16(a1, 1, lane);
    vstore16(a2, 2, lane);
    vstore16(a3, 3, lane);
    for (int j = 0; j < many - full * LANES; ++j) lane[j] = ardm_fma(from[j], from[j], lane[j]);
    for (int count = LANES / 2; count > 0; count /= 2)
        for (int j = 0; j < count; ++j) lane[j] += lane[j + count];
    sums[segment] = get_global_size(0) == 1 ? ardm_flush(lane[0]) : lane[0];
}

// GPU class: a segment a work-group of LANES items
kernel void square_groups(global const float *restrict x, global float *restrict sums, const int n) {
    local float lane[LANES];
    const int segment = (int)get_group_id(0), i = (int)get_local_id(0);
    global const float *from = x + (size_t)segment * SEGMENT;
    const int many = min(n - segment * SEGMENT, SEGMENT);
    float sum = 0.0f;
    for (int j = i; j < many; j += LANES) sum = ardm_fma(from[j], from[j], sum);
    lane[i] = sum;
    for (int count = LANES / 2; count > 0; count /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < count) lane[i] += lane[i + count];
    }
    if (i == 0) sums[segment] = get_num_groups(0) == 1 ? ardm_flush(lane[0]) : lane[0];
}

// One work-item: segments ascending.
kernel void square_fold(global const float *restrict sums, global float *restrict y, const int segments) {
    float total = sums[0];
    for (int k = 1; k < segments; ++k) total += sums[k];
    y[0] = ardm_flush(total);
}

kernel void square_none(global float *restrict y) { y[0] = 0.0f; }

// Block sum over tensors, not flushed.
static float all_squares(global const float *squares, const int n) {
    float total = 0.0f;
    for (int first = 0; first < n; first += 256) {
        float part = 0.0f;
        for (int k = first; k < min(n, first + 256); ++k) part += squares[k];
        total = first == 0 ? part : total + part;
    }
    return total;
}

// One work-item: 1 where the norm is within limit * scale or the limit is 0, else their quotient.
kernel void clip_factor(global const float *restrict squares, global const float *restrict limit, global const float *restrict scale,
                        global float *restrict y, const int n) {
    const float norm = ardm_flush(ardm_sqrt(ardm_flush(all_squares(squares, n)))), most = ardm_mul(limit[0], scale[0]);
    y[0] = ardm_flush(ardm_select((norm <= most) | (limit[0] == 0.0f), 1.0f, ardm_divide(most, norm)));
}

// One work-item: 1 where the sum of squares or the loss is not finite, or bad is not 0.
kernel void hold(global const float *restrict squares, global const float *restrict loss, global const int *restrict bad,
                 global int *restrict y, const int n) {
    y[0] = !ardm_is_finite(all_squares(squares, n)) || !ardm_is_finite(loss[0]) || bad[0] != 0;
}
