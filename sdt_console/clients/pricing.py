"""The AWS Price List: what Fargate costs in a region today. These requests cost nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.clients.cost import amount
from sdt_console.errors import CloudError
from sdt_console.model.cost import Architecture, FargatePrice

SOURCE = "AWS Price List API"
_USAGE = re.compile(r"(?:^|-)Fargate-(ARM-)?(vCPU-Hours:perCPU|GB-Hours|EphemeralStorage-GB-Hours)$")
"""Windows has ``Fargate-Windows-…``, which is none of these."""


def endpoint(region: str) -> str:
    """The region of the Price List's endpoint nearest to ``region``: three, and one of China's own."""
    part = region.partition("-")[0]
    return {"eu": "eu-central-1", "ap": "ap-south-1", "cn": "cn-northwest-1"}.get(part, "us-east-1")


class PricingClient:
    """GetProducts.

    :param aws: of :func:`endpoint`'s region.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def fargate(self, region: str) -> tuple[FargatePrice, ...]:
        """Fargate's list prices for Linux in ``region``, one an architecture; none if the list has none.

        :raises NotAllowedError: for want of ``pricing:GetProducts``.
        :raises CloudError: the list cannot be read.
        """
        found = await self._aws.pages(
            "pricing", "get_products", "PriceList",
            ServiceCode="AmazonECS",
            Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        )  # fmt: skip
        prices: dict[tuple[str, str], tuple[Decimal, str, str]] = {}
        for text in found:
            product = _parsed(text)
            attributes = product.get("product", {}).get("attributes", {})
            usage = _USAGE.search(str(attributes.get("usagetype", "")))
            if usage and attributes.get("regionCode") == region:
                prices[usage[1] or "", usage[2]] = _price(product)
        return tuple(
            made for arch in ("x86_64", "arm64") if (made := _made(region, arch, prices)) is not None
        )


def _made(
    region: str, architecture: Architecture, prices: Mapping[tuple[str, str], tuple[Decimal, str, str]]
) -> FargatePrice | None:
    prefix = "ARM-" if architecture == "arm64" else ""
    vcpu, gb = prices.get((prefix, "vCPU-Hours:perCPU")), prices.get((prefix, "GB-Hours"))
    if vcpu is None or gb is None:
        return None
    storage = prices.get(("", "EphemeralStorage-GB-Hours"))
    return FargatePrice(
        region=region,
        architecture=architecture,
        vcpu=vcpu[0],
        gb=gb[0],
        storage_gb=storage[0] if storage else None,
        currency=vcpu[1],
        source=SOURCE,
        dated=vcpu[2],
    )


def _parsed(text: object) -> dict[str, Any]:
    try:
        found = json.loads(str(text))
    except json.JSONDecodeError as error:
        raise CloudError("the price list cannot be read", str(error)) from error
    return found if isinstance(found, dict) else {}


def _price(product: Mapping[str, Any]) -> tuple[Decimal, str, str]:
    """The on-demand price of one unit, its currency, and when the list was published."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            for currency, price in dimension.get("pricePerUnit", {}).items():
                return amount(price), str(currency), str(product.get("publicationDate", ""))[:10]
    raise CloudError("the price list cannot be read", "a product without an on-demand price")
