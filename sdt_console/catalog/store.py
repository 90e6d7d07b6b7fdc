"""The ``[store]`` table: where runs and leases are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Store(BaseModel):
    """Runs and leases that all machines share; without a table each machine keeps its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(
        "",
        pattern=r"^([A-Za-z0-9_.-]{3,255})?$",
        description="DynamoDB table with the string key LockID, as Terraform's; empty: this machine only",
    )
    region: str = Field(
        "", pattern=r"^([a-z]{2}(-[a-z]+)+-\d)?$", description="the table's, instead of aws.region"
    )
