/** Puts things behind what they need. */

export interface NeedOrder<Item> {
  /** Without those that wait for each other, or for such. */
  readonly ordered: readonly Item[];
  /** The first that can never have its turn; undefined: all are ordered. */
  readonly stuck: Item | undefined;
}

/**
 * As near to the given order as needs allow. Needs of what is not among `items` do not count. Chains of
 * any length are fine: nothing calls itself.
 */
export function orderByNeeds<Item>(
  items: readonly Item[],
  needsOf: (item: Item) => readonly Item[],
): NeedOrder<Item> {
  const open = new Map(items.map((item) => [item, 0]));
  const waiters = new Map<Item, Item[]>();
  for (const item of items) {
    for (const needed of new Set(needsOf(item))) {
      if (!open.has(needed)) continue;
      open.set(item, open.get(item)! + 1);
      const list = waiters.get(needed);
      if (list === undefined) waiters.set(needed, [item]);
      else list.push(item);
    }
  }
  const ordered = items.filter((item) => open.get(item) === 0);
  for (let at = 0; at < ordered.length; at++) {
    for (const waiter of waiters.get(ordered[at]!) ?? []) {
      const left = open.get(waiter)! - 1;
      open.set(waiter, left);
      if (left === 0) ordered.push(waiter);
    }
  }
  return { ordered, stuck: items.find((item) => open.get(item)! > 0) };
}
