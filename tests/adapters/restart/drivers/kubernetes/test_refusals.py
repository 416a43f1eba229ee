"""An API server that refuses, is busy or does not answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver
from sidecar.adapters.restart.drivers.kubernetes.workload import (
    Workload,
)
from sidecar.domain.errors import DriverError
from tests.adapters.restart.drivers.kubernetes.cluster import (
    FED,
    LIST,
    FakeCluster,
    busy,
    observed,
)
from tests.kit.certificates import Authority
from tests.kubernetes_api import (
    STATEFULSET,
    TOKEN,
    Rule,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("rules", "of", "doing", "lacks", "rule"),
    [
        (
            (),
            None,
            "inspect pod fed-0",
            "get pods",
            'apiGroups: [""], resources: [pods], resourceNames: [fed-0], verbs: [get]',
        ),
        (
            (Rule("", "pods", ("get", "watch")),),
            None,
            "restart pod fed-0",
            "delete pods",
            'apiGroups: [""], resources: [pods], resourceNames: [fed-0], verbs: [delete]',
        ),
        (
            (Rule("", "pods", ("get", "watch")), Rule("apps", "statefulsets", ("get",), ("fed",))),
            FED,
            "restart statefulset fed",
            "patch statefulsets",
            'apiGroups: ["apps"], resources: [statefulsets], resourceNames: [fed], verbs: [patch]',
        ),
    ],
)
async def test_a_missing_right_is_reported_with_its_rule(
    fake: FakeCluster, rules: tuple[Rule, ...], of: Workload | None, doing: str, lacks: str, rule: str
) -> None:
    fake.cluster.rules = rules
    driver = fake.driver(of)

    with pytest.raises(DriverError) as caught:
        await driver.restart(await observed(driver), LIST)
    assert str(caught.value) == (
        f"cannot {doing}: service account federation/fed may not {lacks} in namespace federation (403); "
        f"add to its Role: {{{rule}}}"
    )


async def test_a_token_is_read_again_at_every_call(fake: FakeCluster) -> None:
    driver = fake.driver()
    await driver.observe()
    fake.cluster.tokens = {"the.next.token": fake.cluster.tokens[TOKEN]}

    with pytest.raises(
        DriverError, match=r"does not accept the service account's token \(401\); it has expired"
    ):
        await driver.observe()
    fake.access.token_file.write_text("the.next.token")
    assert await driver.observe() is not None


async def test_a_missing_pod_is_reported_with_its_settings(fake: FakeCluster) -> None:
    driver = KubernetesDriver(replace(fake.access, pod="fed-1"))
    fake.cluster.rules = (Rule("", "pods", ("get",)),)

    with pytest.raises(DriverError, match=r'pods "fed-1" not found; see whether .*--kubernetes-pod'):
        await driver.observe()


async def test_a_wrong_list_of_rights_to_a_workload_that_is_not_there(rolling: FakeCluster) -> None:
    rolling.cluster.remove(STATEFULSET)
    driver = rolling.driver(FED)

    with pytest.raises(DriverError, match=r'statefulsets\.apps "fed" not found; see whether'):
        await driver.restart(await observed(driver), LIST)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_after_the_time_it_names(fake: FakeCluster, status: int) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.busy_answers = [busy(status, "0"), busy(status, "0")]

    await driver.restart(incarnation, LIST)

    deletions = [call.status for call in fake.cluster.calls if call.verb == "delete"]
    assert deletions == [status, status, 200]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((429, "600"), r"busy \(429\) and asks for 600 s: Too many requests, please try again later\."),
        ((500, None), r"the API server refused it \(500\): Too many requests"),
    ],
)
async def test_a_server_that_stays_busy_is_trouble_for_now(
    fake: FakeCluster, answer: tuple[int, str | None], words: str
) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.busy_answers = [busy(*answer)]

    with pytest.raises(DriverError, match=words):
        await driver.restart(incarnation, LIST)


async def test_an_invalid_answer_is_reported(fake: FakeCluster) -> None:
    fake.cluster.busy_answers = [web.Response(text="<html>a proxy</html>"), web.Response(text="[]")]
    driver = fake.driver()

    with pytest.raises(DriverError, match="the API server's answer is not JSON"):
        await driver.observe()
    with pytest.raises(DriverError, match="the API server's answer is not a JSON object"):
        await driver.observe()


async def test_a_redirect_is_not_followed_with_the_token(fake: FakeCluster) -> None:
    fake.cluster.busy_answers = [web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})]

    with pytest.raises(DriverError, match=r"refused it \(302\)"):
        await fake.driver().observe()


async def test_a_server_that_hangs_is_given_up(fake: FakeCluster) -> None:
    fake.cluster.hung = True
    driver = KubernetesDriver(fake.access, timeout=0.2)

    with pytest.raises(DriverError, match="does not answer in time"):
        await driver.observe()


async def test_an_unreachable_server_is_reported(fake: FakeCluster) -> None:
    driver = KubernetesDriver(replace(fake.access, url="https://127.0.0.1:9"))

    with pytest.raises(DriverError, match=r"https://127\.0\.0\.1:9: Connect call failed|Connection refused"):
        await driver.observe()


async def test_a_server_of_another_authority_gets_no_token(fake: FakeCluster, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other").cert
    driver = KubernetesDriver(replace(fake.access, ca_file=other))

    with pytest.raises(DriverError, match=f"has a certificate that {other} did not sign: "):
        await driver.observe()
    assert fake.cluster.calls == []


async def test_a_missing_token_is_reported_with_its_file(fake: FakeCluster) -> None:
    fake.access.token_file.unlink()

    with pytest.raises(DriverError, match=rf"{fake.access.token_file}: No such file or directory"):
        await fake.driver().observe()
