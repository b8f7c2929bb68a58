"""TLS: only central's own authority is trusted where one is named."""

import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.protocol.errors import Unreachable
from sync.transport.client import open_client
from sync.transport.http import HttpEndpoint
from tests.sync.transport.server import reply, serving

START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for loopback that signs itself; and the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "central")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    public, private = folder / "central.pem", folder / "central.key"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_a_central_of_the_named_authority_is_trusted(certificate):
    """A retailer's own authority is one file."""
    public, context = certificate
    with serving(lambda _: reply(b'{"nonce": "n"}'), tls=context) as central:
        url = central.url.replace("http:", "https:")
        endpoint = HttpEndpoint(url, client_factory=lambda base: open_client(base, ca_file=public))
        assert endpoint.challenge() == "n"
        endpoint.close()


def test_a_central_that_nobody_vouches_for_is_unreachable(certificate):
    """No request leaves for a server whose certificate is unknown; the words say why."""
    _, context = certificate
    with serving(lambda _: reply(b'{"nonce": "n"}'), tls=context) as central:
        endpoint = HttpEndpoint(central.url.replace("http:", "https:"))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            endpoint.challenge()
        endpoint.close()
        assert central.seen == []
