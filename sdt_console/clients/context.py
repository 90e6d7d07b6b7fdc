"""The build context: what a Dockerfile may copy, as entries or as the tar that an Engine takes.

Links are kept as links and never followed; what ``.dockerignore`` leaves out is not there.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from sdt_console.clients.dockerignore import Ignore
from sdt_console.clients.oci import Entry
from sdt_console.clients.wildcards import PatternError
from sdt_console.errors import BuildError

_IGNORE = ".dockerignore"


class Context:
    """One folder seen through its ignore file.

    ``<dockerfile>.dockerignore`` beside the Dockerfile is used instead of ``.dockerignore`` where it exists.

    :param root: absolute folder.
    :param dockerfile: path relative to ``root``.
    :raises BuildError: no such folder or Dockerfile, either outside the context, or an unreadable rule.
    """

    def __init__(self, root: Path, dockerfile: str) -> None:
        if not root.is_dir():
            raise BuildError(
                f"no build context at {root}", "there is no such folder", "check `context` in the catalog"
            )
        self.root = root
        self.dockerfile = posixpath.normpath(dockerfile)
        text = self._read(self.dockerfile)
        if text is None:
            raise BuildError(
                f"no Dockerfile at {self.dockerfile}",
                f"{root} has no such file",
                "add it, or correct `dockerfile` in the catalog",
            )
        self.text = text
        own = f"{self.dockerfile}.dockerignore"
        self._ignore_file = own if self._read(own) is not None else _IGNORE
        try:
            self._ignore = Ignore(self._read(self._ignore_file) or "")
        except PatternError as error:
            raise BuildError(f"cannot read {self._ignore_file}", str(error), "correct the pattern") from None

    def _read(self, path: str) -> str | None:
        """Text of a file inside the context; ``None`` if there is none."""
        file = self.root / path
        try:
            if not file.resolve().is_relative_to(self.root.resolve()):
                raise BuildError(f"{path} lies outside the build context", f"it is {file.resolve()}")
            return file.read_bytes().decode(errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise BuildError(f"cannot read {path}", error.strerror or str(error)) from error

    def get(self, path: str) -> Entry | None:
        """What lies at ``path``, whether ignored or not; ``None`` for nothing and for special files."""
        return self._entry(path, self.root / path)

    def walk(self, under: str = "") -> Iterator[Entry]:
        """What may be copied at and below ``under``, a folder before what is in it, sorted by name.

        A folder that is ignored comes along where something in it is not.

        :raises BuildError: something cannot be read.
        """
        if not under:
            for name in self.names():
                yield from self.walk(name)
            return
        entry = self.get(under)
        if entry is None:
            return
        ignored = self._ignore(under)
        if entry.kind != "folder":
            if not ignored:
                yield entry
            return
        if ignored and self._ignore.whole(under):
            return
        if not ignored:
            yield entry
        for name in self.names(under):
            for found in self.walk(f"{under}/{name}"):
                if ignored:
                    yield entry
                    ignored = False
                yield found

    def names(self, folder: str = "") -> list[str]:
        """What lies directly in ``folder``, ignored or not, sorted; nothing if it is none.

        :raises BuildError: it cannot be read.
        """
        entry = self.get(folder) if folder else None
        if folder and (entry is None or entry.kind != "folder"):
            return []
        try:
            return sorted(os.listdir(self.root / folder))  # noqa: PTH208
        except OSError as error:
            raise BuildError(f"cannot read {folder or self.root}", error.strerror or str(error)) from error

    def _entry(self, path: str, file: Path) -> Entry | None:
        try:
            status = file.lstat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a name with a NUL
            return None
        except OSError as error:
            raise BuildError(f"cannot read {path}", error.strerror or str(error)) from error
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            return Entry(path, "folder", mode)
        if stat.S_ISLNK(status.st_mode):
            return Entry(path, "link", 0o777, link=os.readlink(file))  # noqa: PTH115
        if stat.S_ISREG(status.st_mode):
            return Entry(path, "file", mode, file)
        return None

    @property
    def hides_dockerfile(self) -> bool:
        """Whether the Dockerfile may not be copied, though an Engine needs it to build."""
        return self._ignore(self.dockerfile)

    def tar(self, out: IO[bytes], *, rules: bool = True, check: Callable[[], None] = lambda: None) -> None:
        """Write the context as a Docker Engine takes it: with the Dockerfile and the ignore file.

        :param rules: the Engine reads ``.dockerignore``, to leave these two out of the image as we did with
            the rest; one that does not gets an ignore file only where it may be copied.
        :param check: called before each entry; raises to stop.
        """
        extra: dict[str, bytes] = {}
        if self.hides_dockerfile:
            extra[self.dockerfile] = self.text.encode(errors="surrogateescape")
        if self.hides_dockerfile and rules:
            own = self._read(_IGNORE) or "" if self._ignore_file == _IGNORE else _literal(self.dockerfile)
            extra[_IGNORE] = f"{own}\n".encode(errors="surrogateescape")
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for entry in self.walk():
                check()
                if entry.path not in extra:
                    _add(tar, entry)
            for path, content in sorted(extra.items()):
                _add(tar, Entry(path, content=content))


def _literal(path: str) -> str:
    """``path`` as a pattern that matches it and nothing else."""
    return "".join("\\" + char if char in "*?[\\" else char for char in path)


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mode = entry.mode
    if entry.kind == "folder":
        info.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    else:
        try:
            with entry.open() as content:
                info.size = content.seek(0, io.SEEK_END)
                content.seek(0)
                tar.addfile(info, content)
        except OSError as error:
            raise BuildError(f"cannot read {entry.path}", error.strerror or str(error)) from error
        return
    tar.addfile(info)
