"""One file of an import going onto the tape: in one pass as a rule, in three when rows stand out of their place."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

import pyarrow as pa

from slackwater.data.formats.quarantine import Intake
from slackwater.data.formats.source import Source
from slackwater.data.formats.time_order import Watch, judged, spooling
from slackwater.data.layout import FUNDING, QUOTES, TRADES
from slackwater.data.writer import TapeWriter
from slackwater.errors import DataError

Advance = Callable[[float], None]
NAMES = {"quotes": QUOTES, "trades": TRADES, "funding": FUNDING}


def take_in(source: Source, fresh: Callable[..., Intake], sort: bool, writer: TapeWriter, advance: Advance) -> Intake:
    """Append the rows of a file; the intake that has counted them. `fresh` makes one that counts nothing yet, with a `judge`.

    Unless all rows are to be sorted, those that stand more than a second out of their place are left out. Where the first pass meets one,
    it is undone; a second one tells the times to find them all, a third leaves them out.

    Raises:
        DataError: the file is damaged, is off the steps, or more than half of its rows would have to go.
    """
    watch = None if sort else Watch()
    intake = fresh(judge=watch)
    with closing(_rows(source, intake, advance)) as parts:
        for rows in parts:
            if watch is not None and watch.has_found:
                break
            writer.append(NAMES[source.kind], rows)
        else:
            intake.check_steps()
            return intake
    advance(-intake.rows_seen)
    writer.forget(NAMES[source.kind])
    return _take_in_judged(source, fresh, writer, advance)


def _take_in_judged(source: Source, fresh: Callable[..., Intake], writer: TapeWriter, advance: Advance) -> Intake:
    with spooling(writer.folder) as spool:
        for _ in _rows(source, fresh(judge=spool), lambda amount: advance(0.0)):
            pass
        verdict = judged(source.path, spool)
        if 2 * verdict.count > spool.rows:
            raise DataError(
                f"{source.path}: expected {source.kind} in the order of their times, found {verdict.count:,} of {spool.rows:,} rows more "
                "than a second out of their place; --sort puts them into order however far they stand from it"
            )
        intake = fresh(judge=verdict)
        for rows in _rows(source, intake, advance):
            writer.append(NAMES[source.kind], rows)
    intake.check_steps()
    return intake


def _rows(source: Source, intake: Intake, advance: Advance) -> Generator[pa.RecordBatch]:
    """The rows of the tape that a file's become, batch by batch."""
    convert = {"quotes": intake.quotes, "trades": intake.trades, "funding": intake.funding}[source.kind]
    for batch in source.batches(tally=intake.dropped):
        rows = convert(batch)
        advance(batch.num_rows)
        yield rows
