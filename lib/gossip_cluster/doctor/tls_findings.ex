defmodule GossipCluster.Doctor.TlsFindings do
  @moduledoc false
  # Facts become findings: the files of a distribution over TLS. Pure.

  import GossipCluster.Doctor.Finding

  alias GossipCluster.Doctor.{Finding, TlsFacts}

  @doc "What the files of a distribution over TLS are, where there are any."
  @spec judge(TlsFacts.t() | nil, map()) :: [Finding.t()]
  def judge(nil, _node), do: []

  def judge(%{file: file, error: error}, _node) when error != nil, do: [unusable(file, error)]

  def judge(%{used: used, authorities: authorities, now: now}, node) do
    Enum.flat_map(used, &(certificate(&1, now, node) ++ key(&1))) ++
      for({file, {:error, why}} <- authorities, do: unusable(file, why))
  end

  defp unusable(file, why),
    do:
      found(
        :broken,
        :tls_file,
        "#{file}, which the distribution over TLS is given, cannot be used: #{why}"
      )

  defp certificate(%{certfile: file, certificate: {:error, why}}, _now, _node),
    do: [unusable(file, why)]

  defp certificate(%{certfile: file, certificate: :unknown}, _now, _node),
    do: [ok(:tls_certificate, "what is in the certificate #{file} cannot be told")]

  defp certificate(%{certfile: file, certificate: %{from: from, till: till} = own}, now, node) do
    date =
      cond do
        now > till -> expired("the certificate #{file} has expired, #{date(till)}")
        now < from -> expired("the certificate #{file} is valid from #{date(from)} only")
        true -> ok(:tls_certificate, "the certificate #{file} is valid until #{date(till)}")
      end

    [date | if(own.name, do: [], else: [misnamed(file, node)])]
  end

  defp date(seconds), do: seconds |> DateTime.from_unix!() |> DateTime.to_iso8601()

  defp expired(text), do: found(:broken, :tls_expired, text)

  # Who is dialled checks no name, so it is connected to by its own dials.
  defp misnamed(file, node),
    do:
      found(
        :warning,
        :tls_name,
        "the certificate #{file} is not for #{node.host}, this node's host: nobody who checks that connects to it"
      )

  defp key(%{keyfile: file, key: {:error, why}}), do: [unusable(file, why)]

  defp key(%{keyfile: file, certfile: certfile, key: :differs}),
    do: [
      found(:broken, :tls_key, "the key #{file} is not the one of the certificate #{certfile}")
    ]

  defp key(_fits_or_unknown), do: []
end
