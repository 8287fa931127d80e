defmodule Mix.Tasks.Gossip.Install.SourceTest do
  use ExUnit.Case, async: true

  alias Mix.Tasks.Gossip.Install.Source

  @child "{GossipCluster, []}"

  defp application(body) do
    "defmodule Shop.Application do\n  use Application\n\n  def start(_type, _args) do\n#{body}\n  end\nend\n"
  end

  defp add(body), do: Source.add_child(application(body), Shop.Application, @child)

  test "a child goes first into the list, and all else stays as it is laid out" do
    for {before, after_} <- [
          {"    children = []", "    children = [\n      {GossipCluster, []}\n    ]"},
          {"    children = [\n      # none yet\n    ]",
           "    children = [\n      {GossipCluster, []}\n      # none yet\n    ]"},
          {"    children = [\n      Shop.Repo,   # odd\n      {A, b: 1}\n    ]",
           "    children = [\n      {GossipCluster, []},\n      Shop.Repo,   # odd\n      {A, b: 1}\n    ]"},
          {"    children = [Shop.Repo, {A, [\"é\", 1]}] # é",
           "    children = [\n      {GossipCluster, []},\n      Shop.Repo,\n      {A, [\"é\", 1]}\n    ] # é"},
          {"    Supervisor.start_link([A], strategy: :one_for_one)",
           "    Supervisor.start_link([\n      {GossipCluster, []},\n      A\n    ], strategy: :one_for_one)"},
          {"    children = [\r\n      A\r\n    ]\r",
           "    children = [\r\n      {GossipCluster, []},\r\n      A\r\n    ]\r"}
        ] do
      assert add(before) == {:ok, application(after_)}
    end
  end

  test "one that is there is enough, but not in a comment, and no other module counts" do
    assert add("    children = [GossipCluster]") == :present
    assert add("    children = [{GossipCluster, secret: :cookie}, A]") == :present
    assert {:ok, _} = add("    children = [\n      # GossipCluster\n    ]")
    assert {:ok, _} = add("    children = [Shop.GossipCluster, GossipCluster.Await]")
  end

  test "what is not known is left alone, and why is told" do
    none = {:error, "its start/2 has no `children = [...]`"}
    assert add("    Shop.Tree.start_link()") == none
    assert add("    children = [A] ++ more()") == none

    assert add("    children = [A]\n    children = [B]") ==
             {:error, "its start/2 has more than one `children = [...]`"}

    assert {:error, "its list of children is laid out " <> _} =
             add("    children = [A,\n      B]")

    assert add("    children = [") == {:error, "it does not parse"}
    text = application("    children = []")
    assert Source.add_child(text, Other.Application, @child) == none
  end

  test "a block goes to the end of a configuration" do
    block = "config :shop, a: 1\n"
    assert Source.add_config(nil, block) == {:ok, "import Config\n\nconfig :shop, a: 1\n"}

    assert Source.add_config("import Config\n# so\nconfig :b, c: 2", block) ==
             {:ok, "import Config\n# so\nconfig :b, c: 2\n\nconfig :shop, a: 1\n"}

    assert Source.add_config("use Mix.Config\n", block) == {:error, "it has no `import Config`"}
    assert Source.add_config("import Config\nif(", block) == {:error, "it does not parse"}
  end
end
