/* The guard of execute's room: headers under src/execute/ include it, and only files of that room
 * may. */
#ifndef EXECUTE_PRIVATE_H
#define EXECUTE_PRIVATE_H
#ifndef BATON_ROOM_EXECUTE
#error "this header is private to src/execute/: include execute/execute.h instead"
#endif
#endif
