defmodule GossipCluster.SecretTest do
  use ExUnit.Case, async: true

  alias GossipCluster.{Hidden, Secret}

  defp keys(ring, cookie), do: Hidden.unwrap(Secret.keys(ring, cookie && Hidden.wrap(cookie)))

  test "the cookie is put in its place" do
    {:ok, ring} = Secret.resolve([:cookie, {:passphrase, "12345678"}])
    assert Secret.needs_cookie?(ring)
    assert keys(ring, "monster") == [cookie: "monster", passphrase: "12345678"]
    assert Secret.keys(ring, nil) == nil

    {:ok, ring} = Secret.resolve({:passphrase, "12345678"})
    refute Secret.needs_cookie?(ring)
    assert keys(ring, nil) == [passphrase: "12345678"]
  end

  test "an Erlang string is a text, and the same one" do
    {:ok, binary} = Secret.resolve({:passphrase, "größer als acht"})

    for given <- [{:passphrase, ~c"größer als acht"}, [{:passphrase, ~c"größer als acht"}]] do
      assert {:ok, string} = Secret.resolve(given)
      assert Hidden.same?(string, binary)
    end

    assert {:error, _allowed, given} = Secret.resolve({:passphrase, [0xD800 | ~c"12345678"]})
    assert given == "{:passphrase, something that is no binary}"
  end

  test "what is hidden prints as nothing, in Elixir and in Erlang" do
    for hide <- [&Secret.hide/1, fn secret -> elem(Secret.resolve(secret), 1) end] do
      hidden = hide.({:passphrase, "hunter2hunter2"})
      refute inspect(hidden, limit: :infinity) =~ "hunter2"

      for format <- ["~p", "~w"],
          do: refute(to_string(:io_lib.format(format, [hidden])) =~ "hunter2")
    end
  end
end
