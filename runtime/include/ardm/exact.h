/* ardm/exact.h (runtime): the functions of exact numerics, one text for C17 and for OpenCL C 1.2.
 *
 * Only +, -, one rounded product (ardm_mul), fma, comparisons, integer operations and int <-> float conversion, so every
 * conforming device and compiler gives the same bits (numerics.md). No branch, no table, no subnormal intermediate for
 * canonical arguments (0 or |x| >= 2^-40); loops over these functions vectorise. Domains, errors and values at the ends stand
 * in runtime/exact.md, errors measured over all floats. NaN in gives NaN out; its payload is not defined. */
#ifndef ARDM_EXACT_H
#define ARDM_EXACT_H

#if defined(__FAST_MATH__) || defined(__FAST_RELAXED_MATH__)
#error "exact.h needs IEEE arithmetic: build without -ffast-math and -cl-fast-relaxed-math"
#endif

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
#pragma OPENCL FP_CONTRACT OFF
#define ARDM_EXACT_INLINE static inline __attribute__((always_inline, unused))
#define ardm_bits(x) as_uint(x)
#define ardm_from_bits(u) as_float(u)
#define ardm_fma(a, b, c) fma((float)(a), (float)(b), (float)(c))
/* A rounded product that may feed an addition: not a place where a compiler can fuse. */
ARDM_EXACT_INLINE float ardm_mul(const float a, const float b) { return fma(a, b, -0.0f); }
ARDM_EXACT_INLINE unsigned int ardm_mul_high(const unsigned int a, const unsigned int b) { return mul_hi(a, b); }
#else
#include <float.h>
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "exact.h needs FLT_EVAL_METHOD 0 (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif
#define ARDM_EXACT_INLINE static inline
ARDM_EXACT_INLINE unsigned int ardm_bits(const float x) {
    const union {
        float f;
        unsigned int u;
    } cast = {.f = x};
    return cast.u;
}
ARDM_EXACT_INLINE float ardm_from_bits(const unsigned int u) {
    const union {
        unsigned int u;
        float f;
    } cast = {.u = u};
    return cast.f;
}
#define ardm_fma(a, b, c) __builtin_fmaf((a), (b), (c))
/* Where the target has fma a plain product could be fused by a compiler that contracts by default; elsewhere it cannot. */
ARDM_EXACT_INLINE float ardm_mul(const float a, const float b) {
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, -0.0f);
#else
    return a * b;
#endif
}
ARDM_EXACT_INLINE unsigned int ardm_mul_high(const unsigned int a, const unsigned int b) { return (unsigned int)(((unsigned long long)a * b) >> 32); }
#endif

/* Canonical value F: +0 where |x| < 2^-40, else x. -0 never passes. */
ARDM_EXACT_INLINE float ardm_flush(const float x) {
    const unsigned int u = ardm_bits(x);
    return ardm_from_bits(u & (0u - (unsigned int)((u & 0x7fffffffu) >= 0x2b800000u)));
}

/* F' of the optimiser: +0 where |x| < 2^-100. */
ARDM_EXACT_INLINE float ardm_flush_small(const float x) {
    const unsigned int u = ardm_bits(x);
    return ardm_from_bits(u & (0u - (unsigned int)((u & 0x7fffffffu) >= 0x0d800000u)));
}

ARDM_EXACT_INLINE int ardm_is_finite(const float x) { return (ardm_bits(x) & 0x7f800000u) != 0x7f800000u; }

/* yes where `test` is 1, no where it is 0: by bits, so that both sides are computed and no compiler makes a branch. */
ARDM_EXACT_INLINE float ardm_select(const int test, const float yes, const float no) {
    const unsigned int mask = 0u - (unsigned int)test;
    return ardm_from_bits((ardm_bits(yes) & mask) | (ardm_bits(no) & ~mask));
}
ARDM_EXACT_INLINE float ardm_abs(const float x) { return ardm_from_bits(ardm_bits(x) & 0x7fffffffu); }
ARDM_EXACT_INLINE float ardm_max(const float a, const float b) { return ardm_select((a >= b) | (a != a), a, b); }
ARDM_EXACT_INLINE float ardm_min(const float a, const float b) { return ardm_select((a <= b) | (a != a), a, b); }

/* x as n ln 2 + r, |r| <= ln 2 / 2; (e^r - 1 - r) / r^2 is a polynomial. For -28 <= x <= 89. */
ARDM_EXACT_INLINE float ardm_exp_reduce(const float x, int *n) {
    const float t = ardm_fma(x, 1.442695022e+00f, 12582912.0f);
    const float k = t - 12582912.0f;
    *n = (int)(ardm_bits(t) - 0x4b400000u);
    return ardm_fma(k, -1.428606765e-06f, ardm_fma(k, -6.931457520e-01f, x));
}
ARDM_EXACT_INLINE float ardm_exp_tail(const float r) {
    float q = ardm_fma(r, 1.381459413e-03f, 8.368719369e-03f);
    q = ardm_fma(q, r, 4.166838899e-02f);
    q = ardm_fma(q, r, 1.666652113e-01f);
    return ardm_fma(q, r, 4.999999404e-01f);
}

/* e^x; +0 for x <= -40 ln 2, +inf above 88.722839. */
ARDM_EXACT_INLINE float ardm_exp(const float x) {
    float c = ardm_select(x < -28.0f, -28.0f, x);
    c = ardm_select(c > 89.0f, 89.0f, c);
    int n;
    const float r = ardm_exp_reduce(c, &n);
    const float p = ardm_fma(ardm_mul(r, r), ardm_exp_tail(r), r) + 1.0f;
    /* 2^128 is no float, so half of the scale enters by the exact p + p. */
    const float y = ardm_mul(p + p, ardm_from_bits((unsigned int)(n + 126) << 23));
    return ardm_select(x <= -27.725887298583984f, 0.0f, y);
}

/* log(1 + f) + k ln 2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1. */
ARDM_EXACT_INLINE float ardm_log_near(const float f, const float k) {
    const float z = ardm_mul(f, f);
    float p = ardm_fma(f, 6.746640801e-02f, -1.167565212e-01f);
    p = ardm_fma(p, f, 1.188816205e-01f);
    p = ardm_fma(p, f, -1.240558922e-01f);
    p = ardm_fma(p, f, 1.421955228e-01f);
    p = ardm_fma(p, f, -1.666799635e-01f);
    p = ardm_fma(p, f, 2.000211924e-01f);
    p = ardm_fma(p, f, -2.500000894e-01f);
    p = ardm_fma(p, f, 3.333331347e-01f);
    p = ardm_fma(p, f, -0.5f);
    p = ardm_fma(p, z, ardm_mul(k, 1.428606765e-06f));
    return ardm_fma(k, 6.931457520e-01f, p + f);
}

/* Natural logarithm of a positive normal number; log(0) = -inf (an error of the caller), below 0 NaN. */
ARDM_EXACT_INLINE float ardm_log(const float x) {
    const unsigned int u = ardm_bits(x) - 0x3f3504f3u;
    const int k = (int)u >> 23;
    const float f = ardm_from_bits((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float y = ardm_log_near(f, (float)k);
    y = ardm_select(x < 1.17549435e-38f, ardm_from_bits(0xff800000u), y);
    y = ardm_select(x < -1.17549435e-38f, ardm_from_bits(0x7fc00000u), y);
    return ardm_select(ardm_is_finite(x), y, ardm_select(x < 0.0f, ardm_from_bits(0x7fc00000u), x));
}

/* log(1 + x), exact to the last bits near 0; log1p(-1) = -inf, below -1 NaN. */
ARDM_EXACT_INLINE float ardm_log1p(const float x) {
    const float s = 1.0f + x;
    const float lost = x - (s - 1.0f);
    const unsigned int u = ardm_bits(s) - 0x3f3504f3u;
    const int k = (int)u >> 23;
    const float m = ardm_from_bits((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    /* 2^-k; k = 128 (x near the greatest float, nothing lost) gives 0. */
    const unsigned int scale = (unsigned int)(127 - k) & (0u - (unsigned int)(k < 127));
    const float f = ardm_fma(lost, ardm_from_bits(scale << 23), m);
    float y = ardm_log_near(f, (float)k);
    y = ardm_select(s < 1.17549435e-38f, ardm_from_bits(0xff800000u), y);
    y = ardm_select(s < 0.0f, ardm_from_bits(0x7fc00000u), y);
    return ardm_select(ardm_is_finite(x), y, ardm_select(x < 0.0f, ardm_from_bits(0x7fc00000u), x));
}

/* 1 / x for 2^-60 <= |x| <= 2^60: a guess by integers (5 %), then twice the cubic step y += y (e + e^2), e = 1 - x y. */
ARDM_EXACT_INLINE float ardm_reciprocal_near(const float x) {
    float y = ardm_from_bits(0x7ef311c7u - ardm_bits(x));
    float e = ardm_fma(-x, y, 1.0f);
    y = ardm_fma(y, ardm_fma(e, e, e), y);
    e = ardm_fma(-x, y, 1.0f);
    return ardm_fma(y, ardm_fma(e, e, e), y);
}
/* a / b for |b| as above and 2^-100 <= |a / b|, |a| or a = 0. */
ARDM_EXACT_INLINE float ardm_divide_near(const float a, const float b) {
    const float y = ardm_reciprocal_near(b);
    const float q = ardm_mul(a, y);
    return ardm_fma(ardm_fma(-b, q, a), y, q);
}

/* a / b, correctly rounded but for rare last bits: mantissas are divided, exponents subtracted. Quotients and arguments below
 * 2^-126 count as +0; a / 0 = inf with the sign of both, 0 / 0 and inf / inf NaN. */
ARDM_EXACT_INLINE float ardm_divide(const float a, const float b) {
    const unsigned int ua = ardm_bits(a), ub = ardm_bits(b);
    const int ea = (int)((ua >> 23) & 255u), eb = (int)((ub >> 23) & 255u);
    const float ma = ardm_from_bits((ua & 0x7fffffu) | 0x3f800000u), mb = ardm_from_bits((ub & 0x7fffffu) | 0x3f800000u);
    const unsigned int q = ardm_bits(ardm_divide_near(ma, mb));
    const int e = (int)(q >> 23) + ea - eb;
    const unsigned int sign = (ua ^ ub) & 0x80000000u;
    const float normal = ardm_from_bits(sign | (q & 0x7fffffu) | ((unsigned int)e << 23));
    float y = ardm_select(e > 254, ardm_from_bits(sign | 0x7f800000u), normal);
    y = ardm_select((e < 1) | (ea == 0), 0.0f, y);
    /* One side is 0, inf or NaN: the product with 1 / b as inf, 0 or NaN has the right value. */
    const float a0 = ardm_select(ea == 0, 0.0f, a);
    float r = ardm_from_bits((ub & 0x80000000u) | 0x3f800000u);
    r = ardm_select(eb == 0, ardm_from_bits((ub & 0x80000000u) | 0x7f800000u), r);
    r = ardm_select(eb == 255, ardm_select(b != b, b, 0.0f), r);
    return ardm_select((ea == 255) | (eb == 255) | (eb == 0), ardm_mul(a0, r), y);
}
ARDM_EXACT_INLINE float ardm_reciprocal(const float x) { return ardm_divide(1.0f, x); }

/* 1 / sqrt(x) for 1 <= x < 4. */
ARDM_EXACT_INLINE float ardm_rsqrt_near(const float x) {
    float y = ardm_from_bits(0x5f3759dfu - (ardm_bits(x) >> 1));
    float h = ardm_mul(x, y);
    float e = ardm_fma(-h, y, 1.0f);
    y = ardm_fma(ardm_mul(y, e), ardm_fma(e, 0.375f, 0.5f), y);
    h = ardm_mul(x, y);
    e = ardm_fma(-h, y, 1.0f);
    y = ardm_fma(ardm_mul(y, e), ardm_fma(e, 0.375f, 0.5f), y);
    /* e with the rounding error of the product taken off: the last step is right to half a unit. */
    h = ardm_mul(x, y);
    e = ardm_fma(-h, y, 1.0f);
    e = ardm_fma(-ardm_fma(x, y, -h), y, e);
    return ardm_fma(ardm_mul(y, 0.5f), e, y);
}

/* 1 / sqrt(x): of 0 (and of what is below 2^-126) inf, of inf 0, below 0 NaN. */
ARDM_EXACT_INLINE float ardm_rsqrt(const float x) {
    const unsigned int u = ardm_bits(x);
    const int e = (int)((u >> 23) & 255u) - 127, h = e >> 1;
    const float m = ardm_from_bits((u & 0x7fffffu) | ((unsigned int)(127 + (e & 1)) << 23));
    float y = ardm_from_bits(ardm_bits(ardm_rsqrt_near(m)) - ((unsigned int)h << 23));
    y = ardm_select(x < 1.17549435e-38f, ardm_from_bits(0x7f800000u), y);
    y = ardm_select(e == 128, ardm_select(x != x, x, 0.0f), y);
    return ardm_select(x <= -1.17549435e-38f, ardm_from_bits(0x7fc00000u), y);
}

/* sqrt(x): of 0 (and of what is below 2^-126) +0, of inf inf, below 0 NaN. */
ARDM_EXACT_INLINE float ardm_sqrt(const float x) {
    const unsigned int u = ardm_bits(x);
    const int e = (int)((u >> 23) & 255u) - 127, h = e >> 1;
    const float m = ardm_from_bits((u & 0x7fffffu) | ((unsigned int)(127 + (e & 1)) << 23));
    const float r = ardm_rsqrt_near(m);
    float s = ardm_mul(m, r);
    s = ardm_fma(ardm_fma(-s, s, m), ardm_mul(r, 0.5f), s);
    float y = ardm_from_bits(ardm_bits(s) + ((unsigned int)h << 23));
    y = ardm_select(x < 1.17549435e-38f, 0.0f, y);
    y = ardm_select(e == 128, x, y);
    return ardm_select(x <= -1.17549435e-38f, ardm_from_bits(0x7fc00000u), y);
}

/* tanh(x) = m / (m + 2), m = e^(2|x|) - 1; +-1 from |x| = 9.02. */
ARDM_EXACT_INLINE float ardm_tanh(const float x) {
    const float a = ardm_abs(x);
    const float d = ardm_select(a > 10.0f, 20.0f, a + a);
    int n;
    const float r = ardm_exp_reduce(d, &n);
    const float p = ardm_fma(ardm_mul(r, r), ardm_exp_tail(r), r);
    const float scale = ardm_from_bits((unsigned int)(n + 127) << 23);
    const float m = ardm_fma(scale, p, scale - 1.0f);
    const float y = ardm_divide_near(m, m + 2.0f);
    return ardm_select(x != x, x, ardm_from_bits(ardm_bits(y) | (ardm_bits(x) & 0x80000000u)));
}

/* 1 / (1 + e^-x); +0 for x <= -40 ln 2. */
ARDM_EXACT_INLINE float ardm_sigmoid(const float x) {
    const float e = ardm_exp(ardm_from_bits(ardm_bits(x) | 0x80000000u));
    const float s = ardm_reciprocal_near(1.0f + e);
    return ardm_select(x < 0.0f, ardm_mul(e, s), s);
}

/* log(1 + e^x) and log(sigmoid(x)). */
ARDM_EXACT_INLINE float ardm_softplus(const float x) {
    const float e = ardm_exp(ardm_from_bits(ardm_bits(x) | 0x80000000u));
    return ardm_select(x > 0.0f, x, 0.0f) + ardm_log1p(e);
}
ARDM_EXACT_INLINE float ardm_log_sigmoid(const float x) { return -ardm_softplus(-x); }

/* x sigmoid(x) and its derivative. */
ARDM_EXACT_INLINE float ardm_silu(const float x) { return ardm_mul(x, ardm_sigmoid(x)); }
ARDM_EXACT_INLINE float ardm_silu_grad(const float x) {
    float c = ardm_select(x > 64.0f, 64.0f, x);
    c = ardm_select(c < -64.0f, -64.0f, c);
    const float e = ardm_exp(ardm_from_bits(ardm_bits(c) | 0x80000000u));
    const float s = ardm_reciprocal_near(1.0f + e);
    const float up = ardm_select(c < 0.0f, ardm_mul(e, s), s); /* sigmoid(c); sigmoid(c) sigmoid(-c) = e s^2 */
    return ardm_fma(ardm_mul(c, e), ardm_mul(s, s), up);
}

/* GELU, tanh form: x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), and its derivative. */
ARDM_EXACT_INLINE float ardm_gelu(const float x) {
    float c = ardm_select(x > 16.0f, 16.0f, x);
    c = ardm_select(c < -16.0f, -16.0f, c);
    const float u = ardm_mul(c, ardm_fma(ardm_mul(c, c), 7.135481387e-02f, 1.595769167e+00f));
    return ardm_mul(x, ardm_sigmoid(u));
}
ARDM_EXACT_INLINE float ardm_gelu_grad(const float x) {
    float c = ardm_select(x > 16.0f, 16.0f, x);
    c = ardm_select(c < -16.0f, -16.0f, c);
    const float z = ardm_mul(c, c);
    const float u = ardm_mul(c, ardm_fma(z, 7.135481387e-02f, 1.595769167e+00f));
    const float du = ardm_fma(z, 2.140644491e-01f, 1.595769167e+00f);
    const float e = ardm_exp(ardm_from_bits(ardm_bits(u) | 0x80000000u));
    const float s = ardm_reciprocal_near(1.0f + e);
    const float up = ardm_select(u < 0.0f, ardm_mul(e, s), s);
    return ardm_fma(ardm_mul(ardm_mul(c, du), e), ardm_mul(s, s), up);
}

/* Sine and cosine of r + quadrant pi / 2, |r| <= pi / 4. */
ARDM_EXACT_INLINE float ardm_sine_near(const float r, const unsigned int quadrant) {
    const float z = ardm_mul(r, r);
    const float sp = ardm_fma(ardm_fma(z, -1.951463200e-04f, 8.332155645e-03f), z, -1.666665524e-01f);
    const float s = ardm_fma(ardm_mul(z, r), sp, r);
    const float cp = ardm_fma(ardm_fma(z, 2.443241283e-05f, -1.388730947e-03f), z, 4.166664556e-02f);
    const float c = ardm_fma(ardm_fma(z, cp, -0.5f), z, 1.0f);
    const float y = ardm_select((int)(quadrant & 1u), c, s);
    return ardm_from_bits(ardm_bits(y) ^ ((quadrant & 2u) << 30));
}
/* |x| <= 2^13. */
ARDM_EXACT_INLINE float ardm_sine_reduce(const float x, unsigned int *quadrant) {
    const float t = ardm_fma(x, 6.366197467e-01f, 12582912.0f);
    const float k = t - 12582912.0f;
    *quadrant = ardm_bits(t);
    return ardm_fma(k, 1.715124510e-15f, ardm_fma(k, 4.371138829e-08f, ardm_fma(k, -1.570796371e+00f, x)));
}
ARDM_EXACT_INLINE float ardm_sin(const float x) {
    unsigned int quadrant;
    const float r = ardm_sine_reduce(x, &quadrant);
    return ardm_sine_near(r, quadrant);
}
ARDM_EXACT_INLINE float ardm_cos(const float x) {
    unsigned int quadrant;
    const float r = ardm_sine_reduce(x, &quadrant);
    return ardm_sine_near(r, quadrant + 1u);
}

/* One normal deviate from two random words (Box and Muller): sqrt(-2 log u) cos(2 pi v), u in (0, 1], v in [0, 1). */
ARDM_EXACT_INLINE float ardm_normal(const unsigned int a, const unsigned int b) {
    const float u = ardm_mul((float)(int)((a >> 8) + 1u), 5.9604644775390625e-08f);
    const unsigned int v = b >> 8;
    const unsigned int quadrant = (v + 0x200000u) >> 22;
    const float r = ardm_mul((float)((int)v - (int)(quadrant << 22)), 3.745070387e-07f);
    return ardm_mul(ardm_sqrt(ardm_mul(-2.0f, ardm_log(u))), ardm_sine_near(r, quadrant + 1u));
}

/* Philox4x32-10 (Salmon et al., SC 2011): one word of the block of a counter; the layout of both is in ardm/philox.h. */
ARDM_EXACT_INLINE unsigned int ardm_philox_word(unsigned int c0, unsigned int c1, unsigned int c2, unsigned int c3, unsigned int k0, unsigned int k1,
                                                const unsigned int lane) {
    for (int round = 0; round < 10; ++round) {
        const unsigned int h0 = ardm_mul_high(0xd2511f53u, c0), l0 = 0xd2511f53u * c0;
        const unsigned int h1 = ardm_mul_high(0xcd9e8d57u, c2), l1 = 0xcd9e8d57u * c2;
        c0 = h1 ^ c1 ^ k0;
        c1 = l1;
        c2 = h0 ^ c3 ^ k1;
        c3 = l0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return lane == 0u ? c0 : lane == 1u ? c1 : lane == 2u ? c2 : c3;
}

#endif
