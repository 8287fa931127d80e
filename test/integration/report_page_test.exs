defmodule GossipCluster.Integration.ReportPageTest do
  # The report as a browser shows it: light and dark, from 320 to 1,600 pixels wide.
  use ExUnit.Case, async: true

  alias GossipCluster.SamplePicture

  @widths [320, 480, 800, 1200, 1600]

  @moduletag timeout: 120_000

  setup_all do
    chromium = System.find_executable("chromium") || System.find_executable("chromium-browser")
    assert chromium, "this test needs chromium; bin/setup installs it"
    dir = Path.join(System.tmp_dir!(), "gossip-page-#{System.pid()}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    {:ok, chromium: chromium, dir: dir}
  end

  defp browse(file, %{chromium: chromium, dir: dir}, dark, width \\ 1_600) do
    scheme = if dark, do: "0", else: "1"

    {output, 0} =
      System.cmd(
        "timeout",
        ["60", chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] ++
          ["--user-data-dir=#{dir}/profile", "--blink-settings=preferredColorScheme=#{scheme}"] ++
          ["--window-size=#{width},900", "--enable-logging=stderr", "--virtual-time-budget=5000"] ++
          ["--dump-dom", "file://" <> file],
        stderr_to_stdout: true
      )

    output
  end

  # The page itself, in frames: its own policy holds there, too.
  defp looked(page, %{dir: dir} = context, dark) do
    quoted = page |> String.replace("&", "&amp;") |> String.replace("\"", "&quot;")

    frames =
      for width <- @widths,
          do:
            "<iframe width=\"#{width}\" height=\"900\" style=\"border:0\" srcdoc=\"#{quoted}\"></iframe>"

    check = File.read!("test/support/page_check.js")
    file = Path.join(dir, "look.html")

    File.write!(file, [
      "<!doctype html><meta charset=\"utf-8\"><script>#{check}</script><body>",
      frames
    ])

    output = browse(file, context, dark)
    assert [_all, said] = Regex.run(~r/<body>(LOOKED [^<]*)<\/body>/, output), output

    # The browser's own pages (chrome://) speak there, too: that their fonts are slow to load on a busy machine.
    lines = for line <- String.split(output, "\n"), line =~ "CONSOLE", do: line
    {said, Enum.reject(lines, &(&1 =~ ~r{source: chrome://\S+ \(\d+\)$}))}
  end

  test "nothing is too wide, too pale, without a name or out of reach, and nothing is asked for",
       context do
    for dark <- [false, true] do
      scheme = if dark, do: "dark", else: "light"
      assert {said, []} = looked(SamplePicture.page(), context, dark)
      assert said == "LOOKED #{scheme} #{length(@widths)} []"
    end
  end

  # axe-core in the page, which forbids any script: so without that policy. What it found; and that it has looked.
  defp judged(page, axe, %{dir: dir} = context, dark, width) do
    policy = ~r/<meta http-equiv="Content-Security-Policy"[^>]*>/
    assert page =~ policy
    file = Path.join(dir, "axe.html")

    run = """
    <script>#{File.read!(axe)}</script><script>
    axe.run(document).then(found => document.body.textContent = "JUDGED " + (found.passes.length > 10) + " " +
      innerWidth + JSON.stringify(found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 80)])));
    </script></body>
    """

    File.write!(file, page |> String.replace(policy, "") |> String.replace("</body>", run))
    output = browse(file, context, dark, width)
    assert [_all, said] = Regex.run(~r/<body>JUDGED true ([^<]*)<\/body>/, output), output
    said
  end

  {said, status} = System.cmd(Path.expand("bin/axe-core"), ["--cached"], stderr_to_stdout: true)
  @axe String.trim(said)

  if status != 0 do
    IO.puts("NOT RUN: axe-core does not look at the report's page. " <> said)
    @tag skip: @axe
  end

  test "axe-core finds nothing in it, and finds what is planted", context do
    for dark <- [false, true], width <- [500, 1600] do
      assert judged(SamplePicture.page(), @axe, context, dark, width) == "#{width}[]"
    end

    pale = String.replace(SamplePicture.page(), "--dim: #59636e", "--dim: #c0c8d0")
    assert judged(pale, @axe, context, false, 1600) =~ "color-contrast"
  end

  test "what is wrong with a page is seen", context do
    page =
      SamplePicture.page()
      |> String.replace("--dim: #59636e", "--dim: #c0c8d0")
      |> String.replace(
        "</main>",
        "<h4>x</h4><div style=\"width:900px\">wide</div><script>1</script></main>"
      )

    assert {said, console} = looked(page, context, false)
    for what <- ["320: it is 9", "contrast 1.", "what may ask"], do: assert(said =~ what, said)
    # Its policy forbids the script, and the browser says so.
    assert Enum.any?(console, &(&1 =~ "Content Security Policy"))
  end
end
