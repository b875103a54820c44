/* A map of colours, and its scale. */
#include "heat.h"

#include <math.h>
#include <stdlib.h>

/* As in the map `viridis`, from nine of its points. */
void heat_colour(uint8_t out[3], double share) {
    static const uint8_t points[9][3] = {{68, 1, 84},    {71, 44, 122}, {59, 81, 139},  {44, 113, 142}, {33, 144, 141},
                                         {39, 173, 129}, {92, 200, 99}, {170, 220, 50}, {253, 231, 37}};
    const double at = share <= 0 ? 0 : share >= 1 ? 8 : share * 8;
    const int i = at >= 8 ? 7 : (int)at;
    for (int k = 0; k < 3; k++) out[k] = (uint8_t)(points[i][k] + (at - i) * (points[i + 1][k] - points[i][k]) + 0.5);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double heat_most(double *values, int64_t n) {
    if (n < 1) return 1;
    qsort(values, (size_t)n, sizeof *values, by_value);
    const double value = values[(n - 1) * 199 / 200];
    return value > 1 ? ceil(value) : 1;
}
