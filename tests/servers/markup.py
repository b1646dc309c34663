"""HTML as a browser without JavaScript reads it: the words, the links, and the forms as they would be sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = dict[str, str]
_UNREAD = {"script", "style", "title"}
_INLINE = {"a", "b", "code", "q", "span"}
_VOID = {"input", "link", "meta", "br", "img", "hr"}


@dataclass
class Button:
    """`value` goes with the form when `name` is set; `action` is another place to send it to."""

    text: str
    name: str
    value: str
    action: str


@dataclass
class Form:
    """The fields that would be sent untouched, and what can be pressed, ticked or typed."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    choices: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    typed: list[str] = field(default_factory=list[str])
    buttons: list[Button] = field(default_factory=list[Button])

    def button(self, text: str) -> Button:
        """The button that says so."""
        found = [button for button in self.buttons if button.text == text]
        assert found, f"no button {text!r}; there are: {[button.text for button in self.buttons]}"
        return found[0]


class Markup(HTMLParser):
    """A page, or a part of one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Attributes]] = []
        self.forms: list[Form] = []
        self._said: list[str] = []
        self._open: list[str] = []
        self._in_form = False
        self._select = ""
        self.feed(html)
        self.close()

    @property
    def words(self) -> str:
        """Everything that can be read, on one line."""
        return " ".join("".join(self._said).split())

    @property
    def links(self) -> list[str]:
        """The targets of the links."""
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]

    def form(self, action: str) -> Form:
        """The form that is sent to `action`."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form for {action}; there are: {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins here."""
        self._part(tag)
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))
            self._in_form = True
        elif self._in_form:
            self._field(self.forms[-1], tag, attributes)

    def _field(self, form: Form, tag: str, attributes: Attributes) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
        match tag, attributes.get("type", "text"):
            case "input", "radio" | "checkbox":
                form.choices.append((name, value))
            case "input", "hidden":
                form.fields.append((name, value))
            case ("input", _) | ("textarea", _):
                form.typed.append(name)
            case "select", _:
                self._select = name
                form.typed += [] if name == "agent" else [name]
            case "option", _ if self._select == "agent" and all(name != "agent" for name, _ in form.fields):
                form.fields.append(("agent", value))
            case "button", _:
                form.buttons.append(Button("", name, value, attributes.get("formaction", "")))
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        """Note what ends here."""
        self._part(tag)
        if tag in self._open:
            while self._open.pop() != tag:
                continue
        if tag == "form":
            self._in_form = False

    def _part(self, tag: str) -> None:
        self._said += [] if tag in _INLINE else [" "]

    def handle_data(self, data: str) -> None:
        """Note what is said here."""
        inside = self._open[-1] if self._open else ""
        if inside == "button" and self._in_form:
            self.forms[-1].buttons[-1].text += data
        if inside not in _UNREAD:
            self._said.append(data)
