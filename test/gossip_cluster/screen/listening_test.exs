defmodule GossipCluster.Screen.ListeningTest do
  # What `gossipd watch` is told, and that what it says and what is typed come through; with a program that the test
  # plays. The real one is tried by test/python/test_watch.py, and under Mix by test/integration/watch_test.exs.
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias GossipCluster.{Hidden, Options, Secret}
  alias GossipCluster.Screen.Listening

  @secret {:passphrase, "correct horse"}

  defp options(given), do: Options.validate!([secret: @secret] ++ given)

  defp keys(options, cookie \\ nil),
    do: Secret.keys(options.secret, cookie && Hidden.wrap(cookie))

  defp program(lines) do
    dir = Path.join(System.tmp_dir!(), "gossip-listening-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    path = Path.join(dir, "gossipd")
    File.write!(path, ["#!/bin/sh\n" | lines])
    File.chmod!(path, 0o755)
    path
  end

  test "the options of the cluster are its arguments, and no secret is among them" do
    assert ["watch", "--pipe", "--cluster", "", "--group", "233.252.1.33", "--port", "45893"] ++
             ["--group6", "ff12::6763"] == Listening.arguments(options([]), [])

    options =
      options(
        cluster: "shop",
        group: {239, 1, 2, 3},
        port: 4000,
        ipv6: false,
        broadcast: true,
        interfaces: ["eth0", "wlan*"]
      )

    arguments = Listening.arguments(options, once: true, json: true, for: 5, sort: "loss")

    assert Enum.join(arguments, " ") ==
             "watch --pipe --cluster shop --group 239.1.2.3 --port 4000 --no-ipv6 " <>
               "--interface eth0 --interface wlan* --broadcast --once --json --for 5 --sort loss"

    assert ["--except", "lo"] =
             Enum.take(Listening.arguments(options(interfaces: {:except, ["lo"]}), []), -2)
  end

  test "the secrets go first, the one that seals before the others, and nothing shows them" do
    options = Options.validate!(secret: [@secret, :cookie, {:key, String.duplicate("k", 32)}])
    head = Listening.head(keys(options, "ABC"), %{size: {80, 24}})
    refute inspect(head) =~ "636F"

    assert Hidden.unwrap(head) ==
             "passphrase #{Base.encode16("correct horse")}\ncookie 414243\n" <>
               "key #{String.duplicate("6B", 32)}\nsize 80 24\n\n"

    assert Hidden.unwrap(Listening.head(keys(options([])), %{size: nil})) =~ ~r/\nsize 0 0\n\n\z/
  end

  test "what it says comes here, keys go there, and its exit status is told" do
    path =
      program("""
      read -r secret; read -r size; read -r empty
      [ "$secret" = "passphrase #{Base.encode16("correct horse")}" ] && [ "$size$empty" = "size 0 0" ] || exit 9
      printf '%s \\303' "$*"; sleep 0.1; printf '\\251\\n'
      [ "$(dd bs=1 count=1 2>/dev/null)" = q ] && exit 7
      """)

    options = options(sidecar: path)

    text =
      capture_io("q", fn ->
        assert {:ok, 7} = Listening.run(options, keys(options), once: true)
      end)

    assert text =~ ~r/\Awatch --pipe .* --once é\n\z/
    refute text =~ "correct"
  end

  test "what is no program is told" do
    options = options(sidecar: "/nowhere/gossipd")
    assert {:error, text} = Listening.run(options, keys(options), [])
    assert text =~ "is missing: run `mix compile`"
  end
end
