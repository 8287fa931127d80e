defmodule GossipCluster.ImageTest do
  # What the image is built and deployed from. That it builds and runs: bin/test-container.
  use ExUnit.Case, async: true

  @version Mix.Project.config()[:version]

  # What Docker's builder without BuildKit knows, and of each instruction the options (`docker build` of 17.09, which no
  # longer grew).
  @classic %{
    "ARG" => [],
    "CMD" => [],
    "COPY" => ["--chown", "--from"],
    "ENTRYPOINT" => [],
    "ENV" => [],
    "EXPOSE" => [],
    "FROM" => [],
    "HEALTHCHECK" => ["--interval", "--retries", "--start-period", "--timeout"],
    "LABEL" => [],
    "RUN" => [],
    "SHELL" => [],
    "STOPSIGNAL" => [],
    "USER" => [],
    "VOLUME" => [],
    "WORKDIR" => []
  }

  # `{instruction, options, rest}` of each, without comments.
  defp instructions(text) do
    for line <-
          text
          |> String.replace(~r/^\s*#.*\n/m, "")
          |> String.replace(~r/\\\n/, " ")
          |> String.split("\n", trim: true) do
      [name | words] = String.split(line)
      {options, rest} = Enum.split_while(words, &String.starts_with?(&1, "--"))
      {name, for(option <- options, do: option |> String.split("=") |> hd()), rest}
    end
  end

  defp beyond_classic(text) do
    for({name, options, rest} <- instructions(text), do: {name, options, rest})
    |> Enum.reject(fn {name, options, rest} ->
      is_map_key(@classic, name) and options -- @classic[name] == [] and
        not Enum.any?(rest, &String.starts_with?(&1, "<<"))
    end)
    |> Kernel.++(Regex.scan(~r/\A(?:#.*\n)*#\s*(?:syntax|check|escape)\s*=.*/, text))
  end

  test "no instruction of the Dockerfile needs BuildKit" do
    text = File.read!("Dockerfile")
    assert length(instructions(text)) > 15
    assert beyond_classic(text) == []

    # Stages are named before they are copied from.
    for {"COPY", ["--from"], _rest} <- instructions(text), do: :ok
    [before, copied] = String.split(text, "COPY --from=build ")
    assert before =~ ~r/^FROM \S+ AS build$/m
    refute copied =~ "--from"

    # What this would find.
    for more <- [
          "RUN --mount=type=cache,target=/c true\n",
          "COPY --chmod=755 a b\n",
          "COPY --link a b\n",
          "COPY <<EOF /a\n",
          "FROM --platform=$BUILDPLATFORM debian\n",
          "ADD --checksum=sha256:0 a b\n"
        ],
        do: assert([_] = beyond_classic(text <> more))

    assert [_] = beyond_classic("# syntax=docker/dockerfile:1\n" <> text)
    # The one that needs it is a file of its own.
    assert [{"RUN", ["--mount"], _}] = beyond_classic(File.read!("Dockerfile.cookie"))
  end

  test "the image has this project's version, licence and ports" do
    text = File.read!("Dockerfile")
    assert text =~ ~s(org.opencontainers.image.version="#{@version}")
    assert [licence] = Mix.Project.config()[:package][:licenses]
    assert text =~ ~s(org.opencontainers.image.licenses="#{licence}")

    options = GossipCluster.Options.validate!(secret: {:key, String.duplicate("k", 32)})
    {first, last} = GossipCluster.Options.unicast_port(options)
    assert text =~ "EXPOSE #{options.port}/udp #{first}/udp 9100/tcp\n"
    assert text =~ "have UDP ports up to #{last}."
  end
end
