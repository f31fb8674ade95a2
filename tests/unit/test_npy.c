#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "buf.h"
#include "bytes.h"
#include "npy_rows.h"

#include "input_file.h"

/* A .npy file of this header and `data_bytes` bytes 0, 1, 2, … */
static const char *
npy_file(unsigned major, const char *header, size_t data_bytes)
{
	struct sm_buf b = { 0 };
	unsigned char head[12] = "\x93NUMPY";
	unsigned width = major == 1 ? 2 : 4;
	const char *path;
	size_t i;

	head[6] = (unsigned char)major;
	sm_put_le(head + 8, strlen(header), width);
	sm_buf_put(&b, head, 8 + width);
	sm_buf_puts(&b, header);
	for (i = 0; i < data_bytes; i++)
		sm_buf_putc(&b, (char)i);
	path = input_file("x.npy", b.data, b.len);
	sm_buf_release(&b);
	return path;
}

static int
open_npy(struct sm_npy *npy, const char *path, struct sm_err *err)
{
	return sm_npy_open(npy, path, -1, NULL, err);
}

static void
refuse(const char *path, const char *word)
{
	struct sm_npy npy = { 0 };
	struct sm_err err = { 0 };

	assert_int_equal(open_npy(&npy, path, &err), SM_EINPUT);
	if (!strstr(err.text, word) || !strstr(err.text, path))
		fail_msg("'%s' is not in: %s", word, err.text);
	assert_null(npy.data);
	sm_npy_close(&npy);
}

static void
refuse_header(const char *header, const char *word)
{
	refuse(npy_file(1, header, 24), word);
}

static void
refuse_bytes(const void *data, size_t len, const char *word)
{
	refuse(input_file("x.npy", data, len), word);
}

#define HEAD(descr, order, shape)                                              \
	"{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape     \
	", }   \n"

static void
test_accepted(void **state)
{
	static const struct {
		const char *descr;
		enum sm_npy_type type;
		unsigned bytes;
	} types[] = {
		{ "'|i1'", SM_NPY_I1, 1 },   { "'<i2'", SM_NPY_I2, 2 },
		{ "'<i4'", SM_NPY_I4, 4 },   { "'<i8'", SM_NPY_I8, 8 },
		{ "'|u1'", SM_NPY_U1, 1 },   { "'<u2'", SM_NPY_U2, 2 },
		{ "'<u4'", SM_NPY_U4, 4 },   { "'<u8'", SM_NPY_U8, 8 },
		{ "'<f2'", SM_NPY_F2, 2 },   { "'<f4'", SM_NPY_F4, 4 },
		{ "\"<f8\"", SM_NPY_F8, 8 },
	};
	struct sm_npy npy;
	struct sm_err err = { 0 };
	char header[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(header, sizeof(header), HEAD("%s", "False", "(3, 2)"),
			 types[i].descr);
		assert_int_equal(open_npy(&npy,
					  npy_file(1 + (unsigned)i % 3, header,
						   6 * types[i].bytes),
					  &err),
				 0);
		assert_int_equal(npy.type, types[i].type);
		assert_int_equal(npy.item_bytes, types[i].bytes);
		assert_int_equal(npy.dims, 2);
		assert_int_equal(npy.shape[0], 3);
		assert_int_equal(npy.shape[1], 2);
		assert_int_equal(npy.count, 6);
		assert_int_equal(npy.data[5], 5);
		sm_npy_close(&npy);
	}
}

/* All that NumPy takes for a type; '=', '|' and none are the host's order. */
static void
test_letters(void **state)
{
	static const struct {
		const char *descr; /* between blanks */
		enum sm_npy_type type;
		unsigned bytes;
	} types[] = {
		{ "b1 |b1 ? <? >b1 bool", SM_NPY_B1, 1 },
		{ "i1 b <b >b |i1 int8", SM_NPY_I1, 1 },
		{ "i2 h <h >i2 =i2 int16", SM_NPY_I2, 2 },
		{ "i4 i <i >i4 =i4 |i4 int32", SM_NPY_I4, 4 },
		{ "i8 l q p <l <q >q =l =i8 int64 int", SM_NPY_I8, 8 },
		{ "u1 B >B |u1 uint8", SM_NPY_U1, 1 },
		{ "u2 H <H >u2 uint16", SM_NPY_U2, 2 },
		{ "u4 I <I >I uint32", SM_NPY_U4, 4 },
		{ "u8 L Q P <L <Q >u8 uint64", SM_NPY_U8, 8 },
		{ "f2 e <e >e =f2 float16", SM_NPY_F2, 2 },
		{ "f4 f <f >f4 =f4 |f4 float32", SM_NPY_F4, 4 },
		{ "f8 d <d >d =f8 float64 float double", SM_NPY_F8, 8 },
		{ "S3 |S3 a3 <S3", SM_NPY_S, 3 },
		{ "U2 <U2 >U2 =U2", SM_NPY_U, 8 },
	};
	char header[128], list[64], *descr, *rest;
	struct sm_err err = { 0 };
	struct sm_npy npy;
	bool big;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(list, sizeof(list), "%s", types[i].descr);
		for (descr = strtok_r(list, " ", &rest); descr;
		     descr = strtok_r(NULL, " ", &rest)) {
			/* No newline at its end. */
			snprintf(header, sizeof(header),
				 "{'descr':'%s','fortran_order':True,"
				 "'shape':(3,2)}",
				 descr);
			if (open_npy(&npy,
				     npy_file(1, header, 6 * types[i].bytes),
				     &err) < 0)
				fail_msg("%s: %s", descr, err.text);
			assert_int_equal(npy.type, types[i].type);
			assert_int_equal(npy.item_bytes, types[i].bytes);
			assert_true(npy.fortran);
			big = *descr == '>' ||
			      (*descr != '<' && SM_NPY_HOST_BIG_ENDIAN);
			assert_int_equal(npy.big_endian, big);
			sm_npy_close(&npy);
		}
	}
}

static uint64_t
item_of(const unsigned char *p, unsigned bytes, bool big)
{
	if (big)
		return sm_get_be(p, bytes);
	return sm_get_le(p, bytes);
}

/*
 * Rows are the same whatever order the file has them in, and whatever order
 * the host has its bytes in: as if it were little-endian, and big-endian.
 */
static void
test_rows(void **state)
{
	static const struct {
		const char *descr;
		enum sm_npy_type to;
		unsigned bytes, to_bytes;
		bool is_signed;
	} types[] = {
		{ "b1", SM_NPY_U4, 1, 4, false },
		{ "i1", SM_NPY_I4, 1, 4, true },
		{ "i2", SM_NPY_I4, 2, 4, true },
		{ "i4", SM_NPY_I4, 4, 4, true },
		{ "i8", SM_NPY_I8, 8, 8, true },
		{ "u1", SM_NPY_U4, 1, 4, false },
		{ "u2", SM_NPY_U4, 2, 4, false },
		{ "u4", SM_NPY_U4, 4, 4, false },
		{ "u8", SM_NPY_U8, 8, 8, false },
		{ "f2", SM_NPY_F2, 2, 2, false },
		{ "f4", SM_NPY_F4, 4, 4, false },
		{ "f8", SM_NPY_F8, 8, 8, false },
	};
	/* More columns than are read side by side, and some rows. */
	const uint64_t rows = 21, width = 35, first = 5, n = 16;
	struct sm_err err = { 0 };
	struct sm_npy_rows r, unmapped;
	struct sm_npy npy, far;
	uint64_t row, column, at, want, mask;
	char header[128];
	unsigned order, bits;
	size_t i;
	bool big, fortran, host;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		for (order = 0; order < 8; order++) {
			big = order & 1;
			fortran = order & 2;
			/* Widened ones are numbers of this machine. */
			host = SM_NPY_HOST_BIG_ENDIAN;
			if (types[i].bytes == types[i].to_bytes)
				host = order & 4;
			snprintf(header, sizeof(header),
				 HEAD("'%c%s'", "%s", "(21, 35)"),
				 big ? '>' : '<', types[i].descr,
				 fortran ? "True" : "False");
			assert_int_equal(
				open_npy(
					&npy,
					npy_file(1, header,
						 rows * width * types[i].bytes),
					&err),
				0);
			assert_int_equal(sm_npy_rows_init(&r, &npy, host, &err),
					 0);
			assert_int_equal(r.type, types[i].to);
			assert_true(r.most >= n);
			assert_int_equal(!r.buf,
					 types[i].bytes == types[i].to_bytes &&
						 !fortran && big == host);
			assert_int_equal(sm_npy_rows_get(&r, first, n, &err),
					 0);
			for (at = 0; at < n * width; at++) {
				row = first + at / width;
				column = at % width;
				if (fortran)
					want = column * rows + row;
				else
					want = row * width + column;
				want = item_of(npy.data + want * types[i].bytes,
					       types[i].bytes, big);
				bits = 8 * types[i].bytes;
				mask = UINT64_MAX >>
				       (64 - 8 * types[i].to_bytes);
				if (types[i].is_signed && bits < 64 &&
				    want >> (bits - 1))
					want |= UINT64_MAX << bits & mask;
				assert_int_equal(
					item_of(r.data + at * types[i].to_bytes,
						types[i].to_bytes, host),
					want);
			}
			/* As one that there is no room to map. */
			far = npy;
			far.data = NULL;
			far.fd = open(npy.map.path, O_RDONLY);
			assert_true(far.fd >= 0);
			assert_int_equal(
				sm_npy_rows_init(&unmapped, &far, host, &err),
				0);
			assert_true(unmapped.most >= n);
			assert_int_equal(
				sm_npy_rows_get(&unmapped, first, n, &err), 0);
			assert_memory_equal(unmapped.data, r.data,
					    n * width * types[i].to_bytes);
			/* It has lost its last row. */
			assert_int_equal(
				truncate(npy.map.path, (off_t)npy.map.size - 1),
				0);
			assert_int_equal(
				sm_npy_rows_get(&unmapped, rows - n, n, &err),
				SM_EINPUT);
			assert_non_null(strstr(err.text, "shrank"));
			sm_npy_rows_release(&unmapped);
			close(far.fd);
			sm_npy_rows_release(&r);
			sm_npy_close(&npy);
		}
	}
}

static void
test_shapes(void **state)
{
	static const struct {
		const char *header;
		unsigned dims;
		uint64_t count;
		size_t bytes;
	} shapes[] = {
		{ HEAD("'<i4'", "False", "()"), 0, 1, 4 },
		{ HEAD("'<i4'", "False", "(6,)"), 1, 6, 24 },
		{ HEAD("'<i4'", "True", "(6,)"), 1, 6, 24 },
		{ HEAD("'<i4'", "False", "(0, 300)"), 2, 0, 0 },
		{ HEAD("'<i4'", "False", "(5L, 1L)"), 2, 5, 20 },
		{ HEAD("'<i4'", "False", "(1,1,1,1,1,1,1,2)"), 8, 2, 8 },
		{ "{'shape':(2,),'descr':'<i4','fortran_order':False}\n", 1, 2,
		  8 },
	};
	struct sm_npy npy;
	struct sm_err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		assert_int_equal(
			open_npy(&npy,
				 npy_file(1, shapes[i].header, shapes[i].bytes),
				 &err),
			0);
		assert_int_equal(npy.dims, shapes[i].dims);
		assert_int_equal(npy.count, shapes[i].count);
		sm_npy_close(&npy);
	}
}

static void
test_foreign(void **state)
{
	char zeros[16] = { 0 };

	(void)state;
	refuse(input_path("missing.npy"), "No such file");
	refuse(input_path("."), "a directory");
	assert_int_equal(mkfifo(input_path("pipe"), 0600), 0);
	refuse(input_path("pipe"), "a pipe");
	refuse("/dev/null", "a device");
	refuse_bytes("", 0, "empty");
	refuse_bytes("\x93NUM", 4, "only 4 bytes");
	refuse_bytes("\x93NUMPY\1\0v", 9, "cut short");
	refuse_bytes("\x93NUMPY\2\0vvv", 11, "cut short");
	refuse_bytes("PK\3\4abcdefgh", 12, "unzip");
	refuse_bytes("\x1f\x8b\x08 abcdefgh", 12, "gzip -dk");
	refuse_bytes("\x80\4 abcdefgh", 11, "pickle");
	refuse_bytes(zeros, sizeof(zeros), "00 00 00 00");
	refuse_bytes("\x93NUMPY\1\1\1\0\n", 11, "byte 6: .npy version 1.1");
	refuse_bytes("\x93NUMPY\0\0\1\0\n", 11, "version 0.0");
	refuse_bytes("\x93NUMPY\4\0\1\0\n", 11, "version 4.0");
	refuse_bytes("\x93NUMPY\1\0\0\0\n", 11, "byte 8: header length 0");
	refuse_bytes("\x93NUMPY\1\0\3\0\n", 11,
		     "byte 8: header length 3, but only 1");
	refuse_bytes("\x93NUMPY\2\0\1\0\1\0\n", 13, "header length 65537");
	refuse_bytes("\x93NUMPY\1\0\2\0{}", 12, "'descr' is missing");
}

static void
test_dictionary(void **state)
{
	(void)state;
	refuse_header("\n", "'{' is wanted");
	refuse_header("{\n", "a key in quotes");
	refuse_header("{}\n", "'descr' is missing");
	refuse_header("{'descr': '<i4', 'shape': (6,)}\n",
		      "'fortran_order' is missing");
	refuse_header("{'descr': '<i4', 'fortran_order': False}\n",
		      "'shape' is missing");
	refuse_header(HEAD("'<i4', 'descr': '<i4'", "False", "(6,)"),
		      "byte 27: key 'descr' a second time");
	refuse_header(HEAD("'<i4', 'color': 1", "False", "(6,)"), "'color'");
	refuse_header(HEAD("'<i4'", "False", "(6,)") " x\n", "text after");
	refuse_header(HEAD("'<i4'", "0", "(6,)"), "True or False");
	refuse_header(HEAD("'<i4' 'a'", "False", "(6,)"), "',' or '}'");
	refuse_header("{'descr': '<i4'", "',' or '}'");
	refuse_header("{'descr\n", "without an end");
	refuse_header("{'des\\x63r': 1}\n", "backslash");
	refuse_header("{'descr' '<i4'}\n", "':'");
}

static void
test_bad_shapes(void **state)
{
	(void)state;
	refuse_header(HEAD("'<i4'", "False", "6"), "tuple is wanted");
	refuse_header(HEAD("'<i4'", "False", "(6)"), "comma");
	refuse_header(HEAD("'<i4'", "False", "(6 1)"), "comma");
	refuse_header(HEAD("'<i4'", "False", "(,)"), "dimension is wanted");
	refuse_header(HEAD("'<i4'", "False", "(-1, 6)"), "negative");
	refuse_header(HEAD("'<i4'", "False", "((2, 3),)"), "within the shape");
	refuse_header(HEAD("'<i4'", "False", "(1,1,1,1,1,1,1,1,6)"),
		      "more than 8");
	refuse_header(HEAD("'<i4'", "False", "(99999999999999999999999,)"),
		      "99999999999999999999999 or more");
	refuse_header(HEAD("'<i4'", "False", "(4611686018427387904, 4)"),
		      "no file can hold");
	refuse_header(HEAD("'<i8'", "False", "(2305843009213693952,)"),
		      "no file can hold");
	refuse_header(HEAD("'<i4'", "False",
			   "(4611686018427387904, 4611686018427387904, 0)"),
		      "no file can hold");
	refuse(npy_file(1, HEAD("'<i4'", "False", "(3, 2)"), 23),
	       "(3, 2) of int32 takes 24 bytes, but 23");
	refuse(npy_file(1, HEAD("'<i4'", "False", "(3, 2)"), 25), "appended");
	refuse(npy_file(1, HEAD("'<i4'", "False", "(0,)"), 1), "(0,)");
}

static void
test_types(void **state)
{
	(void)state;
	refuse_header(HEAD("'<f16'", "False", "(6,)"), ".astype('float64')");
	refuse_header(HEAD("'>g'", "False", "(6,)"), ".astype('float64')");
	refuse_header(HEAD("'D'", "False", "(6,)"), "complex");
	refuse_header(HEAD("'<c8'", "False", "(6,)"), "complex");
	refuse_header(HEAD("'|O'", "False", "(6,)"), "Python objects");
	/* As long as strings of three bytes would be. */
	refuse_header(HEAD("'|S3'", "False", "(6,)"), "of string takes 18");
	refuse_header(HEAD("'<U3'", "False", "(6,)"), "of string takes 72");
	refuse_header(HEAD("'<M8[ns]'", "False", "(6,)"), "dates");
	refuse_header(HEAD("'|V3'", "False", "(6,)"), "unknown type '|V3'");
	refuse_header(HEAD("'<int32'", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("'fx'", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("'='", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("' '", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("'i4 i'", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("''", "False", "(6,)"), "unknown type");
	refuse_header(HEAD("[('a', '<i4')]", "False", "(6,)"), "structured");
	refuse_header(HEAD("4", "False", "(6,)"), "type in quotes");
}

static void
test_require(void **state)
{
	const char *path = npy_file(1, HEAD("'<f8'", "False", "(1, 3, 1)"), 24);
	struct sm_npy npy;
	struct sm_err err = { 0 };

	(void)state;
	assert_int_equal(open_npy(&npy, path, &err), 0);
	assert_int_equal(sm_npy_require(&npy, 3, 1u << SM_NPY_F8, "", &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(sm_npy_require(&npy, 2, 1u << SM_NPY_I4,
					"an integer array", &err),
			 SM_EINPUT);
	assert_non_null(strstr(err.text, "is a 3-dimensional float64 array; "
					 "wanted a 2-dimensional integer "
					 "array"));
	assert_int_equal(
		sm_npy_require(&npy, 3, 1u << SM_NPY_F4, "a float32", &err),
		SM_EINPUT);
	sm_npy_close(&npy);
	sm_npy_close(&npy);
}

/* Every header cut at each length, and each byte of one changed. */
static void
test_damaged(void **state)
{
	static const char header[] = HEAD("'<i4'", "False", "(3, 2)");
	struct sm_npy npy;
	struct sm_err err;
	char copy[sizeof(header)];
	size_t i;
	int c, ret;

	(void)state;
	for (i = 0; i + 1 < sizeof(header); i++) {
		memcpy(copy, header, sizeof(copy));
		copy[i] = '\0';
		/* After the brace only blanks are left out. */
		if (header + i <= strchr(header, '}'))
			refuse_header(copy, "");
		for (c = 1; c < 256; c += 7) {
			copy[i] = (char)c;
			ret = open_npy(&npy, npy_file(1, copy, 24), &err);
			if (ret == 0)
				sm_npy_close(&npy);
			else
				assert_int_equal(ret, SM_EINPUT);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_dictionary),
		cmocka_unit_test(test_bad_shapes),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
