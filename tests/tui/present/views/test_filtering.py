"""The filter line of the terminal UI: words narrow, terms of the grammar add."""

from __future__ import annotations

import pytest
from tests.fakes.session import FakeSession

from upriver.tui.present.views.filtering import matching

STATUSES = {status.asset: status for status in FakeSession().status()}
KEYS = sorted(STATUSES)


def found(text: str) -> set[str]:
    """The keys that *text* lets through."""
    return set(matching(text, KEYS, STATUSES))


def with_words(*words: str) -> set[str]:
    """The keys that have all of *words* in them."""
    return {key for key in KEYS if all(word in key for word in words)}


@pytest.mark.parametrize("words", [("order",), ("order", "pay"), ("pay", "order"), ("core", "order", "pay")])
def test_each_further_word_narrows(words: tuple[str, ...]) -> None:
    """In any order."""
    assert found(" ".join(words)) == with_words(*words)
    assert with_words(*words), "something is left to look at"


def test_terms_add_and_words_narrow_what_they_gave() -> None:
    """As does what is taken away."""
    either = found("staging.* core.*")
    assert either == found("staging.*") | found("core.*")
    assert found("staging.* core.* order") == {key for key in either if "order" in key}
    assert found("order !core.*") == {key for key in with_words("order") if not key.startswith("core.")}
    assert found("order PAY") == with_words("order", "pay")
