"""Layers: one an entry group, volume-weighted, emptied oldest first."""

from __future__ import annotations

import pytest

from slackwater.schema.state import LAYER_SLOTS
from tests.unit.ledger.account import Account


def three_layers() -> Account:
    account = Account()
    account.sell_layer(1, 10_000, 4)
    account.sell_layer(2, 10_100, 6)
    account.sell_layer(3, 10_300, 5)
    return account


def test_all_fills_of_a_group_are_one_layer_at_their_weighted_price() -> None:
    account = Account()
    account.start_group()
    for ticks, lots in ((10_000, 2), (10_001, 1), (10_002, 1)):
        account.sell(1, ticks, lots)
    led = account.ledger
    # (100.00*2 + 100.01 + 100.02) / 4 = 400.03 / 4
    assert (led.layers_opened, led.layers[0].lots, led.layers[0].opened_lots) == (1, 4, 4)
    assert led.layers[0].price == pytest.approx(100.0075, abs=1e-11)
    assert led.last_entry_price == led.layers[0].price
    account.sell_layer(2, 10_100, 6)
    # (400.03 + 606) / 10
    assert led.avg_entry == pytest.approx(100.603, abs=1e-11)
    assert (led.layers_opened, led.last_entry_price) == (2, 101.0)


@pytest.mark.parametrize(
    ("lots", "held", "layers_held"),
    [(1, [3, 6, 5], 3), (4, [0, 6, 5], 2), (5, [0, 5, 5], 2), (10, [0, 0, 5], 1), (14, [0, 0, 1], 1)],
)
def test_exits_take_from_the_oldest(lots: int, held: list[int], layers_held: int) -> None:
    account = three_layers()
    account.buy(4, 10_000, lots)
    assert account.held() == held
    assert account.read(100.0)["layers_held"] == layers_held
    assert account.ledger.layers_opened == 3  # opened since flat: exits do not shorten the grid


def test_a_layer_emptied_while_its_group_still_fills_is_held_again() -> None:
    account = Account()
    account.sell_layer(1, 10_000, 4)
    account.sell_layer(2, 10_100, 6)
    account.state.entry.layer = 0  # the group at work is that of the first layer
    account.buy(3, 10_000, 5)
    assert account.held() == [0, 5]
    account.sell(4, 10_000, 2)
    assert account.held() == [2, 5]
    account.buy(5, 10_000, 3)
    assert account.held() == [0, 4]


def test_the_last_slot_is_shared_when_all_are_taken() -> None:
    account = Account()
    for k in range(LAYER_SLOTS + 2):
        account.sell_layer(k + 1, 10_000, 1)
    # The layers before the last slot hold one lot each; a shared slot must not lose what it held.
    led = account.ledger
    assert (led.layers_opened, led.short_lots) == (LAYER_SLOTS + 2, LAYER_SLOTS + 2)
    assert sum(int(led.layers[k].lots) for k in range(LAYER_SLOTS)) == LAYER_SLOTS + 2
