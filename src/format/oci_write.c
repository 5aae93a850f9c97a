/* Writes a policy's cases as a seccomp profile. Refuses to leave it to order, to two comparisons of one
 * argument, or to 64 bits where the kernel reads 32, what a rule means. */
#include "format/oci_write.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/json.h"
#include "format/oci_parts.h"
#include "model/syscalls.h"

/* What libseccomp makes of the rules must fit into the kernel's 4096 instructions, or no container starts;
 * a runtime puts some of its own before it. Counted as cost() does; it makes at most 3300 of this many. */
#define BUDGET 4200

static const char *action_of(uint32_t word)
{
	switch (word & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "SCMP_ACT_ALLOW";
	case SECCOMP_RET_LOG:
		return "SCMP_ACT_LOG";
	case SECCOMP_RET_ERRNO:
		return "SCMP_ACT_ERRNO";
	default:
		return "SCMP_ACT_KILL_PROCESS";
	}
}

static bool is_errno(uint32_t word)
{
	return (word & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

static void put_action(struct json *out, uint32_t word)
{
	json_put_text(out, "action", action_of(word));
	if (is_errno(word))
		json_put_u64(out, "errnoRet", word & SECCOMP_RET_DATA);
}

/* Pieces of one call with one answer: at[n], and which of them are written. */
struct alike {
	const struct filter_case *at;
	size_t n;
	bool *written;
};
#define ARG_NONE 6

/* Argument `but` is compared by `order` with the neighbour of its value; ARG_NONE: none is. */
static void put_args(struct json *out, const struct filter_case *one, unsigned but, const char *order)
{
	json_put_array(out, "args");
	for (unsigned i = 0; i < 6; i++) {
		const bool is_whole = one->mask[i] == UINT64_MAX;

		if (!one->mask[i])
			continue;
		json_put_object(out, NULL);
		json_put_u64(out, "index", i);
		json_put_u64(out, "value", !is_whole ? one->mask[i] : one->value[i] ^ (i == but));
		if (!is_whole)
			json_put_u64(out, "valueTwo", one->value[i]);
		json_put_text(out, "op", i == but ? order :
					 is_whole ? "SCMP_CMP_EQ" : "SCMP_CMP_MASKED_EQ");
		json_put_end(out);
	}
	json_put_end(out);
}

static bool are_equal_but(const struct filter_case *a, const struct filter_case *b, unsigned arg)
{
	for (unsigned i = 0; i < 6; i++)
		if (i != arg && (a->mask[i] != b->mask[i] || a->value[i] != b->value[i]))
			return false;
	return true;
}

/* Whether the pieces that differ from piece k in one argument alone cover all of its values but one, the
 * neighbour of k's own: pieces do not overlap, so they do when they hold 2^64 - 1 values together and not
 * that one. Marks them as written. */
static bool are_all_but_one(const struct alike *alike, size_t k, unsigned arg)
{
	const struct filter_case *const one = &alike->at[k];
	const uint64_t missing = one->value[arg] ^ 1;
	uint64_t sum = 0;

	for (size_t i = 0; i < alike->n; i++) {
		const struct filter_case *const other = &alike->at[i];

		if (!are_equal_but(one, other, arg))
			continue;
		if (!other->mask[arg] || (missing & other->mask[arg]) == other->value[arg])
			return false;
		sum += UINT64_C(1) << (64 - __builtin_popcountll(other->mask[arg]));
	}
	if (sum != UINT64_MAX)
		return false;
	for (size_t i = 0; i < alike->n; i++)
		if (are_equal_but(one, &alike->at[i], arg))
			alike->written[i] = true;
	return true;
}

/* The argument of piece k that is best said as "all but one value". */
static unsigned find_but(const struct alike *alike, size_t k)
{
	for (unsigned arg = 0; arg < 6; arg++)
		if (alike->at[k].mask[arg] == UINT64_MAX && are_all_but_one(alike, k, arg))
			return arg;
	return ARG_NONE;
}

static bool is_plain_of(const struct filter_case *one, uint32_t word)
{
	return filter_case_is_plain(one) && one->word == word;
}

static void put_names(struct json *out, const struct filter_cases *cases, size_t first)
{
	json_put_array(out, "names");
	for (size_t i = first; i < cases->n; i++)
		if (is_plain_of(&cases->at[i], cases->at[first].word))
			json_put_text(out, NULL, syscalls_name(cases->at[i].nr));
	json_put_end(out);
}

/* Calls whose arguments do not matter: one entry for each answer. */
static void put_plain(struct json *out, const struct filter_cases *cases)
{
	for (size_t i = 0; i < cases->n; i++) {
		size_t before = 0;

		while (before < i && !is_plain_of(&cases->at[before], cases->at[i].word))
			before++;
		if (!filter_case_is_plain(&cases->at[i]) || before < i)
			continue;
		json_put_line(out);
		json_put_object(out, NULL);
		put_names(out, cases, i);
		put_action(out, cases->at[i].word);
		json_put_end(out);
	}
}

/* Pieces of one call that get one answer. */
static size_t count_alike(const struct filter_cases *cases, size_t first)
{
	size_t n = 1;

	while (first + n < cases->n && cases->at[first + n].nr == cases->at[first].nr &&
	       cases->at[first + n].word == cases->at[first].word)
		n++;
	return n;
}

/* Only a refusal may be left to the default action, and only to one that refuses as well. */
static bool may_leave_out(const struct filter_cases *cases, size_t first)
{
	return !filter_word_passes(cases->at[first].word) && !filter_word_passes(cases->otherwise) &&
	       !filter_case_is_plain(&cases->at[first]);
}

/* About how many instructions libseccomp makes of the pieces. */
static size_t cost(const struct filter_case *at, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum++;
		for (size_t arg = 0; arg < 6; arg++)
			sum += at[i].mask[arg] ? 2 : 0;
	}
	return sum;
}

/* The most pieces a refusal may have if everything is to fit: the ones in most pieces go first. */
static int choose_limit(const struct filter_cases *cases, size_t *limit, struct err *e)
{
	for (*limit = SIZE_MAX;;) {
		size_t total = 0, most = 0;

		for (size_t i = 0, n; i < cases->n; i += n) {
			n = count_alike(cases, i);
			if (may_leave_out(cases, i) && n > *limit)
				continue;
			total += cost(&cases->at[i], n);
			most = may_leave_out(cases, i) && n > most ? n : most;
		}
		if (total <= BUDGET)
			return 0;
		if (!most)
			return err_set(e, ERR_LIMIT, "the rules take about %zu instructions, more than a "
				       "profile can hold; narrow fewer arguments", total);
		*limit = most - 1;
	}
}

static void put_piece(struct json *out, const struct filter_case *one, unsigned but, const char *order)
{
	json_put_line(out);
	json_put_object(out, NULL);
	json_put_array(out, "names");
	json_put_text(out, NULL, syscalls_name(one->nr));
	json_put_end(out);
	put_action(out, one->word);
	put_args(out, one, but, order);
	json_put_end(out);
}

/* What is said as "all but one" first: it takes pieces away from the rest. Not by SCMP_CMP_NE: libseccomp
 * calls that a rule that exists already (EEXIST) where another compares the same value by EQ. */
static void put_alike(struct json *out, const struct filter_case *at, size_t n)
{
	OWN_MEM bool *written = mem_alloc(n * sizeof(*written));
	const struct alike alike = { at, n, written };

	for (size_t i = 0; i < n; i++) {
		const unsigned but = written[i] ? ARG_NONE : find_but(&alike, i);

		if (but == ARG_NONE)
			continue;
		put_piece(out, &at[i], but, "SCMP_CMP_GT");
		if (at[i].value[but] ^ 1)
			put_piece(out, &at[i], but, "SCMP_CMP_LT");
	}
	for (size_t i = 0; i < n; i++)
		if (!written[i])
			put_piece(out, &at[i], ARG_NONE, NULL);
}

static void put_cases(struct json *out, const struct filter_cases *cases, size_t limit, struct peer_text *text)
{
	for (size_t i = 0, n; i < cases->n; i += n) {
		n = count_alike(cases, i);
		if (filter_case_is_plain(&cases->at[i]))
			continue;
		if (may_leave_out(cases, i) && n > limit) {
			peer_note(text, false, "%s: where the policy says errno %s, the default action answers; "
				  "the exact form takes %zu rules, too many for one filter",
				  syscalls_name(cases->at[i].nr),
				  strerrorname_np((int)(cases->at[i].word & SECCOMP_RET_DATA)), n);
			continue;
		}
		put_alike(out, &cases->at[i], n);
	}
}

int oci_put_seccomp(struct json *out, const char *key, const struct peer_box *box, struct peer_text *text,
		    struct err *e)
{
	const struct filter_cases *const cases = box->cases;
	size_t limit;

	if (choose_limit(cases, &limit, e) < 0)
		return -1;
	json_put_object(out, key);
	json_put_text(out, "defaultAction", action_of(cases->otherwise));
	if (is_errno(cases->otherwise))
		json_put_u64(out, "defaultErrnoRet", cases->otherwise & SECCOMP_RET_DATA);
	json_put_array(out, "architectures");
	json_put_text(out, NULL, "SCMP_ARCH_X86_64");
	json_put_end(out);
	json_put_array(out, "syscalls");
	put_plain(out, cases);
	put_cases(out, cases, limit, text);
	json_put_end(out);
	json_put_end(out);
	if (filter_word_passes(cases->otherwise))
		peer_note(text, true, "the default action lets calls through, and a runtime whose libseccomp "
			  "does not know a name skips its rule: use syscalls.default errno or kill");
	return 0;
}

int oci_write(const struct peer_box *box, struct peer_text *text, struct err *e)
{
	OWN(json) json = JSON_NONE;

	if (oci_put_seccomp(&json, NULL, box, text, e) < 0)
		return -1;
	json_put_line(&json);
	str_add_bytes(&text->out, json.out.at, json.out.len);
	return 0;
}
