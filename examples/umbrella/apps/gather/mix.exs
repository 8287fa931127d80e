defmodule Gather.MixProject do
  use Mix.Project

  def project do
    [
      app: :gather,
      version: "1.0.0",
      build_path: "../../_build",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixir: "~> 1.14",
      deps: [
        # In a project of yours: the path of your checkout.
        {:gossip_cluster, path: "../../../.."}
      ]
    ]
  end

  def application, do: [mod: {Gather, []}, extra_applications: [:logger]]
end
