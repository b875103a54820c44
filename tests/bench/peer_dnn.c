/* oneDNN 2.x as a peer: it chooses its layouts, and operands are put into them beforehand. For convolution the better of its
 * own choice and channels-last counts. */
#include "bench.h"

#ifdef ARDM_WITH_ONEDNN
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARDM_WITH_OPENMP
#include <omp.h>
#endif

enum { MOST_MEMORIES = 3 };

typedef struct layer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[MOST_MEMORIES];
    float *data[MOST_MEMORIES];
    int count;
} layer;

static void execute(void *user, int32_t times) {
    const layer *l = user;
    for (int32_t i = 0; i < times; ++i) dnnl_primitive_execute(l->primitive, l->stream, l->count, l->arguments);
    dnnl_stream_wait(l->stream);
}

static int add_memory(layer *l, int argument, dnnl_query_t what, int index) {
    const dnnl_memory_desc_t *description = dnnl_primitive_desc_query_md(l->description, what, index);
    if (!description) return 0;
    const size_t bytes = (dnnl_memory_desc_get_size(description) + 63) / 64 * 64;
    float *data = aligned_alloc(64, bytes);
    if (!data) return 0;
    for (size_t i = 0; i < bytes / sizeof *data; ++i) data[i] = (float)(i % 97) / 97.0f - 0.5f;
    l->data[l->count] = data;
    l->arguments[l->count].arg = argument;
    return dnnl_memory_create(&l->arguments[l->count++].memory, description, l->engine, data) == dnnl_success;
}

static int begin(const bench *b, layer *l) {
    memset(l, 0, sizeof *l);
#ifdef ARDM_WITH_OPENMP
    omp_set_num_threads(b->threads);
#else
    if (b->threads > 1) return 0; /* its number of threads cannot be set from here */
#endif
    return dnnl_engine_create(&l->engine, dnnl_cpu, 0) == dnnl_success &&
           dnnl_stream_create(&l->stream, l->engine, dnnl_stream_default_flags) == dnnl_success;
}

static double finish(layer *l, int ready) {
    double seconds = -1;
    if (ready && dnnl_primitive_create(&l->primitive, l->description) == dnnl_success) seconds = bench_median(execute, l);
    if (l->primitive) dnnl_primitive_destroy(l->primitive);
    for (int i = 0; i < l->count; ++i) {
        if (l->arguments[i].memory) dnnl_memory_destroy(l->arguments[i].memory);
        free(l->data[i]);
    }
    if (l->description) dnnl_primitive_desc_destroy(l->description);
    if (l->stream) dnnl_stream_destroy(l->stream);
    if (l->engine) dnnl_engine_destroy(l->engine);
    return seconds;
}

double bench_onednn_matmul(const bench *b, int32_t m, int32_t n, int32_t k) {
    layer l;
    dnnl_memory_desc_t x, w, y;
    dnnl_matmul_desc_t product;
    int ready = begin(b, &l);
    dnnl_memory_desc_init_by_tag(&x, 2, (const dnnl_dims_t){m, k}, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&w, 2, (const dnnl_dims_t){k, n}, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&y, 2, (const dnnl_dims_t){m, n}, dnnl_f32, dnnl_ab);
    ready = ready && dnnl_matmul_desc_init(&product, &x, &w, NULL, &y) == dnnl_success &&
            dnnl_primitive_desc_create(&l.description, &product, NULL, l.engine, NULL) == dnnl_success &&
            add_memory(&l, DNNL_ARG_SRC, dnnl_query_src_md, 0) && add_memory(&l, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0) &&
            add_memory(&l, DNNL_ARG_DST, dnnl_query_dst_md, 0);
    return finish(&l, ready);
}

static double convolve(const bench *b, const bench_conv *c, int32_t pass, dnnl_format_tag_t layout) {
    layer l;
    dnnl_memory_desc_t x, w, y;
    dnnl_convolution_desc_t conv;
    dnnl_primitive_desc_t hint = NULL;
    const dnnl_dims_t strides = {1, 1}, dilates = {c->dilation - 1, c->dilation - 1};
    const dnnl_dims_t padding = {c->kernel_height / 2 * c->dilation, c->kernel_width / 2 * c->dilation};
    int ready = begin(b, &l);
    dnnl_memory_desc_init_by_tag(&x, 4, (const dnnl_dims_t){c->items, c->channels, c->height, c->width}, dnnl_f32, layout);
    dnnl_memory_desc_init_by_tag(&w, 4, (const dnnl_dims_t){c->outputs, c->channels, c->kernel_height, c->kernel_width}, dnnl_f32,
                                 dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&y, 4, (const dnnl_dims_t){c->items, c->outputs, c->height, c->width}, dnnl_f32, layout);
    ready = ready &&
            dnnl_dilated_convolution_forward_desc_init(&conv, dnnl_forward_training, dnnl_convolution_direct, &x, &w, NULL, &y, strides, dilates,
                                                       padding, padding) == dnnl_success &&
            dnnl_primitive_desc_create(&hint, &conv, NULL, l.engine, NULL) == dnnl_success;
    if (ready && pass == BENCH_FORWARD) {
        l.description = hint;
        hint = NULL;
        ready = add_memory(&l, DNNL_ARG_SRC, dnnl_query_src_md, 0) && add_memory(&l, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0) &&
                add_memory(&l, DNNL_ARG_DST, dnnl_query_dst_md, 0);
    } else if (ready && pass == BENCH_BACKWARD_DATA) {
        ready = dnnl_dilated_convolution_backward_data_desc_init(&conv, dnnl_convolution_direct, &x, &w, &y, strides, dilates, padding, padding) ==
                    dnnl_success &&
                dnnl_primitive_desc_create(&l.description, &conv, NULL, l.engine, hint) == dnnl_success &&
                add_memory(&l, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0) && add_memory(&l, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0) &&
                add_memory(&l, DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md, 0);
    } else if (ready) {
        ready = dnnl_dilated_convolution_backward_weights_desc_init(&conv, dnnl_convolution_direct, &x, &w, NULL, &y, strides, dilates, padding,
                                                                    padding) == dnnl_success &&
                dnnl_primitive_desc_create(&l.description, &conv, NULL, l.engine, hint) == dnnl_success &&
                add_memory(&l, DNNL_ARG_SRC, dnnl_query_src_md, 0) && add_memory(&l, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0) &&
                add_memory(&l, DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md, 0);
    }
    if (hint) dnnl_primitive_desc_destroy(hint);
    return finish(&l, ready);
}

double bench_onednn_conv(const bench *b, const bench_conv *conv, int32_t pass) {
    const double chosen = convolve(b, conv, pass, dnnl_format_tag_any), last = convolve(b, conv, pass, dnnl_nhwc);
    return chosen > 0 && (last <= 0 || chosen < last) ? chosen : last;
}
#else
double bench_onednn_matmul(const bench *b, int32_t m, int32_t n, int32_t k) {
    (void)b, (void)m, (void)n, (void)k;
    return -1;
}

double bench_onednn_conv(const bench *b, const bench_conv *conv, int32_t pass) {
    (void)b, (void)conv, (void)pass;
    return -1;
}
#endif
