/*
 * How: the two meta pages of LMDB 0.9's format, as its mdb.c lays them out, in
 * host order and with the host's word size. The newer one counts. A version
 * that is not known here is left to LMDB, which says so.
 */
#include "store/lmdb_header.h"

#include "store/store_error.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	META_FLAG = 0x08,
	META_VERSION = 1,
	PAGE_BYTES_MIN = 512,
	PAGE_BYTES_MAX = 65536,
};

#define META_MAGIC UINT32_C(0xBEEFC0DE)

struct meta_tree {
	uint32_t page_bytes; /* of the first tree; else nothing */
	uint16_t flags;
	uint16_t depth;
	size_t branch_pages;
	size_t leaf_pages;
	size_t overflow_pages;
	size_t entries;
	size_t root;
};

struct meta_page {
	size_t number;
	uint16_t pad;
	uint16_t flags;
	uint32_t pages;
	uint32_t magic;
	uint32_t version;
	size_t address;
	size_t map_bytes;
	struct meta_tree free_pages;
	struct meta_tree tables;
	size_t last_page;
	size_t txn;
};

static const char *meta_read(int fd, off_t at, struct meta_page *meta)
{
	if (pread(fd, meta, sizeof(*meta), at) != (ssize_t)sizeof(*meta))
		return "it is cut short";
	if ((meta->flags & META_FLAG) == 0 || meta->magic != META_MAGIC)
		return "it is no LMDB file";
	return NULL;
}

static bool page_bytes_possible(uint32_t bytes)
{
	return bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX &&
	       (bytes & (bytes - 1)) == 0;
}

/* What is wrong with a file of so many bytes, or NULL. */
static const char *fault(int fd, size_t bytes)
{
	struct meta_page first;
	struct meta_page second;
	const struct meta_page *newer = &first;
	const char *wrong = meta_read(fd, 0, &first);
	size_t page_bytes;

	if (wrong != NULL)
		return wrong;
	if (first.version != META_VERSION)
		return NULL;
	page_bytes = first.free_pages.page_bytes;
	if (!page_bytes_possible(first.free_pages.page_bytes))
		return "its page size is impossible";
	wrong = meta_read(fd, (off_t)page_bytes, &second);
	if (wrong != NULL)
		return wrong;
	if (second.free_pages.page_bytes != page_bytes)
		return "its page sizes differ";
	if (second.txn > first.txn)
		newer = &second;
	if (newer->last_page >= bytes / page_bytes)
		return "it is cut short";
	return NULL;
}

static int check_open(
	int fd, const char *file, size_t *bytes_r, struct err *err)
{
	const char *wrong;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return store_failed(file, errno, err);
	if (!S_ISREG(st.st_mode))
		return store_damaged(file, "it is no regular file", err);
	if (st.st_size == 0)
		return 0;
	if ((uintmax_t)st.st_size > SIZE_MAX / 8)
		return store_failed(file, EFBIG, err);
	wrong = fault(fd, (size_t)st.st_size);
	if (wrong != NULL)
		return store_damaged(file, wrong, err);
	*bytes_r = (size_t)st.st_size;
	return 1;
}

int lmdb_header_check(const char *file, size_t *bytes_r, struct err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int found;

	if (fd < 0)
		return errno == ENOENT ? 0 : store_failed(file, errno, err);
	found = check_open(fd, file, bytes_r, err);
	(void)close(fd);
	return found;
}
