import * as v from 'valibot';

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

function rule({ kind, type, received, expected, message }: v.BaseIssue<unknown>): string {
  const isOfObject = kind === 'schema' && (type === 'object' || type === 'strict_object');
  if (isOfObject && expected === 'never') return 'is not a known field';
  if (received === 'undefined') return 'is required';
  // Only messages that a schema sets itself are free of the received value.
  return /received/i.test(message) ? `must be ${expected ?? type}` : message;
}
