"""The reasons for no line to a mail server, in words that say what to look at."""

import socket

from channels.email.servers.endpoint import Endpoint, connection_trouble


def test_why_there_is_no_connection_is_said_in_words() -> None:
    wrapped = RuntimeError("no line")
    wrapped.__cause__ = socket.gaierror(-2, "Name or service not known")

    assert connection_trouble(wrapped) == "its name can't be looked up"
    assert connection_trouble(TimeoutError()) == "it does not answer"
    assert connection_trouble(ConnectionResetError()) == "ConnectionResetError"


def test_the_systems_certificates_are_read_once_for_all_mails() -> None:
    relay = Endpoint("mail.corp.example", 587)

    assert relay.trusted is relay.trusted
