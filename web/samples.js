// Small programs for the playground. The second of each language tries what a box must not let it do.
export const SAMPLES = {
	python: { file: "main.py", hello: 'import sys\nprint("hello from", sys.version.split()[0])\n',
		tries: `import ctypes, os, socket

libc = ctypes.CDLL(None, use_errno=True)

def attempt(what, result):
    print(f"{what:<24}", "allowed" if result == 0 else os.strerror(ctypes.get_errno()), flush=True)

attempt("mount a file system", libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))
attempt("make a namespace", libc.unshare(0x10000000))
attempt("trace its parent", libc.ptrace(16, os.getppid(), 0, 0))
for what, do in (("read /etc/shadow", lambda: open("/etc/shadow").read()), ("connect to a network", lambda: socket.create_connection(("192.0.2.1", 80), 1)),
                 ("list other processes", lambda: print(f"{'processes it sees':<24}", len([p for p in os.listdir("/proc") if p.isdigit()])))):
    try:
        do()
    except OSError as e:
        print(f"{what:<24}", e.strerror or e)
` },
	node: { file: "main.js", hello: 'console.log("hello from", process.version);\n',
		tries: `const fs = require("fs");
for (const path of ["/etc/shadow", "/root", "/sys/kernel", "/proc/1/environ"]) {
  try {
    fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path);
    console.log(path, "can be read");
  } catch (e) {
    console.log(path, e.code);
  }
}
require("net").connect(80, "192.0.2.1").on("error", (e) => console.log("network", e.code));
` },
	bash: { file: "main.sh", hello: 'echo "hello from bash $BASH_VERSION"\n',
		tries: 'id\nmount -t tmpfs none /mnt\nunshare -m true\ncat /etc/shadow\nls /home /root\necho >/dev/tcp/192.0.2.1/80\n' },
	c: { file: "main.c", hello: '#include <stdio.h>\n\nint main(void)\n{\n\tputs("hello from C");\n}\n',
		tries: '#include <stdio.h>\n#include <sys/mount.h>\n#include <sys/ptrace.h>\n\nint main(void)\n{\n\tif (mount("none", "/mnt", "tmpfs", 0, 0))\n\t\tperror("mount");\n\tif (ptrace(PTRACE_TRACEME, 0, 0, 0))\n\t\tperror("ptrace");\n}\n' },
	cpp: { file: "main.cpp", hello: '#include <iostream>\n\nint main()\n{\n\tstd::cout << "hello from C++\\n";\n}\n',
		tries: '#include <fstream>\n#include <iostream>\n\nint main()\n{\n\tstd::ifstream shadow("/etc/shadow");\n\tstd::cout << "shadow: " << (shadow ? "can be read" : "not there") << "\\n";\n}\n' },
	// Modules have no text: their bytes in base64.
	wasm: { file: "main.wasm", encoding: "base64", hello: "AGFzbQEAAAABDAJgBH9/f38Bf2AAAAIjARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCGZkX3dyaXRlAAADAgEBBQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAEKDwENAEEBQQBBAUEIEAAaCwsqAQBBAAskEAAAABQAAAAAAAAAAAAAAGhlbGxvIGZyb20gYSBtb2R1bGUK\n",
		tries: "AGFzbQEAAAABGQNgBH9/f38Bf2AJf39/f39+fn9/AX9gAAACRgIWd2FzaV9zbmFwc2hvdF9wcmV2aWV3MQhmZF93cml0ZQAAFndhc2lfc25hcHNob3RfcHJldmlldzEJcGF0aF9vcGVuAAEDAgECBQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAIKMgEwAEEDQQBBIEEQQQBCAkIAQQBBGBABBEBBAUEIQQFBHBAAGgVBAUEAQQFBHBAAGgsLC3MBAEEAC20wAAAAGgAAAEoAAAAjAAAAAAAAAAAAAAAAAAAAAAAAAC4uLy4uL2V0Yy9zaGFkb3dhIGZpbGUgb3V0c2lkZSB3YXMgb3BlbmVkCm5vIHBhdGggbGVhZHMgb3V0IG9mIGl0cyBkaXJlY3RvcnkK\n" },
	js: { file: "main.js", hello: 'console.log("hello from an isolate");\n', tries: 'try {\n  eval("1");\n  console.log("eval is there");\n} catch (e) {\n  console.log(String(e));\n}\n' },
};
