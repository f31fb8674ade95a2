"""read.py WAY FILE|URL - the text, or the number of its lines"""
import asyncio
import gzip
import sys
import zlib

way, arg = sys.argv[1:]


def data():
    with open(arg, "rb") as file:
        return file.read()


def pieces():
    member = zlib.decompressobj(31)
    packed = data()
    for at in range(0, len(packed), 1000):
        yield member.decompress(packed[at:at + 1000])


def small_reads():
    with gzip.GzipFile(arg) as file:
        while piece := file.read(777):
            yield piece


def lines():
    with gzip.open(arg, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.encode()


def pandas(method, **options):
    import pandas as pd
    print(len(getattr(pd, method)(arg, **options)))
    return ()


def dask_bag():
    import dask
    import dask.bag
    dask.config.set(scheduler="synchronous")
    return [line.encode() for line in dask.bag.read_text(arg).compute()]


def requests_get(iterate):
    import requests
    if not iterate:
        return [requests.get(arg).content]
    with requests.get(arg, stream=True) as answer:
        return [line + b"\n" for line in answer.iter_lines()]


def urllib3_get(stream):
    import urllib3
    answer = urllib3.PoolManager().request(
        "GET", arg, preload_content=not stream)
    return list(answer.stream(5000)) if stream else [answer.data]


def httpx_get(stream):
    import httpx
    if not stream:
        return [httpx.get(arg).content]
    with httpx.stream("GET", arg) as answer:
        return list(answer.iter_bytes())


async def aiohttp_get(chunks):
    import aiohttp
    async with aiohttp.ClientSession() as session, session.get(arg) as answer:
        if not chunks:
            return [await answer.read()]
        return [piece async for piece in answer.content.iter_chunked(3000)]


async def tornado_get():
    from tornado.httpclient import AsyncHTTPClient
    return [(await AsyncHTTPClient().fetch(arg)).body]


def opened(package):
    if package == "fsspec":
        import fsspec
        file = fsspec.open(arg, "rb", compression="infer")
    else:
        import smart_open
        file = smart_open.open(arg, "rb")
    with file as stream:
        return [stream.read()]


WAYS = {
    "gzip.open": lambda: [gzip.open(arg).read()],
    "gzip.decompress": lambda: [gzip.decompress(data())],
    "GzipFile, small reads": small_reads,
    "gzip lines": lines,
    "zlib.decompress": lambda: [zlib.decompress(data(), 31)],
    "zlib.decompressobj": lambda: [zlib.decompressobj(47).decompress(data())],
    "decompressobj in pieces": pieces,
    "pandas read_json": lambda: pandas("read_json", lines=True),
    "pandas read_csv": lambda: pandas(
        "read_csv", sep="\x01", header=None, quoting=3),
    "dask bag.read_text": dask_bag,
    "requests get": lambda: requests_get(False),
    "requests iter_lines": lambda: requests_get(True),
    "urllib3 request": lambda: urllib3_get(False),
    "urllib3 stream": lambda: urllib3_get(True),
    "httpx get": lambda: httpx_get(False),
    "httpx stream": lambda: httpx_get(True),
    "aiohttp get": lambda: asyncio.run(aiohttp_get(False)),
    "aiohttp chunks": lambda: asyncio.run(aiohttp_get(True)),
    "tornado fetch": lambda: asyncio.run(tornado_get()),
    "smart-open open": lambda: opened("smart_open"),
    "fsspec open": lambda: opened("fsspec"),
}
for part in WAYS[way]():
    sys.stdout.buffer.write(part)
