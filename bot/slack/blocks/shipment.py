"""What a change ships: promoted values, what comes along, what does not, and what would be pruned."""

from bot.domain.change import Change, CommitLine, Shipment, ValueChange
from bot.domain.identity import short
from bot.domain.text import Code, Link, Plain, Strong, Text, counted, listed
from bot.slack.blocks.elements import Json, bullets, paragraphs
from bot.slack.escape import one_line

MOST_VALUES, MOST_DRIFTED, MOST_COMMITS, MOST_PRUNED, MOST_NOTES = 8, 4, 3, 6, 3
ROOM_FOR_PRUNED = 280


def shipment(change: Change, *, prune: bool) -> list[Json | None]:
    """Blocks; empty before a proposal is known. Everything beyond the shown is counted, never dropped silently."""
    proposal = change.proposal
    if proposal is None:
        return []
    ships = proposal.shipment
    return [
        bullets([value_line(value) for value in ships.values[:MOST_VALUES]] + _rest(ships.values, MOST_VALUES)),
        *paragraphs(
            _carried(change, ships),
            *_merged(ships),
            _also(ships),
            *[_commit(commit) for commit in ships.also[:MOST_COMMITS]],
            *_more_commits(ships),
            _drifted(change, ships),
            *[drift_line(value) for value in ships.drifted[:MOST_DRIFTED]],
            *_rest(ships.drifted, MOST_DRIFTED),
            source_ahead(change, ships),
            _widened(change),
            pruned(ships, prune=prune),
            *[Text.of("ℹ️ ", Plain(one_line(note, 200))) for note in ships.notes[:MOST_NOTES]],
            Text.of(f"… and {len(ships.notes) - MOST_NOTES} more, see Details") if ships.notes[MOST_NOTES:] else Text(),
            _auto_sync(change),
        ),
    ]


def value_line(value: ValueChange) -> Text:
    old = Plain(one_line(value.old, 80)) if value.old else Plain("(not set)")
    return Text.of(Code(one_line(value.name, 100)), "  ", old, " → ", Strong(one_line(value.new, 80)))


def new_values(ships: Shipment) -> str:
    """The new values in a few words: `2.15.1`, or `apm-api 2.15.1, otel-collector 0.109.0 and 2 more`; of a merge also
    how much it brings: `2.15.1 with 5 commits, 7 files`."""
    distinct = tuple(dict.fromkeys(one_line(value.new, 40) for value in ships.values))
    named = tuple(f"{_last_word(value.name)} {one_line(value.new, 40)}" for value in ships.values)
    values = distinct[0] if len(distinct) == 1 else listed(named, most=3)
    if not ships.files_total:
        return values
    merged = f"{counted(ships.carried_total, 'commit')}, {counted(ships.files_total, 'file')}"
    return f"{values} with {merged}" if values else merged


def pruned(ships: Shipment, *, prune: bool) -> Text:
    """How many, and the first of them: the count is never behind a cut, however long their names are."""
    if not ships.prunes:
        return Text()
    total = counted(len(ships.prunes), "resource")
    shown = _those_with_room(ships.prunes)
    if prune:
        return Text.of("⚠️ ", Strong(f"{total} will be pruned"), ": ", Plain(shown))
    return Text.of(f"{total} no longer in Git, left behind (pruning is off): ", Plain(shown))


def commits(these: tuple[CommitLine, ...], total: int) -> list[Text]:
    """Commits, newest first, and how many are not shown."""
    shown = [_commit(commit) for commit in these]
    hidden = max(total, len(these)) - len(these)
    return [*shown, *([Text.of(f"… and {counted(hidden, 'more commit', 'more commits')}")] if hidden else [])]


def _those_with_room(names: tuple[str, ...]) -> str:
    shown: list[str] = []
    for name in (one_line(name, 100) for name in names[:MOST_PRUNED]):
        if shown and len(", ".join((*shown, name))) > ROOM_FOR_PRUNED:
            break
        shown.append(name)
    hidden = len(names) - len(shown)
    return ", ".join(shown) + f" and {hidden} more, see Details" if hidden else listed(tuple(shown), most=MOST_PRUNED)


def _last_word(name: str) -> str:
    return one_line(name.rsplit("/", 1)[-1], 60)


def _rest(values: tuple[ValueChange, ...], most: int) -> list[Text]:
    hidden = len(values) - most
    return [Text.of(f"… and {counted(hidden, 'more value', 'more values')}, see Details")] if hidden > 0 else []


def _carried(change: Change, ships: Shipment) -> Text:
    total = max(ships.carried_total, len(ships.carried))
    proposal = change.proposal
    compare = proposal.compare_link if proposal else None
    if not total:
        return Text.of(Link(compare, "compare ↗")) if compare else Text()
    people = len({commit.author for commit in ships.carried})
    by = f" by {counted(people, 'person', 'people')}" if people and len(ships.carried) == total else ""
    where = f" from {change.source_environment}" if ships.files_total else " behind these values"
    words = Text.of(f"{counted(total, 'commit')}{by}{where}")
    return Text.of(words, " · ", Link(compare, "compare ↗")) if compare else words


def _merged(ships: Shipment) -> list[Text]:
    """What a merge brings: its newest commits, and the files that it changes."""
    if not ships.files_total:
        return []
    changed = Text.of("   changes ", Strong(counted(ships.files_total, "file")), ": ", Plain(_files(ships, most=3)))
    shown = ships.carried[:MOST_COMMITS]
    hidden = max(ships.carried_total, len(ships.carried)) - len(shown)
    more = [Text.of(f"   … and {counted(hidden, 'more commit', 'more commits')}, see Details")] if hidden else []
    return [*map(_commit, shown), *more, changed]


def _files(ships: Shipment, *, most: int) -> str:
    """The first of the files that a merge changes, the others counted."""
    shown = [one_line(path, 100) for path in ships.files[:most]]
    hidden = ships.files_total - len(shown)
    return ", ".join(shown) + (f" and {hidden} more" if hidden > 0 else "")


def _also(ships: Shipment) -> Text:
    total = max(ships.also_total, len(ships.also))
    if not total:
        return Text()
    where = f" to {listed(tuple(one_line(path, 100) for path in ships.also_paths), most=3)}" if ships.also_paths else ""
    verb = "is" if total == 1 else "are"
    return Text.of("also ships: ", Strong(counted(total, "commit")), Plain(where),
                   f" that {verb} not part of this promotion")  # fmt: skip


def _commit(commit: CommitLine) -> Text:
    return Text.of(
        "   ", Code(short(commit.revision)), " ", Plain(one_line(commit.subject, 120)), " · ",
        Plain(one_line(commit.author, 60)),
    )  # fmt: skip


def _more_commits(ships: Shipment) -> list[Text]:
    hidden = max(ships.also_total, len(ships.also)) - min(len(ships.also), MOST_COMMITS)
    if hidden <= 0 or not ships.also:
        return []
    return [Text.of(f"   … and {counted(hidden, 'more commit', 'more commits')}, see Details")]


def _drifted(change: Change, ships: Shipment) -> Text:
    if not ships.drifted:
        return Text()
    differs = counted(len(ships.drifted), "value differs", "values differ")
    return Text.of(f"⚠️ {differs} in {change.environment}'s Git from what runs; this ships too unless promoted over:")


def drift_line(value: ValueChange) -> Text:
    return Text.of("   ", Code(one_line(value.name, 80)), "  runs ", Plain(one_line(value.old, 50) or "(not set)"),
                   ", Git has ", Plain(one_line(value.new, 50) or "(not set)"))  # fmt: skip


def source_ahead(change: Change, ships: Shipment) -> Text:
    if not ships.source_ahead:
        return Text()
    verb = "has" if ships.source_ahead == 1 else "have"
    words = f"{counted(ships.source_ahead, 'commit')} in {change.source_environment or 'the source'}'s Git {verb} not "
    return Text.of("ℹ️ ", words, "been deployed; not included")


def _widened(change: Change) -> Text:
    key = change.merge.key if change.merge else change.proposal.key if change.proposal else None
    if key is None or key.widened is None:
        return Text()
    return Text.of("ℹ️ approvals bind to the whole tree: ", Plain(one_line(key.widened, 200)))


def _auto_sync(change: Change) -> Text:
    if change.proposal is None or not change.proposal.auto_sync or change.merge is not None:
        return Text()
    return Text.of("ℹ️ auto-sync is on: Argo CD will ship this at the merge")
