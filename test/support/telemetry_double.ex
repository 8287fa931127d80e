defmodule GossipCluster.TelemetryDouble do
  @moduledoc """
  Stands for `:telemetry`, which an application may have: a module of that name, made for one test and removed after it.
  What is executed comes to the test as `{:telemetry, event, measurements, metadata}`.

  For tests that are not async: there is one module of a name.
  """

  @doc "Makes the module; the calling test gets the events."
  def install do
    :persistent_term.put(__MODULE__, self())

    {:module, :telemetry, _code, _result} =
      Module.create(
        :telemetry,
        quote do
          def execute(event, measurements, metadata) do
            test = :persistent_term.get(unquote(__MODULE__))
            send(test, {:telemetry, event, measurements, metadata})
            :ok
          end
        end,
        Macro.Env.location(__ENV__)
      )

    ExUnit.Callbacks.on_exit(&remove/0)
  end

  defp remove do
    :code.purge(:telemetry)
    :code.delete(:telemetry)
    :code.purge(:telemetry)
  end
end
