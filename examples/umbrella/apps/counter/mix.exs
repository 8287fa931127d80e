defmodule Counter.MixProject do
  use Mix.Project

  def project do
    [
      app: :counter,
      version: "1.0.0",
      build_path: "../../_build",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixir: "~> 1.14",
      deps: [{:gather, in_umbrella: true}]
    ]
  end

  def application, do: [mod: {Counter, []}]
end
