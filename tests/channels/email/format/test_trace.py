import pytest

from channels.email.format import trace

MAIL = b"From: bo@corp.example\r\n\r\nhi\r\n"


@pytest.mark.parametrize(
    "block",
    [
        trace.Trace("bo@corp.example", "agent+k7@sayso.example", "bo@corp.example"),
        trace.Trace("bo@corp.example", "agent@sayso.example", None),
        trace.Trace("", "agent@sayso.example", None),
    ],
)
def test_what_the_server_wrote_is_read_back_and_the_mail_below_is_unchanged(block: trace.Trace) -> None:
    assert trace.read(trace.write(block) + MAIL) == (block, MAIL)


def test_only_the_very_first_bytes_are_trusted() -> None:
    forged = trace.write(trace.Trace("bo@corp.example", "agent@sayso.example", "bo@corp.example"))

    assert trace.read(b"X: y\r\n" + forged + MAIL)[0] is None
    assert trace.read(b"\r\n" + forged + MAIL)[0] is None
    assert trace.read(forged.replace(b"\r\n", b"\n") + MAIL)[0] is None
    assert trace.read(forged.replace(b"auth=pass", b"auth=pass (x) ") + MAIL)[0] is None


def test_a_second_block_below_the_first_is_part_of_the_mail() -> None:
    ours = trace.write(trace.Trace("m@evil.example", "agent@sayso.example", None))
    forged = trace.write(trace.Trace("bo@corp.example", "agent@sayso.example", "bo@corp.example"))

    block, below = trace.read(ours + forged + MAIL)

    assert block is not None
    assert block.login is None
    assert below == forged + MAIL
