// optimiser/adam.cl: one update of n parameters (numerics.md 6)
//   w m v a grad   n floats each; n_* the new values, which may be the old buffers
//   hyper          lr, clip, c1, c2, scale, 1 - average
//   hold           where it is there and not 0 the new values are the old ones, bit for bit
//   global         ceil(n / each); CPU class: local size 1 and long loops; GPU class: each = STRIP = 1
// Results of a strip go to private memory first: with ten pointers no compiler proves that vectors are safe, and the new values may
// really stand where the old ones did.
#ifndef STRIP
#define STRIP 128
#endif

kernel void adam(global const float * w, global const float * m, global const float * v, global const float * a,
                 global const float * grad, global const float * hyper, global const int * hold, global float * n_w,
                 global float * n_m, global float * n_v, global float * n_a, const int n, const float beta1, const float beta2,
                 const float eps, const float decay, const int each) {
    const int begin = (int)get_global_id(0) * each;
    const int end = min(n - begin, each) + begin;
    if (hold != 0 && hold[0] != 0) {
        for (int i = begin; i < end; ++i) n_w[i] = w[i];
        for (int i = begin; i < end; ++i) n_m[i] = m[i];
        for (int i = begin; i < end; ++i) n_v[i] = v[i];
        for (int i = begin; i < end; ++i) n_a[i] = a[i];
        return;
    }
    const float lr = hyper[0], clip = hyper[1], c1 = hyper[2], c2 = hyper[3], one_minus_average = hyper[5];
    const float one_minus_beta1 = 1.0f - beta1, one_minus_beta2 = 1.0f - beta2;
    const float eps_scaled = ardm_mul(eps, hyper[4]), keep = ardm_fma(-lr, decay, 1.0f);
    float new_w[STRIP], new_m[STRIP], new_v[STRIP], new_a[STRIP];
    for (int at = begin; at < end; at += STRIP) {
        const int many = min(end - at, STRIP);
        for (int j = 0; j < many; ++j) {
            const int i = at + j;
            const float g = ardm_flush(ardm_mul(grad[i], clip));
            const float q = ardm_mul(g, g);
            const float m1 = ardm_flush_small(ardm_fma(one_minus_beta1, g - m[i], m[i]));
            const float v1 = ardm_flush_small(ardm_fma(one_minus_beta2, q - v[i], v[i]));
            const float step = ardm_flush_small(ardm_divide(ardm_mul(m1, c1), ardm_sqrt(ardm_mul(v1, c2)) + eps_scaled));
            const float w1 = ardm_flush(ardm_fma(-lr, step, ardm_mul(w[i], keep)));
            new_w[j] = w1;
            new_m[j] = m1;
            new_v[j] = v1;
            new_a[j] = ardm_flush(ardm_fma(one_minus_average, w1 - a[i], a[i]));
        }
        for (int j = 0; j < many; ++j) n_w[at + j] = new_w[j];
        for (int j = 0; j < many; ++j) n_m[at + j] = new_m[j];
        for (int j = 0; j < many; ++j) n_v[at + j] = new_v[j];
        for (int j = 0; j < many; ++j) n_a[at + j] = new_a[j];
    }
}
