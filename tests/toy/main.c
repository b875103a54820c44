/* main.c: toy models through real graphs on every device: losses, bounds and costs are the numbers that theory gives. */
#include <math.h>

#include "ardm/diffusion.h"
#include "rig.h"

static double sum(const double *x, uint32_t n) {
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += x[i];
    return s;
}

/* Every answer of the network against the conditional it stands for. */
static void check_answers(const table *t, double tolerance) {
    for (uint32_t c = 0; c < t->contexts; c++) {
        uint32_t stage, x = 0;
        uint8_t state[MOST_UNITS];
        int32_t symbols[MOST_UNITS];
        double p[MOST_SYMBOLS];
        table_show(t, c, &stage, state, symbols);
        for (uint32_t u = t->toy->n; u-- > 0;) x = x * t->toy->k + (uint32_t)symbols[u];
        ck_assert_uint_eq(table_context(t, x, stage, state), c);
        for (uint32_t u = 0; u < t->toy->n; u++) {
            if (state[u] != ARDM_UNDECIDED) continue;
            const uint32_t children = toy_network(t->toy, x, stage, state, u, p);
            for (uint32_t d = 0; d < children; d++)
                ck_assert_double_eq_tol(t->nats[((size_t)c * t->toy->n + u) * t->digits + d], -log(p[d]), tolerance);
        }
    }
}

/* ΣL = H in every order, and what is given is taken off: its units are uniform and known in all stages. */
static void check_orders(toy *t, double tolerance) {
    static const uint16_t levels[4][3] = {{0, 0, 0}, {0, 1, 2}, {0, 1, 1}, {1, 0, 1}};
    double loss[9 * MOST_STAGES];
    uint32_t units[3 * MOST_STAGES];
    for (int f = 0; f < 4; f++) {
        toy_levels(t, levels[f]);
        toy_losses(t, loss, units);
        ck_assert_double_eq_tol(sum(loss, 3 * ardm_process_stages(t->process)), toy_entropy(t), tolerance);
        t->mask[f % 3] = ARDM_GIVEN;
        toy_losses(t, loss, units);
        ck_assert_double_eq_tol(sum(loss, 2 * ardm_process_stages(t->process)), toy_entropy(t) - log2(t->k), tolerance);
        t->mask[f % 3] = ARDM_UNDECIDED;
    }
    toy_levels(t, levels[0]);
}

/* What must hold of the measured network: `check` compares with the printed numbers. */
static void measured(toy *t, ardm_device *device, int32_t oracle, void (*check)(toy *t, double tolerance)) {
    const double tolerance = oracle ? 1e-9 : 1e-5;
    table network;
    table_open(&network, t, device, NULL);
    table_measure(&network, oracle);
    check_answers(&network, oracle ? 2e-10 : 2e-6);
    t->price = table_price;
    t->user = &network;
    check(t, tolerance);
    if (t->n == 3) check_orders(t, tolerance);
    t->price = NULL;
    table_close(&network);
}

static void check_absorbing(toy *t, double tolerance) {
    static const double want[3] = {2, 1.880240814944147, 1.807259185055853}, cost[3] = {6, 5.760481629888294, 5.6875};
    static const struct {
        uint32_t steps;
        double bits;
    } diffusion[] = {{1, 6}, {2, 5.837902805604055}, {3, 5.786469160536939}, {10, 5.716645010017461}, {100, 5.690393451101921}};
    double loss[3];
    uint32_t units[3];
    ck_assert_uint_eq(toy_losses(t, loss, units), 1);
    for (int i = 0; i < 5; i++) ck_assert_double_eq_tol(ardm_diffusion_bits(loss, 3, diffusion[i].steps), diffusion[i].bits, 3 * tolerance);
    for (int n = 0; n < 3; n++) ck_assert_double_eq_tol(loss[n], want[n], tolerance);
    ck_assert_double_eq_tol(sum(loss, 3), 91.0 / 16, tolerance);
    for (uint32_t b = 1; b <= 3; b++) ck_assert_double_eq_tol(best_cost(NULL, loss, units, 1, b), cost[b - 1], 3 * tolerance);
}

static void check_two_stages(toy *t, double tolerance) {
    static const double want[6] = {1, 0.954434002924965, 0.925806812019178, 1, 0.924795717633118, 0.882463467422734};
    double loss[6];
    uint32_t units[2];
    ck_assert_uint_eq(toy_losses(t, loss, units), 2);
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(loss[i], want[i], tolerance);
    ck_assert_double_eq_tol(sum(loss, 6), 5.6875, tolerance);
}

static void check_five(toy *t, double tolerance) {
    static const double want[3] = {2.036205423515533, 2.258717823021489, 2.184949503043688};
    double loss[9];
    uint32_t units[3];
    ck_assert_uint_eq(toy_losses(t, loss, units), 3);
    for (int s = 0; s < 3; s++) ck_assert_double_eq_tol(sum(loss + 3 * s, 3), want[s], tolerance);
    ck_assert_double_eq_tol(sum(loss, 9), 6.479872749580699, tolerance);
}

static void check_six(toy *t, double tolerance) {
    double loss[6];
    uint32_t units[2];
    ck_assert_uint_eq(toy_losses(t, loss, units), 2);
    ck_assert_double_eq_tol(sum(loss, 3), 2.589160528403288, tolerance);
    ck_assert_double_eq_tol(sum(loss + 3, 3), 4.520140023967880, tolerance);
}

static void check_chain(toy *t, double tolerance) {
    static const uint16_t levels[3][5] = {{0, 0, 0, 0, 0}, {0, 1, 2, 3, 4}, {0, 2, 1, 2, 0}};
    double loss[5];
    uint32_t units[5];
    for (int f = 0; f < 3; f++) {
        toy_levels(t, levels[f]);
        toy_losses(t, loss, units);
        ck_assert_double_eq_tol(sum(loss, 5), 8.1225563, tolerance + 1e-7); /* as printed */
        ck_assert_double_eq_tol(sum(loss, 5), toy_entropy(t), tolerance);
        if (f == 0) ck_assert_double_eq_tol(best_cost(NULL, loss, units, 1, 1), 10, 5 * tolerance);
    }
    toy_levels(t, levels[0]);
    t->mask[1] = t->mask[4] = ARDM_GIVEN; /* H(rest | given) = H - H(given) */
    double pair = 0;
    for (uint32_t d = 0; d < 4; d++) {
        double p = 0;
        for (uint32_t a = 0; a < 16; a++) p += chain_step[a / 4] * chain_step[a % 4] * chain_step[(d + 8 - a / 4 - a % 4) % 4];
        pair -= p * log2(p);
    }
    ck_assert_uint_eq(toy_losses(t, loss, units), 1);
    ck_assert_uint_eq(units[0], 3);
    ck_assert_double_eq_tol(sum(loss, 3), toy_entropy(t) - 2 - pair, tolerance);
    t->mask[1] = t->mask[4] = ARDM_UNDECIDED;
}

static void enumerate(ardm_device *device, int32_t oracle) {
    static const struct {
        uint32_t k;
        const char *process;
        void (*check)(toy *t, double tolerance);
    } mixtures[] = {{4, "absorbing 4", check_absorbing},
                    {4, "zero-least-significant 4 2", check_two_stages},
                    {5, "zero-least-significant 5 2", check_five},
                    {6, "zero-least-significant 6 4", check_six},
                    {4, "augment-least-significant 4 2", check_two_stages},
                    {5, "augment-least-significant 5 2", check_five}};
    toy t;
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++) {
        toy_mixture(&t, mixtures[i].k, mixtures[i].process);
        measured(&t, device, oracle, mixtures[i].check);
        toy_close(&t);
    }
    toy_chain(&t, 5, 4, chain_step);
    measured(&t, device, oracle, check_chain);
    toy_close(&t);
}

static void in_exact_numerics(ardm_device *device) { enumerate(device, 0); }

START_TEST(oracles_give_the_exact_numbers) {
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    enumerate(device, 1);
    ardm_device_close(&device);
}
END_TEST

START_TEST(exact_numerics_give_them_to_a_hundred_thousandth) { each_device(in_exact_numerics); }
END_TEST

int main(void) {
    Suite *suite = suite_create("toy");
    TCase *cases = tcase_create("enumeration");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, oracles_give_the_exact_numbers);
    tcase_add_test(cases, exact_numerics_give_them_to_a_hundred_thousandth);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, forms_cases());
    suite_add_tcase(suite, given_cases());
    suite_add_tcase(suite, blocks_cases());
    suite_add_tcase(suite, production_cases());
    suite_add_tcase(suite, average_cases());
    suite_add_tcase(suite, reports_cases());
    suite_add_tcase(suite, sampling_cases());
    suite_add_tcase(suite, turns_cases());
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* OpenCL does not survive a fork */
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
