"""Status: rows, the pane beside them, and what the keys do to the service under the cursor."""

from __future__ import annotations

import boto3
import pytest

from screens.images import ImageSheet
from screens.run import RunScreen
from screens.widgets.services import ServiceTable
from tests.screens.conftest import Desk, Drive


def table(desk: Desk) -> ServiceTable:
    return desk.console.screen.query_one(ServiceTable)


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 60)])
def test_every_service_is_a_row_under_its_group(drive: Drive, size: tuple[int, int]) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up", "✔ config-server", "1/1", "steady", "code pending")
        text = desk.text
        rows = [line.split()[:2] for line in text.splitlines() if line.split()]
        at = {word: number for number, words in reversed(list(enumerate(rows))) for word in words}
        assert at["core"] < at["discovery-server"] < at["business"] < at["user-service"]
        assert ("Events" in text) == (size[0] >= 100)

    drive(story, size=size)


def test_the_cursor_is_on_a_service_at_every_moment(drive: Drive) -> None:
    """Keys pressed faster than the screen is drawn act on the service that the cursor has reached."""

    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        desk.console.screen.query_one(ServiceTable).focus()
        for name in ("discovery-server", "api-gateway", "user-service"):
            table(desk).action_cursor_down()
            assert table(desk).service == name
        await desk.press("d")
        assert isinstance(desk.console.screen, ImageSheet)
        await desk.shows("Images of user-service", "runs now")

    drive(story)


def test_headings_are_passed_over_in_both_directions(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        for _ in range(40):
            await desk.press("j")
            assert table(desk).service
        assert table(desk).service == "redis"
        for _ in range(40):
            await desk.press("k")
            assert table(desk).service
        assert table(desk).service == "config-server"

    drive(story)


def test_the_cursor_stays_on_its_service_when_rows_are_sorted_and_filtered(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("j", "j", "j")
        assert table(desk).service == "user-service"
        await desk.press("s")
        assert table(desk).service == "user-service"
        await desk.press("slash", *"user")
        assert table(desk).service == "user-service"
        await desk.until(lambda: "task-service" not in desk.text, "only user-service")
        await desk.press("escape")
        await desk.shows("task-service")

    drive(story)


def test_a_service_is_restarted_with_a_few_keys(drive: Drive) -> None:
    def deployment() -> str:
        found = boto3.client("ecs").describe_services(
            cluster="sdt-dev-cluster", services=["sdt-dev-user-service"]
        )
        return str(found["services"][0]["deployments"][0]["id"])

    before = deployment()

    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("j", "j", "j", "x")
        await desk.shows("Restart user-service", "sdt-dev-cluster", "Cancel")
        await desk.press("right", "enter")
        assert isinstance(desk.console.screen, RunScreen)
        await desk.shows("✔ succeeded", "user-service")
        await desk.press("escape")
        await desk.shows("18/18 up")

    drive(story)
    assert deployment() != before


def test_no_is_the_easiest_answer(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("x")
        await desk.shows("Restart config-server")
        await desk.press("enter")
        await desk.until(lambda: "Restart config-server" not in desk.text, "back")
        assert desk.console.run_task is None

    drive(story)


def test_production_wants_the_services_name_typed(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up", "PRODUCTION")
        await desk.press("x")
        await desk.shows("type config-server to go on")
        await desk.press(*"config", "enter")
        assert desk.console.run_task is None
        await desk.press(*"-server", "enter")
        await desk.shows("✔ succeeded")

    drive(story, environment="production")


def test_what_cannot_be_done_is_told_with_why_and_what_next(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("r")
        await desk.shows("Roll back config-server")
        await desk.press("right", "enter")
        await desk.shows("no earlier revision of config-server is known to be good", "why", "next")
        await desk.press("escape")
        await desk.shows("18/18 up")

    drive(story)


def test_help_tells_the_keys_of_the_screen(drive: Drive) -> None:
    async def story(desk: Desk) -> None:
        await desk.shows("18/18 up")
        await desk.press("question_mark")
        await desk.shows("Keys here", "Deploy another image of this service", "Leave the console")
        await desk.press("escape")
        await desk.press("q")

    drive(story)
