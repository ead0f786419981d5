/* SPDX-License-Identifier: ISC */
/* keeper_fixture.h - a keeper without processes: its real store and keys in a directory
 * of its own, its handlers called as a channel would, the clock by hand. */
#ifndef TESTS_UNIT_KEEPER_FIXTURE_H
#define TESTS_UNIT_KEEPER_FIXTURE_H

#include "relay/keeper/keeper.h"
#include <event2/event.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795500000U
#define MSISDN "61412345678"

static struct keeper k;
static struct config config;
static struct config_account account = { .name = "northside",
                                         .username = (char *)(uintptr_t) "northside",
                                         .brand =
                                             (char *)(uintptr_t) "Northside Clinic",
                                         .notice_brand = true,
                                         .daily_limit = 1000,
                                         .language = "en" };
static char dir[64];
static int other_ends[2]; /* what courier and front would read */

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void write_passphrase(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fputs("a passphrase for tests\n", f);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static void ignore_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f)
{
    (void)ctx, (void)ch, (void)f;
}

static void ignore_end(void *ctx, struct ipc_channel *ch, const char *why)
{
    (void)ctx, (void)ch, (void)why;
}

static inline int setup(void **state)
{
    struct store_options o = { .cache_bytes = 1U << 20 };
    char store[80], keys[80], pass[80], why[STORE_WHY_MAX];
    uint8_t key[32];
    struct err e;
    int pair[2];

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test-keeper-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(store, sizeof store, "%s/store", dir);
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(pass, sizeof pass, "%s/pass", dir);
    write_passphrase(pass);
    config = (struct config){ .domain = (char *)(uintptr_t) "sms.example",
                              .public_url = (char *)(uintptr_t) "https://m.example",
                              .public_host = (char *)(uintptr_t) "m.example",
                              .operator_name = (char *)(uintptr_t) "Northside Group",
                              .region = "AU",
                              .retention_s = 2592000,
                              .notice_interval_s = 300,
                              .otp_digits = 6,
                              .otp_lifetime_s = 300,
                              .otp_per_number = 1000,
                              .otp_per_client = 1000,
                              .otp_per_network = 1000,
                              .sms_parts = 3,
                              .accounts = &account,
                              .account_count = 1 };
    k = (struct keeper){ .config = &config, .now_s = NOW, .base = event_base_new() };
    msisdn_start();
    assert_int_equal(jwe_start(&e), 0);
    k.templates = templates_load("templates", &e);
    assert_non_null(k.templates);
    assert_int_equal(keys_open(&k.keys, keys, pass, &e), 0);
    keys_store_key(k.keys, key);
    o.dir = store;
    assert_int_equal(store_open(&k.store, &o, key, why), STORE_OK);
    k.proofs = proofs_new();
    k.vapid = vapid_new(k.keys, &e);
    assert_non_null(k.vapid);
    assert_int_equal(expiry_epochs(&k, &e), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        other_ends[i] = pair[1];
        k.peers[i] = ipc_channel_new(k.base, pair[0], IPC_KEEPER,
                                     i == 0 ? IPC_COURIER : IPC_FRONT, ignore_frame,
                                     ignore_end, &k);
    }
    k.courier = k.peers[0];
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ipc_channel_free(k.peers[i]);
        (void)close(other_ends[i]);
    }
    store_close(k.store);
    keys_close(k.keys);
    proofs_free(k.proofs);
    vapid_free(k.vapid);
    jwe_key_clear(&k.epoch);
    templates_free((struct templates *)(uintptr_t)k.templates);
    event_base_free(k.base);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A handset that a conversation was had with. */
static inline enum ipc_verdict put_people(struct keeper *keeper, void *arg)
{
    struct handset_record h = { .msisdn = MSISDN, .language = "en" };
    struct conversation_record c = { .used_s = NOW,
                                     .msisdn = MSISDN,
                                     .account = "northside",
                                     .sender = "clinic@clinic.example",
                                     .mail_id = "<1@clinic.example>" };
    uint8_t handset[16];

    (void)arg;
    keeper_handset_id(keeper, MSISDN, handset);
    memset(h.newest_conversation, 7, 16);
    memcpy(c.handset, handset, 16);
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    tx_put(keeper, T_CONVERSATION, h.newest_conversation, 16, RECORD_CONVERSATION, &c);
    return IPC_OK;
}

struct found {
    size_t count;
    struct tx_key key;
    struct outbox_record o;
};

static inline bool find_entry(struct keeper *keeper, const uint8_t *key, size_t n,
                              void *arg)
{
    struct found *f = arg;

    f->count++;
    memcpy(f->key.b, key, n);
    f->key.n = n;
    record_clear(RECORD_OUTBOX, &f->o);
    assert_true(tx_get(keeper, T_OUTBOX, key, n, RECORD_OUTBOX, &f->o));
    return true;
}

static inline void outbox_find(uint8_t lane, struct found *f)
{
    *f = (struct found){ .count = 0 };
    k.failure = IPC_OK;
    tx_scan(&k, T_OUTBOX, &lane, 1, NULL, 0, find_entry, f);
}

#endif
