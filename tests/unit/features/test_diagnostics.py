"""What is unusual about a feature is found where it was planted and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from warehouse_seg.features.diagnostics import (
    is_flag,
    parts_of_one,
    point_masses,
    spread,
    tail_findings,
    unexplained,
)
from warehouse_seg.features.preparation import prepare
from warehouse_seg.settings import FeatureChoice

Array = NDArray[np.float64]

CUSTOMERS = 4_000


def normal(seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=CUSTOMERS)


def with_point_mass(share: float, value: float = 0.3) -> Array:
    values = normal()
    values[: int(share * CUSTOMERS)] = value
    return values


NO_ROUNDING = np.zeros(CUSTOMERS)


def test_a_value_that_many_share_is_found_with_its_share() -> None:
    masses = point_masses(with_point_mass(0.03), NO_ROUNDING)
    assert [round(mass.share, 3) for mass in masses] == [0.03]
    assert masses[0].rows[: int(0.03 * CUSTOMERS)].all()


def test_it_is_as_wide_as_the_customers_around_it_are_dense() -> None:
    """3 % at a density of 0.38 per standard deviation: 0.08 standard deviations."""
    (mass,) = point_masses(with_point_mass(0.03), NO_ROUNDING)
    assert mass.width == pytest.approx(0.03 / 0.37, rel=0.15)


def test_customers_that_all_differ_have_none() -> None:
    assert point_masses(normal(), NO_ROUNDING) == []


def test_a_few_equal_values_are_none() -> None:
    assert point_masses(with_point_mass(0.004), NO_ROUNDING) == []


def test_what_the_resolution_explains_is_none() -> None:
    """Whole numbers are all shared by many; they are as wide as they are apart."""
    rounded = np.round(2 * normal()) / 2
    width = 0.5
    assert point_masses(rounded, np.full(CUSTOMERS, width**2 / 12)) == []
    assert point_masses(rounded, NO_ROUNDING) != []


def test_only_the_rows_of_a_point_mass_are_widened() -> None:
    z = with_point_mass(0.03)
    rounding_variance, (mass,) = spread(z, NO_ROUNDING)
    assert np.all(rounding_variance[~mass.rows] == 0)
    assert np.all(rounding_variance[mass.rows] == mass.width**2 / 12)


def test_a_point_mass_is_never_wider_than_a_standard_deviation() -> None:
    (mass,) = point_masses(with_point_mass(0.9, value=9.0), NO_ROUNDING)
    assert mass.width == 1.0


def test_what_the_features_before_leave_unexplained() -> None:
    first, noise = normal(1), normal(2)
    second = first + noise
    z = np.column_stack([first, second, first + second, normal(3)])
    assert unexplained(z) == pytest.approx([1.0, 0.5, 0.0, 1.0], abs=0.03)


def shares() -> dict[str, Array]:
    parts = np.random.default_rng(1).dirichlet([5, 3, 2], size=CUSTOMERS)
    return {"share_a": parts[:, 0], "share_b": parts[:, 1], "share_c": parts[:, 2]}


def test_shares_of_one_whole_are_known_by_their_sum() -> None:
    columns = shares() | {"age": 40 + normal()}
    assert parts_of_one(columns, list(columns)) == ["share_a", "share_b", "share_c"]
    assert parts_of_one(columns, ["share_a", "share_b"]) == []


def test_flags() -> None:
    assert is_flag(np.array([0.0, 1.0, 1.0, np.nan]))
    assert not is_flag(np.array([0.0, 1.0, 2.0]))


def test_tails_and_extremes_are_said() -> None:
    assert tail_findings("spend", normal()) == []
    extreme = normal()
    extreme[:2] = 9.0, -11.0
    (line, *_) = tail_findings("spend", extreme)
    assert line.startswith("spend: 2 customers lie more than 8 standard deviations out")


# ------------------------------------------------------------------------------------------- what is done about it


def names_of(columns: dict[str, Array], *, named: bool = False) -> tuple[list[str], str]:
    prepared = prepare(columns, [FeatureChoice(name=name) for name in columns], named=named)
    return [feature.feature for feature in prepared.features], "\n".join(prepared.findings)


def test_constants_and_flags_are_left_out_where_nobody_asked_for_them() -> None:
    columns = {"age": normal(), "one": np.ones(CUSTOMERS), "member": (normal(2) > 0).astype(float)}
    names, findings = names_of(columns)
    assert names == ["age"]
    assert "one: one value only; left out" in findings
    assert "member: two values only" in findings


def test_shares_of_a_whole_are_taken_as_ratios_to_the_largest() -> None:
    names, findings = names_of(shares(), named=True)
    assert names == ["share_b", "share_c"]
    assert "share_a: with share_b, share_c it sums to 1; left out" in findings
    assert "share_b, share_c: taken as ln(share / share_a)" in findings
    prepared = prepare(shares(), [FeatureChoice(name=name) for name in shares()])
    for feature, z in zip(prepared.features, prepared.z.T, strict=True):
        a, share = (np.maximum(shares()[name], 0.005) for name in ("share_a", feature.feature))
        ratio = np.log(share / a)
        np.testing.assert_allclose(z, (ratio - ratio.mean()) / ratio.std(), rtol=1e-9, atol=1e-9)


def test_a_transform_that_a_person_chose_is_kept() -> None:
    choices = [FeatureChoice(name=name, transform="sqrt") for name in shares()]
    prepared = prepare(shares(), choices)
    assert [f.reference for f in prepared.features] == [None, None]
    assert [f.transform for f in prepared.features] == ["sqrt", "sqrt"]
    assert "the others tell it" in " ".join(prepared.findings)


def test_a_feature_that_follows_from_others_is_left_out() -> None:
    first, second = normal(1), normal(2)
    columns = {"a": first, "b": second, "both": first + second}
    names, findings = names_of(columns, named=True)
    assert names == ["a", "b"]
    assert "both: follows from a, b; left out" in findings


@pytest.mark.parametrize(("noise", "kept"), [(0.1, False), (0.14, False), (0.15, True)])
def test_a_default_feature_that_others_explain_to_98_percent_is_left_out(
    noise: float, kept: bool
) -> None:
    """Of noise as wide as e the others explain 1 / (1 + e^2)."""
    first = normal(1)
    names, findings = names_of({"a": first, "nearly": first + noise * normal(2)}, named=False)
    assert names == (["a", "nearly"] if kept else ["a"])
    assert ("of it follows from a; left out" in findings) is not kept


def test_two_features_that_explain_a_third_leave_it_out() -> None:
    """As spend in both categories of a shop, and in all, on one scale."""
    first, second = normal(1), normal(2)
    names, _ = names_of({"a": first, "b": second, "all": first + second}, named=False)
    assert names == ["a", "b"]


def test_a_feature_that_a_person_named_and_that_nearly_follows_is_kept_and_said() -> None:
    first = normal(1)
    names, findings = names_of({"a": first, "nearly": first + 0.1 * normal(2)}, named=True)
    assert names == ["a", "nearly"]
    assert "nearly: 99.0% of it follows from the features before it; kept" in findings


def test_a_point_mass_is_said_in_the_features_own_unit() -> None:
    price = np.exp(3 + normal())
    price[:200] = 11.77
    _, findings = names_of({"average_order_value": price})
    assert "average_order_value: 5.0% of the customers have 11.77; taken as rounded" in findings
