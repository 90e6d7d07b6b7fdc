"""Orders and circles in small graphs of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush


def cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """One circle of ``edges`` as ``[a, b, a]``; empty if there is none. Iterative: depth is no limit."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        trail: list[str] = []
        on_trail: set[str] = set()
        work = [(start, iter(edges.get(start, ())))]
        trail.append(start)
        on_trail.add(start)
        while work:
            name, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                trail.pop()
                on_trail.discard(name)
                done.add(name)
            elif step in on_trail:
                return [*trail[trail.index(step) :], step]
            elif step not in done:
                work.append((step, iter(edges.get(step, ()))))
                trail.append(step)
                on_trail.add(step)
    return []


def topological(names: Sequence[str], after: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """``names`` with each one behind those it comes ``after``; otherwise in their own order.

    Names outside ``names`` are left aside, but order through them holds: if a comes after x and x after
    b, a comes after b although x is not in ``names``. ``after`` must be free of circles.
    """
    place = {name: i for i, name in enumerate(names)}
    # Those outside only pass the order on: they go as soon as they can, and are left out of the result.
    everyone = [*names, *reachable(names, after)]
    followers: dict[str, list[str]] = {name: [] for name in everyone}
    waiting: dict[str, int] = {}
    for name in everyone:
        earlier = set(after.get(name, ())) - {name}
        waiting[name] = len(earlier)
        for other in earlier:
            followers[other].append(name)
    ready = [(place.get(name, -1), name) for name, count in waiting.items() if not count]
    heapify(ready)
    order: list[str] = []
    while ready:
        at, name = heappop(ready)
        if at >= 0:
            order.append(name)
        for follower in followers[name]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(ready, (place.get(follower, -1), follower))
    return tuple(order)


def reachable(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every name reached from ``start`` (not counting it) → the name it was reached from."""
    found: dict[str, str] = {}
    work = list(start)
    seen = set(work)
    while work:
        name = work.pop()
        for step in edges.get(name, ()):
            if step not in seen:
                seen.add(step)
                found[step] = name
                work.append(step)
    return found
