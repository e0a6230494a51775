import { diffJson } from 'diff';

/** A line of a diff: in both texts, only in the old one, or only in the new one; `gap` stands for lines left out. */
export interface DiffLine {
  kind: 'same' | 'removed' | 'added' | 'gap';
  text: string;
}

const contextLines = 3;

/**
 * What changed between two key policies, line by line with some context; empty when they mean the same. Both are put
 * into one canonical form first, since GetKeyPolicy may return arrays in another order than was written.
 */
export function diffKeyPolicies(before: unknown, after: unknown): DiffLine[] {
  // diffJson, given text, compares lines without their trailing comma: a new last element leaves the one before it unchanged.
  const changes = diffJson(canonicalText(before), canonicalText(after));
  const lines = changes.flatMap(({ value, added, removed }): DiffLine[] =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text) => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
  alignBlocks(lines);
  return lines.flatMap((line, index): DiffLine[] => {
    if (isNearChange(lines, index)) return [line];
    return index > 0 && isNearChange(lines, index - 1) && lines.slice(index).some(isChange)
      ? [{ kind: 'gap', text: '…' }]
      : [];
  });
}

/**
 * Moves each run of added or removed lines that ends with an opening bracket up by one where that says the same: an
 * added statement then begins with its own bracket, not after that of its neighbour.
 */
function alignBlocks(lines: DiffLine[]): void {
  for (const [end, last] of lines.entries()) {
    if (!isChange(last) || lines[end + 1]?.kind === last.kind || !/[[{]$/.test(last.text)) continue;
    const before = lines.findLastIndex(({ kind }, index) => index < end && kind !== last.kind);
    const neighbour = lines[before];
    if (neighbour?.kind !== 'same' || neighbour.text !== last.text) continue;
    lines[before] = last;
    lines[end] = neighbour;
  }
}

function isNearChange(lines: readonly DiffLine[], index: number): boolean {
  return lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(isChange);
}

function isChange({ kind }: DiffLine): boolean {
  return kind === 'added' || kind === 'removed';
}

function canonicalText(policy: unknown): string {
  return `${JSON.stringify(canonicalPolicy(policy), undefined, 2)}\n`;
}

/** A key policy in the one form in which policies that mean the same are equal; what is no policy stays as it is. */
export function canonicalPolicy(policy: unknown): unknown {
  if (!isRecord(policy)) return policy;
  return ordered(policy, ['Version', 'Id', 'Statement'], (key, value) =>
    key === 'Statement' ? asSet(value, canonicalStatement) : value,
  );
}

function canonicalStatement(statement: unknown): unknown {
  if (!isRecord(statement)) return statement;
  return ordered(statement, ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'], (key, value) => {
    switch (key) {
      case 'Principal':
      case 'NotPrincipal':
        // Always as a list: one more principal is then one more line.
        return isRecord(value) ? ordered(value, [], (_, principals) => asSet(principals, canonicalPrincipal)) : value;
      case 'Condition':
        return isRecord(value)
          ? ordered(value, [], (_, test) => (isRecord(test) ? ordered(test, [], (_, values) => brief(values)) : test))
          : value;
      default:
        return brief(value);
    }
  });
}

/** An account's root as a principal means the same as its id, in whichever partition. */
function canonicalPrincipal(principal: unknown): unknown {
  return typeof principal === 'string' ? principal.replace(/^arn:aws[\w-]*:iam::(\d{12}):root$/, '$1') : principal;
}

function brief(value: unknown): unknown {
  const values = asSet(value, (each) => each);
  return values.length === 1 ? values[0] : values;
}

/** The values in a fixed order, each once; a single value is a set of one. */
function asSet(value: unknown, canonical: (each: unknown) => unknown): unknown[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const byText = new Map(values.map((each) => canonical(each)).map((each) => [JSON.stringify(each), each]));
  return [...byText].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
}

/** The members in the order in which people write them, then the others by name. */
function ordered(
  members: Record<string, unknown>,
  first: readonly string[],
  canonical: (key: string, value: unknown) => unknown,
): Record<string, unknown> {
  const others = Object.keys(members).filter((key) => !first.includes(key));
  const keys = [...first.filter((key) => key in members), ...others.sort()];
  return Object.fromEntries(keys.map((key) => [key, canonical(key, members[key])]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
