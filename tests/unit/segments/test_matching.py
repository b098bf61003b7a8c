"""The right verdict for every planted change of a model, and keys that follow the customers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from warehouse_seg.errors import UsageError
from warehouse_seg.model.component import Component
from warehouse_seg.model.feature import Feature
from warehouse_seg.model.segment_matching import SegmentMatching
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.resources import dbt_package_path
from warehouse_seg.segments.affinity import affinities
from warehouse_seg.segments.given_names import unknown_keys_warning, with_given_names
from warehouse_seg.segments.matching import match_segments, with_new_keys
from warehouse_seg.segments.overlap import overlap_sql, overlap_table
from warehouse_seg.sql.dialects import DIALECTS
from warehouse_seg.warehouse.connection import Warehouse
from warehouse_seg.warehouse.duckdb import DuckDB

Array = NDArray[np.float64]
CUSTOMERS = 20_000


def _model(
    means: Sequence[Sequence[float]], weights: Sequence[float], variances: Sequence[float]
) -> SegmentModel:
    features = tuple(Feature(feature=f"f{index}") for index in range(len(means[0])))
    components = tuple(
        Component.from_covariance(
            f"s{index + 1}",
            weight,
            np.array(mean, float),
            variance * np.eye(len(mean)),
            f"Name {index + 1}",
        )
        for index, (mean, weight, variance) in enumerate(
            zip(means, weights, variances, strict=True)
        )
    )
    return SegmentModel(covariance_type="full", features=features, components=components)


OLD = _model([[0, 0], [4, 0], [0, 4]], [0.5, 0.3, 0.2], [0.3, 0.3, 0.3])

# name of the change → the new model, and what each of its segments (then each retired one) has to be called
CHANGES: dict[str, tuple[SegmentModel, list[tuple[str, str | None, str | None]]]] = {
    "permuted": (
        _model([[0, 4], [0, 0], [4, 0]], [0.2, 0.5, 0.3], [0.3, 0.3, 0.3]),
        [("kept", "s3", "s3"), ("kept", "s1", "s1"), ("kept", "s2", "s2")],
    ),
    "drifted": (
        _model([[0.4, 0.3], [4.4, 0.3], [0.3, 4.4]], [0.45, 0.35, 0.2], [0.3, 0.3, 0.3]),
        [("kept", "s1", "s1"), ("kept", "s2", "s2"), ("kept", "s3", "s3")],
    ),
    "split": (
        _model(
            [[-0.45, 0], [0.45, 0], [4, 0], [0, 4]], [0.25, 0.25, 0.3, 0.2], [0.15, 0.15, 0.3, 0.3]
        ),
        [("split", "s1", "s1"), ("split", "s8", "s1"), ("kept", "s2", "s2"), ("kept", "s3", "s3")],
    ),
    "merged": (
        _model([[1.6, 0], [0, 4]], [0.8, 0.2], [2.0, 0.3]),
        [("merged", "s1", "s1"), ("kept", "s3", "s3"), ("retired", None, "s2")],
    ),
    "new": (
        _model([[0, 0], [4, 0], [0, 4], [4, 4]], [0.4, 0.25, 0.15, 0.2], [0.3] * 4),
        [("kept", "s1", "s1"), ("kept", "s2", "s2"), ("kept", "s3", "s3"), ("new", "s8", None)],
    ),
    "vanished": (
        _model([[0, 0], [4, 0]], [0.6, 0.4], [0.3, 0.3]),
        [("kept", "s1", "s1"), ("kept", "s2", "s2"), ("retired", None, "s3")],
    ),
}


def _matched(new: SegmentModel) -> SegmentMatching:
    columns = _customers(new)
    old_segments = OLD.log_joint(columns).argmax(axis=1)
    new_segments = new.log_joint(columns).argmax(axis=1)
    overlap = np.zeros((len(OLD.components), len(new.components)))
    np.add.at(overlap, (old_segments, new_segments), 1)
    return match_segments(OLD, new, overlap, used_keys=["s7"])


def _customers(model: SegmentModel) -> dict[str, Array]:
    generator = np.random.default_rng(7)
    drawn = generator.choice(
        len(model.components), CUSTOMERS, p=[c.weight for c in model.components]
    )
    means = np.array([component.mean for component in model.components])
    spreads = np.sqrt([component.covariance[0][0] for component in model.components])
    values = means[drawn] + spreads[drawn, None] * generator.normal(
        size=(CUSTOMERS, means.shape[1])
    )
    return {f"f{index}": column for index, column in enumerate(values.T)}


@pytest.mark.parametrize("change", CHANGES)
def test_every_planted_change_gets_its_verdict(change: str) -> None:
    new, expected = CHANGES[change]
    matches = _matched(new).matches
    assert [(x.verdict, x.segment_key, x.previous_segment_key) for x in matches] == expected


@pytest.mark.parametrize("change", ["permuted", "drifted"])
def test_keys_and_names_follow_the_customers(change: str) -> None:
    matching = _matched(CHANGES[change][0])
    names = {c.segment_key: c.segment_name for c in matching.model.components}
    assert names == {c.segment_key: c.segment_name for c in OLD.components}
    assert matching.kept_share > 0.99


def test_a_key_is_never_used_again() -> None:
    """s7 belonged to a segment that is gone: the next new one is s8."""
    keys = {c.segment_key for c in _matched(CHANGES["new"][0]).model.components}
    assert keys == {"s1", "s2", "s3", "s8"}


def test_names_stay_apart() -> None:
    """The new model's own name for a fresh segment may be one that an old segment keeps."""
    model = _matched(CHANGES["split"][0]).model
    names = [component.segment_name for component in model.components]
    assert len(set(names)) == len(names)


def test_each_segments_own_share_is_kept_and_a_retired_one_keeps_nobody() -> None:
    shares = _matched(CHANGES["vanished"][0]).kept_shares
    assert list(shares) == ["s1", "s2", "s3"]
    assert min(shares["s1"], shares["s2"]) > 0.95
    assert shares["s3"] == 0


SIZES = st.integers(1, 5)
OVERLAPS = st.tuples(SIZES, SIZES).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(0, 100).map(float))
)


@given(OVERLAPS)
def test_verdicts_and_keys_never_contradict_each_other(overlap: Array) -> None:
    """Whatever moved where: who keeps a key is compared with its old self, and nobody else is called kept."""
    old, new = (_scattered(size, seed) for seed, size in enumerate(overlap.shape))
    matching = match_segments(old, new, overlap, used_keys=["s9"])
    old_keys = {component.segment_key for component in old.components}
    alive = [match for match in matching.matches if match.segment_key is not None]
    assert [match.segment_key for match in alive] == [
        component.segment_key for component in matching.model.components
    ]
    for match in alive:
        if match.segment_key in old_keys:
            assert match.verdict in ("kept", "split", "merged")
            assert match.previous_segment_key == match.segment_key
        else:
            assert match.verdict in ("split", "merged", "new")
            assert int(str(match.segment_key)[1:]) > 9
    retired = {
        match.previous_segment_key for match in matching.matches if match.verdict == "retired"
    }
    assert retired == old_keys - {match.segment_key for match in alive}
    assert 0 <= matching.kept_share <= 1


def _scattered(size: int, seed: int) -> SegmentModel:
    """So many segments; of two seeds no two are alike, and no feature space is shared."""
    means = [[10.0 * k, 50.0 * seed] for k in range(size)]
    model = _model(means, [1 / size] * size, [0.3] * size)
    features = tuple(f.model_copy(update={"scale": 1.0 + seed}) for f in model.features)
    return model.model_copy(update={"features": features})


def test_where_nothing_is_continued_every_key_is_a_new_one() -> None:
    keys = [c.segment_key for c in with_new_keys(OLD, ["s2", "s7", "other"]).components]
    assert keys == ["s8", "s9", "s10"]
    assert with_new_keys(OLD, []) == OLD


# -------------------------------------------------------------------------------------------- counted in SQL


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    with Warehouse(DuckDB(duckdb.connect())) as opened:
        yield opened


@pytest.mark.both_duckdb
def test_customers_are_counted_by_both_models_each_on_its_own_features(
    warehouse: Warehouse,
) -> None:
    """The same customers in both; the new model's features have another name, as with other categories."""
    new = CHANGES["split"][0]
    renamed = tuple(f.model_copy(update={"feature": f"g{i}"}) for i, f in enumerate(new.features))
    columns = _customers(new)
    expected = np.zeros((3, 4))
    segments = [model.log_joint(columns).argmax(axis=1) for model in (OLD, new)]
    np.add.at(expected, tuple(segments), 1)
    frame = pd.DataFrame(columns)
    frame.insert(0, "customer_id", range(CUSTOMERS))
    frame.insert(1, "as_of_date", pd.Timestamp("2026-07-01"))
    warehouse.offer("customers", frame)
    query = overlap_sql(
        OLD,
        "select * from customers",
        new.model_copy(update={"features": renamed}),
        "select customer_id, as_of_date, f0 as g0, f1 as g1 from customers",
        warehouse.dialect,
    )
    counted = overlap_table(OLD, new, warehouse.rows(query))
    np.testing.assert_array_equal(counted, expected)
    assert counted.sum() == CUSTOMERS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_count_is_written_for_every_dialect(dialect: str) -> None:
    query = overlap_sql(OLD, "select * from a", CHANGES["split"][0], "select * from b", dialect)
    tree = sqlglot.parse_one(query, dialect=dialect)
    assert isinstance(tree, sqlglot.exp.Select)
    assert tree.named_selects == ["previous_segment_key", "segment_key", "customers"]
    assert {table.name for table in tree.find_all(sqlglot.exp.Table)} >= {"a", "b"}


def test_affinity_is_one_for_equal_gaussians_and_closed_form_for_others() -> None:
    matrix = affinities(OLD, OLD)
    assert np.allclose(np.diag(matrix), 1)
    # d = (4, 0), variances 0.3: exp(-16 / (8 * 0.3))
    assert matrix[0, 1] == pytest.approx(np.exp(-16 / 2.4), rel=1e-12)


def test_other_features_are_matched_by_customers_alone() -> None:
    renamed = OLD.model_copy(
        update={"features": tuple(f.model_copy(update={"scale": 2.0}) for f in OLD.features)}
    )
    matching = match_segments(OLD, renamed, np.diag([500.0, 300.0, 200.0])[:, [2, 0, 1]])
    assert [match.affinity for match in matching.matches] == [None, None, None]
    assert [c.segment_key for c in matching.model.components] == ["s3", "s1", "s2"]


def test_shuffled_customers_keep_nothing() -> None:
    """Where the new segments have nothing to do with the old ones, nobody's segment is called kept."""
    matching = match_segments(
        OLD, _model([[9, 9], [-9, 9], [9, -9]], [0.5, 0.3, 0.2], [0.3] * 3), np.full((3, 3), 100.0)
    )
    assert matching.kept_share < 0.4
    assert {match.verdict for match in matching.matches} == {"new", "retired"}


# ----------------------------------------------------------------------------------- names that were given too early


@pytest.mark.parametrize(
    ("used", "named", "expected"),
    [
        ([], [], ["s1", "s2", "s3"]),
        ([], ["s1"], ["s2", "s3", "s4"]),
        ([], ["s2"], ["s1", "s3", "s4"]),
        (["s1", "s2", "s3"], ["s1", "s2"], ["s4", "s5", "s6"]),
        (["s1", "s2", "s3"], ["s5", "s99"], ["s4", "s6", "s7"]),
        (["s7"], ["s8", "s9", "s10"], ["s11", "s12", "s13"]),
        ([], ["vip"], ["s1", "s2", "s3"]),
    ],
)
def test_no_new_segment_gets_a_key_that_was_named_before_it_was_there(
    used: list[str], named: list[str], expected: list[str]
) -> None:
    model = with_new_keys(OLD, used, named)
    assert [component.segment_key for component in model.components] == expected


def test_a_segment_that_goes_on_keeps_its_key_though_it_is_named() -> None:
    matching = match_segments(OLD, OLD, np.diag([500.0, 300.0, 200.0]), [], ["s1", "s2", "s3"])
    assert [c.segment_key for c in matching.model.components] == [
        c.segment_key for c in OLD.components
    ]


def test_a_split_segment_skips_the_named_key() -> None:
    """Nothing goes on: every key is new, and none is one of the names that wait."""
    overlap = np.full((3, 3), 100.0)
    far = OLD.model_copy(
        update={
            "components": tuple(
                Component.from_covariance(
                    f"s{k}", 1 / 3, np.array(c.mean) + 50, np.eye(len(c.mean))
                )
                for k, c in enumerate(OLD.components, start=1)
            )
        }
    )
    matching = match_segments(OLD, far, overlap, [], ["s4", "s6"])
    assert [c.segment_key for c in matching.model.components] == ["s5", "s7", "s8"]


@pytest.mark.parametrize(
    ("names", "warning"),
    [
        ({}, None),
        ({"s1": "A"}, None),
        (
            {"s1": "A", "s9": "B"},
            "names s9, which the model does not have. Its segments are s1, s2, s3.",
        ),
        ({"s8": "A", "s9": "B"}, "names s8, s9, which the model does not have."),
        ({"S1": "A"}, "names S1, which the model does not have."),
        ({"s1 ": "A"}, "names s1 , which the model does not have."),
    ],
)
def test_a_name_for_a_key_that_is_not_there_is_warned_of(
    names: dict[str, str], warning: str | None
) -> None:
    text = unknown_keys_warning(OLD, names)
    assert (text is None) if warning is None else (text is not None and warning in text)


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        ({"s1": "Name 2"}, "names s1 'Name 2', and s2 has that name as well"),
        ({"s3": "Name 1"}, "names s3 'Name 1', and s1 has that name as well"),
        ({"s1": "A", "s2": "A"}, "names s1 'A', and s2 has that name as well"),
        ({"s1": "Name 2", "s2": "Name 1"}, None),
        ({"s1": "Name 1"}, None),
        ({"s9": "Name 1"}, None),
    ],
)
def test_two_segments_of_one_name_are_refused_as_dbt_refuses_them(
    names: dict[str, str], refusal: str | None
) -> None:
    if refusal is None:
        shown = {c.segment_key: c.segment_name for c in with_given_names(OLD, names).components}
        assert shown == {k: names.get(k, f"Name {k[1:]}") for k in ("s1", "s2", "s3")}
    else:
        with pytest.raises(UsageError, match=re.escape(refusal)):
            with_given_names(OLD, names)


def test_dbt_build_warns_in_the_same_words() -> None:
    macro = (dbt_package_path() / "macros" / "settings" / "seg_segment_names.sql").read_text(
        "utf-8"
    )
    literals = "".join(
        re.findall(r'"([^"]*)"', macro[macro.index("macro seg_warn_of_unknown_keys") :])
    )
    text = unknown_keys_warning(OLD, {"s9": "B"})
    assert text is not None
    for part in text.replace("s1, s2, s3", "s9").split("s9"):
        assert part.strip() in literals
