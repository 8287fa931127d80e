defmodule GossipCluster.Doctor.FindingTest do
  # One finding: what is to be done is said with it, or stands in the text, or is what is always done.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.{Finding, Mends}

  test "what is well has nothing to be done" do
    assert Finding.ok(:udp, "it works") == %{level: :ok, what: :udp, cause: "it works", do: nil}
  end

  test "what is not has what was said, or what is always done about it" do
    always = Mends.default(:no_cookie)
    assert is_binary(always)
    assert %{level: :broken, do: ^always} = Finding.found(:broken, :no_cookie, "none")
    assert %{do: "bake one"} = Finding.found(:broken, :no_cookie, "none", "bake one")
  end

  test "a text that names its mend is taken apart; where it names none, it is what is always done" do
    assert Finding.told(:warning, :no_cookie, "two cookies; give both the same") ==
             %{level: :warning, what: :no_cookie, cause: "two cookies", do: "give both the same"}

    assert Finding.told(:broken, :no_cookie, "no cookie").do == Mends.default(:no_cookie)
  end
end
