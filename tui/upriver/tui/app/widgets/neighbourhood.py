"""Neighbourhood widget: the graph around the asset under the cursor, two hops each way."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.widgets.diagram import DiagramView
from upriver.tui.app.widgets.text_line import retitle
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.styles import Line, Styles, fit_key
from upriver.tui.present.views.diagram import draw
from upriver.tui.present.views.layers import Edge

MORE = "…"
"""Nodes whose name starts so stand for several that there is no room for."""

LABEL = 26


def neighbours(
    statuses: Mapping[Key, AssetStatus], focus: Key, *, hops: int, most: int
) -> tuple[list[str], list[Edge]]:
    """Nodes and edges around *focus*; of more than *most* in one ring the rest becomes one node."""
    nodes: dict[str, None] = {focus: None}
    edges: dict[Edge, None] = {}
    for upward in (True, False):
        ring = [focus]
        for hop in range(hops):
            found: dict[Key, list[Key]] = {}
            for at in ring:
                status = statuses.get(at)
                if status is None:
                    continue
                for near in status.upstreams if upward else status.downstreams:
                    found.setdefault(near, []).append(at)
            shown = list(found) if len(found) <= most else list(found)[: most - 1]
            rest = list(found)[len(shown) :]
            for near in shown:
                nodes.setdefault(near, None)
                for at in found[near]:
                    edges[(near, at) if upward else (at, near)] = None
            if rest:
                more = f"{MORE}{'up' if upward else 'down'}{hop}:{len(rest)}"
                nodes[more] = None
                for at in dict.fromkeys(at for near in rest for at in found[near]):
                    edges[(more, at) if upward else (at, more)] = None
            ring = shown
    return list(nodes), list(edges)


def node_text(node: str) -> str:
    """The label of a node, without its state."""
    return f"{node.partition(':')[2]} more" if node.startswith(MORE) else node


def write_node(host: Host, node: str, here: bool, focus: str, styles: Styles, most: int = LABEL) -> Line:
    """The label of a node: state and key; the focus stands out, the cursor more so."""
    line = styles.line()
    if node.startswith(MORE):
        return line.add(f"{styles.glyph('⋯', '.')} {node_text(node)}", styles.muted)
    status = host.model.statuses.get(node)
    under = styles.cursor if here else Style.null()
    if status is not None:
        line.add(STATE[status.state].sign(styles.ascii) + " ", styles.state(status.state) + under)
    style = styles.key if node == focus else styles.text
    return line.add(fit_key(node, most), style + under + Style(underline=here or None))


def node_width(node: str, most: int = LABEL) -> int:
    """Cells of a node's label."""
    return min(most, len(node_text(node))) + 2


class Neighbourhood(DiagramView):
    """Follows the cursor of the list."""

    def __init__(self) -> None:
        super().__init__(self._write, id="neighbourhood", scrolls=False)
        self.focus_key: Key | None = None

    @property
    def host(self) -> Host:
        """The app."""
        return host_of(self)

    def _write(self, node: str, width: int, here: bool, styles: Styles) -> Line:
        return write_node(self.host, node, here and self.has_focus, self.focus_key or "", styles)

    def about(self, key: Key) -> None:
        """Show what is around *key*."""
        if not self.display:
            return
        self.focus_key = key
        statuses = self.host.model.statuses
        most = max(2, self.size.height or 5)
        nodes, edges = neighbours(statuses, key, hops=2, most=most)
        diagram = draw(nodes, edges, node_width, ascii=self.text_styles.ascii)
        while diagram.height > most and most > 2:
            most -= 1
            nodes, edges = neighbours(statuses, key, hops=2, most=most)
            diagram = draw(nodes, edges, node_width, ascii=self.text_styles.ascii)
        self.show(diagram, key)
        status = statuses.get(key)
        if status is not None:
            up, down = len(status.upstreams), len(status.downstreams)
            retitle(self, self.host.title_text(f"Lineage of {key}", f"{up} up, {down} down"))
