import { describe, expect, it } from 'vitest';
import { accessOf, call } from '../call.ts';
import { alarmArn, metric, minuteMs, setUp } from './cloudwatch-fixture.ts';

type World = ReturnType<typeof setUp>;

const describeAlarms = ({ cloudWatch }: World, input: object = {}) => call(cloudWatch.service, 'DescribeAlarms', input);

async function metricData({ cloudWatch, clock }: World, MetricDataQueries: object[], rest: object = {}) {
  const seconds = clock.now() / 1000;
  const answer = await call(cloudWatch.service, 'GetMetricData', {
    MetricDataQueries,
    StartTime: seconds - 600,
    EndTime: seconds + 60,
    ...rest,
  });
  return 'MetricDataResults' in answer ? answer.MetricDataResults : undefined;
}

describe('GetMetricData', () => {
  it('returns what services have counted, newest first', async () => {
    const world = setUp();
    world.minute(1);
    world.minute(2);
    const at = (minutesAgo: number) => new Date(world.clock.now() - minutesAgo * minuteMs);
    expect(await metricData(world, [metric('failed', 'ExecutionsFailed', true)])).toEqual([
      { Id: 'failed', Label: 'ExecutionsFailed', Timestamps: [at(1), at(2)], Values: [2, 1], StatusCode: 'Complete' },
    ]);
    expect(
      await metricData(world, [metric('failed', 'ExecutionsFailed', true)], { ScanBy: 'TimestampAscending' }),
    ).toMatchObject([{ Values: [1, 2] }]);
    expect(await metricData(world, [metric('gone', 'Other', true)])).toMatchObject([{ Timestamps: [], Values: [] }]);
  });

  it('knows the dimensions of a metric, and its unit', async () => {
    const world = setUp();
    world.cloudWatch.meter('n', { a: '1', b: '2' }, { x: 5 }, 'Milliseconds');
    const query = (Dimensions: object[], Unit?: string) => [
      {
        Id: 'm',
        MetricStat: { Metric: { Namespace: 'n', MetricName: 'x', Dimensions }, Period: 60, Stat: 'Sum', Unit },
      },
    ];
    const [a, b] = [
      { Name: 'a', Value: '1' },
      { Name: 'b', Value: '2' },
    ];
    expect(await metricData(world, query([b, a]))).toMatchObject([{ Values: [5] }]);
    expect(await metricData(world, query([a]))).toMatchObject([{ Values: [] }]);
    expect(await metricData(world, query([]))).toMatchObject([{ Values: [] }]);
    expect(await metricData(world, query([a, b], 'Milliseconds'))).toMatchObject([{ Values: [5] }]);
    expect(await metricData(world, query([a, b], 'Seconds'))).toMatchObject([{ Values: [] }]);
  });

  it.each([
    ['SampleCount', 4],
    ['Sum', 10],
    ['Average', 2.5],
    ['Minimum', 1],
    ['Maximum', 4],
    ['p50', 2],
    ['p99.9', 4],
    ['p100', 4],
  ])('computes %s', async (Stat, expected) => {
    const world = setUp();
    for (const value of [4, 3, 2, 1]) world.cloudWatch.meter('n', {}, { x: value });
    const MetricStat = { Metric: { Namespace: 'n', MetricName: 'x' }, Period: 300, Stat };
    expect(await metricData(world, [{ Id: 'm', MetricStat }])).toMatchObject([{ Values: [expected] }]);
  });

  it('computes expressions, and leaves out what is not to be returned', async () => {
    const world = setUp();
    world.minute(1);
    world.minute(3, 'ExecutionsStarted');
    const queries = [metric('failed', 'ExecutionsFailed'), metric('started', 'ExecutionsStarted')];
    expect(
      await metricData(world, [...queries, { Id: 'e', Expression: 'failed + started', Label: 'both' }]),
    ).toMatchObject([{ Id: 'e', Label: 'both', Values: [3, 1] }]);
    expect(await metricData(world, [...queries, { Id: 'e', Expression: 'METRICS()' }])).toMatchObject([
      { Id: 'e', Values: [1] },
      { Id: 'e', Values: [3] },
    ]);
  });

  it('has the metrics that functions have logged, at the times that these say', async () => {
    const world = setUp();
    const { lines, clock, cloudWatch } = world;
    const line = (Timestamp: number, KeyPolicyDrift: number | number[]) =>
      JSON.stringify({
        _aws: {
          Timestamp,
          CloudWatchMetrics: [
            { Namespace: 'app', Dimensions: [[]], Metrics: [{ Name: 'KeyPolicyDrift', Unit: 'Count' }] },
          ],
        },
        KeyPolicyDrift,
      });
    lines.push(line(clock.now(), 4), 'a text', line(clock.now() - 2 * minuteMs, [1, 2]));
    const MetricStat = { Metric: { Namespace: 'app', MetricName: 'KeyPolicyDrift' }, Period: 60, Stat: 'Sum' };
    expect(await metricData(world, [{ Id: 'm', MetricStat }])).toMatchObject([{ Values: [4, 3] }]);
    expect(cloudWatch.metricNames()).toEqual([{ namespace: 'app', name: 'KeyPolicyDrift', dimensions: {} }]);
    expect(cloudWatch.invalidLines()).toEqual([]);
  });

  it('counts lines that are meant as metrics and are none', async () => {
    const world = setUp();
    world.lines.push('{"_aws":{"CloudWatchMetrics":[]}}');
    expect(world.cloudWatch.invalidLines()).toEqual([
      { functionName: 'step', message: expect.stringContaining('Timestamp') },
    ]);
    expect(world.cloudWatch.metricNames()).toEqual([
      { namespace: 'AWS/Logs', name: 'EMFValidationErrors', dimensions: { LogGroupName: '/aws/lambda/step' } },
    ]);
  });

  it.each([
    ['a time that is over before it begins', {}, { StartTime: 1, EndTime: 1 }, 'StartTime must be less than'],
    ['an expression that is not valid', { Expression: 'm +' }, {}, 'Invalid metrics expression'],
    ['two periods', { Expression: 'm', Period: 300 }, {}, 'one and the same period'],
    ['an unknown member', { Expression: 'm', Colour: 'red' }, {}, 'Colour'],
  ])('refuses %s', async (_, query, rest, reason) => {
    const world = setUp();
    await expect(metricData(world, [metric('m', 'x'), { Id: 'e', Expression: 'm', ...query }], rest)).rejects.toThrow(
      reason,
    );
  });
});

describe('DescribeAlarms', () => {
  it('describes an alarm of a metric, as recorded', async () => {
    const world = setUp();
    world.put({ AlarmActions: [], Dimensions: [], TreatMissingData: undefined, Threshold: 30 });
    const now = new Date(world.clock.now());
    expect(await describeAlarms(world, { AlarmNames: ['failed'] })).toEqual({
      CompositeAlarms: [],
      MetricAlarms: [
        {
          ActionsEnabled: true,
          AlarmActions: [],
          AlarmArn: alarmArn('failed'),
          AlarmConfigurationUpdatedTimestamp: now,
          AlarmName: 'failed',
          ComparisonOperator: 'GreaterThanThreshold',
          Dimensions: [],
          EvaluationPeriods: 1,
          InsufficientDataActions: [],
          MetricName: 'ExecutionsFailed',
          Namespace: 'AWS/States',
          OKActions: [],
          Period: 60,
          StateReason: 'Unchecked: Initial alarm creation',
          StateTransitionedTimestamp: now,
          StateUpdatedTimestamp: now,
          StateValue: 'INSUFFICIENT_DATA',
          Statistic: 'Sum',
          Threshold: 30,
        },
      ],
    });
  });

  it('finds alarms by type, prefix, state, action, parent and child', async () => {
    const world = setUp();
    world.put();
    world.put({ AlarmName: 'other', MetricName: 'Other', AlarmActions: [] });
    world.putComposite({ AlarmName: 'wake', AlarmRule: 'ALARM(failed)' });
    world.minute(1);
    const names = async (input: object) =>
      Object.values(await describeAlarms(world, input)).flatMap((alarms: { AlarmName: string }[]) =>
        alarms.map((each) => each.AlarmName),
      );
    const AlarmTypes = ['MetricAlarm', 'CompositeAlarm'];
    // Without types only alarms of metrics.
    expect(await names({})).toEqual(['failed', 'other']);
    expect(await names({ AlarmTypes })).toEqual(['wake', 'failed', 'other']);
    expect(await names({ AlarmNamePrefix: 'o' })).toEqual(['other']);
    expect(await names({ StateValue: 'ALARM' })).toEqual(['failed']);
    expect(await names({ ActionPrefix: 'arn:aws:sns:' })).toEqual(['failed']);
    expect(await names({ AlarmTypes, ChildrenOfAlarmName: 'wake' })).toEqual(['failed']);
    expect(await names({ AlarmTypes, ParentsOfAlarmName: 'failed' })).toEqual(['wake']);
    expect(await names({ AlarmNames: ['gone'] })).toEqual([]);
  });

  it('has pages', async () => {
    const world = setUp();
    for (let place = 10; place < 22; place += 1) world.put({ AlarmName: `a${place}` });
    const first = await describeAlarms(world);
    expect(first).toMatchObject({ NextToken: 'a20', MetricAlarms: { length: 10 } });
    const second = await describeAlarms(world, { NextToken: 'a20' });
    expect(second).toMatchObject({ MetricAlarms: [{ AlarmName: 'a20' }, { AlarmName: 'a21' }] });
    expect(second).not.toHaveProperty('NextToken');
    await expect(describeAlarms(world, { NextToken: 'x' })).rejects.toThrow('NextToken');
  });
});

describe('SetAlarmState', () => {
  const set = ({ cloudWatch }: World, StateValue: string, AlarmName = 'failed') =>
    call(cloudWatch.service, 'SetAlarmState', { AlarmName, StateValue, StateReason: 'testing' });

  it('lets an alarm act as if its metric had, until it is evaluated', async () => {
    const world = setUp();
    world.put();
    await set(world, 'ALARM');
    expect(world.stateOf('failed')).toEqual({ value: 'ALARM', reason: 'testing' });
    expect(world.messages()).toMatchObject([{ message: { NewStateReason: 'testing' } }]);
    world.minute();
    expect(world.stateOf('failed').value).toBe('OK');
  });

  it('refuses a state that there is not, in words of AWS, and an alarm that there is not', async () => {
    const world = setUp();
    world.put();
    await expect(set(world, 'INVALID')).rejects.toThrow(
      "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
    );
    await expect(set(world, 'OK', 'gone')).rejects.toMatchObject({ code: 'ResourceNotFound', statusCode: 404 });
  });
});

it('IAM is asked for each operation', () => {
  const { cloudWatch } = setUp();
  const input = { AlarmName: 'failed', StateValue: 'OK', StateReason: '' };
  expect(accessOf(cloudWatch.service, 'SetAlarmState', input)).toEqual([
    { action: 'cloudwatch:SetAlarmState', resource: alarmArn('failed') },
  ]);
  expect(accessOf(cloudWatch.service, 'DescribeAlarms', {})).toEqual([
    { action: 'cloudwatch:DescribeAlarms', resource: alarmArn('*') },
  ]);
  const data = { MetricDataQueries: [metric('m', 'x')], StartTime: 1, EndTime: 2 };
  expect(accessOf(cloudWatch.service, 'GetMetricData', data)).toEqual([
    { action: 'cloudwatch:GetMetricData', resource: '*' },
  ]);
});
