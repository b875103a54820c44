// gpu.cl: softmax and its gradient, a group of 64 work-items a row: work-item i is lane i of the sums
//   operands as in cpu.cl
//   global    64, rows; local 64
#define SEGMENT 16384    // elements of a segment of a lane sum

// Sum over the 64 lanes, lane i taking lane i + half; every work-item gets it.
static inline float fold64(local float *lane, const int l, const float value) {
    barrier(CLK_LOCAL_MEM_FENCE);
    lane[l] = value;
    for (int half_lanes = 32; half_lanes > 0; half_lanes /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (l < half_lanes) lane[l] += lane[l + half_lanes];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return lane[0];
}

kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void softmax(global const float *restrict z, global float *restrict p, const int width) {
    local float lane[64];
    const int l = (int)get_local_id(0);
    const size_t at = get_group_id(1) * width;
    float m = -FLT_MAX, total = 0.0f;
    for (int i = l; i < width; i += 64) m = z[at + i] > m ? z[at + i] : m;
    lane[l] = m;
    for (int half_lanes = 32; half_lanes > 0; half_lanes /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (l < half_lanes && lane[l + half_lanes] > lane[l]) lane[l] = lane[l + half_lanes];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    m = lane[0];
    for (int from = 0; from < width; from += SEGMENT) {
        float sum = 0.0f;
        for (int i = from + l; i < min(from + SEGMENT, width); i += 64) {
            const float e = ardm_flush(ardm_exp(z[at + i] - m));
            p[at + i] = e;
            sum += e;
        }
        total += fold64(lane, l, sum);
    }
    const float reciprocal = ardm_flush(ardm_reciprocal(total));
    for (int i = l; i < width; i += 64) p[at + i] = ardm_flush(p[at + i] * reciprocal);
}

kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void softmax_grad(global const float *restrict p, global const float *restrict dy, global float *restrict dz, const int width) {
    local float lane[64];
    const int l = (int)get_local_id(0);
    const size_t at = get_group_id(1) * width;
    float total = 0.0f;
    for (int from = 0; from < width; from += SEGMENT) {
        float sum = 0.0f;
        for (int i = from + l; i < min(from + SEGMENT, width); i += 64) sum = fma(p[at + i], dy[at + i], sum);
        total += fold64(lane, l, sum);
    }
    total = ardm_flush(total);
    for (int i = l; i < width; i += 64) dz[at + i] = ardm_flush(p[at + i] * ardm_flush(dy[at + i] - total));
}
