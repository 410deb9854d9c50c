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
from workbench.core.access.identity import not_seen
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.shipped import shipped


@dataclass(frozen=True)
class Catalog:
    """What is monitored: ``profiles`` and ``objectives``, both by system; ``documents`` keeps all of OpenSLO read.

    ``faults`` are mistakes of files that were left out; ``broken`` holds those of profiles, by system. ``scope`` names
    the systems that may be seen, None all: of others the catalog has nothing.
    """

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    objectives: Mapping[str, tuple[Objective, ...]] = field(default_factory=dict)
    documents: tuple[OpenSloObject, ...] = ()
    faults: tuple[Fault, ...] = ()
    broken: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    scope: tuple[str, ...] | None = None

    def within(self, scope: tuple[str, ...] | None) -> Catalog:
        """Return the part of the catalog that an identity of this scope may see; a scope is never widened."""
        if scope is None:
            return self
        kept = tuple(name for name in scope if self.scope is None or name in self.scope)
        broken = {name: why for name, why in self.broken.items() if name in kept}
        return Catalog(
            {name: profile for name, profile in self.profiles.items() if name in kept},
            {name: several for name, several in self.objectives.items() if name in kept},
            faults=tuple(fault for why in broken.values() for fault in why),
            broken=broken,
            scope=kept,
        )

    def profile(self, system: str) -> Profile:
        """Return the profile of a system.

        Raises
        ------
        ParameterError
            No profile has that system; the nearest one is offered.
        CatalogError
            Its profile was left out for its mistakes.
        AccessRefused
            Outside the scope, whether there is such a system or not.
        """
        if self.scope is not None and system not in self.scope:
            raise not_seen(system)
        if system in self.profiles:
            return self.profiles[system]
        if system in self.broken:
            raise CatalogError(self.broken[system], hint="Correct them; workbench catalog check reads the files again.")
        near = nearest(system, self.profiles)
        hint = f"Did you mean {near!r}?" if near else f"Known systems: {', '.join(self.profiles) or 'none'}."
        raise ParameterError(f"There is no system {system!r}.", hint=hint)

    def title(self, system: str) -> str:
        """Return the title of a system, for a sentence; of one that the catalog has not, its id."""
        return self.profiles[system].title if system in self.profiles else system

    def objective(self, system: str, id: str) -> Objective:
        """Return one objective of a system; raises :class:`ParameterError` as :meth:`profile` does."""
        self.profile(system)
        objectives = {objective.id: objective for objective in self.objectives.get(system, ())}
        if id in objectives:
            return objectives[id]
        near = nearest(id, objectives)
        hint = f"Did you mean {near!r}?" if near else f"Known objectives: {', '.join(objectives) or 'none'}."
        raise ParameterError(f"{system} has no objective {id!r}.", hint=hint)


def load_catalog(profile_dirs: Sequence[Path | str] = (), slo_dirs: Sequence[Path | str] = ()) -> Catalog:
    """Read the shipped profiles and SLO documents and those of a user's folders (or single files).

    Raises
    ------
    CatalogError
        Something in the files is wrong; ``faults`` lists all mistakes of all files.
    """
    return read_catalog([shipped("data", "systems"), shipped("data", "slos"), *profile_dirs, *slo_dirs])


def sound_catalog(profile_dirs: Sequence[Path | str] = (), slo_dirs: Sequence[Path | str] = ()) -> Catalog:
    """Read what is right of the same files: one mistake stops one system or one objective, and is in ``faults``.

    A profile or a document of objectives that would replace a shipped one leaves no shipped one in its place.
    """
    return _read([shipped("data", "systems"), shipped("data", "slos"), *profile_dirs, *slo_dirs])


def read_catalog(folders: Sequence[Path | str]) -> Catalog:
    """Read exactly these folders or files; a document with ``apiVersion`` is OpenSLO, any other one a profile.

    Raises
    ------
    CatalogError
        Something in the files is wrong; ``faults`` lists all mistakes of all files.
    """
    read = _read(folders)
    if read.faults:
        count = f"{len(read.faults)} mistakes" if len(read.faults) > 1 else "1 mistake"
        raise CatalogError(read.faults, hint=f"{count} in the catalog; docs/profiles.md describes every key.")
    return read


def _read(folders: Sequence[Path | str]) -> Catalog:
    faults: list[Fault] = []
    broken: dict[str, tuple[Fault, ...]] = {}
    profiles: dict[str, Profile] = {}
    documents: dict[str, Document] = {}
    layers = [_documents(folder, faults) for folder in {Path(folder).resolve(): folder for folder in folders}.values()]
    for layer in layers:
        sound, wrong = _profiles(layer)
        for system, why in wrong:
            faults += why
            broken[system] = (*broken.get(system, ()), *why)
            profiles.pop(system, None)
        for system, (profile, document) in sound.items():
            if system not in dict(wrong):
                profiles[system], documents[system] = profile, document
                broken.pop(system, None)
    named = {str(document.data["system"]) for layer in layers for document in layer if _names_a_system(document)}
    objectives: dict[str, tuple[Objective, ...]] = {}
    replaced: set[str] = set()
    kept: list[OpenSloObject] = []
    for layer in layers:
        documents_of_slos = [document for document in layer if _is_openslo(document)]
        objects = [one_object for document in documents_of_slos if (one_object := _object(document, faults))]
        theirs = objectives_of(objects, named, faults)
        for system in {_system_named(document) for document in documents_of_slos} & objectives.keys():
            theirs.setdefault(system, ())
        replaced |= theirs.keys() & objectives.keys()
        objectives |= theirs
        kept += objects
    some_left_out = bool(faults)
    for system, profile in list(profiles.items()):
        promised = None if system in replaced or some_left_out else objectives.get(system, ())
        if wrong_links := tuple(link_faults(profile, promised, documents[system])):
            faults += wrong_links
            broken[system] = wrong_links
            del profiles[system]
    objectives = {system: several for system, several in objectives.items() if system in profiles}
    return Catalog(profiles, objectives, tuple(kept), tuple(faults), broken)


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
    documents: list[Document] = []
    for path in _files(Path(folder)):
        try:
            documents.extend(read_documents(path))
        except CatalogError as error:
            faults.extend(error.faults)
    return documents


def _system_named(document: Document) -> str:
    """System that an OpenSLO document names itself, however wrong the rest of it is."""
    metadata = document.data.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return str(labels.get("system", "")) if isinstance(labels, dict) else ""


def _profiles(
    documents: Iterable[Document],
) -> tuple[dict[str, tuple[Profile, Document]], list[tuple[str, tuple[Fault, ...]]]]:
    """Profiles of a layer by system, and the mistakes of those that are wrong, with the system they name."""
    profiles: dict[str, tuple[Profile, Document]] = {}
    wrong: list[tuple[str, tuple[Fault, ...]]] = []
    for document in documents:
        if _is_openslo(document):
            continue
        try:
            profile = read_profile(document)
        except CatalogError as error:
            system = str(document.data.get("system", "")) if isinstance(document.data, dict) else ""
            wrong.append((system, error.faults))
            continue
        if profile.system in profiles:
            first = profiles[profile.system][1]
            why = f"the system {profile.system!r} has a profile already: {first.file}:{first.line(('system',))}"
            wrong.append((profile.system, (document.fault(("system",), why),)))
        profiles.setdefault(profile.system, (profile, document))
    return profiles, wrong


def _object(document: Document, faults: list[Fault]) -> OpenSloObject | None:
    try:
        return read_object(document)
    except CatalogError as error:
        faults.extend(error.faults)
        return None
