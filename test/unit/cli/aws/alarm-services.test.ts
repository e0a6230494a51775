import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { confirmedSubscriptions, describeAlarms } from '../../../../cli/aws/alarm-services.ts';
import { findingOf } from '../../../../cli/doctor/finding.ts';
import { sandboxAt } from '../../../../cli/target/target.ts';
import { at } from '../doctor/at.ts';

const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms';
const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** Where a server answers each call with the next of these. */
async function answering(...answers: readonly (readonly [status: number, body: string])[]) {
  const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    calls.push({ headers: request.headers, body: await text(request) });
    const [status, body] = answers[calls.length - 1] ?? [500, 'one call too many'];
    response.writeHead(status).end(body);
  });
  open.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port');
  return { calls, at: { ...at(), target: sandboxAt(`http://127.0.0.1:${address.port}`) } };
}

const alarm = (AlarmName: string) => ({ AlarmName, AlarmDescription: 'means', StateValue: 'OK', StateReason: 'why' });
const xmlError = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

describe('alarms', () => {
  it('are read to the last page, a hundred names in a call', async () => {
    const names = Array.from({ length: 101 }, (_, number) => `alarm-${number}`);
    const { at: place, calls } = await answering(
      [200, JSON.stringify({ MetricAlarms: [alarm('alarm-0')], CompositeAlarms: [], NextToken: 'more' })],
      [200, JSON.stringify({ MetricAlarms: [], CompositeAlarms: [alarm('alarm-1')] })],
      [200, JSON.stringify({ MetricAlarms: [alarm('alarm-100')] })],
    );
    const found = await describeAlarms(names, place);
    expect(found.map(({ name }) => name)).toEqual(['alarm-0', 'alarm-1', 'alarm-100']);
    expect(found[0]).toEqual({ name: 'alarm-0', description: 'means', state: 'OK', reason: 'why' });
    expect(calls.map(({ body }) => JSON.parse(body))).toMatchObject([
      { AlarmNames: names.slice(0, 100), AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
      { AlarmNames: names.slice(0, 100), NextToken: 'more' },
      { AlarmNames: ['alarm-100'] },
    ]);
    expect(calls[0]?.headers.authorization).toContain('/us-east-1/monitoring/aws4_request');
  });

  it('that may not be read are a warning with the permission', async () => {
    const message = 'User: arn:aws:iam::111111111111:user/x is not authorized to perform: cloudwatch:DescribeAlarms';
    const body = JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message });
    const { at: place } = await answering([400, body]);
    const error: unknown = await describeAlarms(['one'], place).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ name: 'AccessDeniedException', message: expect.stringContaining('CloudWatch') });
    expect(findingOf('alarms', 'x:Y', error)).toMatchObject({
      outcome: 'warn',
      why: expect.stringContaining('lack cloudwatch:DescribeAlarms'),
    });
  });

  it('are not there where something else answers', async () => {
    const { at: place } = await answering([200, '<html>']);
    await expect(describeAlarms(['one'], place)).rejects.toMatchObject({ name: 'EndpointUnreachable' });
  });
});

describe('the subscriptions of a topic', () => {
  it('are those that are confirmed', async () => {
    const entry = (key: string, value: number) => `<entry><key>${key}</key><value>${value}</value></entry>`;
    const entries = entry('SubscriptionsPending', 3) + entry('SubscriptionsConfirmed', 2);
    const { at: place, calls } = await answering([200, `<Attributes>${entries}</Attributes>`]);
    expect(await confirmedSubscriptions(topicArn, place)).toBe(2);
    expect(Object.fromEntries(new URLSearchParams(calls[0]?.body))).toEqual({
      ...{ Action: 'GetTopicAttributes', TopicArn: topicArn, Version: '2010-03-31' },
    });
  });

  it('are none of a topic that does not exist', async () => {
    const { at: place } = await answering([404, xmlError('NotFound', 'Topic does not exist')]);
    expect(await confirmedSubscriptions(topicArn, place)).toBeUndefined();
  });

  it('that may not be read are a warning with the permission', async () => {
    const denied = xmlError('AuthorizationError', 'User: x is not authorized to perform: SNS:GetTopicAttributes on y');
    const { at: place } = await answering([403, denied]);
    const error: unknown = await confirmedSubscriptions(topicArn, place).catch((refused: unknown) => refused);
    expect(findingOf('alarm topic', 'x:Y', error)).toMatchObject({
      outcome: 'warn',
      why: expect.stringContaining('lack SNS:GetTopicAttributes'),
    });
  });

  it('are not there where something else answers', async () => {
    const { at: place } = await answering([502, 'Bad gateway']);
    await expect(confirmedSubscriptions(topicArn, place)).rejects.toMatchObject({ name: 'EndpointUnreachable' });
  });
});
