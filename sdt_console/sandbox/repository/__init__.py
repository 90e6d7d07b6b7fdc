"""The backend monorepo of the sandbox: generated from the catalog, the same to the byte and the commit id.

- :mod:`.modules`, :mod:`.images`, :mod:`.root`: what the files say.
- :mod:`.history`: in which order they came to be.
- :mod:`.commits`: who committed them, when, and in which pull request.
- :mod:`.fast_import`: all of it as one stream.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sdt_console.catalog.model import Catalog
from sdt_console.errors import SdtError, UsageError
from sdt_console.sandbox.repository.commits import commits
from sdt_console.sandbox.repository.fast_import import stream
from sdt_console.sandbox.repository.history import AWKWARD_TITLE, changed_at_head, story

__all__ = ["AWKWARD_TITLE", "BackendRepository", "changed_at_head", "generate"]

# The repository must behave alike whatever the machine's own settings are, and leave no process behind.
_CONFIG = """[core]
\tautocrlf = false
\teol = lf
[commit]
\tgpgsign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[user]
\tname = Sandbox
\temail = sandbox@localhost
"""


@dataclass(frozen=True)
class BackendRepository:
    """A generated repository, checked out on ``main``.

    :param head: commit id of ``main``, a merge commit.
    :param base: its first parent, what ``head`` is compared with.
    :param commits: commits in the whole history.
    """

    path: Path
    head: str
    base: str
    commits: int


def generate(folder: Path, catalog: Catalog) -> BackendRepository:
    """Writes the repository into ``folder``, which must be empty or absent.

    The same catalog gives the same commit ids and the same files on every machine. The last commit merges a
    pull request that changes one service, :func:`changed_at_head`, and a document.

    :raises UsageError: ``folder`` is in use, or there is no git.
    :raises SdtError: git failed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"cannot generate a repository in {folder}", "it is not empty", "name an empty folder"
        )
    git = shutil.which("git")
    if git is None:
        raise UsageError("cannot generate a repository", "there is no git", "install git 2.28 or newer")
    folder.mkdir(parents=True, exist_ok=True)
    history = commits(catalog.system, story(catalog))
    marks = (len(history), history[-1].parents[0])
    _git(git, folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha1", "--template=")
    with (folder / ".git" / "config").open("a", encoding="utf-8", newline="\n") as config:
        config.write(_CONFIG)
    printed = _git(git, folder, "fast-import", "--quiet", "--done", stdin=b"".join(stream(history, marks)))
    _git(git, folder, "reset", "--hard", "--quiet", "main")
    head, base = printed.split()
    return BackendRepository(folder, head, base, len(history))


def _git(git: str, folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(
        [git, *arguments],
        cwd=folder,
        env=kept | own,
        input=stdin,
        capture_output=True,
        check=False,
        umask=0o022,
    )
    if done.returncode:
        raise SdtError(f"git {arguments[0]} failed in {folder}", done.stderr.decode(errors="replace").strip())
    return done.stdout.decode()
