import { Logger } from '@aws-lambda-powertools/logger';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { acceptEvent } from '../../../../functions/accept-event/accept-event.ts';
import { environmentSchema } from '../../../../functions/accept-event/environment.ts';
import { eventSchema } from '../../../../functions/accept-event/event.ts';
import { byScope } from '../../../scope.ts';
import { environmentOf } from '../environment.ts';
import { lambda, secret } from '../lambda.ts';
import { malformedEvent, rightDetails } from './malformed-event.ts';

const messageSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    error: v.object({
      name: v.literal('InvalidRequest'),
      errors: v.pipe(v.array(v.object({ pointer: v.string(), rule: v.string() })), v.minLength(1)),
    }),
  }),
);

const environment = environmentOf(environmentSchema, {
  SUPERADMIN_USER_NAME: 'root',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.example/q',
});
const eventOf = (detailType: string, detail: unknown) => ({
  id: '33333333-3333-4333-8333-333333333333',
  'detail-type': detailType,
  source: 'pipeline.example',
  account: '111111111111',
  time: '2026-01-01T12:00:00Z',
  detail,
});

function setUp() {
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(StartExecutionCommand).resolves({});
  const queue = mockClient(SQSClient);
  queue.on(SendMessageCommand).resolves({});
  /** What becomes of an event: the executions that it starts, and the messages about it. */
  const outcome = async (accept: (event: unknown) => Promise<unknown>, detailType: string, detail: unknown) => {
    stepFunctions.resetHistory();
    queue.resetHistory();
    await accept(eventOf(detailType, detail));
    const messages = queue.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => input.MessageBody ?? '');
    return { started: stepFunctions.calls().length, messages };
  };
  const invoke = lambda(() => import('../../../../functions/accept-event/handler.ts'), environment);
  const dependencies = {
    environment: v.parse(environmentSchema, environment),
    stepFunctions: new SFNClient({ region: 'us-east-1' }),
    queue: new SQSClient({ region: 'us-east-1' }),
    logger: new Logger({ logLevel: 'SILENT' }),
  };
  const sent = (detailType: string, detail: unknown) => outcome((event) => invoke(event), detailType, detail);
  /** Without what a function has around it, which takes most of its time. */
  const accepted = (detailType: string, detail: unknown) =>
    outcome((event) => acceptEvent(v.parse(eventSchema, event), dependencies), detailType, detail);
  return { sent, accepted };
}

it.each(Object.entries(rightDetails))('%s that is right starts an execution', async (detailType, detail) => {
  const { sent, accepted } = setUp();
  const isStarted = { started: 1, messages: [] };
  expect([await sent(detailType, detail), await accepted(detailType, detail)]).toEqual([isStarted, isStarted]);
});

it('no malformed event starts anything, and each is kept with the fields that are wrong', async () => {
  const { accepted } = setUp();
  await fc.assert(
    fc.asyncProperty(malformedEvent, async ({ detailType, detail, pointers }) => {
      const { started, messages } = await accepted(detailType, detail);
      expect([started, messages.length]).toEqual([0, 1]);
      const [body = ''] = messages;
      expect(body).not.toContain(secret(''));
      const named = v.parse(messageSchema, body).error.errors.map(({ pointer }) => pointer);
      for (const pointer of pointers) {
        // What is wrong with a part may be said of the part, of something in it, or of what it stands in.
        const isAbout = (each: string) => each === pointer || each.startsWith(`${pointer}/`);
        if (!named.some(isAbout)) expect.fail(`${pointer} is not among ${named.join(' ')}`);
      }
    }),
    { numRuns: byScope({ usual: 1000, all: 2000, long: 10_000 }) },
  );
});
