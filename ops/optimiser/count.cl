// optimiser/count.cl: how many of n floats have, of their bits in `mask`, a value of at least `least`
//   x      n floats     sums   one number a work-item (CPU class) or a work-group (GPU class); any order adds to the same integer
//   mask   all bits but the sign and 1: not zero. Exponent bits and themselves: not finite

// CPU class: local size 1, `each` floats a work-item
kernel void count_chunks(global const float *restrict x, global int *restrict sums, const int n, const int mask, const int least, const int each) {
    const int begin = (int)get_global_id(0) * each, many = min(n - begin, each), full = many / 16;
    global const float *from = x + begin;
    int16 found = (int16)(0);
    for (int i = 0; i < full; ++i) found -= (as_int16(vload16(i, from)) & (int16)(mask)) >= (int16)(least);
    int lane[16], total = 0;
    vstore16(found, 0, lane);
    for (int j = 0; j < 16; ++j) total += lane[j];
    for (int i = full * 16; i < many; ++i) total += (as_int(from[i]) & mask) >= least;
    sums[get_global_id(0)] = total;
}

// GPU class: work-items stride over all floats, a work-group adds up its own
kernel void count_groups(global const float *restrict x, global int *restrict sums, const int n, const int mask, const int least) {
    local int total;
    int found = 0;
    if (get_local_id(0) == 0) total = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = (int)get_global_id(0); i < n; i += (int)get_global_size(0)) found += (as_int(x[i]) & mask) >= least;
    atomic_add(&total, found);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (get_local_id(0) == 0) sums[get_group_id(0)] = total;
}

// One work-item.
kernel void count_fold(global const int *restrict sums, global int *restrict y, const int parts) {
    int total = 0;
    for (int k = 0; k < parts; ++k) total += sums[k];
    y[0] = total;
}

kernel void count_none(global int *restrict y) { y[0] = 0; }
