"""Text of others, cut to what is shown."""

from agents.text import first_line


def test_the_first_line_that_shows_anything_is_what_a_mail_is_about() -> None:
    assert first_line("\u200b\n\ndeploy  v1.2.0\n\nHi, please do.", 80) == "deploy v1.2.0"
    assert first_line("x" * 90, 10) == "x" * 9 + "…"
    assert first_line(" \n", 10) == ""
