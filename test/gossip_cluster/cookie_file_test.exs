defmodule GossipCluster.CookieFileTest do
  # That nodes have it from there: release_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.CookieFile

  setup do
    dir = Path.join(System.tmp_dir!(), "gossip-cookie-file-#{System.pid()}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    %{dir: dir}
  end

  defp read(dir, content) do
    path = Path.join(dir, "cookie")
    File.write!(path, content)
    CookieFile.read(to_charlist(path))
  end

  test "the cookie of a file, without the white space around it", %{dir: dir} do
    long = String.duplicate("c", 255)

    for {content, cookie} <- [
          {"chocolate", "chocolate"},
          {"\n chocolate chip \r\n\n", "chocolate chip"},
          {long <> "\n", long}
        ],
        do: assert(read(dir, content) == {:ok, String.to_atom(cookie)})
  end

  test "what is no cookie is told without a word of it", %{dir: dir} do
    for {content, why} <- [
          {"", "it is empty"},
          {" \n", "it is empty"},
          {String.duplicate("c", 256), "it is longer than 255 characters"},
          {String.duplicate("c", 100_000), "it is longer than 255 characters"},
          {"choco\nlate", "it has other characters than printable ones of ASCII"},
          {"chocolaté", "it has other characters than printable ones of ASCII"},
          {<<"choco", 0>>, "it has other characters than printable ones of ASCII"}
        ] do
      assert {:error, said} = read(dir, content)
      assert to_string(said) == why
    end

    missing = to_charlist(Path.join(dir, "missing"))
    assert {:error, said} = CookieFile.read(missing)
    assert to_string(said) =~ "no such file"
    assert {:error, _said} = CookieFile.read(to_charlist(dir))
  end
end
