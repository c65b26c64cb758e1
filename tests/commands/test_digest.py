"""The digest: what the page shows first, as an e-mail and as a message to an address that the settings list."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.conftest import Shop

from customer_revenue.errors import InvalidParameter, WebhookFailed
from customer_revenue.workflows import webhooks
from customer_revenue.workflows.digest import Digest

NAME = "hooks.test"
LOOPBACK = ("127.0.0.0/8",)


def digest(**changed: str) -> Digest:
    values = {"headline": "£1,762", "below": "at stake", "since": "The last 7 days", "link": ""} | changed
    rows = [("Win <back> & *more*", "3 customers", "£5")]
    return Digest(dt.date(2023, 12, 15), plays=rows, changes=rows, alarms=["<script>"], **values)


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_command_writes_what_the_page_shows_first(trained_shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "digest.html"
    said = trained_shop.run("digest", "--output", str(file), "--link", "https://shop.example/")
    read = Texts()
    read.feed(file.read_text("utf-8"))
    text = " ".join(read.texts)
    for words in ("at stake this week", "Worth doing first", "Net revenue", "Gone quiet", "Open the page"):
        assert words in text
    assert "script" not in read.tags
    assert "at stake this week" in said
    assert "USD" not in text


def test_texts_of_the_shop_are_no_markup() -> None:
    made = digest(headline="<b>")
    html = made.html()
    assert "<script>" not in html
    assert "Win &lt;back&gt; &amp; *more*" in html
    text = json.loads(made.slack())["blocks"][0]["text"]["text"]
    assert "&lt;script&gt;" in text
    assert "*more*" not in text


@contextmanager
def hook(tmp_path: Path, status: int = 200) -> Iterator[tuple[int, list[bytes]]]:
    """A server with a certificate of its own; gives its port, and the bodies that it gets."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.test/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "hook.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names lead to these addresses."""
    addresses = ["127.0.0.1"]

    def look_up(_host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return addresses


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of the server is trusted, as that of an authority."""
    ordinary = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: ordinary(cafile=str(tmp_path / "hook.pem")))


@pytest.mark.usefixtures("looked_up", "trusting")
def test_a_message_reaches_a_listed_address(tmp_path: Path) -> None:
    with hook(tmp_path) as (port, got):
        url = f"https://{NAME}:{port}/services/T0?x=1"
        webhooks.send_to_webhook(url, digest().slack(), [url], LOOPBACK)
    assert json.loads(got[0])["text"] == "£1,762 at stake"


@pytest.mark.usefixtures("looked_up", "trusting")
@pytest.mark.parametrize("status", [302, 404, 500])
def test_it_is_not_redirected_and_a_refusal_is_an_error(tmp_path: Path, status: int) -> None:
    with hook(tmp_path, status) as (port, got):
        url = f"https://{NAME}:{port}/"
        with pytest.raises(WebhookFailed, match=str(status)):
            webhooks.send_to_webhook(url, b"{}", [url], LOOPBACK)
    assert len(got) == 1


@pytest.mark.usefixtures("looked_up", "trusting")
def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    with hook(tmp_path) as (port, got):
        url = f"https://other.test:{port}/"
        with pytest.raises(WebhookFailed, match="does not answer"):
            webhooks.send_to_webhook(url, b"{}", [url], LOOPBACK)
    assert got == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.8", "169.254.169.254", "192.168.1.1", "::1", "fe80::1", "::ffff:10.0.0.8"],
)
def test_private_networks_are_refused_unless_they_are_listed(looked_up: list[str], address: str) -> None:
    url = f"https://{NAME}/"
    looked_up[:] = ["93.184.216.34", address]
    with pytest.raises(WebhookFailed, match="private"):
        webhooks.send_to_webhook(url, b"{}", [url])
    with pytest.raises(WebhookFailed, match="private"):
        webhooks.send_to_webhook(url, b"{}", [url], ["172.16.0.0/12"])


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://hooks.test/other", "https://hooks.test/"),
        ("http://hooks.test/", "http://hooks.test/"),
        ("https://user:word@hooks.test/", "https://user:word@hooks.test/"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_other_addresses_are_refused_before_anything_is_looked_up(url: str, listed: str) -> None:
    with pytest.raises(InvalidParameter, match="webhook"):
        webhooks.send_to_webhook(url, b"{}", [listed])
