from bot.config.problems import Problem, Problems, choose, did_you_mean, written


def test_a_path_as_it_is_read() -> None:
    assert written(("people", "developer", "slack", 0)) == "people.developer.slack[0]"
    assert written(("people", "jane.doe", "slack")) == 'people."jane.doe".slack'
    assert written(()) == ""


def test_a_problem_in_one_line() -> None:
    problem = Problem(file="tiphys.yaml", path="a.b", line=3, reason="it is wrong", fix="Mend it")
    assert str(problem) == "tiphys.yaml:3: a.b: it is wrong. Mend it"
    assert Problem(file="environment", path="X", line=None, reason="r", fix="f").place == "environment"


def test_the_same_is_told_once() -> None:
    problems = Problems("f")
    problems.add(("a",), "r", "x")
    problems.add(("a",), "r", "x")
    assert len(problems.found) == 1


def test_what_is_at_in_or_around_a_damaged_place_is_damaged() -> None:
    problems = Problems("f", damaged={("a", "b")})
    assert problems.is_damaged(("a", "b"))
    assert problems.is_damaged(("a", "b", "c"))
    assert problems.is_damaged(("a",))
    assert not problems.is_damaged(("a", "c"), ("b",))


def test_what_was_probably_meant() -> None:
    assert did_you_mean("prodution", ["production", "staging"]) == "production"
    assert did_you_mean("Slack", ["slack"]) == "slack"
    assert did_you_mean("xyz", ["production"]) is None
    assert choose("xyz", ["a", "b"]) == "Use one of: `a`, `b`"
    assert choose("xyz", [], nothing="declare it") == "There is nothing to choose: declare it"
