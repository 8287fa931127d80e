defmodule Mix.Tasks.Gossip.Watch do
  @shortdoc "Shows a cluster as a live table"

  @moduledoc """
  Shows a cluster as a live table: by listening to it, or what a node knows of it.

      $ mix gossip.watch
      $ mix gossip.watch --node a@h1 --cookie-file ~/.erlang.cookie

  Without `--node` it listens to the cluster of the configuration (`config :gossip_cluster, clusters: [[...]]`, or as
  `mix gossip.install` writes it, `config :shop, GossipCluster, ...`): it joins the group, and sends nothing, so no node
  knows of it. It shows who is heard, and of whom others tell. See [observability](observability.html#without-a-node) for
  what that can tell, and for `gossipd watch`, which does it without Elixir.

  With `--node` it connects to that node as a hidden one, and shows what `GossipCluster.watch/1` does there: round trips,
  connections, versions. So the node must be reached as Erlang reaches it: by epmd. A release, with or without epmd, shows
  the same by

      $ bin/shop rpc "GossipCluster.watch()"

  Both:

    * `--name NAME` - which cluster, as in `--name Shop`. Default: `GossipCluster`, or the only one that is configured
    * `--cookie-file FILE` - where the Erlang cookie stands. Default: `~/.erlang.cookie`. Listening needs it where the
      option `secret` is a cookie. A cookie is not taken as an argument, which others on this machine could read
    * `--once` - print it once; when listening: after three beats, 3 s at least. Exit status 1: nobody was heard;
      2: it could not be done
    * `--json` - as a line of JSON; when listening and without `--once` one each second, and 0.1 s after somebody has come
      or gone; with `--node` only with `--once`. `{"error": "..."}` where it could not be done
    * `--sort KEY` - `name`, `state`, `heard` or `loss`, and with `--node` also `round_trip`. Default: `name`

  With `--node`:

    * `--node NAME` - the node that is asked
    * `--interval MS` - between two pictures. Default: `1000`

  When listening, over the configuration:

    * `--cluster LABEL`, `--group IP`, `--port PORT` - the options of these names
    * `--interface NAME` - the option `interfaces`; more than once
    * `--key-file FILE` - the secret is a key, which stands there
    * `--for SECONDS` - with `--once`: listen so long

  `q` ends it, `s` sorts by the next key. `NO_COLOR` in the environment means no colours.
  """

  use Mix.Task

  alias GossipCluster.{Hidden, Options, Secret}
  alias GossipCluster.Screen.{Listening, Rows, Visit}
  alias Mix.Gossip

  @switches [
    node: :string,
    cookie_file: :string,
    name: :string,
    once: :boolean,
    json: :boolean,
    interval: :integer,
    sort: :string,
    cluster: :string,
    group: :string,
    port: :integer,
    interface: [:string, :keep],
    key_file: :string,
    for: :integer
  ]

  @visits [:interval]
  @listens [:cluster, :group, :port, :interface, :key_file, :for]

  @impl true
  def run(args) do
    {options, words, wrong} = OptionParser.parse(args, strict: @switches)

    Gossip.refuse(options[:json] == true, fn ->
      cond do
        words != [] or wrong != [] ->
          Mix.raise("gossip.watch does not know #{unknown(words, wrong)}")

        options[:node] ->
          visit(options)

        true ->
          listen(options)
      end
    end)
  end

  defp unknown([word | _], _wrong), do: word
  defp unknown([], [{switch, _value} | _]), do: switch

  defp only!(options, others, what_for) do
    case Enum.find(Keyword.keys(options), &(&1 in others)) do
      nil ->
        :ok

      key ->
        switch = key |> Atom.to_string() |> String.replace("_", "-")
        Mix.raise("gossip.watch: --#{switch} is #{what_for}")
    end
  end

  defp visit(options) do
    :ok = only!(options, @listens, "for listening, without --node")
    Mix.Task.run("loadpaths")
    watch = for {key, value} <- options, key in [:once, :json, :interval], do: {key, value}
    sort = sort(options[:sort], Rows.orders())
    arguments = [Visit.cluster(options[:name]), watch ++ if(sort, do: [sort: sort], else: [])]

    case Visit.call(options[:node], options[:cookie_file], GossipCluster, :watch, arguments) do
      {:ok, :ok} -> :ok
      {:error, text} -> Mix.raise(text)
    end
  end

  defp sort(nil, _orders), do: nil

  defp sort(key, orders) do
    Enum.find(orders, &(Atom.to_string(&1) == key)) ||
      Mix.raise("gossip.watch: --sort is one of #{Enum.join(orders, ", ")}")
  end

  defp listen(options) do
    :ok = only!(options, @visits, "for --node")
    sort = sort(options[:sort], Rows.orders() -- [:round_trip])
    shown = Keyword.take(options, [:once, :json, :for])
    shown = if sort, do: [sort: Atom.to_string(sort)] ++ shown, else: shown
    # The application is built, and its configuration read; it is not started.
    Mix.Task.run("app.config")
    cluster = options |> configured() |> Keyword.merge(given(options)) |> Options.validate!()

    case Listening.run(cluster, keys(cluster.secret, options[:cookie_file]), shown) do
      {:ok, 0} -> :ok
      {:ok, status} -> exit({:shutdown, status})
      {:error, text} -> Mix.raise(text)
    end
  end

  defp configured(options) do
    clusters =
      case Application.get_env(:gossip_cluster, :clusters, []) do
        clusters when is_list(clusters) -> clusters
        :ignore -> []
      end

    name = Visit.cluster(options[:name])

    case {Enum.find(clusters, &(Keyword.get(&1, :name, GossipCluster) == name)), clusters} do
      {nil, [only]} -> if options[:name], do: unnamed!(name), else: only
      {nil, []} -> in_application(name)
      {nil, _others} -> unnamed!(name)
      {found, _clusters} -> found
    end
  end

  # Where `mix gossip.install` has put it: `config :shop, GossipCluster, ...`.
  defp in_application(name) do
    app = Mix.Project.config()[:app]
    options = if app, do: Application.get_env(app, name, []), else: []
    if Keyword.keyword?(options), do: options, else: []
  end

  @spec unnamed!(GossipCluster.name()) :: no_return()
  defp unnamed!(name),
    do: Mix.raise("gossip.watch: no cluster #{inspect(name)} is configured: give --name NAME")

  defp given(options) do
    interfaces = Keyword.get_values(options, :interface)

    Keyword.take(options, [:cluster, :group, :port]) ++
      if(interfaces == [], do: [], else: [interfaces: interfaces]) ++
      if(options[:key_file], do: [secret: {:file, options[:key_file]}], else: [])
  end

  defp keys(secret, cookie_file) do
    if Secret.needs_cookie?(secret) do
      case Visit.cookie_text(cookie_file) do
        {:ok, cookie} -> Secret.keys(secret, Hidden.wrap(cookie))
        {:error, text} -> Mix.raise(text)
      end
    else
      Secret.keys(secret, nil)
    end
  end
end
