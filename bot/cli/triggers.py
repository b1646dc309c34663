"""`sayso triggers`: what starts runs without a person, when next, and how to post to it."""

import json
from typing import TYPE_CHECKING

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from bot.config_triggers import TriggerConfig
    from bot.settings import Settings

_SIGNED = """\
  BODY='{body}'
  TIME=$(date +%s)
  SIGNATURE=$(printf '%s.%s' "$TIME" "$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //')
  curl -sS {url} -H "Content-Type: application/json" \\
      -H "X-Sayso-Timestamp: $TIME" -H "X-Sayso-Signature: sha256=$SIGNATURE" -d "$BODY"
"""
_HUB = """\
  In the repository: Settings, Webhooks, Add webhook. Payload URL: {url}
  Content type: application/json. Secret: that of {secret}. Events: {event}, and nothing else.
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(triggers)


def triggers(as_json: Json = False, data: Data = None) -> None:
    """List what starts runs by itself: when it is due next, and how to sign what is posted to it."""
    from bot.cli.beside import settings_of
    from bot.cli.show import plain

    settings = settings_of(data)
    told = {name: _told(settings, name, config) for name, config in settings.triggers.items()}
    if as_json:
        print(json.dumps(told))
        return
    for name, config in settings.triggers.items():
        print(plain(_line(name, config, told[name])))
        if config.what != "cron":
            print(plain(_how(settings, name, config)))
    if not told:
        print("There are no triggers. A table [triggers.NAME] in sayso.toml makes one.")


def _told(settings: "Settings", name: str, config: "TriggerConfig") -> dict[str, object]:
    from datetime import UTC, datetime

    from bot.triggers.schedule import next_tick

    told: dict[str, object] = config.model_dump(mode="json", exclude={"secret", "kind"}, exclude_unset=True)
    told |= {"what": config.what, "limit": f"{settings.limits.triggers_per_trigger.count} per {_per(settings)}"}
    if config.cron:
        return told | {"next": next_tick(config.cron, config.timezone, datetime.now(UTC)).isoformat()}
    return told | {"url": _url(settings, name), "has_secret": config.secret is not None}


def _line(name: str, config: "TriggerConfig", told: dict[str, object]) -> str:
    agent = f" to the agent {config.agent}" if config.agent else ""
    words = f"“{config.text}”{agent} for {config.requester}" if config.requester else f"for the handle {config.handle}"
    if config.cron:
        return f"{name}  cron {config.cron} in {config.timezone}, next {told['next']}: {words}"
    unset = "" if config.secret else "  ! its secret is not set: nothing gets in"
    on = f" {config.on} of {config.repository or 'any repository'} ({config.only})" if config.on else ""
    return f"{name}  {config.what}{on}: {words}{unset}"


def _how(settings: "Settings", name: str, config: "TriggerConfig") -> str:
    """A command that can be pasted, once SECRET is set; or where to click."""
    url = _url(settings, name)
    if config.what == "github":
        return _HUB.format(url=url, secret=f"SAYSO_TRIGGERS__{name.upper()}__SECRET", event=config.on)
    return _SIGNED.format(url=url, body=json.dumps(_example(config)))


def _example(config: "TriggerConfig") -> dict[str, object]:
    """A body that has something at every path of the table."""
    from bot.triggers.filling import paths_of

    paths = [*paths_of(f"{config.text or ''}{config.handle or ''}"), *config.context.values()]
    body: dict[str, object] = {}
    for path in [*paths, *([config.id] if config.id else [])]:
        _put(body, path.split("."))
    return body


def _put(body: dict[str, object], names: list[str]) -> None:
    name, *rest = names
    if not rest:
        body.setdefault(name, name.upper())
        return
    inner = body.setdefault(name, {})
    if isinstance(inner, dict):
        _put(inner, rest)  # pyright: ignore[reportUnknownArgumentType]


def _url(settings: "Settings", name: str) -> str:
    return f"{settings.public_url or 'http://127.0.0.1:8000'}/v1/triggers/{name}"


def _per(settings: "Settings") -> str:
    return f"{settings.limits.triggers_per_trigger.per_s:.0f} s"
