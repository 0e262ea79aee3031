"""One Kustomize overlay's images and chosen fields, as its kustomization writes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ports import Git
from bot.strategies.field_paths import FieldPath
from bot.strategies.kustomization import AmbiguousKustomization, kustomization_file
from bot.strategies.plan import CannotPlan, Side
from bot.strategies.yaml_nodes import Document, Node, YamlRefused, read_document


class Cannot(Exception):
    """Carries a `CannotPlan` up to the strategy."""

    def __init__(self, slug: str, reason: str, way_out: str = "") -> None:
        super().__init__(reason)
        self.answer = CannotPlan(slug=slug, reason=reason, way_out=way_out)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One entry of `images`. `tag` and `digest` are the scalars of `newTag` and `digest`, None without that key."""

    name: str
    entry: Node
    tag: Node | None
    digest: Node | None

    @property
    def version(self) -> tuple[str, str]:
        """Tag and digest as text, each empty when not set."""
        return (_text(self.tag), _text(self.digest))

    @property
    def is_renamed(self) -> bool:
        return self.entry.get("newName") is not None


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A parsed kustomization of one environment."""

    environment: str
    file: str
    document: Document
    images: tuple[Image, ...]
    image_list: Node | None

    def find_field(self, path: FieldPath) -> Node | None:
        """The scalar at a path. Raises `Cannot` when something else stands there."""
        node = path.find(self.document.root)
        if node is not None and node.kind != "scalar":
            raise Cannot("field-not-a-scalar", f"{path.written} in {self.file} is not a single value")
        return node

    def values(self, fields: Sequence[FieldPath]) -> dict[str, str]:
        """Everything that the strategy carries, as people write it; the later of two entries of one image counts."""
        found = {image.name: as_written(*image.version) for image in self.images}
        found |= {path.written: node.value for path in fields if (node := self.find_field(path)) is not None}
        return found


async def find_overlay(git: Git, side: Side, directory: str) -> Overlay | None:
    """The overlay as it stands on one side, None when there is no kustomization. Raises `Cannot`."""
    try:
        file = await kustomization_file(git, side.treeish, directory)
    except AmbiguousKustomization as error:
        raise Cannot("kustomization-ambiguous", str(error), "remove all but one of them") from None
    data = await git.read_file(side.treeish, file) if file else None
    if file is None or data is None:
        return None
    try:
        document = read_document(data)
    except YamlRefused as refused:
        raise Cannot(refused.slug, f"{file}: {refused.reason}", "make it a plain YAML file") from None
    image_list = document.root.get("images")
    if image_list is not None and image_list.is_null:
        image_list = None
    return Overlay(side.environment, file, document, _images(file, image_list), image_list)


async def get_overlay(git: Git, side: Side, directory: str) -> Overlay:
    """Like `find_overlay`, where there must be one."""
    found = await find_overlay(git, side, directory)
    if found is None:
        raise Cannot(
            "no-kustomization",
            f"{directory or 'the root'} of {side.environment} has no kustomization file at {side.treeish[:7]}",
            "check the strategy's path",
        )
    return found


def as_written(tag: str, digest: str) -> str:
    """A version as people write it: the tag, the digest, or both."""
    return f"{tag}@{digest}" if tag and digest else tag or digest


def _images(file: str, image_list: Node | None) -> tuple[Image, ...]:
    if image_list is None:
        return ()
    if image_list.kind != "sequence":
        raise Cannot("images-not-a-list", f"images in {file} is not a list")
    return tuple(_image(file, entry) for entry in image_list.items)


def _image(file: str, entry: Node) -> Image:
    name = entry.get("name")
    if entry.kind != "mapping" or name is None or name.kind != "scalar" or entry.get("<<") is not None:
        raise Cannot("image-not-plain", f"an entry of images in {file} is not a plain mapping with a name")
    tag, digest = entry.get("newTag"), entry.get("digest")
    for node in (tag, digest):
        if node is not None and node.kind != "scalar":
            raise Cannot("image-not-plain", f"the image {name.value} in {file} has a version that is not one value")
    return Image(name.value, entry, tag, digest)


def _text(node: Node | None) -> str:
    return "" if node is None or node.is_null else node.value
