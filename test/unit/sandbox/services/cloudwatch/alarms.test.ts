import { describe, expect, it } from 'vitest';
import { alarmArn, metric, minuteMs, setUp, topicArn } from './cloudwatch-fixture.ts';

describe('an alarm of a metric', () => {
  it('goes into ALARM when the metric is beyond the threshold, and into OK afterwards', () => {
    const { put, minute, stateOf, changes } = setUp();
    put();
    expect(stateOf('failed')).toEqual({ value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation' });
    minute();
    expect(stateOf('failed').value).toBe('OK');
    minute(1);
    expect(stateOf('failed').value).toBe('ALARM');
    // What is looked back for is three minutes of data.
    for (let minutes = 0; minutes < 2; minutes += 1) minute();
    expect(stateOf('failed').value).toBe('ALARM');
    minute();
    expect(stateOf('failed').value).toBe('OK');
    expect(changes()).toEqual(['failed: INSUFFICIENT_DATA -> OK', 'failed: OK -> ALARM', 'failed: ALARM -> OK']);
  });

  it('sends its topic the message that AWS sends, once', () => {
    const { put, minute, clock, messages } = setUp();
    put({ AlarmDescription: 'See the runbook', TreatMissingData: 'ignore' });
    minute(2);
    const now = new Date(clock.now()).toISOString().replace('Z', '+0000');
    minute(2);
    expect(messages()).toEqual([
      {
        subject: 'ALARM: "failed" in US East (N. Virginia)',
        message: {
          AlarmName: 'failed',
          AlarmDescription: 'See the runbook',
          AWSAccountId: '111111111111',
          AlarmConfigurationUpdatedTimestamp: expect.stringMatching(/\+0000$/),
          NewStateValue: 'ALARM',
          NewStateReason: expect.stringContaining('Threshold Crossed: 1 datapoint [2.0 ('),
          StateChangeTime: now,
          Region: 'US East (N. Virginia)',
          AlarmArn: alarmArn('failed'),
          OldStateValue: 'INSUFFICIENT_DATA',
          OKActions: [],
          AlarmActions: [topicArn],
          InsufficientDataActions: [],
          ActionExecutedAfterMuteWindow: false,
          Trigger: {
            MetricName: 'ExecutionsFailed',
            Namespace: 'AWS/States',
            StatisticType: 'Statistic',
            Statistic: 'SUM',
            Unit: null,
            Dimensions: [{ name: 'StateMachineArn', value: 'm' }],
            Period: 60,
            EvaluationPeriods: 1,
            ComparisonOperator: 'GreaterThanThreshold',
            Threshold: 0,
            TreatMissingData: 'ignore',
            EvaluateLowSampleCountPercentile: '',
          },
        },
      },
    ]);
  });

  it('puts the event on the default bus that AWS puts there', () => {
    const { put, minute, events } = setUp();
    put({ AlarmDescription: 'See the runbook' });
    minute();
    minute(1);
    expect(events.at(-1)).toEqual({
      source: 'aws.cloudwatch',
      'detail-type': 'CloudWatch Alarm State Change',
      resources: [alarmArn('failed')],
      detail: {
        alarmName: 'failed',
        state: {
          value: 'ALARM',
          reason: expect.stringContaining('Threshold Crossed'),
          reasonData: expect.stringContaining('"recentDatapoints":[1]'),
          timestamp: expect.stringMatching(/\+0000$/),
        },
        previousState: expect.objectContaining({ value: 'OK', reason: expect.stringContaining('[NonBreaching]') }),
        configuration: {
          description: 'See the runbook',
          metrics: [
            {
              id: 'm1',
              metricStat: {
                metric: { namespace: 'AWS/States', name: 'ExecutionsFailed', dimensions: { StateMachineArn: 'm' } },
                period: 60,
                stat: 'Sum',
              },
              returnData: true,
            },
          ],
        },
      },
    });
  });

  it.each([
    ['AlarmActions', ['failed: OK -> ALARM']],
    ['OKActions', ['failed: INSUFFICIENT_DATA -> OK', 'failed: ALARM -> OK']],
    ['InsufficientDataActions', []],
  ])('sends %s only what they are for', (member, expected) => {
    const { put, minute, cloudWatch } = setUp();
    put({ AlarmActions: [], [member]: [topicArn] });
    minute();
    minute(1);
    for (let minutes = 0; minutes < 3; minutes += 1) minute();
    const sent = cloudWatch.transitions().filter(({ actions }) => actions.length > 0);
    expect(sent.map(({ alarmName, from, to }) => `${alarmName}: ${from} -> ${to}`)).toEqual(expected);
  });

  it('has insufficient data when its metric has ended, if missing data is missing', () => {
    const { put, minute, changes } = setUp();
    put({ TreatMissingData: 'missing' });
    minute(0);
    for (let minutes = 0; minutes < 3; minutes += 1) minute();
    expect(changes()).toEqual(['failed: INSUFFICIENT_DATA -> OK', 'failed: OK -> INSUFFICIENT_DATA']);
  });

  it('acts on nothing while its actions are disabled, and says which topic refused', () => {
    const { put, minute, messages, cloudWatch } = setUp();
    put({ ActionsEnabled: false });
    minute(1);
    expect(messages()).toEqual([]);
    put({ AlarmName: 'other', AlarmActions: [`${topicArn}-gone`] });
    minute(1);
    expect(cloudWatch.transitions().at(-1)).toMatchObject({
      alarmName: 'other',
      actions: [{ arn: `${topicArn}-gone`, error: 'Topic does not exist' }],
    });
  });

  it('looks at whole periods that end with the last minute', () => {
    const { put, minute, stateOf } = setUp();
    put({ Period: 300, Threshold: 2 });
    minute(1);
    minute(1);
    minute(1);
    // The sum of the last five minutes, wherever the clock is in an hour.
    expect(stateOf('failed').value).toBe('ALARM');
    for (let minutes = 0; minutes < 2; minutes += 1) minute();
    expect(stateOf('failed').value).toBe('ALARM');
    minute();
    expect(stateOf('failed').reason).toContain('[2.0 (');
    expect(stateOf('failed').value).toBe('OK');
  });

  it('does not look at the minute that is not over', () => {
    const { put, clock, cloudWatch, stateOf } = setUp({ evaluates: false });
    put();
    cloudWatch.meter('AWS/States', { StateMachineArn: 'm' }, { ExecutionsFailed: 1 });
    clock.advance(minuteMs / 2);
    cloudWatch.evaluate();
    expect(stateOf('failed').value).toBe('OK');
    clock.advance(minuteMs / 2);
    cloudWatch.evaluate();
    expect(stateOf('failed').value).toBe('ALARM');
  });

  it('of DynamoDB ignores missing data, whatever it says', () => {
    const { put, clock, cloudWatch, stateOf } = setUp();
    put({
      Namespace: 'AWS/DynamoDB',
      MetricName: 'ReadThrottleEvents',
      Dimensions: [{ Name: 'TableName', Value: 't' }],
    });
    cloudWatch.meter('AWS/DynamoDB', { TableName: 't' }, { ReadThrottleEvents: 1 });
    clock.advance(minuteMs);
    expect(stateOf('failed').value).toBe('ALARM');
    clock.advance(60 * minuteMs);
    expect(stateOf('failed').value).toBe('ALARM');
  });

  it('over more than a day is evaluated once an hour', () => {
    const { put, clock, cloudWatch, stateOf } = setUp();
    put({ Period: 3600, EvaluationPeriods: 25, DatapointsToAlarm: 1 });
    clock.advance(3_600_000 - (clock.now() % 3_600_000) + minuteMs);
    cloudWatch.meter('AWS/States', { StateMachineArn: 'm' }, { ExecutionsFailed: 1 });
    clock.advance(58 * minuteMs);
    expect(stateOf('failed').value).toBe('OK');
    clock.advance(minuteMs);
    expect(stateOf('failed').value).toBe('ALARM');
  });

  it('of a percentile waits for enough values, if it is to', () => {
    const { put, minute, cloudWatch, stateOf } = setUp();
    put({ Statistic: undefined, ExtendedStatistic: 'p90', EvaluateLowSampleCountPercentile: 'ignore' });
    put({ AlarmName: 'evaluates', Statistic: undefined, ExtendedStatistic: 'p90' });
    minute(1);
    expect([stateOf('failed').value, stateOf('evaluates').value]).toEqual(['INSUFFICIENT_DATA', 'ALARM']);
    for (let values = 0; values < 100; values += 1)
      cloudWatch.meter('AWS/States', { StateMachineArn: 'm' }, { ExecutionsFailed: 1 });
    minute();
    expect(stateOf('failed').value).toBe('ALARM');
  });

  it('of an expression is evaluated as metric math', () => {
    const { putMath, minute, stateOf, messages } = setUp();
    putMath({
      Metrics: [
        { Id: 'all', Expression: 'SUM(METRICS())', Label: 'Failures', ReturnData: true },
        metric('failed', 'ExecutionsFailed'),
        metric('timed', 'ExecutionsTimedOut'),
      ],
      Threshold: 1,
    });
    minute(1);
    expect(stateOf('failed').value).toBe('OK');
    minute(2, 'ExecutionsTimedOut');
    expect(stateOf('failed').value).toBe('ALARM');
    expect(messages().at(-1)?.message.Trigger).toMatchObject({
      Period: 60,
      Metrics: [
        { Expression: 'SUM(METRICS())', Id: 'all', Label: 'Failures', ReturnData: true },
        { Id: 'failed', MetricStat: { Metric: { MetricName: 'ExecutionsFailed' }, Stat: 'Sum' }, ReturnData: false },
        { Id: 'timed' },
      ],
    });
  });

  it('rests unless it is asked for, and nothing is sampled before there is one', () => {
    const resting = setUp({ evaluates: false });
    resting.put();
    resting.minute(1);
    expect(resting.changes()).toEqual([]);
    resting.cloudWatch.evaluate();
    expect(resting.changes()).toEqual(['failed: INSUFFICIENT_DATA -> ALARM']);
    const { minute, put, samples, cloudWatch } = setUp();
    minute(1);
    cloudWatch.evaluate();
    expect(samples()).toBe(0);
    put();
    minute();
    expect(samples()).toBe(1);
  });
});

describe('a composite alarm', () => {
  it('follows the alarms of its rule', () => {
    const { put, putComposite, minute, changes, stateOf, messages } = setUp();
    put({ AlarmActions: [] });
    put({ AlarmName: 'timed', MetricName: 'ExecutionsTimedOut', AlarmActions: [] });
    putComposite({ AlarmName: 'wake', AlarmRule: `ALARM("${alarmArn('failed')}") AND NOT ALARM(timed)` });
    minute();
    expect(stateOf('wake').reason).toBe(`${alarmArn('wake')} was created and its alarm rule evaluates to OK`);
    minute(1);
    expect(stateOf('wake').value).toBe('ALARM');
    expect(stateOf('wake').reason).toMatch(
      new RegExp(
        `^${alarmArn('failed')} transitioned to ALARM at [A-Z][a-z]+day \\d\\d [A-Z][a-z]+, \\d{4} [\\d:]{8} UTC$`,
      ),
    );
    expect(messages()).toEqual([
      {
        subject: 'ALARM: "wake" in US East (N. Virginia)',
        message: expect.objectContaining({
          AlarmRule: `ALARM("${alarmArn('failed')}") AND NOT ALARM(timed)`,
          TriggeringChildren: [{ Arn: alarmArn('failed'), State: { Value: 'ALARM', Timestamp: expect.any(String) } }],
        }),
      },
    ]);
    minute(1, 'ExecutionsTimedOut');
    expect(changes().slice(-3)).toEqual(['wake: OK -> ALARM', 'timed: OK -> ALARM', 'wake: ALARM -> OK']);
  });

  it('follows composite alarms, and none of a circle for ever', () => {
    const { put, putComposite, minute, stateOf, cloudWatch } = setUp();
    put({ AlarmActions: [] });
    putComposite({ AlarmName: 'a', AlarmRule: 'ALARM(failed)' });
    putComposite({ AlarmName: 'b', AlarmRule: 'ALARM(a) OR ALARM(b)' });
    putComposite({ AlarmName: 'a', AlarmRule: 'ALARM(failed) OR ALARM(b)' });
    minute(1);
    expect([stateOf('a').value, stateOf('b').value]).toEqual(['ALARM', 'ALARM']);
    expect(() => cloudWatch.alarms.delete('failed')).toThrow('composite alarm(s) depending on it: a');
  });

  it('that contradicts itself through another one is evaluated once', () => {
    const { put, putComposite, minute, changes } = setUp();
    put({ AlarmActions: [] });
    putComposite({ AlarmName: 'a', AlarmRule: 'ALARM(failed)' });
    putComposite({ AlarmName: 'b', AlarmRule: 'ALARM(a)' });
    putComposite({ AlarmName: 'a', AlarmRule: 'ALARM(failed) AND NOT ALARM(b)' });
    minute();
    minute(1);
    expect(changes().slice(-3)).toEqual(['failed: OK -> ALARM', 'a: OK -> ALARM', 'b: OK -> ALARM']);
  });

  it('needs the alarms of its rule', () => {
    const { putComposite } = setUp();
    expect(() => putComposite({ AlarmName: 'wake', AlarmRule: 'ALARM(gone) OR ALARM(lost)' })).toThrow(
      'alarms [gone, lost] in the alarm rule do not exist',
    );
  });
});

describe('settings that AWS refuses', () => {
  it.each([
    [{ Period: undefined }, 'needs MetricName, Namespace and Period'],
    [{ Statistic: undefined }, 'Exactly one of Statistic and ExtendedStatistic'],
    [{ ExtendedStatistic: 'p90' }, 'Exactly one of Statistic and ExtendedStatistic'],
    [{ DatapointsToAlarm: 2 }, 'less than or equal to EvaluationPeriods'],
    [{ Period: 300, EvaluationPeriods: 289 }, 'Metrics cannot be checked across more than a day'],
    [{ Period: 3600, EvaluationPeriods: 169 }, 'Metrics cannot be checked across more than 7 days'],
    [{ Period: 90 }, 'multiple of 60'],
    [{ ExtendedStatistic: 'tm90', Statistic: undefined }, 'Stat must be one'],
    [{ Metrics: [metric('m', 'x', true)] }, 'An alarm with Metrics cannot have MetricName'],
    [{ Unit: 'ms' }, 'Invalid type: Expected ("Seconds"'],
    [{ AlarmActions: Array.from({ length: 6 }, () => topicArn) }, 'length'],
  ])('%j: %s', (settings, reason) => {
    const { put } = setUp();
    expect(() => put(settings)).toThrow(reason);
  });

  it.each([
    ['no metric', [{ Id: 'e', Expression: 'TIME_SERIES(1)' }], 'at least one metric'],
    ['nothing to watch', [metric('m', 'x')], 'Exactly one element of Metrics'],
    ['two to watch', [metric('m', 'x', true), { Id: 'e', Expression: 'm' }], 'Exactly one element of Metrics'],
    ['one id twice', [metric('m', 'x'), metric('m', 'y', true)], 'must be unique: m'],
    ['a number', [metric('m', 'x'), { Id: 'e', Expression: 'SUM(m)' }], 'single time series'],
    ['a list', [metric('m', 'x'), { Id: 'e', Expression: 'METRICS()' }], 'single time series'],
    [
      'a circle',
      [metric('m', 'x'), { Id: 'e', Expression: 'm + f' }, { Id: 'f', Expression: 'e', ReturnData: false }],
      'refers to itself',
    ],
    ['an unknown id', [metric('m', 'x'), { Id: 'e', Expression: 'm2' }], 'there is no m2'],
    [
      'another period',
      [
        metric('m', 'x'),
        { ...metric('n', 'y'), MetricStat: { ...metric('n', 'y').MetricStat, Period: 300 } },
        { Id: 'e', Expression: 'm + n' },
      ],
      'same period',
    ],
    [
      '11 metrics',
      [
        ...Array.from({ length: 11 }, (_, place) => metric(`m${place}`, 'x')),
        { Id: 'e', Expression: 'SUM(METRICS())' },
      ],
      '10 metrics at most',
    ],
    ['an expression and a metric', [{ ...metric('m', 'x', true), Expression: 'n' }], 'either Expression or MetricStat'],
    ['a wrong id', [metric('M', 'x', true)], 'Invalid format'],
  ])('an expression with %s', (_, Metrics, reason) => {
    const { putMath } = setUp();
    expect(() => putMath({ Metrics })).toThrow(reason);
  });
});
