"""Variables merge over the defaults that dbt has, and every mistake is told at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from warehouse_seg.errors import UsageError
from warehouse_seg.resources import dbt_package_path
from warehouse_seg.settings import Settings, defaults, settings_from


def mistakes(given: Mapping[str, Any]) -> list[str]:
    """One line each."""
    with pytest.raises(UsageError) as caught:
        settings_from(given)
    heading, *lines = str(caught.value).split("\n  - ")
    assert heading == "found mistakes in `vars: warehouse_seg:` (dbt_project.yml or --vars):"
    return lines


def test_without_variables_all_is_default() -> None:
    assert as_json(settings_from({})) == defaults()


def as_json(value: BaseModel) -> Any:
    """Settings as the JSON that dbt has."""
    return json.loads(value.model_dump_json())


def test_the_defaults_are_the_text_of_the_macro() -> None:
    text = (dbt_package_path() / "macros/settings/seg_defaults.sql").read_text("utf-8")
    match = re.search(r"seg_defaults\(\) -%\}(.*)\{%- endmacro", text, re.DOTALL)
    assert match
    assert defaults() == json.loads(match[1])


def test_every_default_is_explained_above_them() -> None:
    text = (dbt_package_path() / "macros/settings/seg_defaults.sql").read_text("utf-8")
    comment = text[: text.index("-#}")]
    for name in defaults():
        assert re.search(rf"^    {name}\b", comment, re.MULTILINE), name


def test_the_typed_settings_have_the_same_keys() -> None:
    assert keys_of(Settings) == keys_of_defaults(defaults())


def keys_of(block: type[BaseModel]) -> dict[str, Any]:
    """A settings class as nested names."""
    return {
        name: keys_of(field.annotation)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        else None
        for name, field in block.model_fields.items()
    }


def keys_of_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # Without keys of its own it takes any, such as the segments'.
        name: keys_of_defaults(value) if isinstance(value, Mapping) and value else None
        for name, value in content.items()
    }


# ------------------------------------------------------------------------------------------------------ merging


def test_one_nested_key_leaves_the_others_at_their_defaults() -> None:
    settings = settings_from({"tiers": {"dominant": 0.9}, "model": {"segments": {"max": 4}}})
    assert (settings.tiers.dominant, settings.tiers.hybrid) == (0.9, 0.3)
    assert (settings.model.segments.min, settings.model.segments.max) == (2, 4)
    assert settings.model.sample_size == 20_000


@pytest.mark.parametrize(
    "given",
    [
        {"tiers": None},
        {"tiers": {"dominant": None}},
        {"model": {"segments": None, "features": None}},
        {"columns": {"customer_id": None}},
        {"categories": None, "as_of_date": None},
    ],
)
def test_null_is_the_default(given: Mapping[str, Any]) -> None:
    assert settings_from(given) == settings_from({})


def test_null_categories_are_no_categories() -> None:
    assert settings_from({"columns": {"category": None}}).columns.category is None
    assert settings_from({"columns": None}).columns.category == "category"


def test_values_as_yaml_and_the_command_line_write_them() -> None:
    settings = settings_from(
        {
            "transactions": ["shop", "order_lines"],
            "as_of_date": "2026-07-01",
            "model": {
                "covariance": "full",
                "features": ["net_spend", {"name": "recency_days", "clip": [None, 0.99]}],
            },
        }
    )
    assert settings.transactions == ("shop", "order_lines")
    assert settings.as_of_date == date(2026, 7, 1)
    assert settings_from({"as_of_date": date(2026, 7, 1)}) == settings_from(
        {"as_of_date": "2026-07-01"}
    )
    assert settings.model.covariance == ("full",)
    spend, recency = settings.model.features or ()
    assert (spend.name, spend.transform, spend.clip) == ("net_spend", None, None)
    assert (recency.name, recency.clip) == ("recency_days", (None, 0.99))


def test_segments_are_named_by_any_key() -> None:
    names = {"s1": "Champions", "s12": 'Łódź 😀: it\'s "quoted"'}
    assert settings_from({"segment_names": names}).segment_names == names
    assert settings_from({"segment_names": None}).segment_names == {}


def test_one_feature_needs_no_list() -> None:
    alone = settings_from({"model": {"features": "net_spend"}})
    assert alone == settings_from({"model": {"features": ["net_spend"]}})


# ----------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"tiers": {"dominnat": 0.9}},
            "tiers.dominnat: no such variable; did you mean 'dominant'? (valid: dominant, hybrid)",
        ),
        ({"transaction": "x"}, "transaction: no such variable; did you mean 'transactions'?"),
        ({"columns": {"custumer": "x"}}, "columns.custumer: no such variable; did you mean"),
        (
            {"model": {"segments": {"xyz": 1}}},
            "model.segments.xyz: no such variable (valid: min, max)",
        ),
        (
            {"model": {"features": [{"name": "a", "transfrom": "log"}]}},
            "model.features.0.transfrom: no such variable; did you mean 'transform'?",
        ),
        (
            {"model": {"features": [{"name": "a", "transform": "ln"}]}},
            "model.features.0.transform: Input should be 'identity', 'log', 'log1p', 'sqrt'",
        ),
        (
            {"model": {"features": ["a", {"name": "b", "clip": [0.9, 0.1]}]}},
            "model.features.1: clip: the lower quantile 0.9 is not below the upper one 0.1",
        ),
        (
            {"model": {"features": [{"name": "b", "clip": [None, 99]}]}},
            "model.features.0.clip.1: Input should be less than or equal to 1, found 99",
        ),
        (
            {"model": {"features": ["a", "b", "a"]}},
            "model: features: each stands once; repeated: a",
        ),
        ({"model": {"features": []}}, "model.features: Value should have at least 1 item"),
        (
            {"model": {"segments": {"min": 5, "max": 4}}},
            "model.segments: min 5 is greater than max 4",
        ),
        ({"model": {"segments": {"min": 0}}}, "model.segments.min: Input should be greater than 0"),
        ({"model": {"covariance": ["VVV"]}}, "model.covariance.0: Input should be 'full', 'tied'"),
        ({"model": {"covariance": []}}, "model.covariance: Value should have at least 1 item"),
        (
            {"model": {"min_segment_share": -0.1}},
            "model.min_segment_share: Input should be greater",
        ),
        (
            {"tiers": {"hybrid": 1.5}},
            "tiers.hybrid: Input should be less than or equal to 1, found 1.5",
        ),
        ({"tiers": 0.8}, "tiers: Input should be a valid dictionary"),
        ({"categories": -1}, "categories: Input should be greater than or equal to 0, found -1"),
        ({"as_of_date": "31.12.2024"}, "as_of_date: Input should be a valid date"),
        (
            {"transactions": ["a", "b", "c"]},
            "transactions: write a model as `name` (of another package as `package.name`), or a source",
        ),
        (
            {"segment_names": {"s1": "Champions", "s2": "back\\slash"}},
            "segment_names.s2: a name has no backslash and no control character: 'back\\\\slash'",
        ),
        (
            {"segment_names": {"s1": ""}},
            "segment_names.s1: String should have at least 1 character",
        ),
        ({"segment_names": {"s1": 5}}, "segment_names.s1: Input should be a valid string, found 5"),
        ({"segment_names": ["Champions"]}, "segment_names: Input should be a valid dictionary"),
        *(
            (
                {"segment_names": {"s1": name}},
                "segment_names: a name does not begin with = + - @, which spreadsheets calculate: s1",
            )
            for name in ("=1+1", "+1", "-50 %", "@SUM(A1)", " =1", "＝1")
        ),
        (
            {"segment_names": {"s1": "Champions", "s2": "Champions"}},
            "segment_names: names of segments must differ; repeated: Champions",
        ),
        (
            {"transactions": "a", "feature_table": "b"},
            "variables: both transactions and feature_table are set; remove one of them",
        ),
    ],
)
def test_a_mistake_in_words(given: Mapping[str, Any], line: str) -> None:
    lines = mistakes(given)
    assert len(lines) == 1
    assert lines[0].startswith(line)


def test_all_mistakes_at_once() -> None:
    lines = mistakes(
        {
            "transaction": "x",
            "categories": "many",
            "tiers": {"dominant": 8, "hybird": 0.3},
            "model": {"covarience": "full", "features": [{"name": "a", "transform": "ln"}]},
        }
    )
    places = sorted(line.partition(":")[0] for line in lines)
    assert places == [
        "categories",
        "model.covarience",
        "model.features.0.transform",
        "tiers.dominant",
        "tiers.hybird",
        "transaction",
    ]
