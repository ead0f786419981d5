/* SPDX-License-Identifier: ISC */
/* http_servers.c - the HTTP servers of one door.
 * Here:       one for each listen section, drained and counted together.
 * Elsewhere:  a server (http.c), which sections are a door's (plugin/).
 * Called by:  plugin/handset.c, plugin/sendsms.c. */
#include "relay/http.h"

int http_servers_add(struct http_servers *all, const struct http_options *o,
                     const char *name, struct err *e)
{
    if (all->n == HTTP_SERVERS_MAX)
        return err_set(e, ERR_PERM, "5.3.5", "%s: more than %u sections of this kind",
                       name, HTTP_SERVERS_MAX);
    all->p[all->n] = http_server_new(o, e);
    if (all->p[all->n] == NULL)
        return err_wrap(e, "%s", name);
    all->n++;
    return 0;
}

void http_servers_drain(const struct http_servers *all)
{
    for (size_t i = 0; i < all->n; i++)
        http_server_drain(all->p[i]);
}

size_t http_servers_busy(const struct http_servers *all)
{
    size_t busy = 0;

    for (size_t i = 0; i < all->n; i++)
        busy += http_server_busy(all->p[i]);
    return busy;
}
