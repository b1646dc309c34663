"""A real Dovecot on free loopback ports: IMAP with IDLE and TLS, LMTP in, log-ins for Postfix; all in one folder."""

import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from channels.email.servers.endpoint import Endpoint
from tests.kit.waiting import wait_until
from tests.servers.authority import Authority
from tests.servers.lines import free_ports

PROGRAM = Path("/usr/sbin/dovecot")
PASSWORD = "a-password"
# A busy machine is not a failure.
STARTS_WITHIN_S = 90

CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = sayso-test
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <{authority.certificate}
ssl_key = <{authority.key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
lmtp_rcpt_check_quota = no
mail_max_userip_connections = 100
postmaster_address = postmaster@corp.example
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
  user = mail
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
# Whoever failed to log in waits for seconds the next time, and here everybody comes from one address.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{extra}
"""


def missing() -> str:
    """Return why it can't run here; nothing where it can."""
    if not PROGRAM.exists():
        return "Dovecot is not installed: apt-get install dovecot-imapd dovecot-lmtpd"
    return "" if os.geteuid() == 0 else "Dovecot starts as root only"


class Dovecot:
    """Runs while the context is open, on ports that stay the same. Everybody has a mailbox, with `PASSWORD`.

    `folder` must be open to other users, and its path short: sockets lie in it.
    """

    def __init__(self, folder: Path, authority: Authority, extra: str = "") -> None:
        self.folder, self.authority = folder, authority
        self.imap, self.imaps, self.lmtp, self.auth = free_ports(4)
        for name in ("run", "state", "mail"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "mail", "mail", "mail")
        values = {name: getattr(self, name) for name in ("folder", "authority", "imap", "imaps", "lmtp", "auth")}
        (folder / "dovecot.conf").write_text(CONFIG.format(**values, password=PASSWORD, extra=extra))

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self.stop()

    def start(self) -> Self:
        """Start it; returns when it answers."""
        with (self.folder / "stdout.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "-F", "-c", str(self.folder / "dovecot.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        wait_until(lambda: greets(self.imap, b"* OK") and greets(self.lmtp, b"220"), STARTS_WITHIN_S, "Dovecot")
        return self

    def stop(self) -> None:
        """End it, and every connection."""
        self._process.terminate()
        self._process.wait(STARTS_WITHIN_S)
        # Whoever holds a TLS line for somebody does not always go with the master.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def endpoint(self, user: str, *, port: int | None = None, password: str = PASSWORD) -> Endpoint:
        """Return where `user` reads their mail; through `port` where a test stands in between."""
        trust = self.authority.believing()
        return Endpoint("localhost", port or self.imaps, user, password, "implicit", trust=trust)

    def deliver(self, to: str, *mails: bytes, sender: str = "") -> None:
        """Put mails into a mailbox, as Postfix does."""
        with smtplib.LMTP("127.0.0.1", self.lmtp) as line:
            for mail in mails:
                line.sendmail(sender, [to], mail)

    def maildir(self, user: str) -> Path:
        """Return the folder in which the mail of `user` lies, to be looked at."""
        return self.folder / "mail" / user

    def log(self) -> str:
        """Return what the server has logged."""
        return (self.folder / "dovecot.log").read_text()

    def flags(self, user: str) -> list[str]:
        """The flags of each mail of `user`, as its file name says: `S` for seen; no mail, no flags."""
        files = [path.name for part in ("new", "cur") for path in sorted((self.maildir(user) / part).glob("*"))]
        return [name.partition(":2,")[2] for name in files]

    def forget_uids(self, user: str) -> None:
        """The same mails under new UIDs, as after a repair or a move: stops, changes UIDVALIDITY, starts."""
        self.stop()
        index = self.maildir(user) / "dovecot-uidlist"
        validity = int(re.findall(rb"^3 V(\d+)", index.read_bytes())[0])
        for path in self.maildir(user).glob("dovecot*"):
            path.unlink()
        index.write_text(f"3 V{validity + 1} N1\n")
        shutil.chown(index, "mail", "mail")
        self.start()

    def keep(self, user: str, copy: Path) -> None:
        """Stop, keep a copy of all that belongs to `user`, and start."""
        self.stop()
        shutil.copytree(self.maildir(user), copy)
        self.start()

    def put_back(self, user: str, copy: Path) -> None:
        """Stop, put back what was kept, UIDs and UIDVALIDITY too, and start."""
        self.stop()
        shutil.rmtree(self.maildir(user))
        shutil.copytree(copy, self.maildir(user))
        for path in (self.maildir(user), *self.maildir(user).rglob("*")):
            shutil.chown(path, "mail", "mail")
        self.start()


def greets(port: int, words: bytes) -> bool:
    """Return whether somebody at `port` begins with `words`."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as line:
            return line.recv(200).startswith(words)
    except OSError:
        return False


def is_user(name: str) -> bool:
    """Return whether this machine knows such a user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
