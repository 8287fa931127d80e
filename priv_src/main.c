/* gossipd: who calls it, and how it ends. */
#include "arguments.h"
#include "doctor.h"
#include "gossipd.h"
#include "watch.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <unistd.h>

#define EXIT_USAGE 2 /* started by hand */

/* How long after SIGTERM the end of stdin is awaited. A service manager signals every process of the service
 * at once; the BEAM then stops politely and has this node say goodbye, which takes a living sidecar. */
#define GRACE_SECONDS 60

static const char ABOUT[] =
    "gossipd is the sidecar of GossipCluster: it finds the other Erlang nodes of a cluster\n"
    "on the network and tells its own node about them.\n"
    "\n"
    "It is not started by hand. The Elixir application gossip_cluster starts it, as\n"
    "`gossipd --port`, and talks to it over stdin and stdout in {packet, 4} frames of\n"
    "external terms. Put {GossipCluster, []} into a supervision tree, and it runs.\n"
    "\n"
    "  doctor      look at this host's network, and say what is wrong and what to do; exit\n"
    "              status 0, 1 (a warning) or 2 (broken): see gossipd doctor --help\n"
    "  watch       listen to a cluster, and show who is heard: see gossipd watch --help\n"
    "  --port [--no-sandbox]\n"
    "              run as the port program of an Erlang VM; with or without its sandbox\n"
    "  --version   say which release this is\n"
    "  --help      say this\n";

/* The second SIGTERM kills at once (SA_RESETHAND); the first does after the grace, by SIGALRM, unless stdin
 * ends before. */
static void on_terminate(int signal)
{
    (void)signal;
    (void)alarm(GRACE_SECONDS);
}

/* It holds keys. */
static void hide_memory(void)
{
    struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none); /* a core file would hold the keys */
#if defined(__linux__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* and so would what another process of this user reads */
#endif
}

static void prepare_process(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction terminate = {.sa_handler = on_terminate, .sa_flags = (int)SA_RESETHAND};
    /* None of these can fail with these arguments, and none is worth not running for. */
    (void)sigaction(SIGPIPE, &ignore, NULL); /* a closed stdout is seen where it is written to */
    (void)sigaction(SIGTERM, &terminate, NULL);
    (void)sigaction(SIGINT, &terminate, NULL);
    hide_memory();
#if defined(__linux__)
    /* When the parent ends (erl_child_setup, which ends with its VM) and this process is stopped, it is to go
     * on: it then sees the end of stdin, says goodbye and ends, where it would stay stopped for ever. */
    (void)prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
#endif
}

static int by_hand(void)
{
    (void)fputs(ABOUT, stderr);
    return EXIT_USAGE;
}

static int doctor(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[2], "--help") == 0) {
        return fputs(doctor_help, stdout) < 0 ? EXIT_FATAL : EXIT_SUCCESS;
    }
    hide_memory();
    return doctor_run(argc - 2, argv + 2);
}

static int watch(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[2], "--help") == 0) {
        return fputs(arguments_help, stdout) < 0 ? EXIT_FATAL : EXIT_SUCCESS;
    }
    hide_memory();
    return watch_run(argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "watch") == 0) {
        return watch(argc, argv);
    }
    if (argc > 1 && strcmp(argv[1], "doctor") == 0) {
        return doctor(argc, argv);
    }
    bool port = argc > 1 && strcmp(argv[1], "--port") == 0;
    bool sandbox = argc != 3 || strcmp(argv[2], "--no-sandbox") != 0;
    if (argc != 2 && !(port && !sandbox)) {
        return by_hand();
    }
    if (strcmp(argv[1], "--version") == 0) {
        return printf("gossipd %s\n", GOSSIP_VERSION) < 0 ? EXIT_FATAL : EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--help") == 0) {
        return fputs(ABOUT, stdout) < 0 ? EXIT_FATAL : EXIT_SUCCESS;
    }
    if (!port || isatty(STDIN_FILENO) != 0) {
        return by_hand();
    }
    prepare_process();
    return gossipd_run(STDIN_FILENO, STDOUT_FILENO, sandbox);
}
