"""The ``[cost]`` table: how costs are tagged, and what they were estimated to be.

Whether its parts and environments exist is checked in :mod:`sdt_console.catalog.rules_cost`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

Amount = Annotated[StrictInt, Field(ge=0)]
Part = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]


class Cost(BaseModel):
    """Costs: tags, planned amounts a month, and the metrics that ``sdt cost publish`` writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment_tag: str = Field(
        "Environment", min_length=1, description="cost allocation tag that names the environment"
    )
    service_tag: str = Field(
        "Service", min_length=1, description="cost allocation tag that names the service"
    )
    namespace: str = Field(
        "SDT/Cost",
        pattern=r"^[A-Za-z0-9 ._/#:-]{1,255}$",
        description="CloudWatch namespace of `sdt cost publish`",
    )
    parts: dict[Part, tuple[str, ...]] = Field(
        default_factory=dict, description="part of an estimate → its services as Cost Explorer names them"
    )
    standing: tuple[Part, ...] = Field(
        (), description="parts that cost the same whatever runs; `sdt cost --live` adds their estimates"
    )
    estimates: dict[str, dict[Part, tuple[Amount, Amount]]] = Field(
        default_factory=dict, description="environment → part → [from, to], USD a month"
    )
