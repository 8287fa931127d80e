defmodule GossipCluster.LinesTest do
  # What the library writes to the log, in which words, with which metadata, and how often.
  use GossipCluster.OwnerCase

  alias GossipCluster.{Lines, Shared, Subscribers}

  doctest GossipCluster.Lines

  # A handler of Logger: the test gets the library's own lines.
  @doc false
  def log(%{meta: %{gossip_cluster: _} = meta, level: level, msg: {:string, text}}, config),
    do: send(config.config.test, {:line, level, IO.chardata_to_string(text), meta})

  def log(_other, _config), do: :ok

  setup do
    :ok = Shared.ensure_started()
    # Those of the tests before have ended, and what they said last is written.
    eventually(fn -> Subscribers.list({Lines, :reporters}) == [] end)
    :ok = Lines.flush()
    :ok = :logger.add_handler(:lines, __MODULE__, %{config: %{test: self()}})
    on_exit(fn -> :logger.remove_handler(:lines) end)
  end

  # A reporter of a cluster of this name, that says these lines, one after the other.
  defp reporter(name, lines, log \\ :debug) do
    test = self()

    pid =
      spawn_link(fn ->
        :ok = Lines.join()
        send(test, {:joined, self()})
        receive do: (:go -> :ok)

        for line <- lines do
          case line do
            {level, text} -> Lines.report({:line, level, text}, name, log, :seed)
            act -> act.()
          end
        end

        send(test, {:done, self()})
        receive do: (:stop -> :ok)
      end)

    assert_receive {:joined, ^pid}, 5_000
    pid
  end

  defp go(pids) do
    for pid <- pids, do: send(pid, :go)
    for pid <- pids, do: assert_receive({:done, ^pid}, 5_000)
    :ok = Lines.flush()
  end

  defp lines do
    receive do
      {:line, level, text, meta} -> [{level, text, meta} | lines()]
    after
      0 -> []
    end
  end

  test "a line of one cluster is written at once, with its domain and metadata" do
    pid = reporter(Shop, [{:info, "it is so"}])
    send(pid, :go)
    assert_receive {:done, ^pid}, 5_000
    assert [{:info, "Shop: it is so", meta}] = lines()
    assert %{domain: [:elixir, :gossip_cluster], gossip_event: :seed} = meta
    assert %{gossip_cluster: Shop, gossip_clusters: [Shop], pid: ^pid} = meta
    send(pid, :stop)
  end

  test "what several clusters report is one line with the names of all; what each says else stays, in order" do
    before = System.os_time(:microsecond)
    shop = reporter(Shop, info: "first", info: "multicast on eth0", info: "multicast on eth0")
    stock = reporter(GossipCluster, info: "multicast on eth0", warning: "last")
    go([shop, stock])
    written = lines()
    texts = for {_level, text, _meta} <- written, do: text
    assert "GossipCluster, Shop: multicast on eth0" in texts
    assert Enum.count(texts, &(&1 == "Shop: multicast on eth0")) == 1
    assert length(texts) == 4
    assert Enum.filter(texts, &(&1 =~ "first" or &1 =~ "Shop: m")) |> hd() == "Shop: first"

    for {_level, text, %{time: time} = meta} <- written do
      assert time in before..System.os_time(:microsecond)
      assert text =~ inspect(meta.gossip_cluster)
      assert meta.domain == [:elixir, :gossip_cluster]
    end

    for pid <- [shop, stock], do: send(pid, :stop)
  end

  test "what one says comes in its order, also where the others end meanwhile" do
    other = reporter(Stock, [])

    shop = reporter(Shop, [{:warning, "first"}, fn -> ended(other) end, {:error, "second"}])

    go([shop])
    assert ["Shop: first", "Shop: second"] = for({_level, text, _meta} <- lines(), do: text)
    send(shop, :stop)
  end

  # Until it is known to have.
  defp ended(pid) do
    send(pid, :go)
    send(pid, :stop)
    reporters = fn -> Subscribers.list({Lines, :reporters}) end
    eventually(fn -> pid not in reporters.() end)
  end

  test "what is kept is written within a moment, without being asked for" do
    pids = [reporter(Shop, info: "multicast on eth0"), reporter(Stock, info: "multicast on eth0")]
    for pid <- pids, do: send(pid, :go)
    assert_receive {:line, :info, "Shop, Stock: multicast on eth0", _meta}, 5_000
    for pid <- pids, do: send(pid, :stop)
    assert lines() == []
  end

  test "a link of two clusters is one line that names both" do
    assert Lines.text({:link_line, :info, "NODEUP b@h", ""}, [GossipCluster, Shop]) ==
             "NODEUP b@h in GossipCluster, Shop"
  end

  test "none below the level that a cluster names, and none at all with false" do
    lines = for level <- [:debug, :info, :warning, :error], do: {level, "at #{level}"}

    for {log, written} <- [
          {:debug, [:debug, :info, :warning, :error]},
          {:info, [:info, :warning, :error]},
          {:notice, [:warning, :error]},
          {:warning, [:warning, :error]},
          {:error, [:error]},
          {false, []}
        ] do
      pid = reporter(Shop, lines, log)
      go([pid])
      assert for({level, _text, _meta} <- lines(), do: level) == written
      ref = Process.monitor(pid)
      send(pid, :stop)
      assert_receive {:DOWN, ^ref, :process, ^pid, _}, 5_000
    end
  end

  test "a cluster with log: false writes nothing, and tells its subscribers all the same", %{
    fake: fake
  } do
    fake = start(fake, log: false)
    FakeSidecar.ready(fake)
    FakeSidecar.say(fake, {:up, FakeSidecar.peer("zoe@127.0.0.1")})
    assert {:up, %Peer{name: "zoe@127.0.0.1"}} = event()
    assert_dial(:"zoe@127.0.0.1") |> answer(true)
    assert :ok = GossipCluster.await(@name)
    assert {:error, _started} = GossipCluster.start_link(name: @name, log: false)
    told()
    assert lines() == []
  end
end
