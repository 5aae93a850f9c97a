/* `ward image`: read-only roots out of packages, for `read: image`. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/image_build.h"
#include "cmd/image_store.h"
#include "cmd/say.h"

enum image_id { IMAGE_PACKAGES, IMAGE_SUITE, IMAGE_FORMAT, IMAGE_STORE };
static const struct opt options[] = {
	{ .name = "packages", .kind = OPT_VALUE, .arg = "LIST", .group = "Building", .id = IMAGE_PACKAGES,
	  .help = "Debian packages, between commas; what they depend on comes along" },
	{ .name = "suite", .kind = OPT_VALUE, .arg = "NAME", .group = "Building", .id = IMAGE_SUITE,
	  .help = "the release they come from; default: the host's own" },
	{ .name = "format", .kind = OPT_VALUE, .arg = "dir|squashfs|erofs", .group = "Building", .words = "dir|squashfs|erofs",
	  .id = IMAGE_FORMAT, .help = "dir, a tree that anybody can use; or a file, which only root can mount. Default: dir" },
	{ .name = "store", .kind = OPT_VALUE, .arg = "DIR", .group = "Where", .words = OPT_PATHS, .id = IMAGE_STORE,
	  .help = "the directory of images; default: /var/lib/ward/images for root, else ~/.local/share/ward/images" },
	COMMAND_HELP,
};

/* The words behind the verb: options may stand on either side of the names. */
struct words {
	const char *values[IMAGE_STORE + 1];
	const char *names[64];
	size_t n;
};

static int read_words(const struct args *args, struct words *out, struct err *e)
{
	*out = (struct words){ .n = 0 };
	for (size_t i = 0; i < args->n_hits; i++)
		out->values[args->hits[i].opt->id] = args->hits[i].value;
	for (size_t at = 1; at < args->n_operands;) {
		struct opt_reader reader = { .table = options, .n = ARRAY_SIZE(options), .argv = args->operands, .at = at };
		struct opt_hit hit;
		const int got = opt_next(&reader, &hit, e);

		if (got < 0)
			return -1;
		if (got && hit.opt->id == COMMAND_HELP_ID)
			return err_set(e, ERR_USAGE, "use `ward image --help`");
		at = reader.at;
		if (got) {
			out->values[hit.opt->id] = hit.value;
			continue;
		}
		if (at >= args->n_operands)
			break;
		if (out->n == ARRAY_SIZE(out->names))
			return err_set(e, ERR_USAGE, "more than %zu names", ARRAY_SIZE(out->names));
		out->names[out->n++] = args->operands[at++];
	}
	return 0;
}

static int build(const struct words *words, struct arena *arena, struct str *out, struct err *e)
{
	const char *const format = words->values[IMAGE_FORMAT];
	struct image_wish wish = {
		.store = words->values[IMAGE_STORE] ? words->values[IMAGE_STORE] : image_store_at(0, arena),
		.packages = words->values[IMAGE_PACKAGES], .suite = words->values[IMAGE_SUITE],
		.format = format ? image_format_find(format) : IMAGE_DIR,
	};
	struct image image;

	if (words->n != 1 || !image_name_is_good(words->names[0]))
		return err_set(e, ERR_USAGE, "one name is wanted, of small letters, digits and ._+-: ward image build NAME --packages LIST");
	if (!wish.packages || !image_packages_are_good(wish.packages))
		return err_set(e, ERR_USAGE, "--packages wants names of Debian packages between commas, such as python3-minimal,dash");
	if (wish.format == IMAGE_FORMATS)
		return err_set(e, ERR_USAGE, "--format is dir, squashfs or erofs, not '%.40s'", format);
	if (wish.suite && !image_name_is_good(wish.suite))
		return err_set(e, ERR_USAGE, "--suite is a release's name, such as bookworm");
	wish.name = words->names[0];
	if (image_build(&wish, arena, &image, e) < 0)
		return -1;
	str_addf(out, "%s/%s\nsha256 %s\n", wish.store, wish.name, image.digest);
	return 0;
}

static void list_store(const char *store, struct arena *arena, struct str *out)
{
	struct dirent **names = NULL;
	const int n = scandir(store, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		struct image image;

		if (image_name_is_good(names[i]->d_name) &&
		    image_store_read(arena_printf(arena, "%s/%s", store, names[i]->d_name), arena, &image, &why) == 0)
			str_addf(out, "%-24s %-9s %8llu KiB  %.12s  %s\n", names[i]->d_name, image_format_name(image.format),
				 (unsigned long long)image.bytes / 1024, image.digest, image.packages);
		free(names[i]);
	}
	free(names);
}

static int list(const struct words *words, struct arena *arena, struct str *out, struct err *e)
{
	if (words->n)
		return err_set(e, ERR_USAGE, "`ward image list` takes no name");
	if (words->values[IMAGE_STORE])
		list_store(words->values[IMAGE_STORE], arena, out);
	for (size_t i = 0; !words->values[IMAGE_STORE] && image_store_at(i, arena); i++)
		list_store(image_store_at(i, arena), arena, out);
	return 0;
}

/* Returns 1 when it is no longer what was built. */
static int check_one(const struct words *words, const char *name, struct arena *arena, struct str *out, struct err *e)
{
	const char *const store = words->values[IMAGE_STORE];
	const char *directory = store ? arena_printf(arena, "%s/%s", store, name) : NULL, *digest;
	struct image image;

	if ((!directory && image_store_find(name, arena, &directory, e) < 0) ||
	    image_store_read(directory, arena, &image, e) < 0 ||
	    image_digest(directory, image.format, arena, &digest, e) < 0)
		return -1;
	const bool is_same = strcmp(digest, image.digest) == 0;

	str_addf(out, "%s: %s\n", name, is_same ? "as it was built" : "CHANGED since it was built; build it anew");
	return !is_same;
}

static int check(const struct words *words, struct arena *arena, struct str *out, struct err *e)
{
	int code = 0;

	if (!words->n)
		return err_set(e, ERR_USAGE, "name what is to be checked: ward image check NAME...");
	for (size_t i = 0; i < words->n; i++) {
		const int one = check_one(words, words->names[i], arena, out, e);

		if (one < 0)
			return -1;
		code |= one ? CODE_FINDINGS : 0;
	}
	return code;
}

int command_image_run(struct args *args, struct err *e)
{
	static const struct {
		const char *verb;
		int (*run)(const struct words *words, struct arena *arena, struct str *out, struct err *e);
	} verbs[] = { { "build", build }, { "list", list }, { "check", check } };
	OWN(arena) arena = { .blocks = NULL };
	OWN(str) out = STR_NONE;
	struct words words;

	for (size_t i = 0; args->n_operands && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(args->operands[0], verbs[i].verb) != 0)
			continue;
		if (read_words(args, &words, e) < 0)
			return -1;
		const int code = verbs[i].run(&words, &arena, &out, e);

		return code < 0 || say_out(STDOUT_FILENO, "standard output", &out, e) < 0 ? -1 : code;
	}
	return err_set(e, ERR_USAGE, "say what to do: ward image build, list or check");
}

const struct command command_image = {
	.name = "image",
	.summary = "make read-only roots out of Debian packages, and check them",
	.usage = "build NAME --packages LIST | list | check NAME...",
	.about = "Packages are unpacked and none of their scripts is run; no set-user-ID bit, no device. They come from where "
		 "the host's apt gets its own. A policy names an image: `image: NAME` and `read: image`. The exit code is 0, 1 "
		 "when an image is no longer what was built, 2 when something could not be done.",
	.options = options,
	.trouble = CODE_USAGE,
};
