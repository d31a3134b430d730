"""`slackwater config`: check a file, print its schema, show what it resolves to. Also how other commands read theirs."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from slackwater.cli.console import emit, note
from slackwater.errors import ConfigError, DataError, UsageError

if TYPE_CHECKING:
    from slackwater.config import Config
    from slackwater.config.ladder import Ladder

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout.")]
File = Annotated[Path | None, Parameter(help="A YAML file; without it, the defaults.")]

app = App(name="config", help="Check, show and describe the configuration.", help_format="plaintext")


def read_config(path: Path | None) -> Config:
    """The configuration of a file, or the defaults; what the file's owner should know is said on stderr.

    Raises:
        ConfigError: the file is missing, unreadable or invalid.
    """
    from slackwater.config import load

    config = load(path)
    for notice in config.notices:
        note(notice)
    return config


@app.command
def check(
    file: File = None,
    /,
    *,
    price: Annotated[float, Parameter(help="Price of the first sale.")] = 100.0,
    spread: Annotated[float | None, Parameter(help="A steady spread in bps. Left out: signals.min_spread_bps.")] = None,
    volatility: Annotated[float, Parameter(help="Volatility in bps a minute; 8 stands in until there are candles.")] = 8.0,
    json: Json = False,
) -> None:
    """Validate a configuration and print the grid that it implies: price, gap, size, total and average of every layer."""
    from slackwater.config.ladder import ladder

    config = read_config(file)
    _check_files(config)
    spread_bps = config.signals.min_spread_bps if spread is None else spread
    for name, value, least in (("--price", price, 1e-12), ("--spread", spread_bps, 0.0), ("--volatility", volatility, 0.0)):
        if not least <= value <= 1e12:
            raise UsageError(f"{name}: expected a number of {least:g} or more, found {value:g}")
    found = ladder(config, price, spread_bps, volatility)
    warnings = _warnings(config)
    payload = {
        "valid": True,
        "notices": list(config.notices),
        "warnings": warnings,
        "spread_bps": spread_bps,
        "volatility_bps": volatility,
        "ladder": [rung._asdict() for rung in found.rungs],
        "end": found.end,
    }
    emit(json, payload, lambda: _check_text(file, found, warnings, spread_bps, volatility))


@app.command
def schema(*, json: Json = False) -> None:
    """Print the JSON schema of the configuration, for editors and other tools; with and without --json the same object."""
    from slackwater.config import Config

    payload = Config.model_json_schema(by_alias=True)
    emit(json, payload, lambda: json_text.dumps(payload, indent=2))


@app.command
def show(file: File = None, /, *, json: Json = False) -> None:
    """Print a file with every setting it leaves out; without a file, the defaults with the unit and reason of each."""
    config = read_config(file)
    emit(json, config.to_mapping(), config.commented_yaml if file is None else config.resolved_yaml)


def _check_files(config: Config) -> None:
    """Read the files that a configuration names.

    Raises:
        ConfigError: one is missing, or does not hold what it should.
    """
    if config.sim.latency_model != "recorded":
        return
    from slackwater.runtime.latencies import load_latencies

    try:
        load_latencies(Path(config.sim.latency_file))
    except DataError as error:
        raise ConfigError(f"sim.latency_file: {error}") from error


def _check_text(file: Path | None, found: Ladder, warnings: list[str], spread_bps: float, volatility_bps: float) -> str:
    lines = [
        f"{file or 'defaults'}: valid",
        f"The grid at a spread of {spread_bps:g} bps and a volatility of {volatility_bps:g} bps a minute:",
        f"{'layer':>5}  {'price':>14}  {'gap bps':>9}  {'size usd':>9}  {'total usd':>10}  {'average':>14}  {'back bps':>9}",
    ]
    lines += [
        f"{rung.layer:>5}  {rung.price:>14.8g}  {rung.gap_bps:>9.1f}  {rung.size_usd:>9.2f}  {rung.total_usd:>10.2f}"
        f"  {rung.average:>14.8g}  {rung.to_average_bps:>9.1f}"
        for rung in found.rungs
    ]
    lines.append("gap: rise above the average before it; back: fall from the layer's price to the new average")
    lines.append(f"The grid ends there: {found.end}.")
    return "\n".join(lines + [f"warning: {warning}" for warning in warnings])


def _warnings(config: Config) -> list[str]:
    """Settings that are legal and probably not meant."""
    found = []
    largest = config.account.balance * config.account.leverage
    if config.portfolio.max_total_notional > largest:
        found.append(f"portfolio.max_total_notional is more than balance times leverage ({largest:g} usd): margin ends first")
    if config.portfolio.max_total_notional < config.grid.min_notional:
        found.append("portfolio.max_total_notional is less than grid.min_notional: nothing will trade")
    if 0 < config.grid.max_symbol_notional < config.grid.min_notional:
        found.append("grid.max_symbol_notional is less than grid.min_notional: nothing will trade")
    if config.exit.stop_loss_bps == 0 and config.exit.max_age_sec == 0:
        found.append("neither exit.stop_loss_bps nor exit.max_age_sec is set: a losing position stays open until the price returns")
    return found
