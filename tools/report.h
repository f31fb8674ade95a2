/*
 * report.h - the page of `report`, and what its parts share
 *
 * The page is XML as well as HTML, so that any parser reads it.  Words of ours
 * are written as they are; what came from outside goes through sm_html_text().
 */
#ifndef SM_REPORT_H
#define SM_REPORT_H

#include <stdio.h>

#include <shardmill.h>

#include "output.h"

/* The whole page; `refresh_s` above 0: it reloads itself so often. */
void sm_report_page(FILE *f, const struct sm_report *r, unsigned refresh_s);

/* report_html.c */
/*
 * Escaped, as valid UTF-8 without control characters but newlines; of more than
 * `max` bytes the rest is counted instead.
 */
void sm_html_text(FILE *f, const char *s, size_t max);
/* As sm_text_duration(), and in milliseconds below a second. */
struct sm_text sm_html_duration(double s);
/* Figures that a program finds by their id. */
void sm_html_number(FILE *f, const char *id, uint64_t n);
void sm_html_size(FILE *f, const char *id, uint64_t bytes);
void sm_html_seconds(FILE *f, const char *id, double s);
/* What stands above and below the contents of the page. */
void sm_html_begin(FILE *f, const char *title, unsigned refresh_s);
void sm_html_end(FILE *f);

/* report_svg.c: pictures, each a figure. */
void sm_svg_progress(FILE *f, const struct sm_report *r);
void sm_svg_throughput(FILE *f, const struct sm_report *r);
void sm_svg_workers(FILE *f, const struct sm_report *r);

/* report_map.c */
void sm_svg_map(FILE *f, const struct sm_report *r);
void sm_svg_durations(FILE *f, const struct sm_report *r);

#endif /* SM_REPORT_H */
