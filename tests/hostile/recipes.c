/* Configs through the recipe and on to the network that it describes. The INI reader alone is tested in tests/runtime/host_config.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/recipe.h"
#include "mutate.h"

static const char *const names[] = {"tiles.ini", "staged.ini", "bytes.ini"};

/* What a recipe may say, whatever its text: then the graph of the network is built, which reads every number of it. */
static ardm_status try_recipe(const char *text, size_t size) {
    ardm_recipe *recipe = NULL;
    ardm_process *process = NULL;
    ardm_graph *graph = NULL;
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    watch();
    ardm_status status = ardm_recipe_parse(&recipe, "hostile.ini", exact, size);
    judge(status, "recipe");
    free(exact);
    if (status != ARDM_OK) {
        ck_assert_ptr_null(recipe);
        return status;
    }
    ck_assert_int_ge(recipe->batch, 1);
    ck_assert_int_ge(recipe->group, 1);
    watch();
    ardm_status built = ardm_recipe_resolve(recipe, 256, strcmp(recipe->modality, "image") == 0 ? 3 : 1, &process);
    if (built == ARDM_OK && recipe->network.layers <= 64) built = ardm_network_graph(&graph, &recipe->network);
    judge(built, "network");
    ardm_graph_free(&graph);
    ardm_process_free(&process);
    ardm_recipe_free(&recipe);
    return ARDM_OK;
}

/* A shorter text is refused or means what it says: text that ends in a line's middle may not be a recipe of the whole text's values. */
START_TEST(every_length) {
    ardm_bytes text = golden(names[_i]);
    int good = 0, bad = 0;
    for (size_t n = 0; n <= text.size; n++) *(try_recipe((const char *)text.data, n) == ARDM_OK ? &good : &bad) += 1;
    ck_assert_int_gt(good, 0);
    ck_assert_int_gt(bad, 0);
    ardm_bytes_free(&text);
}
END_TEST

START_TEST(every_value) {
    static const char *const values[] = {"",
                                         "0",
                                         "-1",
                                         "1",
                                         "2",
                                         "3",
                                         "7",
                                         "16",
                                         "100",
                                         "65536",
                                         "65537",
                                         "2147483647",
                                         "2147483648",
                                         "1e9",
                                         "1e30",
                                         "nan",
                                         "inf",
                                         "-inf",
                                         "0x10",
                                         "010",
                                         "1.5",
                                         "5 5",
                                         "'",
                                         "\"",
                                         ";",
                                         "yes",
                                         "blocks:1-65535",
                                         "blocks:0",
                                         "blocks:9-1",
                                         "uniform",
                                         "table",
                                         "unet",
                                         "transformer",
                                         "mixture",
                                         "direct",
                                         "softmax",
                                         "absorbing",
                                         "zero-least-significant",
                                         "augment-least-significant",
                                         "9223372036854775807",
                                         "%s%n",
                                         "\xff\xfe"};
    size_t n_keys = 0;
    const ardm_config_key *keys = ardm_recipe_keys(&n_keys);
    ardm_bytes text = golden(names[_i]);
    for (size_t k = 0; k < n_keys; k++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) { /* the key's own line is taken out and set again */
            ardm_bytes changed = {0};
            char section[64] = "", key[64], open[64];
            int32_t placed = 0;
            snprintf(open, sizeof open, "[%s]", keys[k].section);
            for (const char *line = (const char *)text.data; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                int n = (int)strcspn(line, "\n");
                if (line[0] == '[') snprintf(section, sizeof section, "%.*s", n, line);
                int32_t here = strcmp(section, open) == 0;
                if (here && sscanf(line, "%63[a-z0-9] =", key) == 1 && strcmp(key, keys[k].name) == 0) continue;
                OK(ardm_bytes_printf(&changed, "%.*s\n", n, line));
                if (here && line[0] == '[') OK(ardm_bytes_printf(&changed, "%s = %s\n", keys[k].name, values[v])), placed = 1;
            }
            if (!placed) OK(ardm_bytes_printf(&changed, "%s\n%s = %s\n", open, keys[k].name, values[v]));
            (void)try_recipe((const char *)changed.data, changed.size);
            ardm_bytes_free(&changed);
        }
    ardm_bytes_free(&text);
}
END_TEST

START_TEST(every_byte) {
    ardm_bytes text = golden(names[_i]);
    uint64_t state = 91;
    for (size_t at = 0; at < text.size; at++)
        for (int k = 0; k < 12; k++) {
            uint8_t was = text.data[at];
            text.data[at] = (uint8_t)(k ? chance(&state, 256) : 0);
            (void)try_recipe((const char *)text.data, text.size);
            text.data[at] = was;
        }
    ardm_bytes_free(&text);
}
END_TEST

TCase *recipe_cases(void) {
    enum { NAMES = sizeof names / sizeof *names };
    TCase *cases = tcase_create("recipes");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, every_length, 0, NAMES);
    tcase_add_loop_test(cases, every_value, 0, NAMES);
    tcase_add_loop_test(cases, every_byte, 0, NAMES);
    return cases;
}
