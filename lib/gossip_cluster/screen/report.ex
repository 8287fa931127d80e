defmodule GossipCluster.Screen.Report do
  @moduledoc false
  # Gathers what a report says: GossipCluster.Screen.Html writes it down.

  alias GossipCluster.Screen.{Graph, Html, Picture, Timeline}
  alias GossipCluster.View

  @doc "The report of a cluster."
  @spec html(module(), GossipCluster.name()) :: String.t()
  def html(api, name) do
    picture = Picture.whole(api, name)
    view = View.table(name)
    Html.page(picture, Graph.take(picture), events(view), more(picture, view))
  end

  defp events(nil), do: []
  defp events(view), do: Timeline.list(view)

  defp more(%{status: status}, view) do
    [
      {"This node",
       [
         {"cluster", inspect(status.name)},
         {"announced", inspect(status.announced)},
         {"left", inspect(status.left)},
         {"sidecar", words(status.sidecar)},
         {"interfaces",
          Enum.map_join(status.interfaces, ", ", fn {name, _index, ip} -> "#{name} #{ip}" end)},
         {"seeds", words(status.seeds)},
         {"reports", words(status.reports)},
         {"GossipCluster", version(:gossip_cluster)},
         {"Elixir", System.version()},
         {"Erlang/OTP", "#{System.otp_release()}, ERTS #{:erlang.system_info(:version)}"},
         {"system", to_string(:erlang.system_info(:system_architecture))},
         {"epmd module", inspect(:net_kernel.epmd_module())}
       ]},
      {"Configuration", pairs(if(view, do: View.get(view, :shown, %{}), else: %{}))},
      {"Counters", pairs(status.stats || %{})}
    ]
  end

  defp version(application) do
    case :application.get_key(application, :vsn) do
      {:ok, version} -> to_string(version)
      :undefined -> "?"
    end
  end

  defp pairs(map),
    do: map |> Enum.sort() |> Enum.map(fn {key, value} -> {to_string(key), words(value)} end)

  defp words(text) when is_binary(text), do: if(text == "", do: "none", else: text)
  defp words(term), do: inspect(term, limit: 50, printable_limit: 1_000, width: 10_000)
end
