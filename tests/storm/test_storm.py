"""A storm loses nothing, does nothing twice or undecided, shows nothing wrong: half a minute, and ten under `--all`.

So does one over a cluster, and one over a master with replicas under Sentinels: a minute each under `--all`.

A storm is longer where the machine is too slow to do enough in that time. No time is judged but one: 60 s without any
news after everything is healthy again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.long import few_of
from tests.servers.authority import Authority
from tests.servers.mailhost import MailHost, missing
from tests.storm.storm import Wanted, storm


@pytest.fixture
def host(open_path: Path, authority: Authority) -> Iterator[MailHost]:
    """A provider for one storm: what is left in a mailbox of another one would be asked for in this one."""
    if why := missing():
        pytest.skip(why)
    with MailHost(open_path / "mail", authority) as running:
        yield running


WANTED = [
    Wanted(30, 15, seed=17),
    Wanted(600, 400, seed=18),
    Wanted(60, 30, seed=17, setup="cluster"),
    Wanted(60, 30, seed=17, setup="sentinel"),
]


@pytest.mark.parametrize("wanted", few_of(WANTED, 0), ids=str)
def test_a_storm_leaves_every_promise_kept(open_path: Path, host: MailHost, slack_address: str, wanted: Wanted) -> None:
    house = open_path / "house"
    house.mkdir()

    report = storm(wanted, house, host, slack_address)

    assert report.is_well, "\n".join(report.lines())


def test_a_storm_is_not_given_up_before_its_approvals_can_be_there() -> None:
    short, long = Wanted(60), Wanted(60, approvals=25_000)

    assert short.at_most_s == 15 * 60
    assert long.at_most_s >= 25_000
