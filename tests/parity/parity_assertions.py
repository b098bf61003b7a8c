"""When scores count as right: equal to scikit-learn's, or as near to the exact answer as scikit-learn is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.parity.exact import exact_scores
from tests.parity.random_models import Case
from tests.scored import Scores

Array = NDArray[np.float64]

MEMBERSHIP_TOLERANCE = 1e-12
LOG_DENSITY_TOLERANCE = 1e-10


def relative(actual: Array, reference: Array) -> Array:
    """Errors of log densities, relative to |log density|, or to 1 where that is smaller.

    A log density of zero is a density like any other.
    """
    errors: Array = np.abs(actual - reference) / np.maximum(np.abs(reference), 1)
    return errors


def assert_equal_scikit_learn(scores: Scores, case: Case) -> None:
    """Memberships equal to 1e-12, log densities to 1e-10."""
    z = case.standardized
    differences = np.abs(scores.memberships - case.mixture.predict_proba(z))
    assert differences.max() <= MEMBERSHIP_TOLERANCE
    densities = case.mixture.score_samples(z)
    assert relative(scores.log_density, densities).max() <= LOG_DENSITY_TOLERANCE


def assert_as_exact_as_scikit_learn(scores: Scores, case: Case) -> None:
    """Errors of at most 1e-12, or four times scikit-learn's own, in memberships and in log densities."""
    z = case.standardized
    memberships, log_density = exact_scores(case.model, case.columns)
    their_errors = np.abs(case.mixture.predict_proba(z) - memberships).max()
    errors = np.abs(scores.memberships - memberships).max()
    assert errors <= max(MEMBERSHIP_TOLERANCE, 4 * their_errors)
    their_errors = relative(case.mixture.score_samples(z), log_density).max()
    errors = relative(scores.log_density, log_density).max()
    assert errors <= max(MEMBERSHIP_TOLERANCE, 4 * their_errors)


def assert_log_density_is_exact(scores: Scores, case: Case) -> None:
    """Within 1e-10, whatever scikit-learn says: its expanded squares were up to 4e-8 off."""
    _, log_density = exact_scores(case.model, case.columns)
    assert relative(scores.log_density, log_density).max() <= LOG_DENSITY_TOLERANCE
