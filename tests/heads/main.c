/* main.c: runs the suites. */
#include "heads.h"

use use_open(const char *op, const char *inputs, const char *attrs) {
    use u = {0};
    const ardm_op *found = ardm_op_find(op);
    ck_assert_ptr_nonnull(found);
    ck_assert_msg(ardm_case_open_text(&u.data, found, inputs, attrs, 0) == ARDM_OK, "%s", ardm_message());
    ck_assert_int_eq(ardm_case_outputs(u.out, u.data, 0), ARDM_OK);
    return u;
}

void use_run(use *u) { ck_assert_msg(ardm_case_reference(u->data, u->out) == ARDM_OK, "%s", ardm_message()); }

void use_close(use *u) {
    ardm_case_free_outputs(u->out, u->data);
    ardm_case_close(&u->data);
}

int main(void) {
    SRunner *runner = srunner_create(mixture_suite());
    srunner_add_suite(runner, pixel_suite());
    srunner_add_suite(runner, chain_suite());
    srunner_add_suite(runner, children_suite());
    srunner_add_suite(runner, interpolate_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
