"""``python -m simulator``: both ports in one process, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from simulator import app, certificates
from simulator.clock import Pace, parse
from simulator.setting import Size
from simulator.state import Start, World

_HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves signals to us: two of them share the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing about signals."""
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, serve, stop; 0 when told to stop, 2 when it cannot start."""
    wanted = _parser().parse_args(arguments)
    try:
        with (
            _listening(wanted.port) as azure,
            _listening(wanted.control_port) as control,
            _folder(wanted.state) as folder,
        ):
            return _serve(wanted, azure, control, folder)
    except OSError as error:
        sys.stderr.write(f"simulator: {error.strerror or error}\n")
        return 2


def _serve(
    wanted: argparse.Namespace, azure: socket.socket, control: socket.socket, folder: Path
) -> int:
    start = Start(
        Size(wanted.setting),
        parse(wanted.now) if wanted.now else None,
        Pace.FROZEN if wanted.freeze else Pace.RUNNING,
    )
    tls = certificates.issue(folder)
    world = World(start, folder if wanted.state else None)
    world.azure_url = _azure_url(azure)
    threading.Thread(target=world.prices.effective, args=(world.clock.now(),), daemon=True).start()
    servers = (
        _Server(_config(app.azure(world), ssl_certfile=tls.chain, ssl_keyfile=tls.key)),
        _Server(_config(app.controls(world))),
    )
    try:
        asyncio.run(_run(servers, (azure, control), wanted.ready_file, tls.ca_bundle))
    finally:
        world.close()
    return 0


async def _run(
    servers: Sequence[_Server],
    sockets: Sequence[socket.socket],
    ready_file: Path | None,
    ca_bundle: Path,
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, sockets, strict=True)
    ]
    while not all(server.started for server in servers) and not any(t.done() for t in tasks):
        await asyncio.sleep(0.01)
    _announce(sockets, ready_file, ca_bundle)
    await asyncio.gather(*tasks)


def _announce(sockets: Sequence[socket.socket], ready_file: Path | None, ca_bundle: Path) -> None:
    text = json.dumps(
        {
            "azure": _azure_url(sockets[0]),
            "control": f"http://{_HOST}:{sockets[1].getsockname()[1]}",
            "ca_bundle": str(ca_bundle.resolve()),
            "pid": os.getpid(),
        }
    )
    if ready_file is None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        return
    draft = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(ready_file)


def _azure_url(listener: socket.socket) -> str:
    return f"https://localhost:{listener.getsockname()[1]}"


def _config(
    served: ASGIApp, *, ssl_certfile: Path | None = None, ssl_keyfile: Path | None = None
) -> uvicorn.Config:
    return uvicorn.Config(
        served,
        http=app.Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
    )


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise OSError(error.errno, f"port {port} on {_HOST}: {error.strerror}") from None
        listener.listen(128)
        yield listener


@contextlib.contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
        yield state
        return
    with tempfile.TemporaryDirectory(prefix="simulator-") as name:
        yield Path(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="Azure on loopback.")
    parser.add_argument("--port", type=int, default=0, help="TLS port of Azure; 0 takes a free one")
    parser.add_argument("--control-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written when both ports listen")
    parser.add_argument("--state", type=Path, help="folder that outlives a restart")
    parser.add_argument("--now", help="instant at which the simulated time starts")
    parser.add_argument("--freeze", action="store_true", help="the simulated time stands still")
    parser.add_argument("--setting", choices=[s.value for s in Size], default=Size.WORKSHOP.value)
    return parser


if __name__ == "__main__":
    sys.exit(main())
