defmodule Chat.MixProject do
  use Mix.Project

  def project do
    [
      app: :chat,
      version: "1.0.0",
      elixir: "~> 1.14",
      deps: [
        # In a project of yours: the path of your checkout.
        {:gossip_cluster, path: "../.."}
      ],
      releases: [chat: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [mod: {Chat, []}, extra_applications: [:logger]]
end
