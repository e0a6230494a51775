import * as v from 'valibot';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { callApi } from '../api.ts';
import { onboard, requestFor, withSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';

const minuteMs = 60_000;
const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms-of-metrics';
const templateSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ Resources: v.record(v.string(), v.unknown()) }),
);

/** The deployment with a topic, an alarm of failed executions, and a composite one that wakes somebody. */
function withAlarms(text: string): string {
  const template = v.parse(templateSchema, text);
  const failed = {
    Namespace: 'AWS/States',
    MetricName: 'ExecutionsFailed',
    Dimensions: [{ Name: 'StateMachineArn', Value: { Ref: 'OnboardSubscriber' } }],
    ...{ Statistic: 'Sum', Period: 60, EvaluationPeriods: 1, TreatMissingData: 'notBreaching' },
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 0, AlarmName: 'failed' },
  };
  const wake = { AlarmName: 'wake', AlarmRule: { 'Fn::Sub': 'ALARM(${Failed})' }, AlarmActions: [{ Ref: 'Alarms' }] };
  const topic = { TopicName: 'alarms-of-metrics', Subscription: [{ Protocol: 'email', Endpoint: 'ops@example.com' }] };
  return JSON.stringify({
    ...template,
    Resources: {
      ...template.Resources,
      Alarms: { Type: 'AWS::SNS::Topic', Properties: topic },
      Failed: { Type: 'AWS::CloudWatch::Alarm', Properties: failed },
      Wake: { Type: 'AWS::CloudWatch::CompositeAlarm', Properties: wake },
    },
  });
}

/** Calls CloudWatch as the SDK does, in JSON. */
async function cloudWatch({ endpoint, clock }: Sandbox, operation: string, input: object, service = 'monitoring') {
  const body = JSON.stringify(input);
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `GraniteServiceVersion20100801.${operation}`,
  };
  const signed = await signRequest(
    { method: 'POST', url: `${endpoint}/`, headers, body },
    { service, now: clock.now() },
  );
  const response = await fetch(`${endpoint}/`, { method: 'POST', headers: signed, body });
  const code = response.headers.get('x-amzn-query-error');
  return { status: response.status, code, answer: v.parse(v.record(v.string(), v.unknown()), await response.json()) };
}

/** Calls SNS as SDKs do, in the Query protocol. */
async function sns({ endpoint, clock }: Sandbox, parameters: Record<string, string>) {
  const body = new URLSearchParams({ ...parameters, Version: '2010-03-31' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const signed = await signRequest(
    { method: 'POST', url: `${endpoint}/`, headers, body },
    { service: 'sns', now: clock.now() },
  );
  return (await fetch(`${endpoint}/`, { method: 'POST', headers: signed, body })).text();
}

it('an execution that fails is counted, and wakes who is subscribed to the topic', async () => {
  await withSandbox({ alarms: true, editTemplate: withAlarms }, async (sandbox) => {
    const { clock, cloudWatch: watch, sns: topics, stateMachineArn } = sandbox;
    topics.confirm(topicArn, 'ops@example.com');
    const of = async (Namespace: string, dimensions: Record<string, string>, ...names: string[]) => {
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      const now = clock.now() / 1000;
      const { answer } = await cloudWatch(sandbox, 'GetMetricData', {
        MetricDataQueries: names.map((MetricName, place) => ({
          Id: `m${place}`,
          MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 86_400, Stat: 'Sum' },
        })),
        StartTime: now - 43_200,
        EndTime: now + 60,
      });
      const results = v.parse(v.array(v.looseObject({ Values: v.array(v.number()) })), answer.MetricDataResults);
      return Object.fromEntries(names.map((name, place) => [name, results[place]?.Values.reduce((a, b) => a + b, 0)]));
    };

    expect((await onboard(sandbox, requestFor('Counted'))).status).toBe('SUCCEEDED');
    await clock.quiet();
    clock.advance(minuteMs);
    expect(watch.alarms.alarm('wake').state.value).toBe('OK');
    fault(sandbox, 'cloudformation:Hook:error=Refused');
    expect((await onboard(sandbox, requestFor('Uncounted'))).status).toBe('FAILED');
    expect((await callApi(sandbox, 'GET', '/subscribers/nobody')).status).toBe(404);
    await clock.quiet();
    clock.advance(minuteMs);

    const machine = { StateMachineArn: stateMachineArn };
    expect(
      await of(
        'AWS/States',
        machine,
        'ExecutionsStarted',
        'ExecutionsSucceeded',
        'ExecutionsFailed',
        'ExecutionsTimedOut',
      ),
    ).toEqual({ ExecutionsStarted: 2, ExecutionsSucceeded: 1, ExecutionsFailed: 1, ExecutionsTimedOut: 0 });
    const step = { FunctionName: 'infinstor-onboarding-sandbox-obtain-token' };
    expect(await of('AWS/Lambda', step, 'Invocations', 'Errors', 'Throttles')).toEqual({
      Invocations: 2,
      Errors: 0,
      Throttles: 0,
    });
    expect(await of('AWS/ApiGateway', { ApiId: 'sandboxapi', Stage: '$default' }, 'Count', '4xx', '5xx')).toEqual({
      Count: 1,
      '4xx': 1,
      '5xx': 0,
    });
    const rule = { RuleName: sandbox.physicalId('RecordFailureRule') };
    expect(await of('AWS/Events', rule, 'Invocations', 'FailedInvocations')).toEqual({
      Invocations: 1,
      FailedInvocations: 0,
    });
    expect(watch.invalidLines()).toEqual([]);

    expect(
      await cloudWatch(sandbox, 'DescribeAlarms', { StateValue: 'ALARM', AlarmTypes: ['CompositeAlarm'] }),
    ).toMatchObject({
      status: 200,
      answer: { MetricAlarms: [], CompositeAlarms: [{ AlarmName: 'wake', StateUpdatedTimestamp: expect.any(Number) }] },
    });
    expect(topics.published(topicArn)).toMatchObject([
      { subject: 'ALARM: "wake" in US East (N. Virginia)', sentTo: ['ops@example.com'] },
    ]);
    expect(sandbox.events.published().filter(({ source }) => source === 'aws.cloudwatch')).toHaveLength(4);
    expect(await sns(sandbox, { Action: 'ListSubscriptionsByTopic', TopicArn: topicArn })).toContain(
      '<Endpoint>ops@example.com</Endpoint>',
    );

    const wrong = { AlarmName: 'gone', StateValue: 'OK', StateReason: '' };
    expect(await cloudWatch(sandbox, 'SetAlarmState', wrong)).toMatchObject({
      status: 404,
      code: 'ResourceNotFound;Sender',
    });
    expect(await cloudWatch(sandbox, 'SetAlarmState', { ...wrong, StateValue: 'x' })).toMatchObject({
      status: 400,
      code: 'ValidationError;Sender',
      answer: { __type: 'ValidationException' },
    });
    // It is signed for the name of its endpoint.
    expect(await cloudWatch(sandbox, 'DescribeAlarms', {}, 'cloudwatch')).toMatchObject({ status: 400 });
  });
});
