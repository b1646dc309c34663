"""The differences between two versions of a prompt."""

import prompts
from bot.cli.agents import difference

HEAD = "---\nname: greet\nversion: {}\nfamily: claude\ninputs: {}\n---\n"


def test_a_difference_shows_the_inputs_and_the_template_as_they_are_written() -> None:
    before = prompts.parse("greet@1", f"{HEAD.format(1, 'who')}Greet {{{{ who }}}}.\nBe kind.".encode())
    after = prompts.parse(
        "greet", f"{HEAD.format(2, 'who, day')}Greet {{{{ who }}}} on {{{{ day }}}}.\nBe kind.".encode()
    )

    lines = difference(before, after).splitlines()

    assert lines[:2] == ["--- greet@1", "+++ greet@2"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-inputs: who",
        "+inputs: who, day",
        "-Greet {{ who }}.",
        "+Greet {{ who }} on {{ day }}.",
    ]
    assert difference(before, before) == ""
