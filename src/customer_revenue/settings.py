"""One frozen settings object, from the environment and ``.env``, loaded by a function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from customer_revenue.errors import InvalidParameter


class ModelOptions(BaseModel):
    """What a variant of the models may do otherwise, for experiments.

    >>> ModelOptions(learned=False).model_dump(exclude_defaults=True)
    {'learned': False}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learned: bool = Field(default=True, description="Whether boosters learn from earlier windows what the models miss.")
    pareto: bool = Field(default=True, description="Whether Pareto/NBD is one of the members.")
    regularity: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None, description="Erlang shape of the gaps between purchases, 1 to 3; by default the likeliest."
    )
    penalizer: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Pulls the purchase models' parameters to 0; by default only where they have no maximum."
    )
    windows: Annotated[int, Field(ge=1, le=24)] = Field(5, description="Earlier windows to learn from, at most.")
    trees: Annotated[int, Field(ge=1, le=2000)] = Field(80, description="Trees of each booster.")
    folds: Annotated[int, Field(ge=1, le=12)] = Field(
        2, description="Cut-offs of the back-test that training does and the gate judges."
    )


class StoreOptions(BaseModel):
    """How a store is opened and written, whichever it is."""

    model_config = ConfigDict(frozen=True)

    timezone: str
    """The reporting zone."""
    timezone_is_set: bool
    """Whether somebody chose the zone; otherwise a store keeps the one that it was made with."""
    currency: str
    """ISO 4217 code; empty for the file format's."""
    mapping: Path | None
    embedded_memory: int
    """In bytes."""
    statement_seconds: int

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.timezone)


class FitOptions(BaseModel):
    """How a model is fitted, for any horizon."""

    model_config = ConfigDict(frozen=True)

    interval_mass: float
    discount_rate_per_year: Decimal
    seed: int
    options: ModelOptions


class RegistryOptions(BaseModel):
    """Where trained versions are kept: the folder of bundles, and the experiment on the tracking server."""

    model_config = ConfigDict(frozen=True)

    models: Path
    model: str
    """The model in use: the folder of a bundle, or an MLflow URI such as ``models:/NAME@ALIAS``."""
    tracking_uri: str
    """Empty for ``MLFLOW_TRACKING_URI`` or a SQLite file in the folder of bundles."""
    experiment: str


class Settings(BaseSettings):
    """Every setting. Each can be given as ``CUSTOMER_REVENUE_<NAME>`` in the environment or in a ``.env`` file."""

    model_config = SettingsConfigDict(
        env_prefix="CUSTOMER_REVENUE_",
        env_file=".env",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    store: str = Field("duckdb:///data/orders.duckdb", description="URL of the store of orders.")
    models: Path = Field(Path("models"), description="Folder of the model bundles.")
    model: str = Field(
        "", description="Bundle to answer with: a folder or models:/NAME@ALIAS; by default models/current."
    )
    mapping: Path | None = Field(
        None, description="TOML file that maps the names of a shop's own tables, columns and statuses to ours."
    )
    forget_key: SecretStr = Field(
        SecretStr(""), description="Secret under which forgotten customers are remembered; the same for every import."
    )
    policy: Path | None = Field(None, description="TOML file whose keys override the packaged policy.")
    as_of: dt.date | None = Field(None, description="Day to take for now in every answer; the store's own by default.")
    currency: str = Field("", description="ISO 4217 code of the store's currency; by default the file format's.")
    timezone: str = Field("UTC", description="Reporting time zone, which decides the day of an order.")
    log: Path | None = Field(None, description="Folder of the prediction log; none by default.")
    log_predictions: Literal["off", "sampled", "all"] = Field(
        "all", description="Whose predictions are logged, where there is a log: off, sampled or all."
    )
    log_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="Share of the customers whose predictions are logged where they are sampled."
    )
    keys: Path = Field(Path("data/keys.json"), description="File of the API keys, kept as hashes.")
    requests_per_minute: Annotated[int, Field(ge=0)] = Field(
        0, description="Requests that each API key may make in a minute to each worker; 0 for no limit."
    )
    batch_customers: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Customers that one call of a batch route may ask about."
    )
    customers_in_memory: Annotated[int, Field(ge=0)] = Field(
        2_000_000,
        description="Customers of a store up to which a worker keeps them in memory; 0 to ask the store each time.",
    )
    embedded_memory: ByteSize = Field(
        ByteSize(4 * 1024**3), description="Memory that the embedded database may use before it spills to disk."
    )
    history_orders: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Orders and refunds that one history may have that is sent to be scored."
    )
    body_bytes: Annotated[int, Field(ge=1024)] = Field(
        16 * 1024 * 1024, description="Bytes that the body of a request may have."
    )
    statement_seconds: Annotated[int, Field(ge=1)] = Field(
        600, description="Seconds that a database server may take over a statement; 60 in the service if not set."
    )
    tracking_uri: str = Field(
        "",
        description="MLflow tracking server; MLFLOW_TRACKING_URI or a SQLite file in the folder of models by default.",
    )
    experiment: str = Field("customer-revenue", description="Name of the MLflow experiment and registered model.")
    ltv_horizon_days: Annotated[int, Field(ge=30, le=3650)] = Field(365, description="Horizon of the estimated LTV.")
    discount_rate_per_year: Annotated[Decimal, Field(ge=0, lt=1)] = Field(
        Decimal("0.10"), description="Yearly discount rate of future revenue."
    )
    interval_mass: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.80, description="Least probability that an interval holds."
    )
    seed: int = Field(20_240, description="Seed of everything random in training.")
    options: ModelOptions = Field(
        ModelOptions(),
        description="Variant of the models, see docs/experiments.md; one as CUSTOMER_REVENUE_OPTIONS__TREES.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Level of the logs.")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("no such IANA time zone, such as Europe/London") from error
        return name

    @property
    def store_options(self) -> StoreOptions:
        """How a store is opened and written."""
        return StoreOptions(
            timezone=self.timezone,
            timezone_is_set="timezone" in self.model_fields_set,
            currency=self.currency,
            mapping=self.mapping,
            embedded_memory=self.embedded_memory,
            statement_seconds=self.statement_seconds,
        )

    @property
    def fit_options(self) -> FitOptions:
        """How a model is fitted."""
        return FitOptions(
            interval_mass=self.interval_mass,
            discount_rate_per_year=self.discount_rate_per_year,
            seed=self.seed,
            options=self.options,
        )

    @property
    def registry(self) -> RegistryOptions:
        """Where trained versions are kept."""
        return RegistryOptions(
            models=self.models,
            model=self.current_model,
            tracking_uri=self.tracking_uri,
            experiment=self.experiment,
        )

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.timezone)

    @property
    def logged_share(self) -> float:
        """Share of the customers whose predictions are logged."""
        return {"off": 0.0, "sampled": self.log_share, "all": 1.0}[self.log_predictions]

    @property
    def current_model(self) -> str:
        """The bundle to answer with: a folder or an MLflow model URI."""
        return self.model or str(self.models / "current")


EXPERIMENT_SETTINGS = ("ltv_horizon_days", "discount_rate_per_year", "interval_mass", "seed")
"""Settings that an experiment may change in addition to the model's options."""


def with_changes(settings: Settings, changes: Iterable[str]) -> Settings:
    """The settings with some changed for an experiment.

    Args:
        settings: to start from.
        changes: each as ``name=value``: an option of the models or one of :data:`EXPERIMENT_SETTINGS`.

    Raises:
        InvalidParameter: names what may be set, or the value at fault.

    >>> with_changes(load_settings(), ["windows=3", "seed=1"]).options.windows
    3
    """
    options: dict[str, object] = settings.options.model_dump()
    own: dict[str, object] = {name: getattr(settings, name) for name in settings.model_fields_set}
    allowed = (*ModelOptions.model_fields, *EXPERIMENT_SETTINGS)
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in allowed:
            raise InvalidParameter(f"--set takes NAME=VALUE, not {change[:60]!r}", [f"names: {', '.join(allowed)}"])
        (options if name in ModelOptions.model_fields else own)[name] = value
    return load_settings(**{**own, "options": options})


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; overrides that are not ``None`` win.

    Raises:
        InvalidParameter: names the setting at fault.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidParameter(f"setting {name}: {first['msg']} (got {str(first['input'])[:60]!r})") from None
