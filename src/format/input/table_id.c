/*
 * How a key or a token is written: as a JSON string or as an integer.  This is
 * where --ids is decided, once per entry of a vocabulary and not once per
 * candidate.  It is apart from table.c because the rules are Python's, and are
 * tested as such.
 */
#include "jsontext.h"

#include "table_id.h"

static bool
id_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -?(0|[1-9][0-9]*) */
static bool
id_is_decimal(const char *s, size_t len)
{
	size_t i = len > 0 && s[0] == '-', digits = len - i;

	if (digits == 0 || (digits > 1 && s[i] == '0'))
		return false;
	for (; i < len; i++)
		if (!id_is_digit(s[i]))
			return false;
	return true;
}

/* A decimal as json.dumps writes the integer: there is no -0. */
static void
id_put_decimal(struct sm_buf *b, const char *s, size_t len)
{
	if (len == 2 && s[0] == '-' && s[1] == '0')
		sm_buf_putc(b, '0');
	else
		sm_buf_put(b, s, len);
}

/* What C's isspace() takes, and so Python's int() around ASCII digits. */
static bool
id_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * As Python's int() on ASCII: white space around, a sign, digits with single
 * underscores between them, leading zeros.
 */
static void
id_put_int(struct sm_buf *b, const char *s, size_t len)
{
	size_t i, digits = 0, start = b->len;
	bool negative = false, nonzero = false, after_digit = false;

	/*
	 * Strip the space, take the sign; the digits are copied as they are
	 * checked.
	 */
	while (len > 0 && id_is_space(s[0]))
		s++, len--;
	while (len > 0 && id_is_space(s[len - 1]))
		len--;
	if (len > 0 && (s[0] == '-' || s[0] == '+')) {
		negative = s[0] == '-';
		s++, len--;
	}
	for (i = 0; i < len; i++) {
		if (s[i] == '_' && after_digit) {
			after_digit = false;
			continue;
		}
		/* Leading zeros count: Python counts before it converts. */
		if (!id_is_digit(s[i]) || ++digits > SM_TABLE_INT_DIGITS_MAX)
			goto unreadable;
		after_digit = true;
		if (s[i] == '0' && !nonzero)
			continue;
		if (!nonzero && negative)
			sm_buf_putc(b, '-');
		nonzero = true;
		sm_buf_putc(b, s[i]);
	}
	/* No digit at all, or an underscore at the end. */
	if (!after_digit)
		goto unreadable;
	if (!nonzero)
		sm_buf_putc(b, '0');
	return;

unreadable:
	b->len = start;
}

/*
 * Five cases, from the kind of entry and what is wanted of it: an integer as
 * such; an integer as a string; a string that must be an integer; a string that
 * may be one; a string.
 */
void
sm_table_id(struct sm_buf *b, const struct sm_jsonflat_entry *entry,
	    bool is_key, int ids)
{
	const char *s = entry->text;
	size_t len = entry->len;

	if (!entry->is_string && (is_key || ids != SM_IDS_STRING)) {
		id_put_decimal(b, s, len);
	} else if (!entry->is_string) {
		sm_buf_putc(b, '"');
		id_put_decimal(b, s, len);
		sm_buf_putc(b, '"');
	} else if (!is_key && ids == SM_IDS_INT) {
		id_put_int(b, s, len);
	} else if (!is_key && ids == SM_IDS_AUTO && id_is_decimal(s, len)) {
		id_put_decimal(b, s, len);
	} else {
		sm_jsontext_put(b, s, len);
	}
}

/*
 * Digits of which the first is no zero are an integer wherever an integer may
 * be.  What begins with a sign or a zero, or has more digits than a number of
 * 64 bits, goes the long way.
 */
bool
sm_table_id_in_place(const char **text, size_t *len,
		     const struct sm_jsonflat_entry *entry, bool is_key,
		     int ids, bool is_number)
{
	const char *s = entry->text;

	*text = s;
	*len = entry->len;
	if (!entry->in_place)
		return false;
	if (!entry->is_string)
		return is_key || ids != SM_IDS_STRING;
	if (!is_key && ids != SM_IDS_STRING) {
		if (is_number && s[0] != '0')
			return true;
		if (ids == SM_IDS_INT || entry->len == 0 || s[0] == '-' ||
		    id_is_digit(s[0]))
			return false;
	}
	/* With the quotes on both sides of it. */
	*text = s - 1;
	*len += 2;
	return true;
}
