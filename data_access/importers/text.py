"""Bytes as cities export them into lines of UTF-8 that can be counted; the only place that knows of encodings.

A file that is plain UTF-8 with plain line ends already is read where it lies; every other one is copied, unpacked and
put right, into the folder of the build.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import hashlib
import io
import lzma
import os
import re
import shutil
import tempfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

import zstandard

from dashboard.domain.errors import ImportRefused

_BLOCK = 8 << 20
_LONGEST = 1 << 20  # no row of a table is longer than this
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MAGIC = (
    (b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)  # fmt: skip
_ENDINGS = {".gz": "gzip", ".zip": "zip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
_INVALID = "windows-1252-where-invalid"


def _as_windows(problem: UnicodeError) -> tuple[str, int]:
    """What is not UTF-8 is, byte by byte, nearly always Windows-1252."""
    wrong = cast(UnicodeDecodeError, problem)
    return wrong.object[wrong.start : wrong.end].decode("cp1252", "replace"), wrong.end


codecs.register_error(_INVALID, _as_windows)


@dataclass(frozen=True)
class Lines:
    """A text that can be read as it is: UTF-8, lines ended by a newline, no byte order mark, no zeros.

    `repaired` counts the bytes that were not of the encoding the file is in.
    """

    path: Path
    lines: int
    repaired: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Mended:
    """A table of text without the lines that no row can be made of, and those lines with their row number."""

    path: Path
    rows: int  # those taken out among them
    removed: tuple[tuple[int, str], ...]


# ── Opening ─────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked; what can be wrong with it is said in words.

    Raises ImportRefused.
    """
    check_file(path)
    packing = packing_of(path)
    expected = _ENDINGS.get(path.suffix.casefold())
    if expected and packing != expected:
        raise ImportRefused(path.name, f"its name ends in {path.suffix}, but it is not a {expected} file.")
    try:
        with path.open("rb") as plain, _stream(plain, packing, path) as stream:
            yield stream
    except (EOFError, lzma.LZMAError, zstandard.ZstdError) as problem:
        said = "ends too early: the copy is incomplete" if isinstance(problem, EOFError) else f"is damaged ({problem})"
        raise ImportRefused(path.name, f"the {packing} file {said}.") from problem
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as problem:
        raise ImportRefused(path.name, f"the {packing} file is damaged ({problem}).") from problem
    except PermissionError as problem:
        raise ImportRefused(str(path), "this file may not be read.") from problem


def check_file(path: Path) -> None:
    """Raise ImportRefused unless there is a file with something in it."""
    if not path.exists():
        raise ImportRefused(str(path), "there is no such file.")
    if path.is_dir():
        raise ImportRefused(str(path), "this is a folder, not a file.")
    if path.stat().st_size == 0:
        raise ImportRefused(path.name, "the file is empty.")


def packing_of(path: Path) -> str:
    """How a file is packed, by its first bytes; empty if it is not."""
    with path.open("rb") as plain:
        first = plain.read(8)
    return next((name for magic, name in _MAGIC if first.startswith(magic)), "")


@contextmanager
def _stream(plain: IO[bytes], packing: str, path: Path) -> Iterator[IO[bytes]]:
    match packing:
        case "gzip":
            with gzip.open(plain) as stream:
                yield cast(IO[bytes], stream)
        case "bzip2":
            with bz2.open(plain) as stream:
                yield cast(IO[bytes], stream)
        case "xz":
            with lzma.open(plain) as stream:
                yield cast(IO[bytes], stream)
        case "zstd":
            yield cast(IO[bytes], io.BufferedReader(_Zstd(plain), _BLOCK))
        case "zip":
            with zipfile.ZipFile(plain) as archive, archive.open(only_member(archive, path)) as stream:
                yield stream
        case _:
            yield plain


class _Zstd(io.RawIOBase):
    """The bytes in zstd frames; unlike the library's own reader it notices a frame that is cut off."""

    def __init__(self, packed: IO[bytes]):
        self._packed, self._ready = packed, b""
        self._frame = self._next_frame()

    @staticmethod
    def _next_frame():
        return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._ready:
            block = self._packed.read(1 << 16)
            if not block:
                if not self._frame.eof:
                    raise EOFError
                return 0
            while block:
                if self._frame.eof:
                    self._frame = self._next_frame()
                self._ready += self._frame.decompress(block)
                block = self._frame.unused_data if self._frame.eof else b""
        given = self._ready[: len(buffer)]
        self._ready = self._ready[len(given) :]
        buffer[: len(given)] = given
        return len(given)


def only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one file in a zip archive. Raises ImportRefused if there are more, or none."""
    members = [one for one in archive.infolist() if not one.is_dir() and not is_hidden(one.filename)]
    if len(members) != 1:
        names = ", ".join(one.filename for one in members[:6]) or "nothing"
        raise ImportRefused(
            path.name,
            f"the archive should hold one file; it holds {names}. Unpack it and name one, or several of a kind.",
        )
    return members[0]


def is_hidden(member: str) -> bool:
    """Whether a file in an archive is what a system puts there for itself."""
    return member.startswith("__MACOSX/") or Path(member).name.startswith(".")


def checksum(path: Path) -> str:
    """SHA-256 of a file as it lies there."""
    check_file(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ── Tidying ─────────────────────────────────────────────────────────────────────────────────────────


def tidied(path: Path, folder: Path, encoding: str = "") -> Lines:
    """The lines of a file.

    Parameters
    ----------
    folder
        Where a copy may lie.
    encoding
        What the file is written in. By default its byte order mark says so, or it is UTF-8, and Windows-1252 wherever
        it is not.

    Raises ImportRefused if it cannot be opened, or is not in the encoding named.
    """
    with unpacked(path) as stream:
        first = stream.read(4)
    bom, found = next(((bom, name) for bom, name in _BOMS if first.startswith(bom)), (b"", ""))
    try:
        used = codecs.lookup(encoding or found or "utf-8").name
    except LookupError as problem:
        raise ImportRefused(path.name, f"there is no encoding called “{encoding}”.") from problem
    if not bom and used == "utf-8" and not packing_of(path) and (lines := _lines_if_tidy(path)) is not None:
        return Lines(path, lines)
    copy = _fresh(folder)
    try:
        with unpacked(path) as stream, copy.open("wb") as sink:
            stream.read(len(bom))
            lines, repaired, foreign = _copy(stream, sink, used, strict=bool(encoding))
        if repaired > foreign:  # hardly anything in it is UTF-8, and what seems to be is chance
            used = "cp1252"
            with unpacked(path) as stream, copy.open("wb") as sink:
                lines, _, _ = _copy(stream, sink, used, strict=False)
            repaired = 0
    except UnicodeDecodeError as problem:
        raise ImportRefused(path.name, f"this is not text encoded as {encoding}.") from problem
    return Lines(copy, lines, repaired, used)


def _fresh(folder: Path) -> Path:
    """A new file; never an old name, because DuckDB remembers what it has read under one."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".txt", dir=folder)
    os.close(handle)
    return Path(name)


def _lines_if_tidy(path: Path) -> int | None:
    """The number of lines of a file that needs no copy; None if it does."""
    lines, block = 0, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with unpacked(path) as stream:
        while block := stream.read(_BLOCK):
            if b"\r" in block or b"\x00" in block:
                return None
            if not block.isascii() or decoder.getstate()[0]:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    return None
            lines += block.count(b"\n")
            last = block[-1:]
    return None if decoder.getstate()[0] else lines + (last != b"\n")


def _copy(stream: IO[bytes], sink: IO[bytes], encoding: str, strict: bool) -> tuple[int, int, int]:
    """Copy a text, put right; return its lines, the bytes that were not UTF-8, and the characters that took several."""
    decoder = codecs.getincrementaldecoder(encoding)(
        "replace" if encoding == "cp1252" and not strict else "strict" if strict or encoding != "utf-8" else _INVALID
    )
    lines = repaired = foreign = 0
    last, held, more = b"", "", True
    while more:
        block = stream.read(_BLOCK)
        more = bool(block)
        if encoding == "utf-8" and not strict and not block.isascii():
            wrong, right = _beyond_ascii(block)
            repaired, foreign = repaired + wrong, foreign + right
        text = held + decoder.decode(block, final=not more)
        held = "\r" if more and text.endswith("\r") else ""
        text = text[: len(text) - len(held)].replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
        if text:
            written = text.encode("utf-8", "replace")
            lines += written.count(b"\n")
            last = written[-1:]
            sink.write(written)
    return lines + (last not in (b"\n", b"")), repaired, foreign


def _beyond_ascii(block: bytes) -> tuple[int, int]:
    """How many bytes of a block are not UTF-8, and how many characters beyond ASCII it has; cut ones at ends aside."""
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as problem:
        text = block.decode("utf-8", "replace")
        if problem.start > len(block) - 4 and text.count("\ufffd") == 1:
            text = text.removesuffix("\ufffd")
    wrong = text.count("\ufffd")
    return wrong, len(re.findall(r"[^\x00-\x7f]", text)) - wrong


# ── Tables ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Heading:
    """The first row of a table, how its columns are parted, and how many lines it takes."""

    names: tuple[str, ...]
    delimiter: str
    lines: int


def heading_of(text: Lines, file: str, delimiter: str = "") -> Heading:
    """The heading of a table of text.

    Raises ImportRefused if there is none.
    """
    with text.path.open("rb") as stream:
        start = stream.read(_LONGEST)
    begin = len(start) - len(start.lstrip(b"\n"))
    sample = start[begin:].decode("utf-8", "ignore")
    if not sample.strip():
        raise ImportRefused(file, "the file has no heading.")
    if "\ufffd" in sample[:1000] or sum(_is_control(c) for c in sample[:1000]) > 20:
        raise ImportRefused(
            file,
            "this is not text, so it is no table; or it is written in an encoding that must be told, such as cp932.",
        )
    used = delimiter or likeliest_delimiter(sample)
    try:
        reader = csv.reader(io.StringIO(sample), delimiter=used, strict=True)
        names = next(reader)
    except csv.Error as problem:
        raise ImportRefused(file, f"the heading cannot be read ({problem}).") from problem
    if not any(name.strip() for name in names):
        raise ImportRefused(file, "the file has no heading.")
    return Heading(_told_apart(names), used, reader.line_num + begin)


def _is_control(sign: str) -> bool:
    """Whether a sign has no place in a text, as wide spaces and the signs that turn the direction of reading have."""
    return unicodedata.category(sign) in ("Cc", "Cn", "Co") and sign not in "\n\t"


def heading_among(rows: Sequence[Sequence[str]]) -> int:
    """Which of the first rows of a table is its heading: the first, unless titles stand above it.

    Titles fill few columns; a heading fills most of them, and none with a number or a time.
    """
    width, alike = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if 2 * alike < len(rows):
        return 0
    for n, row in enumerate(rows):
        filled = [cell for cell in row if cell.strip()]
        if len(row) >= width and 2 * len(filled) > width:
            return n if width > 2 and not any(re.fullmatch(r"[\d.,:/ -]+", cell) for cell in filled) else 0
        if len(filled) > max(2, width // 4) and not _names_groups(row, rows[n + 1 : n + 2]):
            return 0
    return 0


def _names_groups(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names groups of columns, each over the first of them, and the row below it the columns."""
    return any(all(cell.strip() for cell in under[: len(row)]) and len(under) >= len(row) for under in below)


def without_titles(text: Lines, folder: Path, delimiter: str = "") -> tuple[Lines, str]:
    """A table of text without the lines above its heading, and the first of these that holds anything."""
    with text.path.open("rb") as stream:
        sample = stream.read(1 << 16).decode("utf-8", "ignore")
    used = delimiter or likeliest_delimiter(sample)
    lines, widest = 0, 0
    for candidate in (used,) if delimiter or used in sample.split("\n")[0] else _DELIMITERS:
        reader = csv.reader(io.StringIO(sample), delimiter=candidate)
        try:
            read = [(row, reader.line_num) for row, _ in zip(reader, range(_TITLES), strict=False)]
        except csv.Error:
            continue
        begins = [0, *(ends for _, ends in read)]
        rows = [(row, before) for (row, _), before in zip(read, begins, strict=False) if row]
        n = heading_among([row for row, _ in rows])
        if rows and len(rows[n][0]) > widest:
            lines, widest = rows[n][1], len(rows[n][0])
    if not lines:
        return text, ""
    copy = _fresh(folder)
    with text.path.open("rb") as stream, copy.open("wb") as sink:
        above = [stream.readline() for _ in range(lines)]
        shutil.copyfileobj(stream, sink, _BLOCK)
    told = (one.decode("utf-8", "replace").strip("".join(_DELIMITERS) + ' "\n') for one in above)
    return replace(text, path=copy, lines=text.lines - lines), next(filter(None, told), "")


_DELIMITERS = (",", ";", "\t", "|")
_TITLES = 30  # in how many of the first rows the heading is looked for


def likeliest_delimiter(sample: str) -> str:
    """The character that parts the first rows into most columns, alike in each."""
    best, most = ",", 1.0
    for candidate in _DELIMITERS:
        try:
            rows = [
                row for row, _ in zip(csv.reader(io.StringIO(sample), delimiter=candidate), range(20), strict=False)
            ]
        except csv.Error:
            continue
        widths = [len(row) for row in rows if row]
        alike = sum(one == widths[0] for one in widths[:10]) if widths else 0
        score = widths[0] * (0.5 + 0.5 * alike / len(widths[:10])) if widths and widths[0] > 1 else 0
        if score > most:
            best, most = candidate, score
    return best


def _told_apart(names: list[str]) -> tuple[str, ...]:
    """Names without spaces around them; one that is missing or there already gets a number."""
    found: list[str] = []
    for position, name in enumerate(names, 1):
        name = " ".join(name.split()) or f"column {position}"
        taken, number = {one.casefold() for one in found}, 2
        plain = name
        while name.casefold() in taken:
            name, number = f"{plain} {number}", number + 1
        found.append(name)
    return tuple(found)


def mended(text: Lines, heading: Heading, folder: Path) -> Mended:
    """A copy of a table without blank lines, and without lines in which a quotation mark opens and never closes.

    Only such a line can make a reader swallow the rows after it. It is told by its own quotation marks and those up to
    the next line that could close it: together they must make one row in which every quotation mark has its place.
    """
    copy = _fresh(folder)
    removed: list[tuple[int, str]] = []
    rows = 0
    with text.path.open("rb") as stream, copy.open("wb") as sink:
        waiting: list[bytes] = []  # lines read ahead, the next one last

        def following() -> bytes:
            return waiting.pop() if waiting else stream.readline()

        for _ in range(heading.lines):
            sink.write(following().rstrip(b"\n") + b"\n")
        while line := following():
            if line == b"\n":
                continue
            rows += 1
            odd = line.count(b'"') % 2 == 1
            if b'"' not in line or _is_row(line, heading, or_misplaced=not odd):
                sink.write(line)
                continue
            record, size = [line], len(line)
            while size < _LONGEST and (more := following()):
                record.append(more)
                size += len(more)
                if more.count(b'"') % 2 or not (odd or _may_go_on(more, heading)):
                    break
            if record[-1].count(b'"') % 2 and len(record) > 1 and _is_row(b"".join(record), heading):
                sink.write(b"".join(record))
                continue
            removed.append((rows, line.decode("utf-8", "replace").rstrip("\n")))
            waiting.extend(reversed(record[1:]))
    return Mended(copy, rows, tuple(removed))


def _may_go_on(line: bytes, heading: Heading) -> bool:
    """Whether a line can be the middle of a row: it is none itself."""
    return line.count(heading.delimiter.encode()) < len(heading.names) - 1 or not _is_row(line, heading)


def _is_row(line: bytes, heading: Heading, or_misplaced: bool = False) -> bool:
    """Whether a line is one row; `or_misplaced`: or none for a quotation mark within it, which misleads nobody."""
    try:
        reader = csv.reader(io.StringIO(line.decode("utf-8"), newline=""), delimiter=heading.delimiter, strict=True)
        return len(list(reader)) == 1
    except csv.Error as problem:
        return or_misplaced and "expected after" in str(problem)
    except (UnicodeDecodeError, StopIteration):
        return False
