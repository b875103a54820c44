/* Sizes of launches over independent elements. */
#include "elementwise/plan.h"

#include <stdio.h>

enum { GROUP = 64, SHARES = 4 };

ardm_status ardm__check_launch(const ardm_call *call, int64_t count) {
    if (count <= INT32_MAX - (1 << 20)) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "%s: %lld elements are more than a launch takes", call->op->name, (long long)count);
}

int64_t ardm__share(const ardm_recorder *recorder, int64_t count, int64_t least, int64_t step) {
    int64_t shares = SHARES * (recorder->facts && recorder->facts->compute_units ? (int64_t)recorder->facts->compute_units : 1);
    int64_t each = (count + shares - 1) / shares;
    if (each < least) each = least;
    return (each + step - 1) / step * step;
}

uint64_t ardm__group(const ardm_recorder *recorder) {
    uint64_t group = GROUP;
    while (group > 1 && recorder->facts && recorder->facts->max_work_group && recorder->facts->max_work_group < group) group /= 2;
    return group;
}

uint64_t ardm__round_up(int64_t n, uint64_t group) { return ((uint64_t)n + group - 1) / group * group; }

int32_t ardm__accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->device_class == ARDM_CLASS_CPU) return 2;
    snprintf(why, n, "long loops a work-item suit CPU devices");
    return 0;
}
