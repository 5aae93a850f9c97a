/* Interpreters that wait. What they run while they wait is ours and fixed; a tenant's first byte reaches them with
 * the name of the file, over a pipe that closes behind it. */
#include "serve/step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define PATIENCE_MS 20000

/* Reads "N\0NAME=VALUE\0...SCRIPT\0WORD\0..." from 3, and becomes what `python3 SCRIPT WORD...` would be. The code is
 * executed in a __main__ of its own, which is no part of what was frozen: what a script leaves is destroyed at its end.
 * Its tracebacks begin there. Something was compiled before: the first call of compile() makes some hundred types.
 *
 * Half of what a short script takes is that python takes itself apart behind it. It does so in the order in which modules
 * came, the last one first: so `e`, which nothing but itself holds, is put between its own and those that came with the
 * script. When it is e's turn, threads are joined, what was registered has run, the script's objects are gone, and all
 * that is left is python's: End ends the process. order() is the first that was registered, so the last that is called.
 * It leaves everything as it is where more may be to do: another thread, a stream that is not python's own or cannot be
 * written, a name that was added to a module of python's, a library (what C buffers goes out in exit()), an end that is
 * neither a script's last line nor sys.exit() with a number. */
static const char python[] =
	"def ward():\n"
	" import sys,os,io,gc,atexit,_frozen_importlib_external as m\n"
	" M=type(sys);u=__builtins__;a=sys.modules;e=M('ward')\n"
	" def flush():\n"
	"  for f in sys.stdout,sys.stderr:f.closed or f.flush()\n"
	" class End:\n"
	"  code=None\n"
	"  def __del__(self):\n"
	"   try:flush()\n"
	"   except Exception:return\n"
	"   os._exit(self.code)\n"
	" ward.e=e.e=e;e.end=End()\n"
	" def order():\n"
	"  try:\n"
	"   came=[n for n in a if n not in known]\n"
	"   if e.end.code is None or len(sys._current_frames())>1 or any(len(vars(x))!=n for x,n in known.values()):return\n"
	"   if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:return\n"
	"   if any(str(object.__getattribute__(a[n],'__dict__').get('__file__')).endswith('.so')for n in came):return\n"
	"   flush()\n"
	"  except Exception:return\n"
	"  a['ward']=e\n"
	"  for n in ['__main__',*came]:a[n]=a.pop(n)\n"
	" atexit.register(order)\n"
	" exec(compile(b'def f(x=1):\\n return[print,x]\\nclass c:0\\nf(1)\\n','x','exec',dont_inherit=True),{})\n"
	" known={n:(x,len(vars(x)))for n,x in a.items()}\n"
	" gc.collect();gc.freeze()\n"
	" os.write(4,b'R');os.close(4)\n"
	" b=b''\n"
	" while 1:\n"
	"  c=os.read(3,65536)\n"
	"  if not c:break\n"
	"  b+=c\n"
	" os.close(3)\n"
	" if not b:os._exit(0)\n"
	" w=b.split(b'\\0')[:-1];n=int(w[0])+1\n"
	" os.environ.clear()\n"
	" for x in w[1:n]:\n"
	"  k,_,v=x.partition(b'=');os.environb[k]=v\n"
	" sys.argv[:]=[os.fsdecode(x) for x in w[n:]]\n"
	" p=sys.argv[0];sys.path[0]=os.path.dirname(os.path.realpath(p));sys.orig_argv[1:]=sys.argv\n"
	" if p[:1]!='/':p=os.getcwd()+'/'+(p[2:]if p[:2]=='./'else p)\n"
	" def h(t,v,b):\n"
	"  sys.excepthook=sys.__excepthook__\n"
	"  while b and b.tb_frame.f_code.co_filename=='<string>':b=b.tb_next\n"
	"  sys.__excepthook__(t,v.with_traceback(b),b)\n"
	" sys.excepthook=h\n"
	" try:\n"
	"  with io.open_code(p) as f:s=f.read()\n"
	" except OSError as x:\n"
	"  print(f\"{sys.executable}: can't open file {p!r}: [Errno {x.errno}] {x.strerror}\",file=sys.stderr);sys.exit(2)\n"
	" g=(M:=M('__main__')).__dict__;sys.modules['__main__']=M\n"
	" g.update(__builtins__=u,__annotations__={},__file__=p,__cached__=None,__loader__=m.SourceFileLoader('__main__',p))\n"
	" return compile(s,p,'exec',dont_inherit=True),g\n"
	"try:exec(*ward())\n"
	"except SystemExit as x:\n"
	" if x.code is None:ward.e.end.code=0\n"
	" elif type(x.code)is int and abs(x.code)<1<<31:ward.e.end.code=x.code&255\n"
	" raise\n"
	"else:ward.e.end.code=0\n";

/* Of what is run behind the name, everything was run once before: a script that has nothing in it, and a stream that
 * prints. Each function of node's own that runs for the first time is compiled then. The file is one that no job writes,
 * so what node remembers of it says nothing about a job's. The standard streams are made when the script wants them, and
 * not because a stream asked for standard error. */
static const char node[] =
	"{const fs=require('fs'),path=require('path'),Module=require('module'),net=require('net'),none='/dev/null';"
	"const take=fd=>{const piece=Buffer.alloc(65536),parts=[Buffer.from(piece.subarray(0,0))];let n;"
	"while((n=fs.readSync(fd,piece,0,65536,null))>0)parts.push(Buffer.from(piece.subarray(0,n)));"
	"fs.closeSync(fd);"
	"const words=Buffer.concat(parts).toString('utf8').split('\\0');words.pop();return words;};"
	"const run=words=>{const end=Number(words[0])+1;"
	"for(const pair of words.slice(1,end)){const at=pair.indexOf('=');process.env[pair.slice(0,at)]=pair.slice(at+1);}"
	"const script=path.resolve(words[end]);"
	"process.argv=[process.execPath,script,...words.slice(end+1)];"
	"Module.runMain(script);};"
	"const forget=()=>{for(const name of Object.keys(process.env))delete process.env[name];};"
	"forget();"
	"try{require('tty');take(fs.openSync(none));run(['1','A=b',none]);"
	"for(const kept of [Module._cache,Module._pathCache])for(const name of Object.keys(kept))delete kept[name];}catch{}"
	"forget();process.execArgv=[];"
	"for(const name of ['module','exports','require','__filename','__dirname',...Module.builtinModules])"
	"if(!['console','crypto','process'].includes(name))delete globalThis[name];"
	"delete process._eval;"
	"const told=new net.Socket({fd:4,readable:false,writable:true});"
	"const own=Object.getOwnPropertyDescriptor(process,'stderr');"
	"Object.defineProperty(process,'stderr',{value:told,configurable:true});"
	"new console.Console(told).log('x %d',1,{a:[1]});told.unref().destroy();process._tickCallback();"
	"Object.defineProperty(process,'stderr',own);"
	"const words=take(3);"
	"if(!words.length)process.exit(0);"
	"run(words);}";

static const struct row {
	const char *kind, *flag, *text;
} rows[] = {
	{ "python", "-c", python },
	{ "node", "-e", node },
	{ STEP_ENGINE, "wasm", "--park" },
};

static const struct row *find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].kind, kind) == 0)
			return &rows[i];
	return NULL;
}

/* Until the interpreter says that it waits. */
static bool hears(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char byte;

	while (poll(&one, 1, PATIENCE_MS) < 0)
		if (errno != EINTR)
			return false;
	return (one.revents & POLLIN) && read(fd, &byte, 1) == 1;
}

static bool pipe_above_4(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		if (ends[i] < 5) {
			const int high = fcntl(ends[i], F_DUPFD_CLOEXEC, 5);

			close(ends[i]);
			ends[i] = high;
		}
	return ends[0] >= 0 && ends[1] >= 0;
}

bool park_start(const char *kind, const char *interpreter, char *const *envp, struct park *out)
{
	const struct row *const row = find(kind);
	int orders[2] = { -1, -1 }, answers[2] = { -1, -1 };
	struct child child = CHILD_NONE;
	bool is_parked = false;

	if (!row || !pipe_above_4(orders) || !pipe_above_4(answers))
		return false;
	const char *const argv[] = { interpreter, row->flag, row->text, NULL };
	const int more[2] = { orders[0], answers[1] };

	if (child_spawn((char *const *)(uintptr_t)argv, envp, more, &child) == 0) {
		fd_close_at(&answers[1]);
		is_parked = hears(answers[0]);
	}
	fd_close(orders[0]);
	fd_close(answers[0]);
	fd_close(answers[1]);
	if (is_parked) {
		*out = (struct park){ child, orders[1] };
		return true;
	}
	fd_close(orders[1]);
	child_close(&child);
	return false;
}

static void add_words(struct str *text, char *const *words)
{
	for (; *words; words++)
		str_add_bytes(text, *words, strlen(*words) + 1);
}

bool park_hand(struct park *park, char *const *argv, char *const *envp)
{
	OWN(str) text = STR_NONE;
	struct err ignored;
	size_t n = 0;
	int status;

	while (envp[n])
		n++;
	str_addf(&text, "%zu", n);
	str_add_bytes(&text, "", 1);
	add_words(&text, envp);
	add_words(&text, argv);
	/* It reads all before it does anything, so this does not wait for long. */
	status = fd_write_all(park->tell_fd, str_text(&text), text.len, &ignored);
	fd_close_at(&park->tell_fd);
	return status == 0;
}
