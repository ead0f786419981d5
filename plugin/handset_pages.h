/* SPDX-License-Identifier: ISC */
/* handset_pages.h - the handset door's answers that are files. */
#ifndef PLUGIN_HANDSET_PAGES_H
#define PLUGIN_HANDSET_PAGES_H

#include "relay/http.h"

/* handset_serve_file - answers whatever is no call of the API: the page at "/" and at
 * "/m/TOKEN", its files, app.json, logos; else 404 or 405. */
void handset_serve_file(struct http_request *req);
/* handset_wrong_method - 405; allow: "GET, HEAD". */
void handset_wrong_method(struct http_request *req, const char *allow);

#endif
