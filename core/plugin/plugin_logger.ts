/** The runner's log, as a plugin writes to it: over the connection. */

import type { LogFields, Logger } from "../log/logger.ts";

type WireLevel = "debug" | "info" | "warning" | "error";

export class PluginLogger implements Logger {
  readonly #send: (level: WireLevel, message: string) => void;
  readonly #fields: LogFields;

  constructor(send: (level: WireLevel, message: string) => void, fields: LogFields = {}) {
    this.#send = send;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#say("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#say("info", message, fields);
  }

  warning(message: string, fields?: LogFields): void {
    this.#say("warning", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#say("error", message, fields);
  }

  fatal(message: string, fields?: LogFields): void {
    this.#say("error", message, fields);
  }

  with(fields: LogFields): Logger {
    return new PluginLogger(this.#send, { ...this.#fields, ...fields });
  }

  #say(level: WireLevel, message: string, fields: LogFields = {}): void {
    const words = Object.entries({ ...this.#fields, ...fields })
      .flatMap(([key, value]) => value === undefined ? [] : [`${key}=${value}`]);
    this.#send(level, [message, ...words].join(" "));
  }
}
