"""Strategy `kustomize-images`: image tags and digests, and chosen fields, travel from overlay to overlay."""

import asyncio
import re
from collections.abc import Sequence

from bot.domain.change import ValueChange
from bot.domain.pipeline import KustomizeImages
from bot.domain.text import listed
from bot.ports import Git
from bot.strategies.field_paths import FieldPath
from bot.strategies.overlay import Cannot, Image, Overlay, as_written, find_overlay, get_overlay
from bot.strategies.plan import CannotPlan, NothingToPromote, Plan, Side
from bot.strategies.yaml_bytes import AddItem, AddKey, Edit, RemoveKey, RenameKey, SetScalar, apply_edits
from bot.strategies.yaml_nodes import Node, YamlRefused

_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,250}")


class KustomizeImagesStrategy:
    """Implements `bot.strategies.plan.Strategy` for overlays on one branch."""

    def __init__(self, config: KustomizeImages) -> None:
        self._config = config
        self._fields = tuple(FieldPath.parse(written) for written in config.fields)

    async def plan(self, git: Git, *, source: Side, target: Side) -> Plan | NothingToPromote | CannotPlan:
        try:
            ours, theirs = await asyncio.gather(
                get_overlay(git, source, self._config.path_of(source.environment)),
                get_overlay(git, target, self._config.path_of(target.environment)),
            )
            return _Transfer(ours, theirs).run(self._fields)
        except Cannot as cannot:
            return cannot.answer

    async def active_differences(self, git: Git, *, active: Side, result: Side) -> tuple[ValueChange, ...] | CannotPlan:
        try:
            before, after = await asyncio.gather(
                find_overlay(git, active, self._config.path_of(active.environment)),
                get_overlay(git, result, self._config.path_of(result.environment)),
            )
            old = before.values(self._fields) if before else {}
            new = after.values(self._fields)
        except Cannot as cannot:
            return cannot.answer
        return tuple(
            ValueChange(name=name, old=old.get(name, ""), new=new.get(name, ""), file=after.file)
            for name in dict.fromkeys((*new, *old))
            if old.get(name, "") != new.get(name, "")
        )


class _Transfer:
    """One plan in the making."""

    def __init__(self, source: Overlay, target: Overlay) -> None:
        self._source, self._target = source, target
        self._values: list[ValueChange] = []
        self._edits: list[Edit] = []
        self._notes: list[str] = []

    def run(self, fields: Sequence[FieldPath]) -> Plan | NothingToPromote:
        self._images()
        for path in fields:
            self._field(path)
        notes = tuple(self._notes)
        if not self._edits:
            return NothingToPromote(notes=notes)
        try:
            data = apply_edits(self._target.document, self._edits)
        except YamlRefused as refused:
            raise Cannot(
                refused.slug, f"{self._target.file} cannot be edited: {refused.reason}",
                "write the new values by hand, or simplify the file there",
            ) from None  # fmt: skip
        return Plan(values=tuple(self._values), files={self._target.file: data}, notes=notes)

    def _images(self) -> None:
        carried = self._unique_sources()
        there = {image.name for image in self._target.images}
        for name, image in carried.items():
            if name not in there:
                continue
            entries = [entry for entry in self._target.images if entry.name == name]
            if len(entries) > 1:
                self._notes.append(f"{name} stands {len(entries)} times in {self._target.file}; all were set")
            for entry in {entry.version: entry for entry in entries}.values():
                self._record(name, as_written(*entry.version), as_written(*image.version))
            for entry in entries:
                self._edits += _version_edits(entry, *image.version)
        for name, image in carried.items():
            if name not in there:
                self._add(image)
        alone = tuple(name for name in dict.fromkeys(i.name for i in self._target.images) if not self._has(name))
        if alone:
            self._notes.append(f"only {self._target.environment} names {listed(alone)}; left as it is")

    def _has(self, name: str) -> bool:
        return any(image.name == name for image in self._source.images)

    def _unique_sources(self) -> dict[str, Image]:
        """The source's images that have a version, each once. Raises `Cannot` when two entries disagree."""
        found: dict[str, Image] = {}
        for image in self._source.images:
            if not any(image.version):
                continue
            for text in filter(None, image.version):
                if _VERSION.fullmatch(text) is None:
                    raise Cannot("image-bad-version", f"{text[:80]!r} in {self._source.file} is not a tag or digest")
            known = found.setdefault(image.name, image)
            if known.version != image.version:
                raise Cannot(
                    "image-duplicate",
                    f"{self._source.file} names {image.name} twice, with different versions",
                    "leave one entry of it",
                )
            if known is not image:
                self._notes.append(f"{image.name} stands twice in {self._source.file}, with the same version")
        return found

    def _add(self, image: Image) -> None:
        if image.is_renamed:
            self._notes.append(
                f"{image.name} is not included: {self._target.environment} does not name it, and "
                f"{self._source.environment} takes it from a registry of its own"
            )
            return
        target = self._target.image_list
        if target is None:
            raise Cannot(
                "no-images-list",
                f"{self._target.file} has no list of images to carry {image.name} into",
                "add an `images:` list with the images that shall be promoted",
            )
        tag, digest = image.version
        pairs = [("name", image.name), ("newTag", tag), ("digest", digest)]
        self._edits.append(AddItem(target, tuple(pair for pair in pairs if pair[1])))
        self._record(image.name, "", as_written(tag, digest))
        self._notes.append(f"{image.name} is new in {self._target.file}")

    def _field(self, path: FieldPath) -> None:
        source, target = self._source.find_field(path), self._target.find_field(path)
        if source is None:
            where = "neither overlay" if target is None else f"only {self._target.environment}"
            self._notes.append(f"{path.written} is in {where}; left as it is")
            return
        if target is None:
            self._edits.append(self._new_field(path, source))
        elif target.value != source.value:
            self._edits.append(SetScalar(target, source.value, bare=not source.is_text))
        self._record(path.written, target.value if target else "", source.value)

    def _new_field(self, path: FieldPath, source: Node) -> Edit:
        parent = path.find_parent(self._target.document.root)
        after = [key.value for key, value in parent.pairs if value.kind == "scalar"] if parent else []
        if parent is None or path.last is None or not after:
            raise Cannot(
                "field-missing",
                f"{self._target.file} has no place for {path.written}",
                f"write {path.written} there once by hand",
            )
        return AddKey(parent, after[-1], path.last, source.value, bare=not source.is_text)

    def _record(self, name: str, old: str, new: str) -> None:
        if old != new:
            self._values.append(ValueChange(name=name, old=old, new=new, file=self._target.file))


def _version_edits(entry: Image, tag: str, digest: str) -> list[Edit]:
    """What gives an image entry exactly this tag and digest (empty: without that key)."""
    edits: list[Edit] = []
    has_tag, has_digest = entry.tag is not None, entry.digest is not None
    if has_tag and not has_digest and digest and not tag:
        return _turn(entry, "newTag", "digest", digest)
    if has_digest and not has_tag and tag and not digest:
        return _turn(entry, "digest", "newTag", tag)
    after = entry.entry.pairs[-1][0].value
    for name, node, other, wanted in (
        ("newTag", entry.tag, "digest" if has_digest else after, tag),
        ("digest", entry.digest, "newTag" if has_tag else after, digest),
    ):
        if node is None and wanted:
            edits.append(AddKey(entry.entry, other, name, wanted))
        elif node is not None and not wanted and not node.is_null:
            edits.append(RemoveKey(entry.entry, name))
        elif node is not None and wanted and node.value != wanted:
            edits.append(SetScalar(node, wanted))
    return edits


def _turn(entry: Image, name: str, into: str, value: str) -> list[Edit]:
    """Make `newTag` a `digest` or back, on its own line."""
    pair = entry.entry.pair(name)
    assert pair is not None  # noqa: S101
    return [RenameKey(pair[0], into), SetScalar(pair[1], value)]
