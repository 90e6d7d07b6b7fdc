"""``sdt figures`` from a journal, with and without the repository at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sdt_console import events as ev
from sdt_console.model import Outcome
from sdt_console.runs.journal import Journal
from tests.catalogs import OURS
from tests.command import Sdt
from tests.events_of import DAY, history, run
from tests.git import Repo
from tests.world import World

START = 1767323045.0
"""When tests/git.py authors its commits."""
LONG = ("--days", 10_000)


def kept(runs: Sequence[list[ev.Event]] | Iterator[list[ev.Event]]) -> None:
    journal = Journal(Path(os.environ["SDT_STATE"]) / "journal.sqlite3")
    for events in runs:
        for event in events:
            journal.append(event)
    journal.close()


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDT_CATALOG", str(OURS))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("catalog")
def test_the_figures_of_the_old_pipeline(sdt: Sdt) -> None:
    kept(history(START))
    told = sdt("figures", *LONG)
    assert told.status == 0
    rows = {line[:26].strip(): line[26:].split() for line in told.out.splitlines()}
    assert rows["deployments"] == ["53"]
    assert rows["succeeded"] == ["45", "85", "%"]
    assert rows["failed in deploying"] == ["8"]
    assert rows["builds avoided"] == ["60", "%"]
    assert rows["build"] == ["15", "min", "/", "15", "min"]
    assert rows["lead time"] == ["–"]
    assert told.err == (
        "remark: lead time needs the commits: name the backend's repository with --repo DIR\n"
    )
    found = sdt("figures", *LONG, "--json").json
    assert found["version"] == 1
    assert found["total"]["success_rate"] == pytest.approx(45 / 53)
    assert found["environments"]["dev"]["deployments"] == 53
    # the history of runs counts the same
    assert "success rate 85 % (45 of 53)" in sdt("history", "--limit", 60).err


@pytest.mark.usefixtures("catalog")
def test_lead_time_comes_from_the_repository(sdt: Sdt, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    head = repo.commit({"a": "1"})
    kept([run(1, at=START + 3600 - 17 * 60, head=head), run(2, at=START + DAY, head="0" * 40)])
    told = sdt("figures", *LONG, "--repo", repo.path)
    assert told.err == ""
    assert "1.0 h / 1.0 h" in told.out
    found = sdt("figures", *LONG, "--repo", repo.path, "--json").json
    assert found["total"]["lead_time"] == {"count": 1, "median_s": 3600.0, "p90_s": 3600.0}


@pytest.mark.usefixtures("catalog")
def test_environments_stand_side_by_side_and_outages_below(sdt: Sdt) -> None:
    back = Outcome.ROLLED_BACK
    kept([run(1, at=START), run(2, back, at=START + 60, environment="production")])
    lines = sdt("figures", *LONG).out.splitlines()
    assert lines[0].split() == ["dev", "production", "total"]
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert "! production: a failed at " in text
    assert "`sdt show 00000002`" in text
    only = sdt("figures", *LONG, "--env", "dev", "--json").json
    assert list(only["environments"]) == ["dev"]


def test_without_a_run_or_a_catalog_it_says_so(
    sdt: Sdt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = sdt("figures")
    assert (told.status, told.out) == (0, "")
    assert told.err == "no run in the last 90 days\n"
    assert sdt("figures", "--json").json["total"]["runs"] == 0
    kept([run(1, at=START)])
    assert sdt("figures", *LONG, "--json").json["total"]["deployments"] == 1


def test_the_figures_of_real_runs(sdt: Sdt, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDT_STATE", str(world.state))
    monkeypatch.setenv("SDT_CATALOG", str(OURS))
    world.sandbox.scenarios.on("image-missing:task-service")
    world.run()
    world.sandbox.scenarios.off("image-missing:task-service")
    world.run()
    world.run("HEAD", "HEAD")
    found = sdt("figures", *LONG, "--repo", world.backend.path, "--json").json["total"]
    assert (found["runs"], found["deployments"], found["succeeded"]) == (3, 2, 1)
    assert found["failed_late"] == 1
    assert found["time_to_restore"]["count"] == 1
    assert found["time_to_restore"]["median_s"] > 0
    assert found["outages"] == []
    # 15 active services each time, one of them changed twice
    assert (found["builds_possible"], found["builds_avoided"]) == (45, 43)
    assert found["lead_time"]["count"] == 1
    assert found["images_reused"] >= 1
