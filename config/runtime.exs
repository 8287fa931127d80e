# What a person can set without building again, here and in the image. Read when the node starts.
#
#   GOSSIP_INTERFACES=LIST       names or addresses of the interfaces to use, separated by commas (all of them otherwise)
#   GOSSIP_TTL=N                 N - 1 routers may lie between nodes. Otherwise none, but 63 in a pod: there a machine's
#                                pods are behind a router, and multicast stays in their namespace
#   GOSSIP_LOG_HEARTBEATS=true   a line for each heartbeat that is heard: for looking on
import Config

if config_env() != :test do
  interfaces = System.get_env("GOSSIP_INTERFACES")
  ttl = System.get_env("GOSSIP_TTL") || if(System.get_env("KUBERNETES_SERVICE_HOST"), do: "64")

  config :gossip_cluster,
    clusters: [
      [log_heartbeats: System.get_env("GOSSIP_LOG_HEARTBEATS") == "true"] ++
        if(interfaces, do: [interfaces: String.split(interfaces, ",", trim: true)], else: []) ++
        if(ttl, do: [ttl: String.to_integer(ttl)], else: [])
    ]
end
