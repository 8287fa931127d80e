defmodule GossipCluster.Screen.Dashboard do
  @moduledoc false
  # What LiveDashboard's page shows (GossipCluster.LiveDashboardPage): taken on the node that was chosen there, and the
  # rows of its table as they are asked for. Knows nothing of Phoenix.

  alias GossipCluster.Screen.{Drawing, Graph, Picture, Rows, Text}

  @typedoc "What was taken: the status as pairs, a row of texts for each peer, the graph as an SVG."
  @type look :: %{
          fields: [{String.t(), String.t()}],
          problems: [String.t()],
          rows: [%{atom() => String.t()}],
          graph: String.t()
        }

  @typedoc "What a table of LiveDashboard asks for."
  @type params :: %{
          :search => String.t() | nil,
          :sort_by => atom(),
          :sort_dir => :asc | :desc,
          :limit => pos_integer() | nil,
          optional(atom()) => term()
        }

  # The graph's nodes are asked for 2 s at most, and so are the versions.
  @patience 6_000

  # By what a column of texts is sorted, where that is no text.
  @keys %{heard: :heard_key, round_trip: :round_trip_key, loss: :loss_key}

  @doc "Takes a look on a node, which may be another. The text says why it could not."
  @spec fetch(node(), module(), GossipCluster.name()) :: {:ok, look()} | {:error, String.t()}
  def fetch(node, api, name) do
    {:ok, :erpc.call(node, __MODULE__, :look, [api, name], @patience)}
  catch
    :error, {:exception, %ArgumentError{} = error, _stack} ->
      {:error, Exception.message(error)}

    :error, {:exception, :undef, _stack} ->
      {:error, "#{node} has no GossipCluster that can be looked at from here"}

    _kind, reason ->
      {:error, "#{node} could not be looked at: #{inspect(reason, limit: 20)}"}
  end

  @doc "Takes it here. Raises `ArgumentError` where no such cluster runs."
  @spec look(module(), GossipCluster.name()) :: look()
  def look(api, name) do
    picture = Picture.whole(api, name)
    build(picture, Graph.take(picture))
  end

  @doc "Puts it together."
  @spec build(Picture.t(), Graph.t()) :: look()
  def build(%{status: status} = picture, graph) do
    %{
      fields: [
        {"node", Text.clean(Atom.to_string(status.node))},
        {"health", Atom.to_string(status.health)},
        {"peers", "#{length(picture.peers)}, #{status.connected} connected"},
        {"group", "#{status.group} port #{status.port}"},
        {"interfaces",
         Enum.map_join(status.interfaces, ", ", fn {name, _index, ip} ->
           Text.clean("#{name} #{ip}")
         end)},
        {"gossipd", Text.clean(status.sidecar[:version] || "?")}
      ],
      problems: for({_name, _cause, text} <- status.problems, do: Rows.one_line(text)),
      rows: rows(picture),
      graph: Drawing.svg(graph)
    }
  end

  # Whatever a row of the table needs: texts, and what they are sorted by.
  defp rows(picture) do
    keys =
      Map.new(picture.peers, fn peer ->
        plain = Rows.plain(peer, picture)

        {Text.clean(peer.name),
         %{
           heard_key: plain.heard_ms_ago,
           round_trip_key: plain.round_trip_us,
           loss_key: plain.loss
         }}
      end)

    for row <- Rows.rows(picture) do
      texts = Map.new(row, fn {column, {text, _how}} -> {column, text} end)
      Map.merge(texts, Map.fetch!(keys, texts.name))
    end
  end

  @doc """
  The rows that a table asks for, and how many there are of what it searches. What has no value comes last, whichever way
  they are sorted.
  """
  @spec table([map()], params()) :: {[map()], non_neg_integer()}
  def table(rows, %{search: search, sort_by: column, sort_dir: direction, limit: limit}) do
    found = Enum.filter(rows, &found?(&1, search))
    key = Map.get(@keys, column, column)
    {with_value, without} = Enum.split_with(found, &(Map.get(&1, key) not in [nil, ""]))
    sorted = Enum.sort_by(with_value, &{Map.fetch!(&1, key), &1.name}, direction) ++ without
    {if(limit, do: Enum.take(sorted, limit), else: sorted), length(found)}
  end

  defp found?(_row, search) when search in [nil, ""], do: true

  defp found?(row, search) do
    search = String.downcase(search)

    Enum.any?(row, fn {_column, value} ->
      is_binary(value) and String.contains?(String.downcase(value), search)
    end)
  end
end
