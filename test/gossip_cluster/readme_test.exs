defmodule GossipCluster.ReadmeTest do
  # The documents say what the code does: options, events, functions, and every line that can be logged.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.Mends
  alias GossipCluster.{DoctorCauses, LogLines, Options}

  @root Path.expand("../..", __DIR__)
  @guides Path.wildcard(Path.join(@root, "guides/*.md"))
  @documents Path.wildcard(Path.join(@root, "*.md")) ++
               @guides ++ Path.wildcard(Path.join(@root, "examples/*/README.md"))

  defp read(path), do: File.read!(Path.expand(path, @root))
  defp squeeze(text), do: LogLines.squeeze(text)

  describe "the README" do
    test "is short, and its first screen has a block of code, two commands, and what to type next" do
      readme = read("README.md")
      # The bars of a table are no words.
      assert readme |> String.split() |> Enum.count(&(&1 =~ ~r/\w/)) <= 1_150

      [screen | _] = String.split(readme, "\n## ")
      assert screen =~ ~r/```elixir\n.*GossipCluster\n.*```/s

      for name <- ~w(a b),
          do: assert(screen =~ "    iex --sname #{name} --cookie cookie -S mix\n")

      assert screen =~ "\nNode.list() " and screen =~ "\nGossipCluster.peers() "
      assert length(String.split(screen, "\n")) < 60
    end

    test "leads to every guide" do
      [_, index] = String.split(read("README.md"), "\n## Guides\n")

      for guide <- @guides,
          path = "guides/" <> Path.basename(guide),
          do: assert(index =~ "](#{path})", "the README does not lead to #{path}")
    end
  end

  describe "the guides" do
    test "show the bytes of libcluster's wire" do
      [_, hex] =
        Regex.run(
          ~r/`a@h` is\n\n```text\n([0-9a-f ]+)\n/,
          read("guides/migrating-from-libcluster.md")
        )

      "heartbeat::" <> term = hex |> String.replace(" ", "") |> Base.decode16!(case: :lower)
      assert :erlang.binary_to_term(term) == %{node: :a@h}
    end

    test "list every option with its default, and no other" do
      documented =
        for [_, name, default] <-
              Regex.scan(~r/^  \* `:(\w+)` - .*Default: `(.*)`\.$/m, Options.docs()),
            do: {name, default}

      [_, section] = String.split(read("guides/options.md"), "\n## All options\n")
      [section | _] = String.split(section, "\n## ")

      listed =
        for [_, name, default] <- Regex.scan(~r/^\| `(\w+)` \| `(.*?)` \| ./m, section),
            do: {name, default}

      assert length(documented) > 10
      assert Enum.sort(listed) == Enum.sort(documented)
    end

    test "name every function of the API" do
      guide = read("guides/functions.md")

      for {name, _arity} <- GossipCluster.__info__(:functions) do
        assert guide =~ ~r/GossipCluster'?[.:]#{name}\(/, "the guide does not call #{name}"
      end
    end

    test "name every event" do
      {:ok, types} = Code.Typespec.fetch_types(GossipCluster)
      events = for {:type, {:event, {:type, _, :union, events}, []}} <- types, e <- events, do: e
      kinds = for {:type, _, :tuple, [{:atom, _, kind} | _]} <- events, do: kind
      assert :up in kinds and :down in kinds

      for kind <- kinds, do: assert(read("guides/functions.md") =~ "| `{#{inspect(kind)}, ")
    end

    test "say what CI runs, and every variable that this repository's configuration reads" do
      contributing = read("CONTRIBUTING.md")
      texts = Enum.map_join(@documents, "\n", &read/1)

      for script <- ~w(bin/demo bin/test bin/test-compat bin/test-container),
          do: assert(texts =~ "`#{script}" or texts =~ "    #{script} ")

      run = for [_, script] <- Regex.scan(~r/^(bin\/[\w-]+)/m, read(".ci/run")), do: "`#{script}`"
      assert contributing =~ "`.ci/run` runs #{Enum.join(run, " and ")}."

      variables = Regex.scan(~r/GOSSIP_\w+/, read("config/runtime.exs"))

      for [variable] <- variables,
          do: assert(texts =~ variable, "#{variable} is explained nowhere")

      # How to turn them on in `iex -S mix`.
      assert read("guides/start.md") =~ "`GOSSIP_LOG_HEARTBEATS=true` in front of it"
    end

    test "name the packages that building needs as `mix compile` does where one is missing" do
      [needs, _libcrypto] = String.split(read("cmake/needs.txt"), "\n\nFor libcluster's secret")
      [_, packages] = String.split(needs, ":\n\n")
      assert packages =~ "Debian, Ubuntu  apt-get install"
      assert read("guides/start.md") =~ packages
    end

    # As intervals_test has it for the C side.
    test "say of the interval that it is the longest time between two beats, as the documentation does" do
      for text <- [read("guides/options.md"), Options.docs()] do
        assert squeeze(text) =~ "the longest time between two heartbeats"
        refute squeeze(text) =~ "shortest time between"
      end
    end

    test "link to files that exist" do
      for file <- @documents,
          text = read(file),
          [_, target] <- Regex.scan(~r/\]\(([^)#]+)(?:#[^)]*)?\)/, text),
          not String.starts_with?(target, "http") do
        path = Path.expand(target, Path.dirname(Path.expand(file, @root)))
        assert File.exists?(path), "#{Path.basename(file)} links to #{target}"
      end
    end
  end

  test "guides/architecture.md names every source file, and no other" do
    guide = read("guides/architecture.md")

    named =
      for [_, path] <- Regex.scan(~r/`([\w\/.]+\.(?:c|ex))`/, guide), do: Path.basename(path)

    sources =
      for pattern <- ["lib/**/*.ex", "priv_src/**/*.c"],
          path <- Path.wildcard(Path.join(@root, pattern)),
          do: {Path.relative_to(path, @root), Path.basename(path)}

    # A folder of small things is one line.
    folders = for [_, folder] <- Regex.scan(~r/`(\w+\/)`/, guide), do: folder

    missing =
      for {path, name} <- sources,
          name not in named and not String.starts_with?(path, "priv_src/core/kit/"),
          (Path.basename(Path.dirname(path)) <> "/") not in folders,
          do: path

    assert missing == []
    assert Enum.uniq(named) -- Enum.map(sources, &elem(&1, 1)) == []
  end

  describe "the library's floors in guides/architecture.md" do
    # In order: the row, the file's path within lib/gossip_cluster, and what is said of it.
    defp floors do
      [_, table] =
        String.split(read("guides/architecture.md"), "| File of `lib/gossip_cluster/` |")

      [table | _] = String.split(table, "\n\n")
      rows = table |> String.split("\n") |> Enum.drop(2) |> Enum.with_index()

      for {row, place} <- rows,
          [files, what] = String.split(row, "|", trim: true, parts: 2),
          {file, n} <- Enum.with_index(Regex.scan(~r/`([^`]+)`/, files, capture: :all_but_first)),
          do: {place, path(file, files, n), what}
    end

    # The second of a row may stand without the folder of the first.
    defp path([file], files, n) do
      [_, first] = Regex.run(~r/`([^`]+)`/, files)
      beside = Path.join(Path.dirname(first), file)
      lib = Path.join(@root, "lib/gossip_cluster")

      path = if n > 0 and File.exists?(Path.join(lib, beside)), do: beside, else: file
      lib |> Path.join(path) |> Path.expand() |> Path.relative_to(@root)
    end

    # What a module calls; what it only names in a type is no call.
    defp calls do
      {:ok, modules} = :application.get_key(:gossip_cluster, :modules)

      for module <- modules, into: %{} do
        {:ok, {^module, [compile_info: info, imports: imports]}} =
          :beam_lib.chunks(:code.which(module), [:compile_info, :imports])

        file = Path.relative_to(to_string(info[:source]), @root)
        {module, {file, for({called, _, _} <- imports, uniq: true, do: called)}}
      end
    end

    test "have each file call only what stands below it" do
      places = Map.new(floors(), fn {place, path, _what} -> {path, place} end)
      calls = calls()

      steps =
        for {_module, {file, called}} <- calls,
            is_map_key(places, file),
            module <- called,
            {to, _} <- List.wrap(calls[module]),
            to != file and is_map_key(places, to),
            uniq: true,
            do: {file, to}

      assert length(steps) > 100
      assert for({file, to} <- steps, places[to] < places[file], do: "#{file} calls #{to}") == []
    end

    test "have for each pure file one of tests that needs no process" do
      pure = for {_place, path, what} <- floors(), what =~ ~r/^ *pure:/, do: path
      assert length(pure) > 25

      untested =
        for path <- pure,
            test =
              path |> String.replace(~r/^lib/, "test") |> String.replace(~r/\.ex$/, "_test.exs"),
            not File.exists?(Path.join(@root, test)) or
              not (read(test) =~ "use ExUnit.Case, async: true"),
            do: path

      assert untested == []
    end
  end

  test "SECURITY.md names tests that exist" do
    tests =
      for pattern <- ["test/**/*.{exs,c,py}"],
          path <- Path.wildcard(Path.join(@root, pattern)),
          do: {Path.basename(path), File.read!(path)}

    # The last cell of each row: a file, a C function, a Python class.
    named =
      for row <- String.split(read("SECURITY.md"), "\n"),
          String.starts_with?(row, "|"),
          cell = row |> String.split(" | ") |> List.last(),
          [_, name] <- Regex.scan(~r/`([^`]+)`/, cell),
          do: name

    assert length(named) > 30

    missing =
      Enum.reject(named, fn name ->
        Enum.any?(tests, fn {file, text} ->
          file == name or text =~ "NET_TEST(#{name})" or text =~ "unit_test(#{name})" or
            text =~ "class #{name}("
        end)
      end)

    assert missing == []

    # And each file of attacks has a row that it shows.
    attacks = for {"attack_" <> _ = file, text} <- tests, file =~ "_test.c", do: {file, text}
    assert length(attacks) > 10

    unnamed =
      Enum.reject(attacks, fn {file, text} ->
        file in named or Enum.any?(named, &(text =~ "(#{&1})"))
      end)

    assert for({file, _text} <- unnamed, do: file) == []
  end

  test "links lead to headings that exist" do
    links =
      for file <- @documents,
          [_, target, anchor] <- Regex.scan(~r/\]\(([^)#]*)#([^)]+)\)/, read(file)),
          not String.starts_with?(target, "http") do
        path = Path.expand(file, @root)
        path = if target == "", do: path, else: Path.expand(target, Path.dirname(path))

        assert anchor in anchors(File.read!(path)),
               "#{Path.basename(file)} links to #{target}##{anchor}"
      end

    assert length(links) > 10
  end

  # As GitHub and ex_doc make them of headings, outside of code.
  defp anchors(text) do
    text = Regex.replace(~r/^```.*?^```/ms, text, "")

    for [_, heading] <- Regex.scan(~r/^#+ (.+)$/m, text) do
      heading
      |> String.downcase()
      |> String.replace(~r/[^\p{L}\p{N} _-]/u, "")
      |> String.replace(" ", "-")
    end
  end

  describe "guides/troubleshooting.md" do
    test "quotes only lines that the code can write" do
      sources = Enum.join(LogLines.elixir() ++ LogLines.literals_of_c(), "\n")

      parts = for line <- quoted(), part <- parts(line, ["...", ": "]), do: part
      assert length(parts) > 40
      assert Enum.reject(parts, &String.contains?(sources, &1)) == []
    end

    test "lists every cause that the doctor can name, each with its mend, and no other" do
      [_, table] = String.split(read("guides/troubleshooting.md"), "\n## Causes\n")
      [table, _] = String.split(table, "\n# Every line\n")

      rows =
        for [_, what, level, mend] <-
              Regex.scan(~r/^\| `(\w+)` \| ([a-z ]+) \| .+ \| (.+) \|$/m, table),
            do: {String.to_atom(what), level, mend}

      listed = for {what, _level, _mend} <- rows, do: what
      assert Enum.sort(listed) == Enum.sort(DoctorCauses.hosts() ++ DoctorCauses.facts())

      for {what, level, mend} <- rows do
        assert level in ["broken", "warning", "broken or warning"]
        assert mend == (Mends.default(what) || mend)
      end

      # Whatever the doctor may call a cause is an atom of these files, or what the library calls it itself.
      sources =
        Enum.map_join(~w(findings peer_findings tls_findings code), fn file ->
          read("lib/gossip_cluster/doctor/#{file}.ex")
        end)

      named =
        for [_, what] <- Regex.scan(~r/:(?:broken|warning),\s+:(?!warning)(\w+)/, sources),
            do: what

      assert length(named) > 25
      assert Enum.uniq(named) -- Enum.map(listed, &to_string/1) == []
    end

    test "explains every line that the sidecar can write" do
      assert_explained(LogLines.c())
    end

    test "explains every line that the Elixir side can write" do
      assert_explained(LogLines.elixir())
    end
  end

  describe "guides/networks.md" do
    test "quotes only options, and fields of a peer, that there are" do
      options = for [_, name] <- Regex.scan(~r/^  \* `:(\w+)` - /m, Options.docs()), do: name

      fields =
        for {field, _} <- Map.from_struct(GossipCluster.Peer.__struct__()), do: to_string(field)

      names = options ++ fields

      quoted =
        for [_, name] <- Regex.scan(~r/`([a-z]\w*): /, read("guides/networks.md")), do: name

      quoted = Enum.reject(quoted, &(&1 =~ ~r/[A-Z]/ or &1 in ~w(network_mode)))
      assert length(quoted) > 10
      assert Enum.uniq(quoted) -- names == []
    end
  end

  # The first cell of each row, and what a paragraph begins with.
  defp quoted do
    [_, lines] = String.split(read("guides/troubleshooting.md"), "\n# Every line\n")
    [lines, _] = String.split(lines, "\n## Wrong options\n")

    for row <- String.split(lines, "\n"),
        cell = row |> String.split(" | ") |> hd(),
        [_, text] <- Regex.scan(~r/`([^`]+)`/, cell),
        do: text
  end

  defp assert_explained(texts) do
    guide = squeeze(read("guides/troubleshooting.md"))
    assert length(texts) > 20

    parts = for text <- texts, part <- parts(text, "\0"), do: part
    assert Enum.reject(parts, &String.contains?(guide, &1)) == []
  end

  # What is constant in a text; three words and more, for less is found everywhere.
  defp parts(text, varies) do
    for part <- String.split(text, varies),
        part = String.replace(part, ~r/^\W+|\W+$/, ""),
        part =~ ~r/[a-z]+\W+[a-z]+\W+[a-z]+/,
        do: part
  end
end
