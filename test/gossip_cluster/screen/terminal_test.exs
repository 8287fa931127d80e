defmodule GossipCluster.Screen.TerminalTest do
  # How keys are read, of a device that the test plays.
  use ExUnit.Case, async: true

  alias GossipCluster.Screen.Terminal

  test "the reader of keys ends with whom it reads for, however that ends" do
    terminal = %{device: self(), size: nil, colour: false, keys: :line}
    owner = spawn(fn -> Terminal.with_keys(terminal, fn -> Process.sleep(:infinity) end) end)
    # It waits for a key that does not come.
    assert_receive {:io_request, reader, _ref, _request}
    ref = Process.monitor(reader)
    Process.exit(owner, :kill)
    assert_receive {:DOWN, ^ref, :process, ^reader, _reason}
  end
end
