# Makes a program of a module, inside a box that has no network, no file of the host's but programs and libraries, and a
# directory in memory. Both wasm2c and gcc read what a stranger wrote. Descriptors: 3 the module, 4 its glue.c,
# 5 wasm-rt.h, 6 module.h, 7 the runtime. The program goes to standard output.
set -eu
cd /work
export TMPDIR=/work LC_ALL=C PATH=/usr/bin:/bin
cat <&3 >m.wasm
cat <&4 >glue.c
mkdir aot
cat <&5 >aot/wasm-rt.h
cat <&6 >aot/module.h
cat <&7 >runtime.a

for tool in wasm2c gcc ld objdump awk; do
	command -v "$tool" >/dev/null || { echo "$tool is missing; install the packages wabt, gcc and libc6-dev" >&2; exit 66; }
done
version=$(wasm2c --version)
[ "$version" = 1.0.32 ] || { echo "wasm2c is of version $version, and 1.0.32 is what this ward knows" >&2; exit 66; }

wasm2c --no-debug-names -n m -o m.c m.wasm || exit 65

# A call in the last place stays a call, so that endless recursion ends; numbers behave as WebAssembly has it; stacks are
# probed page by page, so that none jumps over its guard.
flags="-I. -Iaot -O2 -fPIE -pipe -w -fno-strict-aliasing -fno-optimize-sibling-calls -frounding-math -fsignaling-nans
	-fstack-clash-protection -fcf-protection=full -fno-reorder-functions -fno-reorder-blocks-and-partition"
gcc $flags -c m.c
gcc $flags -c glue.c

# Where which function is, for the words about a trap.
objdump -t m.o | awk '$3 == "F" && $4 == ".text" { print $1, $5, $NF }' | sort >functions
awk '
	BEGIN { print "#include \"aot/module.h\"\nconst struct module_symbol module_symbols[] = {" }
	{ last = "0x" $1 " + 0x" $2 }
	$3 == "Z_m_instantiate" { anchor = "0x" $1 }
	match($3, /^(w2c_|Z_mZ_)[ef][0-9]+/) {
		name = substr($3, RSTART, RLENGTH); sub(/^(w2c_|Z_mZ_)/, "", name)
		print "\t{ 0x" $1 ", " "\047" substr(name, 1, 1) "\047, " substr(name, 2) " },"; n++
	}
	END {
		print "\t{ 0, 0, 0 }\n};\nconst size_t module_n_symbols = " n + 0 ";"
		print "const uint32_t module_anchor_at = " anchor ", module_end_at = " last ";"
	}' functions >symbols.c
gcc $flags -c symbols.c

gcc -static-pie -s -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -o program m.o glue.o symbols.o runtime.a -lm
cat program
