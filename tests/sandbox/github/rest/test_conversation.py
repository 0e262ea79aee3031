"""Reviews and comments."""

from tests.sandbox.github.conftest import REPO, Forge

COMMENTS = f"/repos/{REPO}/issues/1/comments"
REVIEWS = f"/repos/{REPO}/pulls/1/reviews"


async def test_comments_are_written_and_edited_by_their_author(forge: Forge) -> None:
    await forge.open("topic")
    made = await forge.api.post(COMMENTS, json={"body": "one"})
    assert (made.status_code, made.json()["user"]["login"]) == (201, "tiphys")
    path = f"/repos/{REPO}/issues/comments/{made.json()['id']}"
    assert (await forge.api.patch(path, json={"body": "two"})).json()["body"] == "two"
    assert (await forge.developer.patch(path, json={"body": "three"})).status_code == 403
    assert [comment["body"] for comment in (await forge.api.get(COMMENTS)).json()] == ["two"]
    assert (await forge.api.get(path)).json()["body"] == "two"


async def test_refused_comments(forge: Forge) -> None:
    await forge.open("topic")
    for body in ("", "x" * 65_537):
        assert (await forge.api.post(COMMENTS, json={"body": body})).status_code == 422
    assert (await forge.api.post(f"/repos/{REPO}/issues/9/comments", json={"body": "x"})).status_code == 404
    assert (await forge.api.patch(f"/repos/{REPO}/issues/comments/9", json={"body": "x"})).status_code == 404


async def test_a_review(forge: Forge) -> None:
    pull = await forge.open("topic")
    made = (await forge.developer.post(REVIEWS, json={"event": "APPROVE"})).json()
    assert (made["state"], made["commit_id"]) == ("APPROVED", pull["head"]["sha"])
    assert [(r["user"]["login"], r["state"]) for r in (await forge.api.get(REVIEWS)).json()] == [
        ("developer", "APPROVED")
    ]


async def test_nobody_approves_his_own(forge: Forge) -> None:
    await forge.open("topic")
    answer = await forge.api.post(REVIEWS, json={"event": "APPROVE"})
    assert (answer.status_code, answer.json()["errors"]) == (422, ["Can not approve your own pull request"])
    assert (await forge.api.post(REVIEWS, json={"event": "COMMENT", "body": "looks odd"})).status_code == 200
    assert (await forge.developer.post(REVIEWS, json={"event": "REQUEST_CHANGES"})).status_code == 422
