/*
 * libFuzzer target: .npy files, of which every item is read if they open.
 * Built with all others by `tests/run fuzz`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hash.h"
#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;
	static uint64_t digest;
	struct sm_npy npy = { 0 };
	struct sm_err err = { 0 };
	uint64_t i, product = 1;
	int ret;

	if (fd < 0) {
		fd = memfd_create("npy", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 ||
	    sm_pwrite_all(fd, data, size, 0) < 0)
		abort();
	ret = sm_npy_open(&npy, path, -1, NULL, &err);
	if (ret < 0) {
		if (ret != err.code || ret != SM_EINPUT || !*err.text)
			abort();
		return 0;
	}
	for (i = 0; i < npy.dims; i++)
		product *= npy.shape[i];
	if (product != npy.count)
		abort();
	digest = sm_hash(digest, npy.data, npy.count * npy.item_bytes);
	sm_npy_require(&npy, 2, 1u << SM_NPY_F4, "a float32 array", &err);
	sm_npy_close(&npy);
	return 0;
}
