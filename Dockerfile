# A node that clusters with every other node of this image on the network:
#
#     podman build --tag gossip .
#     podman run --net=host -e RELEASE_NAME=a gossip
#
# Debian 13 carries a current Elixir and OTP. Any Debian or Ubuntu with Elixir 1.14 or newer will do as the base.
#
# No instruction here needs BuildKit, so that builders without it build this, too: OpenShift's, and Docker's classic one.
ARG BASE=docker.io/library/debian:trixie-slim

# The list of packages is bin/setup's; it changes less often than the sources.
FROM ${BASE} AS packages
WORKDIR /src
COPY bin/setup bin/setup
RUN bin/setup --build && rm -rf /var/lib/apt/lists/*

FROM packages AS build
ENV LANG=C.UTF-8 MIX_ENV=prod
COPY . .
RUN mix release --path /release
# Each build would draw a cookie of its own, and images that were built on two computers would never meet. So this one has
# a cookie that all builds share. It is as public as these sources; a hash of them would be no less so, and would keep apart
# two computers whose checkouts differ in a comment. The node warns of it, and takes another when it starts.
RUN printf '%s' 'public-cookie-of-the-gossip-image' >/release/releases/COOKIE
# An arbitrary uid with group 0 may do what the image's user may; nobody else reads the cookie.
RUN chgrp -R 0 /release && chmod -R g=u,o= /release

FROM ${BASE}
LABEL org.opencontainers.image.title="gossip" \
      org.opencontainers.image.description="A node that finds the others of this image on the network, and connects" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && apt-get install -y --no-install-recommends libstdc++6 openssl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build --chown=10001:0 /release /opt/gossip_cluster
# A crash dump would hold the cookie, and there may be no file system to write it to.
ENV LANG=C.UTF-8 HOME=/tmp ERL_CRASH_DUMP_BYTES=0
# This image is there to look at: a line for each heartbeat.
ENV GOSSIP_LOG_HEARTBEATS=true
# Where Erlang listens, for firewalls: the first of these that is free.
ENV ERL_ZFLAGS="-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9115"
# Of the group, of the first node on a host, and of its distribution. Others on the same host have UDP ports up to 45901.
EXPOSE 45893/udp 45894/udp 9100/tcp
USER 10001:0
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/gossip_cluster/bin/gossip_cluster"]
CMD ["start"]
