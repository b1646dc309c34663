"""An id says what it is and where it lives."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotFound
from bot.store.ids import Kind, WorkItem, WorkKind, check, ingress_shard, new_id, shard_of

KINDS: tuple[Kind, ...] = get_args(Kind)


@given(st.sampled_from(KINDS), st.integers(min_value=0, max_value=63))
def test_an_id_knows_its_shard_and_its_kind(kind: Kind, shard: int) -> None:
    fresh = new_id(kind, shard)

    assert shard_of(fresh) == shard
    assert check(fresh, kind) == fresh


def test_no_two_kinds_share_a_letter_and_no_two_ids_are_the_same() -> None:
    fresh = [new_id(kind, 3) for kind in KINDS]

    assert len({one[2] for one in fresh}) == len(KINDS)
    assert len({new_id("run", 3) for _ in range(1_000)}) == 1_000


def test_the_id_of_one_kind_is_not_taken_for_another() -> None:
    for kind in KINDS:
        if kind != "run":
            with pytest.raises(NotFound, match=r"is not the id of a run. Those look like s0r-abcdefghijklm"):
                check(new_id(kind, 3), "run")


def test_what_is_no_id_is_refused_with_an_example_and_a_long_text_not_repeated_whole() -> None:
    for text in (
        "", "x", "s3r", "s3r-abc", "S3r-abcdefghijklm", " s3r-abcdefghijklm", "s100r-abcdefghijklm",
        "s3r-abcdefghijkl1", "x" * 10_000,
    ):  # fmt: skip
        with pytest.raises(NotFound, match="They look like s0r-abcdefghijklm") as refused:
            shard_of(text)
        assert len(str(refused.value)) < 200


@given(st.text(), st.integers(min_value=1, max_value=64))
def test_a_foreign_id_always_leads_to_the_same_shard(foreign: str, shards: int) -> None:
    shard = ingress_shard(foreign, shards)

    assert 0 <= shard < shards
    assert ingress_shard(foreign, shards) == shard


def test_foreign_ids_are_spread_over_the_shards() -> None:
    assert {ingress_shard(f"<{number}@example>", 8) for number in range(200)} == set(range(8))


@given(st.sampled_from(get_args(WorkKind)), st.sampled_from(KINDS), st.integers(min_value=0, max_value=63))
def test_work_is_read_from_a_schedule_as_it_was_written(work: WorkKind, kind: Kind, shard: int) -> None:
    item = WorkItem(work, new_id(kind, shard))

    assert WorkItem.parse(str(item)) == item


@given(st.text() | st.from_regex(r"(run|in|out|ask|mail) ?s?\d*[a-z]?-?[a-z2-7]*", fullmatch=True))
def test_what_is_read_as_work_is_exactly_what_would_be_written(member: str) -> None:
    try:
        item = WorkItem.parse(member)
    except NotFound:
        return

    assert str(item) == member


def test_what_is_no_work_is_said_to_be_none() -> None:
    for member in ("", "run", "run ", "mail s0r-aaaaaaaaaaaaa", "run nothing", "run  s0r-aaaaaaaaaaaaa"):
        with pytest.raises(NotFound):
            WorkItem.parse(member)
