"""As much of the MySQL protocol as it takes to connect, ask for `SELECT SLEEP(…)`, and read the answer or the error."""

import asyncio
import struct
import time

PROTOCOL_41, SECURE, PLUGIN = 0x200, 0x8000, 0x80000


class Refused(Exception):
    """An error packet; its number."""


async def packet(reader):
    head = await reader.readexactly(4)
    body = await reader.readexactly(int.from_bytes(head[:3], "little"))
    if body[0] == 0xFF:
        raise Refused(str(struct.unpack_from("<H", body, 1)[0]))
    return head[3], body


def framed(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


async def connect(port, user):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        number, _ = await packet(reader)
        flags = PROTOCOL_41 | SECURE | PLUGIN
        answer = struct.pack("<IIB23x", flags, 1 << 24, 33) + user.encode() + b"\0\0mysql_native_password\0"
        writer.write(framed(number + 1, answer))
        await packet(reader)
        return reader, writer
    except BaseException:
        writer.close()
        raise


async def sleep(port, user, seconds):
    """A query that sleeps. `200` = answered, else how it failed; who answered, how long it slept."""
    writer = None
    connected = False
    try:
        reader, writer = await connect(port, user)
        connected = True
        began = time.monotonic()
        writer.write(framed(0, b"\x03SELECT SLEEP(%.6f)" % seconds))
        ends = 0
        while ends < 2:  # one ends the columns, one the rows
            _, body = await packet(reader)
            ends += body[0] == 0xFE and len(body) < 9
        took = time.monotonic() - began
        return "200", "db", took
    except Refused:
        return "refused", "", None
    except (OSError, asyncio.IncompleteReadError):
        return ("lost" if connected else "refused"), "", None
    finally:
        if writer:
            writer.close()
