"""Who imports whom: rooms, their layers, imports upward, circles.

The layers are those of the import-linter contract in pyproject.toml, and grimp (import-linter's own library) gives
the imports. A type is not a dependency: imports under `if TYPE_CHECKING` do not count, as in the contract.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import grimp

from tools.shape.facts import Fact, count


@dataclass(frozen=True)
class Layers:
    """The package's name, and its rooms from the top layer to the bottom one."""

    package: str
    rooms: tuple[frozenset[str], ...]

    def depth(self, room: str) -> int | None:
        """The place of a room counted from the top, None for a room that no layer names."""
        places = [depth for depth, rooms in enumerate(self.rooms) if room in rooms]
        return places[0] if places else None


def read_layers(root: Path) -> Layers:
    """The layers that pyproject.toml sets. Raises LookupError where it has no such contract."""
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    package = settings["root_package"]
    for contract in settings["contracts"]:
        if contract["type"] == "layers" and contract["containers"] == [package]:
            rooms = [frozenset(re.split(r"\s*[|:]\s*", layer)) for layer in contract["layers"]]
            return Layers(package, tuple(rooms))
    raise LookupError(f"{root}/pyproject.toml has no contract of layers over {package}.")


def import_facts(root: Path) -> list[Fact]:
    """Rooms, layers, imports upward and circles of the package below `root`, which must be importable from there."""
    layers = read_layers(root)
    graph = grimp.build_graph(layers.package, exclude_type_checking_imports=True, cache_dir=None)
    folders = sorted(path.parent.name for path in (root / layers.package).glob("*/__init__.py"))
    homeless = [folder for folder in folders if layers.depth(folder) is None]
    return [
        Fact("rooms (folders of the package)", str(len(folders)), places=tuple(folders)),
        Fact("layers", str(len(layers.rooms))),
        count("rooms that no layer names", homeless),
        count("imports of a room above", _upward(graph, layers)),
        count("circles of rooms", _room_circles(graph, layers.package)),
        count("circles of modules", _module_circles(graph)),
    ]


def _upward(graph: grimp.ImportGraph, layers: Layers) -> list[str]:
    """Each import that goes to a layer above, or to another room of the same layer."""
    upward = []
    for importer, imported in _imports(graph):
        room, other = _room(importer, layers.package), _room(imported, layers.package)
        above, below = layers.depth(other), layers.depth(room)
        if room != other and above is not None and below is not None and above <= below:
            upward.append(f"{importer} imports {imported}")
    return upward


def _room(module: str, package: str) -> str:
    return module.removeprefix(f"{package}.").partition(".")[0]


def _imports(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    return [
        (importer, imported)
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
    ]


def _room_circles(graph: grimp.ImportGraph, package: str) -> list[str]:
    """The imports that have to go before no two rooms need each other."""
    breakers = graph.nominate_cycle_breakers(package)
    return [f"{importer} imports {imported}" for importer, imported in breakers]


def _module_circles(graph: grimp.ImportGraph) -> list[str]:
    """Each import whose module needs the importer in turn, as one chain."""
    chains = []
    for importer, imported in _imports(graph):
        back = graph.find_shortest_chain(imported, importer)
        # A circle of three modules has three imports: its alphabetically first module stands for it.
        if back and importer == min(back):
            chains.append(" → ".join((importer, *back)))
    return chains
