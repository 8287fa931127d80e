defmodule GossipCluster.Upgrade do
  @moduledoc """
  Loads a new version of a module and purges the old one, as a release upgrade or `recompile` does. It is made from the
  module's own debug information, with a function more, so that it is another version to Erlang.
  """

  @doc "The modules of the library that a running system may load anew: not the tests' own."
  def modules do
    {:ok, modules} = :application.get_key(:gossip_cluster, :modules)
    for module <- modules, source = source(module), source =~ "/lib/gossip_cluster", do: module
  end

  # As it stands on the disk: what is loaded may be another version.
  defp source(module) do
    {:ok, {^module, [compile_info: info]}} =
      :beam_lib.chunks(:code.which(module), [:compile_info])

    to_string(info[:source])
  end

  @doc "Loads the next version; what still ran the old one is killed, as Erlang does."
  def load(module) do
    beam = :code.which(module)
    {:ok, {^module, [debug_info: info]}} = :beam_lib.chunks(beam, [:debug_info])
    {:debug_info_v1, backend, data} = info
    {:ok, forms} = backend.debug_info(:erlang_v1, module, data, [])
    name = :"version_#{System.unique_integer([:positive])}"
    {attributes, rest} = Enum.split_while(forms, &(elem(&1, 0) == :attribute))
    clause = {:clause, 1, [], [], [{:atom, 1, name}]}

    forms =
      attributes ++
        [{:attribute, 1, :export, [{name, 0}]}] ++ [{:function, 1, name, 0, [clause]} | rest]

    {:ok, ^module, binary} = :compile.forms(forms, [:nowarn_unused_function])
    change(module, beam, binary)
    ^name = apply(module, name, [])
    :ok
  end

  @doc "Loads the version on the disk."
  def restore(module) do
    {^module, binary, beam} = :code.get_object_code(module)
    change(module, beam, binary)
  end

  defp change(module, beam, binary) do
    _ = :code.purge(module)
    {:module, ^module} = :code.load_binary(module, beam, binary)
    _ = :code.purge(module)
    :ok
  end
end
