/** Events of a run, stamped and handed to whoever shows them. */

import type { ExecEvent, UntimedEvent } from "./events.ts";

export type EventListener = (event: ExecEvent) => void;

export class EventStream {
  readonly #listener: EventListener;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  emit(event: UntimedEvent): void {
    const { type, ...rest } = event;
    // The spread of a union member is that member, which the compiler does not follow.
    this.#listener({ type, time: new Date().toISOString(), ...rest } as ExecEvent);
  }
}
