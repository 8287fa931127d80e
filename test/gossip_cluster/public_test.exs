defmodule GossipCluster.PublicTest do
  # What users meet: the modules that are documented, and in these every function with an example.
  use ExUnit.Case, async: true

  doctest GossipCluster.Await

  @public [
    GossipCluster,
    GossipCluster.Await,
    GossipCluster.Epmd,
    GossipCluster.Options,
    GossipCluster.Peer,
    GossipCluster.Strategy,
    GossipCluster.Telemetry
  ]

  # There only where LiveDashboard is.
  @optional [GossipCluster.LiveDashboardPage]

  # Of this project's library alone: test/support is compiled into the same application.
  defp modules do
    {:ok, modules} = :application.get_key(:gossip_cluster, :modules)
    lib = Path.expand("lib") <> "/"
    for module <- modules, String.starts_with?(source(module), lib), do: module
  end

  defp source(module) do
    {:ok, {_module, [compile_info: info]}} =
      :beam_lib.chunks(:code.which(module), [:compile_info])

    to_string(info[:source])
  end

  defp docs(module) do
    {:docs_v1, _, :elixir, "text/markdown", moduledoc, _, docs} = Code.fetch_docs(module)
    {moduledoc, docs}
  end

  test "the documented modules are those that are meant for users, and they stand in a group of the documentation" do
    documented =
      for module <- modules(),
          {moduledoc, _docs} = docs(module),
          moduledoc != :hidden and not match?("Elixir.Inspect." <> _, to_string(module)),
          do: module

    {tasks, documented} = Enum.split_with(documented, &match?("Elixir.Mix." <> _, to_string(&1)))
    assert documented -- (@public ++ @optional) == []
    assert @public -- documented == []
    assert Mix.Tasks.Gossip.Gen.Key in tasks

    groups = Mix.Project.config()[:docs][:groups_for_modules]

    assert groups |> Keyword.values() |> List.flatten() |> Enum.sort() ==
             Enum.sort(@public ++ @optional)
  end

  test "each of their functions has a spec and an example" do
    for module <- @public,
        {_moduledoc, docs} = docs(module),
        {:ok, specs} = Code.Typespec.fetch_specs(module),
        {{:function, name, arity}, _line, _signature, doc, _metadata} <- docs,
        doc != :hidden do
      assert %{"en" => text} = doc, "#{inspect(module)}.#{name}/#{arity} has no documentation"
      assert text =~ ~r/^## Example\n\n    \S/m, "#{inspect(module)}.#{name}/#{arity}: no example"

      assert List.keymember?(specs, {name, arity}, 0),
             "#{inspect(module)}.#{name}/#{arity}: no spec"

      # What is no doctest is Elixir, at least.
      [_, example] = String.split(text, "## Example\n\n")
      code = String.replace(example, ~r/^ {4}/m, "")
      assert code =~ "iex>" or match?({:ok, _}, Code.string_to_quoted(code)), code
    end
  end

  test "mix.exs puts nothing among what `GossipCluster.` completes to" do
    refute to_string(Mix.Project.get!()) =~ "Elixir.GossipCluster."
    assert source(GossipCluster) =~ "/lib/gossip_cluster.ex"
  end
end
