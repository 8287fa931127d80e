/* Stands for an older kernel: what it executes finds there neither Landlock nor seccomp.
 *
 *   gossip_older PROGRAM [ARGUMENT...] */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LANDLOCK_CREATE 444 /* on every processor but Alpha */

#define LOAD(field)         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, over) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (over))
#define ANSWER(what)        BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE(error)       ANSWER(SECCOMP_RET_ERRNO | (error))

int main(int argc, char **argv)
{
    struct sock_filter steps[] = {
        LOAD(nr),       UNLESS(LANDLOCK_CREATE, 1), REFUSE(ENOSYS), UNLESS(SYS_seccomp, 1),
        REFUSE(ENOSYS), UNLESS(SYS_prctl, 3),       LOAD(args[0]),  UNLESS(PR_SET_SECCOMP, 1),
        REFUSE(EINVAL), ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof steps[0], .filter = steps};
    if (argc < 2 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
        perror("gossip_older");
        return 2;
    }
    (void)execv(argv[1], argv + 1);
    perror(argv[1]);
    return 2;
}
