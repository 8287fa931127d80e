defmodule GossipCluster.OtherProject do
  @moduledoc "What tests need that build another project, or a copy of this one, by a mix of its own."

  # What the mix that runs the tests has set, or who has called that.
  @ours ~w(MIX_ENV MIX_TARGET MIX_EXS MIX_BUILD_PATH MIX_BUILD_ROOT MIX_DEPS_PATH CC CFLAGS)

  @doc "The environment of its mix: these variables, and nothing of ours."
  @spec env([{String.t(), String.t() | nil}]) :: [{String.t(), String.t() | nil}]
  def env(theirs \\ []),
    do: Enum.uniq_by(theirs ++ for(name <- @ours, do: {name, nil}), &elem(&1, 0))
end
