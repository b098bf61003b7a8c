"""The user's variables, typed: `vars: warehouse_seg:` of dbt_project.yml merged over the documented defaults.

The defaults are those of `dbt_project/macros/settings/seg_defaults.sql`, rendered here, so that dbt and Python cannot
differ. Every mistake is reported at once, each with the nearest valid key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from warehouse_seg.errors import UsageError, nearest
from warehouse_seg.model.spreadsheet_text import begins_formula
from warehouse_seg.model.values import CovarianceType, SegmentName, TransformName
from warehouse_seg.sql.rendering import render

Share = Annotated[float, Field(ge=0, le=1)]
NULL_IS_A_VALUE = {("columns", "category")}


def _relation(value: Any) -> Any:
    is_source = isinstance(value, list | tuple) and len(value) == 2
    if isinstance(value, str) or (is_source and all(isinstance(part, str) for part in value)):
        return value
    raise ValueError(
        "write a model as `name` (of another package as `package.name`), or a source as [source, table]"
    )


Relation = Annotated[str | tuple[str, str], BeforeValidator(_relation)]


class Preference(StrEnum):
    """What chooses features and segments: what they predict of unseen time, or how well they fit."""

    PREDICTIVE = "predictive"
    FIT = "fit"


class Block(BaseModel):
    """Base of all blocks of settings: unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(Block):
    """SQL expressions over the user's relation."""

    customer_id: str
    order_id: str
    ordered_at: str
    amount: str
    category: str | None
    revenue: str | None


class FeatureChoice(Block):
    """One feature of the model; what is left out is decided from the data.

    clip: lowest and highest quantile of the training values, either may be null
    """

    name: str
    transform: TransformName | None = None
    clip: tuple[Share | None, Share | None] | None = None

    @model_validator(mode="after")
    def _clips_are_ordered(self) -> Self:
        low, high = self.clip or (None, None)
        if low is not None and high is not None and low >= high:
            raise ValueError(f"clip: the lower quantile {low} is not below the upper one {high}")
        return self


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Segments(Block):
    """How many segments to try."""

    min: PositiveInt
    max: PositiveInt

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ModelSettings(Block):
    """How the mixture is fitted."""

    features: (
        Annotated[
            tuple[Annotated[FeatureChoice, BeforeValidator(_by_name)], ...],
            BeforeValidator(_as_list),
            Field(min_length=1),
        ]
        | None
    )
    prefer: Preference
    segments: Segments
    covariance: Annotated[
        tuple[CovarianceType, ...], BeforeValidator(_as_list), Field(min_length=1)
    ]
    weight: str | None
    missing_patterns: Annotated[int, Field(ge=0)]
    sample_size: PositiveInt
    seed: int
    min_segment_share: Share
    min_kept_share: Share

    @model_validator(mode="after")
    def _distinct_features(self) -> Self:
        names = [choice.name for choice in self.features or ()]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"features: each stands once; repeated: {', '.join(repeated)}")
        return self


class Tiers(Block):
    """Least membership of the top segment (dominant), else of the second one (hybrid)."""

    dominant: Share
    hybrid: Share


class Rooms(Block):
    """Which rooms of the dbt package are built; each reads the ones before it."""

    features: bool
    scoring: bool
    marts: bool
    monitoring: bool

    @model_validator(mode="after")
    def _have_ground(self) -> Self:
        for room, needed in (
            ("scoring", "features"),
            ("marts", "scoring"),
            ("monitoring", "scoring"),
        ):
            if getattr(self, room) and not getattr(self, needed):
                raise ValueError(
                    f"{needed} is off and {room}, which reads it, is on; "
                    f"set {room}: false as well, or leave {needed} on"
                )
        return self


class Period(StrEnum):
    """The grid of the dates that history keeps: every day, every Monday, the first day of every month or quarter."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class History(Block):
    """Which dates history keeps.

    keep: the latest so many; None keeps all. A movement is between two
    days_ahead: how far the next segments are looked for; 0 leaves them out
    """

    every: Period
    keep: Annotated[int, Field(ge=2)] | None
    days_ahead: Annotated[int, Field(ge=0, le=1000)]


def _given_names(names: dict[str, str]) -> dict[str, str]:
    repeated = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    if repeated:
        raise ValueError(f"names of segments must differ; repeated: {', '.join(repeated)}")
    formulas = [f"{key} {name!r}" for key, name in names.items() if begins_formula(name)]
    if formulas:
        raise ValueError(
            f"a name does not begin with = + - @, which spreadsheets calculate: {', '.join(formulas)}"
        )
    return names


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"no such time zone{nearest(name, available_timezones())}; write one as UTC or Europe/Berlin"
        ) from error
    return name


class Settings(Block):
    """All variables of the package, as `docs/reference/configuration.md` lists them."""

    transactions: Relation | None
    columns: Columns
    feature_table: Relation | None
    customer_id_type: str
    extra_features: Relation | None
    as_of_date: date | None
    timezone: Annotated[str, AfterValidator(_known_zone)]
    amount_decimals: Annotated[int, Field(ge=0, le=10)] | None
    categories: Annotated[int, Field(ge=0)]
    model: ModelSettings
    tiers: Tiers
    segment_names: Annotated[dict[str, SegmentName], AfterValidator(_given_names)]
    rooms: Rooms
    history: History
    reasons: bool
    registry_schema: str | None
    allow_missing_model: bool
    full_scan_tests: bool
    seg_self_test: bool

    @model_validator(mode="after")
    def _one_input(self) -> Self:
        if self.transactions is not None and self.feature_table is not None:
            raise ValueError("both transactions and feature_table are set; remove one of them")
        return self


def defaults() -> dict[str, Any]:
    """The default of every variable."""
    content: dict[str, Any] = json.loads(render("seg_defaults"))
    return content


def settings_from(given: Mapping[str, Any]) -> Settings:
    """Settings for what the user wrote, merged over the defaults.

    Raises UsageError with every mistake and, for an unknown key, the nearest valid one.
    """
    standard = defaults()
    try:
        return Settings.model_validate(_merged(standard, given, ()))
    except ValidationError as error:
        mistakes = [_in_words(detail, standard) for detail in error.errors()]
        raise UsageError(
            "found mistakes in `vars: warehouse_seg:` (dbt_project.yml or --vars):\n  - "
            + "\n  - ".join(mistakes)
        ) from error


def _merged(standard: Any, given: Any, path: tuple[str, ...]) -> Any:
    """`given` over `standard`, key by key; null means the default, except where null is a value."""
    if given is None and path not in NULL_IS_A_VALUE:
        return standard
    if not isinstance(standard, Mapping) or not isinstance(given, Mapping):
        return given
    merged = {
        key: _merged(value, given[key], (*path, key)) if key in given else value
        for key, value in standard.items()
    }
    return merged | {key: value for key, value in given.items() if key not in standard}


def _in_words(detail: Any, standard: Mapping[str, Any]) -> str:
    place = [str(part) for part in detail["loc"]]
    where = ".".join(place) or "variables"
    if detail["type"] != "extra_forbidden":
        given = "" if isinstance(detail["input"], Mapping) else f", found {detail['input']!r}"
        return f"{where}: {detail['msg'].removeprefix('Value error, ')}{given}"
    block: Any = standard
    for part in place[:-1]:
        block = block.get(part, {}) if isinstance(block, Mapping) else FeatureChoice.model_fields
    valid = list(block)
    return f"{where}: no such variable{nearest(place[-1], valid)} (valid: {', '.join(valid)})"
