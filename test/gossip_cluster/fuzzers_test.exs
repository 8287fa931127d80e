defmodule GossipCluster.FuzzersTest do
  # Whatever the C sources read has a fuzzer. What reads is told by its declaration: it takes bytes and their length, a
  # byte, or a program's arguments; and whether a fuzzer comes there by who names whom, as the sources are written.
  use ExUnit.Case, async: true

  @root Path.expand("../..", __DIR__)

  # They take such, too, and read nothing of it.
  @no_parsers %{
    "primitives_encrypt" => "seals",
    "primitives_sha256" => "hashes",
    "seal_close" => "seals",
    "keyring_scope" => "joins texts",
    "cbc_new" => "makes a key",
    "cbc_encrypt" => "seals",
    "cbc_decrypt" =>
      "deciphers whole blocks; what comes out is read by legacy_unpad and legacy_read",
    "links_send" => "sends",
    "legacy_udp_send" => "sends",
    "udp_send" => "sends",
    "udp_system_multicast" => "sends",
    "udp_system_multicast_many" => "sends",
    "udp_system_broadcast" => "sends",
    "udp_system_unicast" => "sends",
    "udp_taken" => "hands on what the kernel has written",
    "doctor_run" => "looks; arguments_read reads",
    "watch_run" => "the loop; arguments_read, secret_line, keys_take and listener_receive read"
  }

  @reads ~r/const (?:uint8_t|char) \*+\w+, size_t|uint8_t byte\b|char \*\*argv/
  @function ~r/^((?:[a-z]\w*[ \*]+)+)(\w+)\([^;{}]*\)\s*\{(.*?)^\}/ms
  # Of pointers to functions.
  @table ~r/^((?:[a-z]\w*[ \*]+)+)(\w+)(?:\[\w*\])? = \{(.*?)\};/ms

  defp sources(patterns) do
    for pattern <- patterns,
        path <- Path.wildcard(Path.join(@root, pattern)),
        do: {Path.relative_to(path, @root), path |> File.read!() |> bare()}
  end

  # Without comments and texts.
  defp bare(text) do
    text
    |> String.replace(~r{/\*.*?\*/|//[^\n]*}s, " ")
    |> String.replace(~r/"(?:\\.|[^"\\\n])*"/, "\"\"")
  end

  # What headers declare that reads: {name, header}.
  defp readers(headers) do
    for {path, text} <- headers,
        text = String.replace(text, ~r/\s+/, " "),
        [_, name, parameters] <- Regex.scan(~r/(\w+)\(((?:[^();]|\([^()]*\))*)\)\s*;/, text),
        parameters =~ @reads,
        do: {name, path}
  end

  # What each name stands for, and which names are in it: {file or :all, name} => [{file, names}].
  defp house(sources) do
    for {path, text} <- sources,
        kind <- [@function, @table],
        [_, before, name, body] <- Regex.scan(kind, text) do
      own? = before =~ ~r/\bstatic\b/ and Path.extname(path) == ".c"
      {{if(own?, do: path, else: :all), name}, {path, names(body)}}
    end
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
  end

  defp names(body), do: ~r/\b[a-z]\w*\b/ |> Regex.scan(body) |> List.flatten() |> Enum.uniq()

  # All that a file may come to from these names of it.
  defp reached(house, path, names), do: reach(house, for(name <- names, do: {path, name}), %{})

  defp reach(_house, [], seen), do: seen |> Map.keys() |> MapSet.new(&elem(&1, 1))

  defp reach(house, [{path, name} | more], seen) do
    key = if is_map_key(house, {path, name}), do: {path, name}, else: {:all, name}

    if is_map_key(seen, key) do
      reach(house, more, seen)
    else
      next = for {where, names} <- Map.get(house, key, []), name <- names, do: {where, name}
      reach(house, next ++ more, Map.put(seen, key, true))
    end
  end

  # By the name of each fuzzer, what it comes to.
  defp fuzzed do
    house =
      house(sources(["priv_src/**/*.[ch]", "test/c/support/*.[ch]", "test/c/fuzz/mutator.h"]))

    for {path, text} <- sources(["test/c/fuzz/*_fuzz.c"]), into: %{} do
      own = house([{path, text}])
      [{^path, entry}] = Map.fetch!(own, {:all, "LLVMFuzzerTestOneInput"})
      {Path.basename(path, "_fuzz.c"), reached(Map.merge(house, own), path, entry)}
    end
  end

  defp without_fuzzer(readers, fuzzed) do
    for {name, header} <- readers,
        not is_map_key(@no_parsers, name),
        not Enum.any?(fuzzed, fn {_fuzzer, reached} -> name in reached end),
        do: "#{name} (#{header})"
  end

  setup_all do: {:ok, readers: readers(sources(["priv_src/**/*.h"])), fuzzed: fuzzed()}

  test "what reads has a fuzzer", %{readers: readers, fuzzed: fuzzed} do
    assert without_fuzzer(readers, fuzzed) == []
    declared = MapSet.new(readers, &elem(&1, 0))

    # Or the list of what reads nothing grows old.
    assert Enum.reject(Map.keys(@no_parsers), &(&1 in declared)) == []
  end

  test "each fuzzer is in CONTRIBUTING.md, with the files that it reads by; and has a corpus",
       context do
    [table] =
      Regex.run(~r/\| What is read .*?\n\n/s, File.read!(Path.join(@root, "CONTRIBUTING.md")))

    named =
      for line <- String.split(table, "\n"),
          [_, name] <-
            Regex.scan(~r/`([a-z_]+)`/, List.last(String.split(line, "|", trim: true)) || ""),
          do: name

    assert Enum.sort(named) == Enum.sort(Map.keys(context.fuzzed))

    for [_, file] <- Regex.scan(~r{`((?:core|io|watch)/[^`]+)`}, table),
        do: assert(Path.wildcard(Path.join([@root, "priv_src", file])) != [], file)

    for name <- Map.keys(context.fuzzed),
        do: assert(File.ls!(Path.join([@root, "test/c/corpus", name])) != [], name)
  end

  # Or the first test could not fail.
  test "a reader without one is told", %{readers: readers, fuzzed: fuzzed} do
    for {fuzzer, lost} <- [
          watch:
            ~w(arguments_read keys_take secret_add secret_line primitives_read_hex primitives_read_base64),
          rtnetlink: ~w(rtnetlink_read),
          text: ~w(text_width text_cut text_json json_string table_line),
          filter: ~w(filter_refuses)
        ] do
      told = without_fuzzer(readers, Map.delete(fuzzed, Atom.to_string(fuzzer)))
      assert Enum.sort(lost) == told |> Enum.map(&hd(String.split(&1))) |> Enum.sort()
    end

    planted = [
      {"planted.h",
       "int planted_read(struct planted *p,\n    const uint8_t *data, size_t len);\n"}
    ]

    assert without_fuzzer(readers(planted), fuzzed) == ["planted_read (planted.h)"]
  end
end
