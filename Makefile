# SPDX-License-Identifier: AGPL-3.0-or-later
# Tandem. `make help` lists the targets.
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
LDFLAGS ?=
PREFIX  ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR  ?= $(PREFIX)/share/man
CONFDIR ?= /etc/tandem
UNITDIR ?= /lib/systemd/system
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
LIBDIR  ?= /usr/lib# sysusers.d and tmpfiles.d
DESTDIR ?=
SRTP    ?= evp # or libsrtp2: the engine behind media/srtp.h
PYTHON  ?= /usr/bin/python3
T       ?= # one unit test: make unit T=media/test_ice
DEPS    ?= # no: what is missing is not installed
FUZZ_SECONDS ?= 60# for each target of make fuzz
# The compiler of the same house, for the wrapper of a C++ library.
CXX := $(if $(filter default,$(origin CXX)),$(if $(findstring clang,$(CC)),$(subst clang,clang++,$(CC)),c++),$(CXX))
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PACKAGES := sofia-sip-ua expat libevent libevent_openssl libevent_pthreads libsrtp2 libre openssl sqlite3 libconfuse libbsd libsystemd libseccomp libcares jansson
WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough $(if $(WERROR),-Werror)
HARDEN := -fstack-protector-strong -fPIE $(if $(findstring -O0,$(CFLAGS))$(findstring -fsan,$(CFLAGS))$(findstring _FORTIFY_SOURCE,$(CFLAGS)),,\
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# Asked for once, and not before `deps` has had its turn.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(patsubst -I%,-isystem %,$$(shell pkg-config --cflags $(PACKAGES))))$(PKG_CFLAGS)
# libphonenumber has no .pc, and its headers need no flags.
LIBS = $(eval LIBS := $$(shell pkg-config --libs $(PACKAGES)) -lphonenumber -lstdc++ -lm)$(LIBS)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(BUILD) $(WARN) $(HARDEN) -pthread -DHAVE_INET6 -DHAVE_STDBOOL_H -DHAVE_INTTYPES_H \
	-DTANDEM_VERSION='"$(VERSION)"' -DSRTP_ENGINE=srtp_$(strip $(SRTP)) $(PKG_CFLAGS) $(CFLAGS)
# C++ stands in wrappers alone: what C warns of, less what C++ does not know.
ALL_CXXFLAGS = -std=gnu++17 $(filter-out -std=gnu17 -Wstrict-prototypes -Wmissing-prototypes,$(ALL_CFLAGS)) \
	-Wmissing-declarations -fno-sanitize=vptr
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(LDFLAGS)
Q   := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)$(2)")
# One archive a folder. An archive is linked only behind those that may include
# it (tests/includes.awk has the same table), so the linker checks it as well.
FOLDERS := base db media xmpp sip gateway
MAINS   := gateway/main.c gateway/tandemctl.c
sources_base  := $(wildcard gateway/base/*.c)
$(foreach f,db media xmpp sip,$(eval sources_$(f) := $(wildcard $(f)/*.c)))
sources_gateway := $(filter-out $(MAINS) $(sources_base),$(wildcard gateway/*.c gateway/*/*.c gateway/*/*.cc))
needs_base    := base
needs_gateway := gateway sip xmpp media db base
$(foreach f,db media,$(eval needs_$(f) := $(f) base))
$(foreach f,xmpp sip,$(eval needs_$(f) := $(f) media base))
archives = $(patsubst %,$(BUILD)/lib%.a,$(needs_$(1)))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(patsubst %.cc,$(BUILD)/%.o,$(1)))
TEST_SOURCES := $(wildcard tests/*/*.c tests/unit/*/*.c tests/bench/load/*.c)
SOURCES  := $(foreach f,$(FOLDERS),$(sources_$(f))) $(wildcard $(MAINS))
HEADERS  := $(wildcard $(FOLDERS:%=%/*.h) gateway/*/*.h tests/*.h tests/*/*.h tests/unit/*/*.h tests/bench/load/*.h)
THREADED  = $(shell grep -lE 'pthread|db_open|fixture_open|fixture_setup|open_stage|media_new|rig_open' tests/unit/*/test_*.c)
UNITS    := $(patsubst %.c,$(BUILD)/%,$(if $(filter tsan,$(notdir $(BUILD))),$(THREADED),$(wildcard tests/unit/*/test_*.c)))
FUZZERS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
FLOORS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/floor_*.c))
LOAD     := $(BUILD)/tests/bench/load/load
PROGRAMS := $(subst $(BUILD)/main,$(BUILD)/tandem,$(patsubst gateway/%.c,$(BUILD)/%,$(wildcard $(MAINS))))

## all          build/tandem and its tools
all: deps-build $(PROGRAMS)
help:
	@sed -n 's/^## //p' Makefile
## deps         install what building, testing and the demo need (Debian packages, servers among them)
deps:
	@$(if $(filter no,$(DEPS)),,deploy/deps)
# What building alone needs: who makes Tandem to use it gets no servers.
deps-build:
	@$(if $(filter no,$(DEPS)),,deploy/deps build)

## deps-live    and what the tests with real clients need (Chromium, npm, Dino, Profanity: 300 MB)
deps-live:
	@deploy/deps live

$(BUILD)/%.o: %.c | deps-build
	@mkdir -p $(@D)
	$(call say,CC    ,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cc | deps-build
	@mkdir -p $(@D)
	$(call say,CXX   ,$<)
	$(Q)$(CXX) $(ALL_CXXFLAGS) -MMD -MP -c -o $@ $<

# The migrations become string literals of the program, in their order.
$(BUILD)/db/schema_sql.h: $(sort $(wildcard db/schema/*.sql))
	@mkdir -p $(@D)
	$(Q)for f in $^; do sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $$f; echo ,; done >$@
$(BUILD)/db/schema.o: $(BUILD)/db/schema_sql.h
# What tells the version is built again when that has changed.
$(call objects,$(shell grep -ls TANDEM_VERSION $(SOURCES) $(TEST_SOURCES))): $(BUILD)/version
$(BUILD)/version: FORCE
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
$(BUILD)/libmock.a: $(call objects,$(wildcard tests/mock/*.c))
define ARCHIVE
$(BUILD)/lib$(1).a: $(call objects,$(sources_$(1)))
$(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(BUILD)/libmock.a $(call archives,$(1))
	$(call say,LINK  ,$$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call ARCHIVE,$(f))))
$(BUILD)/lib%.a:
	$(Q)rm -f $@ && ar rcs $@ $^
$(BUILD)/tandem: $(BUILD)/gateway/main.o $(call archives,gateway)
$(BUILD)/tandemctl: $(BUILD)/gateway/tandemctl.o $(call archives,gateway)
# Without libFuzzer a driver runs the corpus through the target.
FUZZ_DRIVER = $(if $(findstring fuzzer,$(LDFLAGS)),,$(BUILD)/tests/fuzz/replay.o)
$(FUZZERS): %: %.o $(FUZZ_DRIVER) $(BUILD)/libmock.a $(call archives,gateway)
$(BENCHES): %: %.o $(BUILD)/libmock.a $(call archives,gateway)
$(BENCHES) $(FUZZERS): CMOCKA := -lcmocka # their rigs, those of unit tests, assert with it
$(LOAD): $(call objects,$(wildcard tests/bench/load/*.c)) $(BUILD)/libmock.a $(call archives,gateway)
$(FLOORS): %: %.o
$(PROGRAMS) $(FUZZERS) $(BENCHES) $(LOAD) $(FLOORS):
	$(call say,LINK  ,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(CMOCKA)

# Tests, and what runs them, need more (cmocka, servers).
$(call objects,$(TEST_SOURCES)): | deps
tests: $(UNITS) $(FUZZERS) $(BENCHES) $(LOAD) $(FLOORS)
## check        build and run the unit, fuzz-corpus and integration tests
checked: deps all $(UNITS) $(FUZZERS) $(if $(filter asan tsan,$(notdir $(BUILD))),,$(LOAD))
check: checked
	@UNITS='$(UNITS)' tests/run $(BUILD) unit fuzz integration
## unit         the unit tests alone; T=media/test_ice runs one and shows all of it
unit: $(if $(strip $(T)),$(BUILD)/tests/unit/$(strip $(T)),$(UNITS))
	@$(if $(strip $(T)),$<,UNITS='$^' tests/run $(BUILD) unit)
## integration  the tests with real peers alone (root); T=test_call_out.py runs one
integration: deps all
	@T=$(strip $(T)) tests/run $(BUILD) integration
## faults       every fault of tests/faults, in a table of what came of it (root); T=words of some
faults: deps all $(LOAD)
	@TANDEM=$(CURDIR)/$(BUILD)/tandem $(PYTHON) -B tests/faults $(T)
## asan         unit, fuzz-corpus and integration tests, address and undefined sanitizers
SANITIZE = $(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) CFLAGS='-O1 -g -fno-omit-frame-pointer $(2)' LDFLAGS='$(or $(3),$(2))'
, := ,
ASAN := -fsanitize=address$(,)undefined -fno-sanitize-recover=undefined
asan:
	+@$(call SANITIZE,asan,$(ASAN)) $(or $(DO),check)
## tsan         the unit tests with threads under the thread sanitizer
tsan:
	+@$(call SANITIZE,tsan,-fsanitize=thread) $(or $(DO),unit)
## fuzz         every fuzz target for FUZZ_SECONDS; crashes go into its .repro
fuzz: deps
	+@$(call SANITIZE,fuzz,$(ASAN) -fsanitize=fuzzer-no-link,$(ASAN) -fsanitize=fuzzer) CC=clang fuzz-run
fuzz-run: $(FUZZERS)
	@FUZZ_SECONDS=$(strip $(FUZZ_SECONDS)) tests/run $(BUILD) fuzz-run
## fuzz-coverage  lines of each parser that its corpus runs through: 85 % at least
fuzz-coverage: deps
	+@$(call SANITIZE,coverage,-fprofile-instr-generate -fcoverage-mapping,-fprofile-instr-generate) CC=clang coverage-run
coverage-run: $(FUZZERS)
	@tests/fuzz/prove $(BUILD) coverage
## fuzz-faults  a fault planted for each target, which must find it
fuzz-faults: deps
	+@$(call SANITIZE,fuzz,$(ASAN) -fsanitize=fuzzer-no-link,$(ASAN) -fsanitize=fuzzer) CC=clang faults-run
faults-run: export FUZZ_CFLAGS = $(ALL_CFLAGS)
faults-run: export FUZZ_LDFLAGS = $(ALL_LDFLAGS)
faults-run: export FUZZ_LIBS = $(LIBS) -lcmocka
faults-run: $(FUZZERS)
	@FUZZ_SECONDS=$(strip $(FUZZ_SECONDS)) tests/fuzz/prove $(BUILD) faults
## bench        Tandem beside rtpengine and the floors, in one run; BENCH_QUICK=1 is short
bench: deps all $(LOAD) $(FLOORS)
	@$(PYTHON) -B tests/bench/run $(BUILD)
## bench-readme the table that is in README, from what bench has left
bench-readme:
	@$(PYTHON) -B tests/bench/readme $(BUILD) README
## bench-parts  what SRTP and the workers cost by themselves
bench-parts: $(BENCHES)
	@for b in $^; do $$b || exit 1; done
## bench-instructions  what a relayed packet takes must not grow; quick
bench-instructions: $(BUILD)/tests/bench/bench_relay_path
	@$(PYTHON) -B tests/bench/instructions $(BUILD)
## prove-texts  10,000 texts each way under kills, restarts and silence: none lost (root; 15 min)
prove-texts: deps all
	@$(PYTHON) -B tests/faults/texts.py
## prove-calls  10,000 calls, 100 a second, by UDP and TCP: all heard, memory stays; CALLS= (root; 6 min)
prove-calls: deps all $(LOAD)
	@BED_CALLS=$(or $(strip $(CALLS)),10000) TANDEM=$(CURDIR)/$(BUILD)/tandem tests/integration/run tests/integration/test_many_calls.py
## prove-flood  1,000 calls beside 100,000 packets a second of strangers: loss, delay, MOS; CALLS= RATE= (root; 2 min)
prove-flood: deps all $(LOAD)
	@BED_FLOOD_CALLS=$(or $(strip $(CALLS)),1000) BED_FLOOD_RATE=$(or $(strip $(RATE)),100000) TANDEM=$(CURDIR)/$(BUILD)/tandem \
		tests/integration/run tests/integration/test_flood_beside_calls.py
## lint         formatting, include rule, headers alone, clang-tidy, manuals
lint: export LINT_CFLAGS = $(ALL_CFLAGS)
lint: export LINT_CXXFLAGS = $(ALL_CXXFLAGS)
lint: deps $(BUILD)/db/schema_sql.h
	@CC='$(CC)' tests/lint $(BUILD) $(SOURCES) $(TEST_SOURCES) $(HEADERS)
## format       clang-format over everything
format:
	@clang-format -i $(SOURCES) $(TEST_SOURCES) $(HEADERS)
## demo         calls in front of your eyes; KEEP=1 stays up for a client of yours (ADDRESS=)
demo: deps all
	@$(PYTHON) -B tests/demo $(if $(KEEP),--keep) $(if $(ADDRESS),--address $(ADDRESS))
## install      DESTDIR, PREFIX, CONFDIR, UNITDIR, BASHDIR, ZSHDIR; an existing configuration stays
install: $(PROGRAMS)
	install -D -t $(DESTDIR)$(SBINDIR) $(PROGRAMS)
	for n in 8 5; do install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$$n deploy/*.$$n; done
	for d in sysusers tmpfiles; do install -D -m 644 deploy/$$d.conf $(DESTDIR)$(LIBDIR)/$$d.d/tandem.conf; done
	install -D -m 644 deploy/tandem.service $(DESTDIR)$(UNITDIR)/tandem.service
	sed -i 's|@SBINDIR@|$(SBINDIR)|; s|@CONFDIR@|$(CONFDIR)|' $(DESTDIR)$(UNITDIR)/tandem.service
	install -D -m 644 deploy/completion/tandem.bash $(DESTDIR)$(BASHDIR)/tandem
	ln -sf tandem $(DESTDIR)$(BASHDIR)/tandemctl
	install -D -m 644 -t $(DESTDIR)$(ZSHDIR) deploy/completion/_tandem
	test -e $(DESTDIR)$(CONFDIR)/tandem.conf || install -D -m 640 deploy/tandem.conf -t $(DESTDIR)$(CONFDIR)
## deb          the Debian package, into BUILD/deb, and what lintian says of it
deb:
	@deploy/package $(BUILD)/deb
	@lintian --allow-root --fail-on error,warning $(BUILD)/deb/*.changes
## prove-package  the package in a fresh Debian and Ubuntu, containers, Asterisk; PARTS="debian ubuntu" (root; 10 to 20 min)
prove-package:
	@deploy/deps prove
	@tests/package/run $(BUILD) $(PARTS)
## uninstall    what install has put there, the configuration excepted
uninstall:
	cd $(DESTDIR)/ && rm -f $(PROGRAMS:$(BUILD)/%=.$(SBINDIR)/%) .$(MANDIR)/man?/tandem.[8c]* .$(MANDIR)/man8/tandemctl.8 \
		.$(LIBDIR)/*.d/tandem.conf .$(UNITDIR)/tandem.service .$(BASHDIR)/tandem .$(BASHDIR)/tandemctl .$(ZSHDIR)/_tandem
## clean        remove BUILD
clean:
	rm -rf $(BUILD)
.PHONY: all help deps deps-build deps-live tests checked check unit integration asan tsan fuzz fuzz-run fuzz-coverage coverage-run fuzz-faults faults-run faults bench bench-readme bench-parts bench-instructions prove-texts prove-calls prove-flood \
	lint format demo deb prove-package install uninstall clean FORCE
.SECONDARY .DELETE_ON_ERROR:
-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
