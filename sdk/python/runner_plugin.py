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
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Type

PROTOCOL_VERSION = 1

#: Carried by every process of a plugin: who has it is ended with the plugin.
PLUGIN_MARK = "RUNNER_PLUGIN_MARK"

#: Carried by every process of one job.
JOB_MARK = "RUNNER_JOB_MARK"

_PIECE_BYTES = 16 * 1024


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


class Canceled(PluginError):
    """The host has asked to stop; raised by run_process and check_canceled."""

    code = -32800
    data = {"kind": "canceled"}


class Environment(NamedTuple):
    """What prepare answers. Paths are absolute, in the job's environment."""

    builds_dir: str
    cache_dir: str
    os: str = "linux"
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


class Executor:
    """One job. prepare once (again after a failure), run once per stage, cleanup always.

    Calls for one job never overlap; those of different jobs do, each in a thread of its own.
    """

    def __init__(self, runner: Runner, link: "_Link") -> None:
        self.runner = runner
        self._link = link
        self.mark = secrets.token_hex(16)

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

    def finish(self, result: Mapping[str, Any]) -> None:
        """The user's part is over."""

    @classmethod
    def reap(cls, runner: Runner, note: Mapping[str, Any]) -> None:
        """Removes what is left of a job whose host died, by what it remembered; with the feature
        `reap` only."""

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
        if self._link.canceled.is_set():
            raise Canceled("canceled")

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
        self.check_canceled()
        full_env = dict(os.environ if env is None else env)
        full_env[JOB_MARK] = self.mark
        full_env.setdefault(PLUGIN_MARK, os.environ.get(PLUGIN_MARK, ""))
        read_end, write_end = os.pipe()
        with tempfile.TemporaryFile() as script:
            script.write(stdin)
            script.seek(0)
            try:
                child = subprocess.Popen(
                    list(argv), stdin=script, stdout=write_end, stderr=write_end,
                    env=full_env, cwd=cwd, start_new_session=True,
                )
            except OSError as error:
                os.close(read_end)
                raise SystemFailure(f'Cannot start "{argv[0]}": {error.strerror}') from error
            finally:
                os.close(write_end)
        pump = _Pump(read_end, self._link)
        spared = child.pid if is_wrapper else None
        try:
            code = self._wait(child, lambda: kill_marked(JOB_MARK, self.mark, signal.SIGTERM, spared))
        finally:
            kill_marked(JOB_MARK, self.mark, signal.SIGKILL)
            child.wait()
            pump.drain()
        if pump.fault is not None:
            raise pump.fault
        self.check_canceled()
        return code if code >= 0 else 128 - code

    def _wait(self, child: "subprocess.Popen[bytes]", stop: Callable[[], None]) -> int:
        """The child's exit code; a cancel cuts it short."""
        ended = threading.Event()
        threading.Thread(target=lambda: (child.wait(), ended.set(), self._link.wake()), daemon=True).start()
        self._link.wait_until(lambda: ended.is_set() or self._link.canceled.is_set())
        if not ended.is_set():
            stop()
            ended.wait(self._link.grace_seconds)
            if not ended.is_set():
                child.kill()
        return child.wait()


def kill_marked(name: str, value: str, number: int, spared: Optional[int] = None) -> None:
    """Signals every process that has NAME=VALUE in its environment but `spared`; waits for the end of
    what it kills."""
    if not value:
        return
    wanted = f"{name}={value}".encode()
    deadline = time.monotonic() + 10
    while True:
        found = False
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in (os.getpid(), spared):
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if wanted not in file.read().split(b"\0"):
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

    def __init__(self, server: "_Server", handle: str, window: int) -> None:
        self._server = server
        self.handle = handle
        self._credit = window
        self._changed = threading.Condition()
        self._sending = False
        self.canceled = threading.Event()
        self.grace_seconds = 0.0
        self.executor: Optional[Executor] = None

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
                self.notify("job/output", {"handle": self.handle, "data": text})
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
    """The connection: messages in and out, a thread per request."""

    def __init__(self, executor: Type[Executor], name: str, version: str,
                 features: Mapping[str, bool], grace_seconds: float) -> None:
        self._executor = executor
        self._identity = {"name": name, "version": version}
        self._features = {"variables": True, **features}
        self._grace_seconds = grace_seconds
        self._out = sys.stdout.buffer
        self._out_lock = threading.Lock()
        self._lock = threading.Lock()
        self._links: Dict[str, _Link] = {}
        self._running: Dict[Any, _Link] = {}
        self._pending: Dict[int, Dict[str, Any]] = {}
        self._arrived = threading.Condition(self._lock)
        self._last_id = 0
        self._runner: Optional[Runner] = None
        self._window = 0
        self.closed = False

    def serve(self) -> None:
        for line in sys.stdin.buffer:
            if line.strip():
                self._receive(json.loads(line))
        self._close()

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
        self.send({"id": request_id, "method": method, "params": params})
        with self._arrived:
            self._arrived.wait_for(lambda: request_id in self._pending or self.closed)
            answer = self._pending.pop(request_id, None)
        if answer is None:
            raise SystemFailure("The host is gone")
        if "error" in answer:
            raise SystemFailure(answer["error"].get("message", "The host refused"))
        return answer.get("result")

    def _receive(self, message: Dict[str, Any]) -> None:
        method = message.get("method")
        params = message.get("params") or {}
        if method is None:
            with self._arrived:
                self._pending[message["id"]] = message
                self._arrived.notify_all()
        elif "id" in message:
            handler = _METHODS.get(method)
            link = self._links.get(params.get("handle", ""))
            if link is not None and method in ("executor/prepare", "executor/run"):
                link.canceled.clear()
                self._running[message["id"]] = link
            threading.Thread(
                target=self._answer, args=(message["id"], method, handler, params), daemon=True,
            ).start()
        elif method == "job/credit":
            link = self._links.get(params["handle"])
            if link is not None:
                link.give(params["bytes"])
        elif method == "$/cancel":
            link = self._running.get(params["id"])
            if link is not None:
                link.cancel(params.get("reason", {}).get("grace_ms", 0) / 1000)

    def _answer(self, request_id: Any, method: str,
                handler: Optional[Callable[["_Server", Mapping[str, Any]], Any]],
                params: Mapping[str, Any]) -> None:
        try:
            if handler is None:
                error = {"code": -32601, "message": f'There is no method "{method}"'}
                self.send({"id": request_id, "error": error})
                return
            self.send({"id": request_id, "result": handler(self, params)})
        except PluginError as error:
            wire = {"code": error.code, "message": str(error), "data": error.data}
            self.send({"id": request_id, "error": wire})
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
        for link in list(self._links.values()):
            link.cancel(0)
            self._clean_up(link)

    def _clean_up(self, link: _Link) -> None:
        executor = link.executor
        if executor is not None:
            kill_marked(JOB_MARK, executor.mark, signal.SIGKILL)
            executor.cleanup()

    # Methods of the protocol.

    def _initialize(self, params: Mapping[str, Any]) -> Any:
        if PROTOCOL_VERSION not in params["protocol_versions"]:
            raise PluginError(f"The plugin speaks version {PROTOCOL_VERSION} of the protocol")
        entry = params["runner"]
        self._window = params["output_window_bytes"]
        self._runner = Runner(params["host"], entry, entry["config"], params["state_dir"])
        self._executor.check_config(self._runner)
        return {
            "protocol_version": PROTOCOL_VERSION,
            "plugin": self._identity,
            "features": self._features,
            "grace_ms": self._grace_seconds * 1000,
        }

    def _acquire(self, _params: Mapping[str, Any]) -> Any:
        assert self._runner is not None
        if not self._executor.has_capacity(self._runner):
            return {"kind": "no-capacity"}
        link = _Link(self, secrets.token_hex(8), self._window)
        link.executor = self._executor(self._runner, link)
        self._links[link.handle] = link
        return {"kind": "acquired", "handle": link.handle}

    def _prepare(self, params: Mapping[str, Any]) -> Any:
        environment = self._of(params).prepare(params["job"])
        answer = environment._asdict()
        answer["variables"] = dict(environment.variables)
        command = environment.helper_command
        answer["helper_command"] = None if command is None else list(command)
        return answer

    def _run(self, params: Mapping[str, Any]) -> Any:
        script = params["invocation"]["script"]
        code = self._of(params).run(Command(
            stage=params["stage"],
            script=params["script"].encode(),
            argv=params["invocation"]["argv"],
            file_extension=script.get("extension") if script["kind"] == "file" else None,
            target=params["target"],
        ))
        return {"kind": "exited", "code": code}

    def _finish(self, params: Mapping[str, Any]) -> Any:
        self._of(params).finish(params["result"])
        return {}

    def _cleanup(self, params: Mapping[str, Any]) -> Any:
        link = self._links.get(params["handle"])
        if link is not None:
            self._clean_up(link)
            self._links.pop(params["handle"], None)
        return {}

    def _reap(self, params: Mapping[str, Any]) -> Any:
        assert self._runner is not None
        self._executor.reap(self._runner, params["note"])
        return {}

    def _shutdown(self, _params: Mapping[str, Any]) -> Any:
        return {}

    def _of(self, params: Mapping[str, Any]) -> Executor:
        link = self._links.get(params["handle"])
        if link is None or link.executor is None:
            raise PluginError(f'There is no handle "{params["handle"]}"')
        return link.executor


# pylint: disable=protected-access
_METHODS: Dict[str, Callable[[_Server, Mapping[str, Any]], Any]] = {
    "initialize": _Server._initialize,
    "executor/acquire": _Server._acquire,
    "executor/prepare": _Server._prepare,
    "executor/run": _Server._run,
    "executor/finish": _Server._finish,
    "executor/cleanup": _Server._cleanup,
    "executor/reap": _Server._reap,
    "shutdown": _Server._shutdown,
}


def serve(executor: Type[Executor], name: str, version: str,
          features: Optional[Mapping[str, bool]] = None, grace_seconds: float = 30.0) -> None:
    """Serves on the standard streams until the host has gone. What a plugin prints to its standard
    output would be taken for messages, so `print` goes to standard error from here on."""
    server = _Server(executor, name, version, features or {}, grace_seconds)
    sys.stdout = sys.stderr
    server.serve()
    sys.stderr.flush()
    # Threads may still wait for a host that is gone.
    os._exit(0)
