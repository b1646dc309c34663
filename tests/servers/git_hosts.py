"""Real hosts of git repositories on loopback: `git http-backend` behind HTTP, `git daemon`, and sshd."""

import base64
import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.kit.waiting import wait_until
from tests.servers.authority import Authority
from tests.servers.lines import free_ports

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"


@dataclass
class Web:
    """What the HTTP host of `folder` was asked: the request lines. `token` is the one that it wants; `moved` is where
    it sends everybody. It `repeats` what it was told by whoever it lets not in.
    """

    folder: Path
    url: str = ""
    token: str = ""
    moved: str = ""
    repeats: bool = False
    asked: list[str] = field(default_factory=list[str])

    @property
    def fetches(self) -> int:
        """How often somebody began to fetch."""
        return sum("info/refs" in line for line in self.asked)


@contextmanager
def web(folder: Path, *, token: str = "", authority: Authority | None = None, repeats: bool = False) -> Generator[Web]:
    """`git http-backend` for the repositories in `folder`, over TLS where an authority signs for it."""
    about = Web(folder, token=token, repeats=repeats)

    class Handler(_Backend):
        host = about

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority:
        server.socket = authority.serving().wrap_socket(server.socket, server_side=True)
    about.url = f"{'https' if authority else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield about
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Backend(BaseHTTPRequestHandler):
    """Passes a request to `git http-backend` as a CGI program (RFC 3875), and its answer back."""

    host: ClassVar[Web]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base class has it
        """Print nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.host.asked.append(self.requestline)
        if self.host.moved:
            self.send_response(302)
            self.send_header("Location", self.host.moved + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = base64.b64encode(f"x-access-token:{self.host.token}".encode()).decode()
        if self.host.token and self.headers.get("Authorization") != f"Basic {wanted}":
            said = f"you said {self.headers.get('Authorization')}".encode() if self.host.repeats else b""
            self.send_response(403 if said else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            return
        head, _, body = self._run().partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _run(self) -> bytes:
        path, _, query = self.path.partition("?")
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.host.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(given)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=given, env=environment, capture_output=True, check=True)
        return done.stdout


@contextmanager
def daemon(folder: Path) -> Generator[str]:
    """`git daemon`: the address of `folder`."""
    [port] = free_ports(1)
    argv = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}", "--export-all"]
    with _running(argv, port):
        yield f"git://127.0.0.1:{port}"


@dataclass(frozen=True)
class Ssh:
    """An sshd that takes one key: the address of `folder`, the file of the key, and of the host's own."""

    url: str
    key: Path
    known_hosts: Path


@contextmanager
def ssh(folder: Path, files: Path) -> Generator[Ssh]:
    """An sshd as this user, with keys that it makes in `files`."""
    [port] = free_ports(1)
    files.mkdir(mode=0o700)
    host, key = files / "host", files / "key"
    for path in (host, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    (files / "known").write_text(f"[127.0.0.1]:{port} {host.with_suffix('.pub').read_text()}")
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "AuthorizedKeysFile": key.with_suffix(".pub"),
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
    }
    (files / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it gives up its rights
    with _running([SSHD, "-D", "-e", "-f", str(files / "sshd_config")], port):
        yield Ssh(f"ssh://{getpass.getuser()}@127.0.0.1:{port}{folder}", key, files / "known")


@contextmanager
def _running(argv: list[str], port: int) -> Generator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: _answers(port), what=f"{argv[0]} listens")
        yield
    finally:
        process.terminate()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
