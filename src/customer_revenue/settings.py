"""Settings from the environment and ``.env``, loaded by a function into one frozen object."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource

from customer_revenue.choices import Covariate
from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import MAX_HORIZON_DAYS

PREFIX, NESTED = "CUSTOMER_REVENUE_", "__"
"""How the names of variables begin, and what separates a setting from its own options."""

TEST_PREFIX = f"{PREFIX}TEST_"
"""Variables that configure this package's own tests; they are no settings."""


def _names(value: object) -> object:
    """Text as the environment and --set give it, as a list."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


class ModelOptions(BaseModel):
    """Options of the models that an experiment may change.

    >>> ModelOptions(learned=False).model_dump(exclude_defaults=True)
    {'learned': False}
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    learned: bool = Field(default=True, description="Whether boosters learn the models' errors from earlier windows.")
    pareto: bool = Field(default=True, description="Whether Pareto/NBD is a member of the ensemble.")
    prior: bool = Field(default=True, description="Whether a small shop starts from what other shops taught.")
    regularity: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None,
        description=(
            "Erlang shape of the gaps between purchases, 1 to 3, the same for all customers; by default the most "
            "likely, or a mixture of several where customers differ."
        ),
    )
    penalizer: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="Penalty on the purchase models' parameters; by default only if the likelihood has no maximum.",
    )
    windows: Annotated[int, Field(ge=1, le=24)] = Field(
        5, description="Maximum number of earlier windows to learn from."
    )
    trees: Annotated[int, Field(ge=1, le=2000)] = Field(40, description="Number of trees of each booster.")
    churn_days: Annotated[int, Field(ge=7, le=730)] = Field(
        90, description="The churn score is the chance of no purchase within this many days."
    )
    folds: Annotated[int, Field(ge=1, le=12)] = Field(
        2, description="Number of cut-offs of the back-test that the gate evaluates."
    )
    covariates: Annotated[tuple[Covariate, ...], NoDecode, BeforeValidator(_names)] = Field(
        (),
        description=(
            "Columns of customers' first orders to try as covariates, separated by commas, such as channel,country; "
            "training drops those that add nothing in its back-test."
        ),
    )


class StoreOptions(BaseModel):
    """How a store is opened and written."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    timezone: str
    """The reporting zone."""
    timezone_is_set: bool
    """Whether the zone was set explicitly; otherwise a store keeps the one that it was created with."""
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

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    interval_mass: float
    discount_rate_per_year: Decimal
    seed: int
    options: ModelOptions


class RegistryOptions(BaseModel):
    """Where trained versions are kept: the folder of bundles, and the experiment on the tracking server."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    models: Path
    model: str
    """The model in use: the folder of a bundle, or an MLflow URI such as ``models:/NAME@ALIAS``."""
    tracking_uri: str
    """Empty for ``MLFLOW_TRACKING_URI`` or a SQLite file in the folder of bundles."""
    experiment: str


class Settings(BaseSettings):
    """All settings. Each can be set as ``CUSTOMER_REVENUE_<NAME>`` in the environment or in a ``.env`` file."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_nested_delimiter=NESTED,
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
    )

    store: str = Field("duckdb:///data/orders.duckdb", description="URL of the store of orders.")
    database_user: str = Field("", description="User of the database server, where the URL of the store names none.")
    database_password: SecretStr = Field(
        SecretStr(""), description="Password of that user: any characters, not encoded as in a URL."
    )
    models: Path = Field(Path("models"), description="Folder of the model bundles.")
    model: str = Field("", description="Bundle to serve: a folder or models:/NAME@ALIAS; by default models/current.")
    mapping: Path | None = Field(
        None, description="TOML file that maps a shop's own tables, columns and statuses to ours."
    )
    forget_key: SecretStr = Field(
        SecretStr(""), description="Secret key of the hashes of forgotten customers; the same for every import."
    )
    policy: Path | None = Field(
        Path("data/policy.toml"),
        description="TOML file whose keys override the packaged policy; the default need not be there.",
    )
    acquisition_costs: Path | None = Field(
        None, description="CSV file of what was spent to win customers: channel, month, cost."
    )
    as_of: dt.date | None = Field(None, description="Day to compute everything as of; by default the store's own.")
    currency: str = Field("", description="ISO 4217 code of the store's currency; by default the file format's.")
    timezone: str = Field("UTC", description="Reporting time zone, which decides the day of an order.")
    log: Path | None = Field(None, description="Folder of the prediction log; none by default.")
    log_predictions: Literal["off", "sampled", "all"] = Field(
        "all", description="Customers whose predictions are logged, if there is a log: off, sampled or all."
    )
    log_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="Share of customers whose predictions are logged if they are sampled."
    )
    campaigns: Path = Field(
        Path("data/campaigns.sqlite"), description="File of the campaigns and who was held out of them."
    )
    learned_effects: Path = Field(
        Path("data/learned-effects.toml"), description="TOML file of the effects that campaigns have measured."
    )
    webhooks: tuple[str, ...] = Field(
        (), description="Addresses, as a JSON list, that the digest and campaigns may be sent to; https only."
    )
    webhook_networks: tuple[str, ...] = Field(
        (), description="Private networks, as a JSON list, that webhooks may lead to, such as 10.1.0.0/16."
    )
    keys: Path = Field(Path("data/keys.json"), description="File of the API keys, kept as hashes.")
    forgotten: Path = Field(
        Path("data/forgotten.json"),
        description="File of who was forgotten, as keyed hashes, and of the backups that were made.",
    )
    mcp_key: SecretStr = Field(
        SecretStr(""), description="API key that `customer-revenue mcp` asks with, where it talks by standard input."
    )
    requests_per_minute: Annotated[int, Field(ge=0)] = Field(
        0, description="Maximum number of requests per minute, API key and worker; 0 for no limit."
    )
    batch_customers: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Maximum number of customers in one batch request."
    )
    customers_in_memory: Annotated[int, Field(ge=0)] = Field(
        2_000_000,
        description="Customers of a store up to which they are kept in memory; 0 to query the store each time.",
    )
    snapshots: Path = Field(
        Path("data/snapshots"), description="Folder of the customers in memory, a file that all workers map."
    )
    stale_seconds: Annotated[int, Field(ge=0)] = Field(
        3600, description="Seconds for which customers in memory are answered while the database is away; 0 for never."
    )
    embedded_memory: ByteSize = Field(
        ByteSize(4 * 1024**3), description="Maximum memory of the embedded database before it spills to disk."
    )
    history_orders: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Maximum number of orders and refunds in a posted history."
    )
    workers: Annotated[int, Field(ge=0)] = Field(
        0, description="Number of worker processes of the service; 0 for one per core."
    )
    body_bytes: Annotated[int, Field(ge=1024)] = Field(
        16 * 1024 * 1024, description="Maximum size of a request body, in bytes."
    )
    request_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        50, description="Maximum seconds of a batch or of what asks the store, waiting included; then 503."
    )
    connections: Annotated[int, Field(ge=10, le=100_000)] = Field(
        1000, description="Connections that a worker of the service holds; beyond, the longest idle one is closed."
    )
    header_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        10, description="Maximum seconds in which a client sends the headers of a request; then 408."
    )
    body_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        60, description="Maximum seconds in which a client sends the body of a request, or reads nothing of an answer."
    )
    statement_seconds: Annotated[int, Field(ge=1)] = Field(
        600, description="Maximum seconds per statement of a database server; if not set, 60 in the service."
    )
    tracking_uri: str = Field(
        "",
        description="MLflow tracking server; MLFLOW_TRACKING_URI or a SQLite file in the folder of models by default.",
    )
    experiment: str = Field("customer-revenue", description="Name of the MLflow experiment and registered model.")
    ltv_horizon_days: Annotated[int, Field(ge=30, le=MAX_HORIZON_DAYS)] = Field(
        365, description="Horizon of the estimated LTV."
    )
    discount_rate_per_year: Annotated[Decimal, Field(ge=0, lt=1)] = Field(
        Decimal("0.10"), description="Yearly discount rate of future revenue."
    )
    interval_mass: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.80,
        description="Probability between the ends of an interval, which leave out half of the rest on each side.",
    )
    seed: int = Field(20_240, description="Seed of the random numbers in training.")
    options: ModelOptions = Field(
        ModelOptions(),
        description="Variant of the models, see docs/experiments.md; for example CUSTOMER_REVENUE_OPTIONS__TREES.",
    )
    traces: str = Field(
        "",
        description="Address that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces.",
    )
    traces_share: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="Share of requests that are traced, unless the caller says whether."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Log level.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Pydantic's own sources, whose variables must all be settings.

        Raises:
            InvalidParameter: a variable with our prefix is not a setting; the message suggests one.
        """
        for source in (env_settings, dotenv_settings):
            if isinstance(source, EnvSettingsSource):
                _check_names(source.env_vars)
        return super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("not an IANA time zone such as Europe/London") from error
        return name

    @model_validator(mode="after")
    def _with_credentials(self) -> Self:
        """The URL of the store with the user and the password that are set apart from it."""
        user, password = self.database_user, self.database_password.get_secret_value()
        scheme, separator, place = self.store.partition("://")
        if password and not user:
            raise ValueError("database_password needs database_user")
        if user and separator and scheme not in ("duckdb", "spark") and "@" not in place:
            encoded = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
            object.__setattr__(self, "store", f"{scheme}://{encoded}@{place}")
        return self

    @property
    def timezone_is_set(self) -> bool:
        """Whether the zone was set explicitly."""
        return "timezone" in self.model_fields_set

    @property
    def store_options(self) -> StoreOptions:
        """How a store is opened and written."""
        return StoreOptions.model_validate(self, from_attributes=True)

    @property
    def fit_options(self) -> FitOptions:
        """How a model is fitted."""
        return FitOptions.model_validate(self, from_attributes=True)

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


def _variables() -> list[str]:
    options = (f"OPTIONS{NESTED}{name.upper()}" for name in ModelOptions.model_fields)
    return [f"{PREFIX}{name}" for name in (*map(str.upper, Settings.model_fields), *options)]


def _check_names(variables: Iterable[str]) -> None:
    """Refuse a variable with our prefix that is not a setting: it would have no effect.

    Raises:
        InvalidParameter: names the variable, and the setting that is probably meant.
    """
    known = _variables()
    for name in map(str.upper, variables):
        if name.startswith(PREFIX) and name not in known and not name.startswith(TEST_PREFIX):
            (meant, *_) = get_close_matches(name, known, 1) or [""]
            advice = f"did you mean {meant}?" if meant else "docs/settings.md lists the settings"
            raise InvalidParameter(f"{name[:80]} is not a setting: {advice}")


EXPERIMENT_SETTINGS = ("ltv_horizon_days", "discount_rate_per_year", "interval_mass", "seed")
"""Settings that an experiment may change in addition to the model's options."""


def with_changes(settings: Settings, changes: Iterable[str]) -> Settings:
    """The settings with some changed for an experiment.

    Args:
        settings: the settings to start from.
        changes: each as ``name=value``: an option of the models or one of :data:`EXPERIMENT_SETTINGS`.

    Raises:
        InvalidParameter: names the allowed settings, or the invalid value.

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
        InvalidParameter: a setting is invalid; the message names it.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if not name:  # of several settings, among which there may be a password
            raise InvalidParameter(str(first["msg"]).removeprefix("Value error, ")) from None
        raise InvalidParameter(f"setting {name}: {first['msg']} (got {str(first['input'])[:60]!r})") from None
