"""The clients of one session: made when first needed, let go together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sdt_console.errors import JournalError, UsageError
from sdt_console.events import Emit, Noted
from sdt_console.settings import Settings

if TYPE_CHECKING:
    from sdt_console.clients.aws import Aws
    from sdt_console.clients.call import Caller
    from sdt_console.clients.ecr import EcrClient
    from sdt_console.clients.ecs import EcsClient
    from sdt_console.clients.elb import LoadBalancerClient
    from sdt_console.clients.http import HttpClient
    from sdt_console.clients.identity import IdentityClient
    from sdt_console.clients.log_events import LogEventsClient
    from sdt_console.clients.logs import LogsClient
    from sdt_console.clients.secrets import SecretsClient
    from sdt_console.pipeline.ports import Builder, Clock


class Outside:
    """AWS, HTTP and the builders, as one session reaches them.

    :param region: ``None`` for the SDK's own choice.
    :param role: ARN of a role to assume; empty for none.
    :param clock: what waiting for AWS's quotas goes by; the machine's if there is none.
    :param noted: told when a call to AWS is throttled or failed in passing, and is sent again.
    :param calls: those of another session of the same account and region, to share its budget.
    """

    def __init__(
        self,
        settings: Settings,
        region: str | None,
        role: str = "",
        *,
        clock: Clock | None = None,
        noted: Callable[[str], None] | None = None,
        calls: Caller | None = None,
    ) -> None:
        self._given_calls = calls
        self._settings = settings
        self._region = region
        self._role = role
        self._clock = clock
        self._noted = noted

    @cached_property
    def calls(self) -> Caller:
        """The one through which every call goes: what was called, and how much of AWS's quotas is used."""
        if self._given_calls is not None:
            return self._given_calls
        from sdt_console.clients.call import Caller

        return Caller(read_only=self._settings.read_only, clock=self._clock, noted=self._noted)

    def guarded(self, check: Callable[[], Awaitable[None]]) -> AbstractContextManager[None]:
        """See :func:`sdt_console.clients.call.guarded`."""
        from sdt_console.clients.call import guarded

        return guarded(check)

    @property
    def aws(self) -> Aws:
        """The session itself, for clients that are made elsewhere."""
        return self._aws

    @cached_property
    def _aws(self) -> Aws:
        from sdt_console.clients.aws import Aws

        return Aws(self.calls, region=self._region, profile=self._settings.profile, role=self._role)

    @cached_property
    def ecs(self) -> EcsClient:
        from sdt_console.clients.ecs import EcsClient

        return EcsClient(self._aws)

    @cached_property
    def ecr(self) -> EcrClient:
        from sdt_console.clients.ecr import EcrClient

        return EcrClient(self._aws)

    @cached_property
    def balancers(self) -> LoadBalancerClient:
        from sdt_console.clients.elb import LoadBalancerClient

        return LoadBalancerClient(self._aws)

    @cached_property
    def logs(self) -> LogsClient:
        from sdt_console.clients.logs import LogsClient

        return LogsClient(self._aws)

    @cached_property
    def log_events(self) -> LogEventsClient:
        """Logs at length, for those who watch: a deploy goes first."""
        from sdt_console.clients.log_events import LogEventsClient

        return LogEventsClient(self._aws.watching)

    @cached_property
    def identity(self) -> IdentityClient:
        from sdt_console.clients.identity import IdentityClient

        return IdentityClient(self._aws)

    @cached_property
    def secrets(self) -> SecretsClient:
        from sdt_console.clients.secrets import SecretsClient

        return SecretsClient(self._aws)

    @cached_property
    def http(self) -> HttpClient:
        from sdt_console.clients.http import HttpClient

        return HttpClient(self.calls)

    def builder(self, folder: Path) -> Builder:
        """The builder asked for; with ``auto`` a Docker Engine if one answers.

        :param folder: the run's own, for images put together here and for the output of builds.
        :raises UsageError: the builder asked for is not there.
        """
        if self._settings.builder == "sandbox":
            return self.own_builder(folder)
        from sdt_console.clients.engine_builder import EngineBuilder

        engine = EngineBuilder(self.calls, keep=self._settings.keep_images, logs=folder / "builds")
        missing = engine.available()
        if missing is None:
            return engine
        if self._settings.builder == "engine":
            raise UsageError("no Docker Engine", missing, "start one, or build with --builder sandbox")
        return self.own_builder(folder)

    def own_builder(self, folder: Path) -> Builder:
        """The builder that needs no Docker Engine."""
        from sdt_console.clients.sandbox_builder import SandboxBuilder

        return SandboxBuilder(self.calls, folder / "images", logs=folder / "builds")

    @contextmanager
    def retries_told(self, emit: Emit) -> Iterator[None]:
        """Calls that are throttled and sent again are part of a run's story."""
        from asyncio import get_running_loop

        loop = get_running_loop()

        def note(sentence: str) -> None:
            with suppress(JournalError):  # the run hears of it at its next entry
                emit(Noted(sentence, "warning"))

        def tell(sentence: str) -> None:
            with suppress(RuntimeError):  # the loop is closed: so has the run ended
                loop.call_soon_threadsafe(note, sentence)

        self.calls.noted = tell
        try:
            yield
        finally:
            self.calls.noted = None

    def close(self) -> None:
        """Let go of threads and files; safe to call more than once."""
        if "calls" in self.__dict__:
            self.calls.close()
