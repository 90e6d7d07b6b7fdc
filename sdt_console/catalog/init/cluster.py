"""``sdt init --cluster``: a draft completed by what runs, and what is on one side only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sdt_console.catalog.init.images import data_image
from sdt_console.catalog.init.live import Affixes, LiveService, affixes, environments, registry_and_path
from sdt_console.catalog.init.names import clean, system_name, unique
from sdt_console.catalog.init.parts import Aws, Draft, DraftData, DraftService
from sdt_console.catalog.init.ports import GUESSED
from sdt_console.catalog.init.roles import LAST, SAYS, group, wave
from sdt_console.text import visible

EMPTY = Draft(system="", from_repository=False)
"""What :func:`merge_cluster` starts from where there is no repository."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def merge_cluster(draft: Draft, live: Sequence[LiveService]) -> Draft:
    """``draft`` with what the services of one cluster show: account, region, name patterns, ports.

    A port that runs is nearer to the truth than one that is written. What runs without code in the
    repository becomes a pending service; without any repository (:data:`EMPTY`) all are active, and their
    paths are guesses.
    """
    if not live:
        return replace(
            draft, remarks=(*draft.remarks, "the cluster has no services: nothing is taken from it")
        )
    short = _without_prefix(draft)
    around = affixes(live, [*short.values(), *short, *(d.name for d in draft.data)])
    running = {_plain(around.strip(service.name)): service for service in live}
    draft = _renamed(draft, _renames(short, running))
    cluster = visible(live[0].cluster_name)
    remarks = list(draft.remarks)
    services = []
    for service in draft.services:
        found = running.get(service.name)
        if found is None:
            remarks.append(f"{service.name} is in the repository, but not in the cluster {cluster}")
        services.append(service if found is None else _ported(service, found, cluster))
    data = [_data_ported(d, running[d.name]) if d.name in running else d for d in draft.data]
    known = {s.name for s in services} | {d.name for d in data}
    for name, found in running.items():
        kind = data_image(found.image) or data_image(name)
        if name in known:
            continue
        if kind is not None:
            data.append(DraftData(name, found.port or kind.port, kind.more))
        else:
            services.append(_only_live(draft, name, found, [s.path for s in services]))
            if draft.from_repository:
                remarks.append(
                    f"{name} runs in the cluster {cluster}, but has no code here: written as pending"
                )
    aws = _aws(draft.aws, live, running, around)
    if any(s.load_balanced for s in live):
        remarks.append("services are load-balanced: set health.url to have each one asked whether it is well")
    services.sort(key=lambda s: (s.state != "active", s.priority, s.group != "core", s.group == "support"))
    return replace(
        draft,
        system=draft.system or _system(around, live),
        services=tuple(services),
        data=tuple(data),
        aws=aws,
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _without_prefix(draft: Draft) -> dict[str, str]:
    """Service's name → its name without the words that all services begin with."""
    names = [s.name for s in draft.services]
    words = [name.split("-") for name in names]
    count = 0
    if len(names) > 1:
        while all(len(w) > count + 1 for w in words) and len({w[count] for w in words}) == 1:
            count += 1
    return {name: "-".join(w[count:]) for name, w in zip(names, words, strict=True)}


def _renames(short: dict[str, str], running: Collection[str]) -> dict[str, str]:
    """Service's name → its short name, for those that the cluster calls so; for all if it does for most."""
    found = {old: new for old, new in short.items() if new in running and old not in running}
    if 2 * len(found) > len(short):
        found |= {old: new for old, new in short.items() if old not in running}
    return found


def _renamed(draft: Draft, names: dict[str, str]) -> Draft:
    """``draft`` with the names that the cluster uses; the words its Dockerfile is fed with stay."""
    if not names:
        return draft

    def new(wanted: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(name, name) for name in wanted)

    services = []
    for s in draft.services:
        args = s.build_args
        if s.name in names:
            before = "{path}" if s.path == s.name else s.name
            args = {key: value.replace("{service}", before) for key, value in args.items()}
        renamed = replace(s, name=names.get(s.name, s.name), build_args=args)
        services.append(replace(renamed, needs=new(s.needs), build_after=new(s.build_after)))
    return replace(draft, services=tuple(services))


def _ported(service: DraftService, found: LiveService, cluster: str) -> DraftService:
    if found.port is None or found.port == service.port:
        return replace(service, guessed_port=False, port_note="" if found.port else service.port_note)
    note = (
        "" if service.guessed_port else f"from {cluster}, where it runs; the repository says {service.port}"
    )
    return replace(service, port=found.port, port_note=note, guessed_port=False)


def _data_ported(data: DraftData, found: LiveService) -> DraftData:
    if found.port is None or found.port == data.port:
        return data
    return replace(data, port=found.port, ports=tuple(p for p in data.ports if p != found.port))


def _only_live(draft: Draft, name: str, found: LiveService, paths: list[str]) -> DraftService:
    priority = wave(name.lower())
    path = unique(name, "", paths)
    pending = draft.from_repository
    return DraftService(
        name=name,
        path=path,
        path_note="" if pending else "guessed",
        port=found.port or 8080,
        port_note="" if found.port else GUESSED,
        priority=priority,
        priority_note=f"guessed: {SAYS[priority]}" if priority < LAST else "",
        group=group(name.lower(), priority),
        state="pending" if pending else "active",
        note="Runs in the cluster; its code is not in this repository." if pending else "",
    )


def _aws(before: Aws, live: Sequence[LiveService], running: dict[str, LiveService], around: Affixes) -> Aws:
    account, region = live[0].account, live[0].region
    cluster = live[0].cluster_name
    images = {name: registry_and_path(s.image) for name, s in running.items()}
    host = _usual(host for host, _ in images.values())
    cluster_pattern = around.pattern(cluster, "\0")
    tells = "{env}" in cluster_pattern
    # without {env} in it, several environments would share one
    balancers = (around.pattern(s.load_balancer, "\0") for s in live if s.load_balancer)
    balancer = _usual(name for name in balancers if "{env}" in name or not tells)
    named = tuple(dict.fromkeys(environments(around.environment))) if tells else ("production",)
    return replace(
        before,
        account=account if re.fullmatch(r"\d{12}", account) else before.account,
        region=region or before.region,
        registry=""
        if host == f"{account}.dkr.ecr.{region}.amazonaws.com"
        else _registry(host, account, region),
        cluster=cluster_pattern if tells else "",
        one_cluster="" if tells else cluster,
        environments=named,
        service=_pattern(around, {name: s.name for name, s in running.items()}),
        task_definition=_pattern(around, {name: s.family for name, s in running.items()}),
        repository=_pattern(around, {name: path for name, (_, path) in images.items()}),
        log_group=_pattern(around, {name: s.log_group for name, s in running.items()}),
        load_balancer=balancer,
    )


def _registry(host: str, account: str, region: str) -> str:
    """``host`` as a pattern if it is the cluster's own, so that it holds for other environments too."""
    own = host.startswith(f"{account}.dkr.ecr.{region}.")
    return host.replace(account, "{account}").replace(region, "{region}") if own else host


def _pattern(around: Affixes, texts: dict[str, str]) -> str:
    """The pattern that most of the texts follow; empty if none names its service."""
    found = (around.pattern(text, name) for name, text in texts.items() if text)
    return _usual(pattern for pattern in found if "{service}" in pattern)


def _usual(texts: Iterable[str]) -> str:
    counts = Counter(text for text in texts if text)
    return counts.most_common(1)[0][0] if counts else ""


def _plain(name: str) -> str:
    return name if _NAME.fullmatch(name) else clean(name)


def _system(around: Affixes, live: Sequence[LiveService]) -> str:
    words = [w for w in re.split(r"[-_]", live[0].cluster_name) if w and w != around.environment]
    words = [w for w in words if w not in ("cluster", "ecs", "fargate")]
    return system_name("-".join(words) or around.before or live[0].cluster_name)
