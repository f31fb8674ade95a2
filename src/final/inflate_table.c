/*
 * Tables are built from code lengths alone: words of one length are numbers in
 * a row, those of the next length go on from there (RFC 1951, 3.2.2).  They
 * come with the first bit lowest, so a table is looked up by the next bits as
 * they are, and a word of n bits has each 2^n-th entry.
 */
#include <string.h>

#include "inflate.h"
#include "inflate_entry.h"

#define TABLE_MAX_BITS    15
#define TABLE_MAX_SYMBOLS 288

/* Symbols in the order of their code words, and how many there are of each. */
struct order {
	uint16_t symbol[TABLE_MAX_SYMBOLS];
	unsigned count[TABLE_MAX_BITS + 1];
	unsigned used;
};

/*
 * False: lengths that no code has.  An incomplete one is taken only where it
 * has one word, of one bit, or none: some compressors write distances so.
 */
static bool
order_symbols(struct order *o, const uint8_t *len, unsigned n)
{
	unsigned at[TABLE_MAX_BITS + 2] = { 0 }, i;
	uint32_t left = 1u << TABLE_MAX_BITS, taken;

	memset(o->count, 0, sizeof(o->count));
	for (i = 0; i < n; i++)
		o->count[len[i]]++;
	o->used = n - o->count[0];
	o->count[0] = 0;
	for (i = 1; i <= TABLE_MAX_BITS; i++) {
		taken = (uint32_t)o->count[i] << (TABLE_MAX_BITS - i);
		if (taken > left)
			return false;
		left -= taken;
		at[i + 1] = at[i] + o->count[i];
	}
	if (left > 0 && (o->used > 1 || o->count[1] != o->used))
		return false;
	for (i = 0; i < n; i++)
		if (len[i] > 0)
			o->symbol[at[len[i]]++] = (uint16_t)i;
	return true;
}

/* The code word after `word`, both with their first bit lowest. */
static uint32_t
table_next_word(uint32_t word, unsigned bits)
{
	uint32_t bit = 1u << (bits - 1);

	while (word & bit)
		bit >>= 1;
	return bit ? (word & (bit - 1)) | bit : 0;
}

/*
 * Bits of a second look, for the words of `bits` or more that share their
 * first `first` with the next one: as many as it takes to hold them all.
 */
static unsigned
table_sub_bits(const unsigned *count, unsigned bits, unsigned first)
{
	unsigned sub = bits - first;
	uint32_t room = 1u << sub;

	while (count[bits] < room && bits < TABLE_MAX_BITS) {
		room = (room - count[bits]) << 1;
		bits++;
		sub++;
	}
	return sub;
}

/*
 * Fill `table`, of 2^first entries and room for more, with entry(symbol, bits);
 * `bits` are those that are left for the look that finds it.
 */
static void
table_fill(uint32_t *table, unsigned first, struct order *o,
	   uint32_t (*entry)(unsigned symbol, unsigned bits))
{
	uint32_t size = 1u << first, end = size, word = 0, prefix = UINT32_MAX;
	uint32_t at = 0, i, e, mask = size - 1;
	unsigned bits = 1, sub = 0, n;

	/* What no word has stays so; a complete code leaves nothing. */
	for (i = 0; o->used < 2 && i < size; i++)
		table[i] = ENTRY_BAD;
	for (n = 0; n < o->used; n++) {
		while (o->count[bits] == 0)
			bits++;
		if (bits <= first) {
			e = entry(o->symbol[n], bits);
			for (i = word; i < size; i += 1u << bits)
				table[i] = e;
		} else {
			if ((word & mask) != prefix) {
				prefix = word & mask;
				sub = table_sub_bits(o->count, bits, first);
				at = end;
				end += 1u << sub;
				table[prefix] = at << 16 | ENTRY_SUB | sub;
			}
			e = entry(o->symbol[n], bits - first);
			for (i = word >> first; i < 1u << sub;
			     i += 1u << (bits - first))
				table[at + i] = e;
		}
		o->count[bits]--;
		word = table_next_word(word, bits);
	}
}

/* ------------------------------------------------------------- symbols -- */

static uint32_t
entry_value(uint32_t base, unsigned extra, unsigned bits)
{
	return base << 16 | bits << 8 | ENTRY_VALUE | (bits + extra);
}

static uint32_t
entry_litlen(unsigned symbol, unsigned bits)
{
	unsigned extra;

	if (symbol < 256)
		return symbol << 8 | ENTRY_LITERAL | bits;
	if (symbol == 256)
		return ENTRY_END | bits;
	symbol -= 257;
	if (symbol < 8)
		return entry_value(symbol + 3, 0, bits);
	if (symbol == 28)
		return entry_value(258, 0, bits);
	if (symbol > 28)
		return ENTRY_BAD;
	extra = symbol / 4 - 1;
	return entry_value(((4 + symbol % 4) << extra) + 3, extra, bits);
}

static uint32_t
entry_dist(unsigned symbol, unsigned bits)
{
	unsigned extra;

	if (symbol < 4)
		return entry_value(symbol + 1, 0, bits);
	if (symbol > 29)
		return ENTRY_BAD;
	extra = symbol / 2 - 1;
	return entry_value(((2 + symbol % 2) << extra) + 1, extra, bits);
}

static uint32_t
entry_clen(unsigned symbol, unsigned bits)
{
	return symbol << 8 | bits;
}

/*
 * Literals whose words fit a look together become one entry.  Downwards, since
 * what follows a word of n bits in entry i is in entry i >> n, which is
 * lower and still has one literal only.
 */
static void
litlen_join(uint32_t *table)
{
	uint32_t e, next, i = 1u << SM_INFLATE_LITLEN_BITS;
	unsigned bits, n;

	while (i-- > 0) {
		e = table[i];
		if (!ENTRY_IS_LITERAL(e))
			continue;
		bits = ENTRY_BITS(e);
		e &= 0xff00;
		for (n = 1; n < 3; n++) {
			next = table[i >> bits];
			if (!ENTRY_IS_LITERAL(next) ||
			    bits + ENTRY_BITS(next) > SM_INFLATE_LITLEN_BITS)
				break;
			/* Entry 0 alone meets itself, not joined yet. */
			e |= (next & 0xff00) << (8 * n);
			bits += ENTRY_BITS(next);
		}
		table[i] = e | n * ENTRY_LITERAL | bits;
	}
}

bool
sm_inflate_litlen_table(uint32_t *table, const uint8_t *len, unsigned n)
{
	struct order o;

	if (len[256] == 0 || !order_symbols(&o, len, n))
		return false;
	table_fill(table, SM_INFLATE_LITLEN_BITS, &o, entry_litlen);
	litlen_join(table);
	return true;
}

bool
sm_inflate_dist_table(uint32_t *table, const uint8_t *len, unsigned n)
{
	struct order o;

	if (!order_symbols(&o, len, n))
		return false;
	table_fill(table, SM_INFLATE_DIST_BITS, &o, entry_dist);
	return true;
}

bool
sm_inflate_clen_table(uint32_t *table, const uint8_t *len)
{
	struct order o;

	/* Of this code no incomplete one is taken, as zlib has it. */
	if (!order_symbols(&o, len, SM_INFLATE_CLENS) || o.used < 2)
		return false;
	table_fill(table, SM_INFLATE_CLEN_BITS, &o, entry_clen);
	return true;
}
