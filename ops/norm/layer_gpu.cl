// layer_gpu.cl: layer norm, a group of 64 work-items a row: work-item i is lane i of the sums
//   operands as in layer_cpu.cl
//   global    64, rows; parameters: ceil(width / 64) * 64, blocks, parts; fold: 2 width rounded up, parts; local 64
#define SEGMENT 16384    // elements of a segment of a lane sum
#define BLOCK 256        // terms of a block sum

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
void layer_norm(global const float *restrict x, global const float *restrict gamma, global const float *restrict beta, global float *restrict y,
                global float *restrict mean, global float *restrict rstd, const int width, const float inverse, const float eps) {
    local float lane[64];
    const int l = (int)get_local_id(0);
    const size_t row = get_group_id(1), at = row * width;
    float total = 0.0f;
    for (int from = 0; from < width; from += SEGMENT) {
        float sum = 0.0f;
        for (int i = from + l; i < min(from + SEGMENT, width); i += 64) sum += x[at + i];
        total += fold64(lane, l, sum);
    }
    const float m = ardm_flush(ardm_mul(total, inverse));
    total = 0.0f;
    for (int from = 0; from < width; from += SEGMENT) {
        float sum = 0.0f;
        for (int i = from + l; i < min(from + SEGMENT, width); i += 64) {
            const float d = ardm_flush(x[at + i] - m);
            sum = fma(d, d, sum);
        }
        total += fold64(lane, l, sum);
    }
    const float r = ardm_flush(ardm_rsqrt(ardm_flush(ardm_mul(total, inverse)) + eps));
    for (int i = l; i < width; i += 64) y[at + i] = ardm_flush(fma(ardm_flush(ardm_flush(x[at + i] - m) * r), gamma[i], beta[i]));
    if (l == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void layer_norm_grad(global const float *restrict x, global const float *restrict gamma, global const float *restrict mean,
                     global const float *restrict rstd, global const float *restrict dy, global float *restrict dx, const int width,
                     const float inverse) {
    local float lane[64];
    const int l = (int)get_local_id(0);
    const size_t row = get_group_id(1), at = row * width;
    const float m = mean[row], r = rstd[row];
    float sum = 0.0f, sum_h = 0.0f;
    for (int from = 0; from < width; from += SEGMENT) {
        float part = 0.0f, part_h = 0.0f;
        for (int i = from + l; i < min(from + SEGMENT, width); i += 64) {
            const float slope = ardm_flush(ardm_mul(dy[at + i], gamma[i]));
            part += slope;
            part_h = fma(slope, ardm_flush(ardm_flush(x[at + i] - m) * r), part_h);
        }
        sum += fold64(lane, l, part);
        sum_h += fold64(lane, l, part_h);
    }
    sum = ardm_flush(ardm_mul(sum, inverse));
    sum_h = ardm_flush(ardm_mul(sum_h, inverse));
    for (int i = l; i < width; i += 64) {
        const float slope = ardm_flush(ardm_mul(dy[at + i], gamma[i])), h = ardm_flush(ardm_flush(x[at + i] - m) * r);
        dx[at + i] = ardm_flush(ardm_flush(fma(-sum_h, h, ardm_flush(slope - sum))) * r);
    }
}

kernel void layer_norm_parameters(global const float *restrict x, global const float *restrict mean, global const float *restrict rstd,
                                  global const float *restrict dy, global float *restrict partials, const int part_rows, const int width) {
    const int i = (int)get_global_id(0), block = (int)get_global_id(1), part = (int)get_global_id(2), blocks = (int)get_global_size(1);
    const int last = min((block + 1) * BLOCK, part_rows);
    global float *to = partials + ((size_t)part * blocks + block) * 2 * width + i;
    float sum = 0.0f, sum_h = 0.0f;
    if (i >= width) return;
    for (int index = block * BLOCK; index < last; ++index) {
        const size_t row = (size_t)part * part_rows + index, at = row * width + i;
        sum += dy[at];
        sum_h = fma(dy[at], ardm_flush(ardm_flush(x[at] - mean[row]) * rstd[row]), sum_h);
    }
    to[0] = sum_h;
    to[width] = sum;
}

kernel void norm_fold(global const float *restrict partials, global float *restrict dgamma, global float *restrict dbeta, const int blocks,
                      const int width) {
    const int i = (int)get_global_id(0), part = (int)get_global_id(1);
    float sum = 0.0f;
    if (i >= 2 * width) return;
    for (int block = 0; block < blocks; ++block) sum += partials[((size_t)part * blocks + block) * 2 * width + i];
    if (i < width)
        dgamma[(size_t)part * width + i] = ardm_flush(sum);
    else
        dbeta[(size_t)part * width + i - width] = ardm_flush(sum);
}
