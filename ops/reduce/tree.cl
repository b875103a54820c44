// reduce/tree.cl: y[d] = perfect binary tree over i of x[i,d], F at every node
//   x        count rows of `width` floats, count a power of two; y: width floats
// Rows are read once, ascending; a binary counter holds the finished subtrees, so any depth fits LEVELS partial rows.
#define LEVELS 32
#define TILE 256

// CPU class: global ceil(width / each), local size 1; each is a multiple of TILE
kernel void tree_tiles(global const float *restrict x, global float *restrict y, const int count, const int width, const int each) {
    const int begin = (int)get_global_id(0) * each;
    const int end = min(width - begin, each) + begin;
    float kept[LEVELS][TILE];
    for (int column = begin; column < end; column += TILE) {
        const int many = min(end - column, TILE);
        int level = 0;
        for (int i = 0; i < count; ++i) {
            global const float *from = x + (size_t)i * width + column;
            float node[TILE];
            for (int j = 0; j < many; ++j) node[j] = ardm_flush(from[j]);
            for (level = 0; (i >> level) & 1; ++level)
                for (int j = 0; j < many; ++j) node[j] = ardm_flush(kept[level][j] + node[j]);
            for (int j = 0; j < many; ++j) kept[level][j] = node[j];
        }
        for (int j = 0; j < many; ++j) y[column + j] = kept[level][j];
    }
}

// GPU class: global >= width
kernel void tree_each(global const float *restrict x, global float *restrict y, const int count, const int width) {
    const int column = (int)get_global_id(0);
    if (column >= width) return;
    float kept[LEVELS], node = 0.0f;
    for (int i = 0; i < count; ++i) {
        int level = 0;
        node = ardm_flush(x[(size_t)i * width + column]);
        for (; (i >> level) & 1; ++level) node = ardm_flush(kept[level] + node);
        kept[level] = node;
    }
    y[column] = node;
}
