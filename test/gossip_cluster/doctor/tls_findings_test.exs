defmodule GossipCluster.Doctor.TlsFindingsTest do
  # What is concluded of the files of a distribution over TLS. Of real files it is held by tls_facts_test.exs.
  use ExUnit.Case, async: true

  alias GossipCluster.Doctor.TlsFindings

  @node %{host: "h1"}
  @used %{
    certfile: "c.pem",
    certificate: %{from: 1_000, till: 3_000, name: true},
    keyfile: "k.pem",
    key: :fits
  }
  @facts %{file: "dist.conf", now: 2_000, error: nil, used: [@used], authorities: [{"a.pem", 1}]}

  defp found(facts),
    do: for(%{level: level, what: what} <- TlsFindings.judge(facts, @node), do: {level, what})

  test "where there are none, nothing is said; where all is well, until when" do
    assert TlsFindings.judge(nil, @node) == []
    assert [%{level: :ok, cause: text}] = TlsFindings.judge(@facts, @node)
    assert text == "the certificate c.pem is valid until 1970-01-01T00:50:00Z"
  end

  test "a certificate is valid in the seconds of its dates, and neither before nor after" do
    for now <- [1_000, 3_000], do: assert(found(%{@facts | now: now}) == [ok: :tls_certificate])
    for now <- [999, 3_001], do: assert(found(%{@facts | now: now}) == [broken: :tls_expired])
  end

  test "each file that cannot be used is named, and each once" do
    broken = {:error, "permission denied"}
    used = %{@used | certificate: broken, key: broken}
    facts = %{@facts | used: [used], authorities: [{"a.pem", broken}]}
    findings = TlsFindings.judge(facts, @node)
    assert Enum.map(findings, & &1.what) == [:tls_file, :tls_file, :tls_file]

    for {file, %{cause: text}} <- Enum.zip(["c.pem", "k.pem", "a.pem"], findings),
        do: assert(text =~ ~r/^#{file}, .* cannot be used: permission denied$/)

    # Of the options nothing else is known then.
    assert [%{cause: "dist.conf, " <> _}] = TlsFindings.judge(%{@facts | error: "no"}, @node)
  end

  test "what this Erlang cannot tell is no trouble" do
    used = %{@used | certificate: :unknown, key: :unknown}
    assert found(%{@facts | used: [used]}) == [ok: :tls_certificate]
  end
end
