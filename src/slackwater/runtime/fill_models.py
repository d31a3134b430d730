"""The same run under the other assumptions about the queue: what of the result is the market's and what the model's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from slackwater.config.market import Sim
from slackwater.config.model import Config
from slackwater.kernel.record import Box
from slackwater.runtime.run_directory import OrdersDigest
from slackwater.runtime.session import Session
from slackwater.runtime.summary import state_figures
from slackwater.runtime.tables import TABLES

Progress = Callable[[float], None]
MODELS: tuple[str, ...] = get_args(Sim.model_fields["queue_model"].annotation)  # from the hardest on us to the kindest


def with_model(config: Config, model: str) -> Config:
    """The configuration with another queue model and nothing else changed."""
    return config.model_copy(update={"sim": config.sim.model_copy(update={"queue_model": model})})


class Tally:
    """Sums of a run, taken from the buffers of a session before somebody empties them."""

    def __init__(self, count: int) -> None:
        self.closes = self.wins = self.fills = self.maker_fills = 0
        self.net_usd = 0.0
        self._drawdown = _Drawdown(count)

    def add(self, out_box: Box) -> None:
        """Take in what the buffers hold."""
        out = out_box[0]
        net = out.closes["net_usd"][: int(out.close_count)]
        self.closes += len(net)
        self.wins += int((net > 0.0).sum())
        self.net_usd += float(net.sum())
        maker = out.fills["maker"][: int(out.fill_count)]
        self.fills += len(maker)
        self.maker_fills += int(maker.sum())
        self._drawdown.add(out.equities[: int(out.equity_count)])

    def figures(self, session: Session, orders_sha256: str) -> dict[str, Any]:
        """The model's entry in `run.json`."""
        ends = [state_figures(state) for state in session.states]
        is_single = len(ends) == 1
        return {
            "closes": self.closes,
            "win_rate": self.wins / self.closes if self.closes else None,
            "net_usd": self.net_usd,
            "equity_usd": sum(end["equity_usd"] for end in ends),
            "unrealised_usd": sum(end["unrealised_usd"] for end in ends),
            "fills": self.fills,
            "maker_fills": self.maker_fills,
            "open_qty": ends[0]["open_qty"] if is_single else None,
            "open_symbols": [source.name for source, end in zip(session.inputs, ends, strict=True) if end["open_qty"] != 0.0],
            "max_drawdown_usd": ends[0]["max_drawdown_usd"] if is_single else self._drawdown.usd,
            "orders_sha256": orders_sha256,
        }


class _Drawdown:
    """Largest fall of the summed equity from its peak, from rows of equity as they come."""

    def __init__(self, count: int) -> None:
        self.usd = 0.0
        self._last = np.zeros(count)
        self._total = 0.0
        self._peak = 0.0

    def add(self, rows: NDArray[Any]) -> None:
        if not len(rows):
            return
        moves = np.zeros(len(rows))
        for symbol in np.unique(rows["symbol"]).tolist():
            own = rows["symbol"] == symbol
            values = rows["equity_usd"][own]
            moves[own] = np.diff(values, prepend=self._last[symbol])
            self._last[symbol] = values[-1]
        path = self._total + np.cumsum(moves)
        peaks = np.maximum(np.maximum.accumulate(path), self._peak)
        self.usd = max(self.usd, float((peaks - path).max()))
        self._total, self._peak = float(path[-1]), float(peaks[-1])


def run_dry(session: Session, advance: Progress) -> dict[str, Any]:
    """Run a session to its end for its figures alone; rows are hashed and counted, and thrown away."""
    names = [source.name for source in session.inputs]
    tally, digest = Tally(len(names)), OrdersDigest(names, session.first_end_ns)
    done = 0
    for out_box in session.run():
        tally.add(out_box)
        out = out_box[0]
        digest.add(np.array(out.order_events[: int(out.order_event_count)]))
        empty(out_box)
        advance(session.rows_done - done)
        done = session.rows_done
    return tally.figures(session, digest.finish()[0])


def empty(out_box: Box) -> None:
    """Throw away what the buffers hold."""
    out = out_box[0]
    for _, counter, _ in TABLES.values():
        out[counter] = 0
    out.is_nearly_full = False


def is_sign_shared(models: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every model that was run ends on the same side of nothing."""
    return len({np.sign(float(figures["equity_usd"])) for figures in models.values()}) <= 1


def dependence(models: Mapping[str, Mapping[str, Any]]) -> str:
    """What the models say together, in one sentence; empty when only one was run."""
    if len(models) < 2:
        return ""
    ends = {model: float(figures["equity_usd"]) for model, figures in models.items()}
    low, high = min(ends.values()), max(ends.values())
    if not is_sign_shared(models):
        said = ", ".join(f"{value:+.4f} usd under {model}" if value else f"nothing under {model}" for model, value in ends.items())
        return f"The sign of the result depends on the fill model: equity is {said}."
    if low == high:
        return (
            f"The result is the same under every fill model: equity is {low:+.4f} usd." if low else "No fill model made or lost anything."
        )
    return f"The result is a {'gain' if low > 0 else 'loss'} under every fill model: equity from {low:+.4f} to {high:+.4f} usd."
