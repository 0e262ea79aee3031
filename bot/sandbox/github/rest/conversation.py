"""What people say on a pull request: reviews and comments."""

from typing import cast

from aiohttp import web

from bot.sandbox.github import pulls, refusals
from bot.sandbox.github.records import Comment, Pull, ReviewState
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.rest.call import REPO, Call, Endpoints

EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


async def list_reviews(call: Call) -> web.Response:
    pull = call.pull
    return call.page(pull.reviews, lambda review: call.shapes.review(pull, review))


async def create_review(call: Call) -> web.Response:
    call.needs_write()
    pull = call.pull
    event, body = call.one_of("event", tuple(EVENTS)), call.find_text("body") or ""
    if event != "APPROVE" and not body:
        raise Refusal(422, "body_missing", "Unprocessable Entity", ["Review body can't be blank"])
    state = cast(ReviewState, EVENTS[event])
    commit = call.find_text("commit_id")
    made = pulls.review(call.forge, pull, login=call.login, state=state, body=body, commit=commit)
    return web.json_response(call.shapes.review(pull, made))


async def list_comments(call: Call) -> web.Response:
    pull = call.pull
    return call.page(pull.comments, lambda comment: call.shapes.comment(pull, comment))


async def create_comment(call: Call) -> web.Response:
    pull = call.pull
    made = pulls.comment(call.forge, pull, login=call.login, body=call.text("body"))
    return web.json_response(call.shapes.comment(pull, made), status=201)


async def get_comment(call: Call) -> web.Response:
    return web.json_response(call.shapes.comment(*_find_comment(call)))


async def edit_comment(call: Call) -> web.Response:
    pull, made = _find_comment(call)
    pulls.edit_comment(call.forge, made, login=call.login, body=call.text("body"))
    return web.json_response(call.shapes.comment(pull, made))


def _find_comment(call: Call) -> tuple[Pull, Comment]:
    wanted = int(call.path("comment"))
    for pull in call.records.pulls.values():
        for comment in pull.comments:
            if comment.id == wanted:
                return pull, comment
    raise refusals.not_found()


ENDPOINTS: Endpoints = [
    ("GET", REPO + r"/pulls/{number:\d+}/reviews", list_reviews),
    ("POST", REPO + r"/pulls/{number:\d+}/reviews", create_review),
    ("GET", REPO + r"/issues/{number:\d+}/comments", list_comments),
    ("POST", REPO + r"/issues/{number:\d+}/comments", create_comment),
    ("GET", REPO + r"/issues/comments/{comment:\d+}", get_comment),
    ("PATCH", REPO + r"/issues/comments/{comment:\d+}", edit_comment),
]
