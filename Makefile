# Targets for people who develop: make, make test, make lint, make coverage, make bench, make valgrind,
# make fuzz; for those who install: make, make install, make uninstall, make man, make completions, make deb.
# Variants have build directories of their own: make VARIANT=sanitize, VARIANT=coverage, VARIANT=clang,
# VARIANT=fuzz.

PROGRAM  := restore-verifier
VERSION  := 0.1.0
RELEASED := 2026-11-26
PREFIX   ?= /usr/local
VARIANT  ?= release
PACKAGES := libpq libcurl libxml-2.0 zlib libdeflate libzstd liblz4 yaml-0.1 jansson libcrypto libxxhash

# ISA-L unpacks gzip in a third of zlib's time, and is not for every processor. ISAL=no: without it, in a
# build directory of its own.
ISAL     ?= $(shell pkg-config --exists libisal 2>/dev/null && echo yes)
BUILD    := build/$(VARIANT)$(if $(filter no,$(ISAL)),-without-isal)
ifeq ($(ISAL),yes)
PACKAGES += libisal
CPPFLAGS += -DWITH_ISAL
endif

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wundef -Wformat -Wformat-security -Wvla -Wwrite-strings -Wcast-qual \
            -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference -Wdouble-promotion
CPPFLAGS += -D_GNU_SOURCE -DPROGRAM_VERSION='"$(VERSION)"' -Iverifier
CFLAGS   += -std=gnu17 -g $(WARNINGS) -pthread
LDFLAGS  += -pthread

ifeq ($(VARIANT),release)
CFLAGS   += -O2 -fstack-protector-strong
CPPFLAGS += -D_FORTIFY_SOURCE=2
else ifeq ($(VARIANT),sanitize)
CFLAGS   += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS  += -fsanitize=address,undefined
else ifeq ($(VARIANT),coverage)
CFLAGS   += -O0 --coverage
CPPFLAGS += -DCOVERAGE
LDFLAGS  += --coverage
else ifeq ($(VARIANT),clang)
CC       := clang
CFLAGS   += -O0 -Wreserved-identifier
else ifeq ($(VARIANT),fuzz)
CC       := clang
CFLAGS   += -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS  += -fsanitize=fuzzer,address,undefined
else
$(error VARIANT is one of release, sanitize, coverage, clang, fuzz)
endif

TOOLS_THERE := $(shell command -v $(CC) >/dev/null && pkg-config --exists $(PACKAGES) check 2>/dev/null && echo yes)
ifeq ($(TOOLS_THERE),yes)
# What others declare is theirs to mend.
PACKAGE_CFLAGS := $(patsubst -I%,-isystem%,$(shell pkg-config --cflags $(PACKAGES) check))
PACKAGE_LIBS   := $(shell pkg-config --libs $(PACKAGES) check) -lm
endif

SOURCES      := $(wildcard verifier/*/*.c verifier/archive/*/*.c)
UNIT_SOURCES := $(wildcard verifier/tests/unit/*.c)
OBJECTS      := $(SOURCES:%.c=$(BUILD)/%.o)
UNIT_OBJECTS := $(UNIT_SOURCES:%.c=$(BUILD)/%.o)
LIBRARY      := $(BUILD)/library.a

# A line a file; make V=1 shows the commands, make --silent nothing.
SILENT  = $(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS))))
BRIEFLY = $(if $(V),,@$(if $(SILENT),,echo '$(1) $@' &&))

# Asked of the program, which tells what its --help tells.
MANUAL      := $(BUILD)/man
COMPLETIONS := $(BUILD)/completions
SCHEMA      := $(BUILD)/scenario.schema.json

.PHONY: all bench clean completions coverage fuzz deb install lint man test tools uninstall unit valgrind
all: $(BUILD)/$(PROGRAM)

# Made by whoever builds, not by root who installs; of other builds only when asked for.
ifeq ($(VARIANT),release)
all: man completions $(SCHEMA)
endif

tools:
ifneq ($(TOOLS_THERE),yes)
	@echo 'What it takes to build restore-verifier is not on this machine: run ./scripts/setup' >&2; exit 2
endif

$(BUILD)/$(PROGRAM): $(BUILD)/verifier/main.o $(LIBRARY)
	$(call BRIEFLY,link)$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(BUILD)/unit-tests: $(UNIT_OBJECTS) $(LIBRARY)
	$(call BRIEFLY,link)$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(BUILD)/fuzz-%: $(BUILD)/verifier/tests/fuzz/fuzz_%.o $(LIBRARY)
	$(call BRIEFLY,link)$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call BRIEFLY,collect)$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | tools
	@mkdir -p $(@D)
	$(call BRIEFLY,compile)$(CC) $(CPPFLAGS) $(CFLAGS) $(PACKAGE_CFLAGS) -MMD -MP -c -o $@ $<

man: $(MANUAL)/made
completions: $(COMPLETIONS)/made

$(MANUAL)/made: $(BUILD)/$(PROGRAM) scripts/manual README.md $(wildcard verifier/man/*)
	@rm -rf $(@D)
	$(call BRIEFLY,write)./scripts/manual $< $(@D) $(RELEASED) && touch $@

$(SCHEMA): $(BUILD)/$(PROGRAM)
	$(call BRIEFLY,write)$< lint --schema >$@.new && mv $@.new $@

$(COMPLETIONS)/made: $(BUILD)/$(PROGRAM) scripts/completions
	@rm -rf $(@D)
	$(call BRIEFLY,write)./scripts/completions $< $(@D) && touch $@

unit: $(BUILD)/unit-tests
	$(BUILD)/unit-tests

deb:
	./scripts/deb

test:
	./scripts/test

lint:
	./scripts/lint

valgrind:
	./scripts/valgrind

# libFuzzer on everything that reads what others wrote, FUZZ_SECONDS in all. What it finds lands in
# build/fuzz as NAME-crash-..., what it learns in build/fuzz/corpus; seeds are in the repository.
FUZZERS      := $(patsubst verifier/tests/fuzz/fuzz_%.c,%,$(wildcard verifier/tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 900
FUZZ_CORPUS    := verifier/tests/fuzz/corpus
SEEDS_answer   := $(FUZZ_CORPUS)/answer
SEEDS_archive  := $(FUZZ_CORPUS)/archive
SEEDS_document := $(FUZZ_CORPUS)/document
SEEDS_inflate  := $(FUZZ_CORPUS)/inflate
SEEDS_key      := $(FUZZ_CORPUS)/key
SEEDS_plain    := fixtures/archives/odd
SEEDS_scenario := $(FUZZ_CORPUS)/scenario scenarios

fuzz:
	$(MAKE) --silent VARIANT=fuzz $(FUZZERS:%=build/fuzz/fuzz-%)
	mkdir -p $(FUZZERS:%=build/fuzz/corpus/%)
	$(foreach name,$(FUZZERS),$(call fuzz_one,$(name),$(SEEDS_$(name))))

# Rounded up: a fuzzer takes 0 seconds for "without end".
FUZZ_SHARE = $$((($(FUZZ_SECONDS) + $(words $(FUZZERS)) - 1) / $(words $(FUZZERS))))

# A fuzzer and the directories of its seeds.
define fuzz_one
	echo "fuzz: $(1), $(FUZZ_SHARE) s"
	build/fuzz/fuzz-$(1) -max_total_time=$(FUZZ_SHARE) -timeout=20 \
	    -max_len=16384 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=build/fuzz/$(1)- \
	    build/fuzz/corpus/$(1) $(2) >build/fuzz/$(1).txt 2>&1 || \
	    { tail -n 40 build/fuzz/$(1).txt; exit 1; }
	grep number_of_executed_units build/fuzz/$(1).txt

endef

bench:
	./scripts/bench

# The tests again on a build that counts lines; ends with the figure. Its own build directory.
coverage:
	$(MAKE) --silent VARIANT=coverage all build/coverage/unit-tests
	find build/coverage -name '*.gcda' -delete
	build/coverage/$(PROGRAM) --help >/dev/null
	CK_RUN_SUITE=base/error build/coverage/unit-tests >/dev/null
	chmod -R a+rwX build/coverage # every file of counts is there now; some tests write as nobody
	VARIANT=coverage ./scripts/test --all || echo 'coverage: some tests failed; the figure is of what ran' >&2
	gcovr --root . --object-directory build/coverage --filter 'verifier/[a-z/]+/.*\.c' \
	    --exclude 'verifier/tests/.*' --gcov-ignore-parse-errors --sort-percentage --txt \
	    --print-summary

BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
DOCDIR     ?= $(DATADIR)/doc/$(PROGRAM)
BASHDIR    ?= $(DATADIR)/bash-completion/completions
ZSHDIR     ?= $(DATADIR)/zsh/site-functions
FISHDIR    ?= $(DATADIR)/fish/vendor_completions.d
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERDIR ?= $(PREFIX)/lib/sysusers.d
UNITS      := $(PROGRAM)@.service $(PROGRAM)@.timer

install: all man completions $(SCHEMA)
	install -D $(BUILD)/$(PROGRAM) $(DESTDIR)$(BINDIR)/$(PROGRAM)
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(MANUAL)/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(MANUAL)/*.5 $(DESTDIR)$(MANDIR)/man5
	install -D -m 644 $(COMPLETIONS)/$(PROGRAM).bash $(DESTDIR)$(BASHDIR)/$(PROGRAM)
	install -D -m 644 -t $(DESTDIR)$(ZSHDIR) $(COMPLETIONS)/_$(PROGRAM)
	install -D -m 644 -t $(DESTDIR)$(FISHDIR) $(COMPLETIONS)/$(PROGRAM).fish
	install -D -m 644 -t $(DESTDIR)$(DATADIR)/$(PROGRAM) $(SCHEMA) verifier/report/output.schema.json
	install -D -m 644 -t $(DESTDIR)$(UNITDIR) $(UNITS:%=scripts/systemd/%)
	sed -i 's|@BINDIR@|$(BINDIR)|' $(DESTDIR)$(UNITDIR)/$(PROGRAM)@.service
	install -D -m 644 -t $(DESTDIR)$(SYSUSERDIR) scripts/systemd/$(PROGRAM).conf
	install -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md verifier/CHANGELOG.md verifier/man/reference.md
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples scripts/ci/* scripts/monitoring/*
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples/scenarios scenarios/*.yaml
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/examples/scenarios/hosts scenarios/hosts/*.yaml

# Nothing that anybody else has put there: scenarios, backups and their like are in other places.
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/$(PROGRAM) $(DESTDIR)$(MANDIR)/man1/$(PROGRAM).1 \
	    $(DESTDIR)$(MANDIR)/man1/$(PROGRAM)-*.1 $(DESTDIR)$(MANDIR)/man5/$(PROGRAM)-scenario.5 \
	    $(DESTDIR)$(BASHDIR)/$(PROGRAM) $(DESTDIR)$(ZSHDIR)/_$(PROGRAM) $(DESTDIR)$(FISHDIR)/$(PROGRAM).fish \
	    $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) $(DESTDIR)$(SYSUSERDIR)/$(PROGRAM).conf
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)/$(PROGRAM)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
