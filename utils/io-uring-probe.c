/*
 * Exits 0 when this machine lets a process use io_uring the way the server's backend does, 1 when
 * it does not (old kernel, sysctl, a container's seccomp filter). Tests ask it which backends to
 * run.
 */
#include <liburing.h>

int main(void)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    };
    struct io_uring ring;
    if (io_uring_queue_init_params(8, &ring, &params) < 0) return 1;
    io_uring_queue_exit(&ring);
    return 0;
}
