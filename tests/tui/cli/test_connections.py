"""``upriver connection``: what is declared, who answers, what is there."""

from __future__ import annotations

from tests.json_contract import check_document
from tests.tui.cli.conftest import Run


def test_connections_are_listed_with_what_reads_them(run: Run) -> None:
    done = run("connection", "list")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["connection", "url", "read", "by"],
        ["shop", "postgresql://reader@db/shop", "1", "source"],
        ["lake", "(secret)", "0", "sources"],
    ]
    check_document(run("connection", "list", "--json").document, "connection list")


def test_a_connection_that_does_not_answer_fails_the_test(run: Run) -> None:
    """With what it said, and the hint below."""
    done = run("connection", "test")
    assert done.code == 1
    assert "PostgreSQL 18.6" in done.out
    assert "connection lake: no route" in done.out
    assert "lake: hint: look" in done.out
    document = run("connection", "test", "--json").document
    check_document(document, "connection list")
    assert [one["error"] is None for one in document["connections"]] == [True, False]


def test_tables_are_listed_with_how_a_source_is_declared(run: Run) -> None:
    done = run("connection", "browse", "shop")
    assert done.code == 0
    assert "about 1,200" in done.out
    assert 'source("raw.NAME", connection="shop", table="orders")' in done.out
    check_document(run("connection", "browse", "shop", "--json").document, "connection browse")


def test_what_makes_no_sense_is_refused(run: Run) -> None:
    assert run("connection", "browse").code == 2
    assert run("connection", "list", "shop", "x*").code == 2
