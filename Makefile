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
DESTDIR ?=
SRTP    ?= evp # or libsrtp2: the engine behind media/srtp.h
PYTHON  ?= /usr/bin/python3
T       ?= # one unit test: make unit T=media/test_ice
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

PACKAGES := sofia-sip-ua expat libevent libevent_pthreads libsrtp2 libre \
	openssl sqlite3 libconfuse libbsd libsystemd libcares
WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
	$(if $(WERROR),-Werror)
HARDEN := -fstack-protector-strong -fPIE $(if $(findstring -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(BUILD) $(WARN) $(HARDEN) -pthread \
	-DHAVE_INET6 -DHAVE_STDBOOL_H -DHAVE_INTTYPES_H \
	-DTANDEM_VERSION='"$(VERSION)"' -DSRTP_ENGINE=srtp_$(strip $(SRTP)) \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(LDFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
Q := $(if $(V),,@)

# One archive a folder. An archive is linked only behind those that may include
# it (tests/includes.awk has the same table), so the linker checks it as well.
FOLDERS := base db media xmpp sip gateway
MAINS   := gateway/main.c gateway/tandemctl.c
sources_base    := $(wildcard gateway/base/*.c)
sources_db      := $(wildcard db/*.c)
sources_media   := $(wildcard media/*.c)
sources_xmpp    := $(wildcard xmpp/*.c)
sources_sip     := $(wildcard sip/*.c)
sources_gateway := $(filter-out $(MAINS),$(wildcard gateway/*.c))
needs_base    := base
needs_db      := db base
needs_media   := media base
needs_xmpp    := xmpp media base
needs_sip     := sip media base
needs_gateway := gateway sip xmpp media db base
archives = $(patsubst %,$(BUILD)/lib%.a,$(needs_$(1)))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(1))

UNIT_TESTS := $(wildcard tests/unit/*/test_*.c)
UNIT_BINS  := $(patsubst %.c,$(BUILD)/%,$(UNIT_TESTS))
PROGRAMS   := $(patsubst gateway/%.c,$(BUILD)/%,$(wildcard $(MAINS)))
PROGRAMS   := $(subst $(BUILD)/main,$(BUILD)/tandem,$(PROGRAMS))

all: deps $(PROGRAMS)

help:
	@sed -n 's/^## //p' Makefile

## all          build/tandem and its tools
## deps         install what building, testing and the demo need (Debian packages)
deps:
	@deploy/deps

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The migrations become string literals of the program, in their order.
SCHEMA := $(sort $(wildcard db/schema/*.sql))
$(BUILD)/db/schema_sql.h: $(SCHEMA)
	@mkdir -p $(@D)
	$(Q)for f in $^; do sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $$f; echo ,; done >$@
$(BUILD)/db/schema.o: $(BUILD)/db/schema_sql.h

define ARCHIVE
$(BUILD)/lib$(1).a: $(call objects,$(sources_$(1)))
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call ARCHIVE,$(f))))

$(BUILD)/tandem: $(BUILD)/gateway/main.o $(call archives,gateway)
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Unit tests: tests/unit/<folder>/test_<file>.c, linked with what the folder may use.
# Of the mocks only those that a test refers to are taken.
$(BUILD)/libmock.a: $(call objects,$(wildcard tests/mock/*.c))
	$(Q)rm -f $@ && ar rcs $@ $^

define UNIT
$(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(BUILD)/libmock.a $(call archives,$(1))
	$(if $(V),,@echo "  LINK  $$@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $$@ $$^ $(LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call UNIT,$(f))))

## unit         the unit tests; T=media/test_ice runs one
unit: $(if $(strip $(T)),$(BUILD)/tests/unit/$(strip $(T)),$(UNIT_BINS))
	@for t in $^; do $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all help deps unit clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
