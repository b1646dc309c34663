"""A file that lacks its end, told from one in which somebody deleted or changed something else."""

from bot.people.cut import lacks_end, lines_of

TOP = '[people.anna]\nname = "Anna"\ngroups = ["release"]\n\n'
A = '[policies.a]\napprovers = ["person:anna"]\nquorum = 2\nexpires_after = "4h"\n\n'
B = '[policies.b]\napprovers = ["group:release"]\nquorum = 2\nexpires_after = "4h"\n'
OLD = TOP + A + B
RENAMED = TOP.replace('"Anna"', '"Anna Ames"')
NEW = A.replace(".a]", ".c]")

CUT = {
    "nothing is left": "",
    "the last table is lost": TOP + A,
    "the last line is lost": OLD.replace(B, B.removesuffix('expires_after = "4h"\n')),
    "the last line is not ended": OLD.removesuffix("\n"),
    "the last line is not ended and all is new": '[people.zoe]\nname = "Zoe"',
    "it ends within a line": OLD[:-9],
    "what is above was changed as well": RENAMED + A,
    "a table was put above, with the same lines": RENAMED + NEW + A,
}
WHOLE = {
    "nothing was changed": OLD,
    "something was put at the end": OLD + NEW,
    "something was put above": NEW + OLD,
    "a table within was deleted": TOP + B,
    "the first table was deleted": A + B,
    "a line within was deleted": OLD.replace("quorum = 2\n", "", 1),
    "a line of the last table was deleted": TOP + A + B.replace("quorum = 2\n", ""),
    "a line of the last table says something else": TOP + A + B.replace("quorum = 2", "quorum = 1"),
    "another table stands in place of the last one": TOP + A + B.replace(".b]", ".d]").replace("group:", "person:"),
    "the last line says something else": OLD.replace(B, B.replace("4h", "8h")),
    "tables changed places": TOP + B + A,
    "other line ends": OLD.replace("\n", "\r\n"),
    "all is new": NEW.replace("4h", "8h"),
}


def test_a_file_lacks_its_end_or_was_changed() -> None:
    found = {why: lacks_end(lines_of(OLD.encode()), lines_of(now.encode())) for why, now in (CUT | WHOLE).items()}

    assert found == dict.fromkeys(CUT, True) | dict.fromkeys(WHOLE, False)


def test_a_line_that_stands_above_as_well_is_missed_at_the_end() -> None:
    before = (OLD + "quorum = 2\n").encode()

    assert lacks_end(lines_of(before), lines_of(OLD.encode()))
    assert lacks_end(lines_of(before), lines_of((RENAMED + A + B).encode()))


def test_a_beginning_is_found_at_each_line_and_where_the_last_line_was_never_ended() -> None:
    before = OLD.strip()

    for number in range(before.count("\n")):
        assert lacks_end(lines_of(before.encode()), lines_of("\n".join(before.split("\n")[: number + 1]).encode()))


def test_a_beginning_is_found_within_a_line_where_the_last_one_was_never_ended() -> None:
    before = RENAMED + A + B.replace("quorum = 2", "quorum = 2 # two of them").strip()
    now = before[: before.index(" of them")]

    assert lacks_end(lines_of(before.encode()), lines_of(now.encode()))
    assert not lacks_end(lines_of(before.encode()), lines_of((before + " # the longest").encode()))
    assert not lacks_end(lines_of(before.encode()), lines_of((before + "\n" + NEW.strip()).encode()))
