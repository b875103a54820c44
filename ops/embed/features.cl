// features.cl: what a position shows beside its own id: context hashes, sinusoids of position and time
//   ids, context   i32[items, streams * length]       block i32[items] where has_block
//   y              [rows, 2 * half]: sines, then cosines of x * e^(-i step)
//   global         ceil(count / per), any local size
// The hash of `history` ids (nearest first) is, in 32-bit unsigned arithmetic,
//   h = history * 0x9e3779b1;  for each id: h = (h ^ id) * 0x85ebca6b, h ^= h >> 15;  h *= 0xc2b2ae35, h ^= h >> 16
// and the bucket h & (buckets - 1).
kernel void context_ids(global const int *restrict ids, global const int *restrict block, global int *restrict context, const int has_block,
                        const int count, const int length, const int streams, const int history, const uint buckets, const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, count);
    for (int index = first; index < last; ++index) {
        const int item = index / (streams * length), row = index - item * streams * length, stream = row / length, p = row - stream * length;
        global const int *clean = ids + (size_t)item * streams * length, *own = clean + stream * length;
        int n = has_block ? block[item] : 0;
        n = n <= 0 || n > length ? length : n;
        const int begin = p / n * n;
        int known = p >= history && own[p] >= 0;
        uint h = (uint)history * 0x9e3779b1u;
        for (int k = 1; k <= history && known; ++k) {
            const int id = p - k < begin ? clean[p - k] : own[p - k];
            known = id >= 0;
            h = (h ^ (uint)id) * 0x85ebca6bu;
            h ^= h >> 15;
        }
        h *= 0xc2b2ae35u;
        h ^= h >> 16;
        context[index] = known ? (int)(h & (buckets - 1u)) : -1;
    }
}

static inline void sinusoids(global float *y, const float x, const float step, const int half_width) {
    for (int i = 0; i < half_width; ++i) {
        const float angle = ardm_flush(ardm_mul(x, ardm_exp(ardm_flush(ardm_mul((float)-i, step)))));
        y[i] = ardm_flush(ardm_sin(angle));
        y[half_width + i] = ardm_flush(ardm_cos(angle));
    }
}

kernel void positions(global float *restrict y, const int rows, const int length, const int half_width, const float step, const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) sinusoids(y + (size_t)row * 2 * half_width, (float)(row % length), step, half_width);
}

kernel void time_embed(global const float *restrict t, global float *restrict y, const int rows, const int half_width, const float step,
                       const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row)
        sinusoids(y + (size_t)row * 2 * half_width, ardm_flush(ardm_mul(1000.0f, t[row])), step, half_width);
}
