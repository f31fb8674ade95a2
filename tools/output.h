/*
 * output.h - text for people, JSON for programs
 *
 * Results go to standard output, everything that is about the program itself
 * (errors, notices, the progress line of screen.h) to standard error.  Names
 * come from outside: on their way to a person they pass through one of the
 * functions below, so that no byte of them can control a terminal.
 */
#ifndef SM_OUTPUT_H
#define SM_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <shardmill.h>

/* Fill in `err`, control characters escaped, and return `code`. */
int sm_output_fail(struct sm_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Bytes of the control character (C0, DEL, C1) that `s` begins with, or 0. */
size_t sm_output_control(const char *s);

/* Write `s` with control characters as \xNN, \n, \t. */
void sm_output_name(FILE *f, const char *s);

/* Write a path so that a shell reads it as one word that is no option. */
void sm_output_word(FILE *f, const char *s);

/*
 * A line in pieces: '%' is the next of the strings (NULL at the end),
 * escaped; '$' for the next one as a shell word.  A newline ends it.
 */
void sm_output_line(FILE *f, const char *fmt, ...) __attribute__((sentinel));

/*
 * Numbers for people, by value: printf("%s", sm_text_size(n).s).  Sizes are in
 * powers of 1000 (kB, MB, GB), durations in their two largest units, counts
 * with a comma at every third digit.
 */
struct sm_text {
	char s[40];
};

struct sm_text sm_text_size(uint64_t bytes);
struct sm_text sm_text_duration(double seconds);
struct sm_text sm_text_count(uint64_t n);
/* As a count, and below ten in two digits: 1.9, 0.042. */
struct sm_text sm_text_rate(double per_second);
struct sm_text sm_text_time(double unix_seconds); /* local; "-" for 0 */

/* "batch" or "batches", by the number. */
const char *sm_text_plural(uint64_t n, const char *one, const char *many);

/* Bytes of the UTF-8 character at `s`; 0 if there is none. */
size_t sm_output_utf8(const char *s);

/* Values for JSON: NULL becomes null, what is no UTF-8 becomes U+FFFD. */
json_t *sm_json_text(const char *s);
json_t *sm_json_count(uint64_t n);
json_t *sm_json_number(int64_t n); /* null if negative */
json_t *sm_json_seconds(double s); /* null if negative */

/*
 * Write `value` and a newline, and let it go; `compact`: on one line.  A NULL
 * is a value that memory did not suffice for: SM_ENOMEM.
 */
int sm_output_json(json_t *value, int compact, struct sm_err *err);

/*
 * Flush standard output.  What could not be written is SM_EIO: a result that
 * did not reach its reader is no success.
 */
int sm_output_finish(struct sm_err *err);

#endif /* SM_OUTPUT_H */
