"""Settings of one's own mail servers: what is well formed, and what contradicts itself."""

from pathlib import Path

import pytest

from tests.bot.config_files import problems, read

SERVERS = {
    "SAYSO_IMAP_HOST": "mail.corp.example",
    "SAYSO_IMAP_USER": "agent",
    "SAYSO_IMAP_PASSWORD": "hush",
    "SAYSO_SMTP_HOST": "mail.corp.example",
    "SAYSO_MAIL_ADDRESS": "agent@corp.example",
}
OAUTH = {
    "SAYSO_MAIL_OAUTH_TOKEN_URL": "https://login.corp.example/token",
    "SAYSO_MAIL_OAUTH_CLIENT_ID": "an-app",
    "SAYSO_MAIL_OAUTH_REFRESH_TOKEN": "hush",
}


def test_servers_are_well_formed_with_a_password_its_file_or_access_tokens(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-file\n")
    local, servers = read(tmp_path, ""), read(tmp_path, "", **SERVERS)
    in_file = {**SERVERS, "SAYSO_IMAP_PASSWORD": "", "SAYSO_IMAP_PASSWORD_FILE": str(tmp_path / "password")}
    long = {**SERVERS, "SAYSO_MAIL_ADDRESS": "a-quite-long-name@corp.example", "SAYSO_MAIL_REPLY": "reference"}

    assert (local.has_servers, servers.has_servers, "hush" in repr(servers)) == (False, True, False)
    assert (local.mail_reply, local.smtp_tls, local.imap_tls) == ("plus", "starttls", "implicit")
    assert read(tmp_path, "", **{**SERVERS, **OAUTH, "SAYSO_IMAP_PASSWORD": ""}).has_oauth
    password = read(tmp_path, "", **in_file).imap_password
    assert password is not None
    assert password.get_secret_value() == "from-file"
    assert read(tmp_path, "", **long).mail_reply == "reference", "which leaves the address any length"


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"SAYSO_SMTP_HOST": ""}, "SAYSO_IMAP_HOST", "without SAYSO_SMTP_HOST; allowed: both, or neither"),
        ({"SAYSO_MAIL_ADDRESS": ""}, "SAYSO_IMAP_HOST", "is set without SAYSO_MAIL_ADDRESS"),
        ({"SAYSO_IMAP_TLS": "none"}, "SAYSO_IMAP_TLS", 'found "none" for mail.corp.example; allowed: "implicit"'),
        ({"SAYSO_SMTP_TLS": "none"}, "SAYSO_SMTP_TLS", '"none" for this machine itself'),
        ({"SAYSO_IMAP_PASSWORD": ""}, "SAYSO_IMAP_USER", "without a password; allowed: with SAYSO_IMAP_PASSWORD, or"),
        (OAUTH, "SAYSO_MAIL_OAUTH_TOKEN_URL", "no log-in uses it"),
        ({"SAYSO_MAIL_OAUTH_SCOPE": "mail"}, "SAYSO_MAIL_OAUTH_SCOPE", "is set without SAYSO_MAIL_OAUTH_TOKEN_URL and"),
        ({**OAUTH, "SAYSO_MAIL_OAUTH_TOKEN_URL": "http://x.example/"}, "SAYSO_MAIL_OAUTH_TOKEN_URL", '"https://"'),
        ({"SAYSO_MAIL_ADDRESS": "a-quite-long-name@corp.example"}, "SAYSO_MAIL_ADDRESS", "at most 16 characters"),
        ({"SAYSO_MAIL_ADDRESS": "a+b@corp.example"}, "SAYSO_MAIL_ADDRESS", "no plus among them"),
        ({"SAYSO_MAIL_IDENTITY": "dmarc"}, "SAYSO_MAIL_IDENTITY", "without SAYSO_MAIL_AUTHSERV_ID"),
        ({"SAYSO_MAIL_IDENTITY": "local"}, "SAYSO_MAIL_IDENTITY", 'allowed: "dmarc", "m365", "submission" or "none"'),
    ],
)
def test_a_contradiction_is_told_in_one_line(tmp_path: Path, changes: dict[str, str], key: str, told: str) -> None:
    (line,) = problems(tmp_path, "", **{**SERVERS, **changes})

    assert line.startswith(f"{key}: ")
    assert told in line
    assert "hush" not in line


def test_what_belongs_to_a_server_is_nothing_without_it(tmp_path: Path) -> None:
    told = problems(tmp_path, "", SAYSO_SMTP_PORT="25", SAYSO_IMAP_USER="agent", SAYSO_MAIL_IDENTITY="none")

    assert [line.partition(":")[0] for line in told] == ["SAYSO_MAIL_IDENTITY", "SAYSO_SMTP_PORT", "SAYSO_IMAP_USER"]
