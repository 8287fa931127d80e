defmodule GossipCluster.Doctor.TlsFacts do
  @moduledoc false
  # Whether the files can be used that a distribution over TLS was given by -ssl_dist_optfile. Read only; nothing of a key
  # or of a password leaves this module, and neither does a text of the file: only paths, dates, and what fits.

  @typedoc "`from`, `till`: seconds since 1970. `name`: whether it is for this node's host."
  @type certificate :: %{from: integer(), till: integer(), name: boolean()}
  @type used :: %{
          certfile: String.t(),
          certificate: certificate() | :unknown | {:error, String.t()},
          keyfile: String.t(),
          key: :fits | :differs | :unknown | {:error, String.t()}
        }
  @type t :: %{
          file: String.t(),
          now: integer(),
          error: String.t() | nil,
          used: [used()],
          authorities: [{String.t(), pos_integer() | {:error, String.t()}}]
        }

  @doc "The facts; `nil` where no such file was named."
  @spec gather(String.t() | nil) :: t() | nil
  def gather(host) do
    case :init.get_argument(:ssl_dist_optfile) do
      {:ok, [[file | _] | _]} when host != nil ->
        if Code.ensure_loaded?(:public_key), do: examine(to_string(file), host)

      _none ->
        nil
    end
  end

  @doc "The same of this file, for a node on this host."
  @spec examine(Path.t(), String.t()) :: t()
  def examine(file, host) do
    facts = %{file: file, now: System.os_time(:second), error: nil, used: [], authorities: []}

    case :file.consult(file) do
      {:ok, [sides]} when is_list(sides) ->
        options = for {side, options} <- sides, side in [:server, :client], do: options

        if Enum.all?(options, &is_list/1),
          do: %{facts | used: used(options, host), authorities: authorities(options)},
          else: %{facts | error: "it is not as ssl wants it"}

      {:ok, _other} ->
        %{facts | error: "it is not as ssl wants it: one list, ended by a full stop"}

      {:error, reason} ->
        %{facts | error: reason(reason)}
    end
  end

  # The text of an error might show what stands there.
  defp reason({line, _module, _what}), do: "it is no Erlang at line #{inspect(line)}"
  defp reason(reason), do: to_string(:file.format_error(reason))

  defp used(options, host) do
    for {certfile, keyfile} <- pairs(options) do
      {certificate, public} = certificate(certfile, host)

      %{
        certfile: certfile,
        certificate: certificate,
        keyfile: keyfile,
        key: key(keyfile, public)
      }
    end
  end

  # A server and a client mostly have the same files: these are read, and tried, once.
  defp pairs(options) do
    for side <- options,
        %{certfile: certfile} = pair <- [named(side) | listed(side)],
        uniq: true,
        do: {to_string(certfile), to_string(Map.get(pair, :keyfile, certfile))}
  end

  defp named(side),
    do: for({key, value} <- side, key in [:certfile, :keyfile], into: %{}, do: {key, value})

  defp listed(side), do: for(%{} = pair <- side[:certs_keys] || [], do: pair)

  defp authorities(options) do
    files = for side <- options, file = side[:cacertfile], uniq: true, do: to_string(file)

    for file <- files do
      case entries(file, &match?({:Certificate, _, _}, &1)) do
        {:ok, entries} -> {file, length(entries)}
        error -> {file, error}
      end
    end
  end

  # What of a PEM file is of this kind.
  defp entries(file, wanted) do
    with {:ok, text} <- read(file) do
      case Enum.filter(public_key(:pem_decode, [text]), wanted) do
        [] -> {:error, "nothing of the kind is in it"}
        entries -> {:ok, entries}
      end
    end
  catch
    :error, _reason -> {:error, "it cannot be decoded"}
  end

  defp read(file) do
    with {:error, reason} <- File.read(file),
         do: {:error, to_string(:file.format_error(reason))}
  end

  # The first one is the node's own. With it, what a signature of its key is checked with.
  defp certificate(file, host) do
    with {:ok, [{:Certificate, der, _} | _]} <- entries(file, &match?({:Certificate, _, _}, &1)),
         {:ok, certificate} <- decode(der) do
      fields(certificate, host)
    else
      error -> {error, nil}
    end
  end

  defp decode(der) do
    {:ok, public_key(:pkix_decode_cert, [der, :otp])}
  catch
    :error, _reason -> {:error, "it cannot be decoded"}
  end

  # Records of Erlang's own, which another release may have in another shape: then nothing is concluded.
  defp fields({:OTPCertificate, tbs, _, _} = certificate, host) do
    {:Validity, from, till} = elem(tbs, 5)

    {%{from: seconds(from), till: seconds(till), name: for?(certificate, host)},
     public(elem(tbs, 7))}
  catch
    :error, _reason -> {:unknown, nil}
  end

  defp seconds({:utcTime, [a, b | rest]}) do
    century = if a < ?5, do: ~c"20", else: ~c"19"
    seconds({:generalTime, century ++ [a, b | rest]})
  end

  defp seconds({:generalTime, text}) do
    <<year::binary-4, month::binary-2, day::binary-2, hour::binary-2, minute::binary-2,
      second::binary-2, "Z">> = to_string(text)

    {:ok, at, 0} = DateTime.from_iso8601("#{year}-#{month}-#{day}T#{hour}:#{minute}:#{second}Z")

    DateTime.to_unix(at)
  end

  # As who dials checks it. The host is a name, or an address.
  defp for?(certificate, host) do
    host = to_charlist(host)

    address =
      case :inet.parse_strict_address(host) do
        {:ok, ip} -> [ip: ip]
        {:error, _} -> []
      end

    Enum.any?([[dns_id: host], address], fn ids ->
      ids != [] and public_key(:pkix_verify_hostname, [certificate, ids])
    end)
  end

  @curves [{1, 3, 101, 112}, {1, 3, 101, 113}]

  defp public({:OTPSubjectPublicKeyInfo, {:PublicKeyAlgorithm, curve, _}, key})
       when curve in @curves,
       do: {:none, {key, {:namedCurve, curve}}}

  defp public({:OTPSubjectPublicKeyInfo, {_, _, parameters}, {:ECPoint, _} = key}),
    do: {:sha256, {key, parameters}}

  defp public({:OTPSubjectPublicKeyInfo, _algorithm, key}), do: {:sha256, key}

  @private [:RSAPrivateKey, :DSAPrivateKey, :ECPrivateKey, :PrivateKeyInfo, :OneAsymmetricKey]

  # A signature of the one is tried with the other. A key that a password guards is not opened.
  defp key(file, public) do
    private? = fn {type, _, _} -> type in @private end
    with {:ok, [entry | _]} <- entries(file, private?), do: fits(entry, public)
  end

  defp fits({_type, _der, :not_encrypted} = entry, {digest, public}) do
    text = "GossipCluster"
    signature = public_key(:sign, [text, digest, public_key(:pem_entry_decode, [entry])])
    if public_key(:verify, [text, digest, signature, public]), do: :fits, else: :differs
  catch
    # Of kinds that do not go together, or that this Erlang cannot. The reason may hold the key.
    _kind, _reason -> if decodes?(entry), do: :differs, else: {:error, "it cannot be decoded"}
  end

  defp fits(_guarded_or_unknown, _public), do: :unknown

  defp decodes?(entry) do
    is_tuple(public_key(:pem_entry_decode, [entry]))
  catch
    _kind, _reason -> false
  end

  # A part of Erlang that a node has whose distribution runs over TLS, and that others need not have.
  defp public_key(function, arguments), do: apply(:public_key, function, arguments)
end
