/* Which Baton this is, and which Redis it behaves like. */
#ifndef VERSION_H
#define VERSION_H

#define BATON_VERSION "0.1.0"
#define BATON_REDIS_VERSION "7.2.6"

#endif
