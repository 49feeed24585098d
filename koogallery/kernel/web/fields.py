"""How a Django form field is drawn with Bootstrap: which classes and which aria each control carries."""

from dataclasses import dataclass, field
from typing import Any

from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    HiddenInput,
    RadioSelect,
    Select,
    Textarea,
)
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class FieldLook:
    """What `components/field.html` prints. `shape` is one of hidden, input, check, group and file."""

    shape: str
    control: SafeString
    label: str
    hint: str
    hint_id: str
    error_id: str
    required: bool
    counter: int | None = None
    prefix: str = ""
    suffix: str = ""
    compact: bool = False
    options: list[Any] = field(default_factory=list)


def _shape(bound: BoundField) -> str:
    widget = bound.field.widget
    if bound.is_hidden or isinstance(widget, HiddenInput):
        return "hidden"
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return "group"
    if isinstance(widget, CheckboxInput):
        return "check"
    return "file" if isinstance(widget, FileInput) else "input"


def _control_class(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, CheckboxInput | RadioSelect | CheckboxSelectMultiple):
        css = "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-control"
    return f"{css} is-invalid" if bound.errors else css


def _group_options(bound: BoundField) -> list[Any]:
    """The boxes of a group, each with Bootstrap's class and, when the group is refused, with aria."""
    options = [*bound.subwidgets]
    for option in options:
        option.data["attrs"]["class"] = _control_class(bound)
        if bound.errors:
            option.data["attrs"]["aria-invalid"] = "true"
    return options


def look_of(bound: BoundField, options: dict[str, Any]) -> FieldLook:
    """Draw `bound`; `options` are those of the tag `{% field %}`, unknown ones become attributes of the control."""
    shape = _shape(bound)
    hint = str(options.pop("hint", "") or bound.help_text or "")
    label = str(options.pop("label", bound.label) or "")
    counter = options.pop("counter", None)
    prefix, suffix = str(options.pop("prefix", "")), str(options.pop("suffix", ""))
    compact = bool(options.pop("compact", False))
    base_id = bound.auto_id or bound.html_name
    hint_id, error_id, counter_id = f"{base_id}_hint", f"{base_id}_error", f"{base_id}_counter"
    attrs: dict[str, Any] = {name.replace("_", "-"): value for name, value in options.items()}
    own_class = bound.field.widget.attrs.get("class", "")
    attrs["class"] = f"{_control_class(bound)} {own_class}".strip()
    described = [hint_id] * bool(hint) + [counter_id] * bool(counter) + [error_id] * bool(bound.errors)
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if isinstance(bound.field.widget, Textarea):
        attrs.setdefault("rows", 5)
    if counter:
        attrs["data-counter"] = counter_id
    if shape == "group":
        attrs.pop("aria-describedby", None)
    control = bound.as_widget(attrs=attrs) if shape != "group" else SafeString()
    if bound.field.show_hidden_initial:
        control += bound.as_hidden(only_initial=True)
    return FieldLook(
        shape=shape,
        control=control,
        label=label,
        hint=hint,
        hint_id=hint_id if hint else "",
        error_id=error_id if bound.errors else "",
        required=bound.field.required,
        counter=int(counter) if counter else None,
        prefix=prefix,
        suffix=suffix,
        compact=compact,
        options=_group_options(bound) if shape == "group" else [],
    )
