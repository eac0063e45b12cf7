"""A few raw Kafka requests, for what a good client never does: repeated and skipped sequences, fetch limits, garbage."""

import socket
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc_row(value):
    for _ in range(8):
        value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
    return value


CRC_TABLE = [_crc_row(value) for value in range(256)]


def varint(value):
    zigzag = (value << 1) ^ (value >> 63)
    out = bytearray()
    while zigzag >= 0x80:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def record_batch(values, producer_id=-1, epoch=-1, sequence=-1, timestamp=1_700_000_000_000, attributes=0):
    """A record batch, format 2, of records with a key each."""
    records = b""
    for index, value in enumerate(values):
        key = b"k%d" % index
        body = b"\0" + varint(0) + varint(index) + varint(len(key)) + key + varint(len(value)) + value + varint(0)
        records += varint(len(body)) + body
    tail = struct.pack(
        ">hiqqqhii", attributes, len(values) - 1, timestamp, timestamp, producer_id, epoch, sequence, len(values)
    )
    tail += records
    return struct.pack(">qiib", 0, 9 + len(tail), -1, 2) + struct.pack(">I", crc32c(tail)) + tail


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def unpack(self, form):
        values = struct.unpack_from(">" + form, self.data, self.position)
        self.position += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def bytes(self, form="i"):
        size = self.unpack(form)
        if size < 0:
            return None
        self.position += size
        return self.data[self.position - size : self.position]


class Wire:
    """One connection, one request at a time."""

    def __init__(self, bootstrap, timeout=30):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def send(self, api, version, body):
        self.correlation += 1
        header = struct.pack(">hhi", api, version, self.correlation) + string("conformance")
        self.socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)

    def receive(self):
        size = struct.unpack(">i", self.exactly(4))[0]
        reader = Reader(self.exactly(size))
        assert reader.unpack("i") == self.correlation, "answers out of order"
        return reader

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("closed by the broker")
            data += part
        return data

    def call(self, api, version, body):
        self.send(api, version, body)
        return self.receive()

    def produce(self, topic, partition, batch, acks=-1):
        """(error code, base offset)"""
        body = string(None) + struct.pack(">hii", acks, 10_000, 1) + string(topic)
        body += struct.pack(">iii", 1, partition, len(batch)) + batch
        reader = self.call(0, 7, body)
        assert reader.unpack("i") == 1
        reader.bytes("h")
        _, _, error, base, _, _ = reader.unpack("iihqqq")
        return error, base

    def fetch_body(self, topic, offsets, max_wait_ms, min_bytes, max_bytes, partition_max_bytes):
        body = struct.pack(">iiiibiii", -1, max_wait_ms, min_bytes, max_bytes, 0, 0, -1, 1) + string(topic)
        body += struct.pack(">i", len(offsets))
        for partition, offset in offsets:
            body += struct.pack(">iiqqi", partition, -1, offset, -1, partition_max_bytes)
        return body + struct.pack(">i", 0) + string("")

    def fetch(self, topic, offsets, max_wait_ms=500, min_bytes=1, max_bytes=1 << 25, partition_max_bytes=1 << 20):
        """{partition: (error, high watermark, record bytes)}"""
        body = self.fetch_body(topic, offsets, max_wait_ms, min_bytes, max_bytes, partition_max_bytes)
        return self.fetched(self.call(1, 11, body))

    @staticmethod
    def fetched(reader):
        _, error, _, topics = reader.unpack("ihii")
        assert error == 0, f"fetch error {error}"
        result = {}
        for _ in range(topics):
            reader.bytes("h")
            for _ in range(reader.unpack("i")):
                partition, error, high, _, _ = reader.unpack("ihqqq")
                for _ in range(max(0, reader.unpack("i"))):
                    reader.unpack("qq")
                reader.unpack("i")
                result[partition] = (error, high, reader.bytes() or b"")
        return result

    def init_producer_id(self):
        """(producer id, epoch)"""
        reader = self.call(22, 0, string(None) + struct.pack(">i", 60_000))
        _, error, producer, epoch = reader.unpack("ihqh")
        assert error == 0, f"InitProducerId: {error}"
        return producer, epoch

    def topic_error(self, topic):
        """What Metadata says about a topic when it may not be created."""
        reader = self.call(3, 5, struct.pack(">i", 1) + string(topic) + b"\0")
        reader.unpack("i")
        for _ in range(reader.unpack("i")):
            reader.unpack("i")
            reader.bytes("h")
            reader.unpack("i")
            reader.bytes("h")
        reader.bytes("h")
        _, _, error = reader.unpack("iih")
        return error


def batch_sizes(data):
    """Sizes of the whole batches in what a fetch returned."""
    sizes, position = [], 0
    while position + 12 <= len(data):
        size = struct.unpack_from(">i", data, position + 8)[0] + 12
        if position + size > len(data):
            break
        sizes.append(size)
        position += size
    return sizes
