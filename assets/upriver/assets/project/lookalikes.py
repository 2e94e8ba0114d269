"""SQL modules whose paths differ only in letter case or in the form of their letters: the key of one is taken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import msgspec

from upriver.assets.errors import Diagnosis


def with_lookalikes(diagnoses: Iterable[Diagnosis], paths: Iterable[str]) -> list[Diagnosis]:
    """The *diagnoses*; one of a path that gives no key names the other *paths* that it would be taken for."""
    told = list(diagnoses)
    if not any(diagnosis.code == "bad-key" for diagnosis in told):
        return told
    by_form: dict[str, list[str]] = {}
    for path in paths:
        by_form.setdefault(_form(path), []).append(path)
    return [_with_others(diagnosis, by_form) for diagnosis in told]


def _with_others(diagnosis: Diagnosis, by_form: dict[str, list[str]]) -> Diagnosis:
    if diagnosis.code != "bad-key" or diagnosis.place is None:
        return diagnosis
    path = diagnosis.place.path
    facts = tuple(
        f"it differs from {other} only in case or in the form of its letters"
        for other in by_form.get(_form(path), ())
        if other != path
    )
    if not facts:
        return diagnosis
    hint = "keep one of them, or give them different names"
    return msgspec.structs.replace(diagnosis, facts=(*diagnosis.facts, *facts), hint=hint)


def _form(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()
