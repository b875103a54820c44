// optimiser/stack.cl: y[k] = k-th scalar. One work-item; operands past `n` repeat the first.
kernel void stack(global const uint *x0, global const uint *x1, global const uint *x2, global const uint *x3, global const uint *x4,
                  global const uint *x5, global const uint *x6, global const uint *x7, global const uint *x8, global const uint *x9,
                  global const uint *x10, global const uint *x11, global uint *restrict y, const int n) {
    const uint values[12] = {*x0, *x1, *x2, *x3, *x4, *x5, *x6, *x7, *x8, *x9, *x10, *x11};
    for (int k = 0; k < n; ++k) y[k] = values[k];
}
