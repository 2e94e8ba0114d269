"""Lineage as a picture: boxes in layers from left to right, wires between them, one SVG text without scripts."""

from __future__ import annotations

from collections import defaultdict
from html import escape

from upriver.assets.model import Key
from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import LineageView

WIDTH, GAP, HEAD, STEP, SPACE = 230, 70, 28, 20, 14
LETTERS = 30
"""How much of a name is shown in a box; the rest is in its title."""
ROUNDS = 4

_STYLE = (
    ".b{fill:#f7f9fb;stroke:#6b7680}.h{stroke:#0b5cad;stroke-width:2.5}"
    "text{font:12px system-ui,sans-serif;fill:#1c2024}.t{font-weight:600}"
    ".w{fill:none;stroke:#0b5cad;stroke-width:1.4}.i{stroke:#767f89;stroke-dasharray:5 4}"
)


def lineage_svg(view: LineageView) -> str:
    """Draw a piece of lineage. Whole wires carry values, broken ones decide which rows there are."""
    lines: dict[Key, list[str]] = {}
    for node in view.nodes:
        kept = lines.setdefault(node.asset, [])
        if node.column is not None and node.column not in kept:
            kept.append(node.column)
    wires = [
        ((edge.source.asset, edge.source.column), (edge.target.asset, edge.target.column), edge.kind)
        for edge in view.each_edge()
    ]
    columns = _arranged(_layers(list(lines), [(a[0], b[0]) for a, b, _ in wires]), wires)
    heights = {key: HEAD + STEP * len(names) + (6 if names else 0) for key, names in lines.items()}
    tallest = max(sum(heights[key] + SPACE for key in column) for column in columns)
    at: dict[tuple[Key, str | None], tuple[float, float]] = {}
    boxes = []
    for layer, column in enumerate(columns):
        x = SPACE + layer * (WIDTH + GAP)
        y = SPACE + (tallest - sum(heights[key] + SPACE for key in column)) / 2
        for key in column:
            here = " h" if key == view.focus.asset else ""
            size = f'width="{WIDTH}" height="{heights[key]}"'
            boxes += [
                f'<rect class="b{here}" x="{x}" y="{y:g}" {size} rx="5"/>',
                _text(key, x + 10, y + 19, "t"),
            ]
            at[key, None] = (x, y + HEAD / 2)
            for n, name in enumerate(lines[key]):
                middle = y + HEAD + n * STEP + STEP / 2
                at[key, name] = (x, middle)
                boxes.append(_text(name, x + 10, middle + 4))
            y += heights[key] + SPACE
    drawn = [_wire(at[a], at[b], kind) for a, b, kind in dict.fromkeys(wires) if a in at and b in at]
    width, height = 2 * SPACE + len(columns) * (WIDTH + GAP) - GAP, tallest + SPACE
    title = view.focus.asset if view.focus.column is None else f"{view.focus.asset}.{view.focus.column}"
    size = f'width="{width}" height="{height:g}" viewBox="0 0 {width} {height:g}"'
    label = f'role="img" aria-label="Lineage of {escape(title)}"'
    body = "".join([f"<style>{_STYLE}</style>", *drawn, *boxes])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>{body}</svg>'


def _layers(keys: list[Key], wires: list[tuple[Key, Key]]) -> list[list[Key]]:
    """The keys by how many hops the longest way to each is."""
    into: dict[Key, set[Key]] = defaultdict(set)
    for source, target in wires:
        if source != target:
            into[target].add(source)
    depth: dict[Key, int] = {}
    waiting = list(keys)
    while waiting:
        ready = [key for key in waiting if into[key] <= depth.keys()] or waiting[
            :1
        ]  # no cycle keeps it from ending
        for key in ready:
            depth[key] = 1 + max((depth[up] for up in into[key] if up in depth), default=-1)
        waiting = [key for key in waiting if key not in depth]
    columns: dict[int, list[Key]] = defaultdict(list)
    for key in keys:
        columns[depth[key]].append(key)
    return [columns[layer] for layer in sorted(columns)]


def _arranged(
    columns: list[list[Key]], wires: list[tuple[tuple[Key, str | None], tuple[Key, str | None], EdgeKind]]
) -> list[list[Key]]:
    """The layers with each key near the middle of its neighbours, so that few wires cross."""
    near: dict[Key, set[Key]] = defaultdict(set)
    for (source, _), (target, _), _ in wires:
        near[source].add(target)
        near[target].add(source)
    for turn in range(ROUNDS):
        place = {key: n / len(column) for column in columns for n, key in enumerate(column)}
        for column in columns if turn % 2 == 0 else reversed(columns):
            middles = {
                key: sum(place[one] for one in near[key]) / len(near[key]) if near[key] else place[key]
                for key in column
            }
            column.sort(key=middles.__getitem__)
            place.update({key: n / len(column) for n, key in enumerate(column)})
    return columns


def _wire(source: tuple[float, float], target: tuple[float, float], kind: EdgeKind) -> str:
    (x1, y1), (x2, y2) = (source[0] + WIDTH, source[1]), target
    bend = max(30.0, abs(x2 - x1) / 2)
    style = "w" if kind is EdgeKind.VALUE else "w i"
    return (
        f'<path class="{style}" d="M{x1:g},{y1:g} C{x1 + bend:g},{y1:g} {x2 - bend:g},{y2:g} {x2:g},{y2:g}"/>'
    )


def _text(text: str, x: float, y: float, style: str = "") -> str:
    shown = text if len(text) <= LETTERS else f"…{text[-LETTERS + 1 :]}"
    kind = f'class="{style}" ' if style else ""
    return f'<text {kind}x="{x:g}" y="{y:g}">{escape(shown)}<title>{escape(text)}</title></text>'
