/*
 * The reader of flat JSON: {"0": "a", …} or ["a", …], one entry per call.
 *
 * It is written by hand, because jansson builds a tree, which takes ten times
 * the file in memory, and because a message must name the byte at which a file
 * of gigabytes is wrong.  From the bottom up: white space and messages,
 * escapes, strings, index keys, integers, values, and sm_jsonflat_next(), which
 * puts commas and brackets around them.  Most entries of large files are
 * written in one way, and are read by flat_usual() in less than a fifth of the
 * time.
 */
#include <string.h>

#include "scan.h"

#include "jsonflat.h"

/* Before the bracket; before the first entry; after an entry; at the end. */
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

/* Skip white space; the byte after it, which is not consumed, or -1. */
static int
flat_peek(struct sm_jsonflat *j)
{
	const unsigned char *d = j->map->data;
	size_t at = j->at, size = j->map->size;

	while (at < size && (d[at] == ' ' || d[at] == '\n' || d[at] == '\r' ||
			     d[at] == '\t'))
		at++;
	j->at = at;
	if (at == size)
		return -1;
	return d[at];
}

/*
 * `c` is what flat_peek() returned.  Comments are named, since they are what
 * people add to JSON most often; bytes that a terminal may not show are given
 * in hex.
 */
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

/*
 * The opening bracket decides whether entries have keys.
 */
static int
flat_begin(struct sm_jsonflat *j, struct sm_err *err)
{
	int c;

	j->bom = sm_scan_bom(j->map->data, j->map->size);
	if (j->bom)
		j->at = 3;
	c = flat_peek(j);
	if (j->inverted && c != '{')
		return flat_unexpected(j, c, "a JSON object from text to index",
				       err);
	if (c != '{' && c != '[')
		return flat_unexpected(j, c, "a JSON object or array", err);
	j->is_object = c == '{';
	j->at++;
	j->state = FLAT_FIRST;
	return 0;
}

/*
 * Append a code point.  Six bits go into each byte but the first, from the last
 * byte backwards; the first has what remains, after the mark of its length.
 */
static void
flat_put_utf8(struct sm_buf *b, unsigned c)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = 1, i;
	char s[4];

	if (c >= 0x10000)
		n = 4;
	else if (c >= 0x800)
		n = 3;
	else if (c >= 0x80)
		n = 2;
	for (i = n - 1; i > 0; i--) {
		s[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	s[0] = (char)(lead[n] | c);
	sm_buf_put(b, s, n);
}

/* The UTF-16 unit of the \uXXXX at `at`, or -1. */
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

/*
 * Decode the escape at *at, a backslash, into scratch, and move *at past it.  A
 * surrogate pair is two escapes for one code point; half of one is no text.
 */
static int
flat_escape(struct sm_jsonflat *j, size_t *at, struct sm_err *err)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	int c = 0, unit, low;
	const char *name;

	/* strchr() would find the NUL that ends `names`. */
	if (*at + 1 < j->map->size)
		c = j->map->data[*at + 1];
	name = strchr(names, c);
	if (c != 0 && name) {
		sm_buf_putc(&j->scratch, values[name - names]);
		*at += 2;
		return 0;
	}
	unit = flat_unit(j, *at);
	if (unit < 0)
		return flat_error(j, *at, err, "bad escape in a string");
	if (unit >= 0xd800 && unit <= 0xdfff) {
		low = flat_unit(j, *at + 6);
		if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
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
 * Read the string whose opening quote is at j->at, and move past it.  A string
 * without escapes is not copied: it is returned as it is in the mapping.
 *
 * Each round skips the plain bytes, eight at a time, and then looks at the one
 * byte that is not: the end, an escape, a control character, or the first byte
 * of a longer UTF-8 sequence.
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
		/*
		 * Without a bound, one missing quote would buffer the rest of
		 * the file.
		 */
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

/*
 * The number that a key spells.  Only one spelling is allowed: "7" and "07" are
 * different keys to JSON, but would be the same index here.
 */
static int
flat_index(const struct sm_jsonflat *j, uint64_t *index, const char *s,
	   size_t len, size_t at, struct sm_err *err)
{
	int shown = FLAT_SHOWN_MAX;
	uint64_t v = 0;
	bool big = false;
	size_t i;

	if (len < FLAT_SHOWN_MAX)
		shown = (int)len;
	if (sm_scan_number(index, s, len) && (len == 1 || s[0] != '0') &&
	    *index != UINT64_MAX)
		return 0;
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

/*
 * A string before a colon, and white space around both.  It is in entry->text,
 * until the next string is read.
 */
static int
flat_key(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
	 struct sm_err *err)
{
	int c, ret;

	c = flat_peek(j);
	if (c != '"')
		return flat_unexpected(j, c, "a key in quotes", err);
	entry->is_string = true;
	ret = flat_string(j, &entry->text, &entry->len, err);
	if (ret < 0)
		return ret;
	c = flat_peek(j);
	if (c != ':')
		return flat_unexpected(j, c, "':'", err);
	j->at++;
	return 0;
}

/*
 * Most people's vocabulary is from token to index, and what is wanted is the
 * other way around: a key that is no index, and a number after it, is that.
 */
static int
flat_check_inverted(struct sm_jsonflat *j, const struct sm_jsonflat_entry *e,
		    struct sm_err *err)
{
	int shown = FLAT_SHOWN_MAX, c;
	size_t i;

	for (i = 0; i < e->len && e->text[i] >= '0' && e->text[i] <= '9'; i++)
		;
	if (e->len > 0 && i == e->len)
		return 0;
	if (e->len < FLAT_SHOWN_MAX)
		shown = (int)e->len;
	c = flat_peek(j);
	if (c >= '0' && c <= '9')
		return flat_error(
			j, e->at, err,
			"\"%.*s\" is no index, and a number follows: "
			"the object is inverted, from text to index; "
			"a vocabulary is read so with "
			"--vocab-inverted, keys are turned around by "
			"python3 -c \"import json; json.dump({v: k "
			"for k, v in json.load(open('OLD')).items()}, "
			"open('NEW', 'w'))\"",
			shown, e->text);
	return 0;
}

/*
 * An integer stays text: it may have more digits than any type here, and is
 * written as it was read.  The grammar is checked by hand because "01", "-" and
 * "1.0" must not pass.
 */
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

/*
 * What is neither a string nor an integer is named for what its first byte says
 * that it is, so that the message speaks of the data and not of syntax.
 */
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

/* One entry of an object. */
static int
flat_pair(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
	  struct sm_err *err)
{
	struct sm_jsonflat_entry number = { .index = 0 };
	int ret = flat_key(j, entry, err), c;

	if (ret < 0)
		return ret;
	if (!j->inverted) {
		ret = flat_check_inverted(j, entry, err);
		if (ret == 0)
			ret = flat_index(j, &entry->index, entry->text,
					 entry->len, (size_t)entry->at, err);
		if (ret == 0)
			ret = flat_value(j, entry, err);
		return ret;
	}
	c = flat_peek(j);
	if (c < '0' || c > '9')
		return flat_unexpected(j, c, "an index, a number", err);
	ret = flat_integer(j, &number, err);
	if (ret == 0)
		ret = flat_index(j, &entry->index, number.text, number.len,
				 (size_t)entry->at, err);
	return ret;
}

/*
 * The closing bracket must be the last thing in the file: text after it is most
 * often a second document, which would be lost in silence.
 */
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

/* So many bytes are there: none before a text needs a look at the end. */
#define FLAT_USUAL_BYTES 32

/* A text in quotes at `*at`, of which each byte is plain. */
static bool
flat_usual_text(const struct sm_jsonflat *j, size_t *at, const char **text,
		size_t *len)
{
	const char *d = (const char *)j->map->data;
	size_t start = *at + 1;

	if (d[*at] != '"')
		return false;
	*text = d + start;
	*len = sm_scan_plain(*text, j->map->size - start);
	*at = start + *len + 1;
	return *at < j->map->size && d[*at - 1] == '"' &&
	       *len <= SM_JSONFLAT_TEXT_MAX;
}

/* A text, or an integer of digits that something else follows. */
static bool
flat_usual_value(const struct sm_jsonflat *j, size_t *at,
		 struct sm_jsonflat_entry *e)
{
	const char *d = (const char *)j->map->data;
	size_t start = *at, end = start, size = j->map->size;

	e->is_string = d[start] == '"';
	if (e->is_string)
		return flat_usual_text(j, at, &e->text, &e->len);
	while (end < size && end - start < 20 && d[end] >= '0' && d[end] <= '9')
		end++;
	e->text = d + start;
	e->len = end - start;
	*at = end;
	return e->len > 0 && (e->len == 1 || d[start] != '0') && end < size &&
	       (d[end] == ',' || d[end] == '\n' || d[end] == '}' ||
		d[end] == ']');
}

/* The index that a text or an integer says, in its one spelling. */
static bool
flat_usual_index(struct sm_jsonflat_entry *e, const char *s, size_t len)
{
	return sm_scan_number(&e->index, s, len) && (len == 1 || s[0] != '0') &&
	       e->index != UINT64_MAX;
}

/* A key, a colon, at most one space, a value. */
static bool
flat_usual_pair(const struct sm_jsonflat *j, size_t *at,
		struct sm_jsonflat_entry *e)
{
	const char *d = (const char *)j->map->data, *key;
	size_t len;

	if (!flat_usual_text(j, at, &key, &len) || j->map->size - *at < 3 ||
	    d[*at] != ':')
		return false;
	++*at;
	*at += d[*at] == ' ';
	if (!flat_usual_value(j, at, e))
		return false;
	if (!j->inverted)
		return flat_usual_index(e, key, len);
	if (e->is_string || !flat_usual_index(e, e->text, e->len))
		return false;
	e->is_string = true;
	e->text = key;
	e->len = len;
	return true;
}

/*
 * The next entry where it is written as programs write it: after a comma and
 * little white space, all of its texts plain.  False, with nothing consumed: it
 * is not, or is wrong, and is to be looked at byte by byte.
 */
static bool
flat_usual(struct sm_jsonflat *j, struct sm_jsonflat_entry *e)
{
	const char *d = (const char *)j->map->data;
	size_t at = j->at, limit = at + FLAT_USUAL_BYTES / 2;

	if (j->map->size - at < FLAT_USUAL_BYTES || d[at] != ',')
		return false;
	while (++at < limit && (d[at] == ' ' || d[at] == '\n'))
		;
	e->at = at;
	if (j->is_object && !flat_usual_pair(j, &at, e))
		return false;
	if (!j->is_object) {
		if (!flat_usual_value(j, &at, e))
			return false;
		e->index = j->next_index++;
	}
	e->in_place = true;
	j->at = at;
	return true;
}

int
sm_jsonflat_next(struct sm_jsonflat *j, struct sm_jsonflat_entry *entry,
		 struct sm_err *err)
{
	const char *wanted;
	int c, ret, close;

	if (j->state == FLAT_END)
		return 0;
	if (j->state == FLAT_NEXT && flat_usual(j, entry))
		return 1;
	entry->in_place = false;
	if (j->state == FLAT_START) {
		ret = flat_begin(j, err);
		if (ret < 0)
			return ret;
	}
	/*
	 * A bracket may follow the opening one or an entry, but not a comma:
	 * the comma is consumed below, and a value is wanted then.
	 */
	close = ']';
	wanted = "',' or ']'";
	if (j->is_object) {
		close = '}';
		wanted = "',' or '}'";
	}
	c = flat_peek(j);
	if (c == close)
		return flat_end(j, err);
	if (j->state == FLAT_NEXT) {
		if (c != ',')
			return flat_unexpected(j, c, wanted, err);
		j->at++;
		c = flat_peek(j);
	}
	j->state = FLAT_NEXT;

	entry->at = j->at;
	if (j->is_object) {
		ret = flat_pair(j, entry, err);
	} else {
		entry->index = j->next_index++;
		ret = flat_value(j, entry, err);
	}
	if (ret < 0)
		return ret;
	return 1;
}
