"""The Authenticode digest of a PE file, computed plainly and apart from sigscan and every other tool."""
import hashlib
import struct


def layout(data):
    """([(start, stop)] of what is not hashed, state of the certificate table), or None if not a PE.

    The state is `none` (no directory entry, or offset and size both zero), `yes` (inside the file) or
    `odd` (anything else).
    """
    if len(data) < 64 or data[:2] != b"MZ":
        return None
    pe = struct.unpack_from("<I", data, 60)[0]
    if data[pe:pe + 4] != b"PE\0\0" or pe + 24 + 68 > len(data):
        return None
    optional = pe + 24
    size = struct.unpack_from("<H", data, pe + 20)[0]
    magic = struct.unpack_from("<H", data, optional)[0]
    if magic not in (0x10B, 0x20B):
        return None
    count_at, entry_at = (optional + 92, optional + 128) if magic == 0x10B else (optional + 108, optional + 144)
    gaps = [(optional + 64, optional + 68)]
    if (optional + size < entry_at + 8 or entry_at + 8 > len(data)
            or struct.unpack_from("<I", data, count_at)[0] < 5):
        return gaps, "none"
    gaps.append((entry_at, entry_at + 8))
    offset, length = struct.unpack_from("<II", data, entry_at)
    if offset == 0 and length == 0:
        return gaps, "none"
    if length == 0 or offset < optional + size or offset + length > len(data):
        return gaps, "odd"
    gaps.append((offset, offset + length))
    return gaps, "yes"


def plain(data, gaps, algorithm, align=1):
    digest, position = hashlib.new(algorithm), 0
    for start, stop in gaps:
        digest.update(memoryview(data)[position:start])
        position = stop
    digest.update(memoryview(data)[position:])
    digest.update(bytes(-len(data) % align))
    return digest.hexdigest()
