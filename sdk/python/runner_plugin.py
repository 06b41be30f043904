"""Executor plugins for `runner` in Python 3.8 or newer: this one file, the standard library only.

A plugin is a subclass of Executor and one call:

    import runner_plugin as rp

    class Sandbox(rp.Executor):
        def prepare(self, job):
            return rp.Environment(builds_dir="/builds", cache_dir="/cache")

        def run(self, command):
            return self.run_process(command.argv, stdin=command.script)

    rp.serve(Sandbox, name="sandbox", version="1.0")

The protocol is described in plugins/PROTOCOL.md; this file keeps its promises about messages,
flow of output, canceling and clean-up, so that a plugin is only about where jobs run.
"""

import base64
import concurrent.futures
import fcntl
import hashlib
import json
import os
import pty
import queue
import secrets
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Type

PROTOCOL_VERSION = 1

#: Carried by every process of a plugin: who has it is ended with the plugin.
PLUGIN_MARK = "RUNNER_PLUGIN_MARK"

#: Carried by every process of one job.
JOB_MARK = "RUNNER_JOB_MARK"

_PIECE_BYTES = 16 * 1024
_FILE_PIECE_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 4 * 1024 * 1024
#: Nobody has so many jobs at a time: a request never waits for another one's end.
_MOST_THREADS = 10_000


class PluginError(Exception):
    """Base of the errors that a plugin answers with; its text is for whoever reads the job's log."""

    code = -32603
    data: Dict[str, Any] = {}


class SystemFailure(PluginError):
    """The infrastructure failed; the job is not to blame."""

    code = -32001

    def __init__(self, message: str, reason: str = "runner_system_failure") -> None:
        super().__init__(message)
        self.data = {"kind": "system-failure", "reason": reason}


class JobConfigurationError(PluginError):
    """The job asks for something that cannot be had; another try would not help."""

    code = -32002
    data = {"kind": "job-configuration"}


class ConfigurationError(PluginError):
    """The operator's settings are wrong."""

    code = -32003
    data = {"kind": "configuration"}


class _WrongParameters(PluginError):
    """The host's parameters are not as the protocol has them."""

    code = -32602


class _Violation(Exception):
    """The host does not keep to the protocol; nothing it says can be relied on any more."""


class Canceled(PluginError):
    """The host has asked to stop; raised by run_process and check_canceled."""

    code = -32800
    data = {"kind": "canceled"}


class Environment(NamedTuple):
    """What prepare answers. Paths are absolute, in the job's environment."""

    builds_dir: str
    cache_dir: str
    os: str = "linux"
    #: Its processor in Go's words (`amd64`, `arm64`), where the host may put its executable by
    #: put_file; None: it may not.
    arch: Optional[str] = None
    #: Completes `Running on …`; None: a script finds it out.
    hostname: Optional[str] = None
    #: Named behind a host name that a script finds out: the machine it is reached through.
    via: Optional[str] = None
    #: Several jobs' checkouts live below builds_dir.
    shared_builds_dir: bool = False
    #: No two running jobs of one project may have the same.
    project_slot: int = 0
    shell: str = "bash"
    login: bool = False
    exit_phrase: str = "exit status"
    #: How a script starts the host's executable there; None: no artifacts and no cache.
    helper_command: Optional[Sequence[str]] = None
    variables: Mapping[str, str] = {}


class Command(NamedTuple):
    """One script to run."""

    #: `get_sources`, `step_script`, `after_script`…
    stage: str
    #: Full of secrets: it belongs on a standard input, never into arguments or readable files.
    script: bytes
    #: The shell to start.
    argv: List[str]
    #: None: the script goes to the standard input; else to a file with this extension, whose path
    #: is the last argument.
    file_extension: Optional[str]
    #: `helper` for the runner's own work, which needs git; `build` for the user's commands.
    target: str


class Runner(NamedTuple):
    """What the host says of itself and of the [[runners]] entry, in the protocol's own words."""

    host: Mapping[str, Any]
    entry: Mapping[str, Any]
    #: [runners.plugin.config]
    config: Mapping[str, Any]
    #: Private to the plugin; survives restarts.
    state_dir: str


class HostFile:
    """A file that the host wants a job's environment to have."""

    def __init__(self, link: "_Link", name: str, size: int, sha256: str) -> None:
        self._link = link
        self.name = name
        #: Bytes.
        self.size = size
        #: What was put once, by this name, need not be put again.
        self.sha256 = sha256

    def chunks(self) -> Iterator[bytes]:
        """Its content, in order, verified at its end."""
        digest, offset = hashlib.sha256(), 0
        while offset < self.size:
            self._link.check_canceled()
            answer = self._link.request("file/read", {
                "handle": self._link.handle, "offset": offset, "length": _FILE_PIECE_BYTES,
            })
            data = base64.b64decode(answer["data"])
            if not data:
                raise SystemFailure(f'"{self.name}" ends after {offset} bytes')
            digest.update(data)
            offset += len(data)
            yield data
        if digest.hexdigest() != self.sha256:
            raise SystemFailure(f'"{self.name}" has changed while it was copied')

    def save(self, path: str) -> None:
        """Has it at `path`, executable, once whole and verified. One that is there with its size is
        taken as it is: let the name hold `sha256`."""
        if os.path.exists(path) and os.path.getsize(path) == self.size:
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        partial = f"{path}.{secrets.token_hex(8)}"
        try:
            with open(partial, "xb") as target:
                for data in self.chunks():
                    target.write(data)
            os.chmod(partial, 0o755)
            os.replace(partial, path)
        finally:
            if os.path.exists(partial):
                os.remove(partial)


class Terminal:
    """Somebody's window: for run_on_terminal, or for what an executor makes of it itself."""

    def __init__(self, link: "_Link", columns: int, rows: int) -> None:
        self._link = link
        self._typed: "queue.Queue[bytes]" = queue.Queue()
        #: Called with columns and rows when the window changes.
        self.on_resize: Callable[[int, int], None] = lambda columns, rows: None
        self.columns = columns
        self.rows = rows

    def read(self) -> bytes:
        """What was typed next; waits for it. Empty once the window is closed."""
        data = self._typed.get()
        if data:
            self._link.notify("terminal/credit", {"handle": self._link.handle, "bytes": len(data)})
        return data

    def write(self, data: bytes) -> None:
        """Shows `data`. Waits while the host has not taken what was sent before."""
        self._link.write(data)

    def type(self, data: bytes) -> None:
        """Of the server."""
        self._typed.put(data)

    def resize(self, columns: int, rows: int) -> None:
        """Of the server."""
        self.columns, self.rows = columns, rows
        self.on_resize(columns, rows)


class Executor:
    """One job. prepare once (again after a failure), run once per stage, cleanup always.

    Calls for one job never overlap, but for `terminal`; those of different jobs do, each in a
    thread of its own. What a class defines of `terminal`, `put_file` and `reap` is announced.
    """

    def __init__(self, runner: Runner, link: "_Link") -> None:
        self.runner = runner
        self._link = link
        self.mark = secrets.token_hex(16)
        #: Some process may carry the mark.
        self._has_run = False

    @classmethod
    def check_config(cls, runner: Runner) -> None:
        """Raises ConfigurationError when the settings are wrong."""

    @classmethod
    def has_capacity(cls, runner: Runner) -> bool:
        """Asked before a job is: False means ask again later."""
        return True

    def prepare(self, job: Mapping[str, Any]) -> Environment:
        """`job` is the job as GitLab describes it to runners. Remembers before it makes."""
        raise NotImplementedError

    def run(self, command: Command) -> int:
        """Runs a script and everything it starts to their end; the exit code."""
        raise NotImplementedError

    def terminal(self, command: Command, terminal: Terminal) -> int:
        """Runs a script like `run`, with a terminal for somebody to use; the exit code."""
        raise NotImplementedError

    def put_file(self, file: HostFile) -> str:
        """Has the file, executable, in the job's environment; its path there."""
        raise NotImplementedError

    def finish(self, result: Mapping[str, Any]) -> None:
        """The user's part is over."""

    @classmethod
    def reap(cls, runner: Runner, note: Mapping[str, Any]) -> None:
        """Removes what is left of a job whose host died, by what it remembered."""

    def cleanup(self) -> None:
        """Removes what the job left; safe at any time, also twice."""

    # What executors are made of.

    def print(self, text: str, style: str = "plain") -> None:
        """A line of the executor's own in the job's log: plain, notice, warning or error."""
        self._link.notify("job/log", {"handle": self._link.handle, "style": style, "text": text})

    def write(self, data: bytes) -> None:
        """What the job printed. Waits while the host has not taken what was sent before."""
        self._link.write(data)

    def remember(self, note: Mapping[str, Any]) -> None:
        """Has `note` on the host's disk when it returns: strings and numbers, no secrets."""
        self._link.request("job/remember", {"handle": self._link.handle, "note": dict(note)})

    def check_canceled(self) -> None:
        """Raises Canceled once the host has asked to stop."""
        self._link.check_canceled()

    def run_process(
        self,
        argv: Sequence[str],
        stdin: bytes = b"",
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        is_wrapper: bool = False,
    ) -> int:
        """Runs a program in a session of its own; both its outputs go to the job's log, in order.

        When it has ended, or was canceled, everything that carries the job's mark is killed. A cancel
        sends SIGTERM first and gives the grace the host allows; with `is_wrapper` only to what runs
        inside the program, which would take its content along if it ended first.
        """
        read_end, write_end = os.pipe()
        return self._run(_Streams(read_end, write_end), self._link, argv, stdin, env, cwd, is_wrapper)

    def run_on_terminal(
        self,
        argv: Sequence[str],
        terminal: Terminal,
        stdin: bytes = b"",
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        is_wrapper: bool = False,
    ) -> int:
        """As run_process, with a pseudo-terminal for both outputs, which is the program's controlling
        terminal too. When the window is closed, the program is told by SIGHUP."""
        master, slave = pty.openpty()
        link = terminal._link  # pylint: disable=protected-access
        lock = threading.Lock()
        is_open = True

        def resize(columns: int, rows: int) -> None:
            with lock:
                if is_open:
                    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def type_all() -> None:
            try:
                for data in iter(terminal.read, b""):
                    while data:
                        data = data[os.write(keyboard, data):]
            except OSError:
                pass  # Nobody reads any more.
            finally:
                os.close(keyboard)

        keyboard = os.dup(master)
        resize(terminal.columns, terminal.rows)
        terminal.on_resize = resize
        threading.Thread(target=type_all, daemon=True).start()
        try:
            return self._run(_Streams(master, slave, is_terminal=True), link, argv, stdin, env, cwd, is_wrapper)
        finally:
            with lock:
                is_open = False
            terminal.type(b"")

    def _run(self, streams: "_Streams", link: "_Link", argv: Sequence[str], stdin: bytes,
             env: Optional[Mapping[str, str]], cwd: Optional[str], is_wrapper: bool) -> int:
        self._has_run = True
        mark = f"{self.mark}.{secrets.token_hex(4)}"
        full_env = dict(os.environ if env is None else env)
        full_env[JOB_MARK] = mark
        full_env.setdefault(PLUGIN_MARK, os.environ.get(PLUGIN_MARK, ""))
        with tempfile.TemporaryFile() as script:
            script.write(stdin)
            script.seek(0)
            try:
                link.check_canceled()
                child = subprocess.Popen(
                    list(argv), stdin=script, stdout=streams.write_end, stderr=streams.write_end,
                    env=full_env, cwd=cwd, start_new_session=True, preexec_fn=streams.on_start,
                )
            except OSError as error:
                os.close(streams.read_end)
                why = error.strerror if cwd is None or os.path.isdir(cwd) else f'there is no directory "{cwd}"'
                raise SystemFailure(f'Cannot start "{argv[0]}": {why}') from error
            except Canceled:
                os.close(streams.read_end)
                raise
            finally:
                os.close(streams.write_end)
        pump = _Pump(streams.read_end, link)
        spared = child.pid if is_wrapper else None
        number = signal.SIGHUP if streams.is_terminal else signal.SIGTERM
        try:
            code = _wait(child, link, lambda: kill_marked(JOB_MARK, [mark], number, spared))
        finally:
            kill_marked(JOB_MARK, [mark], signal.SIGKILL)
            child.wait()
            pump.drain()
        if pump.fault is not None:
            raise pump.fault
        link.check_canceled()
        return code if code >= 0 else 128 - code


class _Streams:
    """Where a program's output comes from and goes to."""

    def __init__(self, read_end: int, write_end: int, is_terminal: bool = False) -> None:
        self.read_end = read_end
        self.write_end = write_end
        self.is_terminal = is_terminal
        self.on_start = _take_terminal if is_terminal else None


def _take_terminal() -> None:
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


def _wait(child: "subprocess.Popen[bytes]", link: "_Link", stop: Callable[[], None]) -> int:
    """The child's exit code; a cancel cuts it short."""
    ended = threading.Event()
    threading.Thread(target=lambda: (child.wait(), ended.set(), link.wake()), daemon=True).start()
    link.wait_until(lambda: ended.is_set() or link.canceled.is_set())
    if not ended.is_set():
        stop()
        ended.wait(link.grace_seconds)
        if not ended.is_set():
            child.kill()
    return child.wait()


def kill_marked(name: str, values: Sequence[str], number: int, spared: Optional[int] = None) -> None:
    """Signals every process that has NAME=VALUE, or NAME=VALUE. and more, in its environment but
    `spared`; waits for the end of what it kills. The table of processes is read for all values at once."""
    marks = {value.encode() for value in values if value}
    start = f"{name}=".encode()
    deadline = time.monotonic() + 10
    while marks:
        found = False
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in (os.getpid(), spared):
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    own = [each[len(start):] for each in file.read().split(b"\0") if each.startswith(start)]
                if not any(mark in marks or mark.partition(b".")[0] in marks for mark in own):
                    continue
                os.kill(int(entry), number)
                found = True
            except OSError:
                continue  # It has ended, or belongs to somebody else.
        if not found or number != signal.SIGKILL or time.monotonic() > deadline:
            return
        time.sleep(0.005)


class _Pump:
    """Moves a pipe's bytes to the host, no faster than that takes them."""

    def __init__(self, descriptor: int, link: "_Link") -> None:
        self._descriptor = descriptor
        self._link = link
        self.fault: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Every known writer is dead: what is left comes at once."""
        self._thread.join(0.25)
        while self._thread.is_alive() and self._link.is_sending():
            self._thread.join(0.05)
        os.close(self._descriptor)

    def _run(self) -> None:
        try:
            while True:
                data = os.read(self._descriptor, _PIECE_BYTES)
                if not data:
                    return
                self._link.write(data)
        except OSError:
            pass  # The descriptor was closed: somebody who is none of ours holds the other end.
        except BaseException as error:  # pylint: disable=broad-except
            self.fault = error


class _Link:
    """One job's end of the connection."""

    def __init__(self, server: "_Server", handle: str, window: int, output: str = "job/output") -> None:
        self._server = server
        self._output = output
        self.handle = handle
        self._credit = window
        self._changed = threading.Condition()
        self._sending = False
        self.canceled = threading.Event()
        self.grace_seconds = 0.0
        self.executor: Optional[Executor] = None
        #: The job's open terminal.
        self.terminal: Optional[Terminal] = None
        self.terminal_link: Optional["_Link"] = None

    def check_canceled(self) -> None:
        if self.canceled.is_set():
            raise Canceled("canceled")

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self._server.send({"method": method, "params": params})

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._server.request(method, params)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        self._sending = True
        try:
            while view:
                with self._changed:
                    self._changed.wait_for(lambda: self._credit > 0 or self._server.closed)
                    if self._server.closed:
                        return
                    size = min(len(view), self._credit, _PIECE_BYTES)
                    self._credit -= size
                text = base64.b64encode(view[:size]).decode("ascii")
                self.notify(self._output, {"handle": self.handle, "data": text})
                view = view[size:]
        finally:
            self._sending = False

    def is_sending(self) -> bool:
        return self._sending

    def give(self, size: int) -> None:
        with self._changed:
            self._credit += size
            self._changed.notify_all()

    def cancel(self, grace_seconds: float) -> None:
        self.grace_seconds = grace_seconds
        self.canceled.set()
        self.wake()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(condition)


class _Server:
    """The connection: one reader, and a thread for each request that is being worked on."""

    def __init__(self, executor: Type[Executor], name: str, version: str,
                 features: Mapping[str, bool], grace_seconds: float,
                 cleanup_seconds: float) -> None:
        self._executor = executor
        self._identity = {"name": name, "version": version}
        own = {
            "terminal": executor.terminal is not Executor.terminal,
            "files": executor.put_file is not Executor.put_file,
            "reap": executor.reap.__func__ is not Executor.reap.__func__,  # type: ignore[attr-defined]
        }
        self._features = {"variables": True, **own, **features}
        self._grace_seconds = grace_seconds
        self._cleanup_seconds = cleanup_seconds
        self._in, self._out = _own_streams()
        self._out_lock = threading.Lock()
        self._lock = threading.Lock()
        self._links: Dict[str, _Link] = {}
        #: Threads are kept for later requests.
        self._workers = concurrent.futures.ThreadPoolExecutor(_MOST_THREADS)
        self._running: Dict[Any, _Link] = {}
        self._pending: Dict[int, Dict[str, Any]] = {}
        self._arrived = threading.Condition(self._lock)
        self._asked: Set[int] = set()
        self._last_id = 0
        self._runner: Optional[Runner] = None
        self._window = 0
        self.closed = False

    def serve(self) -> None:
        try:
            while self._receive_line(self._in.readline(_MAX_LINE_BYTES)):
                pass
        except _Violation as violation:
            print(f"The host does not keep to the protocol: {violation}", file=sys.stderr)
        finally:
            self._close()

    def _receive_line(self, line: bytes) -> bool:
        """False: it was the end."""
        if not line.endswith(b"\n"):
            if len(line) == _MAX_LINE_BYTES:
                raise _Violation(f"a line is longer than {_MAX_LINE_BYTES} bytes")
            return False
        if line.strip():
            self._receive(_parse(line))
        return True

    def send(self, message: Mapping[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")) + "\n"
        try:
            with self._out_lock:
                self._out.write(line.encode())
                self._out.flush()
        except OSError:
            self.closed = True  # The host is gone; the end of its messages tells it too.

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        with self._lock:
            self._last_id += 1
            request_id = self._last_id
            self._asked.add(request_id)
        self.send({"id": request_id, "method": method, "params": params})
        with self._arrived:
            self._arrived.wait_for(lambda: request_id in self._pending or self.closed)
            answer = self._pending.pop(request_id, None)
            self._asked.discard(request_id)
        if answer is None:
            raise SystemFailure("The host is gone")
        if "error" in answer:
            raise SystemFailure(answer["error"].get("message", "The host refused"))
        return answer.get("result")

    def _receive(self, message: Dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method is None:
            with self._arrived:
                if message["id"] not in self._asked:
                    raise _Violation(f'it answers the request {message["id"]!r}, which was never sent')
                self._pending[message["id"]] = message
                self._arrived.notify_all()
        elif "id" in message:
            self._begin(message["id"], method, params)
        elif method in _NOTICES:
            handler, shape = _NOTICES[method]
            try:
                _check(method, params, shape)
            except _WrongParameters as error:
                raise _Violation(str(error)) from error
            handler(self, params)

    def _begin(self, request_id: Any, method: str, params: Any) -> None:
        """Hands a request to a thread; what comes after it finds it already begun."""
        link = None
        try:
            handler, shape = _METHODS[method]
            _check(method, params, shape)
            if request_id in self._running:
                raise _Violation(f"the request id {request_id!r} is in use")
            handle = params.get("handle")
            link = self._links.get(handle) if isinstance(handle, str) else None
            if link is not None and method == "executor/terminal":
                link = self._open_terminal(link, params)
        except KeyError:
            error = {"code": -32601, "message": f'There is no method "{method}"'}
            self.send({"id": request_id, "error": error})
            return
        except PluginError as fault:
            self._refuse(request_id, fault)
            return
        if link is not None and method in ("executor/prepare", "executor/run", "executor/put_file"):
            link.canceled.clear()
        if handler is None:
            self.send({"id": request_id, "result": {}})
            return
        self._running[request_id] = link
        self._workers.submit(self._answer, request_id, handler, params)

    def _open_terminal(self, job: _Link, params: Mapping[str, Any]) -> _Link:
        if job.terminal is not None:
            raise PluginError("The job has an open terminal already")
        link = _Link(self, job.handle, self._window, "terminal/output")
        job.terminal_link = link
        job.terminal = Terminal(link, params["columns"], params["rows"])
        return link

    def _refuse(self, request_id: Any, error: PluginError) -> None:
        wire = {"code": error.code, "message": str(error), "data": error.data}
        self.send({"id": request_id, "error": wire})

    def _answer(self, request_id: Any, handler: Callable[["_Server", Mapping[str, Any]], Any],
                params: Mapping[str, Any]) -> None:
        try:
            self.send({"id": request_id, "result": handler(self, params)})
        except PluginError as error:
            self._refuse(request_id, error)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            wire = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
            self.send({"id": request_id, "error": wire})
        finally:
            self._running.pop(request_id, None)

    def _close(self) -> None:
        self.closed = True
        with self._arrived:
            self._arrived.notify_all()
        links = list(self._links.values())
        for link in links:
            link.cancel(0)
            if link.terminal_link is not None:
                link.terminal_link.cancel(0)
        executors = [link.executor for link in links if link.executor is not None]
        _kill_processes(executors)
        for executor in executors:
            try:
                executor.cleanup()
            except Exception:  # pylint: disable=broad-except
                traceback.print_exc()  # The other jobs are cleaned up all the same.

    # Notifications of the protocol.

    def _credit(self, params: Mapping[str, Any]) -> None:
        link = self._links.get(params["handle"])
        if link is not None:
            link.give(params["bytes"])

    def _cancel(self, params: Mapping[str, Any]) -> None:
        request_id = params.get("id")
        link = self._running.get(request_id) if isinstance(request_id, (int, str)) else None
        reason = params.get("reason")
        grace_ms = reason.get("grace_ms") if isinstance(reason, dict) else 0
        if link is not None:
            link.cancel(grace_ms / 1000 if isinstance(grace_ms, (int, float)) else 0)

    def _terminal_input(self, params: Mapping[str, Any]) -> None:
        link = self._links.get(params["handle"])
        if link is not None and link.terminal is not None:
            link.terminal.type(base64.b64decode(params["data"]))

    def _terminal_resize(self, params: Mapping[str, Any]) -> None:
        link = self._links.get(params["handle"])
        if link is not None and link.terminal is not None:
            link.terminal.resize(params["columns"], params["rows"])

    def _terminal_credit(self, params: Mapping[str, Any]) -> None:
        link = self._links.get(params["handle"])
        if link is not None and link.terminal_link is not None:
            link.terminal_link.give(params["bytes"])

    # Methods of the protocol.

    def _initialize(self, params: Mapping[str, Any]) -> Any:
        if self._runner is not None:
            raise PluginError("It was initialized before")
        offered = params["protocol_versions"]
        if PROTOCOL_VERSION not in offered:
            versions = ", ".join(str(each) for each in offered)
            raise PluginError(
                f"The plugin speaks version {PROTOCOL_VERSION} of the protocol, the host {versions}")
        entry = params["runner"]
        runner = Runner(params["host"], entry, entry.get("config", {}), params["state_dir"])
        self._executor.check_config(runner)
        self._window = params["output_window_bytes"]
        self._runner = runner
        return {
            "protocol_version": PROTOCOL_VERSION,
            "plugin": self._identity,
            "features": self._features,
            "grace_ms": self._grace_seconds * 1000,
            "cleanup_ms": self._cleanup_seconds * 1000,
        }

    def _acquire(self, _params: Mapping[str, Any]) -> Any:
        runner = self._initialized()
        if not self._executor.has_capacity(runner):
            return {"kind": "no-capacity"}
        link = _Link(self, secrets.token_hex(8), self._window)
        link.executor = self._executor(runner, link)
        self._links[link.handle] = link
        return {"kind": "acquired", "handle": link.handle}

    def _prepare(self, params: Mapping[str, Any]) -> Any:
        environment = self._of(params).prepare(params["job"])
        if not isinstance(environment, Environment):
            raise PluginError(f"prepare has to return an Environment, and returned {environment!r}")
        answer = environment._asdict()
        answer["variables"] = dict(environment.variables)
        command = environment.helper_command
        answer["helper_command"] = None if command is None else list(command)
        return answer

    def _run(self, params: Mapping[str, Any]) -> Any:
        return _exited("run", self._of(params).run(_command(params)))

    def _terminal(self, params: Mapping[str, Any]) -> Any:
        job = self._links.get(params["handle"])
        executor, terminal = self._of(params), job.terminal if job is not None else None
        if job is None or terminal is None:
            raise PluginError("The job has ended")
        try:
            return _exited("terminal", executor.terminal(_command(params), terminal))
        finally:
            terminal.type(b"")
            job.terminal, job.terminal_link = None, None

    def _put_file(self, params: Mapping[str, Any]) -> Any:
        link = self._links.get(params["handle"])
        executor = self._of(params)
        assert link is not None
        file = HostFile(link, params["name"], params["size"], params["sha256"])
        return {"path": executor.put_file(file)}

    def _finish(self, params: Mapping[str, Any]) -> Any:
        self._of(params).finish(params["result"])
        return {}

    def _cleanup(self, params: Mapping[str, Any]) -> Any:
        link = self._links.get(params["handle"])
        if link is not None and link.executor is not None:
            _kill_processes([link.executor])
            link.executor.cleanup()
            self._links.pop(params["handle"], None)
        return {}

    def _reap(self, params: Mapping[str, Any]) -> Any:
        self._executor.reap(self._initialized(), params["note"])
        return {}

    def _initialized(self) -> Runner:
        if self._runner is None:
            raise PluginError('"initialize" has to come first')
        return self._runner

    def _of(self, params: Mapping[str, Any]) -> Executor:
        link = self._links.get(params["handle"])
        if link is None or link.executor is None:
            raise PluginError(f'There is no handle "{params["handle"]}"')
        return link.executor


def _exited(method: str, code: Any) -> Any:
    if not isinstance(code, int):
        raise PluginError(f"{method} has to return the exit code, and returned {code!r}")
    return {"kind": "exited", "code": int(code)}


def _kill_processes(executors: Sequence[Executor]) -> None:
    marks = [executor.mark for executor in executors if executor._has_run]  # pylint: disable=protected-access
    kill_marked(JOB_MARK, marks, signal.SIGKILL)


def _command(params: Mapping[str, Any]) -> Command:
    invocation = params["invocation"]
    script = invocation.get("script", {})
    return Command(
        stage=params["stage"],
        script=params["script"].encode("utf-8", "surrogatepass"),
        argv=invocation.get("argv", []),
        file_extension=script.get("extension") if script.get("kind") == "file" else None,
        target=params["target"],
    )


def _parse(line: bytes) -> Dict[str, Any]:
    """A line as a message. Raises _Violation."""
    shown = repr(line[:80])
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Violation(f"it is no JSON: {shown}") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise _Violation(f"it is no JSON-RPC 2.0 message: {shown}")
    method, request_id = message.get("method"), message.get("id")
    is_id = isinstance(request_id, (int, str)) and not isinstance(request_id, bool)
    if method is None and is_id and ("result" in message or isinstance(message.get("error"), dict)):
        return message
    if isinstance(method, str) and (is_id or "id" not in message):
        return message
    raise _Violation(f"it is neither request nor answer: {shown}")


def _check(method: str, params: Any, shape: Mapping[str, type]) -> None:
    """Raises _WrongParameters for what lacks a field, or has it of another type."""
    if not isinstance(params, dict):
        raise _WrongParameters(f'The parameters of "{method}" are wrong: they are no object')
    for name, kind in shape.items():
        value = params.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _WrongParameters(
                f'The parameters of "{method}" are wrong: {name} is no {_KINDS[kind]}')


_KINDS: Mapping[type, str] = {str: "string", int: "integer", dict: "object", list: "array"}
_COMMAND = {"handle": str, "stage": str, "script": str, "invocation": dict, "target": str}
_SIZE = {"columns": int, "rows": int}

# pylint: disable=protected-access
_METHODS: Mapping[str, Any] = {
    "initialize": (_Server._initialize, {
        "protocol_versions": list, "host": dict, "runner": dict, "state_dir": str,
        "output_window_bytes": int,
    }),
    "executor/acquire": (_Server._acquire, {}),
    "executor/prepare": (_Server._prepare, {"handle": str, "job": dict}),
    "executor/run": (_Server._run, _COMMAND),
    "executor/terminal": (_Server._terminal, {**_COMMAND, **_SIZE}),
    "executor/put_file": (_Server._put_file, {"handle": str, "name": str, "size": int, "sha256": str}),
    "executor/finish": (_Server._finish, {"handle": str, "result": dict}),
    "executor/cleanup": (_Server._cleanup, {"handle": str}),
    "executor/reap": (_Server._reap, {"note": dict}),
    # Nothing is to be done; the end of input may come before a thread would have its turn.
    "shutdown": (None, {}),
}

_NOTICES: Mapping[str, Any] = {
    "$/cancel": (_Server._cancel, {}),
    "job/credit": (_Server._credit, {"handle": str, "bytes": int}),
    "terminal/input": (_Server._terminal_input, {"handle": str, "data": str}),
    "terminal/resize": (_Server._terminal_resize, {"handle": str, **_SIZE}),
    "terminal/credit": (_Server._terminal_credit, {"handle": str, "bytes": int}),
}


def _own_streams() -> Any:
    """Input and output of the protocol. What else this process prints, or a program that it starts,
    goes to standard error from here on, and standard input is empty."""
    messages = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    sys.stdout.flush()
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return messages


def serve(executor: Type[Executor], name: str, version: str,
          features: Optional[Mapping[str, bool]] = None, grace_seconds: float = 30.0,
          cleanup_seconds: float = 120.0) -> None:
    """Serves on the standard streams until the host has gone. `features` adds what only the plugin
    can know: `image`, `services`, `shared`. Processes have `grace_seconds` to end after SIGTERM,
    at most an hour; `cleanup` and `reap` may take `cleanup_seconds`, at most a day."""
    server = _Server(executor, name, version, features or {}, grace_seconds, cleanup_seconds)
    server.serve()
    # What else the plugin has started; the host may be dead, and would end it otherwise.
    kill_marked(PLUGIN_MARK, [os.environ.get(PLUGIN_MARK, "")], signal.SIGKILL)
    sys.stderr.flush()
    # Threads may still wait for a host that is gone.
    os._exit(0)
