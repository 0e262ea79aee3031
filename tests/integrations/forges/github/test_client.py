"""Pull requests, checks, statuses and comments on a GitHub that keeps state."""

import pytest

from bot.domain.branch_rules import RequiredCheck, state_of
from bot.domain.identity import Revision
from bot.domain.pipeline import Repository
from bot.domain.pull_request import Check, CheckState, Mergeability
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.forges.github.markdown import GAP
from bot.ports import Denied, Forge, NotFound, Refused, Unavailable
from tests.integrations.forges.github.standin import HEAD, MERGED, TOKEN, Fault, Hub

BRANCH = "tiphys/apm-stack/production/01JXYZ"
MARKER = "<!-- tiphys:change:01JXYZ -->"
BODY = f"What it carries\n\n{MARKER}"


async def ensure(forge: Forge) -> int:
    found = await forge.ensure_pull_request(
        head_branch=BRANCH, base_branch="main", title="Promote apm-stack to production", body=BODY, marker=MARKER
    )
    return found.number


async def test_a_pull_request_is_opened_once(forge: GithubForge, hub: Hub) -> None:
    hub.branches[BRANCH] = HEAD
    first = await ensure(forge)
    assert await ensure(forge) == first
    assert len(hub.pulls) == 1
    assert hub.pulls[first]["title"] == "Promote apm-stack to production"
    assert MARKER in hub.pulls[first]["body"]


async def test_every_request_names_us_the_version_and_the_token(forge: GithubForge, hub: Hub) -> None:
    hub.branches[BRANCH] = HEAD
    await ensure(forge)
    for asked in hub.asked:
        assert asked.headers["Accept"] == "application/vnd.github+json"
        assert asked.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert asked.headers["User-Agent"] == "tiphys"
        assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_the_marker_is_added_where_the_body_lacks_it(forge: GithubForge, hub: Hub) -> None:
    hub.branches[BRANCH] = HEAD
    opened = await forge.ensure_pull_request(
        head_branch=BRANCH, base_branch="main", title="t", body="no marker", marker=MARKER
    )
    assert hub.pulls[opened.number]["body"].endswith(MARKER)


async def test_a_pull_request_that_was_opened_without_an_answer_is_found(forge: GithubForge, hub: Hub) -> None:
    hub.branches[BRANCH] = HEAD
    hub.fail("POST", "/pulls$", after=True, reset=True)
    with pytest.raises(Unavailable):
        await ensure(forge)
    assert await ensure(forge) in hub.pulls
    assert len(hub.pulls) == 1


async def test_a_list_that_lags_behind_the_create_is_waited_for(forge: GithubForge, hub: Hub) -> None:
    hub.branches[BRANCH] = HEAD
    number = await ensure(forge)
    hub.list_lags = True
    with pytest.raises(Unavailable, match="does not list it yet"):
        await ensure(forge)
    hub.list_lags = False
    assert await ensure(forge) == number


async def test_a_filter_that_github_ignored_does_not_find_somebody_elses(forge: GithubForge, hub: Hub) -> None:
    hub.honours_filter = False
    hub.open("feature/other", body=MARKER)
    fork = hub.open(BRANCH, body=MARKER)
    hub.pulls[fork]["head"]["repo"] = {"full_name": "stranger/apm"}
    gone = hub.open(BRANCH, body=MARKER)
    hub.pulls[gone]["head"]["repo"] = None
    hub.open(BRANCH, body="another change")
    assert await forge.find_pull_request(head_branch=BRANCH, marker=MARKER) is None


async def test_an_open_one_is_found_before_a_closed_one(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.close_by_hand(hub.open(BRANCH, body=MARKER))
    found = await forge.find_pull_request(head_branch=BRANCH, marker=MARKER)
    assert found is not None
    assert (found.number, found.is_open) == (number, True)


async def test_a_closed_one_is_found_and_no_second_one_is_opened(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.close_by_hand(number, "dev-one")
    assert await ensure(forge) == number
    assert (await forge.get_pull_request(number)).closed_by == "dev-one"
    assert hub.writes() == []


async def test_one_that_was_led_elsewhere_is_still_ours(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER, base="release")
    assert await ensure(forge) == number
    assert (await forge.get_pull_request(number)).base_branch == "release"


async def test_one_whose_marker_was_edited_away_is_taken_back(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body="somebody edited this")
    assert await ensure(forge) == number
    assert MARKER in hub.pulls[number]["body"]
    assert len(hub.pulls) == 1


@pytest.mark.parametrize(
    ("branches", "error", "words"),
    [
        ({"main": HEAD, BRANCH: HEAD}, Refused, "holds nothing that main lacks"),
        ({"main": HEAD}, Unavailable, "does not know the branch tiphys/apm-stack/production/01JXYZ yet"),
        ({BRANCH: HEAD}, NotFound, "branch main does not exist"),
    ],
)
async def test_what_cannot_be_opened_says_why(
    forge: GithubForge, hub: Hub, branches: dict[str, str], error: type[Exception], words: str
) -> None:
    hub.branches = branches
    with pytest.raises(error, match=words):
        await ensure(forge)


async def test_mergeability_is_unknown_until_it_is_computed(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.computing = 1
    assert (await forge.get_pull_request(number)).mergeability is Mergeability.UNKNOWN
    known = await forge.get_pull_request(number)
    assert known.mergeability is Mergeability.CLEAN
    assert known.merge_revision is None, "the test merge is no merge"


async def test_a_merged_one_names_the_merge_and_who(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.merge_by_hand(number, "dev-one")
    pull = await forge.get_pull_request(number)
    assert (pull.merged, pull.is_open, pull.merge_revision, pull.merged_by) == (True, False, MERGED, "dev-one")


async def test_a_token_that_may_not_see_issues_only_hides_who_closed(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.close_by_hand(number)
    hub.fail("GET", "/issues/", status=403, document={"message": "Resource not accessible by personal access token"})
    assert (await forge.get_pull_request(number)).closed_by is None


async def test_update_brings_title_body_and_base_back(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER, base="elsewhere")
    await forge.update(number, title="Promote", body=BODY, base_branch="main")
    pull = hub.pulls[number]
    assert (pull["title"], pull["body"], pull["base"]["ref"]) == ("Promote", BODY, "main")


async def test_checks_are_statuses_and_runs_of_all_pages_and_ours_is_marked(forge: GithubForge, hub: Hub) -> None:
    hub.page_size = 1
    for context, state in (("ci/build", "failure"), ("Tiphys/Approval", "pending"), ("ci/build", "success")):
        hub.statuses.append({"sha": HEAD, "context": context, "state": state, "target_url": "https://ci.example/1"})
    hub.statuses.append({"sha": HEAD, "context": "lint", "state": "error", "target_url": "javascript:alert(1)"})
    hub.runs = [
        {"name": "unit", "status": "in_progress", "conclusion": None, "html_url": "https://ci.example/2"},
        {"name": "e2e", "status": "completed", "conclusion": "skipped", "html_url": None},
        {"name": "scan", "status": "completed", "conclusion": "timed_out", "html_url": None},
        {"name": "new", "status": "completed", "conclusion": "something_new", "html_url": None},
    ]
    assert await forge.list_checks(Revision(HEAD)) == (
        Check(name="ci/build", state=CheckState.SUCCESS),
        Check(name="Tiphys/Approval", state=CheckState.PENDING, is_ours=True),
        Check(name="lint", state=CheckState.FAILURE),
        Check(name="unit", state=CheckState.PENDING),
        Check(name="e2e", state=CheckState.SUCCESS),
        Check(name="scan", state=CheckState.FAILURE),
        Check(name="new", state=CheckState.PENDING),
    )


async def test_where_check_runs_are_hidden_a_required_one_is_missing(forge: GithubForge, hub: Hub) -> None:
    """As docs/security.md says of fine-grained tokens and private repositories."""
    hub.statuses.append({"sha": HEAD, "context": "ci/build", "state": "success", "target_url": None})
    hub.runs = [{"name": "unit", "status": "completed", "conclusion": "failure", "html_url": None}]
    hub.fail("GET", "/check-runs", status=403, document={"message": "Resource not accessible by personal access token"})
    seen = await forge.list_checks(Revision(HEAD))
    assert seen == (Check(name="ci/build", state=CheckState.SUCCESS),)
    assert state_of(RequiredCheck(name="unit"), seen) is None


async def test_no_checks_are_no_checks_although_github_calls_that_pending(forge: GithubForge) -> None:
    assert await forge.list_checks(Revision(HEAD)) == ()


async def test_a_long_description_is_cut(forge: GithubForge, hub: Hub) -> None:
    await forge.set_status(Revision(HEAD), state="failure", description="because " * 40)
    assert hub.statuses[0]["context"] == "tiphys/approval"
    assert len(hub.statuses[0]["description"]) == 140


async def test_a_commit_that_github_does_not_know_yet_is_waited_for(forge: GithubForge, hub: Hub) -> None:
    """Right after a push; any other refusal is one."""
    hub.unknown = {HEAD}
    with pytest.raises(Unavailable, match=f"GitHub does not know the commit {HEAD[:7]} yet"):
        await forge.set_status(Revision(HEAD), state="pending", description="waiting")
    hub.unknown.clear()
    await forge.set_status(Revision(HEAD), state="pending", description="waiting")
    assert len(hub.statuses) == 1
    hub.faults.append(Fault(method="POST", path="/statuses/", status=422, document={"message": "Validation Failed"}))
    with pytest.raises(Refused, match="Validation Failed"):
        await forge.set_status(Revision(HEAD), state="pending", description="waiting")


async def test_it_is_closed_with_one_comment(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    await forge.ensure_closed(number, comment="apm-stack: rejected. @everyone see #12", marker=MARKER)
    await forge.ensure_closed(number, comment="apm-stack: rejected.", marker=MARKER)
    assert hub.pulls[number]["state"] == "closed"
    [comment] = hub.comments[number]
    assert comment.endswith(MARKER)
    assert f"@{GAP}everyone" in comment
    assert "#12" not in comment


async def test_a_comment_that_was_written_before_the_crash_is_not_written_again(forge: GithubForge, hub: Hub) -> None:
    number = hub.open(BRANCH, body=MARKER)
    hub.comments[number] = ["hello", "more", f"apm-stack: aborted.\n\n{MARKER}"]
    hub.page_size = 2
    await forge.ensure_closed(number, comment="apm-stack: aborted.", marker=MARKER)
    assert len(hub.comments[number]) == 3
    assert hub.pulls[number]["state"] == "closed"


async def test_what_was_merged_or_closed_stays_so(forge: GithubForge, hub: Hub) -> None:
    merged, closed = hub.open(BRANCH, body=MARKER), hub.open(BRANCH, body=MARKER)
    hub.merge_by_hand(merged)
    hub.close_by_hand(closed)
    for number in (merged, closed):
        await forge.ensure_closed(number, comment="over", marker=MARKER)
    assert [asked.method for asked in hub.writes()] == ["POST", "POST"]
    assert len(hub.comments[merged]) == len(hub.comments[closed]) == 1


async def test_a_pull_request_that_does_not_exist_is_not_found(forge: GithubForge) -> None:
    with pytest.raises(NotFound):
        await forge.get_pull_request(999)


async def test_a_token_that_github_does_not_know_is_denied_and_never_shown(hub: Hub) -> None:
    secret = "ghp_unknown_9876543210"
    client = GithubForge(Repository(name="apm", github="example/apm", api_url=hub.url, token=secret))
    with pytest.raises(Denied) as denied:
        await client.get_pull_request(1)
    await client.close()
    assert denied.value.slug == "bad-token"
    assert secret not in f"{denied.value!s} {denied.value.way_out} {client!r}"


async def test_a_transferred_repository_is_followed_for_reads_and_writes(forge: GithubForge, hub: Hub) -> None:
    hub.former_names = {"example/apm"}
    hub.name = "example-two/apm-renamed"
    hub.branches[BRANCH] = HEAD
    number = await ensure(forge)
    assert await ensure(forge) == number
    await forge.set_status(Revision(HEAD), state="pending", description="waits")
    assert (len(hub.pulls), len(hub.statuses)) == (1, 1)


async def test_a_write_to_a_renamed_repository_is_sent_again_where_github_says(forge: GithubForge, hub: Hub) -> None:
    hub.former_names = {"example/apm"}
    hub.name = "example-two/apm-renamed"
    await forge.set_status(Revision(HEAD), state="pending", description="waits")
    assert [asked.path.split("/")[1] for asked in hub.writes()] == ["repos", "repositories"]
    assert len(hub.statuses) == 1
