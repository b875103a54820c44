/* The head of a report: figures at a glance, and what the model is. */
#include <math.h>
#include <string.h>

#include "report.h"

static void tile(report *r, const char *what, const char *value) {
    html_put(&r->page, "<li><b>");
    html_text(&r->page, "%s", value);
    html_put(&r->page, "</b><span>");
    html_text(&r->page, "%s", what);
    html_put(&r->page, "</span></li>\n");
}

static void print_span(char out[48], double seconds) {
    if (seconds < 120)
        snprintf(out, 48, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(out, 48, "%.1f min", seconds / 60);
    else
        snprintf(out, 48, "%.1f h", seconds / 3600);
}

/* The row of the least held-out bound, n where there is none. */
static uint32_t best_row(const run_log *log) {
    uint32_t best = log->n;
    for (uint32_t i = 0; i < log->n; i++) {
        const double bound = log->value[LOG_BOUND][i];
        if (!isnan(bound) && (best == log->n || bound < log->value[LOG_BOUND][best])) best = i;
    }
    return best;
}

void report_summary(report *r) {
    const run_log *log = &r->log;
    char value[128], what[128], span[48];
    html_put(&r->page, "<nav><a href=\"#model\">Model</a><a href=\"#curves\">Curves</a>%s<a href=\"#log\">Log</a></nav>\n",
             r->options->log_only ? "" : "<a href=\"#budgets\">Budgets</a><a href=\"#pictures\">Samples</a>");
    html_put(&r->page, "<ul class=\"tiles\">\n");
    if (log->n) {
        const uint32_t last = log->n - 1, best = best_row(log);
        const double step = log->value[LOG_STEP][last], pace = report_pace(log, last);
        if (r->recipe) {
            snprintf(value, sizeof value, "%s of %lld", run_log_field(log, last, LOG_STEP), (long long)r->recipe->steps);
            snprintf(what, sizeof what, "steps, %.0f %%", 100 * step / (double)r->recipe->steps);
            tile(r, what, value);
        } else {
            tile(r, "steps", run_log_field(log, last, LOG_STEP));
        }
        snprintf(value, sizeof value, "%s ± %s", run_log_field(log, last, LOG_BOUND), run_log_field(log, last, LOG_ERROR));
        tile(r, "held-out bound, bits a dimension", value);
        if (best < log->n) {
            snprintf(what, sizeof what, "best held-out bound, step %s", run_log_field(log, best, LOG_STEP));
            tile(r, what, run_log_field(log, best, LOG_BOUND));
        }
        tile(r, "training batches, bits a dimension", run_log_field(log, last, LOG_BITS));
        if (!isnan(log->value[LOG_SECONDS][last])) {
            print_span(span, log->value[LOG_SECONDS][last]);
            snprintf(what, sizeof what, "trained so far%s", r->recipe && step >= (double)r->recipe->steps ? ", complete" : "");
            tile(r, what, span);
        }
        if (!isnan(pace)) {
            snprintf(value, sizeof value, "%.4g s", pace);
            tile(r, "a step, since the row before", value);
        }
        if (!isnan(pace) && r->recipe && step < (double)r->recipe->steps) {
            print_span(span, pace * ((double)r->recipe->steps - step));
            tile(r, "left at this pace, without evaluations", span);
        }
    } else {
        tile(r, "rows in log.csv: nothing is evaluated yet", "0");
    }
    html_put(&r->page, "</ul>\n");
}

static void weights(report *r) {
    const ardm_model *model = r->predictor.model;
    uint64_t parameters = 0, bytes = 0;
    char hex[65];
    for (uint32_t i = 0; i < ardm_model_tensor_count(model); i++) {
        const ardm_tensor *t = ardm_model_tensor_at(model, i);
        uint64_t count = 1;
        if (!ardm_model_is_weight(model, t)) continue;
        for (uint32_t d = 0; d < t->rank; d++) count *= (uint64_t)t->dim[d];
        parameters += count;
        bytes += t->bytes;
    }
    ardm_sha256_hex(&r->predictor.identity, hex);
    html_row(&r->page, "model", "%s", r->model_path);
    html_row(&r->page, "identity", "%s", hex);
    html_row(&r->page, "parameters", "%llu (%llu bytes)", (unsigned long long)parameters, (unsigned long long)bytes);
    static const char *const keys[] = {"modality", "process", "order", "layout", "numerics"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[32];
        snprintf(key, sizeof key, "ardm.%s", keys[i]);
        if (ardm_model_get(model, key)) html_row(&r->page, keys[i], "%s", ardm_model_get(model, key));
    }
    html_row(&r->page, "frozen schedules", "%u", ardm_model_schedule_count(model));
}

static void network(report *r) {
    const ardm_recipe *p = r->recipe;
    const ardm_config *c = p->config;
    if (!r->has_model) {
        html_row(&r->page, "modality", "%s%s%s", p->modality, p->variant[0] ? " " : "", p->variant);
        if (strstr(p->family, "least-significant"))
            html_row(&r->page, "process", "%s, base %lld", p->family, (long long)p->base);
        else
            html_row(&r->page, "process", "%s", p->family);
        html_row(&r->page, "order", "%s", p->order);
    }
    html_row(&r->page, "head", "%s", ardm_config_text(c, "head", "kind"));
    html_row(&r->page, "network", "%s, width %lld, %lld layers, form %s", ardm_config_text(c, "network", "kind"), (long long)p->network.width,
             (long long)p->network.layers, ardm_config_text(c, "network", "form"));
    html_row(&r->page, "batch", "%lld items in groups of %lld", (long long)p->batch, (long long)p->group);
    html_row(&r->page, "seeds", "%llu of weights, batches and bounds; %llu of the loss curve; %lld of samples", (unsigned long long)p->seed,
             (unsigned long long)p->seed + 1, (long long)r->options->seed);
    html_row(&r->page, "data", "%s", p->paths);
    if (!r->training) html_row(&r->page, "licence of the data", "%s", p->licence);
}

/* A fact of ardm.training as text; nothing where it is absent. */
static void fact(report *r, const char *name, const char *key) {
    const json_t *value = json_object_get(r->training, key);
    if (json_is_string(value)) html_row(&r->page, name, "%s", json_string_value(value));
    if (json_is_integer(value)) html_row(&r->page, name, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value)) html_row(&r->page, name, "%.6g", json_real_value(value));
}

static void training(report *r) {
    const json_t *bits = json_object_get(r->training, "held_out_bits_per_dim"), *error = json_object_get(r->training, "held_out_error");
    fact(r, "steps of the model", "steps");
    fact(r, "items seen", "items");
    fact(r, "seconds of training", "seconds");
    if (json_is_number(bits) && json_is_number(error))
        html_row(&r->page, "bound of the model", "%.4f ± %.4f bits a dimension, %lld held-out items", json_number_value(bits),
                 json_number_value(error), (long long)json_integer_value(json_object_get(r->training, "held_out_items")));
    fact(r, "device", "device");
    fact(r, "driver", "driver");
    fact(r, "licence of the data", "licence");
}

static void files(report *r) {
    const json_t *list = json_object_get(r->training, "files");
    size_t i;
    json_t *file;
    if (!json_array_size(list)) return;
    html_put(&r->page, "<h3>Data</h3>\n<div class=\"wide\"><table><thead><tr><th>file</th><th>bytes</th><th>SHA-256</th></tr></thead><tbody>\n");
    json_array_foreach((json_t *)(uintptr_t)list, i, file) {
        const char *name = json_string_value(json_object_get(file, "name")), *hash = json_string_value(json_object_get(file, "sha256"));
        html_put(&r->page, "<tr><td>");
        html_text(&r->page, "%s", name ? name : "");
        html_put(&r->page, "</td><td>%lld</td><td class=\"hash\">", (long long)json_integer_value(json_object_get(file, "bytes")));
        html_text(&r->page, "%s", hash ? hash : "");
        html_put(&r->page, "</td></tr>\n");
    }
    html_put(&r->page, "</tbody></table></div>\n");
}

void report_facts(report *r) {
    html_put(&r->page, "<h2 id=\"model\">The model</h2>\n");
    if (r->model_wrong[0])
        html_note(&r->page, "model.ardm cannot be used: %s", r->model_wrong);
    else if (!r->has_model && !r->options->log_only)
        html_note(&r->page,
                  "No model.ardm: a run writes it at its end, or where --until stops it. Identity, hashes, budgets and samples come with it.");
    if (r->config_wrong[0]) html_note(&r->page, "The config cannot be read: %s", r->config_wrong);
    if (!r->config.size) html_note(&r->page, "No config.ini.");
    html_put(&r->page, "<table class=\"facts\"><tbody>\n");
    if (r->has_model) weights(r);
    if (r->recipe) network(r);
    if (r->training) training(r);
    const ardm_device *device = r->options->device;
    if (!r->training && device) {
        html_row(&r->page, "device", "%s", ardm_device_name(device));
        html_row(&r->page, "driver", "%s", ardm_device_get_facts(device)->driver);
    }
    if (r->checkpoint_step >= 0)
        html_row(&r->page, "checkpoint", "%s, step %lld", r->checkpoint, (long long)r->checkpoint_step);
    else
        html_row(&r->page, "checkpoint", "none that can be read");
    html_put(&r->page, "</tbody></table>\n");
    if (r->training) files(r);
    ardm_bytes word = {0};
    if (r->has_model && report_word(&word, r, "model.ardm") == ARDM_OK) html_command(&r->page, "ardm model show %s", (const char *)word.data);
    ardm_bytes_free(&word);
}
