/* How loud each frequency of a short piece of sound is, as shades of grey. Only + − × /, so a picture is the same everywhere. */
#include <math.h>

#include "audio.h"

enum { N = AUDIO_SPECTRUM, SHADES = 255, OCTAVES = 27 }; /* of power, 81 dB, from white to black */

/* In place, decimation in time; turn[k] = exp(−2πik / N) as two tables. */
static void transform(double *re, double *im, const double *turn_re, const double *turn_im) {
    for (int i = 1, j = 0; i < N; ++i) {
        int bit = N / 2;
        for (; j & bit; bit /= 2) j ^= bit;
        j |= bit;
        if (i >= j) continue;
        double a = re[i], b = im[i];
        re[i] = re[j];
        im[i] = im[j];
        re[j] = a;
        im[j] = b;
    }
    for (int half = 1; half < N; half *= 2)
        for (int at = 0; at < N; at += 2 * half)
            for (int k = 0; k < half; ++k) {
                double c = turn_re[k * (N / 2 / half)], s = turn_im[k * (N / 2 / half)];
                double *lr = &re[at + k], *li = &im[at + k], *hr = lr + half, *hi = li + half;
                double a = *hr * c - *hi * s, b = *hr * s + *hi * c;
                *hr = *lr - a;
                *hi = *li - b;
                *lr += a;
                *li += b;
            }
}

/* log2 of a power within 0.09, from its exponent and a chord of its mantissa. */
static double octaves(double power) {
    int exponent;
    double mantissa = frexp(power, &exponent);
    return exponent - 2 + 2 * mantissa;
}

void audio_spectrum(const double *samples, uint8_t *shades) {
    const double step_re = 0x1.ffd886084cd0dp-1, step_im = -0x1.92155f7a3667ep-6; /* exp(−2πi / 256) */
    double turn_re[N] = {1}, turn_im[N] = {0}, re[N], im[N];
    for (int k = 1; k < N; ++k) {
        turn_re[k] = turn_re[k - 1] * step_re - turn_im[k - 1] * step_im;
        turn_im[k] = turn_re[k - 1] * step_im + turn_im[k - 1] * step_re;
    }
    for (int k = 0; k < N; ++k) {
        re[k] = samples[k] * (0.5 - 0.5 * turn_re[k]); /* Hann: a sine of full scale has power (N / 4)² */
        im[k] = 0;
    }
    transform(re, im, turn_re, turn_im);
    for (int k = 0; k < N / 2; ++k) {
        double power = (re[k] * re[k] + im[k] * im[k]) / (N / 4.0 * N / 4.0), quiet = power > 0 ? -octaves(power) * SHADES / OCTAVES : SHADES;
        shades[k] = (uint8_t)(quiet < 0 ? 0 : quiet > SHADES ? SHADES : quiet);
    }
}
