# What a person can set without building again, here and in the image. Read when the node starts.
#
#   GOSSIP_INTERFACES  names or addresses of the interfaces to use, separated by commas (all of them otherwise)
import Config

interfaces = System.get_env("GOSSIP_INTERFACES")

if interfaces && config_env() != :test do
  cluster = [log_heartbeats: true, interfaces: String.split(interfaces, ",", trim: true)]
  config :gossip_cluster, clusters: [cluster]
end
