"""The result of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from customer_revenue.errors import GateRefused
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.workflows.evaluation.covariate_choice import CovariateTrial
from customer_revenue.workflows.evaluation.fold import BacktestFold
from customer_revenue.workflows.evaluation.metric_tables import fold_table
from customer_revenue.workflows.registry.champion import Change
from customer_revenue.workflows.registry.verdict import Verdict


@dataclass(frozen=True, repr=False)
class TrainingResult:
    """The result of a training run.

    Attributes:
        version: of the bundle.
        folder: of the bundle.
        run_id: in MLflow; ``None`` while the run waits for the tracking server.
        registered_version: in MLflow's registry; ``None`` likewise.
        customers: learned from.
        windows: earlier windows, learned from as well.
        predictor: the models.
        last_fold: the last fold of the back-test; ``None`` without one.
        seconds: that it took.
        verdict: the gate's; ``None`` for an experiment, which is not judged.
        change: that made it champion, if it is.
        held: why it is not champion though it passed the gate, if so.
        covariates: that were tried, and whether they are used.
    """

    version: str
    folder: Path
    run_id: str | None
    registered_version: str | None
    customers: int
    windows: int
    predictor: Predictor
    last_fold: BacktestFold | None
    seconds: float
    verdict: Verdict | None = None
    change: Change | None = None
    held: str = ""
    covariates: tuple[CovariateTrial, ...] = ()

    def __repr__(self) -> str:
        judged = self.verdict.word if self.verdict else "experiment"
        return f"<TrainingResult: {self.version}, {self.predictor.tier_}, {judged}>"

    def text(self) -> str:
        """Lines for people."""
        lines = [
            f"Trained on {self.customers:,} customers and {self.windows} earlier windows in {self.seconds:.1f} s",
            f"Predictions rest on: {self.predictor.tier_} ({self.predictor.tier_reason_})",
            f"Bundle: {self.folder}",
            f"MLflow: run {self.run_id}, version {self.registered_version}"
            if self.run_id
            else "MLflow: the run waits until the tracking server answers; the next command sends it",
        ]
        lines[2:2] = [trial.text() for trial in self.covariates]
        if self.last_fold is None:
            lines.append("No back-test: there is too little data for one")
        else:
            lines += ["", fold_table(self.last_fold), ""]
        if self.verdict is not None:
            lines.append(self.verdict.text())
        return "\n".join([*lines, self._outcome()])

    def _outcome(self) -> str:
        if self.verdict is None:
            return "An experiment: the model in use stays as it is"
        if self.change is not None:
            return f"Champion: {self.change.text()}"
        return f"Challenger only: {self.held or 'the gate refused it'}"

    def check(self) -> None:
        """Raise if it should have become champion and did not.

        Raises:
            GateRefused: says why.
        """
        if self.verdict is not None and self.change is None:
            reasons = self.verdict.refusals or (self.held,)
            raise GateRefused(f"{self.version} is a challenger only; the champion stays", reasons)
