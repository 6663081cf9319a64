"""Fields to choose from: choices are written as ``(value, label)``, WTForms gets the objects that it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import wtforms
from wtforms.fields import SelectChoice


def _choices(given: Any) -> Any:
    if given is None:
        return None
    if callable(given):
        return lambda: _choices(given())
    return [item if isinstance(item, SelectChoice) else _choice(item) for item in given]


def _choice(item: Any) -> SelectChoice:
    return SelectChoice(*item) if isinstance(item, (tuple, list)) else SelectChoice(item, item)


class _Choosing:
    """What the three kinds have in common. ``choices`` may be given anew once the form is made."""

    def __init__(self, label: Any = None, validators: Any = None, *, choices: Any = None, **options: Any) -> None:
        super().__init__(label, validators, choices=_choices(choices), **options)  # type: ignore[call-arg]

    @property
    def choices(self) -> Any:
        return wtforms.SelectField.choices.fget(self)

    @choices.setter
    def choices(self, given: Iterable[Any] | None) -> None:
        wtforms.SelectField.choices.fset(self, _choices(given))


class SelectField(_Choosing, wtforms.SelectField):  # type: ignore[misc]
    pass


class SelectMultipleField(_Choosing, wtforms.SelectMultipleField):  # type: ignore[misc]
    pass


class RadioField(_Choosing, wtforms.RadioField):  # type: ignore[misc]
    pass
