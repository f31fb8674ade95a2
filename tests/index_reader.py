"""index_reader.py FILE batch|record|row N - print the text of it, by the index
that src/README.md describes, inflating that batch alone
"""
import sys
import zlib

MISSING, SAME_ROWS, EMPTY, TALLIES, MORE = 1, 2, 4, 8, 16
MARK = bytes.fromhex("2c47016cdb300c")  # a note block begins so
SHARE = {0: 0, 7: 1, 3: 2, 5: 4, 1: 8}  # as a length is sent: its words' share
WAYS = [[int(s == 0) for s in range(29)]]   # of n literals to share s
while len(WAYS) < 16:
    WAYS += [[sum(WAYS[-1][s - k] for k in SHARE.values() if k <= s)
              for s in range(29)]]


def block(data, at):
    """The 60 bytes that the note block at `at` says."""
    bits, says = int.from_bytes(data[at:at + 109], "little") >> 59, 0
    for literal in range(256):
        left = left if literal % 16 else 28
        share, bits = SHARE[bits & 7], bits >> 3
        says += sum(WAYS[15 - literal % 16][left - k] for k in SHARE.values()
                    if k < share) << 30 * (literal // 16)
        left -= share
    return says.to_bytes(60, "little")


def note(data, at):
    """(body, its CRC, where it ends) of the note at `at`."""
    says = block(data, at)
    assert says[:2] == b"SM" and says[2] >> 4 == 2, "no note of version 2"
    end = 6 + int.from_bytes(says[3:6], "little")
    says = b"".join(block(data, at + 109 * n) for n in range((end + 63) // 60))
    crc = says[end:end + 4]
    assert zlib.crc32(says[:end]) == int.from_bytes(crc, "little"), "damaged"
    return says[6:end], crc, at + len(says) // 60 * 109


def number(body):
    """LEB128, from an iterator over bytes."""
    byte = next(body)
    return byte & 127 | (number(body) << 7 if byte > 127 else 0)


def batches(data):
    """(batch, row, rows, record, records, at, bytes), the last group first."""
    end = note(data, len(data) - 10 - 109)[0]
    note_at, vouched = int.from_bytes(end[24:32], "little"), end[32:36]
    while note_at:
        body, crc, _ = note(data, note_at)
        assert crc == vouched, f"another index note at byte {note_at}"
        it = iter(body[8:])
        back, vouched = number(it), bytes(next(it) for _ in range(4))
        batch, entries, at, row, record, _ = (number(it) for _ in range(6))
        rows = 0
        for _ in range(entries):
            flags = next(it)
            rows = rows if flags & SAME_ROWS else number(it)
            count = 1 + (number(it) if flags & MORE else 0)
            has = not flags & (MISSING | EMPTY)     # a text
            records = flags >> 5 or (number(it) if has else 0)
            mask = number(it) if flags & TALLIES else 0
            [number(it) for _ in range(bin(mask).count("1"))]
            size = number(it) if has else 0
            if has:     # bytes of text, CRC of the body
                number(it), next(it), next(it), next(it), next(it)
            for batch in range(batch, batch + count):   # one, if it has a text
                yield batch, row, rows, record, records, at, size
            batch, row = batch + 1, row + rows
            record, at = record + records, at + size
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
