defmodule GossipCluster.Telemetry do
  @moduledoc false
  # Events go to :telemetry when the application has it. It is no dependency: nothing is compiled against it.

  @doc "Loads :telemetry if it is there, so that `execute/3` finds it."
  @spec load() :: :ok
  def load do
    _ = Code.ensure_loaded(:telemetry)
    :ok
  end

  @doc "Emits `[:gossip_cluster | event]`."
  @spec execute([atom()], map(), map()) :: :ok
  def execute(event, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3),
      do: apply(:telemetry, :execute, [[:gossip_cluster | event], measurements, metadata])

    :ok
  end
end
