const secretShapes: readonly [shape: RegExp, replacement: string][] = [
  // A JWT, such as Cognito's ID token.
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '<token>'],
  // The sister service's custom token: `Custom <uuid>:<urlsafe base64 of 256 bytes>`.
  [/\bCustom\s+[0-9a-fA-F-]{36}:[\w=-]+/g, '<custom token>'],
  // Any other long opaque string; ARNs and ids stay below this length between separators.
  [/[\w+/=-]{100,}/g, '<redacted>'],
];

// Where a reference to a secret is asked for, people put the secret: only what has the form of our references is one.
const reference = /^infinstor\/[\w-]+\/(?:input|subscribers)\/[\w/+=.@-]{1,200}$/;
const secretKeys = /password|secretstring|token(secretid)?$|authorization|^secret$/i;

/** The text with everything that has the shape of a credential replaced. */
export function redact(text: string): string {
  return secretShapes.reduce((result, [shape, replacement]) => result.replace(shape, replacement), text);
}

/**
 * Redacts what may quote a custom token, whose shape is not documented: hides every long opaque word but UUIDs.
 */
export function redactOpaque(text: string): string {
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  return redact(text).replace(/[\w+/=-]{24,}/g, (word) => (/\d/.test(word) && !uuid.test(word) ? '<redacted>' : word));
}

/** A `JSON.stringify` replacer that hides values under names of secrets, and credential shapes in all other strings. */
export function redactingReplacer(key: string, value: unknown): unknown {
  const isReference = key.endsWith('SecretId') && typeof value === 'string' && reference.test(value);
  if (isReference) return value;
  if (secretKeys.test(key) && value !== undefined) return '<redacted>';
  return typeof value === 'string' ? redact(value) : value;
}
