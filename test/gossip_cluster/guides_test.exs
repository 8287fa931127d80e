defmodule GossipCluster.GuidesTest do
  # Every block of code in the README and the guides is held to what there is: Elixir parses, calls functions that
  # exist and gives options that are taken; commands exist and take these switches; lines of the log can be written.
  use ExUnit.Case, async: true

  alias GossipCluster.{LogLines, Options, Strategy}

  @documents ["README.md", "CONTRIBUTING.md" | Path.wildcard("guides/*.md")]

  # What a reader brings along, or has from elsewhere.
  @readers ~w(apt-get apk brew bridge cd chmod chown cmake cp curl dnf docker elixir erl export git install ip iex kubectl
              mix oc openssl podman rebar3 runuser sysctl systemctl tcpdump xcode-select)

  # The blocks of a document: {language, line, text}. `nil` is a block by indentation; what belongs to an item of a list
  # is fenced.
  defp blocks(document) do
    document
    |> File.read!()
    |> String.split("\n")
    |> Enum.with_index(1)
    |> Enum.reduce({nil, []}, fn {text, line}, {open, found} ->
      case {Regex.run(~r/^ {0,4}```(\w*)$/, text), open, text} do
        {[_, _], {language, from, lines}, _} ->
          {nil, [{language, from, text(lines)} | found]}

        {[_, language], nil, _} ->
          {{language, line, []}, found}

        {nil, {language, from, lines}, _} ->
          {{language, from, [text | lines]}, found}

        {nil, nil, "    " <> text} ->
          {nil, indented(text, line, found)}

        {nil, nil, ""} ->
          {nil, if(goes_on?(line, found), do: indented("", line, found), else: found)}

        {nil, nil, _} ->
          {nil, found}
      end
    end)
    |> then(fn {nil, found} -> Enum.reverse(found) end)
  end

  defp text(lines), do: lines |> Enum.reverse() |> Enum.join("\n")

  # An empty line does not end a block.
  defp indented(text, line, [{nil, from, before} | others] = found) do
    if goes_on?(line, found),
      do: [{nil, from, before <> "\n" <> text} | others],
      else: [{nil, line, text} | found]
  end

  defp indented(text, line, found), do: [{nil, line, text} | found]

  defp goes_on?(line, [{nil, from, before} | _]),
    do: from + length(String.split(before, "\n")) == line

  defp goes_on?(_line, _found), do: false

  defp each(language) do
    for document <- @documents,
        {^language, line, text} <- blocks(document),
        do: {"#{document}:#{line}", text}
  end

  # YAML is looked at by Debian's parser of it.
  test "YAML parses" do
    code = "import sys, yaml; [list(yaml.safe_load_all(text)) for text in sys.argv[1:]]"
    texts = for {_where, text} <- each("yaml"), do: text
    assert length(texts) >= 2
    assert {"", 0} = System.cmd("/usr/bin/python3", ["-c", code | texts], stderr_to_stdout: true)

    # And lets in what the options use.
    options = Options.validate!([])
    {_first, last} = Options.unicast_port(options)
    rules = Regex.scan(~r/protocol: UDP, port: (\d+), endPort: (\d+)/, Enum.join(texts))
    assert length(rules) >= 2
    for [_, from, to] <- rules, do: assert({from, to} == {"#{options.port}", "#{last}"})
  end

  test "blocks of code are in a language that is looked at here" do
    languages = for document <- @documents, {language, _, _} <- blocks(document), do: language
    assert length(languages) > 60
    assert Enum.uniq(languages) -- [nil, "elixir", "erlang", "text", "yaml"] == []
  end

  test "lines have at most 120 characters, but for tables, addresses and what would not work on two lines" do
    long =
      for document <- @documents,
          {text, line} <-
            Enum.with_index(String.split(File.read!(document), "\n"), 1),
          String.length(text) > 120,
          not (text =~ ~r/^\||\]\(http|^ {4}.*-epmd_module |^ {4}\*\* \(|^#=> |^    \[\w+\] /),
          do: "#{document}:#{line}"

    assert long == []
  end

  describe "Elixir" do
    # A prompt, what IEx answers, and "..." for what is left out, are no code.
    defp code(text) do
      lines = String.split(text, "\n")

      lines =
        if Enum.any?(lines, &(&1 =~ ~r/^iex[^>]*> /)),
          do: for(line <- lines, line =~ ~r/^(iex|\.\.\.)[^>]*> /, do: line),
          else: lines

      lines
      |> Enum.map_join("\n", &Regex.replace(~r/^(iex|\.\.\.)[^>]*> /, &1, ""))
      |> String.replace(~r/\{:gossip_cluster, \.\.\.\}/, "{:gossip_cluster, []}")
      |> String.replace(~r/^\s*\.\.\.,?$/m, "")
      |> String.replace(~r/, \.\.\.(?=[\]}])/, "")
    end

    defp quoted do
      for {where, text} <- each("elixir") do
        case Code.string_to_quoted(code(text)) do
          {:ok, ast} -> {where, ast}
          {:error, error} -> flunk("#{where} is no Elixir: #{inspect(error)}")
        end
      end
    end

    defp all(ast, pick) do
      {_ast, found} =
        Macro.prewalk(ast, [], fn node, found ->
          case pick.(node) do
            nil -> {node, found}
            what -> {node, [what | found]}
          end
        end)

      found
    end

    test "parses, and calls only functions that there are" do
      calls =
        for {where, ast} <- quoted(),
            {module, function, arity} <- all(ast, &call/1),
            match?("Elixir.GossipCluster" <> _, to_string(module)) or
              module in [Node, Application, System, Process, Logger],
            do: {where, module, function, arity}

      assert length(calls) > 30

      for {where, module, function, arity} <- calls do
        assert Code.ensure_loaded?(module), "#{where}: there is no #{inspect(module)}"

        assert function_exported?(module, function, arity) or
                 macro_exported?(module, function, arity),
               "#{where}: there is no #{inspect(module)}.#{function}/#{arity}"
      end
    end

    defp call({{:., _, [{:__aliases__, _, parts}, function]}, _, arguments}),
      do: {Module.concat(parts), function, length(arguments)}

    defp call(_other), do: nil

    test "gives only options that are taken, with values that may be" do
      given =
        for {where, ast} <- quoted(),
            options <- Enum.concat(all(ast, &options/1)),
            do: {where, options}

      assert length(given) > 15
      known = Map.keys(Options.validate!([]))

      for {where, options} <- given do
        assert Keyword.keyword?(options), where
        assert Keyword.keys(options) -- known == [], where

        # A value with a variable, a file or a function in it is not here to be looked at.
        for {key, value} <- options, literal?(value), not function?(key, value) do
          {value, _binding} = Code.eval_quoted(value)
          assert %{} = Options.validate!([{key, value}]), where
        end
      end
    end

    defp options({{:__aliases__, _, [:GossipCluster]}, options}) when is_list(options),
      do: [options]

    defp options({{:., _, [{:__aliases__, _, [:GossipCluster]}, :start_link]}, _, [options]}),
      do: [options]

    defp options({:config, _, [:gossip_cluster, settings]}) do
      assert Keyword.keys(settings) -- [:clusters, :enabled] == []
      Keyword.get(settings, :clusters, []) ++ [Keyword.take(settings, [:enabled])]
    end

    defp options(
           {:config, _, [:gossip_cluster, {:__aliases__, _, [:GossipCluster, :Epmd]}, settings]}
         ) do
      assert Keyword.keys(settings) == [:fallback]
      []
    end

    # As libcluster hands it over.
    defp options({:config, _, [:libcluster, [topologies: topologies]]}) do
      for {topology, settings} <- topologies,
          match?({:__aliases__, _, [:GossipCluster, :Strategy]}, settings[:strategy]),
          do: strategy(topology, settings[:config] || [])
    end

    defp options(_other), do: nil

    defp strategy(topology, config) do
      {config, _binding} = Code.eval_quoted(config)
      {options, _remarks} = Strategy.options(%{topology: topology, config: config})
      Options.validate!(options)
      []
    end

    # The reader's own, which is called when options are checked.
    defp function?(:secret, {:{}, _, [_module, _function, _arguments]}), do: true
    defp function?(_key, _value), do: false

    defp literal?(ast) do
      all(ast, fn
        {name, _, _} when name not in [:{}, :%{}, :.., :-, :__aliases__, :<<>>] -> true
        {:file, _path} -> true
        {:env, _variable} -> true
        _literal -> nil
      end) == []
    end
  end

  test "Erlang parses" do
    texts = each("erlang")
    assert length(texts) >= 2

    for {where, text} <- texts do
      {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text))

      # Expressions or terms, each ended by a full stop.
      for expression <- split(tokens),
          do: assert({:ok, _} = :erl_parse.parse_exprs(expression), where)
    end
  end

  defp split(tokens) do
    case Enum.split_while(tokens, &(not match?({:dot, _}, &1))) do
      {[], []} -> []
      {part, [dot | rest]} -> [part ++ [dot] | split(rest)]
    end
  end

  describe "what is indented" do
    # Each line is one of the log, a command, what a command of "$" answers, a flag of the VM, or an error. A backslash
    # at its end leads on to the next.
    defp lines do
      for {where, text} <- each(nil),
          line <- text |> String.replace(~r/\\\n\s*/, "") |> String.split("\n", trim: true) do
        {kind(line, text =~ ~r/^\$ /m), line, where}
      end
    end

    defp kind(line, prompts) do
      cond do
        line =~ ~r/^(\w\| )?([\d:.]+ )?\[(debug|info|warning|error)\] / -> :log
        line =~ ~r/^\*\* \(/ -> :error
        line =~ ~r/^(\$|iex[^>]*>) / -> :command
        prompts -> :answer
        line =~ ~r/^-\w/ -> :flag
        line =~ ~r/^(bin\/\w+: |\^C$)/ -> :demo
        line =~ ~r/^(Debian, Ubuntu|Alpine|Fedora|Homebrew)  / -> :packages
        true -> :command
      end
    end

    test "shows only lines of the log that the code can write" do
      lines = for {:log, line, where} <- lines(), do: {line, where}
      assert length(lines) > 20

      for {line, where} <- lines do
        [_, text] = Regex.run(~r/\] (?:GossipCluster: )?(.*)$/, line)
        bare = Regex.replace(~r/^:"[^"]+" (is not dialled: )?/, text, "")

        assert LogLines.writable?(text) or LogLines.writable?(bare),
               "#{where}: the code cannot write #{line}"
      end

      demo = String.replace(File.read!("bin/demo"), "${seconds:+Ends by itself; }", "")

      for {:demo, "bin/demo: " <> text, where} <- lines(),
          do: assert(demo =~ text, "#{where}: bin/demo does not say #{text}")
    end

    test "are errors as the code raises them" do
      for {:error, line, where} <- lines() do
        ["** (ArgumentError) GossipCluster: " <> text] = [line]

        texts =
          Enum.map_join(["options.ex", "secret.ex"], &File.read!("lib/gossip_cluster/#{&1}"))

        for part <- [", but must be ", "there is no option "],
            text =~ part,
            do: assert(texts =~ part, where)
      end
    end

    test "has commands that there are, with switches that they know" do
      commands =
        for {:command, line, where} <- lines(),
            not (line =~ ~r/^iex[^>]*> /),
            command <- commands(line),
            do: {command, where}

      assert length(commands) > 40
      for {words, where} <- commands, do: known!(words, where)
    end

    # Without what the reader puts in front, and without comments; several that stand on one line.
    defp commands(line) do
      line
      |> String.replace(~r/(^|\s+)# .*$/, "")
      |> String.replace(~r/^\$ /, "")
      |> String.replace(~r/ &$/, "")
      |> String.split([" && ", "; "], trim: true)
      |> Enum.map(&OptionParser.split/1)
      |> Enum.map(fn words -> Enum.drop_while(words, &(&1 =~ ~r/^[A-Z_]+=/)) end)
      |> Enum.reject(&(&1 == []))
    end

    defp known!(["mix", task | arguments], where) do
      assert module = Mix.Task.get(task), "#{where}: there is no mix #{task}"

      if match?("gossip." <> _, task) do
        {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(module)

        for "--" <> switch <- arguments,
            do: assert(doc =~ "--" <> switch, "#{where}: mix #{task} has no --#{switch}")
      end

      if task == "run",
        do:
          for(
            file <- arguments,
            Path.extname(file) == ".exs",
            do: assert(File.exists?(file), where)
          )
    end

    defp known!([program | arguments], where) when program in ~w(iex elixir erl) do
      for text <- arguments,
          flags = String.split(text, ~r/\s+/),
          {"-epmd_module", n} <- Enum.with_index(flags) do
        module = Module.concat([Enum.at(flags, n + 1)])
        assert Code.ensure_loaded?(module), "#{where}: there is no #{inspect(module)}"
      end
    end

    defp known!([program | arguments], where) do
      cond do
        # Ours, as it is built; what it is asked for stands in its source.
        program == "gossipd" ->
          sources = Enum.map_join(Path.wildcard("priv_src/**/*.c"), &File.read!/1)

          for word <- arguments,
              word =~ ~r/^[a-z-]+$/,
              do: assert(sources =~ ~s("#{word}"), where)

        # A release of the reader's; what Podman brings along.
        program in ["bin/shop", "/usr/lib/systemd/system-generators/podman-system-generator"] ->
          :ok

        program =~ ~r/^(bin|bench)\// ->
          assert File.exists?(program), "#{where}: there is no #{program}"
          text = File.read!(program)

          for "--" <> switch <- arguments,
              do: assert(text =~ "--" <> switch, "#{where}: #{program} has no --#{switch}")

        # What is built: a release, the sidecar, the simulator.
        program =~ ~r/^(_build|build|\/opt)\// ->
          assert program =~ ~r/\/(gossip_cluster|shop|gossipd|gossip_sim)$/, where

        true ->
          assert program in @readers, "#{where}: #{program} is not known; is it a command?"
      end
    end

    test "has flags of the VM whose modules there are" do
      flags = for {:flag, line, where} <- lines(), do: {line, where}
      assert length(flags) > 5

      for {line, where} <- flags,
          [_, module] <- Regex.scan(~r/-epmd_module (\S+)/, line),
          do: assert(Code.ensure_loaded?(Module.concat([module])), where)
    end
  end
end
