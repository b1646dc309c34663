"""The place that finished runs leave for: whether there is one, and whether it keeps what is written to it."""

from functools import partial

from bot.archive.keeper import Archive, place_of
from bot.archive.leaving import has_left
from bot.archive.places import ArchiveUnavailable
from bot.config.data_dir import redis_url
from bot.config.settings import Settings
from bot.doctor.finding import Finding
from bot.errors import Unavailable
from bot.store import Store
from bot.store.client import Client

_BUCKET = 'set to = "s3://BUCKET/PREFIX" in [retention] of sayso.toml'


async def examine_retention(settings: Settings) -> list[Finding]:
    """Write something to the archive, read it and remove it again; say where one is missing or only seen from here."""
    place, days = place_of(settings), settings.retention.finished_after_s / 86_400
    if place is None:
        what = "finished runs stay for ever where they are: there is no archive"
        return [Finding(sign="!", what=what, fix=f"{_BUCKET}, or a directory that every process sees")]
    if settings.retention.to is None and not settings.data_dir.is_dir():
        return []  # told with the data directory
    try:
        is_kept = await Archive(place, partial(_has_left, settings)).gives_back()
    except ArchiveUnavailable as error:
        fix = "look at [retention] in sayso.toml, and at who may write there; meanwhile runs stay in Redis"
        return [Finding(sign="✗", what=error.what, fix=fix)]
    if not is_kept:
        fix = "look at what stands between; meanwhile runs stay in Redis"
        return [Finding(sign="✗", what=f"the archive in {place.where} gives back other bytes", fix=fix)]
    findings = [Finding(sign="✓", what=f"finished runs leave for {place.where} after {days:g} days")]
    if settings.redis_url is not None and not (settings.retention.to or "").startswith("s3://"):
        what = f"{place.where} is a directory: workers and web on other machines must see the same one"
        findings.append(Finding(sign="!", what=what, fix=f"mount it on all of them, or {_BUCKET}"))
    return findings


async def _has_left(settings: Settings) -> bool:
    """Return whether anything has left for the archive; False where Redis can't say, which is told with Redis."""
    try:
        client = Client(redis_url(settings), patience_s=0)
        try:
            return await has_left(Store(client, settings.shards))
        finally:
            await client.close()
    except Unavailable:
        return False
