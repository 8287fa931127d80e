defmodule GossipCluster.ProjectTest do
  # mix.exs, as others will use it.
  use ExUnit.Case, async: true

  # Compiles mix.exs in a VM of its own, after this code, and says what it depends on.
  defp deps(before, env \\ []) do
    code = """
    Mix.start()
    #{before}
    Code.require_file("mix.exs")
    IO.write(inspect(Mix.Project.config()[:deps], limit: :infinity))
    """

    env = [{"MIX_ENV", "dev"}, {"GOSSIP_TOOLS", nil} | env]
    {output, 0} = System.cmd("elixir", ["-e", code], stderr_to_stdout: true, env: env)
    {term, _binding} = Code.eval_string(output)
    term
  end

  @hex "defmodule Hex, do: []"
  @other "defmodule Other do use Mix.Project; def project, do: [app: :other, version: \"1.0.0\"] end"

  test "where Hex is not installed it depends on nothing, so every mix command works" do
    assert deps("") == []
    assert deps(@other) == []
  end

  # The first command of the README, for most who know Elixir: Mix would not compile before all were fetched.
  test "who has Hex and builds a checkout need not fetch anything" do
    assert deps(@hex) == []
    assert deps(@hex, [{"MIX_ENV", "prod"}]) == []
    assert Mix.Project.config()[:deps] == [] or System.get_env("GOSSIP_TOOLS") != nil
  end

  test "where Hex is, a project that depends on it gets none but optional ones" do
    assert [telemetry: _, phoenix_live_dashboard: _] =
             options =
             for(
               {app, version, options} when is_binary(version) <- deps(@hex <> "\n" <> @other),
               do: {app, options}
             )

    for {_app, options} <- options, do: assert(options == [optional: true])
  end

  test "the tools are for work on the library itself, which asks for them" do
    for env <- [[{"GOSSIP_TOOLS", "1"}], [{"MIX_ENV", "docs"}]] do
      deps = Map.new(deps(@hex, env), fn {app, _version, options} -> {app, options} end)

      assert Enum.sort(Map.keys(deps)) ==
               [:credo, :dialyxir, :ex_doc, :phoenix_live_dashboard, :telemetry]

      for tool <- [:credo, :dialyxir, :ex_doc] do
        assert Enum.all?(List.wrap(deps[tool][:only]), &(&1 in [:dev, :docs]))
        assert deps[tool][:only] != nil
        assert deps[tool][:runtime] == false
      end
    end
  end

  # bin/test hands these to dialyzer: one that is missing is looked for no more, in silence.
  test "dialyzer is asked for all that is promised, and documentation is made where its tools are" do
    assert Enum.sort(Mix.Project.config()[:dialyzer][:flags]) ==
             [:error_handling, :extra_return, :missing_return, :underspecs, :unmatched_returns]

    assert File.read!("bin/test") =~ "Mix.Project.config()[:dialyzer][:flags]"
    assert MixProject.GossipCluster.cli()[:preferred_envs][:docs] == :docs
  end

  # Whoever takes an address that nobody has can put there what readers then install: so each has been looked at, and
  # the project's own stands in mix.exs alone.
  @known ~w(deb.debian.org docs.aws.amazon.com docs.cilium.io docs.cloud.google.com docs.okd.io
            download.libsodium.org hexdocs.pm/libcluster
            keepachangelog.com semver.org www.apache.org www.erlang.org www.rfc-editor.org www.w3.org)
  @address ~r/(?:https?:\/\/|(?<![\w.@\/])(?=git(?:hub|lab)\.com\/))([\w.\[][^\s"'`()<>|,}]*)/
  @reserved ~r/(^|[.])(example|invalid|test|localhost)$|(^|[.])example[.](com|net|org)$|^[\d.:]+$/

  test "no address on the web stands anywhere that nobody has looked at, and none is the project's but in mix.exs" do
    addresses =
      for pattern <- ["*", ".ci/*" | Enum.map(sources(), &"#{&1}/**")],
          file <- Path.wildcard(pattern, match_dot: true),
          File.regular?(file) and not String.starts_with?(file, "test/c/corpus/"),
          # What somebody has built in an example.
          not (file =~ ~r/^examples\/.*\/_build\//),
          text = File.read!(file),
          String.valid?(text),
          [_, address] <- Regex.scan(@address, text),
          do: {file, address}

    assert length(addresses) > 10

    for {file, address} <- addresses, address not in [home()] do
      [host | _] = String.split(address, ["/", ":"])

      assert host =~ @reserved or
               Enum.any?(@known, &String.starts_with?(address <> "/", &1 <> "/")),
             "#{file} has https://#{address}: see that it is there, and whose it is, and add it to the list"
    end
  end

  test "while the project has no home, the documents say how to depend on a checkout, and what to replace" do
    for file <- ["README.md", "guides/start.md"], text = File.read!(file) do
      assert text =~ ~s({:gossip_cluster, path: "../gossip_cluster"})

      if home() == nil do
        assert text =~ ~s({:gossip_cluster, git: "REPOSITORY"})
        assert text =~ "git clone REPOSITORY gossip_cluster\n"
        assert text =~ "has no home on the web yet"
      else
        refute text =~ "REPOSITORY"
      end
    end
  end

  defp home, do: Mix.Project.config()[:source_url]

  defp sources, do: ~w(assets bench bin cmake config deploy examples guides lib priv_src rel test)

  test "every file that the documentation and the package name is there" do
    for pattern <- Mix.Project.config()[:package][:files],
        do: assert(Path.wildcard(pattern, match_dot: true) != [], pattern)

    assert "rel" in Mix.Project.config()[:package][:files]
    extras = Mix.Project.config()[:docs][:extras]
    for extra <- extras, do: assert(File.regular?(extra), extra)
    for guide <- Path.wildcard("guides/*.md"), do: assert(guide in extras)
  end

  test "every function of GossipCluster stands in a group of the documentation" do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(GossipCluster)
    groups = Mix.Project.config()[:docs][:groups_for_docs]

    for {{:function, name, arity}, _, _, %{}, metadata} <- docs do
      assert [_one] = Enum.filter(groups, fn {_title, member?} -> member?.(metadata) end),
             "#{name}/#{arity}"
    end
  end

  # The order is config.exs, then runtime.exs.
  defp clusters(env, variables) do
    code = """
    config = Config.Reader.read!("config/config.exs", env: #{inspect(env)})
    config = Config.Reader.merge(config, Config.Reader.read!("config/runtime.exs", env: #{inspect(env)}))
    IO.write(inspect(config[:gossip_cluster][:clusters]))
    """

    clean = [{"GOSSIP_INTERFACES", nil}, {"GOSSIP_LOG_HEARTBEATS", nil}]

    {output, 0} =
      System.cmd("elixir", ["-e", code], env: clean ++ variables, stderr_to_stdout: true)

    {clusters, _binding} = Code.eval_string(output)
    clusters
  end

  test "in `iex -S mix` here no line scrolls over the prompt for each heartbeat, unless it is wanted" do
    assert clusters(:dev, []) == [[log_heartbeats: false]]
    assert clusters(:prod, [{"GOSSIP_LOG_HEARTBEATS", "true"}]) == [[log_heartbeats: true]]

    assert clusters(:dev, [{"GOSSIP_INTERFACES", "lo,eth0"}]) == [
             [log_heartbeats: false, interfaces: ["lo", "eth0"]]
           ]

    assert clusters(:test, [{"GOSSIP_LOG_HEARTBEATS", "true"}]) == []
    # The demonstrations show them.
    for file <- ["bin/demo", "Dockerfile"],
        do: assert(File.read!(file) =~ "GOSSIP_LOG_HEARTBEATS=true")
  end
end
