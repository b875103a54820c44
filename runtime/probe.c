/* The primitives of exact numerics and every function of exact.h, run on a device and compared with the same text on this host.
 *
 * The first liveness case is a rounded product that feeds an addition, on operands where fusing shows; that a fused result would
 * be seen is checked on the host, for a control that cannot fail proves nothing. */
#include "ardm/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/cache.h"
#include "ardm/exact.h"
#include "ardm/log.h"
#include "ardm/philox.h"
#include "device_private.h"

extern const char *const ardm_cl_exact;
extern const char *const ardm_cl_probe;

enum { POINTS = 4096, CHUNK = 64 };
enum { RANDOM_BITS, UNIFORM, SCALES, FUSION, DOUBLE_ROUNDING, CANCELLATION, EDGES };

typedef struct check {
    const char *name;
    uint32_t (*host)(uint32_t a, uint32_t b, uint32_t c);
    int32_t points;    /* how operands are made */
    float low, high;   /* UNIFORM: range; SCALES: exponents of two */
    int32_t is_signed; /* SCALES: half of the operands negative */
} check;

#define HOST(name, expression)                                                                                                                       \
    static uint32_t name(uint32_t a, uint32_t b, uint32_t c) {                                                                                       \
        const float p = ardm_from_bits(a), q = ardm_from_bits(b), r = ardm_from_bits(c);                                                             \
        (void)p, (void)q, (void)r;                                                                                                                   \
        return expression;                                                                                                                           \
    }
HOST(host_fma, ardm_bits(ardm_fma(p, q, r)))
HOST(host_mul_add, ardm_bits(ardm_mul(p, q) + r))
HOST(host_cancel, ardm_bits((p + q) - p))
HOST(host_mul, ardm_bits(p *q))
HOST(host_sub, ardm_bits(p - q))
HOST(host_flush, ardm_bits(ardm_flush(p)))
HOST(host_from_int, ardm_bits((float)(int32_t)a))
HOST(host_to_int, (uint32_t)(int32_t)p)
HOST(host_compare, (uint32_t)(p < q) | (uint32_t)(p <= q) << 1 | (uint32_t)(p == q) << 2 | (uint32_t)(p != q) << 3)
HOST(host_divide_64, (uint32_t)((((uint64_t)a << 32) | b) / ((uint64_t)c | 1)))
HOST(host_multiply_64, (uint32_t)(((uint64_t)a * b + (UINT64_C(1) << 29)) >> 30) ^ ardm_mul_high(a, c))
HOST(host_exp, ardm_bits(ardm_exp(p)))
HOST(host_log, ardm_bits(ardm_log(p)))
HOST(host_log1p, ardm_bits(ardm_log1p(p)))
HOST(host_divide, ardm_bits(ardm_divide(p, q)))
HOST(host_reciprocal, ardm_bits(ardm_reciprocal(p)))
HOST(host_rsqrt, ardm_bits(ardm_rsqrt(p)))
HOST(host_sqrt, ardm_bits(ardm_sqrt(p)))
HOST(host_tanh, ardm_bits(ardm_tanh(p)))
HOST(host_sigmoid, ardm_bits(ardm_sigmoid(p)))
HOST(host_softplus, ardm_bits(ardm_softplus(p)))
HOST(host_silu_grad, ardm_bits(ardm_silu_grad(p)))
HOST(host_gelu, ardm_bits(ardm_gelu(p)))
HOST(host_gelu_grad, ardm_bits(ardm_gelu_grad(p)))
HOST(host_sin, ardm_bits(ardm_sin(p)))
HOST(host_cos, ardm_bits(ardm_cos(p)))
HOST(host_normal, ardm_bits(ardm_normal(a, b)))

/* In the order of probe.cl's cases. Ranges keep products and quotients normal: what flushing devices may differ in never occurs. */
static const check checks[] = {
    {"fma rounds once", host_fma, DOUBLE_ROUNDING, 0, 0, 0},
    {"a rounded product is not fused", host_mul_add, FUSION, 0, 0, 0},
    {"cancellation", host_cancel, CANCELLATION, 0, 0, 0},
    {"product", host_mul, SCALES, -40, 40, 1},
    {"difference", host_sub, SCALES, -20, 20, 1},
    {"small values become zero", host_flush, EDGES, 0, 0, 0},
    {"integer to float", host_from_int, RANDOM_BITS, 0, 0, 0},
    {"float to integer", host_to_int, UNIFORM, -1e5f, 1e5f, 0},
    {"comparisons", host_compare, EDGES, 0, 0, 0},
    {"64-bit division", host_divide_64, RANDOM_BITS, 0, 0, 0},
    {"64-bit product", host_multiply_64, RANDOM_BITS, 0, 0, 0},
    {"exp", host_exp, UNIFORM, -35, 88, 0},
    {"log", host_log, SCALES, -39, 100, 0},
    {"log1p", host_log1p, UNIFORM, -0.99f, 8, 0},
    {"divide", host_divide, SCALES, -38, 38, 1},
    {"reciprocal", host_reciprocal, SCALES, -38, 38, 1},
    {"rsqrt", host_rsqrt, SCALES, -39, 100, 0},
    {"sqrt", host_sqrt, SCALES, -39, 100, 0},
    {"tanh", host_tanh, UNIFORM, -12, 12, 0},
    {"sigmoid", host_sigmoid, UNIFORM, -40, 40, 0},
    {"softplus", host_softplus, UNIFORM, -40, 40, 0},
    {"silu gradient", host_silu_grad, UNIFORM, -40, 40, 0},
    {"gelu", host_gelu, UNIFORM, -12, 12, 0},
    {"gelu gradient", host_gelu_grad, UNIFORM, -12, 12, 0},
    {"sin", host_sin, UNIFORM, -8192, 8192, 0},
    {"cos", host_cos, UNIFORM, -8192, 8192, 0},
    {"normal deviate", host_normal, RANDOM_BITS, 0, 0, 0},
};
enum { N_CHECKS = sizeof checks / sizeof checks[0] };

static uint32_t word(uint32_t which, uint32_t i) { return ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 99, which, i); }
static float unit(uint32_t which, uint32_t i) { return (float)(word(which, i) >> 8) * 0x1p-24f; }

/* 2^n by bits. */
static float power(int32_t n) { return ardm_from_bits((uint32_t)(n + 127) << 23); }

static uint32_t scaled(const check *what, uint32_t which, uint32_t i) {
    uint32_t bits = word(which, i), span = (uint32_t)(what->high - what->low);
    uint32_t exponent = (uint32_t)((int32_t)what->low + 127) + word(which + 10, i) % span;
    return (what->is_signed ? bits & 0x80000000u : 0) | exponent << 23 | (bits & 0x7fffffu);
}

/* 1 + 2^-23 + 2^-24 - 2^-54 and 1 + 2^-24 + 2^-54: a double between rounds to a tie, and the tie to the wrong neighbour. Then
 * random operands, their sum near cancellation. */
static void double_rounding(uint32_t i, uint32_t *a, uint32_t *b, uint32_t *c) {
    float sign = word(3, i) & 1 ? -1.0f : 1.0f, scale = power((int32_t)(word(4, i) % 20) - 10);
    float p = (1 + 0x1p-15f) * 0x1p-12f, q = (1 - 0x1p-15f) * 0x1p-12f, r = 1 + 0x1p-23f;
    if (i % 3 == 1) {
        p = 3303821.0f * 0x1p-27f; /* 3303821 * 325 = 2^30 + 1 */
        q = 325.0f * 0x1p-27f;
        r = 1;
    } else if (i % 3 == 2) {
        p = 1 + unit(5, i);
        q = 1 + unit(6, i);
        r = -(p * q);
    }
    *a = ardm_bits(p * sign * scale);
    *b = ardm_bits(q);
    *c = ardm_bits(r * sign * scale);
}

static void make_point(const check *what, uint32_t i, uint32_t *a, uint32_t *b, uint32_t *c) {
    static const uint32_t edges[] = {0,          0x80000000, 1,          0x80000001, 0x007fffff, 0x00800000, 0x2b7fffff, 0x2b800000,
                                     0x2b800001, 0xab7fffff, 0xab800000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0x7f800000, 0xff800000};
    *a = word(0, i);
    *b = word(1, i);
    *c = word(2, i);
    float p = 1 + unit(5, i), q = 1 + unit(6, i);
    switch (what->points) {
    case UNIFORM:
        *a = ardm_bits(ardm_flush(what->low + unit(0, i) * (what->high - what->low)));
        *b = ardm_bits(1 + unit(1, i));
        break;
    case SCALES:
        *a = scaled(what, 0, i);
        *b = scaled(what, 1, i);
        break;
    case FUSION: /* the product cancels but for its rounding error */
        *a = ardm_bits(p);
        *b = ardm_bits(q);
        *c = ardm_bits(-(p * q));
        break;
    case DOUBLE_ROUNDING:
        double_rounding(i, a, b, c);
        break;
    case CANCELLATION:
        *a = ardm_bits(p * power((int32_t)(word(4, i) % 28)));
        *b = ardm_bits(q);
        break;
    case EDGES:
        *a = edges[i % 16];
        *b = edges[i / 16 % 16];
        /* A device may read a subnormal as zero, so two of those are not compared. */
        if (what->host == host_compare) {
            if ((*a & 0x7f800000u) == 0) *a = 0;
            if ((*b & 0x7f800000u) == 0) *b = 0;
        } else if (i >= 256) {
            *a = word(0, i) & 0x7f800000u ? word(0, i) & 0xbfffffffu : 0;
        }
        break;
    default:
        break;
    }
    /* 2^31 and above have no int, and NaNs have no defined payload. */
    if (what->host == host_divide_64) *c |= UINT32_C(0x80000000);
}

static int same_value(uint32_t a, uint32_t b) {
    int nan_a = (a & 0x7fffffffu) > 0x7f800000u, nan_b = (b & 0x7fffffffu) > 0x7f800000u;
    return a == b || (nan_a && nan_b);
}

/* Whether a fused result would differ from a rounded one, on every point. */
static int fusion_shows(const uint32_t *a, const uint32_t *b, const uint32_t *c) {
    uint32_t shows = 0;
    for (uint32_t i = 0; i < POINTS; ++i) shows += host_fma(a[i], b[i], c[i]) != host_mul_add(a[i], b[i], c[i]);
    return shows > POINTS / 2;
}

typedef struct run {
    ardm_device *device;
    ardm_kernel *kernel;
    ardm_buffer *buffers[4];
    uint32_t *words[4];
} run;

static ardm_status run_check(run *r, uint32_t number, int32_t *exact, char *line, size_t size) {
    const check *what = &checks[number];
    ardm_launch *launch = NULL;
    for (uint32_t i = 0; i < POINTS; ++i) make_point(what, i, &r->words[0][i], &r->words[1][i], &r->words[2][i]);
    if (what->points == FUSION && !fusion_shows(r->words[0], r->words[1], r->words[2]))
        return ardm_fail(ARDM_EINEXACT, "this program was built so that the host itself fuses products; it cannot judge a device");
    for (int k = 0; k < 3; ++k) ARDM_TRY(ardm_queue_write(r->device, r->buffers[k], 0, r->words[k], sizeof(uint32_t) * POINTS));
    ARDM_TRY(ardm_queue_fill(r->device, r->buffers[3], 0, UINT32_C(0xffffffff), sizeof(uint32_t) * POINTS));
    ardm_launch_arg args[6] = {{ARDM_ARG_BUFFER, 0, 0, r->buffers[0]},   {ARDM_ARG_BUFFER, 0, 0, r->buffers[1]},
                               {ARDM_ARG_BUFFER, 0, 0, r->buffers[2]},   {ARDM_ARG_BUFFER, 0, 0, r->buffers[3]},
                               {ARDM_ARG_I32, (int32_t)number, 0, NULL}, {ARDM_ARG_I32, POINTS, 0, NULL}};
    ARDM_TRY(ardm_launch_create(&launch, r->device, r->kernel, 1, (const uint64_t[3]){POINTS / CHUNK, 1, 1}, (const uint64_t[3]){1, 1, 1}, args, 6));
    ardm_status status = ardm_launch_enqueue(launch);
    if (status == ARDM_OK) status = ardm_queue_read(r->device, r->buffers[3], 0, r->words[3], sizeof(uint32_t) * POINTS);
    ardm_launch_release(&launch);
    if (status != ARDM_OK) return status;
    *exact = 1;
    snprintf(line, size, "%s: exact on %d points", what->name, POINTS);
    for (uint32_t i = 0; i < POINTS; ++i) {
        uint32_t want = what->host(r->words[0][i], r->words[1][i], r->words[2][i]);
        if (same_value(want, r->words[3][i])) continue;
        snprintf(line, size, "%s: operands %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " give %08" PRIx32 ", exact is %08" PRIx32, what->name,
                 r->words[0][i], r->words[1][i], r->words[2][i], r->words[3][i], want);
        *exact = 0;
        break;
    }
    return ARDM_OK;
}

static ardm_status open_run(run *r, ardm_device *device, const char *source) {
    memset(r, 0, sizeof *r);
    r->device = device;
    ARDM_TRY(ardm_kernel_get(&r->kernel, device, source, "", "probe"));
    for (int k = 0; k < 4; ++k) {
        ARDM_TRY(ardm_buffer_create(&r->buffers[k], device, sizeof(uint32_t) * POINTS));
        r->words[k] = malloc(sizeof(uint32_t) * POINTS);
        if (!r->words[k]) return ardm_fail(ARDM_ENOMEM, "no memory for the probe");
    }
    return ARDM_OK;
}

ardm_status ardm_probe_report(ardm_device *device, ardm_probe_sink sink, void *user) { return ardm__probe_source(device, ardm_cl_probe, sink, user); }

ardm_status ardm__probe_source(ardm_device *device, const char *source, ardm_probe_sink sink, void *user) {
    run r;
    char line[240], failing[240] = "";
    if (ardm_device_is_reference(device)) {
        if (sink) sink(user, "reference", 1, "reference: the C reference defines what exact is");
        return ARDM_OK;
    }
    ardm_status status = open_run(&r, device, source);
    for (uint32_t number = 0; number < N_CHECKS && status == ARDM_OK; ++number) {
        int32_t exact = 0;
        status = run_check(&r, number, &exact, line, sizeof line);
        if (status != ARDM_OK) break;
        if (sink) sink(user, checks[number].name, exact, line);
        if (!exact && !failing[0]) memcpy(failing, line, sizeof line);
    }
    for (int k = 0; k < 4; ++k) {
        ardm_buffer_release(&r.buffers[k]);
        free(r.words[k]);
    }
    if (status != ARDM_OK) return ardm_fail_in(status, "probing %s", device->name);
    return failing[0] ? ardm_fail(ARDM_EINEXACT, "%s is not exact: %s", device->name, failing) : ARDM_OK;
}

/* Verdicts: a file named by the hash of device, driver and key, which it repeats, so that one under a wrong name says nothing;
 * then "exact" or the failing line. What was found exact is also remembered by the open device. */
typedef struct verdict {
    ardm_sha256 hash;
    char hex[65];
} verdict;

static ardm_status name_verdict(verdict *out, const ardm_device *device, const char *key) {
    const ardm_device_facts *facts = device->facts;
    const char *const fields[] = {"ardm probe 2",   facts->platform,     facts->name, facts->vendor, facts->driver, facts->version,
                                  facts->c_version, ardm__build_options, key};
    ardm_identity *identity;
    ARDM_TRY(ardm_identity_begin(&identity));
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; ++k) ardm_identity_field(identity, fields[k], strlen(fields[k]));
    /* Plans cut work by the number of units. */
    ardm_identity_field(identity, &facts->compute_units, sizeof facts->compute_units);
    ardm_identity_end(&identity, &out->hash);
    ardm_sha256_hex(&out->hash, out->hex);
    return ARDM_OK;
}

static ardm_status verdict_path(char *out, size_t size, const verdict *v) {
    char folder[900];
    ARDM_TRY(ardm_cache_folder(folder, sizeof folder));
    snprintf(out, size, "%s/%s.probe", folder, v->hex);
    return ARDM_OK;
}

static int32_t is_known(const ardm_device *device, const verdict *v) {
    for (uint32_t k = 0; k < device->n_exact; ++k)
        if (memcmp(&device->exact[k], &v->hash, sizeof v->hash) == 0) return 1;
    return 0;
}

static void remember(ardm_device *device, const verdict *v) {
    if (is_known(device, v)) return;
    ardm_sha256 *grown = realloc(device->exact, (device->n_exact + 1) * sizeof *grown);
    if (!grown) return; /* then the file, or the probe, answers again */
    device->exact = grown;
    grown[device->n_exact++] = v->hash;
}

int32_t ardm_probe_lookup(ardm_device *device, const char *key) {
    verdict v;
    char path[1024], exact[80];
    ardm_bytes text = {0};
    int32_t answer = -1;
    if (name_verdict(&v, device, key) != ARDM_OK) return -1;
    if (is_known(device, &v)) return 1;
    if (verdict_path(path, sizeof path, &v) != ARDM_OK || !ardm_file_exists(path)) return -1;
    size_t length = (size_t)snprintf(exact, sizeof exact, "%s\nexact\n", v.hex);
    if (ardm_file_read(&text, path, 4096, 0) == ARDM_OK && text.size > 65 && memcmp(text.data, exact, 65) == 0)
        answer = text.size == length && memcmp(text.data, exact, length) == 0;
    ardm_bytes_free(&text);
    if (answer == 1) remember(device, &v);
    return answer;
}

void ardm_probe_keep(ardm_device *device, const char *key, int32_t exact, const char *line) {
    verdict v;
    char folder[900], path[1024], text[500];
    if (name_verdict(&v, device, key) != ARDM_OK) return;
    if (exact) remember(device, &v);
    if (ardm_cache_folder(folder, sizeof folder) != ARDM_OK || ardm_make_directories(folder) != ARDM_OK) return;
    if (verdict_path(path, sizeof path, &v) != ARDM_OK) return;
    int length = snprintf(text, sizeof text, "%s\n%.400s\n", v.hex, exact ? "exact" : line);
    if (length > 0) (void)ardm_file_write(path, text, (size_t)length, 1);
}

ardm_status ardm_probe_primitives(ardm_device *device) {
    char key[80];
    if (ardm_device_is_reference(device)) return ARDM_OK;
    snprintf(key, sizeof key, "primitives %016" PRIx64 " %016" PRIx64, ardm_xxh64(ardm_cl_exact, strlen(ardm_cl_exact)),
             ardm_xxh64(ardm_cl_probe, strlen(ardm_cl_probe)));
    /* A refusal is not believed from a file: it costs little to say again which line fails. */
    if (ardm_probe_lookup(device, key) == 1) return ARDM_OK;
    ardm_status status = ardm_probe_report(device, NULL, NULL);
    if (status == ARDM_OK || status == ARDM_EINEXACT) ardm_probe_keep(device, key, status == ARDM_OK, ardm_message());
    return status;
}
