defmodule GossipCluster.PicturesTest do
  # The pictures of the README are what bin/make-pictures makes, and show themselves: nothing else is fetched for them.
  use ExUnit.Case, async: true

  @pictures Path.wildcard("assets/*.svg")

  # What it shows, and is well-formed: Debian's Python has a parser of XML at hand.
  defp texts(picture) do
    code = """
    import sys, xml.etree.ElementTree as tree
    for row in tree.parse(sys.argv[1]).getroot().iter('{http://www.w3.org/2000/svg}g'):
        print(''.join(t.text or '' for t in row.findall('{http://www.w3.org/2000/svg}text')))
    """

    {output, 0} = System.cmd("/usr/bin/python3", ["-c", code, picture], stderr_to_stdout: true)
    String.split(output, "\n")
  end

  test "the way of the data is drawn from its description" do
    dir = Path.join(System.tmp_dir!(), "gossip-pictures-#{System.unique_integer([:positive])}")
    File.mkdir!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)

    {_output, 0} =
      System.cmd(Path.expand("bin/make-pictures"), ["--to", dir, "way"],
        env: [{"PYTHONDONTWRITEBYTECODE", "1"}]
      )

    assert File.read!(Path.join(dir, "way.svg")) == File.read!("assets/way.svg")
  end

  test "the recording shows both nodes meet, and what the README says to type" do
    texts = texts("assets/terminal.svg")
    [screen | _] = String.split(File.read!("README.md"), "\n## ")

    for {host, node} <- [{"h1", "a"}, {"h2", "b"}] do
      [command] = Regex.run(~r/^    (iex --sname #{node} .*)$/m, screen, capture: :all_but_first)
      assert "#{host}$ #{command}" in texts
    end

    for [_, call] <- Regex.scan(~r/^((?:Node|GossipCluster)\.\w+\(\))  /m, screen),
        do: assert(Enum.any?(texts, &String.ends_with?(&1, call)), call)

    for line <- [
          ~S(found :"a@h1" at ),
          ~S(found :"b@h2" at ),
          ~S(NODEUP :"a@h1"),
          ~S(NODEUP :"b@h2"),
          ~S(lost :"b@h2")
        ],
        do: assert(Enum.any?(texts, &(&1 =~ line)), line)
  end

  test "they are for light and dark, for those who want no motion, and fetch nothing" do
    assert length(@pictures) == 2

    for picture <- @pictures, text = File.read!(picture) do
      assert text =~ "prefers-color-scheme: dark"
      assert text =~ ~r/role="img" aria-label="[^"]{20,}"/
      refute text =~ ~r/href|@import|<script|<image|url\((?!#)/
      if text =~ "animation:", do: assert(text =~ "prefers-reduced-motion: no-preference")
      assert File.read!("README.md") =~ "](#{picture})"
      assert byte_size(text) < 100_000
    end
  end
end
