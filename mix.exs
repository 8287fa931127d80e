# Not GossipCluster.MixProject: in `iex -S mix` that would stand among what `GossipCluster.` completes to.
defmodule MixProject.GossipCluster do
  use Mix.Project

  # CMake reads the version from this line too.
  @version "0.1.0"
  # The project's home on the web, once there is one: nowhere else does it stand. An address that is not ours could be
  # taken by anybody, so until then there is none, and the documents say how to depend on a checkout.
  @source_url nil

  def project do
    [
      app: :gossip_cluster,
      version: @version,
      elixir: "~> 1.14",
      # After the Elixir compiler: Mix.Tasks.Compile.Gossipd is a module of this project.
      compilers: Mix.compilers() ++ [:gossipd],
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      deps: if(Code.ensure_loaded?(Hex), do: deps(Mix.Project.get()), else: []),
      releases: releases(),
      test_coverage: [summary: [threshold: 0]],
      name: "GossipCluster",
      description:
        "Forms Erlang clusters by itself: nodes on a network find each other in milliseconds and connect.",
      source_url: @source_url,
      homepage_url: @source_url,
      package: package(),
      docs: docs(),
      dialyzer: dialyzer()
    ]
  end

  def cli, do: [preferred_envs: [docs: :docs, "hex.build": :docs, "hex.publish": :docs]]

  def application do
    [
      mod: {GossipCluster.Application, []},
      extra_applications: [:logger, crypto: :optional]
    ]
  end

  # None at all where Hex is not installed, not even tools: one would stop every mix command there. And none for who
  # builds a checkout, since all would have to be fetched before the first `mix compile`: the library needs none. They
  # come where it is a dependency of another project, which fetches what it has itself; and where they are asked for, as
  # documentation and publishing do.
  defp deps(project) when project in [nil, __MODULE__] do
    asked = Mix.env() == :docs or System.get_env("GOSSIP_TOOLS") not in [nil, ""]
    if asked, do: optional() ++ tools(), else: []
  end

  defp deps(_others), do: optional()

  defp optional do
    [
      {:telemetry, "~> 0.4 or ~> 1.0", optional: true},
      # Where the application has it, it is compiled before: GossipCluster.LiveDashboardPage is built of it.
      {:phoenix_live_dashboard, "~> 0.8", optional: true}
    ]
  end

  defp tools do
    [
      {:ex_doc, "~> 0.34", only: [:dev, :docs], runtime: false},
      {:dialyxir, "~> 1.4", only: :dev, runtime: false},
      {:credo, "~> 1.7", only: :dev, runtime: false}
    ]
  end

  # bin/test calls dialyzer with these flags itself; `mix dialyzer` is dialyxir's.
  defp dialyzer do
    [
      flags: [:unmatched_returns, :error_handling, :underspecs, :extra_return, :missing_return],
      plt_add_apps: [:mix]
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
      files:
        ~w(lib priv_src cmake CMakeLists.txt CMakePresets.json mix.exs .formatter.exs
                README.md assets PROTOCOL.md SECURITY.md CONTRIBUTING.md CHANGELOG.md LICENSE guides rel deploy),
      links: if(@source_url, do: %{"Source" => @source_url}, else: %{})
    ]
  end

  defp docs do
    [
      main: "readme",
      source_ref: "v#{@version}",
      assets: %{"assets" => "assets", "bench/results" => "bench/results"},
      extras: [
        "README.md",
        "PROTOCOL.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE" | Path.wildcard("guides/*.{md,livemd}")
      ],
      groups_for_extras: [Guides: ~r"^guides/"],
      groups_for_docs: [
        "Start and stop": &(&1[:group] == :run),
        "Look and wait": &(&1[:group] == :look)
      ],
      groups_for_modules: [
        "What you call": [
          GossipCluster,
          GossipCluster.Await,
          GossipCluster.Peer,
          GossipCluster.Options
        ],
        "How nodes connect": [GossipCluster.Epmd, GossipCluster.Strategy],
        "Telemetry, LiveDashboard": [GossipCluster.Telemetry, GossipCluster.LiveDashboardPage]
      ]
    ]
  end
end
