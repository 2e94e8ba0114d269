"""Whoever follows a line of the drawing to the right arrives at a true target, and only there."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from upriver.tui.present.views.layers import Node, place, spaced
from upriver.tui.present.views.routes import Link
from upriver.tui.present.views.wires import DOWN, LEFT, RIGHT, UP, Channel, route


def read(channel: Channel, start: int) -> set[int]:
    """The rows at the right edge that a reader reaches from row *start* at the left edge, from the picture alone."""
    rows = [{x: mask for x, (mask, _) in channel.row(y).items()} for y in range(channel.height)]
    reached: set[int] = set()
    seen: set[tuple[int, int, int]] = set()
    steps = [(0, start, RIGHT)]
    while steps:
        x, y, heading = steps.pop()
        if x == channel.width:
            reached.add(y)
            continue
        mask = rows[y].get(x)
        if mask is None or (x, y, heading) in seen:
            continue
        seen.add((x, y, heading))
        came_from = {RIGHT: LEFT, UP: DOWN, DOWN: UP}[heading]
        if not mask & came_from:
            # A horizontal passes under a vertical; a vertical never passes under anything.
            if heading == RIGHT and mask & (UP | DOWN):
                steps.append((x + 1, y, RIGHT))
            continue
        if mask & RIGHT:
            steps.append((x + 1, y, RIGHT))
        if mask & UP and heading != DOWN:
            steps.append((x, y - 1, UP))
        if mask & DOWN and heading != UP:
            steps.append((x, y + 1, DOWN))
    return reached


channels = st.integers(1, 7).flatmap(
    lambda n: st.integers(1, 7).flatmap(
        lambda m: st.tuples(
            st.just(n),
            st.just(m),
            st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), max_size=n * m),
            st.lists(st.integers(1, 3), min_size=n, max_size=n),
            st.lists(st.integers(1, 3), min_size=m, max_size=m),
        )
    )
)


@settings(max_examples=300, deadline=None)
@given(channels, st.booleans())
@example((3, 3, {(0, 0), (1, 0), (1, 2), (2, 1), (2, 2)}, [1, 1, 1], [1, 1, 1]), False)
def test_every_line_leads_to_its_targets_and_nowhere_else(
    case: tuple[int, int, set[tuple[int, int]], list[int], list[int]], labelled: bool
) -> None:
    """For any two layers and any links between them."""
    n, m, pairs, gaps, other_gaps = case
    sources: dict[Node, int] = {f"s{i}": sum(gaps[: i + 1]) - 1 for i in range(n)}
    targets: dict[Node, int] = {f"t{i}": sum(other_gaps[: i + 1]) - 1 for i in range(m)}
    links: list[Link] = [(f"s{a}", f"t{b}") for a, b in sorted(pairs)]
    height = max(*sources.values(), *targets.values()) + 1
    channel = route(sources, targets, links, height, labelled=labelled)
    for source, row in sources.items():
        wanted = {targets[target] for start, target in links if start == source}
        assert read(channel, row) == wanted, source
    if labelled:
        assert len(set(channel.labels.values())) == len(links)


@given(st.lists(st.floats(-50, 50), max_size=30))
def test_spaced_rows_keep_their_order_and_move_no_further_than_needed(wished: list[float]) -> None:
    """Strictly increasing, and untouched where the wishes already are."""
    rows = spaced(wished)
    assert all(a < b for a, b in pairwise(rows))
    whole = [float(3 * i) for i in range(len(wished))]
    assert spaced(whole) == [3 * i for i in range(len(wished))]


def test_a_node_stands_right_of_everything_it_reads_and_a_source_next_to_its_reader() -> None:
    """Layers follow the longest path."""
    placed = place(["a", "b", "c", "d", "e"], [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c"), ("c", "e")])
    layer = {node: number for number, nodes in enumerate(placed.layers) for node in nodes}
    assert [layer[n] for n in "abcde"] == [0, 1, 2, 1, 3]
