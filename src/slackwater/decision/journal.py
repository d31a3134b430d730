"""Counting refusals and writing a row whenever the reason changes, so that a run can say why it did not trade."""

from __future__ import annotations

from slackwater.decision.geometry import base_spacing_bps, effective_growth, entry_notional_usd, layer_notional_usd, required_spacing_bps
from slackwater.kernel.jit import jit, jit_inline
from slackwater.ledger.pnl import rise_bps
from slackwater.market.volatility_regime import drift_mult
from slackwater.schema.audit import LOG_MARGIN, LOG_ROWS, Out
from slackwater.schema.enums import GATE_COUNT, Context, Gate
from slackwater.schema.params import Params
from slackwater.schema.state import SymbolState


@jit_inline
def note_gate(s: SymbolState, p: Params, out: Out, now_ns: int, context: int, gate: int) -> None:
    """Count the gate that decided, and write a row when it is another than last time or a shot."""
    s.quiet.gate = context * GATE_COUNT + gate
    s.gate_counts[s.quiet.gate] += 1
    if s.has_decided and gate == s.last_reason and context == s.last_context and gate != Gate.PASS:
        return
    s.has_decided = True
    s.last_reason = gate
    s.last_context = context
    _write_row(s, p, out, now_ns, context, gate)


@jit
def _write_row(s: SymbolState, p: Params, out: Out, now_ns: int, context: int, gate: int) -> None:
    m = s.market
    row = out.decisions[out.decision_count]
    row.ts_ns = now_ns
    row.symbol = s.symbol
    row.context = context
    row.reason = gate
    row.layers = s.ledger.layers_opened
    row.price = m.ask
    row.drift_mult = drift_mult(m, p.signals)
    row.base_spacing_bps = base_spacing_bps(s, p)
    row.effective_growth = effective_growth(s, p)
    if context == Context.ENTRY:
        row.notional_usd = entry_notional_usd(s, p, now_ns)
        row.rise_bps = 0.0
        row.required_spacing_bps = 0.0
        row.unrealised_bps = 0.0
    else:
        rise = rise_bps(s.ledger, m.ask)
        row.notional_usd = layer_notional_usd(s, p)
        row.rise_bps = rise
        row.required_spacing_bps = required_spacing_bps(s, p, rise)
        row.unrealised_bps = -rise
    out.decision_count += 1
    if out.decision_count > LOG_ROWS - LOG_MARGIN:
        out.is_nearly_full = True
