"""Crawl all pages below a URL, one after the other, on bare sockets."""

import socket
import ssl
import sys
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit


def get(url):
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    sock = socket.create_connection((parts.hostname, port))
    if parts.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sock.sendall(f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
    answer = b""
    while (data := sock.recv(5120)) and len(answer) < 16_000_000:
        answer += data
    sock.close()
    header, _, body = answer.partition(b"\r\n\r\n")
    return body if b" 200 " in header.split(b"\r\n")[0] else None


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.hrefs = []

    def handle_starttag(self, tag, attrs):
        if tag == "a" and "href" in dict(attrs):
            self.hrefs.append(dict(attrs)["href"])


start = sys.argv[1]
queue, seen = [start], {start}
while queue:
    url = queue.pop(0)
    body = get(url)
    if body is None:
        continue
    print(url, len(body))
    links = Links()
    # The links are ASCII in every charset but this one.
    is_wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    links.feed(body.decode("utf-16" if is_wide else "latin-1"))
    for href in links.hrefs:
        link = urldefrag(urljoin(url, href)).url
        if link.startswith(start) and link not in seen:
            seen.add(link)
            queue.append(link)
