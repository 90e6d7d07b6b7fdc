"""The generated backend repository: always the same, a true reactor, and images that answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from xml.etree import ElementTree

import pytest

from sdt_console.catalog.load import load
from sdt_console.catalog.model import Catalog, Service, Shared
from sdt_console.errors import UsageError
from sdt_console.sandbox.repository import AWKWARD_TITLE, BackendRepository, changed_at_head, generate
from sdt_console.sandbox.repository.images import transitive

CATALOG = Path(__file__).parents[2] / "catalog.toml"
HEAD = "04a93193507853f5a3fa85fedb9a937c81b784b1"
NS = {"m": "http://maven.apache.org/POM/4.0.0"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(CATALOG)


@pytest.fixture(scope="module")
def backend(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> BackendRepository:
    return generate(tmp_path_factory.mktemp("generated") / "backend", catalog)


def git(repo: BackendRepository, *arguments: str) -> str:
    command = ["git", "-C", str(repo.path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Path → content and permission bits of every checked-out file."""
    files = (p for p in folder.rglob("*") if p.is_file() and ".git" not in p.relative_to(folder).parts)
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mode & 0o777) for p in files}


def poms(folder: Path) -> Iterator[tuple[str, ElementTree.Element]]:
    for path in sorted(folder.rglob("pom.xml")):
        yield str(path.parent.relative_to(folder)), ElementTree.parse(path).getroot()  # noqa: S314  (our own)


class TestDeterminism:
    def test_the_committed_catalog_gives_this_commit(self, backend: BackendRepository) -> None:
        assert backend.head == HEAD
        assert git(backend, "rev-parse", "main", "HEAD").split() == [HEAD, HEAD]

    def test_a_hostile_machine_changes_nothing(self, backend: BackendRepository, tmp_path: Path) -> None:
        """Another umask, hash seed, locale, time zone, git configuration and an inherited GIT_DIR."""
        (tmp_path / ".gitconfig").write_text(
            "[core]\nautocrlf = true\nhooksPath = /nonexistent\nfileMode = false\n[commit]\ngpgsign = true\n"
            "[init]\ndefaultBranch = trunk\ntemplateDir = /nonexistent\n[user]\nname = Someone\n"
            "[fastimport]\nunpackLimit = 1\n"
        )
        script = (
            "import os, sys; from pathlib import Path; os.umask(0o077)\n"
            "from sdt_console.catalog.load import load\n"
            "from sdt_console.sandbox.repository import generate\n"
            "print(generate(Path(sys.argv[2]), load(Path(sys.argv[1]))).head)\n"
        )
        hostile = {"HOME": str(tmp_path), "TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
        hostile |= {"GIT_DIR": "/nonexistent", "GIT_AUTHOR_DATE": "1", "GIT_OBJECT_DIRECTORY": "/nonexistent"}
        command = [sys.executable, "-c", script, str(CATALOG), str(tmp_path / "again")]
        done = subprocess.run(command, env=os.environ | hostile, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == backend.head
        assert tree(tmp_path / "again") == tree(backend.path)

    def test_the_checkout_is_clean_and_whole(self, backend: BackendRepository) -> None:
        assert git(backend, "status", "--porcelain", "--ignored") == ""
        assert git(backend, "fsck", "--strict", "--no-dangling") == ""


class TestHistory:
    def test_head_merges_a_change_of_one_service_and_a_document(
        self, backend: BackendRepository, catalog: Catalog
    ) -> None:
        service = changed_at_head(catalog)
        assert service is not None
        assert service.name == "task-service"
        parents = git(backend, "rev-list", "--parents", "-n1", "HEAD").split()[1:]
        assert parents[0] == backend.base
        assert len(parents) == 2
        changed = git(backend, "diff", "--name-only", backend.base, backend.head).split()
        own = [path for path in changed if path.startswith(f"{service.path}/")]
        assert own
        assert [path for path in changed if path not in own] == ["docs/task-service.md"]

    def test_only_the_first_parent_tells_the_right_change(self, backend: BackendRepository) -> None:
        fork = git(backend, "merge-base", "HEAD^1", "HEAD^2").strip()
        changed = git(backend, "diff", "--name-only", fork, "HEAD")
        assert fork != backend.base
        assert "skilltracker-services/skill-service/" in changed

    def test_months_of_work_by_several_people(self, backend: BackendRepository) -> None:
        log = git(backend, "log", "--format=%at %ae").splitlines()
        dates = [int(line.split()[0]) for line in log]
        assert len(log) == backend.commits
        assert max(dates) - min(dates) > 120 * 86_400
        assert len({line.split()[1] for line in log}) == 5
        for parent_and_child in git(backend, "log", "--format=%ct %P").splitlines():
            at, *parents = parent_and_child.split()
            assert all(int(git(backend, "log", "-1", "--format=%ct", p)) <= int(at) for p in parents[:1])

    def test_pull_requests_as_github_leaves_them(self, backend: BackendRepository) -> None:
        subjects = git(backend, "log", "--first-parent", "--format=%s").splitlines()
        merged = [s for s in subjects if s.startswith("Merge pull request #")]
        squashed = [s for s in subjects if s.endswith(")") and "(#" in s]
        assert subjects[0] == "Merge pull request #812 from sdt/feature/overdue-tasks"
        assert git(backend, "log", "-1", "--format=%b").strip() == "List overdue tasks"
        assert len(merged) > 10
        assert len(squashed) > 5
        numbers = [int(s.split("#")[1].split()[0].rstrip(")")) for s in subjects if "#" in s]
        assert numbers == sorted(set(numbers), reverse=True)

    def test_the_awkward_title_is_kept_as_it_is(self, backend: BackendRepository) -> None:
        bodies = git(backend, "log", "--merges", "--format=%b%x00").split("\0")
        assert AWKWARD_TITLE in [body.strip("\n") for body in bodies]

    def test_renames_documents_and_shared_changes(self, backend: BackendRepository) -> None:
        renamed = git(backend, "log", "-M", "--diff-filter=R", "--name-status", "--format=")
        assert "UserServiceController.java" in renamed
        touched = [
            set(entry.split("\n\n", 1)[-1].split())
            for entry in git(backend, "log", "--first-parent", "-m", "--name-only", "--format=%x00\n").split(
                "\0"
            )
        ]
        assert any(files and all(f.startswith("docs/") for f in files) for files in touched)
        assert any(files and all("/common-event/" in f for f in files) for files in touched)
        assert {"pom.xml"} in touched


class TestReactor:
    def test_modules_are_the_catalogs_in_order(self, backend: BackendRepository, catalog: Catalog) -> None:
        root = dict(poms(backend.path))["."]
        listed = [element.text for element in root.findall("m:modules/m:module", NS)]
        assert listed == [
            *(module.path for module in catalog.shared),
            *(service.path for service in catalog.active),
        ]

    def test_dependencies_are_the_catalogs_uses(self, backend: BackendRepository, catalog: Catalog) -> None:
        found = dict(poms(backend.path))
        modules: list[Shared | Service] = [*catalog.shared, *catalog.active]
        for module in modules:
            pom = found.pop(module.path)
            group = pom.findtext("m:parent/m:groupId", "", NS)
            inside = [d for d in pom.findall("m:dependencies/m:dependency", NS) if d[0].text == group]
            assert tuple(d.findtext("m:artifactId", "", NS) for d in inside) == module.uses
            parent = normpath(join(module.path, pom.findtext("m:parent/m:relativePath", "", NS)))
            assert parent == "pom.xml"
        assert list(found) == ["."]

    def test_pending_services_have_no_source(self, backend: BackendRepository, catalog: Catalog) -> None:
        pending = [service for service in catalog.services if service.state == "pending"]
        assert pending
        everything = git(backend, "log", "--all", "-m", "--name-only", "--format=")
        for service in pending:
            assert f"{service.path}/" not in everything

    def test_ports_are_the_catalogs(self, backend: BackendRepository, catalog: Catalog) -> None:
        for service in catalog.active:
            settings = (backend.path / service.path / "src/main/resources/application.yml").read_text()
            assert f"  port: {service.port}\n" in settings


class TestImages:
    def test_dockerfiles_copy_what_is_there(self, backend: BackendRepository, catalog: Catalog) -> None:
        for service in catalog.active:
            lines = (backend.path / catalog.dockerfile(service)).read_text().splitlines()
            words = [line.split() for line in lines if not line.startswith("#")]
            known = {"ARG", "FROM", "LABEL", "ENV", "WORKDIR", "COPY", "EXPOSE", "USER", "HEALTHCHECK"}
            assert {line[0] for line in words} <= known | {"ENTRYPOINT", "CMD"}
            assert ["EXPOSE", str(service.port)] in words
            sources = [line[1] for line in words if line[0] == "COPY"]
            assert all((backend.path / source).exists() for source in sources)
            for module in transitive(catalog, service):
                assert f"{module.path}/src/main/java/" in sources

    @pytest.mark.docker
    def test_httpd_answers_springs_health(self, backend: BackendRepository, catalog: Catalog) -> None:
        busybox = shutil.which("busybox")
        assert busybox is not None, "the Docker tests need a static busybox on the path"
        for service in catalog.active[:3]:
            folder = backend.path / service.path / "src/main/docker/www"
            for url in ("/actuator/health", f"/api/{service.name}/actuator/health"):
                request = f"GET {url} HTTP/1.0\r\n\r\n".encode()
                command = [busybox, "httpd", "-i", "-h", str(folder)]
                answer = subprocess.run(command, input=request, capture_output=True, check=False).stdout
                head, _, body = answer.partition(b"\r\n\r\n")
                assert head.split()[1] == b"200"
                assert json.loads(body)["status"] == "UP"

    @pytest.mark.docker
    def test_a_docker_engine_builds_without_a_network(
        self, backend: BackendRepository, catalog: Catalog
    ) -> None:
        service = changed_at_head(catalog)
        assert service is not None
        build = ["docker", "build", "--network=none", "-q", "-f", catalog.dockerfile(service), "."]
        done = subprocess.run(build, cwd=backend.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        image = done.stdout.strip()
        try:
            inspected = subprocess.run(["docker", "inspect", image], capture_output=True, check=True).stdout
            config = json.loads(inspected)[0]["Config"]
            assert config["Entrypoint"] == ["/bin/busybox", "httpd"]
            assert f"{service.port}/tcp" in config["ExposedPorts"]
        finally:
            subprocess.run(["docker", "rmi", image], capture_output=True, check=False)


MINIMAL = {
    "version": 1,
    "system": "shop",
    "default_environment": "live",
    "groups": ["all"],
    "aws": {"region": "eu-west-1", "account": "123456789012"},
    "names": {"cluster": "{env}", "service": "{service}", "repository": "{service}"},
    "environments": {"live": {}},
}


def other(services: list[dict[str, object]], **more: object) -> Catalog:
    defaults = {"priority": 1, "group": "all", "port": 80}
    return Catalog.model_validate(MINIMAL | {"services": [defaults | s for s in services]} | more)


class TestOtherCatalogs:
    def test_one_dockerfile_for_all(self, tmp_path: Path) -> None:
        catalog = other(
            [{"name": f"s{n}", "path": f"apps/s{n}", "port": 8000 + n} for n in range(3)],
            source={"dockerfile": "docker/Dockerfile", "build_args": {"MODULE": "{path}", "PORT": "{port}"}},
        )
        made = generate(tmp_path / "r", catalog)
        text = (made.path / "docker/Dockerfile").read_text()
        assert "ARG MODULE\nARG PORT\nENV SERVER_PORT=${PORT}\n" in text
        assert "COPY ${MODULE}/src/main/docker/www/ /app/www/" in text
        assert "s0" not in text

    def test_modules_that_use_modules_and_a_narrow_context(self, tmp_path: Path) -> None:
        shared = [{"name": "a", "path": "lib/a"}, {"name": "b", "path": "lib/b", "uses": ["a"]}]
        catalog = other(
            [
                {"name": "wide", "path": "wide", "uses": ["b"]},
                {"name": "narrow", "path": "narrow", "uses": ["b"], "context": "narrow"},
                {"name": "spaced", "path": "a b/spaced"},
            ],
            shared=shared,
        )
        made = generate(tmp_path / "r", catalog)
        wide = (made.path / "wide/Dockerfile").read_text()
        assert wide.index("/app/lib/a/") < wide.index("/app/lib/b/")
        narrow = (made.path / "narrow/Dockerfile").read_text()
        assert "COPY src/main/java/ /app/classes/" in narrow
        assert "lib/" not in narrow
        assert 'COPY ["a b/spaced/pom.xml", "/app/"]' in (made.path / "a b/spaced/Dockerfile").read_text()
        assert dict(poms(made.path))["a b/spaced"] is not None

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_services(self, tmp_path: Path, count: int) -> None:
        catalog = other([{"name": f"s{n}", "path": f"s{n}"} for n in range(count)])
        made = generate(tmp_path / "r", catalog)
        changed = git(made, "diff", "--name-only", made.base, made.head).split()
        assert {dirname(path).split("/")[0] for path in changed} == {"docs", *[f"s{count - 1}"] * bool(count)}

    def test_many_services_make_no_long_history(self, tmp_path: Path) -> None:
        catalog = other([{"name": f"s{n}", "path": f"apps/s{n}"} for n in range(200)])
        made = generate(tmp_path / "r", catalog)
        assert made.commits < 150
        assert len(list(made.path.glob("apps/*/Dockerfile"))) == 200


class TestErrors:
    def test_a_folder_in_use_is_left_alone(self, tmp_path: Path, catalog: Catalog) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(UsageError, match="cannot generate a repository"):
            generate(tmp_path, catalog)
        assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]

    def test_no_git(self, tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UsageError, match="there is no git"):
            generate(tmp_path / "r", catalog)
        assert not (tmp_path / "r").exists()
