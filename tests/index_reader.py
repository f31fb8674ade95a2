"""index_reader.py FILE batch|record|row N - print the text of it, by the index
that src/README.md describes, inflating that batch alone
"""
import itertools
import sys
import zlib

WORDS = [w for w in range(256) if bin(w).count("1") == 4][:64]
MISSING, SAME_ROWS, EMPTY, TALLIES, MORE = 1, 2, 4, 8, 16
MARK = bytes.fromhex("04a3012010000080")    # a note block begins so


def block(data, at):
    """The 24 bytes that the note block at `at` says."""
    bits, says = int.from_bytes(data[at:at + 58], "little") >> 68, 0
    for group in range(32):
        word = 0
        for i in range(8):      # length 8 is sent as 0, length 9 as 11
            word |= (bits & 1) << i
            bits >>= 1 + (bits & 1)
        says |= WORDS.index(word) << 6 * group
    return says.to_bytes(24, "little")


def note(data, at):
    """(body, its CRC, where it ends) of the note at `at`."""
    says = block(data, at)
    assert says[:2] == b"SM" and says[2] >> 4 == 1, "no note of version 1"
    end = 6 + int.from_bytes(says[3:6], "little")
    blocks = range(-(-(end + 4) // 24))
    says = b"".join(block(data, at + 58 * n) for n in blocks)
    crc = says[end:end + 4]
    assert zlib.crc32(says[:end]) == int.from_bytes(crc, "little"), "damaged"
    return says[6:end], crc, at + 58 * len(blocks)


def number(body):
    """LEB128, from an iterator over bytes."""
    byte = next(body)
    return byte & 127 | (number(body) << 7 if byte > 127 else 0)


def batches(data):
    """(batch, row, rows, record, records, at, bytes) of each, the last group
    of batches first."""
    end = note(data, len(data) - 10 - 2 * 58)[0]
    note_at, vouched = int.from_bytes(end[24:32], "little"), end[32:36]
    while note_at:
        body, crc, _ = note(data, note_at)
        assert crc == vouched, f"another index note at byte {note_at}"
        it = iter(body[8:])
        back, vouched = number(it), bytes(itertools.islice(it, 4))
        batch, entries, at, row, record, _ = (number(it) for _ in range(6))
        rows = 0
        for _ in range(entries):
            flags = next(it)
            rows = rows if flags & SAME_ROWS else number(it)
            count = 1 + (number(it) if flags & MORE else 0)
            has = not flags & (MISSING | EMPTY)
            records = number(it) if has else 0
            mask = number(it) if flags & TALLIES else 0
            for _ in range(bin(mask).count("1")):
                number(it)
            size = number(it) if has else 0
            if has:     # bytes of text, CRC of the body
                number(it), bytes(itertools.islice(it, 4))
            for _ in range(count):      # of several none has a text
                yield batch, row, rows, record, records, at, size
                batch += 1
            row, record, at = row + rows, record + records, at + size
        note_at = note_at - back if back else 0


def written(data, rows, records, at, size):
    """The rows of a batch that have a line, by its row notes."""
    bits, place = {}, at
    while (place := data.find(MARK, place, at + size)) >= 0:
        body, _, place = note(data, place)
        it = iter(body)
        first, n = number(it), number(it)
        said = int.from_bytes(bytes(it), "little")
        bits.update({first + i: said >> i & 1 for i in range(n)})
    before = min(bits, default=rows)
    whole = records - sum(bits.values()) == before
    return [r for r in range(rows) if bits.get(r, r < before and whole)]


data, what, n = open(sys.argv[1], "rb").read(), sys.argv[2], int(sys.argv[3])
for batch, row, rows, record, records, at, size in batches(data):
    body, wanted = data[at:at + size] + b"\3\0", []
    if what == "batch" and batch == n:
        wanted = range(records)
    elif what == "record" and 0 <= n - record < records:
        wanted = [n - record]
    elif what == "row" and 0 <= n - row < rows:
        have = written(data, rows, records, at, size)
        wanted = [have.index(n - row)] if n - row in have else []
    lines = zlib.decompress(body, -15).splitlines(True) if wanted else []
    sys.stdout.buffer.writelines(lines[i] for i in wanted)
