"""A certificate authority to throw away, and one server certificate of it, for `localhost` and 127.0.0.1."""

import ssl
import subprocess
from pathlib import Path

_REQUEST = (
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
)


class Authority:
    """Its files lie in `folder`, which any user may read: mail servers give up their rights."""

    def __init__(self, folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.bundle, self.certificate, self.key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        ca_key = folder / "ca.key"
        basic = ("-addext", "keyUsage=critical,keyCertSign")
        _run(*_REQUEST, "-keyout", ca_key, "-out", self.bundle, "-subj", "/CN=sayso throw-away authority", *basic)
        signed = ("-CA", self.bundle, "-CAkey", ca_key, "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}")
        usage = ("-addext", "basicConstraints=critical,CA:FALSE")
        _run(*_REQUEST, "-keyout", self.key, "-out", self.certificate, *signed, *usage)

    def believing(self) -> ssl.SSLContext:
        """Return what a client needs to believe this authority and no other."""
        return ssl.create_default_context(cafile=str(self.bundle))

    def serving(self) -> ssl.SSLContext:
        """Return what a server needs to show its certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
