defmodule Mix.Tasks.Gossip.Install.PlanTest do
  use ExUnit.Case, async: true

  alias Mix.Tasks.Gossip.Install.Plan

  @application "lib/shop/application.ex"
  @text "defmodule Shop.Application do\n  def start(_, _) do\n    children = []\n  end\nend\n"

  defp project(files) do
    %{
      app: :shop,
      module: Shop.Application,
      module_file: @application,
      config: "config",
      rel: "rel",
      release: [{"vm.args.eex", "-start_epmd false\n"}],
      files: Map.merge(%{@application => @text}, files)
    }
  end

  defp written(files),
    do: for({:write, path, _, new} <- Plan.steps(project(files)), into: %{}, do: {path, new})

  test "a bare project gets all, and then nothing more" do
    new = written(%{})

    assert Map.keys(new) ==
             ~w(config/config.exs config/runtime.exs config/test.exs lib/shop/application.ex rel/vm.args.eex)

    assert new[@application] =~ "{GossipCluster, Application.get_env(:shop, GossipCluster, [])}"

    assert new["config/runtime.exs"] =~
             ~s(config :shop, GossipCluster, secret: {:env, "CLUSTER_KEY"})

    assert new["config/test.exs"] =~ "config :gossip_cluster, enabled: false"
    assert written(new) == %{}
  end

  test "tests are switched off where their configuration is read" do
    importing = ~S|import Config
import_config "#{config_env()}.exs"
|
    files = %{"config/config.exs" => importing, "config/test.exs" => "import Config\n"}
    new = written(files)

    assert new["config/test.exs"] ==
             "import Config\n\n# No test looks for other nodes.\nconfig :gossip_cluster, enabled: false\n"

    refute new["config/config.exs"]

    new = written(%{"config/config.exs" => "import Config\n"})

    assert new["config/config.exs"] =~
             "if config_env() == :test, do: config(:gossip_cluster, enabled: false)"

    refute new["config/test.exs"]
  end

  test "clusters of the configuration, and a release's own file, stay" do
    steps =
      Plan.steps(
        project(%{
          "config/config.exs" => "import Config\nconfig :gossip_cluster, clusters: [[]]\n",
          "rel/vm.args.eex" => "+P 5000000\n"
        })
      )

    assert {:keep, "config/config.exs", "starts clusters already"} in steps

    assert [{:write, "config/config.exs", _, _}] =
             for({:write, _, _, _} = step <- steps, do: step)

    assert [{:keep, "rel/vm.args.eex", "is another; " <> _}] =
             for({:keep, "rel" <> _, _} = step <- steps, do: step)
  end

  test "what a person must do is told with the text" do
    assert {:paste, "mix.exs", _, _, "{GossipCluster, " <> _} =
             hd(Plan.steps(%{project(%{}) | module: nil}))

    steps = Plan.steps(project(%{"config/runtime.exs" => "use Mix.Config\n"}))

    assert Enum.any?(
             steps,
             &match?(
               {:paste, "config/runtime.exs", "it has no" <> _, "at its end", "# The" <> _},
               &1
             )
           )
  end

  test "the files of a release alone: what is this version's stays, and what differs may be replaced" do
    release = [{"a", "1"}, {"b", "2"}, {"c", "3"}]

    assert Plan.release_steps("rel", release, %{"rel/a" => "1", "rel/b" => "x"}) == [
             {:keep, "rel/a", "is this version's"},
             {:write, "rel/b", "x", "2"},
             {:write, "rel/c", nil, "3"}
           ]
  end
end
