"""``sdt detect``: each special case of a range of commits has a defined, explained result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sdt_console.clients.git import GitRepository
from sdt_console.errors import UsageError
from sdt_console.model import ZERO_SHA, Detection, Selection
from sdt_console.pipeline.detect import detect
from tests.catalogs import SMALL, catalog
from tests.git import Repo

START = {
    "pom.xml": "<project/>",
    "common/events/E.java": "e",
    "common/security/S.java": "s",
    "infra/config/C.java": "c",
    "infra/config/Dockerfile": "FROM scratch",
    "services/user-service/U.java": "class U { int a; int b; int c; }",
    "services/user-service/Dockerfile": "FROM scratch",
    "services/user-service-v2/V.java": "v",
    "services/user-service-v2/Dockerfile": "FROM scratch",
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "backend")
    made.commit(START)
    return made


def run(repo: Repo, *arguments: str | None, text: str = SMALL, **options: Any) -> Detection:
    return detect(catalog(text), GitRepository(repo.path), *arguments, **options)


def of(found: Detection, name: str) -> Selection:
    return next(s for s in found.selections if s.name == name)


def test_every_service_once_in_catalog_order_with_a_reason(repo: Repo) -> None:
    repo.commit({"infra/config/C.java": "c2"})
    found = run(repo)
    assert [s.name for s in found.selections] == [
        "config", "user-service", "user-service-v2", "payment", "redis",
    ]  # fmt: skip
    assert all(s.reason for s in found.selections)
    assert of(found, "config") == Selection(
        "config", True, "1 file changed in infra/config", ("infra/config/C.java",)
    )
    assert of(found, "payment").reason == "pending: its code is not there yet"
    assert of(found, "redis").reason == "data service: watched, never built"
    assert of(found, "user-service").reason == "nothing it is made of changed"


def test_base_is_the_first_parent(repo: Repo) -> None:
    before = repo.git("rev-parse", "HEAD")
    after = repo.commit({"infra/config/C.java": "c2"})
    found = run(repo)
    assert (found.base, found.head) == (before, after)


def test_a_merge_is_compared_with_its_first_parent(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"services/user-service/U.java": "u2"})
    repo.git("checkout", "-q", "main")
    main = repo.commit({"infra/config/C.java": "c2"})
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "feature")
    found = run(repo)
    assert found.base == main
    assert found.selected == ("user-service",)
    assert found.remarks == ("a merge: compared with its first parent",)


@pytest.mark.parametrize(
    ("base", "why"),
    [(ZERO_SHA, "the branch is new (all-zero base)"), ("", "no base was given"), ("  ", "no base was given")],
)
def test_no_base_selects_everything_active_and_says_why(repo: Repo, base: str, why: str) -> None:
    found = run(repo, base)
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert of(found, "config").reason == why
    assert found.base == ""
    assert f"{why}: all active services" in found.remarks


def test_the_first_commit_has_nothing_to_compare_with(repo: Repo) -> None:
    found = run(repo)
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert of(found, "config").reason == "this is the first commit"


def test_a_base_that_a_force_push_removed_names_the_fetch(repo: Repo) -> None:
    gone = "1" * 40
    with pytest.raises(UsageError) as caught:
        run(repo, gone)
    assert gone in caught.value.what
    assert f"git fetch origin {gone}" in caught.value.next
    assert "--base auto" in caught.value.next
    assert caught.value.exit_code == 2


def test_a_shallow_clone_names_the_fetch_that_cures_it(repo: Repo, tmp_path: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit({"infra/config/C.java": "c2"})
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow")
    for base in (None, first, "auto"):
        with pytest.raises(UsageError) as caught:
            run(shallow, base)
        assert "shallow" in caught.value.cause
        assert "git fetch --unshallow" in caught.value.next
    shallow.git("fetch", "-q", "--unshallow")
    assert run(shallow).selected == ("config",)


def test_auto_compares_a_branch_with_its_merge_base(repo: Repo) -> None:
    fork = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"services/user-service/U.java": "u2"})
    repo.commit({"infra/config/C.java": "c2"})
    repo.git("branch", "-q", "-f", "main", repo.git("commit-tree", "-p", fork, "-m", "x", f"{fork}^{{tree}}"))
    found = run(repo, "auto")
    assert found.base == fork
    assert found.selected == ("config", "user-service")
    assert found.remarks == ("compared with the merge base of main",)


def test_an_unknown_name_and_a_wrong_head_are_told(repo: Repo) -> None:
    with pytest.raises(UsageError, match="base 'nonsense' is not a commit"):
        run(repo, "nonsense")
    with pytest.raises(UsageError, match="head '--all' is not a commit"):
        run(repo, None, "--all")
    with pytest.raises(UsageError, match="is not a commit"):
        run(repo, "a\nb")
    assert run(repo, "HEAD", "HEAD").selected == ()


def test_a_rename_across_services_selects_both_and_says_so(repo: Repo) -> None:
    repo.git("mv", "services/user-service/U.java", "services/user-service-v2/U.java")
    repo.commit()
    found = run(repo)
    assert found.selected == ("user-service", "user-service-v2")
    assert of(found, "user-service").reason.endswith("(1 moved to user-service-v2)")
    assert of(found, "user-service-v2").reason.endswith("(1 moved from user-service)")


def test_a_case_only_rename_selects_its_service(repo: Repo) -> None:
    repo.git("mv", "services/user-service/U.java", "services/user-service/u.java")
    repo.commit()
    assert of(run(repo), "user-service").files == (
        "services/user-service/U.java",
        "services/user-service/u.java",
    )


def test_a_deleted_service_is_reported_and_not_built(repo: Repo) -> None:
    repo.commit(remove=("services/user-service",))
    found = run(repo)
    assert found.selected == ()
    deleted = of(found, "user-service")
    assert deleted.reason == "its folder services/user-service was deleted: nothing to build"
    assert len(deleted.files) == 2
    assert not of(run(repo, force_full_build=True), "user-service").selected


def test_a_path_that_is_a_prefix_of_another_selects_only_the_right_one(repo: Repo) -> None:
    repo.commit({"services/user-service-v2/V.java": "v2"})
    assert run(repo).selected == ("user-service-v2",)
    repo.commit({"services/user-service/U.java": "u2"})
    assert run(repo).selected == ("user-service",)


@pytest.mark.parametrize(
    "name",
    ["a b.txt", 'quo"te', "new\nline", "tab\t", "ünï.txt", "\udcff\udcfe.bin", "-rf", ":(glob)*", "\x1b[31m"],
)
def test_any_file_name_that_a_file_system_takes(repo: Repo, name: str) -> None:
    target = os.path.join(os.fsencode(repo.path), b"services/user-service", os.fsencode(name))  # noqa: PTH118
    with open(target, "wb") as file:  # noqa: PTH123  a name that is not text
        file.write(b"x")
    repo.commit()
    assert of(run(repo), "user-service").files == (f"services/user-service/{name}",)
    assert of(run(repo), "user-service").selected


def test_ignored_files_select_nothing(repo: Repo) -> None:
    repo.commit({"services/user-service/README.md": "x", "docs/services/user-service/x.txt": "x"})
    found = run(repo)
    assert found.selected == ()
    assert of(found, "user-service").reason == "only ignored files changed (1)"


def test_a_service_may_ignore_files_of_its_own(repo: Repo) -> None:
    text = SMALL.replace("port = 8084", 'port = 8084\nignore = ["/notes/", "!notes/keep"]')
    repo.commit({"services/user-service/notes/a": "x", "services/user-service-v2/notes/a": "x"})
    assert run(repo, text=text).selected == ("user-service-v2",)


def test_a_shared_module_selects_what_uses_it_also_through_others(repo: Repo) -> None:
    repo.commit({"common/events/E.java": "e2"})
    found = run(repo)
    assert found.selected == ("user-service",)
    assert of(found, "user-service").reason == "uses security → events: 1 file changed there"
    assert of(found, "user-service").files == ("common/events/E.java",)


def test_the_root_build_file_selects_all_that_it_governs(repo: Repo) -> None:
    repo.commit({"pom.xml": "<project>2</project>"})
    found = run(repo)
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert of(found, "config").reason == "pom.xml, which governs it, changed"
    text = SMALL.replace("port = 8081", "port = 8081\nbuild_files = []")
    assert "config" not in run(repo, text=text).selected


def test_a_dockerfile_outside_the_folder_and_the_dockerignore_select(repo: Repo) -> None:
    text = SMALL.replace("[source]", '[source]\ndockerfile = "docker/Dockerfile"')
    repo.commit({"docker/Dockerfile": "FROM scratch"})
    assert run(repo, text=text).selected == ("config", "user-service", "user-service-v2")
    repo.commit({".dockerignore": "x"})
    found = run(repo, text=text)
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert of(found, "config").reason == ".dockerignore, which its image is built with, changed"


def test_a_submodule_that_moves_selects_its_service(repo: Repo, tmp_path: Path) -> None:
    head = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},services/user-service/vendored")
    repo.git("commit", "-qm", "submodule")
    assert of(run(repo), "user-service").files == ("services/user-service/vendored",)


def test_a_symbolic_link_is_the_file_that_changes(repo: Repo) -> None:
    (repo.path / "services/user-service/link").symlink_to("../../infra/config/C.java")
    repo.commit()
    assert run(repo).selected == ("user-service",)
    repo.commit({"infra/config/C.java": "c2"})
    assert run(repo).selected == ("config",)


def test_a_service_whose_folder_is_a_link_changes_with_what_it_points_to(repo: Repo) -> None:
    repo.commit({"real/config/C.java": "c"}, remove=("infra/config",))
    (repo.path / "infra").mkdir(exist_ok=True)
    (repo.path / "infra/config").symlink_to("../real/config")
    repo.commit()
    repo.commit({"real/config/C.java": "c2"})
    assert run(repo).selected == ("config",)


def test_full_build_selects_all_active_services_with_the_files_that_changed(repo: Repo) -> None:
    repo.commit({"infra/config/C.java": "c2"})
    found = run(repo, force_full_build=True)
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert of(found, "config").reason == "full build was asked for; 1 file changed in infra/config"
    assert of(found, "user-service").reason == "full build was asked for"


def test_the_work_tree_counts_staged_unstaged_and_untracked_files(repo: Repo) -> None:
    repo.write({"infra/config/C.java": "c2", "services/user-service/New.java": "n"})
    repo.write({"services/user-service-v2/V.java": "v2"})
    repo.git("add", "services/user-service-v2")
    found = run(repo, worktree=True)
    assert found.head == "worktree"
    assert found.base == repo.git("rev-parse", "HEAD")
    assert found.selected == ("config", "user-service", "user-service-v2")
    assert run(repo, "HEAD").selected == ()


def test_a_pending_service_is_never_selected_but_its_files_are_told(repo: Repo) -> None:
    repo.commit({"services/payment/P.java": "p"})
    found = run(repo)
    assert found.selected == ()
    assert of(found, "payment").reason == "pending: its code is not there yet (1 changed file)"


def test_a_change_elsewhere_selects_nothing(repo: Repo) -> None:
    repo.commit({"tools/x.sh": "x"})
    assert run(repo).selected == ()


def test_not_a_repository_a_bare_one_and_no_commit(tmp_path: Path, repo: Repo) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(UsageError, match="is not in a Git repository"):
        GitRepository(plain)
    with pytest.raises(UsageError, match="no folder"):
        GitRepository(tmp_path / "nowhere")
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare"))
    with pytest.raises(UsageError, match="is a bare repository"):
        GitRepository(tmp_path / "bare")
    empty = Repo(tmp_path / "empty")
    with pytest.raises(UsageError, match="has no commit yet"):
        run(empty)


def test_the_repositorys_own_configuration_runs_nothing(repo: Repo, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv", "diff.x.command"):
        repo.git("config", key, str(trap))
    (repo.path / ".gitattributes").write_text("* diff=x\n")
    repo.write({"infra/config/C.java": "c2"})
    (tmp_path / "sprung").unlink(missing_ok=True)
    assert run(repo, worktree=True).selected == ("config",)
    assert not (tmp_path / "sprung").exists()


def test_auto_never_guesses_what_it_cannot_know(repo: Repo, tmp_path: Path) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"services/user-service-v2/V.java": "v2"})
    for number in range(3):
        repo.commit({"services/user-service/U.java": f"u{number}"})
    repo.git("checkout", "-q", "main")
    repo.commit({"infra/config/C.java": "c2"})
    shallow = tmp_path / "shallow"
    repo.git(
        "clone", "-q", "--depth=2", "--no-single-branch", "-b", "feature", f"file://{repo.path}", str(shallow)
    )
    with pytest.raises(UsageError, match="finds no merge base") as caught:
        run(Repo(shallow), "auto")
    assert "--unshallow" in caught.value.next
    other = Repo(tmp_path / "other")
    other.git("checkout", "-q", "-b", "develop")
    other.commit(START)
    other.commit({"infra/config/C.java": "c2"})
    with pytest.raises(UsageError, match="knows no default branch") as caught:
        run(other, "auto")
    assert "git remote set-head" in caught.value.next


def test_a_sparse_checkout_leaves_nothing_out(repo: Repo) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.commit({"services/user-service-v2/V.java": "v2"})
    repo.git("sparse-checkout", "set", "services/user-service")
    assert not (repo.path / "services/user-service-v2").exists()
    found = run(repo, base, worktree=True)
    assert found.selected == ("user-service-v2",)
    assert of(found, "config").reason == "nothing it is made of changed"


def test_a_folder_deleted_on_disk_is_reported(repo: Repo) -> None:
    repo.git("rm", "-r", "-q", "services/user-service")
    found = run(repo, worktree=True)
    assert (
        of(found, "user-service").reason == "its folder services/user-service was deleted: nothing to build"
    )


def test_a_damaged_repository_is_not_taken_for_an_empty_one(repo: Repo) -> None:
    head = repo.git("rev-parse", "HEAD")
    (repo.path / ".git/objects" / head[:2] / head[2:]).unlink()
    with pytest.raises(UsageError) as caught:
        run(repo)
    assert caught.value.cause == "the repository is damaged"
    assert "git fsck" in caught.value.next
