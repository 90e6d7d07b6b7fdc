"""The Price List: GetProducts, for Fargate in us-east-1, whose list prices the sandbox counts with."""

from __future__ import annotations

import json
from typing import Any

from sdt_console.sandbox.ecs.errors import ApiError

from .ledger import GB_HOUR, VCPU_HOUR

TARGET = "AWSPriceListService.GetProducts"
REGION = "us-east-1"
PUBLISHED = "2026-03-01T00:00:00Z"
_PRODUCTS = {
    "USE1-Fargate-vCPU-Hours:perCPU": VCPU_HOUR,
    "USE1-Fargate-GB-Hours": GB_HOUR,
    "USE1-Fargate-ARM-vCPU-Hours:perCPU": 0.03238,
    "USE1-Fargate-ARM-GB-Hours": 0.00356,
    "USE1-Fargate-EphemeralStorage-GB-Hours": 0.000111,
    "USE1-Fargate-Windows-vCPU-Hours:perCPU": 0.046552,
    "USE1-ECS-Anywhere-Instance-hours": 0.01025,
}

Wire = dict[str, Any]


def get_products(request: Wire) -> Wire:
    """The products that pass every filter; what has another service's code is not there."""
    if not request.get("ServiceCode"):
        raise ApiError("InvalidParameterException", "ServiceCode is required")
    products = [_product(usage, price) for usage, price in _PRODUCTS.items()]
    if request["ServiceCode"] != "AmazonECS":
        products = []
    for test in request.get("Filters", []):
        if test["Type"] not in ("TERM_MATCH", "EQUALS"):
            raise ApiError(
                "InvalidParameterException", f"The filter {test['Type']} is not supported by the sandbox"
            )
        products = [p for p in products if p["product"]["attributes"].get(test["Field"]) == test["Value"]]
    start = int(request.get("NextToken") or 0)
    end = start + min(int(request.get("MaxResults", 100)), 100)
    page = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(p) for p in products[start:end]]}
    return page | ({"NextToken": str(end)} if end < len(products) else {})


def _product(usage: str, price: float) -> Wire:
    sku = f"SANDBOX{sum(usage.encode()):09}"
    rate = f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "unit": "hours",
        "beginRange": "0",
        "endRange": "Inf",
        "description": usage,
        "appliesTo": [],
        "rateCode": rate,
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    term = {"sku": sku, "effectiveDate": PUBLISHED, "priceDimensions": {rate: dimension}}
    return {
        "product": {
            "productFamily": "Compute",
            "sku": sku,
            "attributes": {
                "regionCode": REGION,
                "servicecode": "AmazonECS",
                "usagetype": usage,
                "locationType": "AWS Region",
                "location": "US East (N. Virginia)",
            },
        },
        "serviceCode": "AmazonECS",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20260301000000",
        "publicationDate": PUBLISHED,
    }
