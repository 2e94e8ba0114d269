"""The loop over HTTP: a push is taken from who shows the token, and from nobody else."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from upriver.materializer.automation.listen import MOST_BYTES, listen
from upriver.materializer.automation.model import WatchFigures


class Looked:
    """A loop that counts how often it was asked to look."""

    figures = WatchFigures()

    def __init__(self) -> None:
        self.times = 0

    def silent(self) -> float:
        return 0.0

    def look_now(self) -> None:
        self.times += 1


@pytest.fixture
def looked() -> Looked:
    return Looked()


@pytest.fixture
def place(looked: Looked) -> Iterator[str]:
    with listen(looked, "127.0.0.1", 0, lambda: "s3cret-token") as found:
        yield found


def push(place: str, path: str = "/look", token: str | None = "s3cret-token", body: bytes = b"{}") -> int:
    """The status that a push is answered with."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(place + path, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def test_a_push_has_the_sources_looked_at(place: str, looked: Looked) -> None:
    assert push(place) == 202
    assert looked.times == 1


@pytest.mark.parametrize("token", [None, "", "s3cret", "s3cret-token-", "Bearer s3cret-token"])
def test_without_the_token_nothing_is_taken(place: str, looked: Looked, token: str | None) -> None:
    assert push(place, token=token) == 401
    assert looked.times == 0


def test_other_paths_and_too_much_are_refused(place: str, looked: Looked) -> None:
    assert push(place, "/elsewhere") == 404
    assert push(place, body=b"x" * 10) == 202
    request = urllib.request.Request(
        place + "/look", method="POST", headers={"Content-Length": str(MOST_BYTES + 1)}
    )
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(request)
    assert looked.times == 1


def test_a_project_without_a_token_takes_no_push(looked: Looked) -> None:
    with listen(looked, "127.0.0.1", 0) as place:
        assert push(place) == 403
        assert push(place, token="") == 403
    assert looked.times == 0
