defmodule GossipCluster.Doctor.GroupFacts do
  @moduledoc false
  # Whether what is sent to the group comes back to this host, over IPv4 and IPv6, and who is heard there, where no
  # cluster of this VM tells: `gossipd doctor` looks, with the sockets that a sidecar would have. What it sends is an
  # empty datagram that does not leave this machine (TTL 0), which every sidecar ignores.

  alias GossipCluster.Doctor.Executable
  alias GossipCluster.Sidecar

  # Beyond the time in which it listens.
  @patience 10_000
  # The rest HostFacts and Findings see themselves, or say otherwise.
  @kinds [:echo, :no_echo, :packets, :key_tag, :interface]

  @doc "The facts, by a cluster's options; others are listened to for so many milliseconds, a second at least."
  @spec gather(map(), non_neg_integer(), Path.t() | nil) :: Executable.t()
  def gather(options, listen, path \\ Sidecar.path()) do
    seconds = max(div(listen + 999, 1_000), 1)
    timeout = seconds * 1_000 + @patience
    Executable.run(path, Executable.arguments(options, seconds), nil, @kinds, timeout)
  end
end
