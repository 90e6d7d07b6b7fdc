"""``sdt`` as a person calls it: what it prints, where, and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sdt_console.cli.main import COMMANDS
from tests.catalogs import OURS, SMALL
from tests.command import Sdt
from tests.git import Repo

ENVIRONMENT_KEYS = {"version", "base", "head", "services", "remarks"}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository with its catalog at hand, and a change to one service; the working folder."""
    made = Repo(tmp_path / "backend")
    made.commit(
        {
            "catalog.toml": SMALL,
            "infra/config/C": "1",
            "services/user-service/U": "1",
            "services/user-service-v2/V": "1",
        }
    )
    made.commit({"services/user-service/U": "2"})
    monkeypatch.chdir(made.path)
    return made


def test_detect_json_is_the_contract(sdt: Sdt, repo: Repo) -> None:
    ran = sdt("detect", "--json")
    assert ran.status == 0
    assert ran.err == ""
    assert set(ran.json) == ENVIRONMENT_KEYS
    assert ran.json["version"] == 1
    assert ran.json["head"] == repo.git("rev-parse", "HEAD")
    assert [s["name"] for s in ran.json["services"]] == [
        "config", "user-service", "user-service-v2", "payment", "redis",
    ]  # fmt: skip
    assert ran.json["services"][1] == {
        "name": "user-service",
        "selected": True,
        "reason": "1 file changed in services/user-service",
        "files": ["services/user-service/U"],
    }


def test_detect_picture_has_every_service_with_its_reason(sdt: Sdt, repo: Repo) -> None:
    ran = sdt("detect")
    lines = ran.out.splitlines()
    assert lines[0].endswith("1 service of 5 to build")
    assert any(line.startswith("● build  user-service ") for line in lines)
    assert any("pending: its code is not there yet" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_global_options_before_or_after_the_command(sdt: Sdt, repo: Repo) -> None:
    one, other = (
        sdt("--json", "--env", "production", "plan", "--offline"),
        sdt("plan", "--offline", "--env", "production", "--json"),
    )
    assert one.out == other.out
    assert one.json["environment"] == "production"


def test_plan_json_file_and_matrix(sdt: Sdt, repo: Repo, tmp_path: Path) -> None:
    ran = sdt("plan", "--offline", "--json")
    assert ran.json["builds"] == ["user-service"]
    assert ran.json["waves"] == [["user-service"]]
    assert ran.json["before"] == {}
    written = sdt("plan", "--offline", "-o", tmp_path / "plan.json")
    assert (written.status, written.out) == (0, "")
    assert json.loads((tmp_path / "plan.json").read_text()) == ran.json
    matrix = sdt("plan", "--offline", "--matrix")
    assert matrix.out.count("\n") == 1
    assert matrix.json["include"][0]["service"] == "user-service"


def test_plan_picture(sdt: Sdt, repo: Repo) -> None:
    out = sdt("plan", "--offline", "--base", "0" * 40).out
    head = repo.git("rev-parse", "HEAD")[:12]
    assert out.splitlines()[0].startswith(f"Plan for dev  shop-dev  nothing → {head}")
    assert "Build   events → security → config, user-service, user-service-v2" in out
    assert "Wave 1  1 service" in out
    assert "└─   config" in out
    assert "payment  pending: its code is not there yet" in out


@pytest.mark.parametrize("name", ["no/plan.json", "catalog.toml/x", "x" * 300, "."])
def test_a_plan_that_cannot_be_written_leaves_nothing(sdt: Sdt, repo: Repo, name: str) -> None:
    before = sorted(repo.path.iterdir())
    ran = sdt("plan", "--offline", "-o", name)
    assert ran.status == 2
    assert "cannot write" in ran.err
    assert sorted(repo.path.iterdir()) == before


def test_a_plan_goes_to_stdout_a_pipe_or_through_a_link(sdt: Sdt, repo: Repo, tmp_path: Path) -> None:
    plan = sdt("plan", "--offline", "--json").json
    assert sdt("plan", "--offline", "-o", "-").json == plan
    (tmp_path / "link").symlink_to(tmp_path / "real.json")
    assert sdt("plan", "--offline", "-o", tmp_path / "link").status == 0
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == plan
    assert sdt("plan", "--offline", "-o", "/dev/null").status == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ECR_REPOSITORY", "shop/dev/config"),
        ("ECS_SERVICE", "shop-dev-config"),
        ("ECS_SERVICE", "shop-{environment}-{service}"),
    ],
)
def test_a_setting_that_is_no_pattern_is_refused(
    sdt: Sdt, repo: Repo, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    ran = sdt("plan", "--offline")
    assert ran.status == 2
    assert f"{variable} = '{value}'" in ran.err


def test_settings_from_the_environment_replace_names(
    sdt: Sdt, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_REPOSITORY", "mine/{service}-{env}")
    monkeypatch.setenv("ECS_CLUSTER", "theirs")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    plan = sdt("plan", "--offline", "--json").json
    assert plan["cluster"] == "theirs"
    assert plan["images"]["user-service"].startswith(
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine/user-service-dev:"
    )


def test_global_options_between_a_group_and_its_command(sdt: Sdt, repo: Repo) -> None:
    assert sdt("catalog", "--json", "check").json["ok"] is True


def test_git_variables_of_a_hook_do_not_lead_elsewhere(
    sdt: Sdt, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo(tmp_path / "other")
    other.commit({"x": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    found = sdt("detect", "--repo", repo.path, "--json")
    monkeypatch.undo()
    assert found.json["head"] == repo.git("rev-parse", "HEAD")


def test_a_width_that_is_no_number_is_left_aside(
    sdt: Sdt, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "abc")
    assert sdt("detect").status == 0


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("command", ["detect", "detect --json", "--version"])
def test_an_output_that_takes_nothing_is_no_traceback(repo: Repo, redirection: str, command: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m sdt_console {command} {redirection}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
    assert done.returncode in ((0, 3) if "full" in redirection else (0,))


def test_what_a_sandbox_plan_reads_is_the_sandboxs(sdt: Sdt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(OURS.parent)
    for key, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "AWS_PROFILE": "nosuch",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ECS_CLUSTER": "theirs",
    }.items():
        monkeypatch.setenv(key, value)
    ran = sdt("plan", "--sandbox", "--json", "--profile", "nosuch", "--region", "us-west-2")
    assert ran.status == 0, ran.err
    assert ran.json["cluster"] == "sdt-dev-cluster"
    assert ran.json["before"]["task-service"].startswith("arn:aws:ecs:eu-west-1:962496666337:")


def test_catalog_check_tells_file_line_and_all_problems(sdt: Sdt, repo: Repo) -> None:
    assert sdt("catalog", "check").status == 0
    bad = SMALL.replace("port = 8081", "prot = 1").replace('uses = ["security"]', 'uses = ["securty"]')
    (repo.path / "catalog.toml").write_text(bad)
    ran = sdt("catalog", "check")
    assert ran.status == 2
    lines = ran.out.splitlines()
    number = bad.splitlines().index("prot = 1") + 1
    assert any(
        line.startswith(f"{repo.path}/catalog.toml:{number}: error: services.config.prot = 1: unknown key")
        for line in lines
    )
    assert any("did you mean security?" in line for line in lines)
    document = sdt("catalog", "check", "--json")
    assert document.status == 2
    assert [p["path"] for p in document.json["problems"]] == [
        "services.config.port", "services.config.prot", "services.user-service.uses[0]",
    ]  # fmt: skip
    detect = sdt("detect")
    assert detect.status == 2
    assert "the catalog has 3 problems" in detect.err
    assert "did you mean security?" in detect.err


@pytest.mark.parametrize(
    ("arguments", "said", "next_step"),
    [
        (("detect", "--base", "nope"), "base 'nope' is not a commit", "git branch --all"),
        (("detect", "--repo", "/nowhere"), "no folder /nowhere", "--repo DIR"),
        (("detect", "--catalog", "nope.toml"), "no catalog at nope.toml", "sdt init"),
        (("plan", "--env", "prod", "--offline"), "no environment 'prod'", "did you mean production?"),
        (("detect", "--bas", "x"), "No such option '--bas'", "--base"),
        (("detct",), "No such command 'detct'", "did you mean detect?"),
        (("--base", "x"), "--base needs --ci", "sdt --help"),
        (("--sandbox",), "--sandbox needs --ci", "sdt --help"),
        (("--ci", "--read-only"), "this session is read-only", "sdt plan"),
        (("--repo", ".", "detect"), "--repo belongs after the command", "sdt detect --repo"),
        (("--ci", "--skip-gate", "nosuch"), "'nosuch' is not one of", "'maven'"),
        (("--ci", "--scenario", "crash-loop"), "--scenario needs --sandbox", "sdt --help"),
        (("detect", "--sandbox"), "detect asks Git only", "--sandbox"),
        (("plan", "--sandbox", "--offline"), "--sandbox and --offline exclude each other", "leave one"),
        (("plan", "--env", ""), "is empty", "leave it out"),
        (("detect", "--head", ""), "--head is empty", "leave it out"),
        (("detect", "--worktree", "--head", "HEAD"), "--worktree and --head exclude each other", "leave one"),
        (("detect", "--base", "^HEAD"), "base '^HEAD' is not a commit", "git branch"),
        (("detect", "--head", "^HEAD"), "head '^HEAD' is not a commit", "git branch"),
        (("detect", "surplus"), "unexpected extra argument", "sdt detect --help"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(
    sdt: Sdt, repo: Repo, arguments: tuple[str, ...], said: str, next_step: str
) -> None:
    ran = sdt(*arguments)
    assert ran.status == 2
    assert ran.out == ""
    assert said in ran.err
    assert next_step in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = \n", "not valid TOML: Invalid value (line 1, column 5)"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"", "version: is required"),
    ],
)
def test_a_broken_catalog_is_told(sdt: Sdt, repo: Repo, content: bytes, said: str) -> None:
    (repo.path / "catalog.toml").write_bytes(content)
    ran = sdt("detect")
    assert ran.status == 2
    assert said in ran.err


def test_an_unreadable_catalog_is_told(sdt: Sdt, repo: Repo) -> None:
    (repo.path / "catalog.toml").unlink()
    (repo.path / "catalog.toml").symlink_to("catalog.toml")
    ran = sdt("detect", "--catalog", "catalog.toml")
    assert ran.status == 2
    assert "no catalog at catalog.toml" in ran.err


def test_no_catalog_offers_the_ways_on(sdt: Sdt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = sdt("detect")
    assert ran.status == 2
    assert "no catalog.toml here or above" in ran.err
    assert "sdt init" in ran.err
    assert "sdt demo" in ran.err


def test_the_catalog_is_found_above_by_variable_and_in_the_repository(
    sdt: Sdt, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path / "infra")
    assert sdt("detect").status == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert sdt("detect", "--repo", repo.path).status == 0
    monkeypatch.setenv("SDT_CATALOG", str(OURS))
    other = sdt("detect", "--repo", repo.path, "--json")
    assert other.status == 2
    assert f"no service of {OURS} is in {repo.path}" in other.err
    monkeypatch.delenv("SDT_CATALOG")
    (repo.path / "deep" / "er").mkdir(parents=True)
    assert sdt("detect", "--repo", repo.path / "deep" / "er").status == 0


def test_no_credentials_is_told_with_exit_code_3(sdt: Sdt, repo: Repo) -> None:
    ran = sdt("plan")
    assert ran.status == 3
    assert "no AWS credentials" in ran.err
    assert "--sandbox" in ran.err


def test_hostile_names_reach_the_terminal_as_text(sdt: Sdt, repo: Repo) -> None:
    repo.commit({"services/user-service/\x1b]0;x\x07\x1b[31m[red]‮": "x"})
    for command in (("detect",), ("plan", "--offline"), ("detect", "--json")):
        ran = sdt(*command)
        assert ran.status == 0
        assert "\x1b" not in ran.out
        assert "\x07" not in ran.out
        assert "‮" not in ran.out
    assert "\\x1b]0;x\\x07\\x1b[31m[red]\\u202e" in sdt("detect").out


def test_help_of_every_command_has_an_example(sdt: Sdt) -> None:
    for name in COMMANDS:
        names = [(name,)] if name != "catalog" else [("catalog", "check"), ("catalog", "schema")]
        for command in names:
            ran = sdt(*command, "--help")
            assert ran.status == 0
            assert "Example" in ran.out, command
            assert f"sdt {' '.join(command)}" in ran.out


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "#compdef sdt"), ("fish", "complete ")])
def test_completion_scripts(sdt: Sdt, shell: str, mark: str) -> None:
    assert mark in sdt("completion", shell).out


def _process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "sdt_console", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


def test_a_shell_completes_commands_options_and_environments(repo: Repo) -> None:
    def complete(words: str) -> list[str]:
        done = _process(_SDT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert "detect" in complete("sdt de")
    assert "--worktree" in complete("sdt detect --w")
    assert complete("sdt plan --env pro") == ["production"]


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--version",), ("boto3", "textual", "docker", "git", "rich", "pydantic", "asyncio", "moto")),
        (("--help",), ("boto3", "textual", "docker", "git", "moto", "pydantic")),
        (("detect", "--json"), ("boto3", "textual", "docker", "moto", "rich", "asyncio.base_events")),
    ],
)
def test_a_command_imports_only_what_it_needs(
    repo: Repo, arguments: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    code = (
        "import sys\nfrom sdt_console.cli.main import run\n"
        f"status = run({list(arguments)!r})\n"
        f"print([m for m in {unwanted!r} if m in sys.modules], file=sys.stderr)\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_reader_that_has_enough_is_no_error(repo: Repo) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m sdt_console detect --json --base {'0' * 40} | head -c 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{"
    assert done.stderr == ""


def test_the_process_exits_with_the_commands_code(repo: Repo) -> None:
    assert _process("--version").stdout.startswith("sdt ")
    assert _process("detect", "--base", "nope").returncode == 2
