"""Reading what was typed. What each command reads as is in `tests/commands/`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.command import Argument, ArgumentKind, Command
from bot.chat.parsing import Misread, Understood, read
from bot.domain.pipeline import Configuration
from tests.desk import COMMANDS, configuration

CONFIGURATION = configuration()


def understood(words: str, of: Configuration = CONFIGURATION) -> Understood:
    found = read(words, COMMANDS, of)
    assert isinstance(found, Understood), found.text.plain
    return found


def misread(words: str) -> Misread:
    found = read(words, COMMANDS, CONFIGURATION)
    assert isinstance(found, Misread), found
    return found


@pytest.mark.parametrize("words", ["", "   ", "help", "HELP", '""'])
def test_nothing_typed_asks_for_help(words: str) -> None:
    assert understood(words).command.name == "help"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("promot apm-stack prod", "I do not know promot. Did you mean promote? Type /gitops help for all."),
        ("stat", "I do not know stat. Did you mean status? Type /gitops help for all."),
        ("xyzzy", "I do not know xyzzy. Type /gitops help for all."),
    ],
)
def test_a_mistyped_verb_is_told_what_was_probably_meant(words: str, says: str) -> None:
    found = misread(words)
    assert (found.slug, found.text.plain) == ("unknown-command", says)


@pytest.mark.parametrize(
    "words",
    [
        'promote "apm-stack" prod',
        "promote 'apm-stack' 'prod'",
        "promote “apm-stack” “prod”",
        "promote „apm-stack“ prod",
        "promote ‘apm-stack’ prod",
        "  promote\tapm-stack \n prod ",
    ],
)
def test_quotes_of_every_make_and_blanks_make_no_difference(words: str) -> None:
    assert dict(understood(words).args.values) == {"application": "apm-stack", "environment": "production"}


@pytest.mark.parametrize(
    "words", ["promote apm-stack prod --sync", "promote --sync apm-stack prod", "promote —sync apm-stack prod"]
)
def test_a_flag_may_stand_anywhere_and_its_dashes_may_be_one_long_one(words: str) -> None:
    assert understood(words).args.flags == {"sync"}


def test_an_unknown_flag_is_told_what_there_is() -> None:
    found = misread("promote apm-stack prod --snyc")
    assert found.slug == "unknown-flag"
    assert found.text.plain.startswith("I do not know --snyc. Did you mean --sync? Usage: promote <application>")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("don't do it, it's wrong", "don't do it, it's wrong"),
        ("wrong version — see the thread", "wrong version — see the thread"),
        ("it fails -- see   #7", "it fails -- see   #7"),
        ("“the migration is not reviewed”", "the migration is not reviewed"),
        ('say "no" to it', 'say "no" to it'),
        ('"a" and "b"', '"a" and "b"'),
        ("C:\\temp is full", "C:\\temp is full"),
        ("<!channel> *look* `here` <@U0ADMIN>", "<!channel> *look* `here` <@U0ADMIN>"),
    ],
)
def test_free_text_is_taken_as_it_was_typed(typed: str, reason: str) -> None:
    assert understood(f"reject #42 {typed}").args["reason"] == reason


def test_a_flag_before_free_text_is_still_one() -> None:
    assert misread("reject #42 --force because").slug == "unknown-flag"


def test_an_application_that_does_not_exist_is_never_guessed() -> None:
    found = misread("promote apm-stak prod")
    assert found.slug == "unknown-application"
    assert "There is no application apm-stak. Did you mean apm-stack?" in found.text.plain


@pytest.mark.parametrize(
    ("typed", "meant"), [("prod", "production"), ("production", "production"), ("dev", "development")]
)
def test_an_environment_is_known_by_its_aliases(typed: str, meant: str) -> None:
    assert understood(f"status apm-stack {typed}").args["environment"] == meant


@pytest.mark.parametrize(("typed", "meant"), [("prd", "prod"), ("PROD", "prod"), ("stagin", "staging")])
def test_an_environment_that_does_not_exist_is_never_guessed(typed: str, meant: str) -> None:
    found = misread(f"promote apm-stack {typed}")
    assert found.slug == "unknown-environment"
    assert f"apm-stack has no environment {typed}." in found.text.plain
    assert meant in found.text.plain


def test_an_environment_without_an_application_is_one_of_all() -> None:
    """A command may ask for an environment alone."""
    alone = Command(
        name="drift", summary="", run=COMMANDS[0].run, action=None,
        arguments=(Argument(name="environment", kind=ArgumentKind.ENVIRONMENT, help=""),),
    )  # fmt: skip
    assert isinstance(read("drift stg", [alone], CONFIGURATION), Understood)
    found = read("drift stag", [alone], CONFIGURATION)
    assert isinstance(found, Misread)
    assert "There is no environment stag. Did you mean stg or staging?" in found.text.plain


@pytest.mark.parametrize(("typed", "name"), [("#42", "42"), ("42", "42"), ("01HZX3K6Q4T8V2M5N7P9R1S3WA",) * 2])
def test_a_change_is_named_by_its_number_or_its_ulid(typed: str, name: str) -> None:
    assert understood(f"abort {typed}").args["change"] == name


@pytest.mark.parametrize(
    "typed", ["the-last", "#", "4 2", "-1", "1234567890", "٤٢", "²", "01HZX3K6Q4T8V2M5N7P9R1S3W", "#42;drop"]
)
def test_nothing_else_names_a_change(typed: str) -> None:
    found = misread(f'approve "{typed}"')
    assert found.slug == "unknown-change"
    assert "A change is named by its number, such as #42" in found.text.plain


def test_a_missing_argument_shows_how_it_is_written() -> None:
    found = misread("promote apm-stack")
    assert found.slug == "missing-argument"
    assert found.text.plain == (
        "The environment is missing. Usage: promote <application> <environment> [--sync]. "
        "For example promote apm-stack prod."
    )


def test_too_many_arguments_name_the_first_that_is_left() -> None:
    found = misread("promote apm-stack prod now please")
    assert found.slug == "too-many-arguments"
    assert "I do not know what to do with “now”." in found.text.plain


@given(st.text(max_size=200))
def test_whatever_is_typed_is_understood_or_answered(words: str) -> None:
    found = read(words, COMMANDS, CONFIGURATION)
    assert isinstance(found, Understood) or found.text.plain


@given(st.text(min_size=1, max_size=100).map(str.strip).filter(bool).filter(lambda text: text[0] not in "-—\"'“”„‘’"))
def test_a_reason_is_kept_to_the_letter(reason: str) -> None:
    assert understood(f"reject 7 {reason}").args["reason"] == reason
