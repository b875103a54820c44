/* Tests of the framework itself, which need no op family beyond `add`. */
#ifndef TESTS_OPS_FRAMEWORK_H
#define TESTS_OPS_FRAMEWORK_H

#include <check.h>

void add_framework_tests(TCase *t);

#endif
