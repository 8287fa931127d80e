defmodule Mix.Tasks.Gossip.Watch do
  @shortdoc "Shows a cluster as a live table"

  @moduledoc """
  Shows what a node knows of its cluster as a live table: see `GossipCluster.watch/1`.

      $ mix gossip.watch --node a@h1 --cookie-file ~/.erlang.cookie
      $ mix gossip.watch --node a@h1 --once --json

  It connects to that node as a hidden one, and the table is drawn there: this machine joins no cluster. So the node must
  be reached as Erlang reaches it: by epmd. A release, with or without epmd, shows the same by

      $ bin/shop rpc "GossipCluster.watch()"

    * `--node NAME` - the node that is asked
    * `--cookie-file FILE` - where its Erlang cookie stands. Default: `~/.erlang.cookie`. A cookie is not taken as an
      argument, which others on this machine could read
    * `--name NAME` - which cluster, as in `--name Shop`. Default: `GossipCluster`
    * `--once` - print it once
    * `--json` - with `--once`: as a line of JSON
    * `--interval MS` - between two pictures. Default: `1000`
    * `--sort KEY` - `name`, `state`, `heard`, `round_trip` or `loss`. Default: `name`

  `q` ends it, `s` sorts by the next key. `NO_COLOR` in the environment means no colours.
  """

  use Mix.Task

  alias GossipCluster.Screen.{Rows, Visit}

  @switches [
    node: :string,
    cookie_file: :string,
    name: :string,
    once: :boolean,
    json: :boolean,
    interval: :integer,
    sort: :string
  ]

  @impl true
  def run(args) do
    Mix.Task.run("loadpaths")

    case OptionParser.parse(args, strict: @switches) do
      {options, [], []} -> watch(options)
      {_options, words, wrong} -> Mix.raise("gossip.watch does not know #{unknown(words, wrong)}")
    end
  end

  defp unknown([word | _], _wrong), do: word
  defp unknown([], [{switch, _value} | _]), do: switch

  defp watch(options) do
    node = options[:node] || Mix.raise("gossip.watch needs --node NAME: the node that is asked")
    watch = for {key, value} <- options, key in [:once, :json, :interval], do: {key, value}
    arguments = [Visit.cluster(options[:name]), watch ++ sort(options[:sort])]

    case Visit.call(node, options[:cookie_file], GossipCluster, :watch, arguments) do
      {:ok, :ok} -> :ok
      {:error, text} -> Mix.raise(text)
    end
  end

  defp sort(nil), do: []

  defp sort(key) do
    case Enum.find(Rows.orders(), &(Atom.to_string(&1) == key)) do
      nil -> Mix.raise("gossip.watch: --sort is one of #{Enum.join(Rows.orders(), ", ")}")
      order -> [sort: order]
    end
  end
end
