/* SPDX-License-Identifier: ISC */
/* test_handset.c - the reference handset's pieces: keys on disk, proofs, the terminal.
 */
#include "contrib/handset/api.h"
#include "contrib/handset/show.h"
#include "relay/keeper.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795500000U
#define URL "https://m.example/api/v1/messages"

static char dir[64];

static int setup(void **state)
{
    struct err e;

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test-handset-XXXXXX");
    return jwe_start(&e) == 0 && mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/keys/handset.json", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/keys", dir);
    (void)rmdir(path);
    return rmdir(dir);
}

static void make_ring(struct keyring *ring, enum keyring_kind kind)
{
    struct err e;

    *ring = (struct keyring){ .url = "https://m.example",
                              .device = "00112233445566778899aabbccddeeff" };
    assert_int_equal(keyring_make(ring, kind, span_str("61412345678"), &e), 0);
}

static void keys_come_back_from_a_file_of_their_owner(void **state)
{
    struct keyring ring, back;
    struct stat st;
    struct err e;
    char keys[80], path[128];

    (void)state;
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(path, sizeof path, "%s/handset.json", keys);
    for (int kind = KEYRING_P256; kind <= KEYRING_RSA; kind++) {
        make_ring(&ring, (enum keyring_kind)kind);
        assert_int_equal(keyring_save(&ring, keys, &e), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(stat(keys, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(keyring_load(&back, keys, &e), 0);
        assert_string_equal(back.url, ring.url);
        assert_string_equal(back.device, ring.device);
        assert_int_equal(EVP_PKEY_eq(back.encryption, ring.encryption), 1);
        assert_int_equal(EVP_PKEY_eq(back.signing, ring.signing), 1);
        assert_int_equal(EVP_PKEY_eq(ring.signing, ring.encryption) == 1, 0);
        keyring_clear(&ring);
        keyring_clear(&back);
    }
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(keyring_load(&back, keys, &e), -1);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 200), 0);
    assert_int_equal(keyring_load(&back, keys, &e), -1);
    assert_int_equal(keyring_load(&back, dir, &e), -1);
}

/* What the handset signs is what the keeper checks. */
static void the_server_accepts_the_handsets_proof(void **state)
{
    struct proofs *proofs = proofs_new();
    uint8_t point[65], device[16];
    struct keyring ring;
    struct jwe_key key;
    char nonce[48];
    struct buf proof;
    struct err e;

    (void)state;
    make_ring(&ring, KEYRING_P256);
    assert_int_equal(jwe_key_from_pkey(&key, ring.signing, &e), 0);
    assert_int_equal(jwe_key_point(&key, point, &e), 0);
    proof_nonce(proofs, NOW, nonce);
    buf_init(&proof, 4096);
    assert_true(api_proof(&ring, "POST", URL, nonce, span_str("{}"), &proof));
    assert_true(proof_claims_device(buf_span(&proof), device));
    assert_int_equal(device[1], 0x11);
    assert_int_equal(
        proof_check(proofs, NOW, buf_span(&proof), point, "POST", URL, span_str("{ }")),
        IPC_PROOF);
    assert_int_equal(
        proof_check(proofs, NOW, buf_span(&proof), point, "POST", URL, span_str("{}")),
        IPC_OK);
    buf_clear(&proof);
    jwe_key_clear(&key);
    keyring_clear(&ring);
    proofs_free(proofs);
}

static void nothing_that_fools_a_terminal_is_shown(void **state)
{
    static const struct {
        const char *text, *shown;
        bool lines;
    } rows[] = {
        { "plain äöü €", "plain äöü €", false },
        { "a\x1b[2Jb", "a?[2Jb", true },
        { "two\nlines\t.", "two\nlines\t.", true },
        { "two\nlines", "two?lines", false },
        { "bell\a\r\x7f", "bell???", true },
        { "c1\xc2\x9b"
          "31m",
          "c1?31m", true },
        { "over\xe2\x80\xae"
          "ride\xe2\x81\xa6.",
          "over?ride?.", true },
        { "\xe2\x80\x99", "\xe2\x80\x99", true }, /* an apostrophe is none of them */
        { "\xe2\x80", "\xe2\x80", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *out = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&out, &n);

        show_text(f, span_str(rows[i].text), rows[i].lines);
        (void)fclose(f);
        assert_string_equal(out, rows[i].shown);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_back_from_a_file_of_their_owner),
        cmocka_unit_test(the_server_accepts_the_handsets_proof),
        cmocka_unit_test(nothing_that_fools_a_terminal_is_shown),
    };

    return cmocka_run_group_tests_name("handset", tests, setup, teardown);
}
