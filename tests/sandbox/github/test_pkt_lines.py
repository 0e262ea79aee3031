"""The head of a receive-pack request."""

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.github.pkt_lines import RefUpdate, ref_updates

SHA = st.text("0123456789abcdef", min_size=40, max_size=40).filter(lambda sha: sha.strip("0") != "")
REF = st.builds("refs/heads/{}".format, st.text("abcä/-.", min_size=1, max_size=20))
UPDATE = st.builds(RefUpdate, REF, st.none() | SHA, st.none() | SHA)
CAPABILITIES = b"\0 report-status side-band-64k agent=git/2.39.5"


def packet(line: bytes) -> bytes:
    return b"%04x%s" % (len(line) + 4, line)


def line(update: RefUpdate) -> bytes:
    return f"{update.old or '0' * 40} {update.new or '0' * 40} {update.ref}".encode()


@given(st.lists(UPDATE), st.binary())
def test_what_was_written_is_read(updates: list[RefUpdate], pack: bytes) -> None:
    lines = [line(update) + (CAPABILITIES if number == 0 else b"") for number, update in enumerate(updates)]
    assert ref_updates(b"".join(map(packet, lines)) + b"0000" + pack) == updates


@given(st.binary())
def test_noise_is_no_error(noise: bytes) -> None:
    ref_updates(noise)


def test_a_probe_has_no_updates() -> None:
    assert ref_updates(b"0000") == []


def test_a_tag_is_not_a_branch() -> None:
    [tag, branch] = [RefUpdate(ref, None, "a" * 40) for ref in ("refs/tags/v1", "refs/heads/a/b")]
    assert (tag.branch, branch.branch) == (None, "a/b")
