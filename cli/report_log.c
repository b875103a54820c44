/* The tail of a report: the log as it is, the config, and the commands of the run. */
#include "report.h"

enum { MOST_ROWS = 1000 };

static void table(report *r) {
    const run_log *log = &r->log;
    const uint32_t every = (log->n + MOST_ROWS - 1) / MOST_ROWS;
    if (every > 1) html_note(&r->page, "Every %u. of %u rows, and the last.", every, log->n);
    html_put(&r->page, "<div class=\"scroll\"><table class=\"numbers\" id=\"rows\"><thead><tr>");
    for (int32_t c = 0; c < LOG_COLUMNS; c++) html_put(&r->page, "<th>%s</th>", run_log_name(c));
    html_put(&r->page, "</tr></thead><tbody>\n");
    for (uint32_t i = 0; i < log->n; i++) {
        if (every > 1 && i % every && i + 1 < log->n) continue;
        html_put(&r->page, "<tr>");
        for (int32_t c = 0; c < LOG_COLUMNS; c++) {
            html_put(&r->page, "<td>");
            html_text(&r->page, "%s", run_log_field(log, i, c));
            html_put(&r->page, "</td>");
        }
        html_put(&r->page, "</tr>\n");
    }
    html_put(&r->page, "</tbody></table></div>\n");
}

static ardm_status commands(report *r) {
    ardm_bytes folder = {0}, config = {0}, options = {0};
    const report_options *o = r->options;
    ardm_status status = report_word(&folder, r, NULL);
    if (status == ARDM_OK) status = report_word(&config, r, "config.ini");
    if (status == ARDM_OK) status = ardm_bytes_printf(&options, "%s", o->root ? " --data " : "");
    if (status == ARDM_OK && o->root) status = shell_word(&options, o->root);
    if (status == ARDM_OK) {
        html_put(&r->page, "<h2 id=\"commands\">Commands</h2>\n<p>This page again:</p>\n");
        if (o->steps)
            html_command(&r->page, "ardm report %s --samples %lld --steps %lld --seed %lld%s", (const char *)folder.data, (long long)o->samples,
                         (long long)o->steps, (long long)o->seed, (const char *)options.data);
        else
            html_command(&r->page, "ardm report %s --samples %lld --seed %lld%s", (const char *)folder.data, (long long)o->samples,
                         (long long)o->seed, (const char *)options.data);
        if (r->recipe) {
            html_put(&r->page, "<p>The run once more, from its start:</p>\n");
            html_command(&r->page, "ardm train %s -o again%s", (const char *)config.data, (const char *)options.data);
        }
        if (r->recipe && r->checkpoint_step >= 0 && r->checkpoint_step < r->recipe->steps) {
            html_put(&r->page, "<p>The run on, from its checkpoint:</p>\n");
            html_command(&r->page, "ardm train --resume %s%s", (const char *)folder.data, (const char *)options.data);
        }
    }
    ardm_bytes_free(&options);
    ardm_bytes_free(&config);
    ardm_bytes_free(&folder);
    return status;
}

void report_log(report *r) {
    ardm_status status = commands(r);
    if (status != ARDM_OK) report_failed(r, "commands", status);
    html_put(&r->page, "<h2 id=\"config\">Config</h2>\n");
    if (r->config.size) {
        html_put(&r->page, "<pre id=\"ini\">");
        html_bytes(&r->page, r->config.data, r->config.size);
        html_put(&r->page, "</pre>\n");
    } else {
        html_note(&r->page, "No config.ini.");
    }
    html_put(&r->page, "<h2 id=\"log\">log.csv</h2>\n");
    if (r->log.cut) html_note(&r->page, "The last line has no end and is left out: the file was being written.");
    if (r->log.dropped) html_note(&r->page, "%u lines are no rows and are left out.", r->log.dropped);
    if (r->log.n)
        table(r);
    else
        html_note(&r->page, "No row.");
}
