/** The reader's events to trees: aliases, merge keys, tags and scalars as GitLab's parser has them. */

import { EVENT_ID, getScalarValue, SCALAR_STYLE } from "js-yaml";
import type { Event, MappingEvent, ScalarEvent, SequenceEvent } from "js-yaml";
import type { Problems } from "../problems.ts";
import type { FlowIndentation } from "./flow_indentation.ts";
import { mapping, placeOf, scalar, sequence, type YamlEntry } from "./node.ts";
import type { YamlMapping, YamlNode, YamlReference, YamlScalar, YamlSequence } from "./node.ts";
import { plainScalar } from "./scalar_value.ts";
import { MAX_NODES, TOO_BIG } from "./size.ts";
import type { SourceText } from "./source_text.ts";

const FLOW_INDICATORS: ReadonlySet<string | undefined> = new Set("[]{},");

/** A collection whose end has not come yet. */
type Open = OpenSequence | OpenMapping;

interface OpenSequence {
  readonly kind: "sequence";
  readonly event: SequenceEvent;
  readonly anchor: string | undefined;
  readonly items: YamlNode[];
}

interface OpenMapping {
  readonly kind: "mapping";
  readonly event: MappingEvent;
  readonly anchor: string | undefined;
  readonly entries: Map<string, YamlEntry>;
  /** Keys that `<<` brought: writing one of them again is no mistake. */
  merged: Set<YamlScalar> | undefined;
  /** A key whose value is next. */
  key: YamlScalar | undefined;
}

export interface ComposeOptions {
  readonly source: SourceText;
  /** Where the events are from. */
  readonly reading: FlowIndentation;
  readonly problems: Problems;
}

/** One tree per document; undefined when something is wrong, and `problems` says what. */
export function composeNodes(
  events: readonly Event[],
  options: ComposeOptions,
): readonly YamlNode[] | undefined {
  return new Composer(options).compose(events);
}

class Composer {
  readonly #source: SourceText;
  readonly #reading: FlowIndentation;
  readonly #problems: Problems;
  readonly #documents: YamlNode[] = [];
  readonly #anchors = new Map<string, YamlNode | "open">();
  readonly #stack: Open[] = [];
  /** Where the last node ended: an empty value has no place of its own. */
  #offset = 0;
  #failed = false;

  constructor({ source, reading, problems }: ComposeOptions) {
    this.#source = source;
    this.#reading = reading;
    this.#problems = problems;
  }

  compose(events: readonly Event[]): readonly YamlNode[] | undefined {
    for (const event of events) {
      this.#take(event);
      if (this.#failed) return undefined;
    }
    return this.#documents;
  }

  #take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.#anchors.clear();
        break;
      case EVENT_ID.SCALAR:
        this.#add(this.#scalar(event), this.#anchorOf(event));
        break;
      case EVENT_ID.ALIAS:
        this.#alias(event.anchorStart, event.anchorEnd);
        break;
      case EVENT_ID.SEQUENCE: {
        const anchor = this.#open(event);
        this.#stack.push({ kind: "sequence", event, anchor, items: [] });
        break;
      }
      case EVENT_ID.MAPPING: {
        const anchor = this.#open(event);
        const entries = new Map<string, YamlEntry>();
        this.#stack.push({
          kind: "mapping",
          event,
          anchor,
          entries,
          merged: undefined,
          key: undefined,
        });
        break;
      }
      case EVENT_ID.POP: {
        const open = this.#stack.pop();
        if (open !== undefined) this.#add(this.#close(open), open.anchor);
        break;
      }
    }
  }

  /** The anchor of a collection that begins: inside, it is not to be used. */
  #open(event: SequenceEvent | MappingEvent): string | undefined {
    const anchor = this.#anchorOf(event);
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    return anchor;
  }

  #add(node: YamlNode, anchor: string | undefined): void {
    if (node.size > MAX_NODES) return this.#fail(TOO_BIG, node.offset);
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    const parent = this.#stack.at(-1);
    if (parent === undefined) {
      this.#documents.push(node);
    } else if (parent.kind === "sequence") {
      parent.items.push(node);
    } else if (parent.key === undefined) {
      if (node.kind !== "scalar") return this.#fail("Invalid configuration format", node.offset);
      parent.key = node;
    } else {
      this.#addEntry(parent, parent.key, node);
      parent.key = undefined;
    }
  }

  #addEntry(parent: OpenMapping, key: YamlScalar, value: YamlNode): void {
    if (key.text === "<<" && this.#merge(parent, value)) return;
    const name = key.text;
    const before = parent.entries.get(name);
    if (before !== undefined && parent.merged?.has(before.key) !== true) {
      this.#problems.warn(
        `the key ${name} stands twice in one mapping; the last one is used`,
        placeOf(key),
        { keyword: name },
      );
    }
    parent.entries.set(name, { key, value });
  }

  /**
   * GitLab's parser merges when it meets the key: what stands before `<<` is overridden by it, what
   * stands behind wins. Of several mappings the first wins.
   */
  #merge(parent: OpenMapping, value: YamlNode): boolean {
    const sources = value.kind === "sequence" ? [...value.items].reverse() : [value];
    if (!sources.every((source) => source.kind === "mapping")) return false;
    const merged = parent.merged ??= new Set();
    for (const source of sources) {
      for (const [name, entry] of source.entries) {
        parent.entries.set(name, entry);
        merged.add(entry.key);
      }
    }
    return true;
  }

  #close(open: Open): YamlNode {
    const offset = this.#reading.original(open.event.start);
    const at = { source: this.#source, offset, size: 1 };
    const node = open.kind === "sequence" ? sequence(at, open.items) : mapping(at, open.entries);
    return this.#tagged(node, this.#tagOf(open.event));
  }

  #scalar(event: ScalarEvent): YamlNode {
    const text = event.valueStart === -1 ? "" : getScalarValue(this.#reading.text, event);
    if (event.valueStart !== -1) this.#offset = this.#reading.original(event.valueStart);
    const at = { source: this.#source, offset: this.#offset, size: 1 };
    const tag = this.#tagOf(event);
    const isPlain = event.style === SCALAR_STYLE.PLAIN;
    if (isPlain && this.#isBeforeFlow(event.valueEnd)) {
      const colon = this.#reading.original(event.valueEnd);
      this.#fail("found unexpected ':' while scanning a plain scalar", colon);
    }
    if (!isPlain || tag === "!" || tag === "!!str") return this.#tagged(scalar(at, text), tag);
    const plain = plainScalar(text);
    if (plain.kind === "class") {
      this.#fail(`Tried to load unspecified class: ${plain.name}`, at.offset);
      return scalar(at, text);
    }
    return this.#tagged(scalar(at, plain.value, plain.text), tag);
  }

  /** `{ a:[b] }`, which YAML 1.2 allows, and GitLab's parser does not. */
  #isBeforeFlow(end: number): boolean {
    const { text } = this.#reading;
    return text[end] === ":" && FLOW_INDICATORS.has(text[end + 1]);
  }

  #tagged(node: YamlScalar | YamlSequence | YamlMapping, tag: string | undefined): YamlNode {
    if (tag === "!reference") {
      const reference: YamlReference = { ...at(node), kind: "reference", target: node };
      return reference;
    }
    if (tag?.startsWith("!ruby/") === true && node.kind !== "scalar") {
      this.#fail(`Tried to load unspecified class: ${tag.replace(/^.*:/, "")}`, node.offset);
    }
    return node;
  }

  #alias(start: number, end: number): void {
    const name = this.#reading.text.slice(start, end);
    const node = this.#anchors.get(name);
    // An anchor inside itself would never end.
    const offset = this.#reading.original(start) - 1;
    if (node === "open") return this.#fail(TOO_BIG, offset);
    if (node === undefined) return this.#fail(`Unknown alias: ${name}`, offset);
    this.#add(node, undefined);
  }

  #anchorOf(event: { readonly anchorStart: number; readonly anchorEnd: number }) {
    return event.anchorStart === -1
      ? undefined
      : this.#reading.text.slice(event.anchorStart, event.anchorEnd);
  }

  #tagOf(event: { readonly tagStart: number; readonly tagEnd: number }): string | undefined {
    return event.tagStart === -1
      ? undefined
      : this.#reading.text.slice(event.tagStart, event.tagEnd);
  }

  #fail(message: string, offset: number): void {
    this.#failed = true;
    this.#problems.add(message, this.#source.placeAt(offset));
  }
}

function at(node: YamlNode): Pick<YamlNode, "source" | "offset" | "size"> {
  return { source: node.source, offset: node.offset, size: node.size };
}
