defmodule Mix.Tasks.Gossip.Install.ReleaseFiles do
  @moduledoc false
  # The three files of rel/, as they were when this was compiled.

  @names ~w(vm.args.eex remote.vm.args.eex env.sh.eex)
  @folder Path.expand("../../../../rel", __DIR__)

  for name <- @names, do: @external_resource(Path.join(@folder, name))
  @files for name <- @names, do: {name, File.read!(Path.join(@folder, name))}

  @doc "Each file's name and text."
  @spec all() :: [{String.t(), String.t()}]
  def all, do: @files
end
