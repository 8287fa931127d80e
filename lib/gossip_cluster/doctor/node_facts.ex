defmodule GossipCluster.Doctor.NodeFacts do
  @moduledoc false
  # What this node's own distribution is like. Read only; takes two seconds at most.

  alias GossipCluster.{Hidden, LocalNode}
  alias GossipCluster.Doctor.Bounded

  @patience 2_000

  @type t :: %{
          name: String.t() | nil,
          host: String.t() | nil,
          long_names: boolean(),
          tls: boolean(),
          ipv6: boolean(),
          hidden: boolean(),
          epmd_module: module(),
          cookie: boolean(),
          weak_cookie: String.t() | nil,
          listener: {:inet.ip_address(), :inet.port_number()} | nil,
          port: :inet.port_number() | nil,
          addresses: [:inet.ip_address()],
          resolves: {:ok, :inet.ip_address()} | {:error, atom()} | nil
        }

  @doc "The facts."
  @spec gather() :: t()
  def gather do
    own = LocalNode.own()
    host = own && own.name |> String.split("@") |> List.last()
    cookie = own && LocalNode.cookie()

    [{addresses, listener}, port, resolves] =
      Bounded.all(
        [
          &LocalNode.addresses/0,
          fn -> own && LocalNode.port() end,
          fn -> host && resolve(host, own.ipv6) end
        ],
        @patience,
        nil
      )
      |> then(fn [addresses | rest] -> [addresses || {[], nil} | rest] end)

    %{
      name: own && own.name,
      host: host,
      long_names: own != nil and own.long_names,
      tls: own != nil and own.tls,
      ipv6: own != nil and own.ipv6,
      hidden: own != nil and own.hidden,
      epmd_module: :net_kernel.epmd_module(),
      cookie: cookie != nil,
      weak_cookie: cookie && Hidden.reveal(cookie, &LocalNode.weak_cookie/1),
      listener: listener,
      port: if(port in [nil, 0], do: listener && elem(listener, 1), else: port),
      addresses: addresses,
      resolves: resolves
    }
  end

  @doc "What a host's name is here, as Erlang asks."
  @spec resolve(String.t(), boolean()) :: {:ok, :inet.ip_address()} | {:error, atom()}
  def resolve(host, ipv6),
    do: :inet.getaddr(to_charlist(host), if(ipv6, do: :inet6, else: :inet))
end
