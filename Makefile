# Two targets for newcomers: `make run` and `make test`. The rest is for those who work on examhall.
#
#   make            build/examhall            make FLAVOUR=asan   build/examhall-asan (also: clang, debug)
#   make run        install, build, start     make test           all tests
#   make fuzz       a minute each             make bench          log, save path, connections
#   make rehearsal  450,000 candidates        make platform-test  all without a cloud account
#   make fmt tidy   style                     make clean

FLAVOUR ?= release
B := build
O := $(B)/$(FLAVOUR)
SUFFIX := $(if $(filter release,$(FLAVOUR)),,-$(FLAVOUR))
BIN := $(B)/examhall$(SUFFIX)
UNIT := $(B)/unit$(SUFFIX)

CC := $(if $(filter clang fuzz,$(FLAVOUR)),clang,gcc)
LIBS := libsodium openssl sqlite3 libfyaml libseccomp zlib liburing
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
COMMIT_TIME := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
CFLAGS_release := -O2 -D_FORTIFY_SOURCE=2 $(HARDEN)
# clang 14 breaks code with stack clash protection: it moves a `sub %rsp` between a compare and its use (str_ends).
CFLAGS_clang := -O2 $(filter-out -fstack-clash-protection,$(HARDEN))
CFLAGS_debug := -O0
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_fuzz := -fsanitize=address,undefined

CPPFLAGS := -Isrc -I. -D_GNU_SOURCE
LIB_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LIB_LDLIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
# The folder of the build stays out of the debug information, so two folders give one program.
CFLAGS = -std=c17 -g -ffile-prefix-map=$(CURDIR)=. $(CFLAGS_$(FLAVOUR)) $(WARN) $(LIB_CFLAGS)
LDLIBS = $(LIB_LDLIBS) -lpthread -lm

MAIN := src/cli/main.c
SRC := $(filter-out $(MAIN),$(shell find src -name '*.c' | sort))
OBJ := $(SRC:%.c=$(O)/%.o)
TEST_OBJ := $(patsubst %.c,$(O)/%.o,tests/main.c $(wildcard tests/unit/*.c))

.PHONY: all unit clean fmt run test deps
all: $(BIN)

# --- the two commands for newcomers -------------------------------------------------------------------------------
run: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tools/run.sh

test:
	@tools/deps.sh build test
	@tools/test.sh

deps:
	@tools/deps.sh build

# --- portal: web/ becomes one C file; npm runs only when its lock or the sources changed -------------------------
PORTAL_C := $(B)/portal/portal_files.c
PORTAL_OBJ := $(O)/portal/portal_files.o
PORTAL_SRC := $(shell find web/src web/index.html web/staff.html web/vite.config.ts web/tsconfig.json -type f)
PORTAL_NPM := web/node_modules/.package-lock.json

$(PORTAL_NPM): web/package-lock.json
	cd web && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

web/dist/index.html: $(PORTAL_SRC) $(PORTAL_NPM)
	cd web && npm run --silent build
	@touch $@

$(PORTAL_C): web/dist/index.html tools/portal_pack.mjs
	node tools/portal_pack.mjs --budget 100000 web/dist
	node tools/portal_pack.mjs web/dist $@

$(PORTAL_OBJ): $(PORTAL_C)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

.PHONY: portal portal-unit portal-e2e
portal: $(PORTAL_C)

portal-unit: $(PORTAL_NPM)
	cd web && npm test --silent

portal-e2e: $(BIN) $(PORTAL_NPM)
	node --test --test-concurrency=4 tests/e2e/*.test.mjs
# --- end of portal ---------------------------------------------------------------------------------------------

$(BIN): $(OBJ) $(O)/$(MAIN:.c=.o) $(PORTAL_OBJ)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_$(FLAVOUR)) -o $@ $(filter %.o,$^) $(LDLIBS)

$(UNIT): $(TEST_OBJ) $(PORTAL_OBJ) $(O)/all.a
	@echo "  link $@"
	@$(CC) $(LDFLAGS_$(FLAVOUR)) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/src/cli/main.o: CPPFLAGS += -DEXAMHALL_VERSION='"$(VERSION)"' -DEXAMHALL_REVISION='"$(REVISION)"' \
    -DEXAMHALL_COMMIT_TIME=$(COMMIT_TIME)
$(O)/src/cli/main.o: $(shell git rev-parse --git-path HEAD 2>/dev/null) # a new commit is a new version
$(O)/src/platform/image_sbom.o: web/package-lock.json
$(O)/src/platform/sample.o: data/sample/exam.jsonl data/sample/roster.csv
$(O)/src/platform/prices.o: deploy/prices/aws.json
$(O)/src/platform/env_pipeline.o: $(wildcard deploy/pipelines/*/*.yml)

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# --- fuzz and bench: each fuzz/NAME.c and bench/NAME.c is a program of its own -----------------------------------
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c))

$(O)/all.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(B)/fuzz/%: $(O)/fuzz/%.o $(O)/all.a
	$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

$(B)/bench/%: $(O)/bench/%.o $(O)/all.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_$(FLAVOUR)) -o $@ $(filter %.o,$^) $(O)/all.a $(LDLIBS)

$(B)/bench/save_path: $(O)/bench/load.o $(O)/bench/procs.o
$(B)/bench/cold: $(O)/bench/crowd.o $(O)/bench/procs.o
$(B)/bench/paced: $(O)/bench/crowd.o

.PHONY: bench bench-cold bench-peers bench-hall
bench-hall: $(BIN) $(B)/bench/fill $(B)/bench/hall
	@bench/full.sh
bench-cold: $(BIN) $(B)/bench/bare $(B)/bench/cold
	@bench/cold.sh $(B)/bench-cold.json
bench-peers: $(BIN) $(B)/bench/bare $(B)/bench/paced
	@tools/deps.sh bench
	@bench/peers.sh $(B)/bench-peers.json
bench: $(BIN) $(B)/bench/log $(B)/bench/crossing $(B)/bench/save_path
	@bench/bench.sh $(B)/bench.json

.PRECIOUS: $(O)/fuzz/%.o $(O)/bench/%.o
.PHONY: fuzz $(FUZZERS:%=fuzz-%)
fuzz: # all are built first, so that several can run at once
	@$(MAKE) FLAVOUR=fuzz $(FUZZERS:%=$(B)/fuzz/%)
	@$(MAKE) $(FUZZERS:%=fuzz-%)

$(FUZZERS:%=fuzz-%): fuzz-%:
	$(MAKE) FLAVOUR=fuzz $(B)/fuzz/$*
	@mkdir -p $(B)/fuzz/found/$*
	$(B)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 -artifact_prefix=$(B)/fuzz/found/ \
	    $(B)/fuzz/found/$* $(wildcard fuzz/corpus/$*)
# --- end of fuzz and bench ---------------------------------------------------------------------------------------

unit: $(UNIT)
	$(UNIT)

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(B)

# --- rehearsals: virtual candidates, and random kill -9 of hall and gateway under load ----------------------------
# `make rehearsal` is the whole day at full size, about 27 minutes (seed 161: the upgrade a minute after all
# have started, the kill six minutes later); CANDIDATES=10000 RAMP=30 for a small one.
KILLS ?= 200
CANDIDATES ?= 450000
RAMP ?= 590
.PHONY: rehearsal chaos test-chaos test-rehearsal test-distributed
rehearsal: $(BIN)
	$(BIN) rehearse --candidates $(CANDIDATES) --plain --ramp $(RAMP) --minutes 12 --save-every 45 --drops-per-minute \
	    $$(( ($(CANDIDATES) + 449) / 450 )) --kill-hall 1 --upgrade 1 --seed 161 --report $(B)/rehearsal.html
chaos: $(BIN)
	EXAMHALL=$(BIN) tests/chaos/run.sh $(KILLS)
test-chaos: $(BIN)
	EXAMHALL=$(BIN) tests/chaos/run.sh 6
test-rehearsal: $(BIN)
	$(BIN) rehearse --candidates 500 --minutes 1 --kill-hall 1 --upgrade 2
test-distributed: $(BIN)
	EXAMHALL=$(BIN) tests/distributed/run.sh
# --- end of rehearsals -------------------------------------------------------------------------------------------

# --- the platform, proven without a cloud account; needs Go and more of Debian, and names what it cannot prove -------
.PHONY: platform-test
platform-test: platform-all
platform-%:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory -j$$(nproc) all faulty
	@EXAMHALL=$(BIN) STAGES=$(filter-out all,$*) tests/platform/all.sh
# --- end of the platform -----------------------------------------------------------------------------------------

# --- deployments, of good programs and of bad ones ----------------------------------------------------------------
# A bad build is the same program with one function replaced by the linker: tests/deploy/fault.c says by what.
FAULTY := $(patsubst %,$(B)/faulty/examhall-%,500s slow dying unborn)
.PHONY: faulty test-deploy rolled
faulty: $(FAULTY)
$(B)/faulty/examhall-%: tests/deploy/fault.c $(BIN)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -DFAULT='"$*"' $(LDFLAGS_$(FLAVOUR)) -Wl,--wrap=exchange_write -o $@ $< \
	    $(OBJ) $(O)/$(MAIN:.c=.o) $(PORTAL_OBJ) $(LDLIBS)
test-deploy: $(BIN) faulty
	EXAMHALL=$(BIN) FAULTY=$(B)/faulty node --test --test-concurrency=1 tests/deploy/
rolled: $(BIN) faulty # at 5,000 requests a second over TLS: seven minutes, on a machine with nothing else to do
	EXAMHALL=$(BIN) FAULTY=$(B)/faulty tests/platform/rolled.sh
# --- end of deployments ------------------------------------------------------------------------------------------

# --- the command line from outside; style that the compiler does not see -----------------------------------------
.PHONY: test-cli tidy
test-cli: $(BIN)
	EXAMHALL=$(BIN) tests/cli/run.sh

tidy:
	tools/tidy
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')
# --- end ---------------------------------------------------------------------------------------------------------
