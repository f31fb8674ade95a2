#include <string.h>

#include "scan.h"

#include "jsonflat.h"

enum { FLAT_START, FLAT_FIRST, FLAT_NEXT, FLAT_END };

/* Bytes of a key or value shown in a message. */
#define FLAT_SHOWN_MAX 40

/* What is wrong at byte `at` of the file; the arguments as printf's. */
#define flat_error(j, at, err, ...)                                            \
	sm_err_at(err, (j)->map->path, at, __VA_ARGS__)

void
sm_jsonflat_init(struct sm_jsonflat *j, const struct sm_map *map)
{
	*j = (struct sm_jsonflat){ .map = map, .state = FLAT_START };
}

void
sm_jsonflat_release(struct sm_jsonflat *j)
{
	sm_buf_release(&j->scratch);
}

/* The next byte that is no white space, left in place; -1 at the end. */
static int
flat_peek(struct sm_jsonflat *j)
{
	const unsigned char *d = j->map->data;
	size_t at = j->at, size = j->map->size;

	while (at < size && (d[at] == ' ' || d[at] == '\n' || d[at] == '\r' ||
			     d[at] == '\t'))
		at++;
	j->at = at;
	return at < size ? d[at] : -1;
}

static int
flat_unexpected(const struct sm_jsonflat *j, int c, const char *wanted,
		struct sm_err *err)
{
	if (c < 0)
		return flat_error(j, j->at, err,
				  "the file ends where %s is wanted", wanted);
	if (c == '/' || c == '#')
		return flat_error(j, j->at, err,
				  "%s is wanted; JSON has no comments", wanted);
	if (c > 0x20 && c < 0x7f)
		return flat_error(j, j->at, err, "%s is wanted, not '%c'",
				  wanted, c);
	return flat_error(j, j->at, err, "%s is wanted, not byte 0x%02x",
			  wanted, (unsigned)c);
}

static int
flat_begin(struct sm_jsonflat *j, struct sm_err *err)
{
	int c;

	if (j->map->size >= 3 && memcmp(j->map->data, "\xef\xbb\xbf", 3) == 0)
		return flat_error(j, 0, err,
				  "it begins with a byte order mark (BOM), "
				  "which JSON does not have; remove it: "
				  "tail -c +4 OLD > NEW");
	c = flat_peek(j);
	if (c != '{' && c != '[')
		return flat_unexpected(j, c, "a JSON object or array", err);
	j->is_object = c == '{';
	j->at++;
	j->state = FLAT_FIRST;
	return 0;
}

static void
flat_put_utf8(struct sm_buf *b, unsigned c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = n - 1; i > 0; i--) {
		s[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	s[0] = (char)(lead[n] | c);
	sm_buf_put(b, s, n);
}

/* \uXXXX at `at`: its unit, or -1. */
static int
flat_unit(const struct sm_jsonflat *j, size_t at)
{
	const unsigned char *d = j->map->data;
	unsigned v = 0, i, c;

	if (j->map->size - at < 6 || d[at] != '\\' || d[at + 1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		c = d[at + i];
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return -1;
		v = v << 4 | c;
	}
	return (int)v;
}

/* Decode the escape at *at, a backslash, into scratch; step behind it. */
static int
flat_escape(struct sm_jsonflat *j, size_t *at, struct sm_err *err)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	int c = *at + 1 < j->map->size ? j->map->data[*at + 1] : -1;
	const char *name = c > 0 ? strchr(names, c) : NULL;
	int unit, low;

	if (name) {
		sm_buf_putc(&j->scratch, values[name - names]);
		*at += 2;
		return 0;
	}
	unit = flat_unit(j, *at);
	if (unit < 0)
		return flat_error(j, *at, err, "bad escape in a string");
	if (unit >= 0xd800 && unit <= 0xdfff) {
		low = unit < 0xdc00 ? flat_unit(j, *at + 6) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return flat_error(j, *at, err,
					  "lone surrogate \\u%04x in a string",
					  (unsigned)unit);
		unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
		*at += 6;
	}
	flat_put_utf8(&j->scratch, (unsigned)unit);
	*at += 6;
	return 0;
}

/*
 * Read the string whose opening quote is at j->at, and step behind it.  One
 * without escapes is handed out where it lies.
 */
static int
flat_string(struct sm_jsonflat *j, const char **text, size_t *len,
	    struct sm_err *err)
{
	const char *d = (const char *)j->map->data;
	size_t size = j->map->size, start = j->at + 1, at = start, n;
	size_t pending = start; /* what lies before it is in scratch */
	int ret;

	j->scratch.len = 0;
	for (;;) {
		at += sm_scan_plain(d + at, size - at);
		if (at >= size)
			return flat_error(j, start - 1, err,
					  "string without an end");
		if (at - start > SM_JSONFLAT_TEXT_MAX)
			return flat_error(j, start - 1, err,
					  "string longer than %d bytes",
					  SM_JSONFLAT_TEXT_MAX);
		if (d[at] == '"')
			break;
		if (d[at] == '\\') {
			sm_buf_put(&j->scratch, d + pending, at - pending);
			ret = flat_escape(j, &at, err);
			if (ret < 0)
				return ret;
			pending = at;
			continue;
		}
		if ((unsigned char)d[at] < 0x20)
			return flat_error(j, at, err,
					  "control character 0x%02x in a "
					  "string",
					  (unsigned)d[at]);
		n = sm_scan_sequence(d + at, size - at);
		if (n == 0)
			return flat_error(j, at, err, "invalid UTF-8");
		at += n;
	}
	j->at = at + 1;
	if (pending == start) {
		*text = d + start;
		*len = at - start;
		return 0;
	}
	sm_buf_put(&j->scratch, d + pending, at - pending);
	if (sm_buf_failed(&j->scratch))
		return sm_err_mem(err, "a string");
	*text = j->scratch.data;
	*len = j->scratch.len;
	return 0;
}

/* The key's plain decimal, in one spelling only: two would be one index. */
static int
flat_index(const struct sm_jsonflat *j, uint64_t *index, const char *s,
	   size_t len, size_t at, struct sm_err *err)
{
	int shown = len > FLAT_SHOWN_MAX ? FLAT_SHOWN_MAX : (int)len;
	uint64_t v = 0;
	bool big = false;
	size_t i;

	for (i = 0; i < len && s[i] >= '0' && s[i] <= '9'; i++)
		big |= __builtin_mul_overflow(v, 10, &v) ||
		       __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v);
	if (len == 0 || i < len || (len > 1 && s[0] == '0'))
		return flat_error(j, at, err,
				  "index \"%.*s\" is no plain decimal number "
				  "(0, 1, 17, …)",
				  shown, s);
	/* One below the largest: the end of a range must fit as well. */
	if (big || v == UINT64_MAX)
		return flat_error(j, at, err,
				  "index %.*s is larger than "
				  "18446744073709551614",
				  shown, s);
	*index = v;
	return 0;
}

static int
flat_key(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
	 struct sm_err *err)
{
	size_t at = j->at, len;
	const char *text;
	int c, ret;

	c = flat_peek(j);
	if (c != '"')
		return flat_unexpected(j, c, "an index in quotes", err);
	ret = flat_string(j, &text, &len, err);
	if (ret == 0)
		ret = flat_index(j, &entry->index, text, len, at, err);
	if (ret < 0)
		return ret;
	c = flat_peek(j);
	if (c != ':')
		return flat_unexpected(j, c, "':'", err);
	j->at++;
	return 0;
}

static int
flat_integer(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
	     struct sm_err *err)
{
	const char *d = (const char *)j->map->data;
	size_t size = j->map->size, at = j->at, digits;

	if (d[at] == '-')
		at++;
	digits = at;
	while (at < size && d[at] >= '0' && d[at] <= '9')
		at++;
	if (at == digits)
		return flat_error(j, j->at, err, "'-' without a number");
	if (at - digits > 1 && d[digits] == '0')
		return flat_error(j, j->at, err, "number with a leading zero");
	if (at < size && (d[at] == '.' || d[at] == 'e' || d[at] == 'E'))
		return flat_error(j, j->at, err,
				  "number with a fraction or an exponent; a "
				  "string or an integer is wanted");
	if (at - j->at > SM_JSONFLAT_TEXT_MAX)
		return flat_error(j, j->at, err, "number longer than %d bytes",
				  SM_JSONFLAT_TEXT_MAX);
	entry->is_string = false;
	entry->text = d + j->at;
	entry->len = at - j->at;
	j->at = at;
	return 0;
}

static int
flat_value(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
	   struct sm_err *err)
{
	const char *what = NULL;
	int c = flat_peek(j);

	if (c == '"') {
		entry->is_string = true;
		return flat_string(j, &entry->text, &entry->len, err);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return flat_integer(j, entry, err);

	switch (c) {
	case '{':
		what = "an object";
		break;
	case '[':
		what = "an array";
		break;
	case 'n':
		what = "null";
		break;
	case 't':
	case 'f':
		what = "a truth value";
		break;
	case 'N':
	case 'I':
		what = "no number";
		break;
	}
	if (what)
		return flat_error(j, j->at, err,
				  "the value of index %llu is %s; a string or "
				  "an integer is wanted",
				  (unsigned long long)entry->index, what);
	return flat_unexpected(j, c, "a string or an integer", err);
}

static int
flat_end(struct sm_jsonflat *j, struct sm_err *err)
{
	int c;

	j->at++;
	c = flat_peek(j);
	if (c >= 0)
		return flat_unexpected(j, c, "the end of the file", err);
	j->state = FLAT_END;
	return 0;
}

int
sm_jsonflat_next(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
		 struct sm_err *err)
{
	int c, ret, close;

	if (j->state == FLAT_END)
		return 0;
	if (j->state == FLAT_START) {
		ret = flat_begin(j, err);
		if (ret < 0)
			return ret;
	}
	close = j->is_object ? '}' : ']';
	c = flat_peek(j);
	if (c == close)
		return flat_end(j, err);
	if (j->state == FLAT_NEXT) {
		if (c != ',')
			return flat_unexpected(j, c,
					       close == '}' ? "',' or '}'"
							    : "',' or ']'",
					       err);
		j->at++;
		c = flat_peek(j);
	}
	j->state = FLAT_NEXT;

	entry->at = j->at;
	if (j->is_object) {
		ret = flat_key(j, entry, err);
		if (ret < 0)
			return ret;
	} else {
		entry->index = j->next_index++;
	}
	ret = flat_value(j, entry, err);
	return ret < 0 ? ret : 1;
}
