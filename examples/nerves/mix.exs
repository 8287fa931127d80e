defmodule Kiosk.MixProject do
  use Mix.Project

  @app :kiosk
  @version "1.0.0"
  @all_targets [:rpi4]

  def project do
    [
      app: @app,
      version: @version,
      elixir: "~> 1.14",
      archives: [nerves_bootstrap: "~> 1.13"],
      deps: deps(),
      releases: [{@app, release()}]
    ]
  end

  def application, do: [mod: {Kiosk, []}, extra_applications: [:logger, :runtime_tools]]

  def cli, do: [preferred_targets: [run: :host, test: :host]]

  defp deps do
    [
      # In a project of yours: the path of your checkout.
      {:gossip_cluster, path: "../.."},
      {:nerves, "~> 1.10", runtime: false},
      {:shoehorn, "~> 0.9.1"},
      {:nerves_runtime, "~> 0.13.0"},
      {:nerves_pack, "~> 0.7.1", targets: @all_targets},
      {:nerves_system_rpi4, "~> 1.24", runtime: false, targets: :rpi4}
    ]
  end

  defp release do
    [
      overwrite: true,
      include_erts: &Nerves.Release.erts/0,
      steps: [&Nerves.Release.init/1, :assemble],
      strip_beams: Mix.env() == :prod or [keep: ["Docs"]]
    ]
  end
end
