"""The errors that this package raises on purpose.

    CustomerRevenueError
    ├── InputError                  unusable input (exit status 2, HTTP 422)
    │   ├── InvalidParameter        a parameter outside its allowed values
    │   │   └── NotFitted           a model asked for what only its fit finds
    │   ├── UnreadableFile          missing, empty, or not what its name says
    │   ├── UnknownFormat           a header that no format recognises
    │   ├── UndecidedColumn         a column that can be read in two ways
    │   ├── NothingImported         a file of which no row could be used
    │   ├── CustomerReassigned      an order id that occurs again with another customer
    │   ├── CurrencyMismatch        a file in a currency other than the store's
    │   ├── BooksDisagree           an import that does not hold what the books say
    │   └── InvalidPolicy           a policy file that breaks its rules
    ├── CustomerNotFound            HTTP 404
    ├── CampaignNotFound            HTTP 404
    ├── StoreError                  (HTTP 503)
    │   ├── StoreNotFound           no store at that URL
    │   ├── StoreNotUsable          foreign, newer than this package, or damaged
    │   └── StoreBusy               another import is running
    ├── ModelError                  (HTTP 503)
    │   ├── ModelNotFound           nothing trained yet
    │   │   └── NoEarlierChampion   nothing to roll back to (HTTP 409)
    │   ├── BundleDamaged           a file is missing, truncated or altered
    │   ├── BundleIncompatible      a schema that this package does not read
    │   ├── NotEnoughData           nothing to train on
    │   └── ModelBusy               another training or promotion is running
    ├── TrackingUnavailable         the tracking server does not answer (HTTP 503)
    ├── Overloaded                  too much is waiting, or it took too long (HTTP 503)
    ├── KeysUnavailable             the file of API keys is gone or damaged (HTTP 503)
    ├── WebhookFailed               a webhook leads to a private network or does not answer (HTTP 502)
    ├── Unauthorized                HTTP 401
    ├── SettingsNotSaved            the policy file cannot be written, or not by a program (HTTP 409)
    ├── GateRefused                 a challenger failed the gate (exit status 3)
    └── AlarmRaised                 monitoring raised an alarm (exit status 3)

``code`` is stable, and clients may branch on it; the message is for people and says what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CustomerRevenueError(Exception):
    """Base of all errors raised on purpose.

    ``details`` are further single lines, such as the offending rows or the allowed values.
    """

    code: ClassVar[str] = "internal_error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details: tuple[str, ...] = tuple(details)


class InputError(CustomerRevenueError):
    """The input cannot be used."""

    code = "invalid_input"
    exit_status = 2
    http_status = 422


class InvalidParameter(InputError):
    """A parameter is outside its allowed values, which ``details`` lists."""

    code = "invalid_parameter"


class NotFitted(InvalidParameter, AttributeError):
    """A model was asked for what only its fit finds."""

    code = "not_fitted"


class UnreadableFile(InputError):
    """A file is missing, empty, or not what its name says."""

    code = "unreadable_file"


class UnknownFormat(InputError):
    """No import format recognises the file's header."""

    code = "unknown_format"


class UndecidedColumn(InputError):
    """A column of a file can be read in two ways; the message names the option that decides."""

    code = "undecided_column"


class NothingImported(InputError):
    """Every row of a file was quarantined."""

    code = "nothing_imported"


class CustomerReassigned(InputError):
    """An order id occurred again with another customer."""

    code = "customer_reassigned"


class CurrencyMismatch(InputError):
    """A file's currency differs from the store's."""

    code = "currency_mismatch"


class BooksDisagree(InputError):
    """An import does not hold what the books say; ``details`` names the differences."""

    code = "books_disagree"
    exit_status = 3


class InvalidPolicy(InputError):
    """A policy file breaks its rules; the message names the line."""

    code = "invalid_policy"


class CustomerNotFound(CustomerRevenueError):
    """The store has no such customer."""

    code = "customer_not_found"
    exit_status = 2
    http_status = 404


class CampaignNotFound(CustomerRevenueError):
    """There is no such campaign; ``details`` lists those there are."""

    code = "campaign_not_found"
    exit_status = 2
    http_status = 404


class StoreError(CustomerRevenueError):
    """The store cannot answer."""

    code = "store_unavailable"
    exit_status = 2
    http_status = 503


class StoreNotFound(StoreError):
    """There is no store at the given URL."""

    code = "store_not_found"


class StoreNotUsable(StoreError):
    """The store was not made by this package, is newer than it, or is damaged."""

    code = "store_not_usable"


class StoreBusy(StoreError):
    """Another import is writing to the store."""

    code = "store_busy"


class ModelError(CustomerRevenueError):
    """No model can answer."""

    code = "model_unavailable"
    exit_status = 2
    http_status = 503


class ModelNotFound(ModelError):
    """Nothing has been trained yet, or the named model does not exist."""

    code = "model_not_found"


class NoEarlierChampion(ModelNotFound):
    """There is no champion on record before the present one."""

    code = "no_earlier_champion"
    http_status = 409


class BundleDamaged(ModelError):
    """A file of the bundle is missing, truncated or altered."""

    code = "bundle_damaged"


class BundleIncompatible(ModelError):
    """The bundle has a schema that this package does not read, or is not a bundle."""

    code = "bundle_incompatible"


class NotEnoughData(ModelError):
    """There is not enough data to train or back-test on."""

    code = "not_enough_data"


class ModelBusy(ModelError):
    """Another training or promotion is running."""

    code = "model_busy"


class TrackingUnavailable(CustomerRevenueError):
    """The tracking server does not answer, or refuses what it is sent."""

    code = "tracking_unavailable"
    exit_status = 2
    http_status = 503


class Overloaded(CustomerRevenueError):
    """Too many requests are waiting already, or one has taken too long."""

    code = "overloaded"
    exit_status = 2
    http_status = 503


class WebhookFailed(CustomerRevenueError):
    """A webhook leads to a private network, does not answer, or refuses."""

    code = "webhook_failed"
    http_status = 502


class KeysUnavailable(CustomerRevenueError):
    """The file of API keys is gone or damaged, so nobody is let in."""

    code = "keys_unavailable"
    exit_status = 2
    http_status = 503


class Unauthorized(CustomerRevenueError):
    """The request carries no valid API key."""

    code = "unauthorized"
    exit_status = 2
    http_status = 401


class GateRefused(CustomerRevenueError):
    """A challenger is not good enough to become champion; ``details`` names the metrics that failed."""

    code = "gate_refused"
    exit_status = 3
    http_status = 409


class SettingsNotSaved(CustomerRevenueError):
    """The policy file cannot be written, or is written in a way that only people can change, or nothing is kept."""

    code = "settings_not_saved"
    http_status = 409


class AlarmRaised(CustomerRevenueError):
    """Monitoring raised an alarm; ``details`` lists the findings."""

    code = "alarm_raised"
    exit_status = 3
    http_status = 409
