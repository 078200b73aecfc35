/*
 * How: the file is a line that names its form, the time when it was written,
 * the SHA-256 of all that decided whom to believe (contents of files included),
 * the session as GnuTLS packs it or, where none is to be kept, nothing, and a
 * SHA-256 of everything before, so that
 * what two runs have written at once is taken for nothing. It is replaced by a
 * rename and not flushed: a power cut costs a full handshake.
 */
#include "tls_kept.h"

#include "godwit/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	SHA256_BYTES = 32,
	TIME_BYTES = 8,

	/* Certificates of the server are in it. */
	FILE_BYTES_MAX = 256 << 10,

	/* Authority files may hold all of the web's. */
	SETTING_BYTES_MAX = 4 << 20,

	/* What was believed then is looked at again after that. */
	KEPT_S_MAX = 24 * 60 * 60,

	/* How long a server is spared that dies of it. */
	SPARED_S = 7 * 24 * 60 * 60,
};

#define HEAD      "godwit tls session 1\n"
#define NAME      "tls-session"
#define NAME_MADE "tls-session.new"

struct tls_kept {
	const struct account *account;
	struct tls_kept *next;
	struct buf session; /* empty: none */
	bool changed;
	bool is_usable; /* settings are known */
	bool failed;    /* a handshake that relied on one did */
	bool spared;    /* and one that did not, succeeded */
	unsigned char settings[SHA256_BYTES];
};

/*
 * Whether a file is nobody else's. GnuTLS trusts what it once packed: a session
 * that somebody has made up can crash it, so there must be nobody who could.
 */
static bool is_private(const struct stat *stat)
{
	return stat->st_uid == geteuid() && (stat->st_mode & 077) == 0;
}

/* Appends the bytes of an open file, if there are not too many. */
static bool read_fd(
	int fd, const struct stat *stat, size_t bytes_max, struct buf *b)
{
	bool good = S_ISREG(stat->st_mode) && stat->st_size >= 0 &&
		    (uintmax_t)stat->st_size <= bytes_max;
	size_t left = good ? (size_t)stat->st_size : 0;

	while (good && left > 0) {
		ssize_t got = read(fd, buf_reserve(b, left), left);

		good = got > 0 || (got == -1 && errno == EINTR);
		if (got > 0) {
			buf_commit(b, (size_t)got);
			left -= (size_t)got;
		}
	}
	return good;
}

static bool read_kept(int folder, struct buf *b)
{
	int fd = openat(folder, NAME,
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat stat;
	bool good;

	if (fd == -1)
		return false;
	good = fstat(fd, &stat) == 0 && is_private(&stat) &&
	       read_fd(fd, &stat, FILE_BYTES_MAX, b);
	(void)close(fd);
	return good;
}

static bool read_setting(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat;
	bool good;

	if (fd == -1)
		return false;
	good = fstat(fd, &stat) == 0 &&
	       read_fd(fd, &stat, SETTING_BYTES_MAX, b);
	(void)close(fd);
	return good;
}

static void sha256(struct str bytes, unsigned char *hash)
{
	check(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes.ptr, bytes.len, hash) ==
		0);
}

/* A part of the settings, told from its neighbours by its length. */
static void add_part(struct buf *text, struct str part)
{
	buf_addf(text, "%zu:", part.len);
	buf_add(text, part);
}

static bool add_file(struct buf *text, const char *path)
{
	struct buf content = {0};
	bool good = path == NULL || read_setting(path, &content);

	add_part(text, str_of(path));
	add_part(text, buf_str(&content));
	buf_wipe(&content);
	return good;
}

/* All that decides which server it is, and whether it is believed. */
static bool settings_hash(const struct account *account, unsigned char *hash)
{
	const struct account_tls *tls = &account->tls;
	const char *const *argv = account->tunnel.argv;
	struct buf text = {0};
	bool good;

	add_part(&text, str_of(account->host));
	buf_addf(&text, "%u %u %u %u;", (unsigned)account->port,
		(unsigned)tls->mode, (unsigned)tls->min,
		(unsigned)tls->pin_count);
	for (size_t i = 0; argv != NULL && argv[i] != NULL; i++)
		add_part(&text, str_of(argv[i]));
	for (size_t i = 0; i < tls->pin_count; i++)
		add_part(&text, (struct str){(const char *)tls->pins[i].sha256,
					SHA256_BYTES});
	good = add_file(&text, tls->ca_path) &&
	       add_file(&text, tls->cert_path) &&
	       add_file(&text, tls->key_path);
	sha256(buf_str(&text), hash);
	buf_wipe(&text);
	return good;
}

static void add_time(struct buf *text, time_t at)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(text, (char)((uint64_t)at >> shift));
}

static int64_t read_time(struct str bytes)
{
	uint64_t at = 0;

	for (size_t i = 0; i < TIME_BYTES; i++)
		at = at << 8 | (unsigned char)bytes.ptr[i];
	return (int64_t)at;
}

/* Takes what a file's bytes say. */
static void unpack(struct tls_kept *kept, struct str bytes)
{
	static const size_t head = sizeof(HEAD) - 1;
	static const size_t before =
		sizeof(HEAD) - 1 + TIME_BYTES + SHA256_BYTES;
	unsigned char hash[SHA256_BYTES];
	int64_t age_s;
	size_t end;

	if (bytes.len < before + SHA256_BYTES || !str_starts(bytes, STR(HEAD)))
		return;
	end = bytes.len - SHA256_BYTES;
	sha256(str_sub(bytes, 0, end), hash);
	age_s = (int64_t)time(NULL) -
		read_time(str_sub(bytes, head, TIME_BYTES));
	if (memcmp(hash, bytes.ptr + end, SHA256_BYTES) != 0 ||
		memcmp(kept->settings, bytes.ptr + head + TIME_BYTES,
			SHA256_BYTES) != 0 ||
		age_s < 0)
		return;
	kept->spared = end == before && age_s <= SPARED_S;
	if (age_s <= KEPT_S_MAX)
		buf_add(&kept->session, str_sub(bytes, before, end - before));
}

static int folder_open(const struct account *account)
{
	if (account->state == NULL)
		return -1;
	return open(account->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct tls_kept *tls_kept_open(
	const struct account *account, bool keeps, struct tls_kept *next)
{
	struct tls_kept *kept = calloc(1, sizeof(*kept));
	struct buf bytes = {0};
	int folder = keeps ? folder_open(account) : -1;

	check(kept != NULL);
	kept->account = account;
	kept->next = next;
	if (folder == -1)
		return kept;
	kept->is_usable = settings_hash(account, kept->settings);
	if (kept->is_usable && read_kept(folder, &bytes))
		unpack(kept, buf_str(&bytes));
	buf_wipe(&bytes);
	(void)close(folder);
	return kept;
}

struct tls_kept *tls_kept_find(
	struct tls_kept *list, const struct account *account)
{
	while (list != NULL && list->account != account)
		list = list->next;
	return list;
}

static void forget(struct tls_kept *kept)
{
	buf_wipe(&kept->session);
	kept->changed = true;
}

bool tls_kept_take(struct tls_kept *kept, struct buf *session)
{
	if (kept->session.len == 0)
		return false;
	buf_add(session, buf_str(&kept->session));
	forget(kept);
	return true;
}

void tls_kept_put(struct tls_kept *kept, struct str session)
{
	if (!kept->is_usable || kept->spared)
		return;
	forget(kept);
	kept->spared = kept->failed;
	if (kept->spared)
		return;
	/* So that growing leaves no copy behind. */
	(void)buf_reserve(&kept->session, session.len);
	buf_add(&kept->session, session);
}

void tls_kept_failed(struct tls_kept *kept)
{
	forget(kept);
	kept->failed = true;
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = write(fd, bytes.ptr, bytes.len);

		if (sent == -1 && errno != EINTR)
			return false;
		if (sent > 0)
			bytes = str_sub(bytes, (size_t)sent, bytes.len);
	}
	return true;
}

static void pack(const struct tls_kept *kept, struct buf *bytes)
{
	unsigned char hash[SHA256_BYTES];

	(void)buf_reserve(bytes, kept->session.len + 128);
	buf_addz(bytes, HEAD);
	add_time(bytes, time(NULL));
	buf_add(bytes,
		(struct str){(const char *)kept->settings, SHA256_BYTES});
	buf_add(bytes, buf_str(&kept->session));
	sha256(buf_str(bytes), hash);
	buf_add(bytes, (struct str){(const char *)hash, SHA256_BYTES});
}

static void file_write(int folder, struct str bytes)
{
	int fd;
	bool good;

	(void)unlinkat(folder, NAME_MADE, 0); /* a run that died left it */
	fd = openat(folder, NAME_MADE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	good = write_all(fd, bytes);
	good = close(fd) == 0 && good &&
	       renameat(folder, NAME_MADE, folder, NAME) == 0;
	if (!good)
		(void)unlinkat(folder, NAME_MADE, 0);
}

static void keep(const struct tls_kept *kept)
{
	int folder = folder_open(kept->account);
	struct buf bytes = {0};

	if (folder == -1)
		return;
	if (kept->session.len == 0 && !kept->spared) {
		(void)unlinkat(folder, NAME, 0);
	} else {
		pack(kept, &bytes);
		file_write(folder, buf_str(&bytes));
		buf_wipe(&bytes);
	}
	(void)close(folder);
}

void tls_kept_close(struct tls_kept **list)
{
	while (*list != NULL) {
		struct tls_kept *kept = *list;

		*list = kept->next;
		if (kept->changed && kept->is_usable)
			keep(kept);
		buf_wipe(&kept->session);
		free(kept);
	}
}
