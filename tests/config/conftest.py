"""A small whole file, and the way it is read."""

import pytest

from bot.config.loading import load
from bot.config.problems import Problem
from bot.domain.pipeline import Configuration

TOKENS = {"ARGOCD_AUTH_TOKEN": "argocd-token-1", "GITHUB_TOKEN": "github-token-1"}

WHOLE = """\
version: 1
people:
  first: {slack: [U0ONE, U0ONEB], github: [one]}
  second: {slack: [U0TWO]}
argocd:
  main: {server: https://argocd.example.com}
repositories:
  shop: {github: example/shop}
environments:
  development: {aliases: [dev], sync: automated}
  production:
    aliases: [prod]
    sync: controlled
    approvals: {needed: 1, from: [role:release]}
applications:
  shop:
    repository: shop
    strategy: {type: kustomize-images, branch: main, path: "overlays/{environment}"}
    argocd: {project: shop}
    stages:
      development: {}
      production: {from: development}
permissions:
  policy: |
    p, role:release, changes, approve, */*, allow
    g, S0GROUP, role:release
"""


def changed(*replacements: tuple[str, str]) -> str:
    """The whole file with some of its text replaced; each piece must be there once or more."""
    text = WHOLE
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Reading:
    """Reads texts as files of this content would be read."""

    def __init__(self) -> None:
        self.environ: dict[str, str] = dict(TOKENS)
        self.files: dict[str, str] = {}

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def load(self, text: str) -> Configuration | list[Problem]:
        return load(text, file="conf/tiphys.yaml", environ=self.environ, read_file=self.read_file)

    def good(self, text: str = WHOLE) -> Configuration:
        found = self.load(text)
        assert not isinstance(found, list), "\n".join(map(str, found))
        return found

    def problems(self, text: str) -> list[Problem]:
        found = self.load(text)
        assert isinstance(found, list), "no problem was found"
        return found

    def problem(self, text: str) -> Problem:
        found = self.problems(text)
        assert len(found) == 1, "\n".join(map(str, found))
        return found[0]


@pytest.fixture
def reading() -> Reading:
    return Reading()
