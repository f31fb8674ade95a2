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
	REPLACE_ITEM,
	REPLACE_INPUT,
	REPLACE_SLOT,
	REPLACE_OUT,
};

static const struct {
	const char *text;
	enum replace_field field;
} replace_words[] = {
	{ "{first}", REPLACE_FIRST }, { "{end}", REPLACE_END },
	{ "{last}", REPLACE_LAST },   { "{rows}", REPLACE_ROWS },
	{ "{batch}", REPLACE_BATCH }, { "{item}", REPLACE_ITEM },
	{ "{}", REPLACE_ITEM },       { "{input}", REPLACE_INPUT },
	{ "{slot}", REPLACE_SLOT },   { "{out}", REPLACE_OUT },
};

/* The placeholder at `p` and its length. */
static enum replace_field
replace_at(const char *p, size_t *len)
{
	size_t i, n;

	for (i = 0; i < sizeof(replace_words) / sizeof(*replace_words); i++) {
		n = strlen(replace_words[i].text);
		if (strncmp(p, replace_words[i].text, n) == 0) {
			*len = n;
			return replace_words[i].field;
		}
	}
	*len = 1;
	return REPLACE_NONE;
}

bool
sm_replace_has_number(const char *arg)
{
	enum replace_field f;
	size_t n;

	for (; (arg = strchr(arg, '{')) != NULL; arg++) {
		f = replace_at(arg, &n);
		if (f >= REPLACE_FIRST && f <= REPLACE_ROWS)
			return true;
	}
	return false;
}

static bool
replace_has(const char *arg, bool item, bool slot)
{
	enum replace_field f;
	size_t n;

	for (; (arg = strchr(arg, '{')) != NULL; arg++) {
		f = replace_at(arg, &n);
		if (f != REPLACE_NONE && (f != REPLACE_SLOT || slot) &&
		    (f != REPLACE_ITEM || item) &&
		    (f != REPLACE_INPUT || !item))
			return true;
	}
	return false;
}

bool
sm_replace_has_item(const char *arg)
{
	size_t n;

	for (; (arg = strchr(arg, '{')) != NULL; arg++)
		if (replace_at(arg, &n) == REPLACE_ITEM)
			return true;
	return false;
}

bool
sm_replace_is(const char *word, size_t len)
{
	size_t n;

	return replace_at(word, &n) != REPLACE_NONE && n == len;
}

bool
sm_replace_has(const char *arg, bool item)
{
	return replace_has(arg, item, true);
}

bool
sm_replace_has_own(const char *arg, bool item)
{
	return replace_has(arg, item, false);
}

/* False if the batch does not have it. */
static bool
replace_value(struct sm_buf *out, enum replace_field f,
	      const struct sm_piece *b, int slot)
{
	bool numbers = b && b->first >= 0 && b->end >= 0;

	if (f == REPLACE_SLOT)
		sm_buf_printf(out, "%d", slot);
	else if (!b)
		return false;
	else if (f == REPLACE_BATCH)
		sm_buf_printf(out, "%" PRIu64, b->id);
	else if (f == REPLACE_ITEM && b->item)
		sm_buf_puts(out, b->item);
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
sm_replace_put(struct sm_buf *out, const char *arg, const struct sm_piece *b,
	       int slot)
{
	const char *brace;
	size_t n;

	while ((brace = strchr(arg, '{')) != NULL) {
		sm_buf_put(out, arg, (size_t)(brace - arg));
		if (!replace_value(out, replace_at(brace, &n), b, slot))
			sm_buf_put(out, brace, n);
		arg = brace + n;
	}
	sm_buf_puts(out, arg);
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
