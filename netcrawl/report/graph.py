"""Where the pages of a link graph are drawn: around the start, farther out with each link.

Each page is put where the shortest way from the start leads to it; the links of those ways make a
tree, which is drawn strongly, and all others are drawn lightly. Every branch has an angle as wide
as it has leaves. A ring is as broad as its pages need room, and they are spread over it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# What is drawn at most: above that, a picture of it says nothing.
MAX_NODES = 6_000
MAX_LINKS = 20_000

# Units between neighbours, and between rings.
_SPACING = 16.0
_GAP = 56.0

# The fraction of a turn that spreads any number of points evenly.
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Node:
    """A page: where it is drawn, how many links away from the start, and its links in and out."""

    page: int
    x: float
    y: float
    depth: int
    links_in: int
    links_out: int
    was_read: bool


@dataclass
class Layout:
    """What is drawn. Links are of numbers of nodes; those of the tree come first.

    ``tree`` is how many those are, ``radius`` how far the farthest node is from the middle.
    """

    nodes: list[Node] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)
    tree: int = 0
    radius: float = 1.0
    nodes_left_out: int = 0
    links_left_out: int = 0

    @property
    def depth(self) -> int:
        """How many links the farthest page is away."""
        return max((node.depth for node in self.nodes), default=0)


def lay_out(
    edges: Iterable[tuple[int, int]],
    read: Collection[int],
    *,
    max_nodes: int = MAX_NODES,
    max_links: int = MAX_LINKS,
) -> Layout:
    """Place pages, given by numbers in the order in which they became known.

    ``read`` are those that were read. With too many, those nearest to the start are drawn, and of
    those equally near the ones that were read, and that more links lead to.
    """
    out: dict[int, list[int]] = {page: [] for page in read}
    links_in: dict[int, int] = {}
    for source, end in edges:
        out.setdefault(source, []).append(end)
        links_in[end] = links_in.get(end, 0) + 1
    depths, parents = _ways(out)
    order = sorted(
        depths, key=lambda page: (depths[page], page not in out, -links_in.get(page, 0), page)
    )
    kept = _with_parents(order, parents, max_nodes)
    numbers = {page: number for number, page in enumerate(kept)}
    places, radius = _places(kept, parents, depths)
    layout = Layout(radius=radius, nodes_left_out=len(depths) - len(kept))
    layout.nodes = [
        Node(
            page,
            *places[page],
            depths[page],
            links_in.get(page, 0),
            len(out.get(page, ())),
            page in read,
        )
        for page in kept
    ]
    tree = [(numbers[parent], numbers[page]) for page in kept if (parent := parents[page]) >= 0]
    of_tree = set(tree)
    others = [
        link
        for source in kept
        for end in out.get(source, ())
        if end in numbers
        and source != end
        and (link := (numbers[source], numbers[end])) not in of_tree
    ]
    layout.tree = len(tree)
    layout.links = (tree + others)[:max_links]
    layout.links_left_out = sum(map(len, out.values())) - len(layout.links)
    return layout


def _ways(out: Mapping[int, list[int]]) -> tuple[dict[int, int], dict[int, int]]:
    """Return how far each page is, and which page leads to it (-1: none, it is a start).

    What no start leads to is a start itself.
    """
    depths: dict[int, int] = {}
    parents: dict[int, int] = {}
    for start in sorted(out):
        if start in depths:
            continue
        depths[start], parents[start] = 0, -1
        queue = deque([start])
        while queue:
            page = queue.popleft()
            for end in out.get(page, ()):
                if end not in depths:
                    depths[end], parents[end] = depths[page] + 1, page
                    queue.append(end)
    return depths, parents


def _with_parents(order: list[int], parents: Mapping[int, int], limit: int) -> list[int]:
    """Return the first of them whose parents are among them: nearer ones come first anyway."""
    kept = order[:limit]
    among = set(kept)
    return [page for page in kept if parents[page] < 0 or parents[page] in among]


def _places(
    pages: list[int], parents: Mapping[int, int], depths: Mapping[int, int]
) -> tuple[dict[int, tuple[float, float]], float]:
    leaves = dict.fromkeys(pages, 0)
    for page in reversed(pages):  # children before their parents
        leaves[page] = max(leaves[page], 1)
        if (parent := parents[page]) >= 0:
            leaves[parent] += leaves[page]
    starts = [page for page in pages if parents[page] < 0]
    # One start is in the middle; several are on a ring of their own.
    inner = 0 if len(starts) == 1 else 1
    total = sum(leaves[page] for page in starts)
    begins: dict[int, float] = {}
    free: dict[int, float] = {-1: 0.0}
    rings: dict[int, list[int]] = {}
    for page in pages:
        parent = parents[page]
        begins[page] = free[parent]
        free[parent] += leaves[page]
        free[page] = begins[page]
        rings.setdefault(depths[page] + inner, []).append(page)
    places: dict[int, tuple[float, float]] = {}
    outer = 0.0
    for ring, members in sorted(rings.items()):
        begin = outer + _GAP if ring else 0.0
        room = len(members) * _SPACING**2 / math.pi
        # As long as they fit side by side, they stand on one circle.
        fits = len(members) * _SPACING <= math.tau * begin
        outer = begin if fits else math.sqrt(begin**2 + room) if ring else 0.0
        members.sort(key=begins.__getitem__)
        for number, page in enumerate(members):
            angle = math.tau * (begins[page] + leaves[page] / 2) / total - math.pi / 2
            part = (number * _GOLDEN) % 1
            radius = math.sqrt(begin**2 + part * (outer**2 - begin**2))
            places[page] = (round(radius * math.cos(angle), 1), round(radius * math.sin(angle), 1))
    return places, max(outer, 1.0)
