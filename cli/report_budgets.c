/* The loss curve of a report: by cell, with the schedule that pictures are drawn by, and what budgets of calls would cost. */
#include "report.h"
#include "schedule.h"

static ardm_status table(report *r, const ardm_curve *curve) {
    const ardm_predictor *p = &r->predictor;
    uint32_t budgets[MOST_BUDGETS], n = 0;
    ARDM_TRY(list_budgets(budgets, &n, p->session));
    html_put(&r->page,
             "<h3>Predicted bits a dimension by network calls</h3>\n<div class=\"wide\"><table class=\"numbers\" id=\"predicted\"><thead><tr>"
             "<th>calls</th><th>optimal split</th><th>equal split</th><th>uniform steps</th><th></th></tr></thead><tbody>\n");
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++) {
        ardm_budget budget;
        cells c = {0};
        splits s = {0};
        status = ardm_budget_choose(&budget, p->model, p->session, budgets[i]);
        if (status != ARDM_OK) break;
        status = open_cells(&c, p, curve, budget.block);
        if (status == ARDM_OK) status = compare_splits(&s, &budget, &c);
        if (status == ARDM_OK) {
            html_put(&r->page, "<tr><td>%u</td><td>%.4f</td><td>%.4f</td><td>%.4f</td><td>", budget.calls, s.optimal, s.equal, s.uniform);
            if (budget.block) html_put(&r->page, "blocks of %u, ", budget.block);
            html_put(&r->page, "%s</td></tr>\n", budget.frozen >= 0 ? "frozen in the model" : "explicit");
        }
        close_cells(&c);
        ardm_budget_free(&budget);
    }
    html_put(&r->page, "</tbody></table></div>\n");
    return status;
}

static ardm_status picture(report *r, const ardm_curve *curve) {
    ardm_budget budget;
    ardm_bytes svg = {0};
    ARDM_TRY(ardm_budget_choose(&budget, r->predictor.model, r->predictor.session, 0));
    ardm_status status = plot_schedule(NULL, &svg, &r->predictor, curve, &budget, 0);
    if (status == ARDM_OK) {
        html_put(&r->page, "<figure><figcaption><b>Loss by cell</b> what a unit still costs when so many of its cell are known, measured on held-out "
                           "items (dots) and fitted; the bars are the default schedule</figcaption>\n<div class=\"wide\">\n");
        html_append(&r->page, &svg);
        html_put(&r->page, "</div></figure>\n");
    }
    ardm_bytes_free(&svg);
    ardm_budget_free(&budget);
    return status;
}

void report_budgets(report *r) {
    ardm_curve *curve = NULL;
    ardm_bytes word = {0};
    html_put(&r->page, "<h2 id=\"budgets\">Loss curve and budgets</h2>\n");
    if (!r->has_model) {
        html_note(&r->page, "No loss curve: it comes with model.ardm.");
        return;
    }
    ardm_status status = ardm_model_curve(r->predictor.model, &curve);
    if (status == ARDM_OK) status = picture(r, curve);
    if (status == ARDM_OK) status = table(r, curve);
    if (status == ARDM_OK) status = report_word(&word, r, "model.ardm");
    if (status == ARDM_OK) html_command(&r->page, "ardm schedule %s --plot curve.svg", (const char *)word.data);
    if (status != ARDM_OK) report_failed(r, "loss curve", status);
    ardm_bytes_free(&word);
    ardm_curve_free(&curve);
}
