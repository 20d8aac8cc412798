"""Where the pages of a link graph are drawn."""

from __future__ import annotations

import math
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from netcrawl.report.graph import lay_out

edges = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(edges, st.integers(1, 14), st.integers(0, 30))
def test_a_layout_is_consistent(
    links: set[tuple[int, int]], max_nodes: int, max_links: int
) -> None:
    read = {source for source, _ in links}
    known = {page for link in links for page in link}

    layout = lay_out(sorted(links), read, max_nodes=max_nodes, max_links=max_links)

    assert len(layout.nodes) == min(max_nodes, len(known))
    assert len(layout.nodes) + layout.nodes_left_out == len(known)
    assert len(layout.links) + layout.links_left_out == len(links)
    assert len(layout.links) <= max_links
    drawn = {(layout.nodes[one].page, layout.nodes[other].page) for one, other in layout.links}
    assert drawn <= links
    assert len(drawn) == len(layout.links)
    for one, other in layout.links[: layout.tree]:
        assert layout.nodes[other].depth == layout.nodes[one].depth + 1
    for node in layout.nodes:
        assert math.hypot(node.x, node.y) <= layout.radius + 1
        assert node.links_in == sum(end == node.page for _, end in links)
        assert node.links_out == sum(source == node.page for source, _ in links)


def test_the_start_is_in_the_middle_and_others_are_around_it() -> None:
    layout = lay_out([(0, 1), (0, 2), (1, 3), (3, 0), (2, 2)], {0, 1, 2, 3})

    start, *others = layout.nodes
    assert (start.page, start.x, start.y, start.depth) == (0, 0, 0, 0)
    assert {node.page: node.depth for node in others} == {1: 1, 2: 1, 3: 2}
    radii = {node.page: math.hypot(node.x, node.y) for node in others}
    assert radii[1] == radii[2] < radii[3]
    assert layout.tree == 3
    assert layout.links_left_out == 1  # of a page to itself


def test_pages_that_no_start_leads_to_are_drawn() -> None:
    layout = lay_out([(0, 1), (2, 3)], {0, 2})

    assert {node.page: node.depth for node in layout.nodes} == {0: 0, 1: 1, 2: 0, 3: 1}
    assert len({(node.x, node.y) for node in layout.nodes}) == 4


def test_a_page_without_links_is_drawn() -> None:
    (node,) = lay_out([], {0}).nodes

    assert (node.x, node.y, node.was_read) == (0, 0, True)


def test_of_too_many_pages_the_nearest_are_drawn_and_those_that_were_read() -> None:
    links = [(0, page) for page in range(1, 9)] + [(8, 9), (7, 8)]

    layout = lay_out(links, {0, 7, 8}, max_nodes=4)

    assert [node.page for node in layout.nodes] == [0, 8, 7, 1]


def test_thousands_of_pages_do_not_stand_on_one_another() -> None:
    layout = lay_out([(0, page) for page in range(1, 5001)], {0})

    assert len(layout.nodes) == 5001
    cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for node in layout.nodes:
        cells.setdefault((int(node.x // 50), int(node.y // 50)), []).append((node.x, node.y))
    near = [
        math.dist(one, other) for cell in cells.values() for one, other in combinations(cell, 2)
    ]
    assert min(near) > 6


def test_a_chain_of_thousands_is_no_recursion() -> None:
    layout = lay_out([(page, page + 1) for page in range(5000)], set(range(5000)))

    assert layout.depth == 5000
