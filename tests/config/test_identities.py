import pytest

from tests.config.conftest import Reading, changed


@pytest.mark.parametrize(
    ("second", "path", "reason"),
    [
        ("{slack: [U0TWO, U0ONE]}", "people.second.slack[1]", "belongs to `first` already"),
        ("{slack: [U0TWO], github: [ONE]}", "people.second.github[0]", "GitHub login `ONE` belongs to `first`"),
        ("{slack: [U0TWO, U0TWO]}", "people.second.slack[1]", "twice"),
    ],
)
def test_an_id_belongs_to_one_person(reading: Reading, second: str, path: str, reason: str) -> None:
    problem = reading.problem(changed(("{slack: [U0TWO]}", second)))
    assert problem.path == path
    assert reason in problem.reason
