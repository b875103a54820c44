// map.cl: y[i] = F(scalar(a[i], b[i], c[i], attributes)), the generated kernels of every elementwise op
//   a b c   inputs of n elements, or of n/k elements where they repeat (a suffix of the output's shape), or of one element
//   y       n outputs
//   count_* elements of an input; an input of one element is compiled with STEP_*=0
// The generator puts these before the text: MAP_INPUTS, MAP_PARAMETERS (", const float by" for attributes), MAP_ARGUMENTS
// (", by"), MAP_SCALAR (the expression), MAP_FLUSH (F for float outputs).
#ifndef MAP_SCALAR
#define MAP_INPUTS 3
#define MAP_PARAMETERS
#define MAP_ARGUMENTS
#define MAP_SCALAR fma(a, b, c)
#define MAP_FLUSH(x) (x)
#endif
#ifndef TYPE_A
#define TYPE_A float
#endif
#ifndef TYPE_B
#define TYPE_B float
#endif
#ifndef TYPE_C
#define TYPE_C float
#endif
#ifndef TYPE_Y
#define TYPE_Y float
#endif
#ifndef STEP_A
#define STEP_A 1
#endif
#ifndef STEP_B
#define STEP_B 1
#endif
#ifndef STEP_C
#define STEP_C 1
#endif

#if MAP_INPUTS == 1
#define MAP_OPERANDS global const TYPE_A *restrict a, const int count_a
#define MAP_VALUES const TYPE_A a
#define MAP_LOAD(i) a[((i) % count_a) * STEP_A]
#define MAP_NEXT(j) pa[(j) * STEP_A]
#elif MAP_INPUTS == 2
#define MAP_OPERANDS global const TYPE_A *restrict a, const int count_a, global const TYPE_B *restrict b, const int count_b
#define MAP_VALUES const TYPE_A a, const TYPE_B b
#define MAP_LOAD(i) a[((i) % count_a) * STEP_A], b[((i) % count_b) * STEP_B]
#define MAP_NEXT(j) pa[(j) * STEP_A], pb[(j) * STEP_B]
#else
#define MAP_OPERANDS global const TYPE_A *restrict a, const int count_a, global const TYPE_B *restrict b, const int count_b, \
                     global const TYPE_C *restrict c, const int count_c
#define MAP_VALUES const TYPE_A a, const TYPE_B b, const TYPE_C c
#define MAP_LOAD(i) a[((i) % count_a) * STEP_A], b[((i) % count_b) * STEP_B], c[((i) % count_c) * STEP_C]
#define MAP_NEXT(j) pa[(j) * STEP_A], pb[(j) * STEP_B], pc[(j) * STEP_C]
#endif

static inline TYPE_Y map_scalar(MAP_VALUES MAP_PARAMETERS) { return MAP_FLUSH(MAP_SCALAR); }

// GPU class: global ceil(n / local) * local work-items, an element each.
kernel void map_each(MAP_OPERANDS, global TYPE_Y *restrict y, const int n MAP_PARAMETERS) {
    const int i = (int)get_global_id(0);
    if (i < n) y[i] = map_scalar(MAP_LOAD(i) MAP_ARGUMENTS);
}

// CPU class: global ceil(n / chunk) work-items, local size 1. `row` is the shortest input that is not a single element, so that
// inside a row all inputs are contiguous and the compiler can use vectors.
kernel void map_chunk(MAP_OPERANDS, global TYPE_Y *restrict y, const int n MAP_PARAMETERS, const int row, const int chunk) {
    int i = (int)get_global_id(0) * chunk;
    const int end = min(n - i, chunk) + i;
    while (i < end) {
        const int many = min(row - i % row, end - i);
        global const TYPE_A *restrict pa = a + (i % count_a) * STEP_A;
#if MAP_INPUTS > 1
        global const TYPE_B *restrict pb = b + (i % count_b) * STEP_B;
#endif
#if MAP_INPUTS > 2
        global const TYPE_C *restrict pc = c + (i % count_c) * STEP_C;
#endif
        global TYPE_Y *restrict py = y + i;
        for (int j = 0; j < many; ++j) py[j] = map_scalar(MAP_NEXT(j) MAP_ARGUMENTS);
        i += many;
    }
}
