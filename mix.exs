defmodule GossipCluster.MixProject do
  use Mix.Project

  # CMake reads the version from this line too.
  @version "0.1.0"
  @source_url "https://github.com/gossip-cluster/gossip_cluster"

  def project do
    [
      app: :gossip_cluster,
      version: @version,
      elixir: "~> 1.14",
      # After the Elixir compiler: Mix.Tasks.Compile.Gossipd is a module of this project.
      compilers: Mix.compilers() ++ [:gossipd],
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      # No entry at all, not even for tools: one would stop every mix command where Hex is unreachable.
      deps: [],
      releases: releases(),
      test_coverage: [summary: [threshold: 0]],
      name: "GossipCluster",
      description:
        "Forms Erlang clusters by itself: nodes on a network find each other in milliseconds and connect.",
      source_url: @source_url,
      homepage_url: @source_url,
      package: package(),
      docs: docs()
    ]
  end

  def application do
    [
      mod: {GossipCluster.Application, []},
      extra_applications: [:logger, :crypto]
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]

  defp releases do
    [
      gossip_cluster: [
        include_executables_for: [:unix],
        applications: [runtime_tools: :permanent]
      ]
    ]
  end

  defp package do
    [
      licenses: ["Apache-2.0"],
      files: ~w(lib priv_src cmake CMakeLists.txt CMakePresets.json mix.exs .formatter.exs
                README.md PROTOCOL.md CHANGELOG.md LICENSE guides),
      links: %{"GitHub" => @source_url, "Changelog" => @source_url <> "/blob/main/CHANGELOG.md"}
    ]
  end

  defp docs do
    [
      main: "readme",
      source_ref: "v#{@version}",
      extras: [
        "README.md",
        "PROTOCOL.md",
        "CHANGELOG.md",
        "LICENSE" | Path.wildcard("guides/*.md")
      ],
      groups_for_extras: [Guides: ~r"^guides/"],
      groups_for_modules: [
        "What you call": [
          GossipCluster,
          GossipCluster.Await,
          GossipCluster.Peer,
          GossipCluster.Options
        ],
        "How nodes connect": [GossipCluster.Epmd, GossipCluster.Strategy],
        Telemetry: [GossipCluster.Telemetry]
      ]
    ]
  end
end
