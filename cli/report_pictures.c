/* Samples of a report: the same ones that ardm sample draws, by few calls. */
#include <stdlib.h>
#include <string.h>

#include "ardm/modality.h"
#include "ardm/sampler.h"
#include "picture.h"
#include "report.h"

enum { FEW_CALLS = 16, MOST_SOUND = 1 << 20 };

static ardm_status choose_budget(ardm_budget *out, const report *r) {
    const ardm_predictor *p = &r->predictor;
    uint32_t least = 0;
    ARDM_TRY(ardm_budget_least(&least, p->session));
    const uint32_t few = least > FEW_CALLS ? least : FEW_CALLS;
    return ardm_budget_choose(out, p->model, p->session, r->options->steps ? (uint32_t)r->options->steps : few);
}

/* Texts one by one; else one picture of all, and sounds to listen to as well. */
static ardm_status show(report *r, const ardm_layout *layout, const int32_t *symbols, uint32_t n, uint32_t each) {
    const ardm_predictor *p = &r->predictor;
    ardm_bytes file = {0};
    ardm_status status = ARDM_OK;
    if (strcmp(p->modality, "text") == 0) {
        for (uint32_t k = 0; k < n && status == ARDM_OK; k++) {
            file.size = 0;
            status = lay_out_items(&file, "-", p, layout, symbols + (size_t)k * each, 1);
            if (status != ARDM_OK) break;
            html_put(&r->page, "<pre class=\"sample\">");
            html_bytes(&r->page, file.data, file.size);
            html_put(&r->page, "</pre>\n");
        }
        ardm_bytes_free(&file);
        return status;
    }
    status = lay_out_items(&file, "samples.png", p, layout, symbols, n);
    if (status == ARDM_OK) {
        html_put(&r->page, "<div class=\"pictures\"><figure>");
        html_media(&r->page, "image/png", &file, "samples", layout->rank > 1 ? "pixels sheet" : "paper");
        html_put(&r->page, "</figure></div>\n");
    }
    file.size = 0;
    if (status == ARDM_OK && layout->rank == 1) status = lay_out_items(&file, "samples.wav", p, layout, symbols, n);
    if (status == ARDM_OK && layout->rank == 1 && file.size <= MOST_SOUND)
        html_media(&r->page, "audio/wav", &file, "samples, one after another", "sound");
    ardm_bytes_free(&file);
    return status;
}

static ardm_status draw(report *r, const ardm_budget *budget) {
    const ardm_predictor *p = &r->predictor;
    const report_options *o = r->options;
    const ardm_layout layout = ardm_session_layout(p->session);
    const uint32_t n = (uint32_t)o->samples, each = ardm_layout_symbols(&layout);
    const ardm_sampling sampling = {
        .budget = budget, .seed = (uint64_t)o->seed, .temperature = 1, .confidence = ARDM_CONFIDENCE_NONE, .task = "sample"};
    int32_t *symbols = malloc((size_t)n * each * sizeof *symbols);
    ardm_bytes word = {0};
    if (!symbols) return ardm_fail(ARDM_ENOMEM, "no memory for %u samples", n);
    const double began = ardm_clock();
    ardm_status status = ardm_sample(p->session, &sampling, &layout, symbols, NULL, 0, n);
    if (status == ARDM_OK) {
        html_put(&r->page, "<p>%u samples, %u network calls each, seed %lld, temperature 1, averaged weights: %.1f s.</p>\n", n,
                 ardm_schedule_calls(budget->schedule), (long long)o->seed, ardm_clock() - began);
        status = show(r, &layout, symbols, n, each);
    }
    if (status == ARDM_OK) status = report_word(&word, r, "model.ardm");
    if (status == ARDM_OK)
        html_command(&r->page, "ardm sample %s -n %u --steps %u --seed %lld -o %s", (const char *)word.data, n, budget->calls, (long long)o->seed,
                     layout.rank > 1                    ? "samples.png"
                     : strcmp(p->modality, "text") == 0 ? "-"
                                                        : "samples.wav");
    ardm_bytes_free(&word);
    free(symbols);
    return status;
}

void report_pictures(report *r) {
    ardm_budget budget = {0};
    html_put(&r->page, "<h2 id=\"pictures\">Samples and held-out items</h2>\n");
    if (!r->has_model) {
        html_note(&r->page, "No samples: they come with model.ardm.");
        return;
    }
    if (!r->options->samples) {
        ardm_bytes word = {0};
        if (report_word(&word, r, NULL) == ARDM_OK) html_note(&r->page, "Not drawn: ardm report %s does.", (const char *)word.data);
        ardm_bytes_free(&word);
        return;
    }
    ardm_status status = choose_budget(&budget, r);
    if (status == ARDM_OK) status = draw(r, &budget);
    if (status != ARDM_OK)
        report_failed(r, "samples", status);
    else
        report_held_out(r, &budget);
    ardm_budget_free(&budget);
}
