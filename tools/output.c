/*
 * How results are written: names that cannot control a terminal, words for a
 * shell, numbers for people, values for JSON.  It is apart from the commands so
 * that each of these is written in one way; the library has its own copy of the
 * first, because this program uses nothing of it but its public header.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"

size_t
sm_output_control(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && ((unsigned char)s[1] & 0xe0) == 0x80 ? 2 : 0;
}

/* A control character of `n` bytes, in a form that printf and $'…' read. */
static size_t
output_escape(char dst[9], const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];

	if (c == '\n')
		return (size_t)snprintf(dst, 9, "\\n");
	if (c == '\t')
		return (size_t)snprintf(dst, 9, "\\t");
	if (n == 1)
		return (size_t)snprintf(dst, 9, "\\x%02x", c);
	return (size_t)snprintf(dst, 9, "\\x%02x\\x%02x", c,
				(unsigned char)s[1]);
}

int
sm_output_fail(struct sm_err *err, int code, const char *fmt, ...)
{
	char text[SM_ERR_TEXT], esc[9];
	size_t n = 0, len, control;
	const char *p;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	err->sys = 0;
	for (p = text; *p && n + sizeof(esc) < sizeof(err->text);
	     p += control ? control : 1) {
		control = sm_output_control(p);
		if (!control) {
			err->text[n++] = *p;
			continue;
		}
		len = output_escape(esc, p, control);
		memcpy(err->text + n, esc, len);
		n += len;
	}
	err->text[n] = '\0';
	return code;
}

void
sm_output_name(FILE *f, const char *s)
{
	char esc[9];
	size_t n;

	for (; *s; s += n ? n : 1) {
		n = sm_output_control(s);
		if (n > 0) {
			output_escape(esc, s, n);
			fputs(esc, f);
		} else {
			putc(*s, f);
		}
	}
}

/*
 * As it is, if all of it is harmless; in single quotes, else; in the form $'…'
 * of bash and POSIX.1-2024, if it has control characters.  "./" keeps a name
 * that begins with a dash from being an option.
 */
void
sm_output_word(FILE *f, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:=@%+,-";
	const char *p, *open = "'", *quote = "'\\''";
	char esc[9];
	bool control = false;
	size_t n;

	if (*s == '-')
		fputs("./", f);
	for (p = s; *p; p++)
		control |= sm_output_control(p) > 0;
	if (control) {
		open = "$'";
		quote = "\\'";
	}
	if (*s && !s[strspn(s, plain)]) {
		fputs(s, f);
		return;
	}
	fputs(open, f);
	for (p = s; *p; p += n ? n : 1) {
		n = sm_output_control(p);
		if (n > 0) {
			output_escape(esc, p, n);
			fputs(esc, f);
		} else if (*p == '\'') {
			fputs(quote, f);
		} else if (*p == '\\' && control) {
			fputs("\\\\", f);
		} else {
			putc(*p, f);
		}
	}
	putc('\'', f);
}

void
sm_output_line(FILE *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt == '%')
			sm_output_name(f, va_arg(ap, const char *));
		else if (*fmt == '$')
			sm_output_word(f, va_arg(ap, const char *));
		else
			putc(*fmt, f);
	}
	va_end(ap);
	putc('\n', f);
}

/* Three significant digits at most, and one after the point. */
struct sm_text
sm_text_size(uint64_t bytes)
{
	static const char *const units[] = { "B",  "kB", "MB", "GB",
					     "TB", "PB", "EB" };
	struct sm_text t;
	double v = (double)bytes;
	size_t i;

	/* 999.5 would be printed as 1000. */
	for (i = 0; v >= 999.5 && i < 6; i++)
		v /= 1000;
	snprintf(t.s, sizeof(t.s), "%.*f %s", i > 0 && v < 9.95, v, units[i]);
	return t;
}

/*
 * The two largest units: what a person would say.  Below ten seconds a tenth
 * matters.  NaN and what no clock shows are "unknown".
 */
struct sm_text
sm_text_duration(double seconds)
{
	struct sm_text t;
	uint64_t s;

	if (!(seconds >= 0) || seconds > 1e15) {
		snprintf(t.s, sizeof(t.s), "unknown");
		return t;
	}
	s = (uint64_t)(seconds + 0.5);
	if (seconds < 9.95)
		snprintf(t.s, sizeof(t.s), "%.1f s", seconds);
	else if (s < 60)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " min %02" PRIu64 " s",
			 s / 60, s % 60);
	else if (s < 86400)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " h %02" PRIu64 " min",
			 s / 3600, s / 60 % 60);
	else
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " d %" PRIu64 " h",
			 s / 86400, s / 3600 % 24);
	return t;
}

struct sm_text
sm_text_count(uint64_t n)
{
	char digits[24];
	struct sm_text t;
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t i, k = 0;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			t.s[k++] = ',';
		t.s[k++] = digits[i];
	}
	t.s[k] = '\0';
	return t;
}

struct sm_text
sm_text_rate(double per_second)
{
	struct sm_text t;

	if (per_second >= 9.95)
		return sm_text_count((uint64_t)(per_second + 0.5));
	snprintf(t.s, sizeof(t.s), "%.2g", per_second);
	return t;
}

struct sm_text
sm_text_time(double unix_seconds)
{
	struct sm_text t = { "-" };
	time_t at = (time_t)unix_seconds;
	struct tm tm;

	if (unix_seconds > 0 && localtime_r(&at, &tm))
		strftime(t.s, sizeof(t.s), "%Y-%m-%d %H:%M:%S", &tm);
	return t;
}

const char *
sm_text_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/*
 * The NUL that ends the string is no continuation, so that nothing after it is
 * looked at.
 */
size_t
sm_output_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = 2, i;

	if (p[0] < 0x80)
		return 1;
	/* Continuations, overlong forms, and beyond U+10FFFF. */
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	if (p[0] >= 0xe0)
		n++;
	if (p[0] >= 0xf0)
		n++;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and beyond U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/*
 * JSON has no place for bytes that are not UTF-8, which names of files may
 * have: each becomes U+FFFD, of three bytes.
 */
json_t *
sm_json_text(const char *s)
{
	json_t *v;
	char *copy;
	size_t n, k = 0;

	if (!s)
		return json_null();
	copy = malloc(3 * strlen(s) + 1);
	if (!copy)
		return NULL;
	while (*s) {
		n = sm_output_utf8(s);
		if (n > 0) {
			memcpy(copy + k, s, n);
			k += n;
			s += n;
		} else {
			memcpy(copy + k, "\xef\xbf\xbd", 3);
			k += 3;
			s++;
		}
	}
	v = json_stringn(copy, k);
	free(copy);
	return v;
}

json_t *
sm_json_count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

json_t *
sm_json_number(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *
sm_json_seconds(double s)
{
	return s >= 0 && isfinite(s) ? json_real(s) : json_null();
}

int
sm_output_json(json_t *value, int compact, struct sm_err *err)
{
	/* 17 digits would turn 0.1 s into 0.10000000000000001. */
	size_t flags = JSON_REAL_PRECISION(15);
	int bad;

	if (compact)
		flags |= JSON_COMPACT;
	else
		flags |= JSON_INDENT(2);
	if (!value)
		return sm_output_fail(err, SM_ENOMEM, "out of memory for JSON");
	bad = json_dumpf(value, stdout, flags);
	json_decref(value);
	putchar('\n');
	if (bad)
		return sm_output_fail(err, SM_EIO, "cannot write the JSON");
	return 0;
}

/*
 * A write that failed earlier is remembered by the stream, but not why; one
 * that fails now, in the flush, has an errno.
 */
int
sm_output_finish(struct sm_err *err)
{
	bool bad = ferror(stdout);
	int sys;

	errno = 0;
	if (fflush(stdout) == 0 && !bad)
		return 0;
	sys = errno;
	if (sys)
		sm_output_fail(err, SM_EIO,
			       "cannot write to standard output: %s",
			       strerror(sys));
	else
		sm_output_fail(err, SM_EIO, "cannot write to standard output");
	err->sys = sys;
	return SM_EIO;
}
