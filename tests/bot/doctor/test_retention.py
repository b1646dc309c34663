"""The doctor's findings about the place that finished runs leave for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.settings import Settings, load
from bot.doctor.finding import Finding
from bot.doctor.retention import examine_retention
from bot.store import Keys
from tests.bot.archive.places import BUCKET, KEY_ID, SECRET, ObjectStore, object_store
from tests.bot.store.stores import a_store

OWN_REDIS = {"SAYSO_REDIS_URL": "redis://127.0.0.1:1"}


@pytest.fixture(scope="module")
def bucket() -> Iterator[ObjectStore]:
    with object_store() as server:
        yield server


def in_bucket(server: ObjectStore, bucket: str = BUCKET) -> dict[str, str]:
    return OWN_REDIS | {
        "SAYSO_RETENTION__TO": f"s3://{bucket}/sayso",
        "SAYSO_RETENTION__ENDPOINT": server.endpoint,
        "AWS_ACCESS_KEY_ID": KEY_ID.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": SECRET.get_secret_value(),
    }


def installed(data: Path, environ: dict[str, str]) -> Settings:
    data.mkdir(exist_ok=True)
    return load(data, environ)


async def findings(data: Path, environ: dict[str, str]) -> list[Finding]:
    return await examine_retention(installed(data, environ))


async def test_beside_the_embedded_redis_the_data_directory_has_the_archive(tmp_path: Path) -> None:
    [one] = await findings(tmp_path / "data", {})

    assert (one.sign, one.fix) == ("✓", "")
    assert f"{tmp_path}/data/archive after 30 days" in one.what
    assert list((tmp_path / "data/archive/doctor").iterdir()) == []


async def test_with_a_redis_of_ones_own_and_no_place_runs_stay_for_ever_and_that_is_said(tmp_path: Path) -> None:
    [one] = await findings(tmp_path / "data", OWN_REDIS)

    assert one.sign == "!"
    assert "stay for ever" in one.what
    assert "s3://BUCKET/PREFIX" in one.fix


async def test_attack_the_doctor_finds_a_folder_right_in_whose_place_nothing_is_mounted(
    redis: str, tmp_path: Path
) -> None:
    environ, folder = {"SAYSO_REDIS_URL": redis, "SAYSO_RETENTION__TO": f"{tmp_path}/archive"}, tmp_path / "archive"
    folder.mkdir()
    assert (await findings(tmp_path / "data", environ))[0].sign == "✓"
    async with a_store(redis) as store:
        await store.client.do("SET", Keys(1).archived, 1)

    [one] = await findings(tmp_path / "data", environ)
    assert (one.sign, "is not mounted, or not the archive" in one.what) == ("✗", True)

    (folder / "sayso-archive").write_text("")
    assert (await findings(tmp_path / "data", environ))[0].sign == "✓"


@pytest.mark.long
async def test_a_bucket_is_tried_with_the_keys_of_the_environment(tmp_path: Path, bucket: ObjectStore) -> None:
    [one] = await findings(tmp_path / "data", in_bucket(bucket))
    [gone] = await findings(tmp_path / "data", in_bucket(bucket, "no-such-bucket"))

    assert (one.sign, f"s3://{BUCKET}/sayso at {bucket.endpoint}" in one.what) == ("✓", True)
    assert (gone.sign, "NoSuchBucket" in gone.what) == ("✗", True)
