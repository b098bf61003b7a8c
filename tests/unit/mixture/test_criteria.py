"""Every criterion of a candidate, against its definition or another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal
from sklearn.metrics import silhouette_score

from warehouse_seg.mixture import em
from warehouse_seg.mixture.criteria import candidate_of, failed_candidate, held_out_log_likelihood
from warehouse_seg.mixture.initialization import Shape
from warehouse_seg.mixture.search import SearchResult, search
from warehouse_seg.model.training import Candidate
from warehouse_seg.settings import ModelSettings, settings_from

Array = NDArray[np.float64]

CUSTOMERS = 900
SHAPE = Shape(2, "full")


def groups() -> Array:
    generator = np.random.default_rng(1)
    values = generator.normal(size=(CUSTOMERS, 2))
    values[: CUSTOMERS // 3] += 3.0
    return generator.permutation(values)


def settings(**model: float) -> ModelSettings:
    return settings_from({"model": model}).model


@pytest.fixture(scope="module")
def result() -> SearchResult:
    z = groups()
    return search(em.sufficient_statistics(z), SHAPE, seed=1)


@pytest.fixture(scope="module")
def candidate(result: SearchResult) -> Candidate:
    z = groups()
    return candidate_of(SHAPE, result, em.sufficient_statistics(z), settings())


def memberships(result: SearchResult) -> Array:
    parameters = result.best.parameters
    parts = zip(parameters.weights, parameters.means, parameters.covariances, strict=True)
    densities = np.array([w * multivariate_normal(m, s).pdf(groups()) for w, m, s in parts])
    return np.asarray(densities / densities.sum(axis=0))


def test_icl_adds_twice_the_entropy_to_bic(result: SearchResult, candidate: Candidate) -> None:
    p = memberships(result)
    entropy = -float((p * np.log(p)).sum())
    assert candidate.icl == pytest.approx((candidate.bic or 0) + 2 * entropy, rel=1e-9)
    assert candidate.entropy == pytest.approx(entropy / CUSTOMERS, rel=1e-6)
    assert candidate.mean_top_membership == pytest.approx(p.max(axis=0).mean(), rel=1e-9)


def test_hard_clusters_are_measured_as_scikit_learn_does(
    result: SearchResult, candidate: Candidate
) -> None:
    labels = memberships(result).argmax(axis=0)
    assert candidate.silhouette == pytest.approx(silhouette_score(groups(), labels), rel=1e-9)


def test_customers_that_were_held_out_are_described_nearly_as_well(candidate: Candidate) -> None:
    held_out, everybody = candidate.held_out_log_likelihood, candidate.log_likelihood
    assert held_out is not None
    assert everybody is not None
    assert held_out == pytest.approx(everybody / CUSTOMERS, abs=0.15)


def test_a_model_of_noise_describes_others_worse() -> None:
    """Twelve components on ninety customers: fitted well, and wrong."""
    z = groups()[:90]
    statistics = em.sufficient_statistics(z)
    shape = Shape(12, "full")
    best = search(statistics, shape, seed=1).best
    held_out = held_out_log_likelihood(statistics, best.parameters, shape)
    assert held_out is None or held_out < best.objective / len(z) - 0.5


def test_starts_that_end_alike_agree(candidate: Candidate) -> None:
    assert candidate.agreement_of_starts == pytest.approx(1.0, abs=0.02)
    assert candidate.spread_of_starts == pytest.approx(0.0, abs=0.01)


def test_a_sound_candidate_has_no_reason_yet(candidate: Candidate) -> None:
    assert (candidate.reason, candidate.status) == ("", "rejected")


def test_a_segment_that_is_too_small_is_refused(result: SearchResult) -> None:
    z = groups()
    refused = candidate_of(
        SHAPE, result, em.sufficient_statistics(z), settings(min_segment_share=0.4)
    )
    assert refused.reason.startswith("smallest segment 3")


def test_a_shape_without_an_optimum_has_only_its_reason() -> None:
    refused = failed_candidate(SHAPE, "no optimum")
    assert refused.reason == "no optimum"
    assert refused.bic is None
