/** Faults as data: which calls they meet, how often, and what happens to those. */

import { z } from "zod";

import type { Call } from "./call.ts";

/** What happens to a call. "Handled" means that the coordinator did what was asked. */
export const FaultAction = z.discriminatedUnion("kind", [
  /** Answers without handling the call. A body that is no string is sent as JSON. */
  z.strictObject({
    kind: z.literal("answer"),
    status: z.int().min(200).max(999),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
  }),
  /** Handles the call, then changes the answer; a header set to null is taken away. */
  z.strictObject({
    kind: z.literal("alter"),
    status: z.int().min(200).max(999).optional(),
    headers: z.record(z.string(), z.string().nullable()).default({}),
    body: z.unknown().optional(),
    gzip: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal("redirect"),
    location: z.string(),
    status: z.int().default(307),
  }),
  /** Handles the call after `ms`. */
  z.strictObject({ kind: z.literal("delay"), ms: z.number().min(0) }),
  /** Never answers. */
  z.strictObject({ kind: z.literal("hang"), handled: z.boolean().default(false) }),
  /** TCP reset instead of an answer; `handled`: the reply is lost, the bytes are stored. */
  z.strictObject({ kind: z.literal("reset"), handled: z.boolean().default(false) }),
  /** Handles the call, sends this many bytes of the answer's body, then a TCP reset. */
  z.strictObject({ kind: z.literal("cut"), afterBytes: z.int().min(0) }),
  /** Reads this many bytes of the request's body, then a TCP reset. */
  z.strictObject({ kind: z.literal("cut-request"), afterBytes: z.int().min(0) }),
  /** Stores a trace patch without its last bytes, and answers 202. */
  z.strictObject({ kind: z.literal("drop"), bytes: z.int().positive() }),
  /** Handles the call and closes the connection after the answer. */
  z.strictObject({ kind: z.literal("close") }),
  /** Handles the call and trickles the answer's body. */
  z.strictObject({ kind: z.literal("slow"), bytesPerSecond: z.number().positive() }),
]);
export type FaultAction = z.infer<typeof FaultAction>;

const FaultMatch = z.strictObject({
  method: z.string().optional(),
  /** Regular expression, searched in the path below the URL root (`/api/v4/jobs/1/trace`). */
  path: z.string().refine(isPattern, "is not a regular expression").optional(),
  job: z.int().optional(),
  /** `state` in the body of a job update; `final` is success or failed. */
  state: z.enum(["running", "success", "failed", "final"]).optional(),
  /** The first call, of those that match all else, that is met. */
  nth: z.int().positive().default(1),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

export const Fault = z.strictObject({
  name: z.string().optional(),
  match: FaultMatch.default({ nth: 1 }),
  action: FaultAction,
  /** How many calls are met; null: all. Default 1, or all when `forMs` is set. */
  times: z.int().positive().nullable().optional(),
  /** Met only in this time after the fault was set. */
  forMs: z.number().positive().optional(),
});
export type FaultInput = z.input<typeof Fault>;
type Fault = z.infer<typeof Fault>;

/** Decides in process, beside what the data say. Bodies are read with `call.json()`. */
export type FaultPredicate = (call: Call) => boolean | Promise<boolean>;

/** A fault that has been set. */
export class ActiveFault {
  readonly id: number;
  readonly name: string;
  readonly action: FaultAction;
  readonly #fault: Fault;
  readonly #path: RegExp | undefined;
  readonly #times: number;
  readonly #when: FaultPredicate | undefined;
  readonly #until: number;
  /** Calls that matched, whether met or not. */
  seen = 0;
  /** Calls that were met. */
  hits = 0;

  constructor(id: number, input: FaultInput, when: FaultPredicate | undefined) {
    this.#fault = Fault.parse(input);
    this.id = id;
    this.name = this.#fault.name ?? `${this.#fault.action.kind} ${id}`;
    this.action = this.#fault.action;
    const { path } = this.#fault.match;
    this.#path = path === undefined ? undefined : new RegExp(path);
    const { times, forMs } = this.#fault;
    this.#times = times ?? (times === null || forMs !== undefined ? Infinity : 1);
    this.#until = performance.now() + (forMs ?? Infinity);
    this.#when = when;
  }

  get isSpent(): boolean {
    return this.hits >= this.#times || performance.now() > this.#until;
  }

  async meets(call: Call): Promise<boolean> {
    const { method, job, state, nth } = this.#fault.match;
    if (this.isSpent || (method !== undefined && method !== call.method)) return false;
    if (this.#path?.test(call.path) === false) return false;
    if (job !== undefined && job !== call.jobId) return false;
    if (state !== undefined && !await hasState(call, state)) return false;
    if (this.#when !== undefined && !await this.#when(call)) return false;
    // Counted after the last wait, so that calls in parallel cannot exceed the limit.
    if (this.isSpent || ++this.seen < nth) return false;
    this.hits++;
    return true;
  }

  toJSON(): object {
    return { id: this.id, ...this.#fault, seen: this.seen, hits: this.hits, spent: this.isSpent };
  }
}

async function hasState(call: Call, wanted: string): Promise<boolean> {
  if (call.method !== "PUT") return false;
  const { state } = await call.json();
  return wanted === "final" ? state === "success" || state === "failed" : state === wanted;
}

export class Faults {
  #active: ActiveFault[] = [];
  #lastId = 0;

  get isEmpty(): boolean {
    return this.#active.length === 0;
  }

  /** Throws a ZodError when the fault is none. */
  inject(input: FaultInput, when?: FaultPredicate): ActiveFault {
    const fault = new ActiveFault(++this.#lastId, input, when);
    this.#active.push(fault);
    return fault;
  }

  /** The first fault that meets the call. */
  async meeting(call: Call): Promise<ActiveFault | undefined> {
    for (const fault of this.#active) if (await fault.meets(call)) return fault;
    return undefined;
  }

  remove(fault: ActiveFault): void {
    this.#active = this.#active.filter((active) => active !== fault);
  }

  clear(): void {
    this.#active = [];
  }

  all(): readonly ActiveFault[] {
    return this.#active;
  }
}
