/* A threat model asked for, question by question. */
#pragma once

#include "base/err.h"
#include "model/threat.h"

/* Puts each question to standard error and reads the answer, a line, from standard input. On a terminal a
 * wrong answer is asked again; otherwise it ends the questions.
 *
 * Errors: ERR_USAGE naming the question, also when the answers end early; ERR_SYSTEM */
MUST_USE int ask_threat(struct threat *out, struct err *e);
