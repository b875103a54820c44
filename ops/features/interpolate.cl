// features/interpolate.cl: normalised convolution of what is known (features/interpolate_rows.h has the formula)
//   lines    5·W·C floats of scratch a row of pixels
//   stages, base, K   the chain, where the family is zoomed; zoomed 0: stage is not read
//   global   N·H, a row of pixels each; any local size

static int width_of(const int base, const int K, const int digits) {
    int width = 1;
    for (int k = 0; k < digits && width < K; k++) width = base > K / width ? K : width * base;
    return width < K ? width : K;
}

static float weight(const int radius, const int d) {
    const int t = radius * radius - d * d;
    const float scale = ardm_from_bits((uint)(127 + 2 * clz(radius) - 62) << 23); // 1 / radius², a power of two
    return ardm_mul(ardm_mul((float)t, scale), ardm_mul((float)t, scale));
}

static float limited(const float x) {
    const float y = ardm_select(x < -4.0f, -4.0f, x);
    return ardm_select(y > 4.0f, 4.0f, y);
}

static void along(global const float *restrict from, global float *restrict to, const int wide, const int C, const int radius) {
    for (int i = 0; i < wide; i++) to[i] = 0.0f;
    for (int d = 1 - radius; d < radius; d++) {
        const float w = weight(radius, d);
        const int shift = d * C, first = max(-shift, 0), last = wide - max(shift, 0);
        for (int i = first; i < last; i++) to[i] = fma(w, from[i + shift], to[i]);
    }
    for (int i = 0; i < wide; i++) to[i] = ardm_flush(to[i]);
}

kernel void interpolate(global const float *restrict values, global const uchar *restrict states, global const int *restrict stage,
                        global float *restrict features, global float *restrict centres, global float *restrict lines, const int H, const int W,
                        const int C, const int scales, const int g, const int zoomed, const int stages, const int base, const int K) {
    const int residual = g > 0, row = (int)get_global_id(0), y = row % H, wide = W * C, F = C * (2 * scales + 3);
    global float *restrict v = lines + (size_t)row * 5 * wide, *restrict u = v + wide, *restrict a = u + wide, *restrict b = a + wide, *restrict r = b + wide;
    global float *restrict centre = centres + (size_t)row * wide;
    global float *restrict out = features + (size_t)row * W * F;
    global const float *x = values + (size_t)row * wide;
    global const uchar *state = states + (size_t)row * wide;
    float inverse = 1.0f;
    if (zoomed) {
        const int s = clamp(stage[row / H], 0, stages - 1);
        inverse = ardm_flush(ardm_divide((float)(K - 1), (float)(2 * width_of(base, K, stages - s))));
    }
    const float gain = zoomed ? inverse : (float)g;
    for (int i = 0; i < wide; i++) centre[i] = r[i] = 0.0f;
    for (int j = scales - 1; j >= 0; j--) {
        const int radius = 2 << j;
        for (int i = 0; i < wide; i++) v[i] = u[i] = 0.0f;
        for (int d = max(1 - radius, -y); d < min(radius, H - y); d++) {
            const float w = weight(radius, d);
            global const float *xd = x + (long)d * wide;
            global const uchar *sd = state + (long)d * wide;
            for (int i = 0; i < wide; i++) {
                const int known = (sd[i] == 1) | (sd[i] == 2);
                v[i] = fma(w, ardm_select(known, xd[i], 0.0f), v[i]);
                u[i] = fma(w, ardm_select(known, 1.0f, 0.0f), u[i]);
            }
        }
        for (int i = 0; i < wide; i++) {
            v[i] = ardm_flush(v[i]);
            u[i] = ardm_flush(u[i]);
        }
        along(v, a, wide, C, radius);
        along(u, b, wide, C, radius);
        for (int i = 0; i < wide; i++) {
            const int none = b[i] == 0.0f, hidden = state[i] > 2, known = (state[i] == 1) | (state[i] == 2);
            const float mass = ardm_select(none, 1.0f, b[i]), q = ardm_flush(ardm_divide(a[i], mass));
            const float near = limited(ardm_flush(ardm_mul(ardm_flush(q - x[i]), inverse)));
            const float rest = ardm_flush(b[i] - 1.0f), others = ardm_flush(a[i] - x[i]);
            const int alone = residual && !(rest > 0.0f);
            const float o = ardm_flush(ardm_divide(others, ardm_select(rest > 0.0f, rest, 1.0f)));
            const float apart = ardm_flush(x[i] - ardm_select(residual, o, q)), scaled = limited(ardm_flush(ardm_mul(apart, gain)));
            centre[i] = ardm_select(hidden, 0.0f, ardm_select(none, centre[i], q));
            a[i] = ardm_select(none | hidden, 0.0f, ardm_select(zoomed, near, q));
            b[i] = ardm_select(hidden, 0.0f, ardm_select(none, -3.0f, ardm_flush(ardm_mul(ardm_log(mass), 0.25f))));
            r[i] = ardm_select(known, ardm_select(alone, r[i], ardm_select(zoomed | residual, scaled, apart)), 0.0f);
        }
        for (int p = 0; p < W; p++)
            for (int c = 0; c < C; c++) {
                out[(size_t)p * F + j * C + c] = a[p * C + c];
                out[(size_t)p * F + (scales + j) * C + c] = b[p * C + c];
            }
    }
    for (int p = 0; p < W; p++)
        for (int c = 0; c < C; c++) {
            const int seen = state[p * C + c];
            global float *to = out + (size_t)p * F + 2 * scales * C + c;
            to[0] = r[p * C + c];
            to[C] = seen == 1 || seen == 2 ? 1.0f : 0.0f;
            to[2 * C] = seen == 2 ? 1.0f : 0.0f;
        }
}
