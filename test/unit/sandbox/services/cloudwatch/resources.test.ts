import { describe, expect, it } from 'vitest';
import { setUp } from '../cloudformation/cloudformation-fixture.ts';

const alarm = {
  Namespace: 'AWS/States',
  MetricName: 'ExecutionsFailed',
  ...{ Statistic: 'Sum', Period: 60, EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', Threshold: 0 },
};
const text = { type: 'text', properties: { markdown: '# a' } };
const dashboard = (...widgets: unknown[]) => ({ DashboardName: 'd', DashboardBody: JSON.stringify({ widgets }) });
const metrics = (...rows: unknown[]) => ({ type: 'metric', properties: { region: 'us-east-1', metrics: rows } });

async function create(Resources: object, Outputs: object = {}) {
  const world = setUp();
  await world.call('CreateStack', { StackName: 's', TemplateBody: JSON.stringify({ Resources, Outputs }) });
  const { status, events, outputs } = await world.settled('s');
  return {
    ...world,
    status,
    outputs,
    reasons: events.map(({ ResourceStatusReason }) => ResourceStatusReason).join('\n'),
  };
}

it('alarms have names of their own, and an ARN', async () => {
  const { status, cloudFormation, cloudWatch } = await create({
    One: { Type: 'AWS::CloudWatch::Alarm', Properties: { ...alarm, Period: '60', ActionsEnabled: 'false' } },
    All: {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: { AlarmRule: { 'Fn::Sub': 'ALARM("${One.Arn}") OR ALARM(${One})' } },
    },
  });
  expect(status).toBe('CREATE_COMPLETE');
  const [one] = cloudWatch.alarms.all();
  expect(one).toMatchObject({ settings: { ActionsEnabled: false, Period: 60 } });
  const made = cloudFormation.stack('s')?.resources.map(({ provisioned }) => provisioned);
  expect(made).toMatchObject([
    { physicalId: expect.stringMatching(/^s-One-/), attributes: { Arn: one?.arn } },
    { physicalId: expect.stringMatching(/^s-All-/) },
  ]);
});

it('IAM is asked what the handlers need', async () => {
  const { accesses } = await create({
    One: { Type: 'AWS::CloudWatch::Alarm', Properties: { ...alarm, AlarmName: 'a', Tags: [{ Key: 'k', Value: 'v' }] } },
    Board: { Type: 'AWS::CloudWatch::Dashboard', Properties: dashboard(text) },
  });
  expect(accesses.map(({ access: { action, resource } }) => [action, resource])).toEqual([
    ...['DescribeAlarms', 'PutMetricAlarm', 'TagResource'].map((action) => [
      `cloudwatch:${action}`,
      'arn:aws:cloudwatch:us-east-1:111111111111:alarm:a',
    ]),
    ...['PutDashboard', 'GetDashboard'].map((action) => [
      `cloudwatch:${action}`,
      'arn:aws:cloudwatch::111111111111:dashboard/d',
    ]),
  ]);
});

it.each([
  ['AWS::CloudWatch::Alarm', { ...alarm, AlarmName: 'taken' }],
  ['AWS::CloudWatch::Dashboard', dashboard(text)],
  ['AWS::SNS::Topic', { TopicName: 'taken' }],
])('%s fails on a name that is taken', async (Type, Properties) => {
  const { status, reasons } = await create({ One: { Type, Properties }, Two: { Type, Properties } });
  expect(status).toBe('ROLLBACK_COMPLETE');
  expect(reasons).toContain('already exists');
});

it.each([
  ['a property that it has not', { ...alarm, Treat: 'missing' }, 'Properties validation failed for resource Subject'],
  ['an anomaly detector', { ...alarm, ThresholdMetricId: 'ad1' }, 'Properties validation failed'],
  ['no statistic', { ...alarm, Statistic: undefined }, 'Exactly one of Statistic and ExtendedStatistic'],
  ['no threshold', { ...alarm, Threshold: undefined }, '#/Threshold'],
])('an alarm with %s fails its stack', async (_, Properties, reason) => {
  const { status, reasons } = await create({ Subject: { Type: 'AWS::CloudWatch::Alarm', Properties } });
  expect(status).toBe('ROLLBACK_COMPLETE');
  expect(reasons).toContain(reason);
});

describe('a dashboard', () => {
  it.each([
    [
      'of every kind of widget',
      [
        text,
        metrics(
          ['AWS/States', 'ExecutionsFailed', 'StateMachineArn', 'm', { stat: 'Sum' }],
          ['...', 'n'],
          [{ expression: 'SUM(METRICS())', id: 'e1' }],
        ),
        {
          type: 'log',
          x: 12,
          y: 6,
          width: 12,
          height: 6,
          properties: { region: 'us-east-1', query: "SOURCE 'a' | fields @message" },
        },
        { type: 'alarm', properties: { alarms: ['arn:a'] } },
      ],
    ],
    ['without any', []],
  ])('%s is kept', async (_, widgets) => {
    const { status, cloudWatch } = await create({
      Board: { Type: 'AWS::CloudWatch::Dashboard', Properties: dashboard(...widgets) },
    });
    expect(status).toBe('CREATE_COMPLETE');
    expect(cloudWatch.dashboards.body('d')).toBe(JSON.stringify({ widgets }));
  });

  it.each([
    ['a body that is no JSON', { DashboardName: 'd', DashboardBody: '{' }, 'The field DashboardBody is not valid'],
    [
      'a name with a space',
      { DashboardName: 'a b', DashboardBody: '{"widgets":[]}' },
      'It can only contain alphanumerics, dash (-) and underscore (_).',
    ],
    ['an unknown widget', dashboard({ type: 'chart', properties: {} }), '/widgets/0/type'],
    [
      'a metric without Region',
      dashboard({ type: 'metric', properties: { metrics: [['a', 'b']] } }),
      '/widgets/0/properties/region',
    ],
    ['an expression that is not valid', dashboard(metrics([{ expression: 'm1 +' }])), 'the expression is not valid'],
    ['an object within a metric', dashboard(metrics(['a', {}, 'b'])), 'only the last part'],
    ['a widget that is too wide', dashboard({ ...text, width: 25 }), '/widgets/0/width'],
    ['a text without markdown', dashboard({ type: 'text', properties: {} }), '/widgets/0/properties/markdown'],
  ])('with %s fails its stack', async (_, Properties, reason) => {
    const { status, reasons } = await create({ Board: { Type: 'AWS::CloudWatch::Dashboard', Properties } });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons).toContain(reason);
  });
});
