/* address.c - see address.h. */
#include "net/address.h"

static bool keep(char *to, size_t cap, str s)
{
    if (s.n >= cap)
        return false;
    memcpy(to, s.p, s.n);
    to[s.n] = 0;
    return true;
}

bool address_cut(struct address *address, const char *text)
{
    const char *colon = strrchr(text, ':');
    str host = colon ? str_of(text, (size_t)(colon - text)) : str_z(text);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_of(host.p + 1, host.n - 2);
    return keep(address->host, sizeof(address->host), host) &&
           keep(address->port, sizeof(address->port), str_z(colon ? colon + 1 : ""));
}
