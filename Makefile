# Sealpost.
#
#   make deps     install what building and testing need (Debian packages, npm modules)
#   make          build the daemon, its tools and the reference handset into build/plain
#   make check    lint, unit tests, interoperability, and the stories of tests/scenario and
#                 tests/browser
#   make screenshots  pictures of the handset application in build/screenshots
#   make demo     the whole journey of a message on real neighbours, as a transcript;
#                 DEMO_OPEN=1: then a page on which you play both sides
#   make bench    rates side by side with their peers, medians of alternating runs
#   make lint     only the checks that keep the house
#   make clean
#
# Knobs: SAN=1 builds and tests with the address and undefined-behaviour sanitizers;
# J=2 stories at once; STORIES="tests/scenario/first-message.sh ..." for some of them.

SHELL  = /bin/bash
CC     = gcc
CXX    = g++
CFLAGS = -O2 -g
J      = 2

SANITY = -fsanitize=address,undefined -fno-sanitize-recover=undefined
O      = build/$(if $(SAN),san,plain)
WARN   = -Wall -Wextra -Wpedantic -Wconversion -Wshadow
HARD   = -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
FLAGS  = -std=c17 -D_GNU_SOURCE -I. $(WARN) $(HARD) $(CFLAGS) $(if $(SAN),$(SANITY))
CXXFLAGS = -std=c++17 -D_GNU_SOURCE -I. -Wall -Wextra $(HARD) $(CFLAGS) $(if $(SAN),$(SANITY))

PKGS   = libevent libevent_openssl gmime-3.0 jansson libconfuse openssl expat libcurl zlib libbrotlienc
# pkg-config runs when something is compiled, after `make deps` has installed it
CFLAGS_PKG = $(shell pkg-config --cflags $(PKGS))
LIBS   = $(shell pkg-config --libs $(PKGS)) -ldb-5.3 -lesmtp -lical -lphonenumber -lpthread

# The rooms. Everything but the two mains is one archive that programs and tests share.
CORE   = $(filter-out relay/sealpostd.c,$(wildcard relay/*.c relay/keeper/*.c)) $(wildcard bdb/*.c) $(wildcard plugin/*.c)
CORE_O = $(CORE:%.c=$(O)/%.o) $(patsubst %.cc,$(O)/%.o,$(wildcard relay/*.cc))
# The reference handset takes of the core only what defines the formats.
HANDSET = $(wildcard contrib/handset/*.c) relay/jwe.c relay/jwe_key.c relay/jwe_text.c \
  relay/jws.c relay/stream.c relay/encode.c relay/span.c relay/err.c
UNITS  = $(patsubst tests/unit/%.c,$(O)/%,$(wildcard tests/unit/test_*.c))
BENCHES = $(patsubst tests/bench/%.c,$(O)/%,$(wildcard tests/bench/bench_*.c))
BROWSER_STORIES = $(wildcard tests/browser/stories/*.mjs)
STORIES = $(filter-out tests/scenario/lib.sh,$(wildcard tests/scenario/*.sh)) $(BROWSER_STORIES)

# What a fresh Debian 12 lacks: to build and to run among real neighbours, to test, and
# to measure.
TO_RUN = gcc g++ make pkg-config libdb5.3-dev libesmtp-dev libgmime-3.0-dev \
  libphonenumber-dev libconfuse-dev libevent-dev libjansson-dev libssl-dev \
  libcurl4-openssl-dev libexpat1-dev zlib1g-dev libbrotli-dev libical-dev kannel postfix \
  fakeroot openssl python3 procps util-linux ca-certificates
TO_TEST = git curl libcmocka-dev kannel-dev libxml2-dev libpcre3-dev jose chromium faketime \
  clang-format mandoc shellcheck $(if $(shell command -v node),,nodejs npm)

TO_BENCH = wrk

all: $(O)/sealpostd $(O)/sealpostctl $(O)/sealpost-handset

$(O)/libsealpost.a: $(CORE_O)
	@rm -f $@
	@ar crsP $@ $^

$(O)/sealpostd: $(O)/relay/sealpostd.o $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CXX) $(if $(SAN),$(SANITY)) -o $@ $^ $(LIBS)

$(O)/sealpostctl: $(O)/contrib/ctl/sealpostctl.o $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CXX) $(if $(SAN),$(SANITY)) -Wl,--as-needed -o $@ $^ $(LIBS)

$(O)/sealpost-handset: $(HANDSET:%.c=$(O)/%.o)
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(if $(SAN),$(SANITY)) -o $@ $^ -lcurl -ljansson -lcrypto

$(O)/test_%: tests/unit/test_%.c $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lcmocka -lstdc++

$(O)/bench_%: tests/bench/bench_%.c $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lstdc++

$(O)/jwe_tool: tests/interop/jwe_tool.c $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lstdc++

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -c -o $@ $<

$(O)/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  $(@:$(O)/%=%)"
	@$(CXX) $(CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# Debian's libgw is the oracle of our codec of the box protocol and of the escape codes.
# It comes as static libraries that want a symbol of the MySQL client; nothing here calls
# it.
$(O)/test_box_libgw $(O)/test_escape_libgw: $(O)/%: tests/unit/%.c $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) -isystem /usr/include/kannel -isystem /usr/include/libxml2 -o $@ $< \
	  $(O)/libsealpost.a $(wildcard /usr/lib/*/kannel/libgw.a) $(wildcard /usr/lib/*/kannel/libgwlib.a) \
	  -lcmocka -lssl -lcrypto -lxml2 -lpcreposix -lm

HANDSET_PARTS = $(filter-out %/main.o,$(patsubst %.c,$(O)/%.o,$(wildcard contrib/handset/*.c)))
$(O)/test_handset: tests/unit/test_handset.c $(HANDSET_PARTS) $(O)/libsealpost.a
	@echo "  $(@:$(O)/%=%)"
	@$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(HANDSET_PARTS) $(O)/libsealpost.a $(LIBS) \
	  -lcurl -lcmocka -lstdc++

lint:
	@tests/lint/run.sh

# install PACKAGE... - dpkg is asked first: where everything is there, nothing is fetched.
install = missing=$$(for p in $(1); do dpkg -s $$p 2>/dev/null | grep -q '^Status: install ok' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  [ -z "$$sudo" ] || command -v sudo >/dev/null || { echo "Ask root to install:" $$missing; exit 1; }; \
	  $$sudo apt-get update -q && \
	  echo 'postfix postfix/main_mailer_type select No configuration' | $$sudo debconf-set-selections && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

deps: build/deps-run build/deps-test

build/deps-run: Makefile
	@mkdir -p build
	@$(call install,$(TO_RUN))
	@touch $@

build/deps-test: Makefile tests/package-lock.json
	@mkdir -p build
	@$(call install,$(TO_TEST))
	cd tests && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The programs are built by a second make: before deps there is no pkg-config to ask.
check: deps
	@$(MAKE) --no-print-directory -j2 all units $(O)/jwe_tool
	@SEALPOST_BUILD=$(O) tests/run -j $(J) -t 300 tests/lint/run.sh $(UNITS) tests/interop/run.sh tests/app/run.sh $(STORIES)

# Every story takes pictures of the states that it looks at.
FLOW = welcome code inbox message
screenshots: deps
	@$(MAKE) --no-print-directory -j2 all
	@rm -rf build/screenshots
	@SCREENSHOTS=$(CURDIR)/build/screenshots SEALPOST_BUILD=$(O) \
	  tests/run -j $(J) -t 300 $(BROWSER_STORIES)
	@cd build/screenshots && node $(CURDIR)/tests/browser/picture.mjs flow.png \
	  $(FLOW:%=first-use-%-en-phone.png)
	@ls -l build/screenshots/flow.png

units: $(UNITS)

demo: build/deps-run
	@$(MAKE) --no-print-directory -j2 all
	@SEALPOST_BUILD=$(O) contrib/demo/demo.sh

build/deps-bench: Makefile
	@mkdir -p build
	@$(call install,$(TO_BENCH))
	@touch $@

bench: build/deps-run build/deps-bench
	@$(MAKE) --no-print-directory -j2 all benches
	@SEALPOST_BUILD=$(O) tests/bench/run.sh

benches: $(BENCHES)

clean:
	rm -rf build

.PHONY: all units benches deps check screenshots demo bench lint clean
