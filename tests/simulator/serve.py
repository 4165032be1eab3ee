"""The simulated web on loopback: HTTP/1.1 over real TLS for every name, plain HTTP, and a CONNECT proxy.

One listener serves all hosts: the certificate is made for the name in the TLS hello, the world is asked for the name
in the Host header. A client that can be told where a name lives (our own fetcher) uses `Web.resolve`; any other goes
through the proxy, which needs no root and no hosts file.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import socketserver
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import trustme

from tests.simulator.exchange import Request, Response, Wire
from tests.simulator.world import World

#: Bodies travel in blocks of this size where they trickle.
BLOCK = 1024


class Authority:
    """A certificate authority for tests, and a TLS context per name, made when first asked for."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def write(self, folder: Path) -> Path:
        """The CA's certificate as a PEM file, for clients to trust."""
        path = folder / "simulator-ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return path

    def context(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                self.ca.issue_cert(name).configure_cert(context)
                self._contexts[name] = context
            return self._contexts[name]

    def listening(self) -> ssl.SSLContext:
        """A context that turns into the right one when the client says whom it wants."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        self.ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
            if name:
                connection.context = self.context(name)

        context.sni_callback = choose
        return context


def _reset(connection: socket.socket) -> None:
    """Close with RST: no goodbye, whatever is still in the buffers is lost."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Host(BaseHTTPRequestHandler):
    """One connection of a client to a host."""

    protocol_version = "HTTP/1.1"
    scheme = "https"
    server: _Listener

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _read_body(self) -> bytes:
        if (self.headers.get("transfer-encoding") or "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _serve(self) -> None:
        host = (self.headers.get("host") or "").rpartition("@")[2]
        target = self.path
        if "://" in target[:8]:  # a proxy's absolute form
            parts = urlsplit(target)
            host, target = parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = host.partition(":")[0].lower()
        body = self._read_body()
        request = Request(self.command, name, target, tuple(self.headers.items()), body, self.scheme)
        witness = self.server.witness
        if witness:
            witness.opened(name)
        try:
            response = self.server.world.answer(request)
            # What takes time happens here, outside the world's lock.
            if response.delay:
                self.server.sleep(response.delay)
        finally:
            if witness:
                # Before anything is sent: the client may ask again before we hear that it has it.
                witness.closed(name)
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _serve

    def _send(self, response: Response) -> None:
        connection = self.connection
        if response.wire is Wire.SILENT:
            self.server.sleep(3600)
        if response.wire in (Wire.SILENT, Wire.DROPPED):
            self.close_connection = True
            _reset(connection)
            return
        if response.wire is Wire.NOISE:
            self.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            self.close_connection = True
            return
        is_bodyless = self.command == "HEAD" or response.status in (204, 304) or response.status < 200
        reason = http.client.responses.get(response.status, "")
        lines = [f"HTTP/1.1 {response.status} {reason}"]
        lines += [f"{key}: {value}" for key, value in response.headers]
        if response.chunked:
            lines.append("transfer-encoding: chunked")
        elif response.header("content-length") is None and response.status not in (204, 304):
            lines.append(f"content-length: {response.size}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
        if not is_bodyless:
            self._send_body(response)

    def _send_body(self, response: Response) -> None:
        whole = response.wire is Wire.WHOLE
        left = response.size if whole else response.size // 2
        for _ in range(response.repeat):
            for start in range(0, len(response.body), BLOCK if response.trickle else 1 << 20):
                block = response.body[start : start + (BLOCK if response.trickle else 1 << 20)][:left]
                left -= len(block)
                if not block:
                    break
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if response.chunked else block)
                if response.trickle:
                    self.wfile.flush()
                    self.server.sleep(response.trickle)
        if response.chunked and whole:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if not whole:
            self.close_connection = True
            if response.wire is Wire.RESET:
                _reset(self.connection)


class _PlainHost(_Host):
    scheme = "http"


class _Proxy(_PlainHost):
    """CONNECT is carried to the TLS listener byte by byte; plain HTTP requests are answered at once."""

    server: _ProxyListener

    def do_CONNECT(self) -> None:
        name, _, port = self.path.partition(":")
        try:
            address = self.server.web.resolve(name, int(port or 443))
        except OSError:
            self.send_error(502, "no such host in this web")
            return
        with socket.create_connection(address) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.wfile.flush()
            self._carry(upstream)
        self.close_connection = True

    def _carry(self, upstream: socket.socket) -> None:
        ends = {self.connection: upstream, upstream: self.connection}
        while not self.server.stopping.is_set():
            ready, _, _ = select.select(list(ends), [], [], 0.5)
            for end in ready:
                try:
                    block = end.recv(1 << 16)
                    if not block:
                        return
                    ends[end].sendall(block)
                except OSError:
                    # What broke on one side breaks on the other.
                    _reset(self.connection)
                    return


class Witness(Protocol):
    """Who counts the requests that a host works on at a time."""

    def opened(self, host: str) -> None: ...

    def closed(self, host: str) -> None: ...


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, world: World, handler: type[_Host], authority: Authority | None = None, port: int = 0) -> None:
        self.world = world
        self._handler = handler
        self.witness: Witness | None = None
        self.stopping = threading.Event()
        self._tls = authority.listening() if authority else None
        super().__init__(("127.0.0.1", port), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def sleep(self, seconds: float) -> None:
        """Real seconds, cut short when the web is taken down."""
        self.stopping.wait(seconds)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake is done here, in the connection's own thread, so that a stalled one holds up nobody.
        with contextlib.suppress(OSError, ValueError):
            request.settimeout(60)
            # Head and body are written apart: without this each answer would wait 40 ms for the client's ACK.
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                request = self._tls.wrap_socket(request, server_side=True)
            self._handler(request, client_address, self)
            if self._tls is not None:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_WR)
                request.close()


class _ProxyListener(_Listener):
    web: Web


class Web:
    """The running web. Use as a context manager; it stops with all its connections."""

    def __init__(
        self, world: World, authority: Authority, ca_file: Path, port: int = 0, witness: Witness | None = None
    ) -> None:
        self.world = world
        self.ca_file = ca_file
        self._secure = _Listener(world, _Host, authority)
        self._plain = _Listener(world, _PlainHost)
        self._proxy = _ProxyListener(world, _Proxy, port=port)
        self._proxy.web = self
        self._secure.witness = self._plain.witness = witness
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        """Of the TLS listener."""
        return self._secure.port

    @property
    def http_port(self) -> int:
        return self._plain.port

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self._proxy.port}"

    def resolve(self, name: str, port: int = 443) -> tuple[str, int]:
        """Where a name lives; `socket.gaierror` for one that nobody made."""
        name = name.lower().rstrip(".")
        if name not in self.world.hosts():
            raise socket.gaierror(socket.EAI_NONAME, f"{name}: not in the simulated web")
        return "127.0.0.1", self.port if port == 443 else self.http_port

    def environment(self, home: Path) -> dict[str, str]:
        """What makes other people's programs go through the proxy and trust the CA, with a home of their own."""
        proxy, ca = self.proxy_url, str(self.ca_file)
        return {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "HTTP_PROXY": proxy,
            "http_proxy": proxy,
            "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            "CURL_CA_BUNDLE": ca,
        }

    def start(self) -> Web:
        for listener in (self._secure, self._plain, self._proxy):
            thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        listeners = (self._proxy, self._plain, self._secure)
        # At once, because each looks up only now and then.
        ends = [threading.Thread(target=listener.shutdown) for listener in listeners]
        for listener, end in zip(listeners, ends, strict=True):
            listener.stopping.set()
            end.start()
        for end in ends:
            end.join()
        for listener in listeners:
            listener.server_close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Web:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
