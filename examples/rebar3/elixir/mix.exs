# For rebar.config's hook alone: what is built of it is the Elixir library, with its C program.
defmodule ShopElixir.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop_elixir,
      version: "1.0.0",
      elixir: "~> 1.14",
      deps: [
        # In a project of yours: the path of your checkout.
        {:gossip_cluster, path: "../../.."}
      ]
    ]
  end
end
