// likelihood/softmax.cl: -log softmax at the target, and its gradient (likelihood/softmax_rows.h has the formula)
//   rows of K logits; counted 0: `children` is not read
//   global   ceil(rows / each); any local size

#define LANES 64
#define SEGMENT 16384

static int reachable(global const int *restrict children, const int row, const int counted, const int K) {
    return counted ? clamp(children[row], 0, K) : K;
}

kernel void softmax_nll(global const float *restrict z, global const int *restrict target, global const int *restrict children,
                        global float *restrict nll, global float *restrict lse, const int rows, const int K, const int counted, const int each) {
    const int first = (int)get_global_id(0) * each;
    const int last = min(rows - first, each) + first;
    for (int row = first; row < last; row++) {
        global const float *x = z + (size_t)row * K;
        const int n = reachable(children, row, counted, K), t = target[row];
        if (n <= 1 || t < 0 || t >= n) {
            nll[row] = 0.0f;
            lse[row] = 0.0f;
            continue;
        }
        float lane[LANES], m = x[0], sum = 0.0f;
        int i = 0;
        if (n >= LANES) {
            for (int j = 0; j < LANES; j++) lane[j] = x[j];
            for (i = LANES; i + LANES <= n; i += LANES)
                for (int j = 0; j < LANES; j++) lane[j] = ardm_max(lane[j], x[i + j]);
            for (int j = 0; j < LANES; j++) m = ardm_max(m, lane[j]);
        }
        for (; i < n; i++) m = ardm_max(m, x[i]);
        for (int begin = 0; begin < n; begin += SEGMENT) {
            const int end = min(n - begin, SEGMENT) + begin;
            for (int j = 0; j < LANES; j++) lane[j] = 0.0f;
            for (i = begin; i + LANES <= end; i += LANES)
                for (int j = 0; j < LANES; j++) lane[j] += ardm_flush(ardm_exp(x[i + j] - m));
            for (int j = 0; j < end - i; j++) lane[j] += ardm_flush(ardm_exp(x[i + j] - m));
            for (int fold = LANES / 2; fold > 0; fold /= 2)
                for (int j = 0; j < fold; j++) lane[j] += lane[j + fold];
            sum = begin == 0 ? lane[0] : sum + lane[0];
        }
        const float log_sum = ardm_log(sum);
        nll[row] = ardm_flush(log_sum - (x[t] - m));
        lse[row] = ardm_flush(m + log_sum);
    }
}

kernel void softmax_nll_grad(global const float *restrict z, global const int *restrict target, global const int *restrict children,
                             global const float *restrict lse, global const float *restrict dy, global float *restrict dz, const int rows,
                             const int K, const int counted, const int each) {
    const int first = (int)get_global_id(0) * each;
    const int last = min(rows - first, each) + first;
    for (int row = first; row < last; row++) {
        global const float *x = z + (size_t)row * K;
        global float *dx = dz + (size_t)row * K;
        const int t = target[row];
        int n = reachable(children, row, counted, K);
        n = n <= 1 || t < 0 || t >= n ? 0 : n;
        const float l = lse[row], g = dy[row];
        for (int i = 0; i < n; i++) {
            const float p = ardm_flush(ardm_exp(x[i] - l));
            dx[i] = ardm_flush(ardm_mul(g, ardm_flush(p - (i == t ? 1.0f : 0.0f))));
        }
        for (int i = n; i < K; i++) dx[i] = 0.0f;
    }
}
