import * as v from 'valibot';
import { type Fault, fault, unknownField } from './faults.ts';

/**
 * Parses a value, or throws what `toError` makes of the first issue. The rule never quotes the value that was received,
 * which may be a secret.
 */
export function parse<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
  toError: (field: string, rule: string) => Error,
): Output {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw toError(v.getDotPath(issue) ?? '(root)', rule(issue));
}

/** Parses a request or a part of it. @returns what it says, or all its faults; never quoting a value */
export function parseWhole<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
): { output: Output } | { faults: Fault[] } {
  const result = v.safeParse(schema, value);
  if (result.success) return { output: result.output };
  return { faults: result.issues.map((issue) => fault(pathOf(issue), rule(issue))) };
}

const pathOf = ({ path }: v.BaseIssue<unknown>) => (path ?? []).map(({ key }) => String(key));

function rule({ kind, type, received, expected, message }: v.BaseIssue<unknown>): string {
  const isOfObject = kind === 'schema' && (type === 'object' || type === 'strict_object');
  if (isOfObject && expected === 'never') return unknownField;
  if (received === 'undefined') return 'is required';
  // Only messages that a schema sets itself are free of the received value.
  return /received/i.test(message) ? `must be ${inWords(expected ?? type)}` : message;
}

/** Valibot writes choices as TypeScript does: `("a" | "b")`. */
const inWords = (expected: string): string =>
  /^\(".*"\)$/.test(expected) ? `one of ${expected.slice(1, -1).replaceAll(' | ', ', ')}` : expected;
