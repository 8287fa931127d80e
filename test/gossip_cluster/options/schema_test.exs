defmodule GossipCluster.Options.SchemaTest do
  # The table from which the options are checked and documented, without a process.
  use ExUnit.Case, async: true

  alias GossipCluster.Options
  alias GossipCluster.Options.Schema

  test "each option stands there once, and has a type and a default that it takes itself" do
    keys = Keyword.keys(Schema.all())
    assert keys == Enum.uniq(keys) and :name in keys and :secret in keys

    for {key, spec} <- Schema.all() do
      assert Keyword.has_key?(spec, :type) and Keyword.has_key?(spec, :default), "#{key}"
      assert %{^key => _checked} = Options.validate!([{key, spec[:default]}])
    end
  end

  test "the defaults are those of an empty list" do
    options = Options.validate!([])
    assert Enum.sort(Map.keys(options)) == Enum.sort(Keyword.keys(Schema.all()))
    for {key, spec} <- Schema.all(), key != :secret, do: assert(options[key] == spec[:default])
  end

  test "whole numbers are bounded on both sides by what stands there" do
    bounded =
      for {key, spec} <- Schema.all(),
          {:integer, low, high} <- [spec[:type]],
          do: {key, low, high}

    assert length(bounded) >= 5

    for {key, low, high} <- bounded do
      for value <- [low, high], do: assert(%{^key => ^value} = Options.validate!([{key, value}]))

      for value <- [low - 1, high + 1, low + 0.5, "#{low}"] do
        error = assert_raise ArgumentError, fn -> Options.validate!([{key, value}]) end
        assert error.message =~ "option #{inspect(key)} is"
      end
    end
  end

  test "what is documented is a line each, with its unit and its default" do
    lines = String.split(Schema.docs(), "\n")
    documented = for {key, spec} <- Schema.all(), spec[:doc], do: {key, spec}
    assert length(lines) == length(documented)
    # One is nobody's but the library's own.
    assert Keyword.keys(Schema.all()) -- Keyword.keys(documented) == [:observer]

    for {line, {key, spec}} <- Enum.zip(lines, documented) do
      assert String.starts_with?(line, "  * `:#{key}` - #{spec[:doc]}")
      assert String.ends_with?(line, "Default: `#{inspect(spec[:default])}`.")
      if spec[:unit], do: assert(line =~ ", in #{spec[:unit]}. Default")
    end
  end

  test "a time or a number of hops says its unit" do
    for {key, spec} <- Schema.all(), key in [:ttl, :interval, :quiet], do: assert(spec[:unit])
  end
end
