"""Downloads against a local archive: retries, resume, checksums, replaced files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slackwater.data.archive.download import DownloadOptions, Outcome, download, fetch_bytes
from slackwater.data.archive.files import ArchiveFile
from slackwater.errors import DataError
from tests.unit.data.archive.archive_server import Archive, serving

FILE = ArchiveFile("data/futures/um", "bookTicker", "BTCUSDT", "2024-03-29")
CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def archive() -> Iterator[Archive]:
    with serving() as served:
        yield served


def get(archive: Archive, folder: Path, attempts: int = 4) -> Outcome:
    return download([FILE], DownloadOptions(archive.url, folder, attempts=attempts, back_off_s=0.0))[0]


def ranges(archive: Archive) -> list[str]:
    return [span for path, span in archive.asked if path == FILE.path]


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.part")]


def test_a_broken_download_goes_on_where_it_ended(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults[FILE.path] = ["break"]
    got = get(archive, tmp_path)
    assert (got.status, got.tries) == ("downloaded", 2)
    assert got.path is not None and got.path.read_bytes() == CONTENT
    first, second = ranges(archive)
    assert first == "" and second == f"bytes={len(CONTENT) // 2}-"
    assert parts(tmp_path) == []


def test_a_later_call_resumes_what_an_earlier_one_began(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults[FILE.path] = ["break"]
    failed = get(archive, tmp_path, attempts=1)
    assert failed.status == "failed" and not failed.is_there and "after 1 tries" in failed.message
    assert len(parts(tmp_path)) == 1
    got = get(archive, tmp_path)
    assert got.status == "resumed" and got.path is not None and got.path.read_bytes() == CONTENT
    assert ranges(archive) == ["", f"bytes={len(CONTENT) // 2}-"]


def test_a_server_without_ranges_starts_over(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults[FILE.path] = ["break", "no_range"]
    got = get(archive, tmp_path)
    assert got.path is not None and got.path.read_bytes() == CONTENT


def test_what_was_begun_of_a_replaced_file_is_not_continued(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, b"x" * len(CONTENT))
    archive.faults[FILE.path] = ["break"]
    get(archive, tmp_path, attempts=1)
    archive.put_bytes(FILE.path, CONTENT)
    got = get(archive, tmp_path)
    assert got.status == "downloaded" and got.path is not None and got.path.read_bytes() == CONTENT
    assert ranges(archive) == ["", ""] and parts(tmp_path) == []


def test_errors_of_the_server_are_tried_again(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults = {FILE.path: ["503", "429"], f"{FILE.path}.CHECKSUM": ["500"]}
    got = get(archive, tmp_path)
    assert (got.status, got.tries) == ("downloaded", 3)


def test_other_errors_are_not(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults[FILE.path] = ["403"]
    got = get(archive, tmp_path)
    assert got.status == "failed" and "HTTP 403" in got.message and len(ranges(archive)) == 1


def test_a_file_that_is_there_is_not_asked_for_again(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    get(archive, tmp_path)
    assert get(archive, tmp_path).status == "reused"
    assert len(ranges(archive)) == 1
    archive.put_bytes(FILE.path, CONTENT + b"more")
    got = get(archive, tmp_path)
    assert got.status == "replaced" and got.path is not None and got.path.read_bytes() == CONTENT + b"more"


def test_a_wrong_checksum_is_damage_and_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.content[f"{FILE.path}.CHECKSUM"] = b"0" * 64 + b"  name\n"
    got = get(archive, tmp_path)
    assert got.status == "damaged" and "expected the sha256 0000000000000000" in got.message
    assert len(ranges(archive)) == 2 and [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_cut_short_without_notice_is_had_whole(archive: Archive, tmp_path: Path) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.faults[FILE.path] = ["short"]
    got = get(archive, tmp_path)
    assert got.status == "downloaded" and got.path is not None and got.path.read_bytes() == CONTENT


@pytest.mark.parametrize("checksum", [b"", b"not a hash\n"])
def test_a_checksum_that_is_none_is_damage(archive: Archive, tmp_path: Path, checksum: bytes) -> None:
    archive.put_bytes(FILE.path, CONTENT)
    archive.content[f"{FILE.path}.CHECKSUM"] = checksum
    assert get(archive, tmp_path).status == "damaged"


def test_a_missing_file_is_asked_for_once(archive: Archive, tmp_path: Path) -> None:
    got = get(archive, tmp_path)
    assert got.status == "missing" and "HTTP 404" in got.message and len(archive.asked) == 1


def test_no_server_is_a_failure_of_each_file(tmp_path: Path) -> None:
    options = DownloadOptions("http://127.0.0.1:9", tmp_path, attempts=2, back_off_s=0.0)
    assert [outcome.status for outcome in download([FILE, replace(FILE, period="2024-03-28")], options)] == ["failed", "failed"]
    with pytest.raises(DataError, match="expected a file, found"):
        fetch_bytes("http://127.0.0.1:9/info", attempts=1)


def test_many_files_come_several_at_a_time(archive: Archive, tmp_path: Path) -> None:
    files = [replace(FILE, period=f"2024-03-{day:02d}") for day in range(1, 21)]
    for file in files:
        archive.put_bytes(file.path, file.period.encode() * 1000)
    told: list[float] = []
    got = download(files, DownloadOptions(archive.url, tmp_path, parallel=5), told.append)
    assert [outcome.file for outcome in got] == files and all(outcome.is_there for outcome in got)
    assert sum(told) == 2 * 20, "had and looked at"
