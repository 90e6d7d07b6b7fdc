"""One poller for one environment: keeps a :class:`Snapshot` fresh, as cheaply as will do.

Services are asked for ten a call, those that move every two seconds, all others every eight; the dearer parts
are read on slower clocks (:mod:`sdt_console.watch.reader`). A call that fails leaves what is known, with its
age and the error beside it. Nothing is read while nobody looks, nor while AWS takes no call with the
credentials that there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from sdt_console.errors import CloudError, CredentialsError
from sdt_console.model import Part, Scope, ServiceSight, Snapshot
from sdt_console.watch.balancer import Health, TargetHealth
from sdt_console.watch.cluster import Cluster
from sdt_console.watch.pictures import Images
from sdt_console.watch.reader import NEVER, Pace, Reader
from sdt_console.watch.row import Row
from sdt_console.watch.status_ports import Clock, Diagnose, Http, Services, Subject, Targets
from sdt_console.watch.subscription import Subscription
from sdt_console.watch.tasks import Tasks

A_CALL = 10  # DescribeServices' limit
_AT_ONCE = 3  # calls that go out together; more are spread over time
_SHORTEST_S = 0.001  # a shorter wait may not move a clock that counts from the epoch


class Watch:
    """One environment, watched.

    :param services: as one who only watches: where a quota is short, the deploy goes first.
    :param diagnose: the runbook.
    :param targets: load balancers; without them targets and health are not read. Nor is health without
        ``http``.
    :param subject: what a commit is about, where a repository is at hand.
    :param renew: makes the next call look for credentials anew.
    :param only: names of the catalog's services to watch; all if empty.
    """

    def __init__(
        self,
        scope: Scope,
        clock: Clock,
        services: Services,
        diagnose: Diagnose,
        *,
        targets: Targets | None = None,
        http: Http | None = None,
        subject: Subject | None = None,
        renew: Callable[[], None] = lambda: None,
        only: Sequence[str] = (),
        pace: Pace | None = None,
    ) -> None:
        self.scope = scope
        self.focus: set[str] = set()
        """Services that are looked at closely: their tasks and targets are read though nothing ails them."""
        self._clock = clock
        self._services = services
        self._renew = renew
        self._pace = pace = pace or Pace()
        self._rows = {w.name: Row(w) for w in scope.services if not only or w.name in only}
        common = (scope, self._rows, clock, pace.again)
        self._cluster = Cluster(services, pace.cluster, *common)
        self._images = Images(services, subject, *common)
        self._tasks = Tasks(services, diagnose, self.focus, pace.tasks, *common)
        self._readers: list[Reader] = [self._images, self._tasks]
        if not only:
            self._readers.append(self._cluster)
        if targets is not None:
            self._readers.append(TargetHealth(targets, self.focus, pace.targets, *common))
        self._health = Health(targets, http, pace.health, *common) if targets and http else None
        if self._health is not None:
            self._readers.append(self._health)
        self._paused = ""
        self._due: dict[str, float] = dict.fromkeys(self._rows, 0.0)
        self._in_flight: set[str] = set()
        self._reading: set[str] = set()
        self._next_call = 0.0
        self._woken = asyncio.Event()
        self._subscriptions: list[Subscription] = []
        self.snapshot = Snapshot(scope.environment, scope.cluster, scope.region or "", scope.account)
        """The newest picture; replaced, never changed."""

    def subscribe(self) -> Subscription:
        """Look at it: :meth:`run` reads as long as somebody does."""
        made = Subscription(lambda: self.snapshot, self._moved)
        self._subscriptions.append(made)
        self._woken.set()
        return made

    def refresh(self) -> None:
        """Read all services again, now."""
        self._due = dict.fromkeys(self._rows, 0.0)
        self._woken.set()

    async def look(self, *, health: bool = False) -> Snapshot:
        """Read everything once.

        :param health: ask the health URLs, too.
        :raises CloudError: no service at all could be read.
        """
        names = list(self._rows)
        quick = [self._ask(names[i : i + A_CALL]) for i in range(0, len(names), A_CALL)]
        slow = [self._cluster.read()] if self._cluster in self._readers else []
        done = await asyncio.gather(*quick, *slow, return_exceptions=True)
        failures = [failure for failure in done if isinstance(failure, BaseException)]
        for failure in failures:
            none = all(row.error for row in self._rows.values())
            if none or isinstance(failure, CredentialsError) or not isinstance(failure, CloudError):
                raise failure
        await self._images.read()
        if self._tasks.due() < NEVER:
            await self._tasks.read()
        if health and self._health is not None:
            await self._health.read()
        self._publish(self._rows.values())
        return self.snapshot

    async def run(self) -> None:
        """Keep it fresh for as long as somebody looks; until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                if not any(s.looking for s in self._subscriptions):
                    await self._wait(NEVER)
                elif self._paused:
                    await self._wait(self._pace.again)
                    await self._probe()
                else:
                    wait = self._send(group)
                    await self._wait(wait)

    # --- what is read when ---------------------------------------------------

    def _send(self, group: asyncio.TaskGroup) -> float:
        """Begin all readings that are due; seconds until the next one is."""
        now = self._clock.now()
        self._next_call = max(self._next_call, now - _AT_ONCE / self._pace.calls)
        upcoming = NEVER
        while batch := self._batch(now):
            if self._next_call > now:
                upcoming = self._next_call
                break
            self._next_call += 1 / self._pace.calls
            self._in_flight.update(batch)
            group.create_task(self._read_services(batch))
        for reader in self._readers:
            if reader.name in self._reading:
                continue
            if reader.due() <= now:
                self._reading.add(reader.name)
                group.create_task(self._read_part(reader))
            else:
                upcoming = min(upcoming, reader.due())
        waiting = [due for name, due in self._due.items() if name not in self._in_flight and due > now]
        return min([upcoming, *waiting]) - now

    def _batch(self, now: float) -> list[str]:
        """Services for the next call: those that are due, and to fill it up those that are next."""
        waiting = sorted(
            (due, i, n) for i, (n, due) in enumerate(self._due.items()) if n not in self._in_flight
        )
        return [name for _, _, name in waiting[:A_CALL]] if waiting and waiting[0][0] <= now else []

    async def _read_services(self, names: list[str]) -> None:
        try:
            await self._ask(names)
        except CredentialsError as error:
            self._pause(error)
        except CloudError:
            pass  # told beside the rows
        finally:
            self._in_flight.difference_update(names)
        self._publish(self._rows[name] for name in names)

    async def _read_part(self, reader: Reader) -> None:
        try:
            await reader.read()
        except CredentialsError as error:
            self._pause(error)
        finally:
            self._reading.discard(reader.name)
        self._publish(self._rows.values())

    async def _ask(self, names: Sequence[str]) -> None:
        """One ``DescribeServices``; a failure is kept beside what is known of the services, and raised."""
        rows = [self._rows[name] for name in names]
        try:
            told = await self._services.described(self.scope.cluster, [row.watched.service for row in rows])
        except CloudError as error:
            for row in rows:
                row.error = f"{error.what}: {error.cause}" if error.cause else error.what
                self._due[row.watched.name] = self._clock.now() + self._pace.again
            raise
        now = self._clock.now()
        for row in rows:
            row.told(told.get(row.watched.service), now)
            moves = row.state is not None and row.state.moves
            self._due[row.watched.name] = now + (self._pace.fast if moves else self._pace.slow)

    # --- what is told --------------------------------------------------------

    def _publish(self, rows: Iterable[Row]) -> None:
        """Make the picture anew after ``rows`` were read; tell those who look if there is something new."""
        before = self.snapshot
        changed = [row.compose() for row in rows]
        parts = {part.name: part for part in (self._part(), *(r.part for r in self._readers))}
        sights: dict[str, ServiceSight] = {
            name: row.sight for name, row in self._rows.items() if row.sight is not None
        }
        new = any(changed) or parts != before.parts or self._paused != before.paused
        self.snapshot = Snapshot(
            environment=before.environment,
            cluster=before.cluster,
            region=before.region,
            account=before.account,
            version=before.version + (new or self._cluster.unmanaged != before.unmanaged),
            at=max((row.seen_at for row in self._rows.values()), default=0.0),
            services=sights,
            unmanaged=self._cluster.unmanaged,
            parts=parts,
            paused=self._paused,
        )
        self._woken.set()
        if self.snapshot.version > before.version:
            for subscription in self._subscriptions:
                subscription.published()

    def _part(self) -> Part:
        """The services' own: as old as the oldest row."""
        rows = self._rows.values()
        error = next((row.error for row in rows if row.error), "")
        return Part("services", min((row.seen_at for row in rows), default=0.0), error)

    # --- when nothing is read ------------------------------------------------

    def _pause(self, error: CredentialsError) -> None:
        self._paused = f"{error.what}: {error.next}" if error.next else error.what

    async def _probe(self) -> None:
        """Whether AWS takes calls again; then everything is read at once."""
        self._renew()
        try:
            await self._ask(list(self._rows)[:A_CALL])
        except CredentialsError:
            return
        except CloudError:
            pass  # told beside the rows; the credentials are good
        self._paused = ""
        self.refresh()
        self._publish(self._rows.values())

    def _moved(self, subscription: Subscription) -> None:
        if subscription.closed and subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        self._woken.set()

    async def _wait(self, seconds: float) -> None:
        """Until time has passed, or something has happened."""
        if seconds == NEVER:
            await self._woken.wait()
            return
        waits = [
            asyncio.ensure_future(self._clock.sleep(max(_SHORTEST_S, seconds))),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
