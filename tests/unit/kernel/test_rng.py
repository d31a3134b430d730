"""The generator: published first draws, ranges, and seeds that know their name."""

from __future__ import annotations

import math

import pytest

from slackwater.kernel.jit import jit
from slackwater.kernel.record import Box, new
from slackwater.kernel.rng import Rng, below, exponential, next_u32, seed_rng, uniform


@jit
def _next(box):
    return next_u32(box[0])


@jit
def _draws(box, count):
    return uniform(box[0]), below(box[0], count), exponential(box[0])


def seeded(seed: int, name: str) -> Box:
    box = new(Rng)
    seed_rng(box[0], seed, name)
    return box


def words(box: Box, count: int) -> list[int]:
    return [int(_next(box)) for _ in range(count)]


def test_first_draws_are_those_of_the_paper() -> None:
    # The generator xor128 with the paper's own starting words.
    box = new(Rng)
    box[0].word[:] = (123456789, 362436069, 521288629, 88675123)
    assert words(box, 5) == [3701687786, 458299110, 2500872618, 3633119408, 516391518]


def test_draws_stay_in_their_ranges() -> None:
    box = seeded(1, "BTCUSDT")
    found = [_draws(box, 5) for _ in range(2000)]
    assert all(0.0 < u < 1.0 for u, _, _ in found)
    assert {int(n) for _, n, _ in found} == {0, 1, 2, 3, 4}
    assert all(e > 0.0 and math.isfinite(e) for _, _, e in found)
    # 2000 draws: the mean of uniforms has a standard error of 0.0065, that of exponentials 0.022.
    assert sum(u for u, _, _ in found) / 2000 == pytest.approx(0.5, abs=0.03)
    assert sum(e for _, _, e in found) / 2000 == pytest.approx(1.0, abs=0.1)


def test_extreme_words_stay_inside_the_open_interval() -> None:
    # (x ^ x<<11) = 0 and w ^ w>>19 = the wanted word: the least and the greatest of 32 bits.
    for word, wanted in ((0, 0), (0xFFFFE000, 0xFFFFFFFF)):
        box = new(Rng)
        box[0].word[3] = word
        u, _, _ = _draws(box, 1)
        assert u == (wanted + 0.5) / 2**32
        assert 0.0 < u < 1.0


def test_a_symbol_draws_the_same_whoever_trades_beside_it() -> None:
    alone = words(seeded(1, "ETHUSDT"), 20)
    first, second = seeded(1, "BTCUSDT"), seeded(1, "ETHUSDT")
    interleaved = [(words(first, 1)[0], words(second, 1)[0]) for _ in range(20)]
    assert [draw for _, draw in interleaved] == alone


@pytest.mark.parametrize(("seed", "name"), [(2, "ETHUSDT"), (1, "BTCUSDT"), (11, "ETHUSDT"), (1, "")])
def test_seed_and_name_both_count(seed: int, name: str) -> None:
    assert words(seeded(seed, name), 4) != words(seeded(1, "ETHUSDT"), 4)


def test_a_seeded_generator_is_never_all_zero() -> None:
    assert all(int(word) % 2 == 1 for word in seeded(0, "")[0].word)


def test_the_state_is_all_there_is() -> None:
    box = seeded(7, "BTCUSDT")
    words(box, 10)
    kept = box.copy()
    assert words(box, 10) == words(kept, 10)
