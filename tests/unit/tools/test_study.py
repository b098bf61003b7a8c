"""The published study of `marketing_campaign.csv`: its values come out to the unit, and what its nine segments are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.evidence.study import PUBLISHED, narrowest, spending, study_bic, study_mixture


@pytest.mark.parametrize("components", PUBLISHED)
def test_a_published_value_comes_out_to_the_unit(data_folder: Path, components: int) -> None:
    assert round(study_bic(spending(data_folder), components)) == PUBLISHED[components]


def test_the_published_choice_has_a_component_narrower_than_a_unit_of_money(
    data_folder: Path,
) -> None:
    spend = spending(data_folder)
    spike = narrowest(spend, study_mixture(spend, 9))[0]
    assert spike.deviation < 1
    assert spike.zero_share > 0.5
