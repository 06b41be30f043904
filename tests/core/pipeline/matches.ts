/** Compares a part of a value: what an expectation does not name may be anything. */

/** Where `actual` differs from `expected`, as a path and both values; undefined when it does not. */
export function firstDifference(actual: unknown, expected: unknown, path = ""): string | undefined {
  if (isRecord(expected)) {
    if (!isRecord(actual)) return differs(path, actual, expected);
    for (const [key, value] of Object.entries(expected)) {
      const difference = firstDifference(actual[key], value, `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return differs(path, actual, expected);
    }
    for (const [index, value] of expected.entries()) {
      const difference = firstDifference(actual[index], value, `${path}[${index}]`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  // A case writes null for "not there".
  return (actual ?? null) === expected ? undefined : differs(path, actual, expected);
}

function differs(path: string, actual: unknown, expected: unknown): string {
  return `${path || "."} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
