defmodule GossipCluster.CompatTest do
  use ExUnit.Case, async: true

  alias GossipCluster.{Compat, Hidden, Options}

  test "alone it is what libcluster has by default" do
    for given <- [:libcluster, [:libcluster], [libcluster: []]] do
      assert Compat.new(given) ==
               {:ok, %{group: "233.252.1.32", port: 45_892, ttl: 1, secret: nil}}
    end

    assert Compat.new(nil) == {:ok, nil}
  end

  test "the keys are those of libcluster's Gossip strategy" do
    for address <- ["230.1.1.251", ~c"230.1.1.251", {230, 1, 1, 251}] do
      options = [port: 4000, multicast_addr: address, multicast_ttl: 3, secret: "hush"]
      {:ok, compat} = Compat.new(libcluster: options)
      assert %{group: "230.1.1.251", port: 4000, ttl: 3} = compat
      assert Hidden.unwrap(compat.secret) == "hush"
    end

    # It takes any text for a secret.
    assert {:ok, %{secret: %Hidden{}}} = Compat.new(libcluster: [secret: ""])
  end

  test "what is wrong is said, and never the secret" do
    for {given, word} <- [
          {:libclusters, ":libclusters"},
          {"libcluster", "something else"},
          {[libcluster: :on], "no keyword list"},
          {[libcluster: [port: 0, secret: "hush!"]], "given port: 0"},
          {[libcluster: [port: "45892"]], "given port: \"45892\""},
          {[libcluster: [multicast_ttl: 256]], "given multicast_ttl: 256"},
          {[libcluster: [multicast_addr: "10.0.0.1"]], "given multicast_addr: \"10.0.0.1\""},
          {[libcluster: [multicast_addr: {224, 0, 0, 256}]], "given multicast_addr"},
          {[libcluster: [multicast_addr: :any]], "given multicast_addr: :any"},
          {[libcluster: [multicast_addr: [1_000_000]]], "given multicast_addr"},
          {[libcluster: [secret: {:passphrase, "hush!"}]], "secret: something that is no binary"},
          {[libcluster: [secret: String.duplicate("hush!", 20_000)]], "a text of 100000 bytes"},
          {[libcluster: [if_addr: "0.0.0.0"]], "the option interfaces says"},
          {[libcluster: [broadcast_only: true]], "there is multicast alone"},
          {[libcluster: [sercet: "hush!"]], "given :sercet"}
        ] do
      error =
        assert_raise ArgumentError, ~r/option :compat is /, fn ->
          Options.validate!(Options.hide_secret(compat: given))
        end

      assert error.message =~ word
      assert error.message =~ "nil, :libcluster, or [libcluster: options]"
      refute error.message =~ "hush!"
    end
  end

  test "the secret stands in no child specification, and in no options" do
    given = [compat: [libcluster: [secret: "hush! a secret"]]]
    specification = GossipCluster.child_spec(given)
    checked = Options.validate!(Options.hide_secret(given))

    for term <- [specification, checked],
        shown <- [inspect(term, limit: :infinity), erlang(term)] do
      refute shown =~ "hush!"
    end

    assert Compat.command(checked.compat, :none) ==
             {:compat, %{group: "233.252.1.32", port: 45_892, ttl: 1, secret: :none}}
  end

  defp erlang(term), do: List.to_string(:io_lib.format("~p", [term]))
end
