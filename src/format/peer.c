/* The table of formats, and the notes they leave. Refuses to hand out a text that was cut. */
#include "format/peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "format/bpf_write.h"
#include "format/bwrap_write.h"
#include "format/oci_write.h"
#include "format/systemd_write.h"

static const struct peer peers[] = {
	{ .name = "bpf", .write = bpf_write, .is_binary = true,
	  .summary = "struct sock_filter as bytes, for bwrap --seccomp and seccomp(2)" },
	{ .name = "bpf-text", .write = bpf_write_text,
	  .summary = "the same filter, listed for people" },
	{ .name = "oci", .write = oci_write, .needs_cases = true,
	  .summary = "a seccomp profile for Docker, Podman and OCI runtimes" },
	{ .name = "oci-config", .write = oci_write_config, .needs_cases = true,
	  .summary = "config.json of an OCI bundle: profile, mounts, limits" },
	{ .name = "systemd", .write = systemd_write, .needs_cases = true,
	  .summary = "a drop-in for a systemd service" },
	{ .name = "bwrap", .write = bwrap_write,
	  .summary = "a shell script that calls bubblewrap" },
};

const struct peer *peer_at(size_t i)
{
	return i < ARRAY_SIZE(peers) ? &peers[i] : NULL;
}

const struct peer *peer_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		if (strcmp(peers[i].name, name) == 0)
			return &peers[i];
	return NULL;
}

void peer_text_done(struct peer_text *text)
{
	str_done(&text->out);
	free(text->notes);
	arena_done(&text->arena);
	*text = PEER_TEXT_NONE;
}

void peer_note(struct peer_text *text, bool is_wider, const char *format, ...)
{
	char line[1024];
	size_t at = text->n_notes;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	clean_bytes(line, strlen(line), ""); /* a line break in a name would end the comment it stands in */
	text->notes = mem_grow(text->notes, &text->cap_notes, text->n_notes + 1, sizeof(*text->notes));
	for (; is_wider && at > 0 && !text->notes[at - 1].is_wider; at--)
		text->notes[at] = text->notes[at - 1];
	text->notes[at] = (struct peer_note){ is_wider, arena_copy(&text->arena, line, strlen(line)) };
	text->n_notes++;
}

int peer_write(const struct peer *peer, const struct peer_box *box, struct peer_text *text, struct err *e)
{
	struct peer_box clean = *box;
	char *const source = arena_copy(&text->arena, box->source, strlen(box->source));

	clean_bytes(source, strlen(source), "");
	clean.source = source;
	if (peer->write(&clean, text, e) < 0)
		return err_add(e, "%s", peer->name);
	return text->out.cut ? err_set(e, ERR_LIMIT, "%s: the text is longer than %zu bytes", peer->name,
				       STR_MAX) : 0;
}

void peer_add_notes(const struct peer_text *text, const char *prefix, struct str *out)
{
	for (size_t i = 0; i < text->n_notes; i++)
		str_addf(out, "%s%s: %s\n", prefix, text->notes[i].is_wider ? "wider" : "narrower",
			 text->notes[i].text);
}
