"""What a person reads."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack import plain

Json = dict[str, Any]


class Names:
    def user_name(self, user_id: str) -> str:
        return {"U0DEV1": "developer"}.get(user_id, user_id)

    def channel_name(self, channel_id: str) -> str:
        return {"C0DEPLOY": "deployments"}.get(channel_id, channel_id)

    def usergroup_name(self, group_id: str) -> str:
        return {"S0PLATFORM": "platform-team"}.get(group_id, group_id)


NAMES = Names()
MOMENT = int(datetime(2026, 3, 9, 14, 5, 7, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("*apm-stack* → _production_ ~old~", "apm-stack → production old"),
        ("*bold _both_*", "bold both"),
        ("2*3*4 snake_case_name a ~ b", "2*3*4 snake_case_name a ~ b"),
        ("`apm_*x*` and ```\n*raw* <@U0DEV1>\n```", "apm_*x* and *raw* @developer"),
        ("a &lt;!channel&gt; &amp;amp; b", "a <!channel> &amp; b"),
        ("<@U0DEV1> <@U0NOBODY> <@U0DEV1|dev>", "@developer @U0NOBODY @developer"),
        ("<#C0DEPLOY> <#C0DEPLOY|deployments>", "#deployments #deployments"),
        ("<!subteam^S0PLATFORM> <!here> <!channel|x>", "@platform-team @here @channel"),
        ("<https://e.com/a_b_c|PR *187*> <https://e.com/?a=1&amp;b=2>", "PR *187* https://e.com/?a=1&b=2"),
        ("<mailto:a@e.com|a@e.com>", "a@e.com"),
        ("&gt; quoted\n&gt;again", "quoted\nagain"),
        (f"<!date^{MOMENT}^{{date_short}} at {{time}}|then>", "Mar 9, 2026 at 14:05"),
        (f"<!date^{MOMENT}^{{date_num}} {{time_secs}} {{odd}}^https://e.com|then>", "2026-03-09 14:05:07 {odd}"),
        (f"<!date^{MOMENT}^{{date_long}}|then>", "Monday, March 9, 2026"),
        ("<!date^soon^{date}|at &lt;noon&gt;>", "at <noon>"),
        ("<!date^9999999999999999^{date}|later>", "later"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_mrkdwn(marked: str, read: str) -> None:
    assert plain.mrkdwn(marked, NAMES) == read


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (0, "just now"),
        (-150, "2 minutes ago"),
        (-3_700, "1 hour ago"),
        (2 * 86_400 + 60, "in 2 days"),
        (30, "in a moment"),
    ],
)
def test_how_long_ago(seconds: int, read: str) -> None:
    at = int(datetime.now(UTC).timestamp()) + seconds
    assert plain.mrkdwn(f"<!date^{at}^{{ago}}|x>", NAMES) == read


def test_a_message_is_its_blocks_or_else_its_text() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*blocks*"}}
    assert plain.message("text", [], [], NAMES) == "text"
    assert plain.message("text", [section], [], NAMES) == "blocks"
    assert plain.message("text", [], [{"blocks": [section]}], NAMES) == "text\nblocks"
    assert plain.message("text", [], [{"title": "T", "text": "_old_", "fallback": "f"}], NAMES) == "text\nT\nold"
    assert plain.message("", [], [{"fallback": "f"}], NAMES) == "f"


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


RICH = "*raw* @developer @platform-team@here#deployments:tada:https://e.comL2026-03-09#fff\n1. one\n2. two\n- a\n+ b"


@pytest.mark.parametrize(
    ("block", "read"),
    [
        ({"type": "header", "text": text("*as it is* &lt;x&gt;")}, "*as it is* <x>"),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "*a*"}, text("b")],
          "accessory": {"type": "button", "text": text("Go")}}, "a\nb\nGo"),
        ({"type": "context", "elements": [{"type": "image", "alt_text": "pic"}, text("words")]}, "pic words"),
        ({"type": "actions", "elements": [
            {"type": "button", "text": text("Approve")},
            {"type": "overflow", "options": [{"text": text("Hold"), "value": "h"}]},
            {"type": "static_select", "placeholder": text("Pick one")},
            {"type": "static_select", "placeholder": text("Pick"), "initial_option": {"text": text("Dev")}},
        ]}, "Approve  Hold  Pick one  Dev"),
        ({"type": "divider"}, ""),
        ({"type": "image", "title": text("T"), "alt_text": "alt"}, "T\nalt"),
        ({"type": "markdown", "text": "**x**"}, "**x**"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]]}, "a  b"),
        ({"type": "input", "label": text("Reason"), "hint": text("be kind"),
          "element": {"type": "plain_text_input", "initial_value": "late"}}, "Reason\nlate\nbe kind"),
        ({"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [
                {"type": "text", "text": "*raw* "}, {"type": "user", "user_id": "U0DEV1"},
                {"type": "text", "text": " "},
                {"type": "usergroup", "usergroup_id": "S0PLATFORM"}, {"type": "broadcast", "range": "here"},
                {"type": "channel", "channel_id": "C0DEPLOY"}, {"type": "emoji", "name": "tada"},
                {"type": "link", "url": "https://e.com"}, {"type": "link", "url": "https://e.com", "text": "L"},
                {"type": "date", "timestamp": MOMENT, "format": "{date_num}"}, {"type": "color", "value": "#fff"}]},
            {"type": "rich_text_list", "style": "ordered", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "- a\n+ b"}]},
        ]}, RICH),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)  # fmt: skip
def test_blocks(block: Json, read: str) -> None:
    assert plain.message("", [block, {"type": "divider"}], [], NAMES) == read


@given(st.text(alphabet=st.sampled_from("ab1 *_~`<>&|!@#^;:\n\x00\x01")))
def test_escaped_text_reads_as_it_was_inside_code(words: str) -> None:
    kept = words.replace("`", "").replace("\n", "").strip()
    escaped = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain.mrkdwn(f"`{escaped}`" if escaped else "", NAMES) == kept
    plain.mrkdwn(words, NAMES)
