import { redact } from './redact.ts';

/** What is wrong with one place of a request. */
export interface Fault {
  /** The place for people: names with dots between them, such as `stack.tags.team`; `request` for the whole. */
  field: string;
  /** The same as a JSON Pointer (RFC 6901) into the request: `/stack/tags/team`; the empty one for the whole. */
  pointer: string;
  /** The rule that is broken. It never quotes the value, which may be a secret. */
  rule: string;
}

/** The way to a place of a request; empty for the whole. */
export type Path = readonly (string | number)[];

/** A request may have names of any length. */
const maxNameLength = 256;
/** Step Functions keeps 32,768 characters of a cause, in which a message is one part; what more is wrong shows when this is mended. */
const maxMessageLength = 4000;
const maxShown = 20;

/** A fault at a place. */
export function fault(path: Path, rule: string): Fault {
  const names = path.map((name) => shortName(String(name)));
  return {
    field: names.length === 0 ? 'request' : names.join('.'),
    pointer: names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    rule,
  };
}

/** A fault at a place whose names have no dots: `stack.build`, or `request` for the whole. */
export function faultAt(field: string, rule: string): Fault {
  return fault(field === 'request' ? [] : field.split('.'), rule);
}

function shortName(name: string): string {
  if (name.length <= maxNameLength) return name;
  // Of a secret that stands there as a name, a part would not be recognised any more.
  const redacted = redact(name);
  if (redacted.length <= maxNameLength) return redacted;
  return `${redacted.slice(0, maxNameLength).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Faults in one line of bounded length. */
export const faultsMessage = (faults: readonly Fault[]): string =>
  listed(faults.map(({ field, rule }) => `${field}: ${rule}`));

/** Some of these texts in one line, of bounded length but for a first one that is longer, and how many more there are. */
export function listed(texts: readonly string[], between = '; '): string {
  const shown: string[] = [];
  let length = 0;
  for (const text of texts.slice(0, maxShown)) {
    length += text.length;
    if (shown.length > 0 && length > maxMessageLength) break;
    shown.push(text);
  }
  const more = texts.length - shown.length;
  return [shown.join(between), ...(more === 0 ? [] : [`and ${more} more`])].join('; ');
}

/** Each fault once, and no name as unknown of which an earlier fault says more. */
export function distinct(faults: readonly Fault[]): Fault[] {
  const rules = new Map<string, Set<string>>();
  return faults.filter(({ pointer, rule }) => {
    const known = rules.get(pointer);
    if (known === undefined) rules.set(pointer, new Set([rule]));
    else if (known.has(rule) || rule === unknownField) return false;
    else known.add(rule);
    return true;
  });
}

/** The rule that a name breaks which no request has. */
export const unknownField = 'is not a known field';
