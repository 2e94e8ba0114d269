"""Secrets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from tests.assets.conftest import Project

from upriver.assets import secret
from upriver.assets.declare.secret import Secret
from upriver.assets.errors import AssetError, DeclarationError

VALUE = "hunter2-ü"


@pytest.fixture
def key(project: Project, monkeypatch: pytest.MonkeyPatch) -> Secret:
    """The secret API_KEY, declared in a module of the project; nothing sets it yet."""
    monkeypatch.delenv("API_KEY", raising=False)
    monkeypatch.delenv("API_KEY_FILE", raising=False)
    return Secret("API_KEY", str(project.root / "assets"))


def test_it_comes_from_the_environment(key: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", VALUE)
    assert key.reveal() == VALUE


def test_it_comes_from_a_file_that_the_environment_names(
    key: Secret, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mounted").write_text(VALUE + "\n", encoding="utf-8")
    monkeypatch.setenv("API_KEY_FILE", str(tmp_path / "mounted"))
    assert key.reveal() == VALUE


def test_it_comes_from_the_projects_own_folder(key: Secret, project: Project) -> None:
    project.write("assets/x.py", "")
    project.write(".upriver/secrets/API_KEY", VALUE + "\n")
    assert key.reveal() == VALUE


def test_it_comes_from_a_file_that_the_configuration_names(key: Secret, project: Project) -> None:
    project.write("assets/x.py", "")
    project.write("upriver.toml", "[secrets]\nAPI_KEY = 'private/key.txt'\n")
    project.write("private/key.txt", VALUE)
    assert key.reveal() == VALUE


def test_a_missing_one_is_told_with_the_places_looked_at(key: Secret, project: Project) -> None:
    project.write("assets/x.py", "")
    with pytest.raises(AssetError) as caught:
        key.reveal()
    assert str(caught.value) == (
        "the secret 'API_KEY' is not set; looked for it in $API_KEY, $API_KEY_FILE, "
        "[secrets] in upriver.toml, .upriver/secrets/API_KEY"
    )


def test_a_file_that_can_not_be_read_is_told_without_its_content(
    key: Secret, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(AssetError, match="No such file"):
        key.reveal()
    (tmp_path / "gone").write_bytes(b"hunter2\xff")
    with pytest.raises(AssetError, match="not UTF-8") as caught:
        key.reveal()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_nothing_but_reveal_shows_the_value(key: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", VALUE)
    shown = [repr(key), str(key), f"{key}", f"{[key]}", pickle.dumps(key).decode("latin-1")]
    assert all("hunter2" not in text for text in shown)
    assert repr(key) == "secret('API_KEY')"
    assert pickle.loads(pickle.dumps(key)).reveal() == VALUE


def test_two_secrets_of_one_name_are_equal_and_none_can_be_changed() -> None:
    assert secret("A") == secret("A") != secret("B")
    assert len({secret("A"), secret("A")}) == 1
    with pytest.raises(AttributeError):
        secret("A").name = "B"


def test_a_name_that_could_be_a_path_is_refused() -> None:
    with pytest.raises(DeclarationError, match="no name of a secret"):
        secret("../../etc/passwd")
