#!/usr/bin/env python3
"""A TCP proxy on loopback that makes the way to a server longer.

    delay.py PORT MILLISECONDS      prints its own port; each way takes half of the time
"""
import asyncio
import sys


class End(asyncio.Protocol):
    """One end of a connection: what arrives here leaves at the other end, later."""

    def __init__(self, delay_s, other=None):
        self.delay_s, self.other = delay_s, other
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        asyncio.get_running_loop().call_later(self.delay_s, self.other.transport.write, data)

    def connection_lost(self, _exception):
        if self.other:
            asyncio.get_running_loop().call_later(self.delay_s, self.other.transport.close)


class Client(End):
    """The end that connects to the server; what arrives before that is done waits."""

    def __init__(self, delay_s, port):
        super().__init__(delay_s)
        self.port = port
        self.connecting = None
        self.early = []

    def connection_made(self, transport):
        super().connection_made(transport)
        self.connecting = asyncio.create_task(self.connect())

    def data_received(self, data):
        if self.other:
            super().data_received(data)
        else:
            self.early.append(data)

    async def connect(self):
        _, self.other = await asyncio.get_running_loop().create_connection(
            lambda: End(self.delay_s, self), "127.0.0.1", self.port)
        for data in self.early:
            super().data_received(data)


async def main(port, delay_s):
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(delay_s, port), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 2000))
