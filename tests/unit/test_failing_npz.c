/*
 * Each call that reading an array from an archive makes, failing: nothing is
 * left behind, and a lack of memory, zlib's own too, is never damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failing.h"

#include "buf.h"
#include "bytes.h"
#include "crc32.h"
#include "digest.h"
#include "input_file.h"
#include "open_files.h"
#include "npy_rows.h"
#include "zmem.h"

/* Columns of big-endian numbers, and more of them than zlib's window has. */
#define ROWS  200
#define WIDTH 100

static char stored[600], deflated[600]; /* paths of the member in archives */
static struct sm_err err;

/* An array, a header of 80 bytes first. */
static void
put_array(struct sm_buf *b)
{
	char text[71];
	uint32_t v;
	int i;

	i = snprintf(text, sizeof(text),
		     "{'descr':'>i4','fortran_order':True,'shape':(%d,%d)}",
		     ROWS, WIDTH);
	memset(text + i, ' ', sizeof(text) - (size_t)i);
	sm_buf_put(b, "\x93NUMPY\1\0\x46\0", 10);
	sm_buf_put(b, text, 70);
	for (i = 0; i < ROWS * WIDTH; i++) {
		v = (uint32_t)i * 2654435761u >> 8;
		sm_buf_put(b, &v, sizeof(v));
	}
}

static void
put_archive(char path[600], const char *name, bool deflate_it)
{
	unsigned char head[30] = "PK\3\4", entry[46] = "PK\1\2",
		      end[22] = "PK\5\6";
	static unsigned char packed[2 * 4 * ROWS * WIDTH];
	struct sm_buf array = { 0 }, file = { 0 };
	z_stream z = { 0 };
	size_t len;

	put_array(&array);
	z.next_in = (Bytef *)array.data;
	z.avail_in = (uInt)array.len;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = z.total_out;
	deflateEnd(&z);
	if (!deflate_it) {
		len = array.len;
		memcpy(packed, array.data, len);
	}
	sm_put_le(head + 26, 5, 2);
	sm_put_le(entry + 10, deflate_it ? 8 : 0, 2);
	sm_put_le(entry + 16, sm_crc32(0, array.data, array.len), 4);
	sm_put_le(entry + 20, len, 4);
	sm_put_le(entry + 24, array.len, 4);
	sm_put_le(entry + 28, 5, 2);
	sm_put_le(end + 12, sizeof(entry) + 5, 4);
	sm_put_le(end + 16, sizeof(head) + 5 + len, 4);
	sm_buf_put(&file, head, sizeof(head));
	sm_buf_puts(&file, "a.npy");
	sm_buf_put(&file, packed, len);
	sm_buf_put(&file, entry, sizeof(entry));
	sm_buf_puts(&file, "a.npy");
	sm_buf_put(&file, end, sizeof(end));
	snprintf(path, 600, "%s:a", input_file(name, file.data, file.len));
	sm_buf_release(&file);
	sm_buf_release(&array);
}

/* Digest, unpack where it has to be, and read the last rows. */
static int
read_member(const char *path)
{
	struct sm_npz nobody = { 0 };
	struct sm_digest d;
	struct sm_npy_rows r = { 0 };
	struct sm_npy npy = { 0 };
	bool unpacked = false;
	int ret;

	ret = sm_digest_file(&d, path, false, NULL, NULL, &err);
	if (ret == 0)
		ret = sm_npy_unpack(&unpacked, &nobody, path, input_dir(),
				    "copy.npy", &err);
	if (ret == 0)
		ret = sm_npy_open(&npy, path, input_dir(), "copy.npy", &err);
	if (ret == 0)
		ret = sm_npy_rows_init(&r, &npy, SM_NPY_HOST_BIG_ENDIAN, &err);
	if (ret == 0) {
		ret = sm_npy_rows_get(&r, ROWS - 10, 10, &err);
		assert_int_equal(d.size, npy.map.size);
	}
	sm_npy_rows_release(&r);
	sm_npy_close(&npy);
	if (unpacked)
		__real_unlinkat(input_dir(), "copy.npy", 0);
	return ret;
}

static long
each_call(const char *path)
{
	int before, ret;
	long n = 0, mem = 0;
	bool hit;

	do {
		err = (struct sm_err){ 0 };
		before = open_files();
		failing_arm(++n, false);
		ret = read_member(path);
		hit = failing_disarm();
		assert_int_equal(open_files(), before);
		if (ret < 0 && !hit)
			fail_msg("%s", err.text);
		if (ret < 0 && (ret != err.code || !err.text[0]))
			fail_msg("call %ld (%s): %d says %d", n, failing_name,
				 ret, err.code);
		if (ret < 0 && strstr("malloc calloc strndup", failing_name)) {
			mem++;
			if (ret != SM_ENOMEM)
				fail_msg("call %ld (%s): no memory is %d: %s",
					 n, failing_name, ret, err.text);
		}
		/* Not the unlinkat() that was to remove it. */
		if (ret < 0 && strcmp(failing_name, "unlinkat") != 0)
			assert_int_equal(__real_faccessat(input_dir(),
							  "copy.npy", F_OK, 0),
					 -1);
	} while (hit);
	assert_int_equal(ret, 0);
	return mem;
}

static void
test_members(void **state)
{
	long in_place, packed;

	(void)state;
	put_archive(stored, "s.npz", false);
	put_archive(deflated, "d.npz", true);
	in_place = each_call(stored);
	packed = each_call(deflated);
	/* inflateInit2()'s, and the window that inflate() asks for late. */
	print_message("%ld and %ld allocations\n", in_place, packed);
	assert_true(in_place >= 4);
	assert_true(packed >= 4 + 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_members) };

	return cmocka_run_group_tests(tests, NULL, input_cleanup);
}
