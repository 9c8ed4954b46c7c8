/*
 * The head of an HTTP request (RFC 9110, RFC 9112), as far as a server of one page needs it: the
 * method and the path of the first line. Header fields are passed over unread, and bodies are not
 * known.
 */
#ifndef CODEC_HTTP_H
#define CODEC_HTTP_H

#include "base/bytes.h"

enum http_verdict {
    HTTP_MORE, /* the head is not whole yet */
    HTTP_BAD,  /* this is no request of HTTP/1.x */
    HTTP_HEAD, /* the head is whole */
};

struct http_request {
    struct bytes method; /* "GET", as it was sent */
    struct bytes path;   /* without what follows a '?' */
};

/* `in` is all that came so far. What cannot become a request any more is told at once; the caller
 * bounds how long a head may be. */
enum http_verdict http_read(struct bytes in, struct http_request *out);

#endif
