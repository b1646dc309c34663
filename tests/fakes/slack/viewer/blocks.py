"""Blocks as HTML: what a person sees, so that pictures can be taken. Nothing here can be pressed."""

from collections.abc import Callable
from html import escape

from tests.fakes.slack.model import Json, as_list
from tests.fakes.slack.viewer.mrkdwn import Mrkdwn


class Blocks:
    """For one reader. `errors` are shown below the inputs they are about, `values` are in them."""

    def __init__(self, mrkdwn: Mrkdwn, values: Json | None = None, errors: dict[str, str] | None = None) -> None:
        self._mrkdwn, self._values, self._errors = mrkdwn, values or {}, errors or {}
        self._kinds: dict[str, Callable[[Json], str]] = {
            "actions": self._actions,
            "context": self._context,
            "divider": lambda _: "<hr>",
            "header": lambda block: f"<h3>{self._text(block['text'])}</h3>",
            "image": lambda block: f'<div class="picture">{escape(block["alt_text"])}</div>',
            "input": self._input,
            "markdown": lambda block: f'<div class="words">{self._mrkdwn.html(block["text"])}</div>',
            "rich_text": lambda block: "".join(self._rich(each) for each in block["elements"]),
            "section": self._section,
        }

    def html(self, blocks: list[Json]) -> str:
        return "".join(self._kinds[block["type"]](block) for block in blocks)

    def _text(self, text: Json) -> str:
        return self._mrkdwn.html(text["text"]) if text["type"] == "mrkdwn" else self._mrkdwn.plain(text["text"])

    def _section(self, block: Json) -> str:
        words = f"<div>{self._text(block['text'])}</div>" if "text" in block else ""
        fields = "".join(f"<div>{self._text(field)}</div>" for field in block.get("fields", []))
        beside = self._element(block["accessory"], block) if "accessory" in block else ""
        fields = f'<div class="fields">{fields}</div>' if fields else ""
        return f'<div class="section"><div class="words">{words}{fields}</div>{beside}</div>'

    def _context(self, block: Json) -> str:
        return f'<div class="context">{"".join(self._in_context(each) for each in block["elements"])}</div>'

    def _in_context(self, element: Json) -> str:
        if element["type"] == "image":
            return f'<span class="icon" title="{escape(element["alt_text"])}"></span>'
        return f"<span>{self._text(element)}</span>"

    def _actions(self, block: Json) -> str:
        return f'<div class="actions">{"".join(self._element(each, block) for each in block["elements"])}</div>'

    def _input(self, block: Json) -> str:
        optional = ' <span class="faint">(optional)</span>' if block.get("optional") else ""
        hint = f'<div class="faint">{self._text(block["hint"])}</div>' if "hint" in block else ""
        error = self._errors.get(block["block_id"])
        wrong = f'<div class="error">{escape(error)}</div>' if error else ""
        label = f"<label>{self._text(block['label'])}{optional}</label>"
        return f'<div class="input">{label}{self._element(block["element"], block)}{wrong}{hint}</div>'

    def _element(self, element: Json, block: Json) -> str:
        kind = element["type"]
        if kind == "button":
            return f'<button class="{element.get("style", "")}">{self._text(element["text"])}</button>'
        if kind in ("checkboxes", "radio_buttons"):
            return "".join(self._choice(kind, each, element, block) for each in element["options"])
        if kind == "overflow":
            return "<button>⋯</button>"
        if kind == "image":
            return f'<div class="icon big" title="{escape(element["alt_text"])}"></div>'
        chosen = self._chosen(element, block)
        shown = ", ".join(map(_words, chosen))
        if kind.endswith("_input"):
            return (
                f'<div class="field{" many" if element.get("multiline") else ""}">{shown or self._hint(element)}</div>'
            )
        return f'<div class="select">{shown or self._hint(element)}</div>'

    def _choice(self, kind: str, option: Json, element: Json, block: Json) -> str:
        mark = "checkbox" if kind == "checkboxes" else "radio"
        checked = " checked" if option in self._chosen(element, block) else ""
        more = f'<div class="faint">{self._text(option["description"])}</div>' if "description" in option else ""
        return f'<label class="choice"><input type="{mark}"{checked}> {self._text(option["text"])}{more}</label>'

    def _chosen(self, element: Json, block: Json) -> list[Json | str]:
        state: Json = self._values.get(block["block_id"], {}).get(element["action_id"], {})
        source = {name: value for name, value in state.items() if name != "type"} or {
            name: value for name, value in element.items() if name.startswith("initial_")
        }
        found = next(iter(source.values()), None)
        return as_list(found) or ([found] if found else [])

    def _hint(self, element: Json) -> str:
        hint = element.get("placeholder")
        return f'<span class="faint">{self._text(hint) if hint else ""}</span>'

    def _rich(self, element: Json) -> str:
        inner = "".join(
            self._rich(each) if each["type"].startswith("rich_text") else self._piece(each)
            for each in element["elements"]
        )
        match element["type"]:
            case "rich_text_preformatted":
                return f"<pre>{inner}</pre>"
            case "rich_text_quote":
                return f"<q>{inner}</q>"
            case "rich_text_list":
                items = "".join(f"<li>{self._rich(each)}</li>" for each in element["elements"])
                return f"<ol>{items}</ol>" if element.get("style") == "ordered" else f"<ul>{items}</ul>"
            case _:
                return f'<div class="rich">{inner}</div>'

    def _piece(self, piece: Json) -> str:
        match piece["type"]:
            case "user":
                return self._mrkdwn.mention(piece["user_id"])
            case "channel":
                return self._mrkdwn.html(f"<#{piece['channel_id']}>")
            case "broadcast":
                return self._mrkdwn.html(f"<!{piece['range']}>")
            case "emoji":
                return self._mrkdwn.plain(f":{piece['name']}:")
            case "date":
                words = self._mrkdwn.date(str(piece["timestamp"]), piece["format"], piece.get("fallback", ""))
                return _styled(escape(words), piece.get("style") or {})
            case "link":
                return f'<a href="{escape(piece["url"])}">{escape(piece.get("text") or piece["url"])}</a>'
            case _:
                return _styled(escape(piece.get("text", "")).replace("\n", "<br>"), piece.get("style") or {})


def _styled(html: str, style: Json) -> str:
    for name, tag in (("code", "code"), ("bold", "b"), ("italic", "i"), ("strike", "s")):
        html = f"<{tag}>{html}</{tag}>" if style.get(name) else html
    return html


def _words(chosen: Json | str) -> str:
    return escape(chosen["text"]["text"] if isinstance(chosen, dict) else str(chosen)).replace("\n", "<br>")
