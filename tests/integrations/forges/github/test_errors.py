"""GitHub's complaints in one bounded sentence."""

from bot.integrations.forges.github.errors import LONGEST_REASON, sentence_of


def test_a_complaint_is_its_message_and_those_of_its_errors() -> None:
    document = {
        "message": "Validation Failed",
        "errors": [
            {"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for o:b."},
            {"resource": "PullRequest", "field": "head", "code": "invalid"},
            "plain words",
            {"unknown": True},
        ],
    }
    said = "Validation Failed; A pull request already exists for o:b.; head is invalid; plain words"
    assert sentence_of(document) == said


def test_without_a_message_there_is_still_a_sentence() -> None:
    assert sentence_of({"errors": "none"}) == "no reason given"


def test_it_is_one_line_and_bounded() -> None:
    said = sentence_of({"message": "Repository rule violations found\n\n" + "x" * 5000})
    assert "\n" not in said
    assert len(said) == LONGEST_REASON
