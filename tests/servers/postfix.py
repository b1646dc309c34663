"""A real Postfix on free loopback ports: MX, and submission with STARTTLS and log-ins. Private to its folder."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_until
from tests.servers.dovecot import Dovecot, greets, is_user
from tests.servers.lines import free_ports

MASTER = Path("/usr/lib/postfix/sbin/master")
STARTS_WITHIN_S = 90

REFUSED = "refused@corp.example"
"""Mail for this address is refused as soon as it is named."""

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.corp.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_host_lookup = native
disable_dns_lookups = yes
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = corp.example, sayso.example
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
recipient_delimiter = +
default_transport = error:outside mail is off in tests
smtpd_tls_cert_file = {authority.certificate}
smtpd_tls_key_file = {authority.key}
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_sasl_authenticated_header = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{{refused} = 550 5.1.1 No such mailbox}} }}
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
"""
MASTER_CF = """\
127.0.0.1:{mx} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Return why it can't run here; nothing where it can."""
    if not MASTER.exists() or not is_user("postfix"):
        return "Postfix is not installed: apt-get install postfix"
    return "" if os.geteuid() == 0 else "Postfix starts as root only"


class Postfix:
    """Runs while the context is open. Takes mail for corp.example and sayso.example.

    Log-ins are Dovecot's; what is delivered goes to the LMTP server at `lmtp`.
    """

    def __init__(self, folder: Path, dovecot: Dovecot, lmtp: int) -> None:
        self.folder = folder
        self.mx, self.submission = free_ports(2)
        for name in ("queue", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        values = {"folder": folder, "authority": dovecot.authority, "auth": dovecot.auth, "lmtp": lmtp}
        main = MAIN_CF.format(**values, refused=REFUSED)
        (folder / "main.cf").write_text(main)
        (folder / "master.cf").write_text(MASTER_CF.format(mx=self.mx, submission=self.submission))
        long_ago = time.time() - 60
        for name in ("main.cf", "master.cf"):
            # Postfix naps at every start of a daemon while its files are fresh.
            os.utime(folder / name, (long_ago, long_ago))

    def __enter__(self) -> Self:
        """Start it; returns when it answers."""
        with (self.folder / "stdout.log").open("ab") as log:
            check = ["postfix", "-c", str(self.folder), "check"]
            subprocess.run(check, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self._process = subprocess.Popen(
                [str(MASTER), "-c", str(self.folder), "-d"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                process_group=0,
            )  # fmt: skip
        wait_until(lambda: greets(self.mx, b"220") and greets(self.submission, b"220"), STARTS_WITHIN_S, "Postfix")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it and its daemons."""
        self._process.terminate()
        self._process.wait(STARTS_WITHIN_S)
