"""`sayso mail`, `worker`, `web` and `doctor` as processes of an installation whose mail is at a provider."""

import re
import socket

import httpx2
import pytest

from tests.kit.waiting import PATIENCE_S, wait_until
from tests.processes.branch import Branch
from tests.servers.lines import free_ports

READING, STANDING_BY = "reading the mailbox", "standing by"

pytestmark = pytest.mark.long


def test_one_of_two_mail_processes_reads_and_the_other_takes_over_when_it_is_killed(branch: Branch) -> None:
    with branch.program("worker"), branch.program("mail", name="first") as first:
        first.wait_for(READING)
        with branch.program("mail", name="second") as second:
            second.wait_for(STANDING_BY)
            branch.stranger_writes("one")
            wait_until(lambda: len(branch.held()) == 1, 20, "the first mail is held")

            first.kill()
            branch.stranger_writes("two")
            second.wait_for(READING)
            wait_until(lambda: len(branch.held()) == 2, 20, "the second mail is held")

    assert "sam@outside.example is not in the directory" in branch.held()[0]
    assert READING not in second.said().partition(STANDING_BY)[0]


def test_mail_that_came_while_no_process_ran_is_read_at_the_next_start_and_once(branch: Branch) -> None:
    with branch.program("worker"):
        for text in ("one", "two"):
            branch.stranger_writes(text)
            with branch.program("mail") as reader:
                reader.wait_for(READING)
                wait_until(branch.held, what="a mail is held")
                reader.leaves()
        with branch.program("mail"):
            wait_until(lambda: len(branch.held()) == 2, 20, "both mails are held")

    assert len(branch.held()) == 2


def test_a_mail_process_waits_for_a_provider_that_is_not_there_and_leaves_in_time(branch: Branch) -> None:
    branch.environ["SAYSO_IMAP_PORT"] = str(free_ports(1)[0])
    with branch.program("mail") as reader:
        reader.wait_for("It is tried again")

        reader.leaves()

    assert "Traceback" not in reader.said()


def test_a_mail_process_leaves_in_time_while_the_provider_keeps_silent(branch: Branch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        branch.environ["SAYSO_IMAP_PORT"] = str(silent.getsockname()[1])
        with branch.program("mail") as reader:
            line, _ = silent.accept()
            with line:
                assert line.recv(1), "it begins to speak TLS"

                reader.leaves()


def test_readiness_tells_whether_the_mailbox_is_reached(branch: Branch) -> None:
    port = free_ports(1)[0]

    def mailbox() -> str | None:
        try:
            return (
                httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S, trust_env=False).json().get("mailbox")
            )
        except httpx2.HTTPError:
            return None

    with branch.program("web", "--port", str(port)):
        wait_until(lambda: mailbox() == "nobody reads it", 20, "the word that nobody reads it")
        with branch.program("mail"):
            wait_until(lambda: mailbox() == "reached", 20, "the word that it is reached")
        branch.environ["SAYSO_IMAP_PASSWORD"] = "wrong-pw"
        with branch.program("mail", name="again") as again:
            wait_until(lambda: mailbox() == "unreachable", 20, "the word that it is not")

    assert "did not accept the log-in" in again.said()
    assert "wrong-pw" not in again.said()


def test_the_doctor_examines_the_provider(branch: Branch) -> None:
    code, told = branch.told("doctor")

    assert f"a mail to {branch.address.replace('@', '+doctor-')[:20]}" in told
    assert "came back" in told
    assert "IMAP localhost takes our log-in" in told
    assert "nobody reads the mailbox" in told
    assert code == 0, told


def test_identify_asks_for_a_mail_and_proposes_what_proves_its_sender(branch: Branch) -> None:
    for name in [name for name in branch.environ if "SMTP" in name or "REDIS" in name]:
        del branch.environ[name]
    with branch.program("mail", "identify") as program:
        program.wait_for("with the subject sayso-")
        subject = re.findall(r"sayso-[0-9a-f]{8}", program.said())[0]
        branch.anna_writes(subject)

        assert program.ended() == 0, program.said()

    assert f"Send a mail from your own account to {branch.address}" in program.said()
    assert "SAYSO_MAIL_IDENTITY=dmarc\n  SAYSO_MAIL_AUTHSERV_ID=mx.corp.example" in program.said()


def test_mail_that_comes_while_redis_is_away_is_read_when_it_is_back(branch: Branch) -> None:
    with branch.program("worker"), branch.program("mail") as reader:
        reader.wait_for(READING)
        branch.redis.kill()
        branch.stranger_writes("one")
        reader.wait_for("No mail is read meanwhile")

        branch.redis.start()

        wait_until(branch.held, what="the mail is held")
