defmodule GossipCluster.Screen.GraphTest do
  # The graph, its three forms, and the report: what is shown, and what cannot be smuggled in.
  use ExUnit.Case, async: true

  alias GossipCluster.SamplePicture
  alias GossipCluster.Screen.{Drawing, Graph, Html}

  doctest GossipCluster.Screen.Drawing

  test "one graph of what each node sees; of whom nobody was asked there is one side" do
    graph = SamplePicture.graph()
    assert length(graph.nodes) == 8
    assert [%{name: "shop5@10.0.0.5", asked: true}] = Enum.filter(graph.nodes, & &1.own)
    assert %{asked: true} = Enum.find(graph.nodes, &(&1.name == "shop6@10.0.0.6"))

    assert %{asked: false, status: "suspect"} =
             Enum.find(graph.nodes, &(&1.name == "shop8@10.0.0.8"))

    pairs = Map.new(Graph.pairs(graph), fn {names, ab, ba} -> {names, {ab, ba}} end)

    assert {%{heard: true, link: "eth0"}, %{heard: true}} =
             pairs[{"shop5@10.0.0.5", "shop6@10.0.0.6"}]

    assert {%{heard: true}, nil} = pairs[{"shop5@10.0.0.5", "shop7@10.0.0.7"}]
    assert {%{heard: false}, nil} = pairs[{"shop6@10.0.0.6", "shop8@10.0.0.8"}]
    # Each pair once.
    assert length(Graph.pairs(graph)) == map_size(pairs)

    assert Graph.label(%{link: "eth0", round_trip: nil}, %{link: "eth1", round_trip: 340}) ==
             "eth0–eth1, 0.34 ms"
  end

  test "what another node says twice, or of itself again, changes nothing" do
    own = Graph.sight(SamplePicture.picture())
    assert Graph.build(own, [own]) == Graph.build(own, [])
  end

  test "Mermaid: arrows by who hears, lines by who is connected, entities for what means something" do
    text = Drawing.mermaid(SamplePicture.graph())
    assert "graph LR\n" <> _ = text
    assert text =~ ~r/n2 <-->\|"eth0, 0.42 ms"\| n3/
    assert text =~ ~r/n2 -\.->\|"eth0, 0.53 ms"\| n6/
    assert text =~ ~s(n2["shop5@10.0.0.5"]:::own)
    assert text =~ "#60;script#62;"
    refute text =~ "<script" or text =~ "\e"

    for line <- String.split(text, "\n"), line =~ "n0[" do
      assert [inside] = Regex.run(~r/\A  n0\["(.*)"\]\z/, line, capture: :all_but_first)
      refute inside =~ ~r/["\[\]]/
    end
  end

  test "DOT: quoted" do
    text = Drawing.dot(SamplePicture.graph())
    assert text =~ ~S(n2 [label="shop5@10.0.0.5", penwidth=3];)
    assert text =~ ~S(n2 -> n3 [label="eth0, 0.42 ms", style=solid, dir=both];)
    assert text =~ ~S(</script>\"'&)
    backslash = Graph.build(%{node: "a\\\"@h", health: "ok", peers: []}, [])
    assert Drawing.dot(backslash) =~ ~S([label="a\\\"@h", penwidth=3])
  end

  test "SVG and report are well-formed, whatever comes from the network" do
    svg = Drawing.svg(SamplePicture.graph())
    assert open(svg) == []
    assert open(Drawing.svg(Graph.build(%{node: "a@h", health: "ok", peers: []}, []))) == []

    page = SamplePicture.page()
    for text <- [svg, page], do: refute(text =~ ~r/<script|\e|\x{202E}/u)
    # Nowhere outside of a text: as an attribute it would be cut at a quote.
    refute page =~ "alert(1)&lt;/script&gt;\"'"
    assert length(String.split(page, "&lt;script&gt;")) > 6

    # It asks for nothing.
    refute Regex.replace(~r/xmlns="[^"]*"/, page, "") =~ ~r/https?:|url\((?!#)|@import|src=|href=/
    assert page =~ "default-src 'none'"
  end

  # All boxes of a graph of any size are apart, and inside.
  test "no box lies upon another" do
    for count <- [1, 2, 3, 8, 20, 40] do
      peers = for n <- 1..count//1, do: SamplePicture.peer(100 + n)
      svg = peers |> SamplePicture.picture() |> Graph.sight() |> Graph.build([]) |> Drawing.svg()

      [width, height] =
        Regex.run(~r/viewBox="0 0 (\d+) (\d+)"/, svg, capture: :all_but_first)
        |> Enum.map(&String.to_integer/1)

      boxes =
        for [x, y, w] <-
              Regex.scan(
                ~r/<rect class="node[^"]*" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/,
                svg,
                capture: :all_but_first
              ),
            do: Enum.map([x, y, w], &String.to_float/1)

      assert length(boxes) == count + 1

      for [x, y, w] <- boxes,
          do: assert(x >= 0 and y >= 0 and x + w <= width and y + 28 <= height)

      for {[x, y, w], n} <- Enum.with_index(boxes),
          {[x2, y2, w2], m} <- Enum.with_index(boxes),
          n < m do
        assert x + w <= x2 or x2 + w2 <= x or y + 28 <= y2 or y2 + 28 <= y,
               "#{count}: #{n} and #{m}"
      end
    end
  end

  test "an empty report says so" do
    page =
      Html.page(
        SamplePicture.picture([]),
        Graph.build(%{node: "a@h", health: "ok", peers: []}, []),
        [],
        []
      )

    assert page =~ "<p>None.</p>" and page =~ "Nothing, since this cluster was started."
  end

  # An SVG is XML: what stands between its tags is no tag, and has no bare &. Which of them are not closed.
  defp open(svg) do
    for text <- Regex.split(~r/<[^<>]*>/, svg) do
      refute text =~ ~r/[<>]/
      refute text =~ ~r/&(?!(lt|gt|amp|quot|#39);)/
    end

    for [_all, close, name, rest] <- Regex.scan(~r/<(\/?)(\w+)([^<>]*)>/, svg), reduce: [] do
      [^name | open] when close == "/" -> open
      open when close == "" -> if String.ends_with?(rest, "/"), do: open, else: [name | open]
      open -> ["/" <> name | open]
    end
  end
end
