"""Which way a branch mostly goes, for the compiler: it lays the usual way out straight and moves the other one away.

Only where it is known from what a market is, not from one tape: a hint that is wrong costs as much as a right one gains. On the path of
every book they took 5 to 10 % of the time away where prices stay for some books, and 1 to 4 % where they hardly do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from slackwater.kernel.jit import IS_COMPILED


def _expecting(expected: bool) -> Any:
    """An intrinsic that returns the condition it is given and tells the compiler what to expect of it.

    Source: LLVM Language Reference, `llvm.expect`.
    """

    @intrinsic
    def hint(typing_context: Any, condition: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            bit = ir.IntType(1)
            expect = builder.module.declare_intrinsic("llvm.expect", [bit], ir.FunctionType(bit, [bit, bit]))
            return builder.call(expect, [args[0], ir.Constant(bit, int(expected))])

        return types.boolean(types.boolean), generate

    return hint


def _as_it_is(condition: bool) -> bool:
    return condition


if TYPE_CHECKING or not IS_COMPILED:
    usual = _as_it_is
    rare = _as_it_is
else:
    usual = _expecting(True)
    rare = _expecting(False)
