"""The demonstration answers before its back-test is done, and says so."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import Shop, free_port

from customer_revenue.cli.background_service import BackgroundService
from customer_revenue.console import expecting
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.orders.files.samples import write_cdnow_sample
from customer_revenue.settings import ModelOptions, Settings, load_settings
from customer_revenue.workflows import demo as demonstration
from customer_revenue.workflows.customers.answers import Answers

API = "/api/payment/analytics"
PATIENCE_SECONDS = 240


class Steps:
    """A report that keeps what it receives."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []

    def __call__(self, step: str, done: float | None = None, /) -> None:
        assert done is not None
        self.seen.append((step, done))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A tenth of the customers."""
    return write_cdnow_sample(tmp_path / "CDNOW_sample.txt")


@pytest.fixture
def settings(tmp_path: Path, sample: Path, tracking_store: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A demonstration of these customers alone, with small models."""
    shutil.copy(tracking_store, tmp_path)
    monkeypatch.setattr(demonstration, "cdnow_path", lambda: sample)
    return load_settings(
        store=f"duckdb:///{tmp_path}/orders.duckdb",
        models=tmp_path / "models",
        tracking_uri=f"sqlite:///{tmp_path}/mlflow.db",
        options=ModelOptions(trees=5, windows=2, regularity=1, pareto=False),
    )


@pytest.mark.process  # MLflow asks git for the version
@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_what_answers_first_is_the_model_that_is_then_back_tested(
    settings: Settings, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = sample.read_text().splitlines()[1].split()[0]
    served, first = [], []

    def answer_with(model: str) -> None:
        served.append(model)
        with_model = settings.model_copy(update={"model": model})
        answers = Answers.open(with_model)
        first.append((answers.model_card(), answers.customer(customer)["predictions"], answers.dashboard().context()))
        answers.close()

    steps = Steps()
    with demonstration.without_first_model(settings.models):
        demonstration.demo(settings, steps, 3000, answer_with)
        answers = Answers.open(settings.model_copy(update={"model": served[0]}))
        ((card, predictions, context),) = first
        assert (card["backtest_under_way"], card["backtest"], card["figures"], card["live_since"]) == (
            True,
            None,
            [],
            None,
        )
        assert context["backtest_under_way"] is True
        later = answers.model_card()
        assert later["backtest_under_way"] is False
        assert later["backtest"]
        assert later["figures"]
        assert later["live_since"]
        assert later["model"] == card["model"]
        assert answers.customer(customer)["predictions"] == predictions
        assert answers.dashboard().context()["backtest_under_way"] is False
        answers.close()
    left = {path.name for path in settings.models.iterdir() if path.is_dir()}
    assert left == {"current", read_manifest(settings.current_model)["version"], "mlflow-artifacts", "tracking-queue"}
    named = [name for name, _ in demonstration.STEP_SECONDS]
    begun = [next(name for name in reversed(named) if step.startswith(name)) for step, _ in distinct(steps)]
    assert begun == named

    def enough(*_: object) -> None:
        raise NotImplementedError

    served.clear()
    monkeypatch.setattr(demonstration, "train", enough)
    with pytest.raises(NotImplementedError):
        demonstration.demo(settings, steps, 3000, served.append)
    assert served == [settings.current_model], "what is champion already answers at once"


def distinct(steps: Steps) -> Iterator[tuple[str, float]]:
    """The first report of each step that begins a new part."""
    share = -1.0
    for step, done in steps.seen:
        if done > share:
            share = done
            yield step, done


def test_steps_say_how_long_is_to_go_at_the_pace_so_far() -> None:
    now, steps = [0.0], Steps()
    report = expecting(steps, [("read", 10), ("fit", 20), ("test", 30), ("test", 40)], lambda: now[0])
    for at, step in ((0, "read a"), (5, "writing"), (20, "fit"), (40, "test one"), (41, "test one"), (60, "test two")):
        now[0] = at
        report(step)
    report("done", 1.0)
    assert steps.seen == [
        ("read a (about 100 s to go)", 0.0),
        ("writing (about 100 s to go)", 0.0),
        ("fit (about 135 s to go)", 0.1),
        ("test one (about 90 s to go)", 0.3),
        ("test one (about 90 s to go)", 0.3),
        ("test two (about 40 s to go)", 0.6),
    ]


def test_a_port_in_use_is_refused_before_anything_else() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InvalidParameter, match="is in use"):
            BackgroundService(taken.getsockname()[1], lambda: None)


def interrupted() -> None:
    """A signal that ends work with an error of its own, as in a query."""
    with BackgroundService(free_port(), lambda: None):
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit:
            raise RuntimeError("Query interrupted") from None


def test_a_signal_ends_the_command_even_if_what_it_interrupts_fails_otherwise() -> None:
    with pytest.raises(SystemExit) as ended:
        interrupted()
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.slow
def test_the_page_answers_while_the_back_test_runs_and_ends_with_the_command(new_shop: Shop) -> None:
    port = free_port()
    command = [sys.executable, "-m", "customer_revenue", "demo", "--port", str(port)]
    with (
        (new_shop.folder / "demo.log").open("wb") as log,
        subprocess.Popen(command, cwd=new_shop.folder, env=new_shop.environment, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        try:
            assert wait_for(client, process, under_way=True)["figures"] == []
            assert client.get(f"{API}/customers/07592/revenue").json()["predictions"]
            assert client.get("/").status_code == 200
            assert wait_for(client, process, under_way=False)["figures"]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        with pytest.raises(httpx.ConnectError):
            client.get("/livez")
    assert f"http://127.0.0.1:{port} answers, after" in (new_shop.folder / "demo.log").read_text()


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes], *, under_way: bool) -> dict[str, object]:
    """The model card, once its back-test is under way, or is done."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            card: dict[str, object] = client.get(f"{API}/model").json()
        except httpx.TransportError:
            card = {}
        if card.get("backtest_under_way") is under_way:
            return card
        time.sleep(0.2)
    raise TimeoutError
