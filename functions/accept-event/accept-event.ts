import type { Logger } from '@aws-lambda-powertools/logger';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { InvalidRequest } from '../../lib/errors.ts';
import { redactingReplacer } from '../../lib/redact.ts';
import { faultsOf } from '../../lib/refusals.ts';
import { requestRules } from '../../lib/requests/environment.ts';
import { parseRequest } from '../../lib/requests/onboarding.ts';
import { executionInput, startOnboarding } from '../../lib/requests/start-execution.ts';
import { shortened } from '../../lib/subscribers/shortened.ts';
import type { Environment } from './environment.ts';

/** The parts that are read of a `SubscriberRequested` event. Its detail is a request. */
export const eventSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,45}$/)),
  source: v.string(),
  time: v.string(),
  detail: v.unknown(),
});

interface Dependencies {
  environment: Environment;
  stepFunctions: SFNClient;
  queue: SQSClient;
  logger: Logger;
}

/**
 * Starts the onboarding that an event asks for, in an execution named after the event: EventBridge delivers at least once,
 * and the same event starts nothing twice. EventBridge's own dead-letter queue takes what cannot be delivered; an event that
 * arrives and is refused must be put there, or it would be lost.
 */
export async function acceptEvent(
  event: v.InferOutput<typeof eventSchema>,
  { environment, stepFunctions, queue, logger }: Dependencies,
): Promise<void> {
  try {
    const { userName } = parseRequest(
      event.detail,
      requestRules(environment, environment.ACCOUNT_REGIONS, environment.STATE_MACHINE_ARN),
      faultsOf(() => executionInput(event.detail)),
    ).subscriber;
    const executionArn = await startOnboarding(stepFunctions, {
      stateMachineArn: environment.STATE_MACHINE_ARN,
      name: `${userName}-${event.id}`,
      input: executionInput(event.detail),
    });
    logger.appendKeys({ executionArn });
    logger.info('onboarding started', { eventId: event.id });
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    logger.warn('event refused', { eventId: event.id, errorName: error.name, errorMessage: error.message });
    const kept = JSON.stringify(onlyHarmless(event.detail), redactingReplacer);
    await queue.send(refusal(environment.DEAD_LETTER_QUEUE_URL, event, error)).catch((failure: unknown) => {
      // Thrown, it would make Lambda put the event as it is into the queue, where nothing that may be a secret must lie.
      if (kept === JSON.stringify(event.detail)) throw failure;
      logger.error('refused event could not be put into the queue', { eventId: event.id });
    });
  }
}

/** The fields of a request whose values are no secrets. */
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
]);

/** A refused request may hold a password under any name: all other values are left out of what the queue keeps. */
function onlyHarmless(value: unknown, path: readonly string[] = []): unknown {
  if (typeof value !== 'object' || value === null) return harmless.has(path.join('.')) ? value : '<redacted>';
  if (Array.isArray(value)) return value.map((item) => onlyHarmless(item, [...path, '[]']));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, onlyHarmless(item, [...path, name])]));
}

function refusal(
  queueUrl: string,
  event: v.InferOutput<typeof eventSchema>,
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
