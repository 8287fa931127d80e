defmodule Mix.Tasks.Gossip.Doctor do
  @shortdoc "Finds out why two nodes do not meet"

  @moduledoc """
  Finds out why two nodes do not meet: looks at this host, at its network and firewall, and at one other node, where it
  is named, and says in a line a cause what to do. It changes nothing.

      $ mix gossip.doctor
      $ mix gossip.doctor b@h2
      $ mix gossip.doctor 198.51.100.2
      $ mix gossip.doctor 198.51.100.2:45894
      $ mix gossip.doctor b@h2 --secret-file ~/.erlang.cookie
      $ mix gossip.doctor --compare GC1.ASjp_AEhs0UB...

  Behind a node's name, a host or an address may stand the UDP port of its sidecar (`status().sidecar.unicast_port`),
  where that is none of the option `unicast_port`; an IPv6 address has brackets then.

  A task of Mix is a VM of its own, in which mostly no cluster runs: then it looks at the host alone, with the options
  of `config :gossip_cluster, clusters: ...`. The node itself is examined where it runs:

      iex> GossipCluster.doctor()
      iex> GossipCluster.doctor(peer: "b@h2")
      $ bin/shop rpc "GossipCluster.doctor()"

    * `--secret-file FILE` - the secret under which PEER is asked, as `gossipd doctor` has it: without one no node answers,
      and only that nobody is there can be told. Default: that of the configuration, whose label, group and port it has, too
    * `--kind KIND` - what stands there: `cookie`, `passphrase` or `key`. Default: `cookie`
    * `--name NAME` - which cluster, as in `--name Shop`. Default: the only one that runs, or `GossipCluster`
    * `--compare CODE` - the code that the doctor of another machine has printed: says what differs
    * `--listen MS` - how long packets are counted, in milliseconds. Default: `3000`
    * `--json` - one line of JSON, for programs: `status`, `findings`, `code`, `facts`; or `error`, a text, where it could
      not be done

  Exit status: 0 all is well, 1 a warning, 2 broken, or it could not be done.
  """

  use Mix.Task

  alias Mix.Gossip

  @switches [name: :string, compare: :string, listen: :integer, json: :boolean] ++
              [secret_file: :string, kind: :string]

  @impl true
  def run(args) do
    Mix.Task.run("app.config")

    {options, peers, wrong} = OptionParser.parse(args, strict: @switches)

    Gossip.refuse(options[:json] == true, fn ->
      if wrong != [] or length(peers) > 1,
        do:
          Mix.raise(
            "gossip.doctor takes [PEER] [--secret-file FILE] [--kind KIND] [--name NAME] [--compare CODE] [--listen MS] " <>
              "[--json]"
          )

      examine(options, List.first(peers))
    end)
  end

  defp examine(options, peer) do
    options =
      options |> Keyword.replace_lazy(:name, &name/1) |> Keyword.replace_lazy(:kind, &kind/1)

    case GossipCluster.doctor([peer: peer] ++ options) do
      :ok -> :ok
      :warning -> exit({:shutdown, 1})
      :broken -> exit({:shutdown, 2})
    end
  end

  defp kind(kind),
    do: Enum.find([:cookie, :passphrase, :key], kind, &(Atom.to_string(&1) == kind))

  # As it is written in Elixir: Shop, GossipCluster.Other, :shop.
  defp name(":" <> name), do: String.to_atom(name)
  defp name(name), do: Module.concat([name])
end
