"""Order and reach in small graphs, against their definitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdt_console.catalog.graph import reachable, topological

Edges = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], Edges]:
    """Some of eight names in any order, and edges without a circle between all of them."""
    names = draw(st.permutations("abcdefgh"))
    edges = {name: draw(st.lists(st.sampled_from(names[:at]))) for at, name in enumerate(names) if at}
    return draw(st.lists(st.sampled_from(names), unique=True)), edges


def earlier(name: str, edges: Edges) -> set[str]:
    return set(edges.get(name, ())).union(*(earlier(other, edges) for other in edges.get(name, ())))


@given(graphs())
def test_topological_is_the_first_that_can_go_each_time(graph: tuple[list[str], Edges]) -> None:
    names, edges = graph
    left, order = list(names), []
    while left:
        can_go = (name for name in left if not earlier(name, edges) & set(left))
        order.append(next(can_go))
        left.remove(order[-1])
    assert list(topological(names, edges)) == order


@given(graphs())
def test_reachable_is_all_that_comes_earlier(graph: tuple[list[str], Edges]) -> None:
    names, edges = graph
    found = reachable(names, edges)
    assert set(found) == set().union(*(earlier(name, edges) for name in names)) - set(names)
    assert all(step in edges[via] for step, via in found.items())
