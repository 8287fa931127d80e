defmodule GossipCluster.Options.Schema do
  @moduledoc false
  # One table feeds the checks and the documentation: an option is what stands here, and nothing else is accepted. It
  # needs no other module, so whoever documents the options is not compiled anew with all that checks them.

  @mfa_text "{module, function, arguments}"

  @schema [
    name: [
      type: :name,
      # Not as a module: these two must not need each other to be compiled.
      default: :"Elixir.GossipCluster",
      doc:
        "the cluster's name on this node: every function takes it, and the owner process is registered under it. " <>
          "It is not sent anywhere"
    ],
    enabled: [
      type: :boolean,
      default: true,
      doc:
        "`false` starts nothing, as in tests: every function then answers as for a cluster that finds nobody"
    ],
    cluster: [
      type: :label,
      default: "",
      doc:
        "a label that is mixed into the key. Nodes with another label on the same network never hear each other, " <>
          "whatever their secret"
    ],
    secret: [
      type: :secret,
      default: :cookie,
      doc:
        "what proves that a peer belongs here: `:cookie`, `{:passphrase, text}` (at least 8 bytes), `{:key, key}` " <>
          "(32 random bytes or their Base64 or hexadecimal text, the strongest and the quickest; `mix gossip.gen.key` makes " <>
          "one), `{:file, path}` or `{:env, variable}` where such a key is, a list of one to four of these (the first seals, " <>
          "every one opens), or a function of no argument or `#{@mfa_text}` that returns one of them. It is asked once, by " <>
          "the process that starts the cluster"
    ],
    group: [
      type: :group,
      default: "233.252.1.33",
      doc: "the IPv4 multicast group"
    ],
    ipv6: [
      type: :boolean,
      default: true,
      doc:
        "IPv6 beside IPv4, on each interface that has it: what goes to the group goes out over both. A host without IPv6 " <>
          "has no trouble with it, one without IPv4 is found by IPv6 alone. `false` is IPv4 alone"
    ],
    group6: [
      type: :group6,
      default: "ff12::6763",
      doc:
        "the IPv6 multicast group, of link-local scope: no router passes it on, whatever `ttl` is"
    ],
    port: [
      type: {:integer, 1, 65_535},
      default: 45_893,
      doc: "the group's UDP port. Many clusters and many nodes of one machine may share it"
    ],
    unicast_port: [
      type: :ports,
      default: nil,
      doc:
        "the UDP port that this node sends from, and is answered at: the first free one of a range (`45894..45901`, or " <>
          "`{45894, 45901}`), or just this (`45894`); `0` is any. `nil` is the first free one of the eight above `port`. Where " <>
          "none is free it is any, too, and `status/1` has a problem. A firewall must let it in, and the `port`"
    ],
    broadcast: [
      type: :boolean,
      default: false,
      doc:
        "what goes to the group is also broadcast, to 255.255.255.255 on `port`, for networks that drop multicast (Wi-Fi, " <>
          "some switches). It reaches nobody behind a router, and each host of the link takes it in. All members need it; " <>
          "those without it are found by multicast alone. On Linux alone, and not with `ttl: 0`"
    ],
    seeds: [
      type: :seeds,
      default: [],
      doc:
        "where members may be found whom no multicast reaches: up to 32 IP addresses (`\"10.0.0.5\"`) or names of hosts, with a " <>
          "UDP port (`\"host:45894\"`, `\"[2001:db8::1]:45894\"`) or without (then the eight of `unicast_port` are tried), " <>
          "`{:dns, name}` (all its addresses), `{:srv, name}`, or `#{@mfa_text}` that returns a list of such. Names are resolved " <>
          "again and again, and when a network comes; `status/1` shows what came of it"
    ],
    interfaces: [
      type: :interfaces,
      default: :all,
      doc:
        "which network interfaces to use, whenever they come: `:all`, a list of names, patterns of names (`\"en*\"`, " <>
          "see fnmatch(3)) or IP addresses, or `{:except, list}`. A name means both families, an address its own. With " <>
          "`:all`, the loopback interface is used where there is no other"
    ],
    ttl: [
      type: {:integer, 0, 255},
      default: 1,
      unit: "hops",
      doc:
        "how many hops a multicast packet may travel: `1` keeps to the local network, `0` to this machine"
    ],
    advertise: [
      type: :endpoint,
      default: nil,
      doc:
        "where the other nodes reach this one over UDP, when its address is translated on the way (NAT): `\"192.0.2.7\"`, or " <>
          "`\"192.0.2.7:4711\"` if the port is another one, too. Without it, what was sent to a translated address is " <>
          "dropped: somebody might relay it"
    ],
    interval: [
      type: {:integer, 100, 60_000},
      default: 1_000,
      unit: "milliseconds",
      doc:
        "the longest time between two heartbeats; each is up to a quarter sooner, at random. A large group beats less often"
    ],
    max_peers: [
      type: {:integer, 1, 65_535},
      default: 4_096,
      doc: "how many peers are listed at most; newcomers beyond are refused and counted"
    ],
    tags: [
      type: :tags,
      default: %{},
      doc:
        "what this node says of itself to the others, for `peers/1`, `accept` and `await/2` there: a map, or a keyword " <>
          "list, of texts to texts, as in `%{role: \"web\", zone: \"a\"}`. At most 32, and 256 bytes together, where each " <>
          "text counts a byte more; no control characters. Keys may be atoms; the others see them as texts. " <>
          "`put_tags/2` changes them"
    ],
    connect: [
      type: {:mfa, "the node"},
      default: {:net_kernel, :connect_node, []},
      doc:
        "what connects a node: `#{@mfa_text}`, called with the node appended. `true` means connected; `false`, " <>
          "`:ignored` and everything else mean that it is tried again later"
    ],
    disconnect: [
      type: {:mfa, "the node"},
      default: {:erlang, :disconnect_node, []},
      doc: "what disconnects a node: `#{@mfa_text}`, called with the node appended"
    ],
    list_nodes: [
      type: {:mfa, nil},
      default: {:erlang, :nodes, [:connected]},
      doc:
        "what lists the connected nodes: `#{@mfa_text}`. A listed peer that is missing there is dialled again"
    ],
    accept: [
      type: :accept,
      default: nil,
      doc:
        "which peers may be dialled: a function of a `t:GossipCluster.Peer.t/0`, or `#{@mfa_text}` called with the peer " <>
          "appended; anything but `true` refuses. `nil` accepts all. It is asked in the process that dials"
    ],
    on_down: [
      type: {:one_of, [:keep, :disconnect]},
      default: :keep,
      doc:
        "what becomes of the Erlang connection when a peer is down: `:keep` leaves it to Erlang (`net_ticktime`), " <>
          "`:disconnect` ends it, but only where the peer has left, its VM has ended or the members have judged it silent"
    ],
    quiet: [
      type: {:integer, 0, 86_400_000},
      default: 30_000,
      unit: "milliseconds",
      doc:
        "how long a peer is left alone after `Node.disconnect/1` on either side; `0` dials it again at once. The side " <>
          "that does it says so to the other. What `global` disconnects is not meant, nor what a firewall resets"
    ],
    log: [
      type: {:one_of, [:debug, :info, :notice, :warning, :error, false]},
      default: :debug,
      doc:
        "the least level of this cluster's own lines in the log: those below it are not written, with `false` none is. " <>
          "They have `domain: [:elixir, :gossip_cluster]`, and the metadata `gossip_cluster` (the name) and `gossip_event`; " <>
          "what several clusters of a VM report at once is one line, with `gossip_clusters` (the names)"
    ],
    log_heartbeats: [
      type: :boolean,
      default: false,
      doc:
        "whether each heartbeat that is heard makes a line at debug. It costs a message a heartbeat: for looking on only"
    ],
    compat: [
      type: :compat,
      default: nil,
      doc:
        "whether nodes that still run libcluster's Gossip strategy are found, too, and find this one, while a system moves " <>
          "from one to the other: `nil`, `:libcluster`, or `[libcluster: options]`, where these are that strategy's `port`, " <>
          "`multicast_addr`, `multicast_ttl` and `secret`, with its defaults. Such nodes stand in `peers/1` with the status " <>
          "`:legacy`, and are dialled. Nothing of them is authenticated, see the guide on migrating"
    ],
    sidecar: [
      type: :path,
      default: nil,
      doc:
        "the absolute path of the executable `gossipd`, of this very version; `nil` is the one in this application's `priv`. " <>
          "An escript has none there. A program in between may start it as another user, see the guide on production"
    ],
    sandbox: [
      type: :boolean,
      default: true,
      doc:
        "whether `gossipd`, once its sockets are open, gives up its capabilities, all files and all system calls that it does " <>
          "not need, as far as the system has the means. `false` is for debuggers and the like"
    ],
    # Who is told of each connect and disconnect: GossipCluster.Strategy emits libcluster's events so.
    observer: [type: :observer, default: nil, doc: false]
  ]

  @documentation @schema
                 |> Enum.filter(fn {_key, spec} -> spec[:doc] end)
                 |> Enum.map_join("\n", fn {key, spec} ->
                   unit = if spec[:unit], do: ", in #{spec[:unit]}", else: ""
                   "  * `:#{key}` - #{spec[:doc]}#{unit}. Default: `#{inspect(spec[:default])}`."
                 end)

  @doc "Each option: its type (see GossipCluster.Options), default, unit, and documentation, if it has one."
  @spec all() :: keyword(keyword())
  def all, do: @schema

  @doc "The options in Markdown."
  @spec docs() :: String.t()
  def docs, do: @documentation
end
