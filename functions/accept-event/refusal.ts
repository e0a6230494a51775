import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { InvalidRequest } from '../../lib/errors.ts';
import { redactingReplacer } from '../../lib/redact.ts';
import { shortened } from '../../lib/subscribers/shortened.ts';
import type { RequestEvent } from './event.ts';

/** The fields of an event's detail whose values are no secrets. */
const harmless: ReadonlySet<string> = new Set([
  'subscriber.userName',
  'subscriber.emailId',
  'passwordSecretId',
  'customTokenSecretId',
  'stack.build',
  'stack.accountId',
  'stack.region',
  'encryption.artifacts.type',
  'encryption.artifacts.keyArn',
  'encryption.tracking.type',
  'encryption.tracking.keyArn',
  'users.[].userName',
  'users.[].emailId',
  'users.[].passwordSecretId',
  'confirm',
  'keepData',
  'requestedBy',
  'correlationId',
]);

/** A refused request may hold a password under any name: all other values are left out of what the queue keeps. */
function onlyHarmless(value: unknown, path: readonly string[] = []): unknown {
  if (typeof value !== 'object' || value === null) return harmless.has(path.join('.')) ? value : '<redacted>';
  if (Array.isArray(value)) return value.map((item) => onlyHarmless(item, [...path, '[]']));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, onlyHarmless(item, [...path, name])]));
}

/** Whether the queue keeps a detail as it is. */
export const isKeptWhole = (detail: unknown): boolean =>
  JSON.stringify(onlyHarmless(detail), redactingReplacer) === JSON.stringify(detail);

/** The message for the queue: the event, without what may be a secret, and all that is wrong with it. */
export function refusal(
  queueUrl: string,
  event: RequestEvent,
  { name, field, message, remedy, faults }: InvalidRequest,
): SendMessageCommand {
  const short = (text: string) => shortened(text, maxTextBytes);
  // All name fields of the request, which may have many, with long names.
  const errors = faults
    .slice(0, maxErrors)
    .map(({ pointer, rule }) => ({ pointer: short(pointer), rule: short(rule) }));
  const error = { name, field: short(field), message: short(message), remedy, errors };
  const bodyOf = (detail: unknown, cut?: { isCut: true }) =>
    messageText(JSON.stringify({ error, event: { ...event, detail }, ...cut }, redactingReplacer));
  const whole = bodyOf(onlyHarmless(event.detail));
  const isWhole = Buffer.byteLength(whole) <= maxBodyBytes;
  return new SendMessageCommand({
    QueueUrl: queueUrl,
    MessageBody: isWhole ? whole : bodyOf(essentialsOf(event.detail), { isCut: true }),
    MessageAttributes: { errorName: { DataType: 'String', StringValue: name } },
  });
}

/**
 * SQS takes 1 MiB with the attributes, and 256 KiB in a queue of before August 2025 (developer guide, "Amazon SQS message quotas"). What is left
 * out of a request may make it longer: `1` becomes `"<redacted>"`.
 */
const maxBodyBytes = 256 * 1024 - 1024;
const maxTextBytes = 1024;
/** In JSON a character may take six bytes: so many stay far below the queue's limit. The message says how many more there are. */
const maxErrors = 15;

/** Of a request that is too large for the queue the fields whose values are no secrets, by their paths. */
function essentialsOf(detail: unknown): Record<string, string> {
  const values = [...harmless].map((path) => [path, path.split('.').reduce(member, detail)] as const);
  return Object.fromEntries(
    values.flatMap(([path, value]) => (typeof value === 'string' ? [[path, shortened(value, maxTextBytes)]] : [])),
  );
}

const member = (value: unknown, name: string): unknown =>
  Object.entries(Object(value)).find(([key]) => key === name)?.[1];

/** JSON in the characters that SQS takes in a message (API reference, SendMessage). */
const messageText = (json: string) =>
  json.replace(/[\ufffe\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
