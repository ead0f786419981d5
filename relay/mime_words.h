/* SPDX-License-Identifier: ISC */
/* mime_words.h - subjects and file names out of encoded words, for mime.c. All are to
 * be freed with g_free; NULL: there is none. */
#ifndef RELAY_MIME_WORDS_H
#define RELAY_MIME_WORDS_H

#include <gmime/gmime.h>

char *mime_subject(GMimeMessage *message);

/* mime_disposition_name - the file name of Content-Disposition. */
char *mime_disposition_name(GMimeObject *object);
/* mime_file_name - the same, or else the name of Content-Type. */
char *mime_file_name(GMimeObject *object);

#endif
