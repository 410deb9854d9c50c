"""The catalog: every profile and every objective, shipped ones first, a user's own over them.

A user's profile replaces the shipped profile of the same system; a user's SLO documents replace the shipped
objectives of the systems they name. Later folders win over earlier ones. Profiles and SLO documents may share a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.catalog.faults import validated
from workbench.catalog.profile.links import link_faults
from workbench.catalog.profile.model import Profile
from workbench.catalog.profile.words import nearest
from workbench.catalog.slo.documents import OpenSloObject, objectives_of, read_object
from workbench.catalog.slo.objective import Objective
from workbench.catalog.yaml_lines import Document, read_documents
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.shipped import shipped


@dataclass(frozen=True)
class Catalog:
    """What is monitored: ``profiles`` and ``objectives``, both by system; ``documents`` keeps all of OpenSLO read."""

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    objectives: Mapping[str, tuple[Objective, ...]] = field(default_factory=dict)
    documents: tuple[OpenSloObject, ...] = ()

    def profile(self, system: str) -> Profile:
        """Return the profile of a system.

        Raises
        ------
        ParameterError
            No profile has that system; the nearest one is offered.
        """
        if system in self.profiles:
            return self.profiles[system]
        near = nearest(system, self.profiles)
        hint = f"Did you mean {near!r}?" if near else f"Known systems: {', '.join(self.profiles) or 'none'}."
        raise ParameterError(f"There is no system {system!r}.", hint=hint)

    def objective(self, system: str, id: str) -> Objective:
        """Return one objective of a system; raises :class:`ParameterError` as :meth:`profile` does."""
        self.profile(system)
        found = {objective.id: objective for objective in self.objectives.get(system, ())}
        if id in found:
            return found[id]
        near = nearest(id, found)
        hint = f"Did you mean {near!r}?" if near else f"Known objectives: {', '.join(found) or 'none'}."
        raise ParameterError(f"{system} has no objective {id!r}.", hint=hint)


def load_catalog(profile_dirs: Sequence[Path | str] = (), slo_dirs: Sequence[Path | str] = ()) -> Catalog:
    """Read the shipped profiles and SLO documents and those of a user's folders (or single files).

    Raises
    ------
    CatalogError
        Something in the files is wrong; ``faults`` lists all mistakes of all files.
    """
    return read_catalog([shipped("data", "systems"), shipped("data", "slos"), *profile_dirs, *slo_dirs])


def read_catalog(folders: Sequence[Path | str]) -> Catalog:
    """Read exactly these folders or files; a document with ``apiVersion`` is OpenSLO, any other one a profile."""
    faults: list[Fault] = []
    profiles: dict[str, Profile] = {}
    documents: dict[str, Document] = {}
    layers = [_documents(folder, faults) for folder in {Path(folder).resolve(): folder for folder in folders}.values()]
    for layer in layers:
        for system, (profile, document) in _profiles(layer, faults).items():
            profiles[system], documents[system] = profile, document
    named = {str(document.data["system"]) for layer in layers for document in layer if _names_a_system(document)}
    objectives: dict[str, tuple[Objective, ...]] = {}
    replaced: set[str] = set()
    kept: list[OpenSloObject] = []
    for layer in layers:
        objects = [found for document in layer if _is_openslo(document) and (found := _object(document, faults))]
        theirs = objectives_of(objects, named, faults)
        replaced |= theirs.keys() & objectives.keys()
        objectives |= theirs
        kept += objects
    if not faults:
        for system, profile in profiles.items():
            promised = None if system in replaced else objectives.get(system, ())
            faults.extend(link_faults(profile, promised, documents[system]))
    if faults:
        count = f"{len(faults)} mistakes" if len(faults) > 1 else "1 mistake"
        raise CatalogError(tuple(faults), hint=f"{count} in the catalog; docs/profiles.md describes every key.")
    return Catalog(profiles, objectives, tuple(kept))


def read_profile(document: Document) -> Profile:
    """Check one document as a profile.

    Raises
    ------
    CatalogError
        The document is no profile; every mistake in it is listed.
    """
    profile = validated(Profile, document)
    profile._file, profile._lines = document.file, dict(document.lines)
    return profile


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    else:
        yield folder


def _is_openslo(document: Document) -> bool:
    return isinstance(document.data, dict) and "apiVersion" in document.data


def _names_a_system(document: Document) -> bool:
    return isinstance(document.data, dict) and "system" in document.data


def _documents(folder: Path | str, faults: list[Fault]) -> list[Document]:
    found: list[Document] = []
    for path in _files(Path(folder)):
        try:
            found.extend(read_documents(path))
        except CatalogError as error:
            faults.extend(error.faults)
    return found


def _profiles(found: Iterable[Document], faults: list[Fault]) -> dict[str, tuple[Profile, Document]]:
    profiles: dict[str, tuple[Profile, Document]] = {}
    for document in found:
        if _is_openslo(document):
            continue
        try:
            profile = read_profile(document)
        except CatalogError as error:
            faults.extend(error.faults)
            continue
        if profile.system in profiles:
            first = profiles[profile.system][1]
            why = f"the system {profile.system!r} has a profile already: {first.file}:{first.line(('system',))}"
            faults.append(document.fault(("system",), why))
        profiles.setdefault(profile.system, (profile, document))
    return profiles


def _object(document: Document, faults: list[Fault]) -> OpenSloObject | None:
    try:
        return read_object(document)
    except CatalogError as error:
        faults.extend(error.faults)
        return None
