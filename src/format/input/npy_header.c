/*
 * The parser of a .npy header, a Python dictionary of three entries:
 *
 * 	{'descr': '<f4', 'fortran_order': False, 'shape': (20000, 300), }
 *
 * It is apart from npy.c because it is a grammar of its own, read from files
 * that anybody may have written, and because most of it is advice: which line
 * of Python makes, of an array that cannot be read here, one that can.
 */
#include <stdio.h>
#include <string.h>

#include "packed.h"

#include "npy_header.h"

/* Longer strings are refused by who reads them; this keeps sums in range. */
#define NPY_LENGTH_DIGITS 8

struct npy_parser {
	struct sm_npy *npy;
	size_t at, end; /* in the file */
	unsigned seen;  /* bit i: of npy_entries[i] */
};

/* A string of the header, where it lies. */
struct npy_string {
	const char *s;
	int len;
	size_t at;
};

/* Length of what a message shows of `len` bytes. */
static int
npy_at_most(int max, int len)
{
	if (len > max)
		return max;
	return len;
}

/* What is wrong at byte `at` of the file; the arguments as printf's. */
#define npy_error(p, at, err, ...)                                             \
	sm_err_at(err, (p)->npy->map.path, at, __VA_ARGS__)

/* What is wrong, and the Python that converts it: load(…) `after`. */
static int
npy_convertible(const struct npy_parser *p, size_t at, const char *what,
		const char *after, struct sm_err *err)
{
	char load[SM_LOAD_MAX];

	sm_packed_load(load, p->npy->map.path, "");
	return npy_error(p, at, err,
			 "%s; convert it: python3 -c \"import numpy as np; "
			 "np.save('new.npy', %s%s)\"",
			 what, load, after);
}

/* Skip white space; the byte after it, which is not consumed, or 0. */
static int
npy_peek(struct npy_parser *p)
{
	const unsigned char *d = p->npy->map.data;

	while (p->at < p->end &&
	       (d[p->at] == ' ' || d[p->at] == '\t' || d[p->at] == '\n'))
		p->at++;
	if (p->at == p->end)
		return 0;
	return d[p->at];
}

static bool
npy_accept(struct npy_parser *p, int c)
{
	if (npy_peek(p) != c)
		return false;
	p->at++;
	return true;
}

static bool
npy_accept_word(struct npy_parser *p, const char *word)
{
	size_t n = strlen(word);

	npy_peek(p);
	if (p->end - p->at < n ||
	    memcmp(p->npy->map.data + p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

/*
 * A string in either kind of quotes.  NumPy's own keys and types need no
 * escapes, so a backslash is refused rather than interpreted.
 */
static int
npy_read_string(struct npy_parser *p, struct npy_string *out, const char *what,
		struct sm_err *err)
{
	const char *d = (const char *)p->npy->map.data, *close;
	int quote = npy_peek(p);
	size_t at = p->at;

	if (quote != '\'' && quote != '"')
		return npy_error(p, at, err, "%s in quotes is wanted", what);
	close = memchr(d + at + 1, quote, p->end - at - 1);
	if (!close)
		return npy_error(p, at, err, "a string without an end");
	/* The length fits an int: the header has 64 KiB at most. */
	*out = (struct npy_string){ d + at + 1, (int)(close - d - 1 - (long)at),
				    at };
	if (memchr(out->s, '\\', (size_t)out->len))
		return npy_error(p, at, err, "a string with a backslash");
	p->at = (size_t)(close - d) + 1;
	return 0;
}

static bool
npy_is(const struct npy_string *s, const char *text)
{
	return strlen(text) == (size_t)s->len &&
	       memcmp(s->s, text, (size_t)s->len) == 0;
}

/*
 * A type that NumPy has and this program does not read: name it, and say how to
 * convert it.  `type` is `s` without its byte order.
 */
static int
npy_other_type(const struct npy_parser *p, const struct npy_string *s,
	       const struct npy_string *type, struct sm_err *err)
{
	static const struct {
		const char *kinds, *letters; /* with a size, and without */
		const char *name, *after;
	} others[] = {
		{ "f", "g", "long doubles", ".astype('float64')" },
		{ "c", "FDG", "complex numbers", ".real.astype('float64')" },
		{ "M", "", "dates", ".astype('int64')" },
		{ "m", "", "times", ".astype('int64')" },
	};
	char what[96], load[SM_LOAD_MAX];
	int shown = npy_at_most(24, s->len);
	const char *of;
	size_t i;

	if (npy_is(type, "O")) {
		sm_packed_load(load, p->npy->map.path, ", allow_pickle=True");
		return npy_error(
			p, s->at, err,
			"the array holds Python objects; if you trust "
			"it, convert it: python3 -c \"import numpy as "
			"np; np.save('new.npy', np.array(%s.tolist()))\"",
			load);
	}
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		of = others[i].letters;
		if (type->len > 1 && strchr("0123456789[", type->s[1]))
			of = others[i].kinds;
		else if (type->len > 1)
			continue;
		if (type->len == 0 || !memchr(of, type->s[0], strlen(of)))
			continue;
		snprintf(what, sizeof(what), "the array holds %s (type '%.*s')",
			 others[i].name, shown, s->s);
		return npy_convertible(p, s->at, what, others[i].after, err);
	}
	return npy_error(
		p, s->at, err,
		"unknown type '%.*s'; integers, floating-point numbers "
		"and strings are read",
		shown, s->s);
}

/*
 * Strings: "U8" is eight code points of four bytes, "S8" (to old ones "a8")
 * eight bytes, both filled up with NULs.  True if it is one of them.
 */
static bool
npy_is_strings(struct sm_npy *npy, const struct npy_string *s)
{
	unsigned n = 0;
	int i;

	if (s->len < 2 || s->len > 1 + NPY_LENGTH_DIGITS ||
	    !memchr("USa", s->s[0], 3))
		return false;
	for (i = 1; i < s->len; i++) {
		if (s->s[i] < '0' || s->s[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s->s[i] - '0');
	}
	if (n == 0)
		return false;
	npy->item_bytes = n;
	npy->type = SM_NPY_S;
	if (s->s[0] == 'U') {
		npy->item_bytes = 4 * n;
		npy->type = SM_NPY_U;
	}
	return true;
}

/*
 * Numbers, by all names that NumPy takes: kind and size, the letters of C's
 * types (a long has 8 bytes to NumPy wherever it is likely to run) and, without
 * a byte order, whole words.
 */
static bool
npy_is_numbers(struct sm_npy *npy, const struct npy_string *s)
{
	static const struct {
		enum sm_npy_type type;
		const char *names; /* between blanks */
	} types[] = {
		{ SM_NPY_B1, " b1 ? bool " },
		{ SM_NPY_I1, " i1 b int8 " },
		{ SM_NPY_I2, " i2 h int16 " },
		{ SM_NPY_I4, " i4 i int32 " },
		{ SM_NPY_I8, " i8 l q p int64 int " },
		{ SM_NPY_U1, " u1 B uint8 " },
		{ SM_NPY_U2, " u2 H uint16 " },
		{ SM_NPY_U4, " u4 I uint32 " },
		{ SM_NPY_U8, " u8 L Q P uint64 uint " },
		{ SM_NPY_F2, " f2 e float16 half " },
		{ SM_NPY_F4, " f4 f float32 single " },
		{ SM_NPY_F8, " f8 d float64 float double " },
	};
	char word[12];
	size_t i;

	if (s->len > 8 || memchr(s->s, ' ', (size_t)s->len))
		return false;
	snprintf(word, sizeof(word), " %.*s ", s->len, s->s);
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		npy->type = types[i].type;
		if (strstr(types[i].names, word))
			return true;
	}
	return false;
}

/*
 * The type: byte order, kind, size.  A structured array has a list here, and
 * has no single type.  Without a byte order it is that of this machine, as it
 * is to NumPy.
 */
static int
npy_read_descr(struct npy_parser *p, struct sm_err *err)
{
	struct npy_string s, type;
	int c = npy_peek(p), ret;
	char order = '=';

	if (c == '[' || c == '(')
		return npy_error(p, p->at, err,
				 "it is a structured array; save one of its "
				 "fields: np.save('new.npy', a['FIELD'])");
	ret = npy_read_string(p, &s, "a type", err);
	if (ret < 0)
		return ret;
	type = s;
	if (s.len > 1 && memchr("<>|=", s.s[0], 4)) {
		order = s.s[0];
		type.s++;
		type.len--;
	}
	p->npy->big_endian =
		order == '>' || (order != '<' && SM_NPY_HOST_BIG_ENDIAN);
	/* Words have no byte order. */
	if (npy_is_strings(p->npy, &type) ||
	    ((type.len == s.len || type.len <= 2) &&
	     npy_is_numbers(p->npy, &type)))
		return 0;
	return npy_other_type(p, &s, &type, err);
}

static int
npy_read_order(struct npy_parser *p, struct sm_err *err)
{
	if (npy_accept_word(p, "True"))
		p->npy->fortran = true;
	else if (!npy_accept_word(p, "False"))
		return npy_error(p, p->at, err, "True or False is wanted");
	return 0;
}

/* One dimension: a decimal number, with Python 2's suffix L allowed. */
static int
npy_read_dimension(struct npy_parser *p, uint64_t *out, struct sm_err *err)
{
	const unsigned char *d = p->npy->map.data;
	int c = npy_peek(p);
	size_t at = p->at;
	bool big = false;
	uint64_t v = 0;

	if (c == '-')
		return npy_error(p, at, err, "a negative dimension");
	if (c == '(')
		return npy_error(p, at, err, "a tuple within the shape");
	for (; p->at < p->end && d[p->at] >= '0' && d[p->at] <= '9'; p->at++)
		big |= __builtin_mul_overflow(v, 10, &v) ||
		       __builtin_add_overflow(v, (uint64_t)(d[p->at] - '0'),
					      &v);
	if (p->at == at)
		return npy_error(p, at, err,
				 "a dimension is wanted, a decimal number");
	if (big || v > INT64_MAX)
		return npy_error(p, at, err, "a dimension of %.*s or more",
				 npy_at_most(24, (int)(p->at - at)),
				 (const char *)d + at);
	if (p->at < p->end && d[p->at] == 'L')
		p->at++;
	*out = v;
	return 0;
}

/*
 * A tuple.  The comma after the last dimension may be there or not, but for one
 * dimension it makes the tuple.
 */
static int
npy_read_shape(struct npy_parser *p, struct sm_err *err)
{
	struct sm_npy *n = p->npy;
	int ret;

	if (!npy_accept(p, '('))
		return npy_error(p, p->at, err, "a tuple is wanted");
	while (!npy_accept(p, ')')) {
		if (n->dims == SM_NPY_DIMS_MAX)
			return npy_error(p, p->at, err,
					 "more than %d dimensions",
					 SM_NPY_DIMS_MAX);
		ret = npy_read_dimension(p, &n->shape[n->dims], err);
		if (ret < 0)
			return ret;
		n->dims++;
		if (npy_accept(p, ','))
			continue;
		/* In Python (3) is a number; the tuple is (3,). */
		if (n->dims == 1 || npy_peek(p) != ')')
			return npy_error(p, p->at, err,
					 "a comma is wanted in the shape");
	}
	return 0;
}

/* The entries that a header has, each exactly once. */
static const struct npy_entry {
	const char *key;
	int (*read)(struct npy_parser *p, struct sm_err *err);
} npy_entries[] = {
	{ "descr", npy_read_descr },
	{ "fortran_order", npy_read_order },
	{ "shape", npy_read_shape },
};

#define NPY_ENTRIES (sizeof(npy_entries) / sizeof(*npy_entries))

/*
 * One key and its value.  Python would take the last of two equal keys; here a
 * second one is refused, since such a header was not written by NumPy.
 */
static int
npy_read_entry(struct npy_parser *p, struct sm_err *err)
{
	struct npy_string key;
	unsigned i;
	int ret;

	ret = npy_read_string(p, &key, "a key", err);
	if (ret < 0)
		return ret;
	for (i = 0; i < NPY_ENTRIES; i++)
		if (npy_is(&key, npy_entries[i].key))
			break;
	if (i == NPY_ENTRIES)
		return npy_error(p, key.at, err,
				 "unknown key '%.*s'; descr, fortran_order and "
				 "shape are known",
				 npy_at_most(40, key.len), key.s);
	if (p->seen & 1u << i)
		return npy_error(p, key.at, err, "key '%.*s' a second time",
				 key.len, key.s);
	p->seen |= 1u << i;
	if (!npy_accept(p, ':'))
		return npy_error(p, p->at, err, "':' is wanted");
	return npy_entries[i].read(p, err);
}

int
sm_npy_header_parse(struct sm_npy *npy, size_t at, size_t end,
		    struct sm_err *err)
{
	struct npy_parser p = { .npy = npy, .at = at, .end = end };
	unsigned i;
	int ret;

	npy->dims = 0;
	if (!npy_accept(&p, '{'))
		return npy_error(&p, p.at, err, "'{' is wanted");
	while (!npy_accept(&p, '}')) {
		ret = npy_read_entry(&p, err);
		if (ret < 0)
			return ret;
		if (!npy_accept(&p, ',') && npy_peek(&p) != '}')
			return npy_error(&p, p.at, err, "',' or '}' is wanted");
	}
	for (i = 0; i < NPY_ENTRIES; i++)
		if (!(p.seen & 1u << i))
			return npy_error(&p, at, err, "the key '%s' is missing",
					 npy_entries[i].key);
	npy_peek(&p);
	if (p.at != end)
		return npy_error(&p, p.at, err, "text after the header's '}'");
	return 0;
}
