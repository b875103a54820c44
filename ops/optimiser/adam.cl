// optimiser/adam.cl: one update of n parameters (numerics.md 6)
//   w m v a grad   n floats each; n_* the new values, which may be the old buffers
//   hyper          lr, clip, c1, c2, scale, 1 - average
//   global         ceil(n / each); CPU class: local size 1 and long loops; GPU class: each = 1

kernel void adam(global const float *restrict w, global const float *restrict m, global const float *restrict v, global const float *restrict a,
                 global const float *restrict grad, global const float *restrict hyper, global float *restrict n_w, global float *restrict n_m,
                 global float *restrict n_v, global float *restrict n_a, const int n, const float beta1, const float beta2, const float eps,
                 const float decay, const int each) {
    const int begin = (int)get_global_id(0) * each;
    const int end = min(n - begin, each) + begin;
    const float lr = hyper[0], clip = hyper[1], c1 = hyper[2], c2 = hyper[3], one_minus_average = hyper[5];
    const float one_minus_beta1 = 1.0f - beta1, one_minus_beta2 = 1.0f - beta2;
    const float eps_scaled = ardm_mul(eps, hyper[4]), keep = ardm_fma(-lr, decay, 1.0f);
    for (int i = begin; i < end; ++i) {
        const float g = ardm_flush(ardm_mul(grad[i], clip));
        const float q = ardm_mul(g, g);
        const float m1 = ardm_flush_small(ardm_fma(one_minus_beta1, g - m[i], m[i]));
        const float v1 = ardm_flush_small(ardm_fma(one_minus_beta2, q - v[i], v[i]));
        const float step = ardm_flush_small(ardm_divide(ardm_mul(m1, c1), ardm_sqrt(ardm_mul(v1, c2)) + eps_scaled));
        const float w1 = ardm_flush(ardm_fma(-lr, step, ardm_mul(w[i], keep)));
        const float a1 = ardm_flush(ardm_fma(one_minus_average, w1 - a[i], a[i]));
        n_w[i] = w1;
        n_m[i] = m1;
        n_v[i] = v1;
        n_a[i] = a1;
    }
}
