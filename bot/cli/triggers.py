"""`sayso triggers`: what starts runs without a person, when next, and how to post to it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from bot.cli.options import Data, Json, settings_of
from bot.cli.plain import plain

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.config.triggers import TriggerConfig

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
_GUESSED = (
    "The address is a guess: no `sayso dev` runs here, and SAYSO_PUBLIC_URL is not set. `sayso web` says its port."
)
_NOT_HERE = "is not set here: unless `sayso web` has it, nothing gets in"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(triggers)


@dataclass(frozen=True, slots=True)
class _Web:
    """The web address to post to, and the secrets set there; `secrets` is None if no server can be asked."""

    url: str
    is_guess: bool = False
    secrets: frozenset[str] | None = None

    def has_secret(self, name: str, config: "TriggerConfig") -> bool:
        """Return whether the trigger's secret is set, as far as this command can know."""
        return config.secret is not None if self.secrets is None else name in self.secrets


def _web_of(settings: "Settings") -> _Web:
    """Return the address that a running `sayso dev` noted, else the one in this command's settings."""
    from bot.config.data_dir import DataDir

    server = DataDir(settings.data_dir).server() if settings.redis_url is None else None
    secrets = frozenset(server.secrets) if server else None
    if known := settings.public_url or (server and server.url):
        return _Web(known, secrets=secrets)
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return _Web(f"http://{host}:8000", is_guess=True, secrets=secrets)


def triggers(as_json: Json = False, data: Data = None) -> None:
    """List what starts runs by itself: when it is due next, and how to sign what is posted to it."""
    settings = settings_of(data)
    web = _web_of(settings)
    told = {name: _told(settings, web, name, config) for name, config in settings.triggers.items()}
    if as_json:
        print(json.dumps(told))
        return
    for name, config in settings.triggers.items():
        print(plain(_line(name, config, told[name], web)))
        if config.what != "cron":
            print(plain(_how(web, name, config)))
    if web.is_guess and any(config.what != "cron" for config in settings.triggers.values()):
        print(_GUESSED)
    if not told:
        print("There are no triggers. A table [triggers.NAME] in sayso.toml makes one.")


def _told(settings: "Settings", web: _Web, name: str, config: "TriggerConfig") -> dict[str, object]:
    from datetime import UTC, datetime

    from bot.config.cron import next_tick

    told: dict[str, object] = config.model_dump(mode="json", exclude={"secret", "kind"}, exclude_unset=True)
    told |= {"what": config.what, "limit": f"{settings.limits.triggers_per_trigger.count} per {_per(settings)}"}
    if config.cron:
        return told | {"next": next_tick(config.cron, config.timezone, datetime.now(UTC)).isoformat()}
    told |= {"url": _url(web, name), "is_url_a_guess": web.is_guess, "has_secret": web.has_secret(name, config)}
    return told | {"secret_known_by": "this command" if web.secrets is None else "sayso dev"}


def _line(name: str, config: "TriggerConfig", told: dict[str, object], web: _Web) -> str:
    agent = f" to the agent {config.agent}" if config.agent else ""
    words = f"“{config.text}”{agent} for {config.requester}" if config.requester else f"for the handle {config.handle}"
    if config.cron:
        return f"{name}  cron {config.cron} in {config.timezone}, next {told['next']}: {words}"
    missing = "is not set: nothing gets in" if web.secrets is not None else _NOT_HERE
    unset = "" if web.has_secret(name, config) else f"  ! its secret {missing}"
    on = f" {config.on} of {config.repository or 'any repository'} ({config.only})" if config.on else ""
    return f"{name}  {config.what}{on}: {words}{unset}"


def _how(web: _Web, name: str, config: "TriggerConfig") -> str:
    """A command that can be pasted, once SECRET is set; or where to click."""
    url = _url(web, name)
    if config.what == "github":
        return _HUB.format(url=url, secret=f"SAYSO_TRIGGERS__{name.upper()}__SECRET", event=config.on)
    return _SIGNED.format(url=url, body=json.dumps(_example(config)))


def _example(config: "TriggerConfig") -> dict[str, object]:
    """A body that has something at every path of the table."""
    from bot.config.templates import paths_of

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


def _url(web: _Web, name: str) -> str:
    return f"{web.url}/v1/triggers/{name}"


def _per(settings: "Settings") -> str:
    return f"{settings.limits.triggers_per_trigger.per_s:.0f} s"
