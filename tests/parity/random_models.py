"""Random mixtures and random customers to score with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from warehouse_seg.model.feature import Feature
from warehouse_seg.model.gaussian import precision_cholesky
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.model.sklearn_mixture import from_sklearn
from warehouse_seg.model.values import CovarianceType, TransformName

Array = NDArray[np.float64]

CUSTOMERS_OF_A_KIND = 8

INVERSES: dict[TransformName, Callable[[Array], Array]] = {
    "identity": lambda t: t,
    "log": np.exp,
    "log1p": np.expm1,
    "sqrt": lambda t: np.sign(t) * t * t,
    "signed_log1p": lambda t: np.sign(t) * np.expm1(np.abs(t)),
}


@dataclass(frozen=True)
class Range:
    """What models and customers are drawn from; z are standardised values.

    condition: largest condition number of a covariance, whose largest eigenvalue is 1
    mean: largest |z| of a segment's mean
    farthest: largest |z| of a customer; None takes only customers that the mixture itself would make
    """

    features: int
    segments: int
    condition: float
    mean: float
    farthest: float | None


@dataclass(frozen=True)
class Case:
    """A mixture in scikit-learn's form and in ours, and customers in raw units."""

    mixture: GaussianMixture
    model: SegmentModel
    columns: dict[str, Array]

    @property
    def standardized(self) -> Array:
        """What scikit-learn is given: (n, D)."""
        return self.model.standardized(self.columns)


@st.composite
def cases(draw: st.DrawFn, limits: Range, *, transformed: bool = True) -> Case:
    """Hypothesis chooses the shape, a generator with its seed the many numbers."""
    size = draw(st.integers(1, limits.features), "features")
    count = draw(st.integers(1, limits.segments), "segments")
    covariance_type = draw(st.sampled_from(get_args(CovarianceType)), "covariance type")
    condition = 10 ** draw(st.floats(0, np.log10(limits.condition)), "log10 of condition")
    kinds = st.sampled_from(get_args(TransformName)) if transformed else st.just("identity")
    transforms = draw(st.lists(kinds, min_size=size, max_size=size), "transforms")
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1), "seed"))
    mixture = _mixture(generator, size, count, covariance_type, condition, limits.mean)
    features = tuple(
        _feature(generator, f"feature {d}", transform, transformed)
        for d, transform in enumerate(transforms)
    )
    z = _customers(generator, mixture, limits.farthest)
    columns = {
        feature.feature: INVERSES[feature.transform](feature.center + feature.scale * z[:, d])
        for d, feature in enumerate(features)
    }
    return Case(mixture, from_sklearn(mixture, features), columns)


def mixture_of(
    covariance_type: CovarianceType, weights: Array, means: Array, covariances: Array
) -> GaussianMixture:
    """scikit-learn's mixture with these parameters; covariances in its layout for the covariance type."""
    mixture = GaussianMixture(len(weights), covariance_type=covariance_type)
    mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, covariances
    if covariance_type == "full":
        factors = np.array([precision_cholesky(covariance) for covariance in covariances])
    elif covariance_type == "tied":
        factors = precision_cholesky(covariances)
    else:
        factors = 1 / np.sqrt(covariances)
    mixture.precisions_cholesky_ = factors
    return mixture


def _mixture(
    generator: np.random.Generator,
    size: int,
    count: int,
    covariance_type: CovarianceType,
    condition: float,
    farthest_mean: float,
) -> GaussianMixture:
    lowest = -np.log10(condition)
    if covariance_type == "full":
        covariances = np.array([_covariance(generator, size, lowest) for _ in range(count)])
    elif covariance_type == "tied":
        covariances = _covariance(generator, size, lowest)
    else:
        shape = (count, size) if covariance_type == "diag" else count
        covariances = 10 ** generator.uniform(lowest, 0, shape)
    reach = farthest_mean ** generator.uniform(0, 1)
    means = generator.uniform(-reach, reach, (count, size))
    return mixture_of(covariance_type, generator.dirichlet(np.full(count, 2.0)), means, covariances)


def _covariance(generator: np.random.Generator, size: int, lowest: float) -> Array:
    """(D, D) in a random direction, eigenvalues from 10^lowest to 1, both taken."""
    eigenvalues = 10 ** generator.uniform(lowest, 0, size)
    eigenvalues[0], eigenvalues[-1] = 10**lowest, 1
    directions = np.linalg.qr(generator.normal(size=(size, size)))[0]
    covariance: Array = (directions * eigenvalues) @ directions.T
    return (covariance + covariance.T) / 2


def _feature(
    generator: np.random.Generator, name: str, transform: TransformName, transformed: bool
) -> Feature:
    if not transformed:
        return Feature(feature=name)
    center, scale = generator.uniform(-2, 6), generator.uniform(0.1, 2)
    low: float | None = {"log": 0.01, "log1p": 0.0, "sqrt": 0.0}.get(transform)
    high: float | None = None
    if generator.random() < 0.25:
        # A clip that some customers meet: within two standard deviations above and below.
        ends = center + scale * generator.uniform(0.5, 2, 2) * np.array([-1, 1])
        raw_low, high = (float(value) for value in INVERSES[transform](ends))
        low = raw_low if low is None else max(low, raw_low)
        high = max(high, low)
    return Feature(
        feature=name, transform=transform, clip_low=low, clip_high=high, center=center, scale=scale
    )


def _customers(
    generator: np.random.Generator, mixture: GaussianMixture, farthest: float | None
) -> Array:
    """z (n, D): on every mean, as the mixture makes them, between two means, and anywhere."""
    count, size = mixture.means_.shape
    made, first, other = generator.integers(count, size=(3, CUSTOMERS_OF_A_KIND))
    # Column j of the inverse factor is a direction in which the component varies.
    spreads = [_spread(mixture, k) for k in made]
    noise = generator.normal(size=(CUSTOMERS_OF_A_KIND, size))
    drawn = mixture.means_[made] + np.array([s @ n for s, n in zip(spreads, noise, strict=True)])
    if farthest is None:
        return np.vstack([mixture.means_, drawn])
    share = generator.uniform(size=(CUSTOMERS_OF_A_KIND, 1))
    between = share * mixture.means_[first] + (1 - share) * mixture.means_[other]
    anywhere = generator.uniform(-farthest, farthest, (CUSTOMERS_OF_A_KIND, size))
    return np.vstack([mixture.means_, drawn, between, anywhere]).clip(-farthest, farthest)


def _spread(mixture: GaussianMixture, k: int) -> Array:
    """(D, D): turns independent noise into noise of component k."""
    factor: Array = mixture.precisions_cholesky_
    size = mixture.means_.shape[1]
    if mixture.covariance_type in {"diag", "spherical"}:
        return np.diag(np.broadcast_to(1 / factor[k], size))
    spread: Array = np.linalg.inv(factor[k] if mixture.covariance_type == "full" else factor).T
    return spread
