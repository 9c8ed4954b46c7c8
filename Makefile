# Baton: no configure step, sources are found by themselves. `make help` lists the targets.
#
# One flavour is built at a time, each with its objects in build/<flavour>: release (the server is
# src/baton-server), dev (quick to build), asan, tsan, cov and fuzz (build/<flavour>/baton-server).

FLAVOUR ?= release
PREFIX  ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
PORT    ?= 6379
ARGS    ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(FLAVOUR)),clang,gcc)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
B := build/$(FLAVOUR)
SUB := +@$(MAKE) --no-print-directory

# --- what there is ------------------------------------------------------------------------------

found = $(sort $(shell find $(1) -name '$(2)' -type f 2>/dev/null))
SRC   := $(call found,src,*.c)
HDR   := $(call found,src,*.h)
DEF   := $(call found,src,*.def)
UNIT  := $(call found,tests/unit,*_test.c)
FUZZ  := $(call found,tests/fuzz,*_fuzz.c)
SIM   := $(call found,tests/sim,*.c)
CLI   := $(call found,tests/hiredis,*.c)

SRC_OBJ  := $(SRC:%.c=$B/%.o)
LIB_OBJ  := $(filter-out $B/src/main.o,$(SRC_OBJ))
UNIT_BIN := $(UNIT:%.c=$B/%)
FUZZ_BIN := $(FUZZ:%.c=$B/%)
SIM_BIN  := $(if $(SIM),$B/tests/sim/sim)
CLI_BIN  := $(CLI:%.c=$B/%)
PROBE    := $B/utils/io-uring-probe
FLOOR    := $B/utils/bench/null-server
CACHE    := $B/utils/bench/zipf-cache
RAW_LOAD := $B/utils/bench/raw-load
PACED    := $B/utils/bench/paced
FAULT_BIN := $(addprefix $B/tests/faults/,faults-load faults-judge faults-writer faulty.so)
SERVER   := $(if $(filter release,$(FLAVOUR)),src/baton-server,$B/baton-server)

# --- how it is compiled -------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
    -Wcast-align -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wconversion \
    -Wno-sign-conversion
ifneq ($(filter 1 true yes,$(CI)),)
WARNINGS += -Werror -Wno-error=format-truncation
endif

BASE := -std=gnu11 -g -D_GNU_SOURCE -Isrc -I$B -Itests
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LINK := -pie -rdynamic -Wl,-z,relro,-z,now,-z,noexecstack
TEST_LINK := $(LINK) -fno-lto
# Lua is linked in: no calls through a shared library's table on the way of an EVALSHA.
LIBS := -Wl,-Bstatic -llua5.1-cjson -llua5.1-bitop -llua5.1 -Wl,-Bdynamic -luring -llzf -lpthread -lm

# The server is optimised as a whole, 4 % less CPU at pipeline 64; tests link the plain objects.
FLAGS_release := -O3 -flto=auto -ffat-lto-objects $(HARDEN)
LIBS_release  := -ljemalloc
FLAGS_dev     := -O1 $(HARDEN) -DBATON_DEBUG
LIBS_dev      := -ljemalloc
FLAGS_cov     := -O0 -fno-omit-frame-pointer -fPIE --coverage -fprofile-update=atomic -DBATON_COVERAGE
LIBS_cov      := -ljemalloc --coverage
# BATON_DEBUG: dcheck(), and a check of the gate that a snapshot relies on, in tests (src/README.md).
# gcc guesses at lengths where sanitizers hide what it would know: -Wformat-truncation only informs.
FLAGS_asan    := -O1 -fno-omit-frame-pointer -fPIE -fsanitize=address,undefined -fno-sanitize-recover=all -DBATON_LIBC_MALLOC -DBATON_DEBUG
LIBS_asan     := -fsanitize=address,undefined
FLAGS_tsan    := -O1 -fno-omit-frame-pointer -fPIE -fsanitize=thread -DBATON_LIBC_MALLOC -DBATON_DEBUG
LIBS_tsan     := -fsanitize=thread
FLAGS_fuzz    := -O1 -fno-omit-frame-pointer -fPIE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
    -DBATON_LIBC_MALLOC -DBATON_FUZZ -DBATON_DEBUG
LIBS_fuzz     := -fsanitize=fuzzer,address,undefined
ifeq ($(FLAGS_$(FLAVOUR)),)
$(error FLAVOUR must be release, dev, asan, tsan, cov or fuzz)
endif

# Only the room's own files, the unit tests that mirror them and the fuzz targets may include its private
# headers.
room = $(if $(filter src/execute/% tests/unit/execute/% tests/fuzz/%,$(1)),-DBATON_ROOM_EXECUTE)

CFLAGS  ?=
LDFLAGS ?=
ALL_CFLAGS := $(BASE) $(FLAGS_$(FLAVOUR)) $(WARNINGS) $(CPPFLAGS) $(CFLAGS)
ALL_LIBS   := $(LDFLAGS) $(LIBS) $(LIBS_$(FLAVOUR))

# Sanitizers map memory at fixed places, which some kernels' address randomisation hits.
NO_ASLR := $(if $(filter asan tsan fuzz,$(FLAVOUR)),$(shell setarch -R true 2>/dev/null && echo setarch -R))
TEST_ENV := BATON_SERVER=$(abspath $(SERVER)) BATON_FLAVOUR=$(FLAVOUR) \
    BATON_IO_URING_PROBE=$(abspath $(PROBE)) $(if $(filter tsan,$(FLAVOUR)),,BATON_SNAPSHOT_CHECK=1) \
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS=halt_on_error=0:exitcode=66:second_deadlock_stack=1:suppressions=$(abspath utils/tsan.supp) \
    LSAN_OPTIONS=suppressions=$(abspath utils/lsan.supp)

# --- building -----------------------------------------------------------------------------------

.PHONY: all deps-build deps-test FORCE
all: $(SERVER)

# What is missing is said in one line, before the compiler says it in a hundred.
deps-build:
	@CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' deps/check build
deps-test:
	@deps/install build test

$(SERVER): $(SRC_OBJ)
	@echo "  LINK    $@"
	@$(CC) $(ALL_CFLAGS) $(LINK) -o $@ $(SRC_OBJ) $(ALL_LIBS)

$B/%.o: %.c $B/flags | $B/release.h deps-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(ALL_CFLAGS) $(call room,$<) -MMD -MP -c -o $@ $<

$(UNIT_BIN): $B/%: $B/%.o $(LIB_OBJ)
	@echo "  LINK    $@"
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< $(LIB_OBJ) -lcmocka $(ALL_LIBS)

# Has a broken stage.c of its own, which comes first and so wins.
$B/tests/unit/flow/stage_control_test: ALL_LIBS += -Wl,-z,muldefs

$(FUZZ_BIN): $B/%: $B/%.o $(LIB_OBJ)
	@echo "  LINK    $@"
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< $(LIB_OBJ) $(ALL_LIBS)

# The simulator stands in for the kernel and the clocks: the linker leads these calls to tests/sim/kernel.c.
SIM_WRAPS := accept4 recv recvmsg send sendmsg shutdown close getpeername getsockname setsockopt poll clock_mono_ns \
    clock_wall_us clock_gettime nanosleep getpid random_secret poller_wake poller_wait_for_wake arena_close
$(SIM_BIN): $(SIM:%.c=$B/%.o) $(LIB_OBJ)
	@echo "  LINK    $@"
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) $(SIM_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(ALL_LIBS)

$(CLI_BIN): $B/%: $B/%.o
	@echo "  LINK    $@"
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< -lhiredis -lcmocka $(ALL_LIBS)

$(PROBE) $(FLOOR) $(RAW_LOAD) $(PACED): $B/%: $B/%.o
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< $(ALL_LIBS)

$(CACHE): $B/%: $B/%.o
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< -lhiredis $(ALL_LIBS)

$B/tests/faults/faults-%: $B/tests/faults/%.o
	@$(CC) $(ALL_CFLAGS) $(TEST_LINK) -o $@ $< -lhiredis -lpthread $(ALL_LIBS)

# Loaded into any server, redis-server too: without sanitizers and whatever the flavour has.
$B/tests/faults/faulty.so: tests/faults/faulty.c
	@mkdir -p $(@D)
	@$(CC) $(BASE) -O1 $(WARNINGS) -fPIC -shared -o $@ $< -lpthread

# Both files change only when what they say changes, so nothing is rebuilt for nothing.
$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LIBS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$B/release.h: FORCE
	@mkdir -p $(@D)
	@utils/release-header '$(FLAVOUR)' '$(CC)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

-include $(call found,$B,*.d)

# --- running and testing ------------------------------------------------------------------------

.PHONY: run test unit integration hiredis sim check layers sizes format-check lint
run:
	@deps/install build
	$(SUB) -j$(JOBS) all
	@mkdir -p build/run
	@exec src/baton-server $(wildcard conf/baton.conf) --port $(PORT) --dir build/run $(ARGS)

test: deps-test
	$(SUB) -j$(JOBS) build-tests
	@utils/run-parts layers! utils/check-layers sizes! utils/check-sizes \
	    unit '$(MAKE) -s unit' sim '$(MAKE) -s sim' \
	    hiredis '$(MAKE) -s hiredis' integration '$(MAKE) -s integration' \
	    faults '$(MAKE) -s faults-quick'

.PHONY: build-tests
build-tests: $(SERVER) $(UNIT_BIN) $(SIM_BIN) $(CLI_BIN) $(PROBE) $(FAULT_BIN)

unit: $(UNIT_BIN)
	@$(TEST_ENV) $(NO_ASLR) utils/run-unit $(UNIT_BIN)

integration: $(SERVER) $(PROBE)
	@$(TEST_ENV) $(NO_ASLR) utils/run-integration $(if $(QUICK),--quick) $(TEST_ARGS)

hiredis: $(SERVER) $(CLI_BIN) $(PROBE)
	@$(TEST_ENV) $(NO_ASLR) utils/run-hiredis $(if $(QUICK),--quick) $(CLI_BIN)

sim: $(SIM_BIN)
ifeq ($(SIM),)
	@echo '0 passed, 0 failed'
else
	@$(TEST_ENV) $(NO_ASLR) $(SIM_BIN) $(SIM_ARGS)
endif

# Crashes, power cuts, disks that fail: nothing acknowledged may be lost; every bit of an RDB file flipped, a log
# cut at every byte. COUNT: rounds of each test; ONLY: a word of their names;
# REFERENCE=redis-server: the tools proven on another server.
FAULT_ARGS = --server '$(abspath $(or $(REFERENCE),$(SERVER)))' --tools $B/tests/faults
DAMAGE_BIN := $(filter %/loading_damage_test,$(UNIT_BIN))
.PHONY: faults faults-quick faults-live faults-damage
faults: deps-test
	$(SUB) -j$(JOBS) $(SERVER) $(FAULT_BIN) $(DAMAGE_BIN)
	@utils/run-parts $(if $(ONLY)$(REFERENCE),,damage '$(MAKE) -s FLAVOUR=$(FLAVOUR) faults-damage') \
	    faults '$(MAKE) -s FLAVOUR=$(FLAVOUR) faults-live COUNT="$(COUNT)" ONLY="$(ONLY)" REFERENCE="$(REFERENCE)"'
faults-live:
	@COUNT='$(COUNT)' tests/faults/run $(FAULT_ARGS) --only '$(ONLY)'
faults-damage: $(DAMAGE_BIN)
	@UNIT_TIMEOUT=3600 BATON_EXHAUSTIVE=1 $(TEST_ENV) $(NO_ASLR) utils/run-unit $(DAMAGE_BIN)
faults-quick: $(SERVER) $(FAULT_BIN)
	@tests/faults/run $(FAULT_ARGS) --quick

# All complaints at once: -k goes on to the next checker.
check:
	$(SUB) -k layers sizes format-check lint
	$(SUB) -j$(JOBS) $(UNIT_BIN)
	$(SUB) -s unit

layers:
	@utils/check-layers
sizes:
	@utils/check-sizes

C_FILES = $(SRC) $(HDR) $(call found,tests,*.[ch]) $(call found,utils,*.[ch])
format-check:
	@if command -v clang-format >/dev/null; then \
	    clang-format --dry-run -Werror $(C_FILES) && echo 'format: clean'; \
	else echo 'format: skipped, no clang-format'; fi
.PHONY: format
format:
	clang-format -i $(C_FILES)

# Two linters, where they are installed, each on what changed since it passed: clang's warnings, and
# clang-tidy.
TIDY_OK := $(SRC:%.c=build/tidy/%.ok)
SYNTAX_OK := $(SRC:%.c=build/syntax/%.ok)
lint: build/release/release.h
	@if command -v clang >/dev/null; then \
	    $(MAKE) --no-print-directory -s -k -j$(JOBS) syntax \
	    && echo 'lint: clang is silent'; \
	else echo 'lint: skipped, no clang'; fi
	@if command -v clang-tidy >/dev/null; then \
	    $(MAKE) --no-print-directory -s -k -j$(JOBS) tidy && echo 'lint: clang-tidy is silent'; \
	else echo 'lint: skipped, no clang-tidy'; fi
.PHONY: tidy syntax
tidy: $(TIDY_OK)
syntax: $(SYNTAX_OK)
build/syntax/%.ok: %.c $(HDR) $(DEF)
	@mkdir -p $(@D)
	@clang $(BASE) $(call room,$<) -O2 $(WARNINGS) -Werror -fsyntax-only $<
	@touch $@
build/tidy/%.ok: %.c .clang-tidy $(HDR) $(DEF)
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(BASE) $(call room,$<) $(WARNINGS) >$@.log 2>/dev/null || { cat $@.log; exit 1; }
	@touch $@

.PHONY: asan tsan soak fuzz bench apps compat cov
# The whole test set once more, under a sanitizer. QUICK=1: the integration tests' quick part only.
asan tsan: deps-test
	$(SUB) -j$(JOBS) FLAVOUR=$@ build-tests
	@utils/run-parts unit '$(MAKE) -s FLAVOUR=$@ unit' sim '$(MAKE) -s FLAVOUR=$@ sim' \
	    hiredis '$(MAKE) -s FLAVOUR=$@ hiredis' \
	    integration '$(MAKE) -s FLAVOUR=$@ integration'

# Load, clients that die, CLIENT KILL and CONFIG SET for a minute. With FLAVOUR=tsan: fewer of all.
SOAK_ARGS ?= $(if $(filter release,$(FLAVOUR)),,--connections 100 --dying 10)
soak: deps-test
	$(SUB) -j$(JOBS) FLAVOUR=$(FLAVOUR) $(SERVER)
	@$(TEST_ENV) $(NO_ASLR) tclsh8.6 tests/soak/soak.tcl $(SOAK_ARGS)

FUZZ_SECONDS ?= 30
fuzz:
	@deps/install build dev
	$(SUB) -j$(JOBS) FLAVOUR=fuzz fuzz-build
	$(SUB) FLAVOUR=fuzz fuzz-run
.PHONY: fuzz-build fuzz-run
fuzz-build: $(FUZZ_BIN)
fuzz-run: $(FUZZ_BIN)
	@$(TEST_ENV) $(NO_ASLR) utils/run-fuzz $(FUZZ_SECONDS) $(FUZZ_BIN)

bench:
	@deps/install build bench
	$(SUB) -j$(JOBS) all $(FLOOR) $(CACHE) $(RAW_LOAD) $(PACED)
	@PLANS='$(PLANS)' TYPES='$(TYPES)' SCRIPTS='$(SCRIPTS)' DURABILITY='$(DURABILITY)' QUICK='$(QUICK)' python3 utils/bench/bench.py --server $(SERVER) --floor $(FLOOR) \
	    --cache $(CACHE) --raw-load $(RAW_LOAD) --paced $(PACED) $(ARGS)

# Programs that people use with the server, each with a small job of its own (npm fetches those for node).
# APPS: some of their names, as `tests/apps/run` has them.
apps: deps-test
	@deps/install apps
	$(SUB) -j$(JOBS) all
	@$(TEST_ENV) tests/apps/run $(APPS)

# Random commands for this server and redis-server, whose replies must be equal (SECONDS=60, SEED=1).
.PHONY: differ
differ:
	@deps/install build bench
	$(SUB) -j$(JOBS) all
	@python3 -B tests/differential/differ.py --server $(SERVER) $(ARGS)

# SUITE: an unpacked Redis 7.2.6 tree. FILES: names of its files; RUNNER: another script to run them.
# Fails when a test fails that tests/compat/waiting.tsv does not list, or passes though it does.
RUNNER ?= utils/run-compat
compat: deps-test
	@test -n '$(SUITE)' || { echo 'make compat SUITE=<unpacked Redis 7.2.6 tree> [FILES="unit/type/incr ..."]'; exit 2; }
	$(SUB) -j$(JOBS) all
	@$(RUNNER) '$(SUITE)' src/baton-server $(FILES)

cov: deps-test
	@find build/cov -name '*.gcda' -delete 2>/dev/null || true
	$(SUB) -j$(JOBS) FLAVOUR=cov build-tests
	@utils/run-parts unit '$(MAKE) -s FLAVOUR=cov unit' sim '$(MAKE) -s FLAVOUR=cov sim' \
	    hiredis '$(MAKE) -s FLAVOUR=cov QUICK=1 hiredis' \
	    integration '$(MAKE) -s FLAVOUR=cov QUICK=1 integration'
	@utils/coverage build/cov

# --- installing and the rest --------------------------------------------------------------------

.PHONY: install uninstall clean help
# A configuration that is already there belongs to its owner and stays as it is.
# The server is these tools, too, when it is called so (src/execute/check.h).
TOOLS := baton-check-rdb baton-check-aof
install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(SYSCONFDIR)/baton' \
	    '$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/lib/systemd/system'
	install -m 755 src/baton-server '$(DESTDIR)$(PREFIX)/bin/baton-server'
	for tool in $(TOOLS); do ln -sf baton-server '$(DESTDIR)$(PREFIX)/bin/'$$tool; done
	install -m 644 utils/man/baton-server.1 '$(DESTDIR)$(PREFIX)/share/man/man1/baton-server.1'
	sed -e 's|@BINDIR@|$(PREFIX)/bin|' -e 's|@CONFDIR@|$(SYSCONFDIR)/baton|' utils/baton-server.service \
	    >'$(DESTDIR)$(PREFIX)/lib/systemd/system/baton-server.service'
	@chmod 644 '$(DESTDIR)$(PREFIX)/lib/systemd/system/baton-server.service'
	@test -e '$(DESTDIR)$(SYSCONFDIR)/baton/baton.conf' || \
	    install -v -m 644 conf/baton.conf '$(DESTDIR)$(SYSCONFDIR)/baton/baton.conf'

uninstall:
	rm -f $(patsubst %,'$(DESTDIR)$(PREFIX)/bin/%',$(TOOLS))
	rm -f '$(DESTDIR)$(PREFIX)/bin/baton-server' '$(DESTDIR)$(PREFIX)/share/man/man1/baton-server.1' \
	    '$(DESTDIR)$(PREFIX)/lib/systemd/system/baton-server.service'

clean:
	rm -rf build src/baton-server

help:
	@echo 'make                 build src/baton-server (no root needed)'
	@echo 'make run             install what is missing, build, start (PORT=6379 ARGS="--option value")'
	@echo 'make test            install what is missing, build, run all tests'
	@echo 'make check           layers, sizes, format, lint, unit tests'
	@echo 'make unit|integration|hiredis|sim     one kind of test (QUICK=1, TEST_ARGS=, SIM_ARGS=)'
	@echo 'make asan|tsan       all tests under a sanitizer (QUICK=1)'
	@echo 'make faults          crashes, power cuts, failing disks: nothing acknowledged is lost (COUNT= ONLY=)'
	@echo 'make soak            a minute of load while clients die (SOAK_ARGS="--seconds 600 ..." FLAVOUR=tsan)'
	@echo 'make fuzz            every fuzz target for FUZZ_SECONDS=30'
	@echo 'make cov             tests with line coverage by folder'
	@echo 'make bench           against redis-server (QUICK=1 PLANS=1 TYPES=1 SCRIPTS=1 DURABILITY=1 PUBLISH=1 ROUNDS=5 SECONDS=0.7)'
	@echo 'make differ          the same random commands for redis-server and Baton (SECONDS=60 SEED=1 ARGS=--log)'
	@echo 'make apps            redis-cli, clients, BullMQ, bull, socket.io, RQ, Celery ... (APPS="ioredis rq")'
	@echo 'make compat SUITE=   the Tcl suite of an unpacked Redis 7.2.6 tree (FILES= RUNNER=)'
	@echo 'make format          clang-format on everything'
	@echo 'make install         PREFIX=/usr/local DESTDIR='
	@echo 'make clean'
