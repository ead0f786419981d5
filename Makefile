# Sealpost.
#
#   make deps     install what building and testing need (Debian packages, npm modules)
#   make          build the daemon and the reference handset into build/plain
#   make check    lint, unit tests, interoperability, and the stories of tests/scenario
#   make demo     the whole journey of a message on real neighbours, as a transcript
#   make bench    rates side by side with their peers, medians of alternating runs
#   make lint     only the checks that keep the house
#   make clean
#
# Knobs: SAN=1 builds and tests with the address and undefined-behaviour sanitizers;
# J=2 stories at once; STORIES="first-message ..." for some of them; DEMO_OPEN later.

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

PKGS   = libevent libevent_openssl gmime-3.0 jansson libxml-2.0 libconfuse openssl
# pkg-config runs when something is compiled, after `make deps` has installed it
CFLAGS_PKG = $(shell pkg-config --cflags $(PKGS))
LIBS   = $(shell pkg-config --libs $(PKGS)) -ldb-5.3 -lesmtp -lphonenumber -lpthread

# The rooms. Everything but the two mains is one archive that programs and tests share.
CORE   = $(filter-out relay/sealpostd.c,$(wildcard relay/*.c)) $(wildcard bdb/*.c) $(wildcard plugin/*.c)
CORE_O = $(CORE:%.c=$(O)/%.o) $(patsubst %.cc,$(O)/%.o,$(wildcard relay/*.cc))
HANDSET = $(wildcard contrib/handset/*.c)
UNITS  = $(patsubst tests/unit/%.c,$(O)/%,$(filter-out tests/unit/test_box_libgw.c,$(wildcard tests/unit/test_*.c))) $(O)/test_box_libgw
BENCHES = $(patsubst tests/bench/%.c,$(O)/%,$(wildcard tests/bench/*.c))
STORIES =

all: $(O)/sealpostd $(O)/sealpost-handset

$(O)/libsealpost.a: $(CORE_O)
	@rm -f $@
	ar crs $@ $^

$(O)/sealpostd: $(O)/relay/sealpostd.o $(O)/libsealpost.a
	$(CXX) $(if $(SAN),$(SANITY)) -o $@ $^ $(LIBS)

$(O)/sealpost-handset: $(HANDSET:%.c=$(O)/%.o) $(O)/libsealpost.a
	$(CXX) $(if $(SAN),$(SANITY)) -o $@ $^ $(LIBS) -lcurl

$(O)/test_%: tests/unit/test_%.c $(O)/libsealpost.a
	$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lcmocka -lstdc++

$(O)/bench_%: tests/bench/bench_%.c $(O)/libsealpost.a
	$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lstdc++

$(O)/jwe_tool: tests/interop/jwe_tool.c $(O)/libsealpost.a
	$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -o $@ $< $(O)/libsealpost.a $(LIBS) -lstdc++

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS_PKG) -MMD -MP -c -o $@ $<

$(O)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(O) -name '*.d' 2>/dev/null)

clean:
	rm -rf build

.PHONY: all deps check demo bench lint clean
