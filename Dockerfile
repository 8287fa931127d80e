# A node that clusters with every other node of this image on the network:
#
#     podman build --tag gossip .
#     podman run --net=host -e RELEASE_NAME=a gossip
#
# Debian 13 carries a current Elixir and OTP. Any Debian or Ubuntu with Elixir 1.14 or newer will do as the base.
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
WORKDIR /src
# The list of packages is bin/setup's; it changes less often than the sources.
COPY bin/setup bin/setup
RUN bin/setup --build && rm -rf /var/lib/apt/lists/*
ENV LANG=C.UTF-8 MIX_ENV=prod
COPY . .
RUN mix release --path /release
# A cookie that several hosts build with: podman build --secret id=cookie,src=FILE. Otherwise each build has its own.
RUN --mount=type=secret,id=cookie \
    if [ -f /run/secrets/cookie ]; then tr -d '\n' </run/secrets/cookie >/release/releases/COOKIE; fi
# An arbitrary uid with group 0 may do what the image's user may; nobody else reads the cookie.
RUN chgrp -R 0 /release && chmod -R g=u,o= /release

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends libstdc++6 openssl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build --chown=10001:0 /release /opt/gossip_cluster
# A crash dump would hold the cookie, and there may be no file system to write it to.
ENV LANG=C.UTF-8 HOME=/tmp ERL_CRASH_DUMP_BYTES=0
# This image is there to look at: a line for each heartbeat.
ENV GOSSIP_LOG_HEARTBEATS=true
USER 10001:0
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/gossip_cluster/bin/gossip_cluster"]
CMD ["start"]
