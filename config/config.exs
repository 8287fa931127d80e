# Configuration of this repository itself: `iex -S mix` here, and the release in the image. A project that depends on
# GossipCluster never reads it.
import Config

# One default cluster, keyed by the Erlang cookie: see runtime.exs. A test starts the clusters it needs itself, in a network
# of its own.
config :gossip_cluster, clusters: []
config :logger, level: :debug

# One line a message. Elixir 1.14 knows the first form only, later ones prefer the second.
format = "$time [$level] $message\n"
config :logger, :console, format: format
config :logger, :default_formatter, format: format
