"""Which fields of a kustomization name files, and which may read more than can be told from it."""

from dataclasses import dataclass, field

from bot.strategies.yaml_nodes import Node, YamlRefused, read_document

_NO_FILES = frozenset({
    "apiVersion", "kind", "metadata", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels",
    "commonAnnotations", "images", "imageTags", "replicas", "vars", "sortOptions", "generatorOptions", "buildMetadata",
    "helmGlobals",
})  # fmt: skip
_PATHS = frozenset({"resources", "components", "bases"})  # files or directories, also remote ones
_FILES = frozenset({"crds", "configurations"})
_PATCHES = frozenset({"patches", "patchesJson6902", "replacements"})  # mappings that may name a file by `path`
_PLUGINS = frozenset({"transformers", "generators", "validators"})
_GENERATORS = frozenset({"configMapGenerator", "secretGenerator"})
_CHARTS = frozenset({"helmCharts", "helmChartInflationGenerator"})

_PATCH_KEYS = frozenset({"path", "patch", "target", "options", "source", "targets"})
_GENERATOR_KEYS = frozenset(
    {"name", "namespace", "behavior", "literals", "options", "type", "files", "envs", "env"}
)  # fmt: skip
_PLUGINS_WITHOUT_FILES = frozenset({
    "AnnotationsTransformer", "HashTransformer", "ImageTagTransformer", "LabelTransformer", "NamespaceTransformer",
    "PrefixSuffixTransformer", "PrefixTransformer", "ReplicaCountTransformer", "SuffixTransformer",
})  # fmt: skip


class NotUnderstood(Exception):
    """Why it cannot be said what a kustomization reads."""


@dataclass(slots=True)
class Named:
    """The paths that one kustomization names, as written."""

    either: list[str] = field(default_factory=list)  # files or directories
    files: list[str] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)  # configurations of transformers, generators, validators


def named_by(root: Node) -> Named:
    """Collect what a kustomization names. Raises `NotUnderstood` for keys and shapes that we do not know."""
    named = Named()
    if root.is_null:
        return named
    if root.kind != "mapping":
        raise NotUnderstood("its kustomization is not a mapping")
    for key, value in root.pairs:
        _read_field(named, key.value, value)
    return named


def check_plugin(data: bytes, where: str) -> None:
    """That a plugin's configuration reads no further file. Raises `NotUnderstood`."""
    try:
        root = read_document(data).root
    except YamlRefused as refused:
        raise NotUnderstood(f"the plugin in {where} cannot be read: {refused.reason}") from None
    kind = root.get("kind")
    name = kind.value if kind else "unknown kind"
    if name not in _PLUGINS_WITHOUT_FILES and not (name == "PatchTransformer" and root.get("path") is None):
        raise NotUnderstood(f"the plugin {name[:60]!r} in {where} may read more")


def _read_field(named: Named, name: str, value: Node) -> None:
    if name in _NO_FILES or value.is_null or (value.kind == "sequence" and not value.items):
        return
    if name in _PATHS:
        named.either += _words(name, value)
    elif name in _FILES:
        named.files += _words(name, value)
    elif name in _PATCHES:
        for item in _items(name, value):
            named.files += [item.value] if item.kind == "scalar" else _path_of(name, item)
    elif name == "patchesStrategicMerge":
        named.files += [word for word in _words(name, value) if not _is_inline(word)]
    elif name in _GENERATORS:
        for item in _items(name, value):
            _read_generator(named, name, item)
    elif name in _PLUGINS:
        for word in _words(name, value):
            if _is_inline(word):
                check_plugin(word.encode(), name)
            else:
                named.plugins.append(word)
    elif name == "openapi":
        named.files += _path_of(name, value, keys=frozenset({"path", "version"}))
    elif name in _CHARTS:
        raise NotUnderstood("it inflates a Helm chart")
    else:
        raise NotUnderstood(f"we do not know its field {name[:60]!r}")


def _read_generator(named: Named, name: str, item: Node) -> None:
    _only(name, item, _GENERATOR_KEYS)
    for key, value in item.pairs:
        if value.is_null:
            continue
        if key.value == "files":
            named.files += [word.partition("=")[2] or word for word in _words(name, value)]
        elif key.value == "envs":
            named.files += _words(name, value)
        elif key.value == "env":
            named.files += _word(name, value)


def _path_of(name: str, item: Node, keys: frozenset[str] = _PATCH_KEYS) -> list[str]:
    _only(name, item, keys)
    path = item.get("path")
    return [] if path is None or path.is_null else _word(name, path)


def _only(name: str, item: Node, keys: frozenset[str]) -> None:
    if item.kind != "mapping":
        raise NotUnderstood(f"its {name} has a shape that we do not know")
    for key, _ in item.pairs:
        if key.value not in keys:
            raise NotUnderstood(f"we do not know the field {key.value[:60]!r} in its {name}")


def _items(name: str, value: Node) -> list[Node]:
    if value.kind != "sequence":
        raise NotUnderstood(f"its {name} is not a list")
    return value.items


def _words(name: str, value: Node) -> list[str]:
    return [word for item in _items(name, value) for word in _word(name, item)]


def _word(name: str, item: Node) -> list[str]:
    if item.kind != "scalar" or item.is_null:
        raise NotUnderstood(f"its {name} has an entry that is not a path")
    return [item.value]


def _is_inline(word: str) -> bool:
    """Whether this is YAML or JSON written in place, not the path of a file."""
    return "\n" in word.strip() or word.lstrip().startswith(("{", "[")) or ": " in word
