"""The account in a box: puts its parts together, starts them, and leaves nothing behind."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError

try:
    from moto.backends import get_backend
    from moto.iam.models import get_account_id_from
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
except ImportError as error:
    raise UsageError(
        "the sandbox needs moto", f"{error.name} is not installed", "pip install 'sdt-console[sandbox]'"
    ) from error

from . import ecr, simulator
from .application import Application
from .balancer import LoadBalancer
from .clock import DEFAULT_SPEED, Clock, Pace, SystemClock
from .collector import fresh_account, no_collection
from .containers.runtime import DockerRuntime, need_engine
from .control import Control
from .ecr_scan import SCAN
from .ecs.api import Ecs
from .ecs.identity import Identity
from .ecs.region import Region
from .environment import MotoSurroundings
from .faults import ApiFaults
from .front import Front
from .heartbeat import Heartbeat
from .observation import Observation
from .registry import RegistryApp
from .routes import Routes
from .scenarios import Scenarios
from .seed import HISTORY, Seed
from .seed_caller import ACCESS_KEY, SECRET_KEY, seed_caller
from .server import LoopbackServer
from .timeline import Timeline

_MOTO_ACCOUNT = "123456789012"
"""What moto says for a key that it does not know."""


class Sandbox:
    """A running sandbox; use :meth:`start`, and :meth:`stop` or a ``with`` block.

    moto keeps its state in the process, so there can be one sandbox in it at a time.

    :ivar endpoint: ``http://127.0.0.1:PORT``, for ``AWS_ENDPOINT_URL``.
    :ivar registry: ``127.0.0.1:PORT``, the registry host in ECR's repository URIs.
    :ivar environ: what any AWS client needs in its environment to use the sandbox.
    :ivar scenarios: what goes wrong on purpose; switch them with ``on`` and ``off``.
    :ivar faults: what becomes of API calls: which are denied, and how often each came.
    :ivar load_balancers: environment → base URL of its load balancer.
    """

    _running: ClassVar[Sandbox | None] = None

    @classmethod
    def start(
        cls,
        catalog: Catalog,
        *,
        port: int = 0,
        speed: float | None = None,
        environments: Sequence[str] | None = None,
        scenarios: Sequence[str] = (),
        commit: str = "",
        clock: Clock | None = None,
        docker: bool = False,
    ) -> Sandbox:
        """Start an account with every service of the catalog up.

        :param port: of the endpoint; 0 for a free one.
        :param speed: 1 for life-like minutes; the default is such that a deploy takes about two seconds.
        :param environments: names of the catalog; all by default.
        :param scenarios: to switch on once everything is up, each ``NAME`` or ``NAME:SERVICE``.
        :param commit: id of the commit that runs at the start; by default one that no repository has.
        :param clock: a clock other than the machine's; the sandbox then moves in :meth:`advance` only.
        :param docker: run tasks as containers of the very images that were pushed to this registry.
        :raises UsageError: the port is taken, an environment or a scenario is unknown, a sandbox runs
            already, or there is no Docker Engine to run containers.
        """
        if cls._running is not None:
            raise UsageError(
                "a sandbox runs in this process already", f"at {cls._running.endpoint}", "stop it first"
            )
        chosen = tuple(catalog.environments) if environments is None else tuple(environments)
        for env in chosen:
            if env not in catalog.environments:
                known = ", ".join(catalog.environments)
                raise UsageError(f"no such environment: {env}", "", f"choose from {known}")
        if speed is not None and not speed > 0:
            raise UsageError(f"the speed must be above 0, not {speed}", "", "1 is life-like, 60 the default")
        board = Scenarios(catalog)
        for text in scenarios:
            board.parse(text)  # before anything is started
        if docker:
            need_engine()
        sandbox = cls(catalog, port, Pace(speed or DEFAULT_SPEED), chosen, commit, clock, docker)
        for text in scenarios:
            sandbox.scenarios.on(text)
        return sandbox

    def __init__(
        self,
        catalog: Catalog,
        port: int,
        pace: Pace,
        environments: tuple[str, ...],
        commit: str,
        clock: Clock | None,
        docker: bool,
    ) -> None:
        self._catalog = catalog
        self._undo: list[Callable[[], object]] = []
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._clock: Clock = clock or SystemClock()
        # A clock that is moved by hand does not move while anyone sleeps.
        self._pause: Callable[[float], object] = time.sleep if clock is None else lambda seconds: None
        start = self._clock.now()
        self._timeline = Timeline(start - HISTORY, pace)
        self._heartbeat = Heartbeat(self._timeline, self._clock, self._lock)
        self._application = Application()
        self.scenarios = Scenarios(catalog)
        self.faults = ApiFaults(self.scenarios)
        self._regions: dict[tuple[str, str], Ecs] = {}
        self._runtime: DockerRuntime | None = None
        self._observation = Observation(self._timeline, self._regions, catalog.aws.region)
        try:
            with no_collection():
                registry = self._assemble(port, environments, commit, start)
            if docker:
                self._run_containers(registry)
            if clock is None:
                self._heartbeat.start()
                self._undo.append(self._heartbeat.stop)
        except BaseException:
            self.stop()
            raise
        Sandbox._running = self

    def _assemble(self, port: int, environments: tuple[str, ...], commit: str, start: float) -> RegistryApp:
        catalog = self._catalog
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = LoopbackServer(lambda environ, respond: self._front(environ, respond), port)
        self._undo.append(server.stop)
        self.registry = server.address
        self.endpoint = f"http://{server.address}"
        fresh_account()
        folder = Path(tempfile.mkdtemp(prefix="sdt-sandbox-"))
        self._undo.append(lambda: shutil.rmtree(folder, ignore_errors=True))
        registry = RegistryApp(
            account=catalog.aws.account,
            region=catalog.aws.region,
            folder=folder,
            host=lambda: self.registry,
            lock=self._lock,
            now=self._clock.now,
            scan_seconds=self._timeline.pace.seconds(SCAN),
        )
        self._undo += [ecr.install(registry), simulator.install()]
        self._front = Front(
            moto=DomainDispatcherApplication(create_backend_app),
            registry=registry,
            control=Control(self.scenarios, self._about),
            faults=self.faults,
            ecs=self.ecs,
            routes=Routes(self.ecs, self._observation.ledger),
            account_of=self._account_of,
            lock=self._lock,
            heartbeat=self._heartbeat,
            now=self._clock.now,
            pause=self._pause,
            stopped=self._stopped,
            tail_interval=1.0 if isinstance(self._clock, SystemClock) else 0.02,
        )
        servers = {}
        for env in environments:
            if catalog.load_balancer(env):
                servers[env] = LoopbackServer(self._load_balancer(env))
                self._undo.append(servers[env].stop)
        self.load_balancers: Mapping[str, str] = {env: f"http://{s.address}" for env, s in servers.items()}
        seed = Seed(
            catalog,
            ecs=self._ecs_of,
            registry=self.registry,
            balancers={env: s.address for env, s in servers.items()},
            images=registry.images,
            commit=commit,
        )
        seed_caller(catalog.aws.account)
        for env in environments:
            seed.account(env)
        seed.services(environments, self._timeline, start)
        self._undo.append(self._observation.begin())
        seed.upkeep(registry.lifecycle, self._timeline)
        self._undo.append(self._stopped.set)
        for started in (server, *servers.values()):
            started.start()
        return registry

    def _run_containers(self, registry: RegistryApp) -> None:
        """From now on; what was seeded holds nothing that could be run."""
        runtime = DockerRuntime(registry, self._lock, self._heartbeat.catch_up, self._observation.copy)
        self._undo.append(runtime.close)
        with self._lock:
            self._runtime = runtime
            for ecs in self._regions.values():
                ecs.region.runtime = runtime

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self._catalog.aws.region,
            "AWS_DEFAULT_REGION": self._catalog.aws.region,
        }

    def stop(self) -> None:
        """Close every port, end every thread, remove every file. Calling it twice does no harm."""
        while self._undo:
            self._undo.pop()()
        if Sandbox._running is self:
            Sandbox._running = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def now(self) -> float:
        """The sandbox's time, in seconds since the epoch."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Move a :class:`~sdt_console.sandbox.clock.ManualClock` on, and all that is due with it."""
        move: Any = self._clock
        with self._lock:
            move.advance(seconds)
            self._heartbeat.catch_up()

    def ecs(self, account: str, region: str) -> Ecs:
        """The ECS of one account in one region; the lock must be held."""
        if (account, region) not in self._regions:
            surroundings = MotoSurroundings(
                account, region, self.registry, self.scenarios.of_service, self._observation.note
            )
            identity = Identity(account, region, random.Random(f"{account}/{region}"))
            self._regions[account, region] = Ecs(
                Region(identity, self._timeline, surroundings, self._runtime), self._application
            )
        return self._regions[account, region]

    def _ecs_of(self, env: str) -> Ecs:
        return self.ecs(self._catalog.account(env), self._catalog.region(env))

    def _load_balancer(self, env: str) -> LoadBalancer:
        name = self._catalog.load_balancer(env)
        account, region = self._catalog.account(env), self._catalog.region(env)

        def listeners() -> list[Any]:
            elb = get_backend("elbv2")[account][region]
            found = next((b for b in elb.load_balancers.values() if b.name == name), None)
            return list(found.listeners.values()) if found else []

        return LoadBalancer(
            listeners, lambda: self._ecs_of(env), self._application, self._lock, lambda: self._timeline.now
        )

    def _account_of(self, access_key: str) -> str:
        """The account of a key that STS or IAM gave out; the catalog's for any other."""
        found = get_account_id_from(access_key)
        return self._catalog.aws.account if found == _MOTO_ACCOUNT else found

    def _about(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "registry": self.registry,
            "load_balancers": dict(self.load_balancers),
            "region": self._catalog.aws.region,
            "account": self._catalog.aws.account,
            "scenarios": self.scenarios.active,
        }
