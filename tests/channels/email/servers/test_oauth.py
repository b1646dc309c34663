"""Access tokens from a real token endpoint."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from channels import ChannelRefused, ChannelUnavailable
from channels.email.servers.oauth import AccessTokens, Grant
from tests.servers.token_endpoint import TokenEndpoint


@dataclass
class Clock:
    """Seconds, moved by hand."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def endpoint() -> AsyncIterator[TokenEndpoint]:
    async with TokenEndpoint() as endpoint:
        yield endpoint


async def test_a_token_is_made_from_the_refresh_token_and_kept(endpoint: TokenEndpoint) -> None:
    tokens = AccessTokens(endpoint.grant)

    found = {await tokens.current() for _ in range(3)}

    assert found == {"access-1"}
    assert endpoint.asked == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "an-app",
            "client_secret": "app-secret",
            "scope": "mail",
        }
    ]


@pytest.mark.parametrize("life_s", [3600, "3600", None, "soon"])
async def test_a_token_is_renewed_in_the_last_minute_of_its_life(endpoint: TokenEndpoint, life_s: object) -> None:
    endpoint.life_s, clock = life_s, Clock()
    tokens = AccessTokens(endpoint.grant, now=clock)

    await tokens.current()
    clock.at += 3539
    before = await tokens.current()
    clock.at += 1
    after = await tokens.current()

    assert (before, after) == ("access-1", "access-2")


async def test_many_who_wait_ask_once_and_anew_when_a_server_refused_what_they_got(endpoint: TokenEndpoint) -> None:
    endpoint.rotates = True  # a new refresh token takes the place of the old one
    tokens = AccessTokens(endpoint.grant)
    await asyncio.gather(*(tokens.current() for _ in range(10)))
    assert len(endpoint.asked) == 1
    refused = await tokens.current()

    tokens.forget(refused)
    fresh = await tokens.current()
    tokens.forget(refused)

    assert await tokens.current() == fresh == "access-2"


async def test_an_endpoint_in_trouble_is_asked_again_later(endpoint: TokenEndpoint) -> None:
    for status in (500, 503, 429, 408):
        endpoint.refuses = (status, "temporarily_unavailable")
        with pytest.raises(ChannelUnavailable, match="asked again later"):
            await AccessTokens(endpoint.grant).current()


async def test_a_grant_that_is_gone_and_a_wrong_application_are_named_without_a_secret(endpoint: TokenEndpoint) -> None:
    other = AccessTokens(Grant(endpoint.grant.url, "another-app", "refresh-0", "wrong-secret"))
    with pytest.raises(ChannelRefused, match="401 invalid_client") as told:
        await other.current()
    assert "wrong-secret" not in f"{told.value}{other}{endpoint.grant}"

    endpoint.refresh_token = "another"
    with pytest.raises(ChannelRefused, match=r"invalid_grant.*SAYSO_MAIL_OAUTH_REFRESH_TOKEN"):
        await AccessTokens(Grant(endpoint.grant.url, "an-app", "refresh-0", "app-secret")).current()


async def test_an_endpoint_that_says_what_nobody_means_is_no_fault_of_a_mail(endpoint: TokenEndpoint) -> None:
    endpoint.life_s = 10**400
    assert await AccessTokens(endpoint.grant).current() == "access-1"

    endpoint.says = b"[" * 60_000
    with pytest.raises(ChannelRefused, match="200 no access token in the answer"):
        await AccessTokens(endpoint.grant).current()


async def test_an_endpoint_that_does_not_answer_is_left_after_a_while(endpoint: TokenEndpoint) -> None:
    endpoint.silent = asyncio.Event()

    with pytest.raises(ChannelUnavailable, match="can't be reached"):
        await AccessTokens(endpoint.grant, timeout_s=0.2).current()


async def test_attack_while_the_endpoint_hangs_each_mail_waits_for_each_before_it_and_fills_a_worker(
    endpoint: TokenEndpoint,
) -> None:
    endpoint.silent = asyncio.Event()
    tokens = AccessTokens(endpoint.grant, timeout_s=0.2)

    found = await asyncio.gather(*(tokens.current() for _ in range(20)), return_exceptions=True)
    together = endpoint.unanswered
    with pytest.raises(ChannelUnavailable, match="can't be reached"):
        await tokens.current()

    assert {type(one) for one in found} == {ChannelUnavailable}
    assert (together, endpoint.unanswered) == (1, 2), "whoever comes later asks again"


async def test_nobody_at_the_endpoint_is_for_later() -> None:
    async with TokenEndpoint() as gone:
        grant = gone.grant

    with pytest.raises(ChannelUnavailable, match="can't be reached"):
        await AccessTokens(grant).current()
