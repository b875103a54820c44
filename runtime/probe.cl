// probe.cl: one function of exact numerics over n operand triples, as bits
//   a b c   n words each      y   n words
//   global  ceil(n / 64) work-items, one dimension, local size 1: a loop, since drivers vectorise loops and that is what runs
kernel void probe(global const uint *restrict a, global const uint *restrict b, global const uint *restrict c, global uint *restrict y,
                  const int function, const int n) {
    const int begin = (int)get_global_id(0) * 64;
    const int end = min(begin + 64, n);
#define CASE(number, expression)                                                                                                                     \
    case number:                                                                                                                                     \
        for (int i = begin; i < end; ++i) {                                                                                                          \
            const float p = as_float(a[i]);                                                                                                          \
            const float q = as_float(b[i]);                                                                                                          \
            const float r = as_float(c[i]);                                                                                                          \
            y[i] = (expression);                                                                                                                     \
            (void)p;                                                                                                                                 \
            (void)q;                                                                                                                                 \
            (void)r;                                                                                                                                 \
        }                                                                                                                                            \
        break;
    switch (function) {
        CASE(0, as_uint(fma(p, q, r)))
        CASE(1, as_uint(ardm_mul(p, q) + r))
        CASE(2, as_uint((p + q) - p))
        CASE(3, as_uint(p * q))
        CASE(4, as_uint(p - q))
        CASE(5, as_uint(ardm_flush(p)))
        CASE(6, as_uint((float)(int)a[i]))
        CASE(7, (uint)(int)p)
        CASE(8, (uint)(p < q) | (uint)(p <= q) << 1 | (uint)(p == q) << 2 | (uint)(p != q) << 3)
        CASE(9, (uint)((((ulong)a[i] << 32) | b[i]) / ((ulong)c[i] | 1)))
        CASE(10, (uint)(((ulong)a[i] * b[i] + (1UL << 29)) >> 30) ^ ardm_mul_high(a[i], c[i]))
        CASE(11, as_uint(ardm_exp(p)))
        CASE(12, as_uint(ardm_log(p)))
        CASE(13, as_uint(ardm_log1p(p)))
        CASE(14, as_uint(ardm_divide(p, q)))
        CASE(15, as_uint(ardm_reciprocal(p)))
        CASE(16, as_uint(ardm_rsqrt(p)))
        CASE(17, as_uint(ardm_sqrt(p)))
        CASE(18, as_uint(ardm_tanh(p)))
        CASE(19, as_uint(ardm_sigmoid(p)))
        CASE(20, as_uint(ardm_softplus(p)))
        CASE(21, as_uint(ardm_silu_grad(p)))
        CASE(22, as_uint(ardm_gelu(p)))
        CASE(23, as_uint(ardm_gelu_grad(p)))
        CASE(24, as_uint(ardm_sin(p)))
        CASE(25, as_uint(ardm_cos(p)))
        CASE(26, as_uint(ardm_normal(a[i], b[i])))
    }
}
