"""The forms of SAYSO_REDIS_URL, what each says of a server, and what is wrong with others."""

import pytest

from bot.config.redis_url import parse_redis_url, passwords_in


def test_one_server_is_where_its_address_says() -> None:
    for url in ("redis://h:1/0", "rediss://u:p@h", "unix:///run/redis.sock"):
        assert parse_redis_url(url).kind == "server"


def test_a_cluster_is_known_by_some_of_its_nodes_and_all_have_its_user_and_options() -> None:
    place = parse_redis_url("rediss+cluster://me:a%2Fb@one:7000,[::1]:7001,two/?ssl_ca_certs=/ca.pem")

    assert (place.kind, place.hosts) == ("cluster", (("one", 7000), ("::1", 7001), ("two", 6379)))
    assert place.at("three", 7002) == "rediss://me:a%2Fb@three:7002/0?ssl_ca_certs=%2Fca.pem"
    assert place.at("::2", 7002).startswith("rediss://me:a%2Fb@[::2]:7002/0")


def test_sentinels_name_a_master_and_have_users_of_their_own() -> None:
    place = parse_redis_url("redis+sentinel://:hush@one,two:7001/mymaster/2?sentinel_password=quiet")

    assert (place.kind, place.service, place.db) == ("sentinel", "mymaster", 2)
    assert place.hosts == (("one", 26379), ("two", 7001))
    assert place.of_sentinel == (("password", "quiet"),)
    assert place.at("one", 6379) == "redis://:hush@one:6379/2"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://one", "begins with redis://"),
        ("unix+cluster://one", "begins with redis://"),
        ("redis+cluster://", "hosts with commas between them"),
        ("redis+cluster://one/1", "a cluster has only number 0"),
        ("redis+sentinel://one", "the name of the master"),
        ("redis+cluster://one?ssl_ca_cert=x", "without the option ssl_ca_cert"),
    ],
)
def test_any_other_address_is_told_what_is_allowed(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_redis_url(url)


def test_every_password_of_an_address_is_known_to_be_one() -> None:
    url = "redis+sentinel://me:a%2Fb@one,two/mymaster?sentinel_password=quiet"

    assert passwords_in(url) == ["a%2Fb", "a/b", "quiet"]
    assert "quiet" not in repr(parse_redis_url(url))
