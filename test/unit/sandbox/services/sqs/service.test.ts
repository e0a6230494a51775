import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createSqs } from '../../../../../sandbox/services/sqs/service.ts';
import { accessOf, call } from '../call.ts';

const messageSchema = v.looseObject({ Body: v.string(), ReceiptHandle: v.string() });
/** Of an empty queue, an answer has no list. */
const receivedSchema = v.object({ Messages: v.optional(v.array(messageSchema), []) });

function setUp() {
  const clock = createClock({ skipIdle: true });
  const sqs = createSqs({ clock, endpoint: () => 'http://sandbox.example:4566' });
  const { url, arn } = sqs.createQueue({ name: 'refused', retentionSeconds: 600 });
  const run = (name: string, input: object = {}) => call(sqs.service, name, { QueueUrl: url, ...input });
  const receive = async (input: object = {}) => v.parse(receivedSchema, await run('ReceiveMessage', input)).Messages;
  return { clock, sqs, url, arn, run, receive };
}

describe('a queue', () => {
  it('is found by its name, at the endpoint', async () => {
    const { sqs, url, arn } = setUp();
    expect({ url, arn }).toEqual({
      url: 'http://sandbox.example:4566/111111111111/refused',
      arn: 'arn:aws:sqs:us-east-1:111111111111:refused',
    });
    expect(await call(sqs.service, 'GetQueueUrl', { QueueName: 'refused' })).toEqual({ QueueUrl: url });
    expect(() => sqs.createQueue({ name: 'refused' })).toThrow('already exists');
  });

  it('takes messages from clients, with the checksum that they check, and from services', async () => {
    const { sqs, arn, run } = setUp();
    const MessageAttributes = { errorName: { DataType: 'String', StringValue: 'InvalidRequest' } };
    expect(await run('SendMessage', { MessageBody: 'é', MessageAttributes })).toEqual({
      MessageId: expect.any(String),
      MD5OfMessageBody: createHash('md5').update('é').digest('hex'),
      MD5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    sqs.send(arn, 'record');
    expect(sqs.messages('refused')).toMatchObject([{ body: 'é', attributes: MessageAttributes }, { body: 'record' }]);
  });

  it('refuses a message that is too long with its attributes, or has characters that no message may have', async () => {
    const { run, sqs } = setUp();
    const MessageAttributes = { a: { DataType: 'String', StringValue: 'é' } };
    const room = 1_048_576 - 'a'.length - 'String'.length - 2;
    await run('SendMessage', { MessageBody: 'x'.repeat(room), MessageAttributes });
    const tooLong = run('SendMessage', { MessageBody: 'x'.repeat(room + 1), MessageAttributes });
    await expect(tooLong).rejects.toMatchObject({ code: 'InvalidParameterValueException' });
    for (const MessageBody of ['\u0000', 'a\uffff', '\ufffe']) {
      await expect(run('SendMessage', { MessageBody })).rejects.toMatchObject({ code: 'InvalidMessageContents' });
    }
    await run('SendMessage', { MessageBody: '\t\n\r\ufffd\u{10ffff}' });
    expect(sqs.messages('refused')).toHaveLength(2);
  });

  it('hides a message from others while one works on it, and forgets it when that one deletes it', async () => {
    const { clock, run, receive } = setUp();
    await run('SendMessage', { MessageBody: 'a' });
    await run('SendMessage', { MessageBody: 'b' });
    expect(await receive({ MaxNumberOfMessages: 10, VisibilityTimeout: 60 })).toHaveLength(2);
    expect(await receive()).toEqual([]);
    clock.advance(60_000);
    const [again] = await receive({ AttributeNames: ['ApproximateReceiveCount'] });
    expect(again).toMatchObject({ Body: 'a', Attributes: { ApproximateReceiveCount: '2' } });
    await run('DeleteMessage', { ReceiptHandle: again?.ReceiptHandle });
    clock.advance(60_000);
    expect(await receive({ MaxNumberOfMessages: 10 })).toMatchObject([{ Body: 'b' }]);
  });

  it('refuses a receipt that is none', async () => {
    await expect(setUp().run('DeleteMessage', { ReceiptHandle: 'garbage' })).rejects.toMatchObject({
      code: 'ReceiptHandleIsInvalid',
      message: 'The input receipt handle "garbage" is not a valid receipt handle.',
    });
  });

  it('drops what is too old', async () => {
    const { clock, sqs, run } = setUp();
    await run('SendMessage', { MessageBody: 'a' });
    clock.advance(600_000);
    expect(sqs.messages('refused')).toEqual([]);
  });

  it('that is not there is not found', async () => {
    const { sqs } = setUp();
    const input = { QueueUrl: 'http://sandbox.example:4566/111111111111/other', MessageBody: 'a' };
    await expect(call(sqs.service, 'SendMessage', input)).rejects.toMatchObject({ code: 'QueueDoesNotExist' });
  });

  it('is what IAM is asked about', () => {
    const { sqs, url, arn } = setUp();
    const access = accessOf(sqs.service, 'SendMessage', { QueueUrl: url, MessageBody: 'a' });
    expect(access).toEqual([{ action: 'sqs:SendMessage', resource: arn }]);
  });
});
