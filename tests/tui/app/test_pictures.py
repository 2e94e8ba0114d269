"""What is computed before it is drawn: order, gutter, filter, live runs, figures, diffs, places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.answers import one_by_one
from tests.fakes.generated import generated
from tests.fakes.session import FakeSession

from upriver.assets.model import Place
from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import AssetResult, AssetStatus, CodeDiff, ColumnNode, LineageView, ViewEdge
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetProgress,
    AssetRetrying,
    AssetStarted,
    RunFinished,
    RunStarted,
)
from upriver.materializer.model import Outcome, RunStatus, State
from upriver.tui.app.screens.graph import fold
from upriver.tui.app.screens.jump import labels
from upriver.tui.present import figures
from upriver.tui.present.glyphs import ACTION, HOW, OUTCOME, RUN, STATE, WAITING, sparkline
from upriver.tui.present.styles import clean, fit, fit_key
from upriver.tui.present.views.columns import node_of, related
from upriver.tui.present.views.diagram import lit_edges
from upriver.tui.present.views.diffs import first_change, numbered, numbered_in_file
from upriver.tui.present.views.highlight import highlighted
from upriver.tui.present.views.live import Phase, RunPicture
from upriver.tui.present.views.order import Sort, gutter, listing, reach
from upriver.tui.present.views.places import failing_place


def test_marks_of_one_kind_differ_in_glyph_and_in_letter() -> None:
    """Colour only helps: without it, every state can still be told from every other."""
    for marks in (STATE, OUTCOME, ACTION, RUN):
        assert len({mark.glyph for mark in marks.values()}) == len(marks)
        assert len({mark.letter for mark in marks.values()}) == len(marks)
        assert all(mark.letter.isascii() and len(mark.letter) == 1 for mark in marks.values())
    assert all(letter.isascii() for _, letter in HOW.values())
    assert WAITING.letter.isascii()


def test_every_asset_stands_once_and_under_its_parent() -> None:
    """In a generated project of any shape, in every order."""
    statuses = FakeSession(generated(700)).statuses
    for sort in Sort:
        order = listing(statuses, sort)
        assert sorted(order.keys) == sorted(statuses)
        place = {key: index for index, key in enumerate(order.keys)}
        assert all(place[parent] < place[child] for child, parent in order.parents.items())


def test_the_gutter_joins_siblings_and_ends_with_the_last() -> None:
    """Whether all rows are shown or some are filtered out."""
    a, b, c, d = (AssetStatus(key, "table", State.FRESH, upstreams=up, downstreams=down) for key, up, down in (
        ("a", (), ("b", "d")), ("b", ("a",), ("c",)), ("c", ("b",), ()), ("d", ("a",), ()),
    ))  # fmt: skip
    order = listing({s.asset: s for s in (a, b, c, d)}, Sort.LINEAGE)
    drawn = [gutter(order.keys, index, order, None) for index in range(4)]
    assert drawn == ["●", "├─●", "│ ╰─●", "╰─●"]
    some = ("a", "c", "d")
    assert [gutter(some, i, order, set(some).__contains__) for i in range(3)] == ["●", "├─●", "╰─●"]
    assert gutter(order.keys, 2, order, None, width=3) == "‥─●"


def test_what_was_stale_keeps_its_rank_while_it_runs() -> None:
    """Rows do not jump when a build begins."""
    session = FakeSession()
    before = listing(session.statuses, Sort.ATTENTION).keys
    ranks = {key: status.state for key, status in session.statuses.items()}
    session._mark("core.order_pay", State.RUNNING)
    assert listing(session.statuses, Sort.ATTENTION, ranks).keys == before


def test_a_run_is_folded_from_its_events() -> None:
    """Phases, counts, time left along the longest chain, what waits for what, retries, output."""
    statuses = {
        "a": AssetStatus("a", "table", State.STALE),
        "b": AssetStatus("b", "table", State.STALE, upstreams=("a",)),
        "c": AssetStatus("c", "table", State.STALE, upstreams=("b",)),
    }
    run = RunPicture("r1")
    run.take(RunStarted(100.0, "r1", ("a", "b", "c"), 2, (("a", 4.0), ("b", 2.0), ("c", 1.0))))
    run.take(AssetStarted(100.0, "a", 1, 1, ()))
    run.take(AssetProgress(101.0, "a", 0.25, 1_000))
    run.take(AssetOutput(101.0, "a", 1, "stdout", "hello"))
    assert run.left(101.0, statuses) == 6.0
    assert [part.asset for part in run.waits_for("b", statuses)] == ["a"]
    assert run.share_done(102.0) == 2 / 7
    run.take(AssetRetrying(102.0, "a", 1, 3.0, "it broke"))
    assert run.parts["a"].retry_at == 105.0
    assert "it broke" in run.log[-1].text
    run.take(AssetStarted(105.0, "a", 2, 1, ()))
    run.take(AssetFinished(108.0, AssetResult("a", Outcome.BUILT, True, rows=5, bytes=50, seconds=3.0)))
    run.take(AssetFinished(108.0, AssetResult("b", Outcome.REUSED)))
    assert (run.saved, run.rows, run.done) == (2.0, 5, 2)
    run.take(AssetStarted(108.0, "c", 1, 1, ()))
    run.take(AssetFinished(109.0, AssetResult("c", Outcome.FAILED, error="ValueError: no")))
    run.take(RunFinished(109.0, "r1", RunStatus.FAILED))
    assert [part.asset for part in run.failed] == ["c"]
    assert run.elapsed(999.0) == 9.0
    assert run.left(999.0, statuses) is None
    assert run.summary() == "run r1 failed: 1 built, 1 reused, 1 failed"
    assert run.log[0].text == "hello"
    assert all(part.phase is Phase.DONE for part in run.parts.values())


def test_a_run_whose_process_is_gone_ends_all_the_same() -> None:
    """Its last event never comes."""
    run = RunPicture("r1")
    run.take(RunStarted(100.0, "r1", ("a",), 2))
    run.end_unseen(None, 110.0)
    assert run.status is RunStatus.ABANDONED
    assert not run.live


def test_diffs_are_numbered_in_both_versions() -> None:
    """A removed line has its old number, all others their new one."""
    lines = ("--- a", "+++ b", "@@ -3,3 +4,3 @@", " same", "-old", "+new", "@@ -20,1 +21,2 @@", " x", "+y")
    assert [(line.mark, line.number, line.text) for line in numbered(lines)] == [
        (" ", 4, "same"), ("-", 4, "old"), ("+", 5, "new"), ("@", None, ""), (" ", 21, "x"), ("+", 22, "y"),
    ]  # fmt: skip
    assert first_change(CodeDiff("n", Place("f.sql"), lines)) == Place("f.sql", 5)


def test_a_piece_further_down_in_its_file_has_the_numbers_of_the_file() -> None:
    """A constant in line 10 of a module is told, and opened, there; what is gone, where it was."""
    changed = CodeDiff("m.LIMIT", Place("m.py", 10), ("@@ -1 +1 @@", "-LIMIT = 4", "+LIMIT = 6"))
    assert [line.number for line in numbered_in_file(changed)] == [10, 10]
    assert first_change(changed) == Place("m.py", 10)
    gone = CodeDiff(
        "m.f", Place("m.py", 20), ("@@ -1,4 +1,3 @@", " def f():", "-    a()", "     b()", "     c()")
    )
    assert first_change(gone) == Place("m.py", 21)
    last = CodeDiff("m.f", Place("m.py", 20), ("@@ -1,2 +1,1 @@", " def f():", "-    a()"))
    assert first_change(last) == Place("m.py", 21)


def test_the_failing_place_is_found_in_the_asset_s_own_file_or_where_its_helper_raised() -> None:
    """In an error with a place, in a traceback (its last frame there), not in files that are only mentioned."""
    status = AssetStatus("a", "table", State.FAILED, place=Place("assets/a.py"))
    traceback = 'File "/lib/x.py", line 1\nFile "/p/assets/a.py", line 3\nFile "/p/assets/a.py", line 9\nFile "/lib/x.py", line 2'
    for error, place in (
        ("assets/a.py:7:3: no", Place("assets/a.py", 7, 3)),
        (traceback, Place("assets/a.py", 9)),
        ("assets/b.py:7: no", None),
        ("ValueError: no\n  at assets/a.py:8: raise ValueError('no')", Place("assets/a.py", 8)),
        ("ZeroDivisionError: no\n  at lib/helper.py:3: return y / 0", Place("lib/helper.py", 3)),
        ("ZeroDivisionError: no\n  at /lib/helper.py:3: return y / 0", None),
        ("Odd: no\n  at lib/said.py:1: x\n  at lib/real.py:2: y", Place("lib/real.py", 2)),
        ("ValueError: met at lib/helper.py:3\n  at assets/a.py:8", Place("assets/a.py", 8)),
    ):
        assert (
            failing_place(AssetStatus("a", "table", State.FAILED, place=status.place, error=error)) == place
        )


def test_code_is_split_into_lines_with_roles() -> None:
    """And loses nothing."""
    text = "select a, -- why\n  'x' as b\nfrom t"
    lines = highlighted(text, "sql")
    assert "\n".join("".join(piece for piece, _ in line) for line in lines) == text
    assert ("select", "primary") in lines[0]
    assert ("-- why", "faint") in lines[0]


def test_folding_a_graph_makes_no_cycles() -> None:
    """Only nodes of one layer and one group become one."""
    nodes = ["x.a", "x.b", "y.c", "x.d"]
    folded, edges, members = fold(nodes, [("x.a", "y.c"), ("x.b", "y.c"), ("y.c", "x.d")], keep="y.c")
    assert folded == ["+0:x:2", "y.c", "x.d"]
    assert edges == [("+0:x:2", "y.c"), ("y.c", "x.d")]
    assert members == {"+0:x:2": ("x.a", "x.b")}


def test_paths_through_a_node_are_lit_and_no_others() -> None:
    """Upstream of its upstream, downstream of its downstream, not its siblings."""
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "e")]
    assert set(lit_edges(edges, "b")) == {("a", "b"), ("b", "d")}
    statuses = FakeSession().statuses
    assert reach(statuses, "marts.churn", down=True) == {"marts.churn_alerts"}


def test_figures_are_short_and_keep_their_unit() -> None:
    """Ages, durations, counts, sizes, changes."""
    ages = [0.4, 42, 960, 7200, 26 * 3600, 9 * 86400, 150 * 86400, 900 * 86400]
    assert [figures.age(s) for s in ages] == ["now", "42s", "16m", "2h", "26h", "9d", "21w", "2y"]
    assert [figures.duration(s) for s in (0.024, 0.31, 12.84, 125, 3725)] == [
        "24ms",
        "0.3s",
        "12.8s",
        "2m05",
        "1h02",
    ]
    assert [figures.count(n) for n in (365, 2_104, 980_112, 999_999, 1_204_331)] == [
        "365",
        "2.1k",
        "980k",
        "1.0M",
        "1.2M",
    ]
    assert [figures.size(n) for n in (812, 31_000_000)] == ["812 B", "31 MB"]
    assert [figures.change(a, b) for a, b in ((100, 101.3), (100, 60), (5, 5), (0, 5))] == [
        "+1.3 %",
        "−40 %",
        "=",
        "",
    ]
    assert [figures.clock_span(s) for s in (19, 725, 3750)] == ["0:19", "12:05", "1:02:30"]


def test_what_decides_the_rows_of_an_asset_goes_to_one_place() -> None:
    """A join key of ten columns is one line to their rows; what flows into one of them stays a line of its own."""
    key, other = ColumnNode("up", "id"), ColumnNode("up", "name")
    joined = [ViewEdge(key, ColumnNode("down", f"c{n}"), EdgeKind.INFLUENCE, "join") for n in range(10)]
    edges = (ViewEdge(key, ColumnNode("down", "c0"), EdgeKind.VALUE), *joined,
             ViewEdge(other, ColumnNode("down", "c1"), EdgeKind.INFLUENCE, "filter"))  # fmt: skip
    view = LineageView(key, (), one_by_one(edges))
    drawn = related(view, node_of("up", "id"), influence=True, gathered=True)
    assert set(drawn) == {(node_of("up", "id"), node_of("down", end)) for end in ("c0", None)}
    assert len(related(view, node_of("up", "id"), influence=True)) == 10
    alone = related(view, node_of("up", "name"), influence=True, gathered=True)
    assert set(alone) == {(node_of("up", "name"), node_of("down", "c1"))}


@given(st.integers(0, 10**15))
def test_counts_never_take_more_than_five_characters(number: int) -> None:
    """A column of the list holds them."""
    assert len(figures.count(number)) <= 5


@given(st.text(max_size=40), st.integers(0, 30))
def test_what_is_cut_fits_and_is_printable(text: str, width: int) -> None:
    """Wide characters, control characters, and all."""
    from upriver.tui.present.styles import cells

    assert clean(text).isprintable()
    assert cells(fit(clean(text), width)) <= max(width, 0)


def test_a_key_is_cut_in_its_middle() -> None:
    """Its room and its end say most."""
    assert fit_key("marts.finance.daily_revenue_by_country", 20) == "marts.fi…_by_country"
    assert fit_key("marts.orders", 20) == "marts.orders"


def test_labels_are_of_one_length_so_that_none_begins_another() -> None:
    """One letter as long as that is enough."""
    assert all(len(label) == 1 for label in labels(26))
    many = labels(60)
    assert len(set(many)) == 60
    assert {len(label) for label in many} == {2}


def test_sparklines_reach_the_top_with_their_largest_value() -> None:
    """And lie flat where there is nothing."""
    assert sparkline([1, 2, 4, 8]) == "▂▃▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([1, 8], ascii=True).isascii()
