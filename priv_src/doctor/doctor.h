/* `gossipd doctor`: what can be told of this host's network, and of one other node, without Elixir. */
#ifndef GOSSIP_DOCTOR_H
#define GOSSIP_DOCTOR_H

extern const char doctor_help[];

/* Reads what stands behind "doctor", looks, and says on stdout what it sees, and then in a line each what is
 * wrong and what to do; or all of it as one line of JSON. Listens for some seconds. It sends one empty
 * datagram an interface and family, which does not leave this host and which every sidecar ignores; about
 * another node see peer_ask.h. Returns the exit code (findings.h); see refusal.h for what it says where it
 * cannot look. */
int doctor_run(int argc, char **argv);

#endif
