"""Configuration: defaults, what is refused and with which words, V7's files, and every setting's way into the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slackwater.config import Config, from_mapping, load
from slackwater.config.complaints import known_keys
from slackwater.config.ladder import ladder
from slackwater.config.lowering import NOT_LOWERED
from slackwater.errors import ConfigError
from slackwater.schema.params import MdNorm, Params, QueueModel, TpMode, VolUnits, ZClock
from slackwater.schema.units import DAY, HOUR, MS, SEC


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        from_mapping(values)
    return str(caught.value)


def written(folder: Path, text: str) -> Path:
    path = folder / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(value: Any) -> Any:
    """Another legal value of about the same size."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1
    return value * 0.9 if value else 0.25


def test_no_file_gives_the_defaults() -> None:
    assert load(None) == Config() == from_mapping({})
    assert load(None).notices == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "grid:\n", "grid: {}\n", "grid: {max_layers: 32}\n"])
def test_what_a_file_leaves_out_keeps_its_default(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)) == Config()


def test_resolved_yaml_loads_to_the_same_configuration(tmp_path: Path) -> None:
    config = from_mapping(
        {
            "scanner": {"symbols": ["BTCUSDT", "1000PEPEUSDT", "null", "a, b"]},
            "volatility": {"tf_weights": {"1m": 1, "15m": 0}, "tf_lookbacks": {"5m": "90m"}},
            "session": {"seed": 2**63 - 1},
            "fees": {"maker": -0.00005},
        }
    )
    assert load(written(tmp_path, config.resolved_yaml())) == config
    assert load(written(tmp_path, config.commented_yaml())) == config


def test_configuration_is_frozen_and_hashable() -> None:
    config = Config()
    with pytest.raises(ValueError, match="frozen"):
        config.grid.max_layers = 3  # type: ignore[misc]
    assert hash(config) == hash(from_mapping({}))


REFUSED = [
    ({"grid": {"max_layers": 0}}, "grid.max_layers: expected 1..64, found 0"),
    ({"grid": {"max_layers": 65}}, "grid.max_layers: expected 1..64, found 65"),
    ({"grid": {"max_layers": 3.0}}, "grid.max_layers: expected a whole number, found 3.0"),
    ({"grid": {"max_layers": True}}, "grid.max_layers: expected a whole number, found true"),
    ({"grid": {"min_notional": "50"}}, "grid.min_notional: expected a number, found '50'"),
    ({"grid": {"min_notional": None}}, "grid.min_notional: expected a number, found nothing"),
    ({"grid": {"min_notional": float("nan")}}, "grid.min_notional: expected a finite number, found nan"),
    ({"grid": {"max_symbol_notional": float("inf")}}, "grid.max_symbol_notional: expected a finite number, found inf"),
    ({"grid": {"vol_floor_bps": 0}}, "grid.vol_floor_bps: expected more than 0 and at most 10000, found 0"),
    ({"grid": {"vol_normalize": 1}}, "grid.vol_normalize: expected true or false, found 1"),
    ({"grid": {"relief_full_bps": 35}}, "grid.relief_full_bps: expected more than relief_start_bps (35), found 35.0"),
    ({"grid": {"max_notional": 49}}, "grid.max_notional: expected min_notional (50) or more, found 49.0"),
    ({"grid": [1]}, "grid: expected a section of settings, found a list of 1"),
    ({"fees": {"maker": -0.001}}, "fees.maker: expected a rebate no larger than the taker fee, found -0.001"),
    ({"signals": {"max_spread_bps": 5}}, "signals.max_spread_bps: expected min_spread_bps (7) or more, found 5.0"),
    ({"signals": {"z_clock": "wall"}}, "signals.z_clock: expected updates or time, found 'wall'"),
    ({"signals": {"waterfall_decay_sec": 0}}, "signals.waterfall_decay_sec: expected more than 0 and at most 315360000, found 0"),
    ({"volatility": {"drift_min": 4}}, "volatility.drift_max: expected drift_min (4) or more, found 3.0"),
    (
        {"volatility": {"tf_weights": {"1m": 0, "5m": 0, "15m": 0}}},
        "volatility.tf_weights: expected a sum of more than 0 with drift_enabled, found 0.0",
    ),
    ({"volatility": {"tf_lookbacks": {"1m": "2d"}}}, "volatility.tf_lookbacks.1m: expected 3..1000 candles of 1m, found 2d"),
    ({"volatility": {"tf_lookbacks": {"15m": "30m"}}}, "volatility.tf_lookbacks.15m: expected 3..1000 candles of 15m, found 30m"),
    (
        {"volatility": {"tf_lookbacks": {"1m": 6}}},
        "volatility.tf_lookbacks.1m: expected a whole number and s, m, h or d, like 30s, 6h or 2d, found 6",
    ),
    ({"risk": {"cooldown_steps_sec": []}}, "risk.cooldown_steps_sec: expected 1..16 values, found a list of 0"),
    ({"risk": {"cooldown_steps_sec": [1] * 17}}, "risk.cooldown_steps_sec: expected 1..16 values, found a list of 17"),
    ({"risk": {"cooldown_steps_sec": [8, -1]}}, "risk.cooldown_steps_sec.1: expected at least 0, found -1"),
    ({"risk": {"cooldown_steps_sec": 8}}, "risk.cooldown_steps_sec: expected a list, found 8"),
    ({"inverse_tp": {"max_zones": 17}}, "inverse_tp.max_zones: expected 1..16, found 17"),
    ({"dynamic": {"behavior_lookback": 513}}, "dynamic.behavior_lookback: expected 1..512, found 513"),
    ({"recovery": {"avg_max_adds_per_hour": 65}}, "recovery.avg_max_adds_per_hour: expected 0..64, found 65"),
    ({"stealth": {"max_slices": 6}}, "stealth.max_slices: expected 1..5, found 6"),
    ({"stealth": {"max_slices": 1}}, "stealth.max_slices: expected min_slices (2) or more, found 1"),
    ({"session": {"seed": -1}}, "session.seed: expected 0..9223372036854775807, found -1"),
    ({"scanner": {"symbols": "BTCUSDT"}}, "scanner.symbols: expected a list, found 'BTCUSDT'"),
    ({"scanner": {"symbols": [1]}}, "scanner.symbols.0: expected text, found 1"),
    ({"grid": {"max_layer": 3}}, "grid.max_layer: unknown, the nearest known one is grid.max_layers"),
    ({"grid": {"stop_loss_bps": 3}}, "grid.stop_loss_bps: unknown, the nearest known one is exit.stop_loss_bps"),
    ({"sginals": {}}, "sginals: unknown, the nearest known one is signals"),
    ({"volatility": {"tf_weights": {"30m": 1}}}, "volatility.tf_weights.30m: unknown, and no known one is like it"),
    ({"volatility": {"tf_weights": {"1min": 1}}}, "volatility.tf_weights.1min: unknown, the nearest known one is volatility.tf_weights.1m"),
    ({"gird": {}}, "gird: unknown, the nearest known one is grid"),
    ({"Grid": {}}, "Grid: unknown, the nearest known one is grid"),
    ({"max_layers": 3}, "max_layers: unknown, the nearest known one is grid.max_layers"),
    ({"edge": {"blah": 1}}, "edge.blah: unknown, and no known one is like it"),
    ({"a": 1}, "a: unknown, and no known one is like it"),
    ({"1": 1}, "1: unknown, and no known one is like it"),
    ({"grid.max_layers": 3}, "grid.max_layers: expected the setting below its section, `grid:` and in it `max_layers:`"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[message.partition(",")[0] for _, message in REFUSED])
def test_refusals_say_expected_and_found(values: dict[str, Any], message: str) -> None:
    assert refusal(values) == message


def test_every_problem_is_reported_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "grid:\n  max_layers: 0\n\nexit:\n  tp_decay_floor: 2\nedge: {min_sample: 3}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [
        f"grid.max_layers: expected 1..64, found 0 ({path} line 2)",
        f"exit.tp_decay_floor: expected 0..1, found 2 ({path} line 5)",
        f"edge.min_sample: unknown, the nearest known one is edge.min_samples ({path} line 6)",
    ]
    assert caught.value.exit_code == 2


UNREADABLE = [
    ("grid:\n  max_layers: 3\n  max_layers: 4\n", 'line 3: expected every key once, found duplicate key "max_layers"'),
    ("grid: [1\n", "line 2: expected YAML; its reader says: expected ',' or ']', but got "),
    ("- grid\n", ": expected sections like `grid:`"),
    ("hello\n", ": expected sections like `grid:`"),
    ("grid: " + "[" * 5000 + "]" * 5000, ": expected sections and settings, found values nested without end"),
    ("grid: {}\n---\ngrid: {}\n", "its reader says: expected a single document in the stream, but found another document"),
]


@pytest.mark.parametrize(("text", "part"), UNREADABLE)
def test_a_file_that_is_not_a_configuration_is_refused(tmp_path: Path, text: str, part: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert part in str(caught.value)


def test_missing_files_folders_and_bytes_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"grid:\n  max_layers: \xff\n")
    for path, part in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "is a directory"), (binary, "found byte 0xff at 20")):
        with pytest.raises(ConfigError, match=part):
            load(path)


def test_v7_keys_are_accepted_and_named() -> None:
    config = from_mapping(
        {
            "session": {"seed": 5, "poll_interval": 1, "sede": 2},
            "resilience": {"max_retries": 3, "backoff": 1},
            "adaptive": None,
            "volatility": {"candle_service_url": "local", "live_weight": 0.5},
            "recovery": {"db_path": "x.sqlite", "state_sync_sec": 5},
            "risk": {"loss_cooldown_sec": 8},
        }
    )
    assert config.seed == 5
    assert config.volatility.live_weight == 0.5
    assert [notice.partition(":")[0] for notice in config.notices] == [
        "session.poll_interval",
        "session.sede",
        "resilience.max_retries",
        "resilience.backoff",
        "adaptive",
        "volatility.candle_service_url",
        "recovery.db_path",
        "recovery.state_sync_sec",
        "risk.loss_cooldown_sec",
    ]
    assert "was session.seed meant?" in config.notices[1]


def test_every_field_of_the_parameters_has_the_value_of_its_setting() -> None:
    p = Config().to_params()[0]
    assert (p.signals.z_clock, p.signals.md_norm, p.signals.vol_units) == (ZClock.UPDATES, MdNorm.SPREAD, VolUnits.MINUTE)
    assert (p.tp_mode, p.queue_model) == (TpMode.AUTO, QueueModel.PROPORTIONAL)
    assert (p.balance_usd, p.max_total_notional_usd, p.maker_fee, p.taker_fee) == (2000.0, 2000.0, 0.000252, 0.000336)
    assert (p.min_notional_usd, p.max_notional_usd, p.max_layers, p.cooldown_sec) == (50.0, 80.0, 32, 2.0)
    assert (p.signals.delta_spacing_ns, p.signals.refresh_ns, p.tail_cooldown_ns) == (50 * MS, 120 * SEC, 20 * SEC)
    assert (p.warmup_ns, p.rewarm_ns, p.inverse_time_cap_ns, p.circuit_pause_ns) == (30 * SEC, 30 * SEC, 1800 * SEC, 120 * SEC)
    assert (p.behavior_max_age_ns, p.debt_lookback_ns, p.avg_cooldown_ns) == (DAY, DAY, 20 * SEC)
    assert (p.maker_exit_wait_ns, p.fast_tp_max_age_ns, p.answer_timeout_ns) == (200 * MS, 1200 * MS, 2 * SEC)
    assert (p.feed_latency_ns, p.entry_latency_ns, p.response_latency_ns) == (2 * MS, 5 * MS, 5 * MS)
    assert (p.inverse_enabled, p.dynamic_enabled, p.recovery_enabled, p.avg_enabled, p.recovery_only) == (True, True, True, True, False)
    assert p.cooldown_steps == 4
    assert list(p.cooldown_step_ns[:5]) == [8 * SEC, 30 * SEC, 90 * SEC, 300 * SEC, 0]
    assert list(p.signals.tf_ns) == [60 * SEC, 300 * SEC, 900 * SEC]
    assert list(p.signals.tf_weight) == [0.5, 0.3, 0.2]
    assert list(p.signals.tf_look_back_ns) == [6 * HOUR, 2 * DAY, 7 * DAY]


def lowered_settings() -> list[str]:
    sections = set(Config.model_fields) - {"scanner"}
    return [key for key in known_keys() if key.count(".") == 1 and key.partition(".")[0] in sections and key not in NOT_LOWERED]


OTHER_CHOICE = {
    "z_clock": "time",
    "md_norm": "mid",
    "units": "v7",
    "tp_mode": "vol",
    "queue_model": "pessimistic",
    "latency_model": "lognormal",
}
TOGETHER = {"max_notional": {"max_notional": 90.0}, "leverage": {"leverage": 2.0}, "max_slices": {"max_slices": 4}}


@pytest.mark.parametrize("dotted", lowered_settings())
def test_every_setting_moves_one_field_of_the_parameters(dotted: str) -> None:
    section, _, key = dotted.partition(".")
    value = OTHER_CHOICE.get(key) or changed(Config().to_mapping()[section][key])
    moved = from_mapping({section: TOGETHER.get(key, {key: value})}).to_params()
    assert len(differences(moved, Config().to_params())) == 1


def test_no_field_of_the_parameters_is_left_without_a_setting() -> None:
    settings = {
        f"{section}.{key}": OTHER_CHOICE.get(key) or TOGETHER.get(key, {}).get(key) or changed(value)
        for section, values in Config().to_mapping().items()
        for key, value in values.items()
        if f"{section}.{key}" in lowered_settings()
    }
    nested: dict[str, dict[str, Any]] = {
        "risk": {"cooldown_steps_sec": list(range(1, 17))},
        "volatility": {
            "tf_weights": {"1m": 1, "5m": 2, "15m": 3},
            "tf_lookbacks": {"1m": "1h", "5m": "1d", "15m": "1d"},
        },
    }
    for dotted, value in settings.items():
        section, _, key = dotted.partition(".")
        nested.setdefault(section, {})[key] = value
    moved = differences(from_mapping(nested).to_params(), Config().to_params())
    every = differences(Config().to_params(), None)
    assert set(every) - set(moved) == {"signals.tf_ns"}  # the frames themselves are not a setting


def differences(box: Any, other: Any) -> list[str]:
    """Dotted names of the fields that differ; all fields without another."""
    found = []
    for prefix, left, right in (("", box, other), ("signals.", box["signals"], None if other is None else other["signals"])):
        for name in left.dtype.names:
            if name == "signals":
                continue
            if right is None or left[name].tobytes() != right[name].tobytes():
                found.append(prefix + name)
    return found


def test_parameters_are_one_row_of_params_and_equal_for_equal_configurations() -> None:
    box = Config().to_params()
    assert box.shape == (1,)
    assert set(box.dtype.names) == set(Params.__annotations__)
    assert box.tobytes() == from_mapping({}).to_params().tobytes()


def test_ladder_of_a_plain_grid_is_what_the_formulas_give() -> None:
    settings = {
        "grid": {"base_spacing_bps": 20, "spacing_growth": 2, "size_growth": 2, "max_notional": 150, "max_layers": 3},
        "volatility": {"drift_min": 1},
    }
    found = ladder(from_mapping(settings), price=1000.0, spread_bps=7.0, volatility_bps=8.0)
    first, second, third = found.rungs
    assert (first.size_usd, second.size_usd, third.size_usd) == (50.0, 100.0, 150.0)
    assert first[:3] == (1, 1000.0, 0.0)
    assert second.price == pytest.approx(1002.0)
    assert second.average == pytest.approx(150.0 / (50.0 / 1000.0 + 100.0 / 1002.0))
    assert third.price == pytest.approx(second.average * 1.004)
    assert third.total_usd == 300.0
    assert found.end == "grid.max_layers (3) is reached"


ENDS = [
    ({"grid": {"max_symbol_notional": 130.0}}, 2, "over grid.max_symbol_notional (130)"),
    ({"portfolio": {"max_total_notional": 60.0}}, 1, "over portfolio.max_total_notional (60)"),
    ({"grid": {"base_spacing_bps": 10.0, "trend_spacing_scale": 15.0}}, 2, "a rise of more than 500 %"),
]


@pytest.mark.parametrize(("settings", "count", "end"), ENDS)
def test_ladder_says_what_ends_it(settings: dict[str, Any], count: int, end: str) -> None:
    found = ladder(from_mapping(settings), price=1.0, spread_bps=7.0, volatility_bps=8.0)
    assert len(found.rungs) == count
    assert end in found.end


def test_ladder_layers_never_stand_closer_than_the_layer_gap() -> None:
    settings = {"grid": {"base_spacing_bps": 0.5, "spacing_growth": 1}, "signals": {"min_spread_bps": 9}}
    rungs = ladder(from_mapping(settings), price=1.0, spread_bps=9.0, volatility_bps=0.0).rungs
    assert all(b.price / a.price - 1 >= 9e-4 * (1 - 1e-9) for a, b in zip(rungs, rungs[1:], strict=False))


def test_an_item_that_is_wrong_does_not_make_its_list_too_short(tmp_path: Path) -> None:
    for text, said in (
        ("risk: {cooldown_steps_sec: [a]}\n", "risk.cooldown_steps_sec.0: expected a number, found 'a'"),
        ("risk: {cooldown_steps_sec: []}\n", "risk.cooldown_steps_sec: expected 1..16 values, found a list of 0"),
    ):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / "c.yaml")
        assert str(caught.value) == f"{said} ({tmp_path / 'c.yaml'} line 1)"


def test_a_document_that_is_no_mapping_is_told_as_people_see_it(tmp_path: Path) -> None:
    for text, said in (("- a\n- b\n", "a list of 2"), ("abc\n", "'abc'"), ("7\n", "7")):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(ConfigError, match=f"with settings below them, found {said}$"):
            load(tmp_path / "c.yaml")
