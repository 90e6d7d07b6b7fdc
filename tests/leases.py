"""The rules of a lease, for every store that keeps leases."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest

from sdt_console.errors import LeaseHeldError, LeaseLostError, UsageError
from sdt_console.model import Hold, Holder
from sdt_console.process import machine, this_process
from sdt_console.runs.lease import Leases

NOW = 1_800_000_000.0
A, B, C = "dev/config", "dev/user-service", "production/user-service"
ADA = Holder("ada", "build-7", 11, "run-a", "https://ci.example/1", "another machine")
BOB = Holder("bob", "laptop", 22, "run-b", "", "a third machine")


@contextmanager
def other_process() -> Iterator[Holder]:
    """A process of this machine that lives as long as the block, as a holder."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        stat = (f"/proc/{process.pid}/stat",)
        with open(*stat) as file:  # noqa: PTH123  nothing but reading a line of the system's
            started = file.read().rpartition(")")[2].split()[19]
        yield Holder("eve", "here", process.pid, "run-e", "", machine(), started)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


class LeaseRules:
    """Every test gets ``leases``: an empty store."""

    def test_what_is_free_is_given_with_all_that_is_known_of_it(self, leases: Leases) -> None:
        grant = leases.acquire([B, A], ADA, NOW, 60)
        assert [hold.key for hold in grant.holds] == [B, A]
        assert grant.taken_over == ()
        hold = grant.holds[0]
        assert (hold.owner, hold.host, hold.pid, hold.run, hold.url) == (
            "ada",
            "build-7",
            11,
            "run-a",
            "https://ci.example/1",
        )
        assert (hold.since, hold.heartbeat, hold.expires, hold.fencing) == (NOW, NOW, NOW + 60, 1)
        assert leases.holds() == tuple(sorted(grant.holds, key=lambda h: h.key))

    def test_a_held_one_is_refused_and_says_whose_since_when_and_what_to_do(self, leases: Leases) -> None:
        leases.acquire([A, B], ADA, NOW, 60)
        with pytest.raises(LeaseHeldError) as caught:
            leases.acquire([B], BOB, NOW + 59, 60)
        error = caught.value
        assert error.exit_code == 6
        assert error.what == "dev/user-service is held by another run"
        for part in ("ada on build-7", "run run-a", "https://ci.example/1", "since 20", "expires at 20"):
            assert part in error.cause
        for part in ("sdt show run-a", "wait", "sdt lock break dev/user-service --reason"):
            assert part in error.next

    def test_all_or_nothing(self, leases: Leases) -> None:
        leases.acquire([B], ADA, NOW, 60)
        with pytest.raises(LeaseHeldError):
            leases.acquire([A, B, C], BOB, NOW, 60)
        assert [(hold.key, hold.owner) for hold in leases.holds()] == [(B, "ada")]
        leases.acquire([A, C], BOB, NOW, 60)

    def test_every_held_service_is_named(self, leases: Leases) -> None:
        leases.acquire([A], ADA, NOW, 60)
        leases.acquire([B], BOB, NOW, 60)
        with pytest.raises(LeaseHeldError) as caught:
            leases.acquire([A, B, C], replace(ADA, run="run-c"), NOW, 60)
        assert "dev/user-service: bob on laptop" in caught.value.evidence[0]
        assert {hold.key for hold in caught.value.held} == {A, B}

    def test_environments_do_not_meet(self, leases: Leases) -> None:
        leases.acquire([B], ADA, NOW, 60)
        assert leases.acquire([C], BOB, NOW, 60).holds[0].fencing == 1

    def test_what_has_expired_is_taken_over_and_from_whom_is_told(self, leases: Leases) -> None:
        first = leases.acquire([A], ADA, NOW, 60).holds
        grant = leases.acquire([A, B], BOB, NOW + 65, 60)
        assert grant.taken_over == first
        assert [hold.fencing for hold in grant.holds] == [2, 1]
        with pytest.raises(LeaseLostError) as caught:
            leases.renew(first, NOW + 66, 60)
        assert caught.value.exit_code == 6
        assert "bob on laptop" in caught.value.cause
        assert "sdt show run-b" in caught.value.next

    def test_a_heartbeat_puts_the_expiry_off(self, leases: Leases) -> None:
        held = leases.acquire([A, B], ADA, NOW, 60).holds
        renewed = leases.renew(held, NOW + 50, 60)
        assert [(h.heartbeat, h.expires, h.since) for h in renewed] == [(NOW + 50, NOW + 110, NOW)] * 2
        assert leases.holds() == renewed
        with pytest.raises(LeaseHeldError):
            leases.acquire([A], BOB, NOW + 100, 60)

    def test_an_expired_one_that_nobody_took_is_still_renewed(self, leases: Leases) -> None:
        held = leases.acquire([A], ADA, NOW, 60).holds
        assert leases.renew(held, NOW + 3600, 60)[0].expires == NOW + 3660

    def test_if_one_is_lost_none_is_renewed(self, leases: Leases) -> None:
        held = leases.acquire([A, B], ADA, NOW, 60).holds
        leases.break_(B, "eve", "stuck", NOW + 1)
        with pytest.raises(LeaseLostError):
            leases.renew(held, NOW + 10, 60)
        assert [(hold.key, hold.heartbeat) for hold in leases.holds()] == [(A, NOW)]

    def test_what_is_ours_is_proved_by_a_look_that_changes_nothing(self, leases: Leases) -> None:
        held = leases.acquire([A, B], ADA, NOW, 60).holds
        leases.prove(held)
        assert leases.holds() == held
        leases.break_(B, "eve", "stuck", NOW + 1)
        with pytest.raises(LeaseLostError, match=r"eve broke it .*: stuck"):
            leases.prove(held)
        leases.acquire([B], BOB, NOW + 2, 60)
        with pytest.raises(LeaseLostError, match="bob on laptop has it"):
            leases.prove(held)
        leases.prove(held[:1])

    def test_fencing_grows_with_each_acquisition_even_after_release(self, leases: Leases) -> None:
        seen = []
        for n in range(3):
            held = leases.acquire([A], ADA, NOW + n, 60).holds
            seen.append(held[0].fencing)
            leases.release(held)
            assert leases.holds() == ()
        leases.acquire([A], ADA, NOW, 60)
        leases.break_(A, "eve", "stuck", NOW)
        seen.append(leases.acquire([A], BOB, NOW, 60).holds[0].fencing)
        assert seen == [1, 2, 3, 5]

    def test_releasing_what_is_lost_leaves_the_new_holder_alone(self, leases: Leases) -> None:
        old = leases.acquire([A, B], ADA, NOW, 60).holds
        new = leases.acquire([A], BOB, NOW + 100, 60).holds
        leases.release(old)
        leases.release(old)
        assert leases.holds() == new

    def test_a_process_of_this_machine_that_is_gone_does_not_block(self, leases: Leases) -> None:
        with other_process() as eve:
            gone = leases.acquire([A], eve, NOW, 60).holds
            with pytest.raises(LeaseHeldError):
                leases.acquire([A], BOB, NOW + 1, 60)
        grant = leases.acquire([A], BOB, NOW + 1, 60)
        assert grant.taken_over == gone

    def test_another_process_with_its_number_is_not_taken_for_it(self, leases: Leases) -> None:
        with other_process() as eve:
            reused = replace(eve, started=f"{eve.started}0")
            leases.acquire([A], reused, NOW, 60)
            assert leases.acquire([A], BOB, NOW, 60).taken_over[0].pid == eve.pid

    def test_of_another_machine_nothing_is_guessed(self, leases: Leases) -> None:
        """A number that is free here says nothing about a host of the same name elsewhere."""
        with other_process() as eve:
            pass
        for key, named in ((A, replace(eve, machine="elsewhere")), (B, replace(eve, machine=""))):
            leases.acquire([key], named, NOW, 60)
            with pytest.raises(LeaseHeldError):
                leases.acquire([key], ADA, NOW, 60)

    def test_this_process_does_not_take_it_from_itself(self, leases: Leases) -> None:
        me = this_process("ada", "run-a")
        leases.acquire([A], me, NOW, 60)
        with pytest.raises(LeaseHeldError):
            leases.acquire([A], me, NOW, 60)

    def test_one_that_is_broken_tells_its_loser_by_whom_and_why(self, leases: Leases) -> None:
        held = leases.acquire([A], ADA, NOW, 60).holds
        made = leases.break_(A, "eve", "the runner is gone", NOW + 5)
        assert (made.run, made.owner, made.by, made.at) == ("run-a", "ada", "eve", NOW + 5)
        assert leases.holds() == ()
        with pytest.raises(LeaseLostError, match=r"eve broke it at .*: the runner is gone") as caught:
            leases.renew(held, NOW + 6, 60)
        assert "sdt resume run-a" in caught.value.next
        leases.acquire([A], BOB, NOW + 7, 60)
        with pytest.raises(LeaseLostError, match=r"eve broke it .*; bob on laptop has it"):
            leases.renew(held, NOW + 8, 60)
        assert leases.broken() == (made,)

    def test_only_what_is_held_can_be_broken(self, leases: Leases) -> None:
        with pytest.raises(UsageError, match="nobody holds dev/config"):
            leases.break_(A, "eve", "why not", NOW)
        leases.release(leases.acquire([A], ADA, NOW, 60).holds)
        with pytest.raises(UsageError):
            leases.break_(A, "eve", "why not", NOW)
        assert leases.broken() == ()

    def test_strange_text_comes_back_as_it_was(self, leases: Leases) -> None:
        odd = Holder("a\x1b[31m\u202e[b]", "h\n::error::", 1, "r", "https://x/?a=1&b=#é", "elsewhere")
        assert leases.acquire([A], odd, NOW + 0.123456789, 60).holds == leases.holds()


def contend(store: Callable[[], Leases], contenders: int, rounds: int, seed: int) -> list[Hold]:
    """Many threads, each with a store of its own, want overlapping services at once.

    :returns: every hold that was given, in the order of the fencing numbers of each key.
    :raises AssertionError: two had one service at the same time.
    """
    keys = (A, B, C)
    owner: dict[str, str] = {}
    given: list[Hold] = []
    guard = threading.Lock()
    begin = threading.Barrier(contenders)

    def work(number: int) -> None:
        random, leases = Random(seed * 1000 + number), store()
        me = Holder(f"w{number}", "h", number, f"run-{number}", "", f"machine {number}")
        begin.wait()
        for _ in range(rounds):
            wanted = random.sample(keys, random.randint(1, 3))
            try:
                holds = leases.acquire(wanted, me, NOW, 60).holds
            except LeaseHeldError:
                continue
            with guard:
                for hold in holds:
                    assert hold.key not in owner, f"{hold.key} is {owner[hold.key]}'s and {me.run}'s"
                    owner[hold.key] = me.run
                    given.append(hold)
            holds = leases.renew(holds, NOW + 1, 60)
            with guard:  # before it is given back, or the next one has it while we still call it ours
                for hold in holds:
                    del owner[hold.key]
            leases.release(holds)
        leases.close()

    with ThreadPoolExecutor(contenders) as pool:
        for done in [pool.submit(work, number) for number in range(contenders)]:
            done.result()
    return given


def assert_fenced(given: list[Hold]) -> None:
    """Of each key the numbers grew by one, in the order in which it was given."""
    for key in {hold.key for hold in given}:
        numbers = [hold.fencing for hold in given if hold.key == key]
        assert numbers == list(range(1, len(numbers) + 1))
