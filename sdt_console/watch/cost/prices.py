"""Fargate's prices of a region: AWS's own list where it may be asked, else the table of this package."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files

from sdt_console.errors import CloudError, SdtError
from sdt_console.model.cost import FargatePrice
from sdt_console.model.cost_live import PriceList
from sdt_console.watch.cost import documents
from sdt_console.watch.cost.ports import Clock, PriceSource
from sdt_console.watch.cost.store import CostStore

BORROWED_FROM = "us-east-1"
MAX_AGE_S = 7 * 86_400.0
REFUSED_AGE_S = 6 * 3600.0
"""For so long a list that could not be read is not asked for again."""
PATIENCE_S = 6.0
"""A live figure does not wait longer than this for a list; the table serves, too."""
_EVERYBODYS = "everybody's"
"""The scope in the store: list prices are the same for all accounts."""


@cache
def table() -> tuple[FargatePrice, ...]:
    """The prices in this package."""
    text = files(__package__).joinpath("prices.toml").read_text("utf-8")
    return tuple(
        FargatePrice(
            region=raw["region"],
            architecture=raw["architecture"],
            vcpu=Decimal(raw["vcpu"]),
            gb=Decimal(raw["gb"]),
            storage_gb=Decimal(raw["storage_gb"]) if "storage_gb" in raw else None,
            currency=raw["currency"],
            source=raw["source"],
            dated=raw["dated"],
        )
        for raw in tomllib.loads(text)["fargate"]
    )


class Prices:
    """Price lists by region.

    :param scope: of the endpoint that is asked, so that a sandbox's prices are never taken for AWS's.
    """

    def __init__(
        self,
        source: PriceSource,
        store: CostStore,
        clock: Clock,
        *,
        scope: str = _EVERYBODYS,
        refresh: bool = False,
        patience: float = PATIENCE_S,
    ) -> None:
        self._source = source
        self._store = store
        self._clock = clock
        self._scope = scope
        self._refresh = refresh
        self._patience = patience

    async def of(self, region: str) -> PriceList:
        """The prices to use for ``region``; never fails."""
        now, key = self._clock.now(), f"prices:{region}"
        kept = self._store.kept(self._scope, key)
        if kept is not None and not self._refresh and now - kept.at >= 0:
            trouble = str(kept.document.get("trouble", ""))
            if now - kept.at < (REFUSED_AGE_S if trouble else MAX_AGE_S):
                prices = documents.to_prices(kept.document["prices"])
                return chosen(region, prices, trouble, kept.at)
        prices, trouble = await self._asked(region)
        document = {"prices": documents.from_prices(prices), "trouble": trouble}
        self._store.keep(self._scope, key, now, document)
        return chosen(region, prices, trouble, now)

    async def _asked(self, region: str) -> tuple[tuple[FargatePrice, ...], str]:
        try:
            async with asyncio.timeout(self._patience):
                prices = await self._source.fargate(region)
        except CloudError as error:
            return (), _told(error)
        except TimeoutError:
            return (), f"AWS's price list did not answer in {self._patience:g} s"
        return prices, "" if prices else f"AWS's price list has nothing on Fargate in {region}"


def chosen(
    region: str, listed: Sequence[FargatePrice], trouble: str = "", read_at: float | None = None
) -> PriceList:
    """AWS's list if it has ``region``, else the table's figures of it, else those of us-east-1."""
    if listed:
        return PriceList(region, tuple(listed), read_at=read_at)
    own = tuple(price for price in table() if price.region == region)
    if own:
        return PriceList(region, own, trouble=trouble)
    others = tuple(price for price in table() if price.region == BORROWED_FROM)
    return PriceList(region, others, borrowed=True, trouble=trouble)


def _told(error: SdtError) -> str:
    return error.what
