"""A proxy in front of a store that does what it is told to the answers (or to the requests)."""
import asyncio
import socket
import struct
import threading


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body

    @property
    def is_listing(self):
        return self.method == "GET" and "encoding-type=" in self.target


class Answer:
    """What the store has answered; a fault changes it, or says how to break off."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.length = None  # what Content-Length says, if not the truth
        self.send = None    # so many bytes of the body, and then:
        self.ending = None  # "close", "reset", or seconds of silence

    def copy(self):
        other = Answer(self.status, list(self.headers), self.body)
        return other

    def replace(self, status, body, *headers):
        self.status, self.body = status, body
        self.headers = [(name, value) for name, value in self.headers
                        if name.lower() not in ("etag", "last-modified", "content-range")]
        self.headers += headers

    def encode(self, head_only):
        length = len(self.body) if self.length is None else self.length
        lines = [f"HTTP/1.1 {self.status} Answer"]
        lines += [f"{name}: {value}" for name, value in self.headers
                  if name.lower() not in ("content-length", "transfer-encoding", "connection")]
        if head_only:
            length = self.header("content-length") or 0
        lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    return first, [tuple(part.strip() for part in line.split(":", 1)) for line in lines]


async def read_body(reader, headers, until_end):
    names = {name.lower(): value for name, value in headers}
    if names.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    if "content-length" in names:
        return await reader.readexactly(int(names["content-length"]))
    return await reader.read() if until_end else b""


class Proxy:
    """`fault(number, request, answer)` is called for each answer, numbered from 0 as they come; it may
    change the answer. `rewrite(request)` may change a request, or give an answer in place of the store's. Each
    answer is given `delay_s` later than it could be. `passed` counts the requests,
    `most_under_way` those that waited at the same time, `asking` those that the store is still at work on, whether
    anybody waits for it or not."""

    def __init__(self, target_port, tls=None):
        self.target_port, self.tls = target_port, tls
        self.fault = self.rewrite = None
        self.delay_s = 0
        self.passed = self.under_way = self.most_under_way = self.asking = 0
        self.seen = []
        self.tasks = set()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20, ssl=self.tls))
        self.port = self.server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def stop(self):
        def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(10)

    @property
    def endpoint(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def reset(self, fault=None, rewrite=None, delay_s=0):
        self.passed = self.most_under_way = 0
        self.seen = []
        self.fault, self.rewrite, self.delay_s = fault, rewrite, delay_s

    async def ask(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target_port, limit=1 << 20)
        try:
            head = [f"{request.method} {request.target} HTTP/1.1"]
            head += [f"{name}: {value}" for name, value in request.headers
                     if name.lower() != "connection"]
            head.append("Connection: close")
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + request.body)
            first, headers = await read_head(reader)
            status = int(first.split()[1])
            no_body = request.method == "HEAD" or status in (204, 304)
            body = b"" if no_body else await read_body(reader, headers, True)
            return Answer(status, headers, body)
        finally:
            writer.close()

    async def serve(self, reader, writer):
        try:
            while await self.serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    async def serve_one(self, reader, writer):
        first, headers = await read_head(reader)
        method, target, _ = first.split(" ")
        request = Request(method, target, headers, await read_body(reader, headers, False))
        number = self.passed
        self.passed += 1
        self.seen.append(request)
        self.asking += 1
        try:
            answer = self.rewrite(request) if self.rewrite else None
            if answer is None:
                answer = await self.ask(request)
        finally:
            self.asking -= 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.under_way -= 1
        if self.fault:
            self.fault(number, request, answer)
        return await self.reply(writer, answer, method == "HEAD")

    async def reply(self, writer, answer, head_only):
        body = b"" if head_only else answer.body
        if answer.ending is None:
            writer.write(answer.encode(head_only) + body)
            await writer.drain()
            return True
        if answer.send is not None:
            writer.write(answer.encode(head_only) + body[:answer.send])
            await writer.drain()
        if answer.ending == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif answer.ending != "close":
            await asyncio.sleep(answer.ending)
        return False
