"""The real data sets and the demo shop as samples that `fit` would read: features built by dbt, in passing folders."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.process_runner import dbt, warehouse_seg
from tests.real_data.project import complete_journey_folder, data_folder, installed
from warehouse_seg.dbt.project import DbtProject
from warehouse_seg.demo import write_shop
from warehouse_seg.evaluation.choice_window import ChoiceWindow
from warehouse_seg.features.feature_sets import FeatureSet
from warehouse_seg.features.sample import Sample
from warehouse_seg.mixture.fit import fit_model
from warehouse_seg.mixture.predictive_fit import fit_by_prediction
from warehouse_seg.mixture.stability import BOOTSTRAP_ROWS
from warehouse_seg.model.segment_model import SegmentModel
from warehouse_seg.project.context import Session
from warehouse_seg.project.feature_choice import choose_features, competing_sets
from warehouse_seg.project.historical_features import choice_history, historical_features
from warehouse_seg.project.sample_reading import read_sample
from warehouse_seg.project.time_split import TimeSplit, Unavailable
from warehouse_seg.settings import FeatureChoice, ModelSettings, settings_from
from warehouse_seg.warehouse.connection import Columns

FEATURES = ("build", "--select", "+seg_customer_features")


@dataclass(frozen=True)
class Shop:
    """A sample of a shop's customers, and the default settings of a model.

    choices: the features that `fit --prefer fit` would choose; sets: those that compete otherwise
    time_split: what `fit` chooses and measures by, None for a ready table
    earlier: day → raw columns of the customers of that day
    """

    name: str
    sample: Sample
    choices: tuple[FeatureChoice, ...]
    settings: ModelSettings
    sets: tuple[FeatureSet, ...] = ()
    time_split: TimeSplit | Unavailable | None = None
    earlier: Mapping[str, Columns] = field(default_factory=dict)


def places() -> Iterator[tuple[str, Callable[[Path], DbtProject]]]:
    """Every shop's title and what builds its features in a folder."""
    data = data_folder()
    yield "demo", demo
    for title, project, files in (
        ("CDNOW", "cdnow", data / "cdnow"),
        ("Online Retail", "online_retail", data / "online_retail"),
        ("Complete Journey", "complete_journey", complete_journey_folder()),
        ("AdventureWorks", "adventureworks", data / "adventureworks"),
        ("marketing_campaign", "customer_personality", data / "customer_personality"),
    ):
        yield title, partial(real, project, files)


def shops() -> Iterator[Shop]:
    """Every shop, one after the other; each is built when it is its turn."""
    for title, build in places():
        yield built(title, build)


def fitted(shop: Shop) -> SegmentModel:
    """The model that `warehouse-seg fit` chooses for a shop: by what it predicts, where there are order lines."""
    if not isinstance(shop.time_split, TimeSplit):
        return fit_model(shop.sample, shop.choices, shop.settings)
    criterion = ChoiceWindow(shop.time_split.first, shop.settings.seed)
    return fit_by_prediction(shop.sample, shop.sets, shop.settings, criterion)


def built(title: str, build: Callable[[Path], DbtProject], **model: Any) -> Shop:
    """The shop that `build` makes in a folder; model: settings other than the default ones."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session.after_dbt(build(Path(folder)))
        # The projects of the tests fit few shapes and features only; here everything else is at its default.
        settings = session.settings.model_copy(
            update={"model": settings_from({"model": model}).model}
        )
        session = replace(session, settings=settings)
        with session.project.warehouse(read_only=True) as warehouse:
            sample = read_sample(warehouse, session)
            choices = tuple(choose_features(sample, settings))
            if settings.transactions is None:
                return Shop(title, sample, choices, settings.model)
            sets = tuple(competing_sets(sample, settings))
            history = historical_features(warehouse, session, sample.categories)
            assert not isinstance(history, Unavailable)
            names = list(dict.fromkeys(name for own in sets for name in own.column_names))
            earlier = {
                day: history.columns_on(day, names, BOOTSTRAP_ROWS)
                for day in history.earlier_days()
            }
            time_split = choice_history(warehouse, session, sample.categories)
        return Shop(title, sample, choices, settings.model, sets, time_split, earlier)


def demo(folder: Path) -> DbtProject:
    shop = folder / "demo"
    write_shop(shop)
    for program, arguments in ((warehouse_seg, ("init",)), (dbt, ("deps",)), (dbt, FEATURES)):
        finished = program(*arguments, folder=shop)
        assert finished.exit_code == 0, finished.stderr
    return DbtProject(project_dir=shop, profiles_dir=shop, called_from=shop)


def real(name: str, files: Path, folder: Path) -> DbtProject:
    project = installed(name, files, folder)
    project.call(dbt, *FEATURES)
    return DbtProject(
        project_dir=project.folder,
        profiles_dir=project.folder,
        called_from=project.folder,
        vars={"data_folder": str(files)},
    )
