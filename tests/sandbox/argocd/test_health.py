"""Health per object and summed up."""

import pytest

from bot.sandbox.argocd.health import SLOW_ROLLOUT_SECONDS, course_of, worst
from bot.sandbox.argocd.objects import Json


def workload(image: str, **spec: object) -> Json:
    template = {"spec": {"containers": [{"name": "c", "image": image}]}}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": template, **spec}}


def test_a_good_image_rolls_out_and_is_healthy() -> None:
    course = course_of(workload("web:1"))
    assert course.meanwhile is not None
    assert course.end is not None
    assert (course.meanwhile.status, course.end.status) == ("Progressing", "Healthy")


def test_a_bad_image_is_degraded_with_the_reason() -> None:
    end = course_of(workload("web:1-bad")).end
    assert end is not None
    assert end.status == "Degraded"
    assert 'pulling image "web:1-bad"' in end.message


def test_a_slow_image_takes_its_time() -> None:
    assert course_of(workload("web:1-slow")).seconds == SLOW_ROLLOUT_SECONDS


def test_nothing_to_roll_out() -> None:
    assert course_of(workload("web:1-bad", replicas=0)).seconds == 0
    paused = course_of(workload("web:1", paused=True)).end
    assert paused is not None
    assert paused.status == "Suspended"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "Healthy"), (["Healthy", "Missing"], "Healthy"), (["Missing"], "Missing"),
        (["Progressing", "Suspended"], "Progressing"), (["Degraded", "Progressing", "Healthy"], "Degraded"),
    ],
)  # fmt: skip
def test_an_application_is_as_its_worst_resource(statuses: list[str], expected: str) -> None:
    assert worst(statuses) == expected
