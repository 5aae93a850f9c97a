/* The product of a job's compiler: found before the job has a box, or taken from it between two steps. Refuses to know
 * a product by less than everything that decides what a compiler makes. */
#include "serve/attempt_product.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "serve/place.h"

static void add(struct sha256 *hash, const void *bytes, size_t len)
{
	const uint64_t n = len;

	sha256_add(hash, &n, sizeof(n));
	sha256_add(hash, bytes, len);
}

static void add_text(struct sha256 *hash, const char *text)
{
	add(hash, text, strlen(text));
}

/* Of the host's programs there is no digest: what changes with each package that is installed, and the places where
 * somebody puts what is none. An image has one. */
static void add_programs(struct sha256 *hash, const struct order_class *class, const char *compiler)
{
	static const char *const places[] = { "/var/lib/dpkg/status", "/usr/include", "/usr/local/include", "/usr/local/lib",
					      "/usr/local/bin", "/etc/ld.so.cache" };
	char path[64];
	struct stat st;

	add_text(hash, class->image);
	for (size_t i = 0; strcmp(class->image, "host") == 0 && i <= ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "/usr/bin/%.40s", compiler);
		if (stat(i < ARRAY_SIZE(places) ? places[i] : path, &st) < 0)
			continue;
		const uint64_t seen[] = { i, st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
					  (uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };

		add(hash, seen, sizeof(seen));
	}
}

/* A file is its bytes, wherever they came from. */
static void add_file(struct sha256 *hash, const struct job_file *file)
{
	struct digest digest;

	add_text(hash, file->path);
	add(hash, &file->is_executable, sizeof(file->is_executable));
	if (file->bytes.source != JOB_BLOB || !digest_read(file->bytes.blob, strlen(file->bytes.blob), &digest))
		digest = sha256_of(file->bytes.at, file->bytes.source == JOB_BYTES ? file->bytes.len : 0);
	add(hash, &digest, sizeof(digest));
}

static struct digest make_key(const struct attempt *attempt)
{
	const struct job_spec *const spec = &attempt->spec;
	const char *const *const argv = attempt->steps[0].argv;
	struct sha256 hash;

	sha256_init(&hash);
	add(&hash, &attempt->hold.tenant, sizeof(attempt->hold.tenant));
	add_text(&hash, attempt->class->runtime);
	add_text(&hash, attempt->class->boundary);
	add_text(&hash, attempt->class->version);
	add_programs(&hash, attempt->class, argv[0]);
	for (size_t i = 0; argv[i]; i++)
		add_text(&hash, argv[i]);
	add(&hash, &spec->n_env, sizeof(spec->n_env));
	for (size_t i = 0; i < spec->n_env; i++) {
		add_text(&hash, spec->env[i].name);
		add_text(&hash, spec->env[i].value);
	}
	add(&hash, &spec->n_files, sizeof(spec->n_files));
	for (size_t i = 0; i < spec->n_files; i++)
		add_file(&hash, &spec->files[i]);
	return sha256_end(&hash);
}

/* The word behind -o, if it is the name of a file in the job's directory that no file of the job is in the way of. */
static const char *product_of(const struct attempt *attempt)
{
	const char *const *argv = attempt->steps[0].argv;
	const char *name;

	while (*argv && strcmp(*argv, "-o") != 0)
		argv++;
	name = *argv ? argv[1] : NULL;
	if (!name || *name == '.' || strchr(name, '/') || strlen(name) > 255)
		return NULL;
	for (size_t i = 0; i < attempt->spec.n_files; i++) {
		const char *const path = attempt->spec.files[i].path;

		const size_t len = strcspn(path, "/");

		/* A file whose name is an option makes the compiler do something else than compile. */
		if (*path == '-' || (len == strlen(name) && memcmp(path, name, len) == 0))
			return NULL;
	}
	return name;
}

/* The product among the job's files, and no step that makes it. */
static void use(struct attempt *attempt, const struct product *found, const char *bytes)
{
	struct job_spec *const spec = &attempt->spec;
	struct job_file *const files = arena_alloc(&attempt->arena, (spec->n_files + 1) * sizeof(*files));

	memcpy(files, spec->files, spec->n_files * sizeof(*files));
	files[spec->n_files] = (struct job_file){
		.path = attempt->product.name, .is_executable = found->is_executable,
		.bytes = { .source = found->bytes ? JOB_BYTES : JOB_EMPTY, .at = bytes, .len = (size_t)found->bytes },
	};
	spec->files = files;
	spec->n_files++;
	memmove(attempt->steps, attempt->steps + 1, --attempt->n_steps * sizeof(attempt->steps[0]));
}

void attempt_find_product(struct attempt *attempt, struct products *products)
{
	struct attempt_product *const product = &attempt->product;
	struct product found;
	const char *bytes;

	product->fd = -1;
	product->has_compiler = attempt->n_steps == 2 && attempt->steps[0].is_build;
	if (!product->has_compiler || !products)
		return;
	product->name = product_of(attempt);
	if (!product->name)
		return;
	product->products = products;
	product->kept = (struct product){ .tenant = attempt->hold.tenant, .key = make_key(attempt) };
	product->is_cached = products_find(products, attempt->hold.tenant, &product->kept.key, loop_now_us(), &attempt->arena, &found, &bytes);
	product->is_wanted = !product->is_cached;
	if (product->is_cached)
		use(attempt, &found, bytes);
}

void attempt_take_product(struct attempt *attempt, const struct frame *frame)
{
	struct attempt_product *const product = &attempt->product;
	char path[PLACE_MAX];

	if (!product->is_wanted || attempt->n_ended != 1 || attempt->ended[0].status) {
		attempt->slot->is_broken = true;
		return;
	}
	product->is_wanted = false;
	product->is_coming = true;
	product->kept.is_executable = frame->head.flag;
	product->kept.file = store_id_new();
	place_name(PLACE_CACHE, &product->kept.file, path);
	product->fd = openat(attempt->state_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	sha256_init(&product->hash);
}

/* A disk that is full costs the product, and not the job. */
void attempt_take_product_data(struct attempt *attempt, const struct frame *frame)
{
	struct attempt_product *const product = &attempt->product;
	struct err ignored;

	product->kept.bytes += frame->head.len;
	if (product->kept.bytes > PRODUCT_MAX)
		attempt->slot->is_broken = true;
	else if (product->fd >= 0 && fd_write_all(product->fd, frame->bytes, frame->head.len, &ignored) < 0)
		attempt_drop_product(attempt);
	else
		sha256_add(&product->hash, frame->bytes, frame->head.len);
}

void attempt_end_product(struct attempt *attempt)
{
	struct attempt_product *const product = &attempt->product;

	product->is_coming = false;
	if (product->fd < 0)
		return;
	fd_close_at(&product->fd);
	product->kept.digest = sha256_end(&product->hash);
	products_keep(product->products, &product->kept, loop_now_us());
}

void attempt_drop_product(struct attempt *attempt)
{
	if (attempt->product.fd < 0)
		return;
	fd_close_at(&attempt->product.fd);
	products_drop(attempt->product.products, &attempt->product.kept.file);
}
