defmodule GossipCluster.MonitoringTest do
  # The metrics for telemetry_metrics, which an application may have, and what is made of them for Grafana and Prometheus.
  use ExUnit.Case, async: false

  alias GossipCluster.{Json, Telemetry}

  # Keeps what it is called with. Checked as Telemetry.Metrics checks: the last part of a name is the measurement.
  defmodule Definition do
    defstruct [:kind, :event_name, :measurement, :options]

    def new(kind, name, options) do
      parts = for part <- String.split(name, "."), do: String.to_atom(part)
      {event, [measurement]} = Enum.split(parts, -1)
      known = [:tags, :description, :unit, :reporter_options]
      [] = Keyword.keys(options) -- known
      %__MODULE__{kind: kind, event_name: event, measurement: measurement, options: options}
    end
  end

  setup do
    refute Code.ensure_loaded?(Elixir.Telemetry.Metrics)
    assert Telemetry.metrics() == []

    {:module, module, _code, _result} =
      Module.create(
        Elixir.Telemetry.Metrics,
        for kind <- [:counter, :sum, :last_value, :distribution] do
          quote do
            def unquote(kind)(name, options),
              do: unquote(Definition).new(unquote(kind), name, options)
          end
        end,
        Macro.Env.location(__ENV__)
      )

    on_exit(fn ->
      :code.purge(module)
      :code.delete(module)
      :code.purge(module)
    end)
  end

  test "each metric is of an event that there is, and of a measurement and tags that it has" do
    {:docs_v1, _, _, _, %{"en" => text}, _, _} = Code.fetch_docs(Telemetry)

    rows =
      for [_all, event, measurements, metadata] <-
            Regex.scan(~r/^\| `\[(:gossip_cluster[^\]]*)\]` \| (.*?) \| ?(.*?) ?\|/m, text),
          into: %{} do
        names =
          for name <- String.split(event, ", "),
              do: name |> String.trim_leading(":") |> String.to_atom()

        {names, {measurements, metadata}}
      end

    metrics = Telemetry.metrics()
    assert length(metrics) > 15

    for metric <- metrics do
      assert {measurements, metadata} = rows[metric.event_name], inspect(metric)
      assert measurements =~ "`#{metric.measurement}`"
      assert [:cluster | tags] = metric.options[:tags]
      for tag <- tags, do: assert(metadata =~ "`#{tag}`", inspect(metric))
      assert metric.options[:description] =~ ~r/\.\z/
      if metric.kind == :distribution, do: assert(metric.options[:reporter_options][:buckets])
    end

    assert length(Enum.uniq(Telemetry.prometheus_names())) == length(metrics)
  end

  test "the dashboard and the alerts ask for metrics that there are" do
    assert {:ok, %{"panels" => panels}} =
             "deploy/monitoring/grafana.json" |> File.read!() |> Json.decode()

    expressions = for panel <- panels, target <- panel["targets"], do: target["expr"]
    assert length(expressions) >= length(panels)

    {rules, 0} =
      System.cmd("python3", [
        "-c",
        "import json, yaml; print(json.dumps(yaml.safe_load(open('deploy/monitoring/prometheus-rules.yaml'))))"
      ])

    assert {:ok, %{"groups" => [%{"rules" => rules}]}} = Json.decode(String.trim(rules))
    assert length(rules) == 3

    for rule <- rules,
        do:
          assert(
            %{"alert" => _, "for" => _, "annotations" => %{"summary" => _, "description" => _}} =
              rule
          )

    for expression <- expressions ++ for(rule <- rules, do: rule["expr"]) do
      assert [_ | _] = names = Regex.scan(~r/gossip_cluster_\w+/, expression)
      for [name] <- names, do: assert(name in Telemetry.prometheus_names(), name)
    end

    # No panel lies upon another.
    places =
      for %{"gridPos" => %{"x" => x, "y" => y, "w" => w, "h" => h}} <- panels,
          a <- x..(x + w - 1),
          b <- y..(y + h - 1),
          do: {a, b}

    assert Enum.uniq(places) == places
  end
end
