/* What the sanitizers do in ward's own programs; the unit tests keep their defaults.
 * LeakSanitizer stops its process with ptrace, which one that has confined itself refuses. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
