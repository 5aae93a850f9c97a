/* Finds images by name. Mounts nothing, and takes nothing else in an image's place. */
#include "cmd/image_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/environment.h"

#define OF_HOST "/var/lib/ward/images"

/* Source: XDG Base Directory Specification; a relative path in it is void */
static const char *of_user(struct arena *arena)
{
	const char *const *const env = (const char *const *)environ;
	const char *const data = environment_get(env, "XDG_DATA_HOME"), *const home = environment_get(env, "HOME");

	if (geteuid() == 0)
		return NULL;
	if (data && *data == '/')
		return arena_printf(arena, "%s/ward/images", data);
	return home && *home == '/' ? arena_printf(arena, "%s/.local/share/ward/images", home) : NULL;
}

const char *image_store_at(size_t i, struct arena *arena)
{
	const char *const own = of_user(arena);

	if (own && i-- == 0)
		return own;
	return i == 0 ? OF_HOST : NULL;
}

int image_store_find(const char *word, struct arena *arena, const char **out, struct err *e)
{
	if (strchr(word, '/')) {
		*out = word;
		return 0;
	}
	if (!image_name_is_good(word))
		return err_set(e, ERR_USAGE, "'%.80s' is no name of an image: letters, digits and ._+-; a path has a '/'", word);
	for (size_t i = 0; image_store_at(i, arena); i++) {
		*out = arena_printf(arena, "%s/%s", image_store_at(i, arena), word);
		if (access(*out, F_OK) == 0)
			return 0;
	}
	return err_set(e, ERR_MISSING, "no image '%.80s' in %.200s; build it: ward image build %.80s --packages LIST", word,
		       image_store_at(0, arena), word);
}

int image_store_read(const char *directory, struct arena *arena, struct image *out, struct err *e)
{
	const char *const path = arena_printf(arena, "%s/" IMAGE_NOTE, directory);
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *const text = arena_alloc(arena, IMAGE_BYTES + 1);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ?
			err_set(e, ERR_MISSING, "%.300s is not there: no image of `ward image build`", path) :
			err_sys(e, "%.300s", path);
	while (len <= IMAGE_BYTES && (n = read(fd, text + len, IMAGE_BYTES + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(e, "%.300s", path);
	return image_read(path, text, len, arena, out, e);
}

static int refuse_file(const char *path, enum image_format format, struct err *e)
{
	const char *const type = image_format_name(format);

	return err_set(e, ERR_UNSUPPORTED, "%.200s is a file of %s, and ward mounts none: mount -t %s -o loop,ro,nosuid,nodev it as root "
		       "and name that directory, or build with --format dir", path, type, type);
}

int image_store_tree(const char *word, struct arena *arena, const char **out, struct err *e)
{
	const char *directory;
	struct image image;
	struct stat st;
	struct err why = ERR_INIT;

	if (image_store_find(word, arena, &directory, e) < 0)
		return -1;
	if (stat(directory, &st) == 0 && S_ISREG(st.st_mode))
		return refuse_file(directory, strstr(directory, "erofs") ? IMAGE_EROFS : IMAGE_SQUASHFS, e);
	*out = directory;
	if (image_store_read(directory, arena, &image, &why) < 0) {
		if (why.kind == ERR_MISSING && strchr(word, '/'))
			return 0; /* a tree that somebody else made */
		*e = why;
		return -1;
	}
	if (image.format != IMAGE_DIR)
		return refuse_file(arena_printf(arena, "%s/" IMAGE_TREE ".%s", directory, image_format_name(image.format)),
				   image.format, e);
	*out = arena_printf(arena, "%s/" IMAGE_TREE, directory);
	return 0;
}
