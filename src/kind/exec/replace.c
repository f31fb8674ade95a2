/*
 * replace.c - replace {first}, {item} and their like in arguments
 *
 * Only the words listed here are replaced; all other braces belong to the
 * command.
 */
#include <inttypes.h>
#include <string.h>

#include "replace.h"

enum replace_field {
	REPLACE_NONE,
	REPLACE_FIRST,
	REPLACE_END,
	REPLACE_LAST,
	REPLACE_ROWS,
	REPLACE_BATCH,
	REPLACE_SEQUENCE, /* {#} */
	REPLACE_ITEM,     /* as it came */
	REPLACE_COLUMNS,  /* {} and its like: all of them */
	REPLACE_COLUMN,
	REPLACE_INPUT,
	REPLACE_SLOT,
	REPLACE_OUT,
	REPLACE_SLOT_1, /* {%} */
};

struct replace_word {
	enum replace_field field;
	size_t len; /* with the braces */
	int column; /* from 1 */
	/* What is left of a path. */
	bool base, dir, stem;
};

static const struct {
	const char *text;
	enum replace_field field;
} replace_words[] = {
	{ "{first}", REPLACE_FIRST }, { "{end}", REPLACE_END },
	{ "{last}", REPLACE_LAST },   { "{rows}", REPLACE_ROWS },
	{ "{batch}", REPLACE_BATCH }, { "{item}", REPLACE_ITEM },
	{ "{}", REPLACE_COLUMNS },    { "{input}", REPLACE_INPUT },
	{ "{slot}", REPLACE_SLOT },   { "{#}", REPLACE_SEQUENCE },
	{ "{%}", REPLACE_SLOT_1 },    { "{out}", REPLACE_OUT },
};

/* Perhaps a number of up to four digits, then perhaps one of . / // /. */
static bool
replace_parallel(struct replace_word *w, const char *p)
{
	const char *q = p + 1;

	for (; *q >= (w->column ? '0' : '1') && *q <= '9' && q < p + 5; q++)
		w->column = 10 * w->column + (*q - '0');
	w->dir = q[0] == '/' && q[1] == '/';
	w->base = q[0] == '/' && !w->dir;
	q += w->base + 2 * w->dir;
	w->stem = *q == '.' && !w->dir;
	q += w->stem;
	if (*q != '}' || q == p + 1)
		return false;
	w->field = w->column ? REPLACE_COLUMN : REPLACE_COLUMNS;
	w->len = (size_t)(q + 1 - p);
	return true;
}

/* The placeholder at `p` in `arg`, whether this job has it or not. */
static struct replace_word
replace_at(const char *arg, const char *p)
{
	const struct replace_word none = { .len = 1 };
	struct replace_word w = { .len = 1 };
	bool of_shell = p > arg && p[-1] == '$';
	size_t i, n;

	for (i = 0; i < sizeof(replace_words) / sizeof(*replace_words); i++) {
		n = strlen(replace_words[i].text);
		if (strncmp(p, replace_words[i].text, n) != 0)
			continue;
		w.field = replace_words[i].field;
		w.len = n;
		return of_shell && n == 3 ? none : w;
	}
	if (of_shell || !replace_parallel(&w, p))
		return none;
	return w;
}

static bool
replace_is_of_item(const struct replace_word *w, int columns)
{
	switch (w->field) {
	case REPLACE_ITEM:
	case REPLACE_COLUMNS:
		return columns != SM_COLUMNS_NO_ITEM;
	case REPLACE_COLUMN:
		return w->column <= columns;
	default:
		return false;
	}
}

/* Does a batch of such a job have it? */
static bool
replace_is_filled(const struct replace_word *w, int columns)
{
	switch (w->field) {
	case REPLACE_NONE:
		return false;
	case REPLACE_ITEM:
	case REPLACE_COLUMNS:
	case REPLACE_COLUMN:
		return replace_is_of_item(w, columns);
	case REPLACE_INPUT:
		return columns == SM_COLUMNS_NO_ITEM;
	default:
		return true;
	}
}

bool
sm_replace_has_number(const char *arg)
{
	struct replace_word w;
	const char *p;

	for (p = arg; (p = strchr(p, '{')) != NULL; p++) {
		w = replace_at(arg, p);
		if (w.field >= REPLACE_FIRST && w.field <= REPLACE_ROWS)
			return true;
	}
	return false;
}

static bool
replace_has(const char *arg, int columns, bool slot)
{
	struct replace_word w;
	const char *p;

	for (p = arg; (p = strchr(p, '{')) != NULL; p++) {
		w = replace_at(arg, p);
		if (replace_is_filled(&w, columns) &&
		    (w.field < REPLACE_SLOT || slot))
			return true;
	}
	return false;
}

bool
sm_replace_has_item(const char *arg, int columns)
{
	struct replace_word w;
	const char *p;

	for (p = arg; (p = strchr(p, '{')) != NULL; p++) {
		w = replace_at(arg, p);
		if (replace_is_of_item(&w, columns))
			return true;
	}
	return false;
}

int
sm_replace_highest(const char *arg, int columns)
{
	struct replace_word w;
	const char *p;
	int highest = 0;

	for (p = arg; (p = strchr(p, '{')) != NULL; p++) {
		w = replace_at(arg, p);
		if (replace_is_of_item(&w, columns) && w.column > highest)
			highest = w.column;
	}
	return highest;
}

bool
sm_replace_is(const char *arg, const char *p, int columns)
{
	struct replace_word w = replace_at(arg, p);

	/* Those of other sources are told of by nobody: they may be meant. */
	return w.field != REPLACE_NONE &&
	       (w.field == REPLACE_ITEM || w.field == REPLACE_INPUT ||
		strncmp(p, "{}", 2) == 0 || replace_is_filled(&w, columns));
}

bool
sm_replace_has(const char *arg, int columns)
{
	return replace_has(arg, columns, true);
}

bool
sm_replace_has_own(const char *arg, int columns)
{
	return replace_has(arg, columns, false);
}

static const char *
replace_last_slash(const char *p, size_t len)
{
	return len ? memrchr(p, '/', len) : NULL;
}

/* What `w` leaves of a path. */
static void
replace_put_path(struct sm_buf *out, const char *p, size_t len,
		 const struct replace_word *w)
{
	const char *slash, *dot;

	if (w->dir) {
		while (len > 1 && p[len - 1] == '/')
			len--;
		slash = replace_last_slash(p, len);
		if (!slash) {
			sm_buf_putc(out, '.');
			return;
		}
		len = (size_t)(slash - p);
		while (len > 0 && p[len - 1] == '/')
			len--;
		sm_buf_put(out, p, len ? len : 1);
		return;
	}
	slash = replace_last_slash(p, len);
	if (w->base && slash) {
		len -= (size_t)(slash + 1 - p);
		p = slash + 1;
		slash = NULL;
	}
	dot = w->stem && len ? memrchr(p, '.', len) : NULL;
	/* An ending has at least a letter, and is not the directory's. */
	if (dot && dot + 1 < p + len && (!slash || dot > slash))
		len = (size_t)(dot - p);
	sm_buf_put(out, p, len);
}

static void
replace_put_item(struct sm_buf *out, const struct replace_word *w,
		 const struct sm_replace_by *by)
{
	const struct sm_columns *c = by->columns;
	const char *item = by->batch->item;
	size_t i;

	if (!c || c->planned <= SM_COLUMNS_NONE) {
		replace_put_path(out, item, strlen(item), w);
		return;
	}
	for (i = 0; i < c->count; i++) {
		if (w->column && (size_t)w->column != i + 1)
			continue;
		if (i > 0 && !w->column)
			sm_buf_putc(out, ' ');
		replace_put_path(out, c->column[i].text, c->column[i].len, w);
	}
}

/* False if the batch does not have it. */
static bool
replace_value(struct sm_buf *out, const struct replace_word *w,
	      const struct sm_replace_by *by)
{
	const struct sm_piece *b = by->batch;
	bool numbers = b && b->first >= 0 && b->end >= 0;
	enum replace_field f = w->field;
	int columns = SM_COLUMNS_NO_ITEM;

	if (b && b->item)
		columns = by->columns ? by->columns->planned : SM_COLUMNS_NONE;
	if (f == REPLACE_SLOT || f == REPLACE_SLOT_1)
		sm_buf_printf(out, "%d", by->slot + (f == REPLACE_SLOT_1));
	else if (!b)
		return false;
	else if (f == REPLACE_BATCH || f == REPLACE_SEQUENCE)
		sm_buf_printf(out, "%" PRIu64, b->id + (f == REPLACE_SEQUENCE));
	else if (f == REPLACE_ITEM && b->item)
		sm_buf_puts(out, b->item);
	else if (replace_is_of_item(w, columns))
		replace_put_item(out, w, by);
	else if (f == REPLACE_INPUT && b->input)
		sm_buf_puts(out, b->input);
	else if (f == REPLACE_OUT && b->out)
		sm_buf_puts(out, b->out);
	else if (f == REPLACE_FIRST && numbers)
		sm_buf_printf(out, "%" PRId64, b->first);
	else if (f == REPLACE_END && numbers)
		sm_buf_printf(out, "%" PRId64, b->end);
	else if (f == REPLACE_LAST && numbers)
		sm_buf_printf(out, "%" PRId64, b->end - 1);
	else if (f == REPLACE_ROWS && numbers)
		sm_buf_printf(out, "%" PRId64, b->end - b->first);
	else
		return false;
	return true;
}

void
sm_replace_put(struct sm_buf *out, const char *arg,
	       const struct sm_replace_by *by)
{
	const char *p = arg, *brace;
	struct replace_word w;

	while ((brace = strchr(p, '{')) != NULL) {
		sm_buf_put(out, p, (size_t)(brace - p));
		w = replace_at(arg, brace);
		if (!replace_value(out, &w, by))
			sm_buf_put(out, brace, w.len);
		p = brace + w.len;
	}
	sm_buf_puts(out, p);
}

size_t
sm_replace_words(struct sm_buf *out, const char *const *argv,
		 const struct sm_replace_by *by)
{
	const struct sm_columns *c = by->columns;
	size_t n = 0, i;

	for (; *argv; argv++) {
		if (strcmp(*argv, "{}") != 0 || !by->batch || !c || !c->count) {
			sm_replace_put(out, *argv, by);
			sm_buf_putc(out, '\0');
			n++;
			continue;
		}
		for (i = 0; i < c->count; i++, n++) {
			sm_buf_put(out, c->column[i].text, c->column[i].len);
			sm_buf_putc(out, '\0');
		}
	}
	return n;
}

static void
replace_quote_ansi(struct sm_buf *out, const char *arg)
{
	unsigned char c;

	sm_buf_puts(out, "$'");
	for (; (c = (unsigned char)*arg) != 0; arg++) {
		if (c == '\n')
			sm_buf_puts(out, "\\n");
		else if (c == '\t')
			sm_buf_puts(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			/* Octal: \x would swallow hex digits after it. */
			sm_buf_printf(out, "\\%03o", c);
		else if (c == '\'' || c == '\\')
			sm_buf_printf(out, "\\%c", c);
		else
			sm_buf_putc(out, (char)c);
	}
	sm_buf_putc(out, '\'');
}

void
sm_replace_quote(struct sm_buf *out, const char *arg)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";
	const char *p;

	if (*arg && arg[strspn(arg, plain)] == '\0') {
		sm_buf_puts(out, arg);
		return;
	}
	for (p = arg; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			replace_quote_ansi(out, arg);
			return;
		}
	}
	sm_buf_putc(out, '\'');
	for (p = arg; *p; p++) {
		if (*p == '\'')
			sm_buf_puts(out, "'\\''");
		else
			sm_buf_putc(out, *p);
	}
	sm_buf_putc(out, '\'');
}
