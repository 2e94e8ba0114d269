"""What is found of a secret, and what is left alone."""

from __future__ import annotations

import base64
import random
import string
import textwrap

import pytest

from upriver.assets.support.redaction import PIECE, Redactor

TOKEN = "sk0live9Qm7Zt4Xw2Rb8Lp6Vy1Nd3Hs5Gk"


def hiding(**secrets: str) -> Redactor:
    found = Redactor()
    for name, value in secrets.items():
        found.add(name, value)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_no_piece_of_a_random_secret_is_left_wherever_it_is_cut(seed: int) -> None:
    """In base64, in hexadecimal, wrapped, shortened at either end; but for what is shorter than a piece."""
    chance = random.Random(seed)
    value = "".join(chance.choices(string.ascii_letters + string.digits + "+/=_-", k=chance.randint(24, 120)))
    hide = hiding(K=value).hide
    for whole in (value, base64.b64encode(b"user:" + value.encode()).decode()[8:-4], value.encode().hex()):
        for text in (
            whole,
            f"x {whole}.",
            f"{whole[:20]}…",
            f"…{whole[-20:]}",
            textwrap.fill(whole, 16, break_on_hyphens=False),
        ):
            left = hide(text)
            assert not any(whole[at : at + PIECE] in left for at in range(len(whole) - PIECE + 1)), (
                text,
                left,
            )


def test_ordinary_text_is_left_alone() -> None:
    """Also where it shares a word with a secret."""
    hide = hiding(
        URL="postgresql://reader:tr33house@db5.example.com/orders", WORDS="correct horse battery"
    ).hide
    for text in ("No module named 'postgresql'", "https://example.com/orders", "horse", "battery low", ""):
        assert hide(text) == text
    assert hide("postgresql://reader:tr33house@db5.example.com/orders") == "[secret URL]"
    assert hide("at tr33house@db5.example.com") == "at [secret URL]"
    assert hide("correct horse battery staple") == "[secret WORDS] staple"


def test_the_longest_secret_is_shown_where_several_begin() -> None:
    hide = hiding(A="abcd", B="abcd-efgh-1234-IJKL", C="efgh").hide
    assert hide("abcd-efgh-1234-IJKL abcd efgh") == "[secret B] [secret A] [secret C]"


def test_values_too_short_to_be_secrets_are_noted() -> None:
    found = hiding(A="abc", B="", C="abcd")
    assert found.weak == {"A"}
    assert found.hide("abc abcd") == "abc [secret C]"


def test_a_value_is_told_once_before_it_is_hidden() -> None:
    told: list[tuple[str, str]] = []
    found = Redactor(lambda name, value: told.append((name, value)))
    for _ in range(2):
        found.add("A", TOKEN)
    assert told == [("A", TOKEN)]
    assert found.whole(f"x{TOKEN}x") == "[secret A]"
    assert found.whole(TOKEN[:12]) is None
    assert found.finds(TOKEN[:12])


def test_names_are_not_refused_for_a_short_word_in_them() -> None:
    found = hiding(DB="prod", PIN="ab12", LONG="täglichgrüßt")
    assert found.whole("product_id") is None
    assert found.whole("x_ab12") == "[secret PIN]"
    assert found.whole("der täglichgrüßt") == "[secret LONG]"
    assert found.hide("prod ab12") == "[secret DB] [secret PIN]"
    assert found.finds("prod")
