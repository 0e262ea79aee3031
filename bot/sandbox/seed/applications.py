"""The Argo CD Applications that the world starts with, over the two seeded repositories."""

from bot.sandbox.argocd.application import ApplicationSeed
from bot.sandbox.seed.gateway import BRANCHES, GATEWAY
from bot.sandbox.seed.seed import APM, ENVIRONMENTS


def application_seeds() -> list[ApplicationSeed]:
    stack = [
        ApplicationSeed(
            name=f"apm-stack-{environment}", application="apm-stack", environment=environment, instance="main",
            project="apm", repository=APM, path=f"deployments/k8s/overlays/{environment}",
            target_revision="main", autosync=environment == "development", namespace=f"apm-{environment}",
        )
        for environment in ENVIRONMENTS
    ]  # fmt: skip
    gateway = [
        ApplicationSeed(
            name=f"apm-gateway-{environment}", application="apm-gateway", environment=environment, instance="main",
            project="apm", repository=GATEWAY, path=".", target_revision=branch,
            autosync=environment == "development",
        )
        for environment, branch in BRANCHES.items()
    ]  # fmt: skip
    return stack + gateway
