// Makes the alarms with their topic, the dashboard and the saved queries from operations.yml, as the params `alarmTopic` and `dashboard` say.
// What is watched of each kind is enumerated from the folders: a new state machine, rule or scheduled function is watched without a word
// here. serverless.yml reads this file.

const { existsSync, readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parse } = require('yaml');
const functions = require('./functions.cjs');
const { functionsIn, readMachines } = require('./machines.cjs');

const root = resolve(__dirname, '..');
const read = (...path) => parse(readFileSync(join(root, ...path), 'utf8'));
const operations = read('deployment', 'operations.yml');
const machines = readMachines();
const { logicalName } = functions;
const onboarding = 'OnboardSubscriber';

/** An alarm reads so many metrics (CloudWatch user guide, "Limits that apply to alarms based on metric math expressions"). */
const maxMetrics = 10;
/** A query of Logs Insights reads so many log groups (CloudWatch Logs API reference, StartQuery). */
const maxLogGroups = 50;
/** Columns and rows of the dashboard's grid that a graph takes (CloudWatch API reference, "Dashboard body structure and syntax"). */
const [width, height] = [12, 6];

const operators = {
  '>=': 'GreaterThanOrEqualToThreshold',
  '>': 'GreaterThanThreshold',
  '<': 'LessThanThreshold',
};

module.exports = async ({ resolveVariable }) => {
  const topic = await resolveVariable('param:alarmTopic');
  const hasDashboard = (await resolveVariable('param:dashboard')) === 'true';
  const steps = Object.keys((await functions({ resolveVariable })).functions);
  return {
    template: {
      Resources: {
        ...(topic === 'own' && ownTopic),
        ...(topic !== 'none' && alarms(topic === 'own' ? { Ref: 'AlarmTopic' } : topic)),
        ...(hasDashboard && { Dashboard: dashboard(), ...queries(steps) }),
      },
      Outputs: topic === 'none' ? {} : { AlarmTopicArn: { Value: topic === 'own' ? { Ref: 'AlarmTopic' } : topic } },
    },
  };
};
/** What is watched, by the kinds that `of` in operations.yml has. */
module.exports.watched = watched;

const ownTopic = {
  AlarmTopic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: '${self:custom.name}-alarms' } },
  AlarmTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [{ Ref: 'AlarmTopic' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
            Resource: { Ref: 'AlarmTopic' },
            // SNS developer guide, "Example cases for Amazon SNS access control": alarms of this deployment alone.
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLike: {
                'aws:SourceArn': {
                  'Fn::Sub':
                    'arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${self:custom.name}-*',
                },
              },
            },
          },
        ],
      },
    },
  },
};

/** Rules on the default bus whose target has no queue of its own, with what runs when they match. */
function rules() {
  return functions.steps
    .filter((step) => existsSync(join(root, 'functions', step, 'resources.yml')))
    .flatMap((step) => Object.entries(read('functions', step, 'resources.yml').Resources ?? {}))
    .filter(([, { Type, Properties }]) => Type === 'AWS::Events::Rule' && Properties.EventBusName === undefined)
    .map(([id, { Properties }]) => ({
      id,
      schedule: Properties.ScheduleExpression,
      targets: Properties.Targets.filter(({ DeadLetterConfig }) => DeadLetterConfig === undefined).map(
        ({ Arn }) => Arn['Fn::GetAtt'][0],
      ),
    }))
    .filter(({ targets }) => targets.length > 0);
}

/** How many minutes lie between two runs of a rule. */
function minutesOf(schedule) {
  const [, value, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(schedule) ?? [];
  const minutes = Number(value) * (unit === 'hour' ? 60 : 1);
  // No alarm of operations.yml would see that it does not run.
  if (!(minutes <= 60)) throw new Error(`No alarm is for a function that runs by ${schedule}`);
  return minutes;
}

/** The dimensions of what is watched, by the namespace of its metrics; each as a list of names with references. */
function watched(kind) {
  const ofFunctions = (ids) => ({
    namespace: 'AWS/Lambda',
    dimensions: [...new Set(ids)].map((id) => ({ FunctionName: { Ref: id } })),
  });
  const ofMachines = (ids) => ({
    namespace: 'AWS/States',
    dimensions: ids.map((id) => ({ StateMachineArn: { Ref: id } })),
  });
  const scheduled = (isRight) =>
    rules().flatMap(({ schedule, targets }) => (schedule && isRight(minutesOf(schedule)) ? targets : []));
  switch (kind) {
    case 'own':
      return { namespace: '${self:custom.name}', dimensions: [{}] };
    case 'machines':
      return ofMachines(machines.map(({ id }) => id));
    case 'onboarding':
      return ofMachines([onboarding]);
    case 'steps':
      return ofFunctions(
        machines
          .filter(({ id }) => id === onboarding)
          .flatMap(({ definition }) => functionsIn(definition))
          .map((id) => `${id}LambdaFunction`),
      );
    case 'rules':
      return { namespace: 'AWS/Events', dimensions: rules().map(({ id }) => ({ RuleName: { Ref: id } })) };
    case 'invokedByEvents':
      return ofFunctions(rules().flatMap(({ targets }) => targets));
    case 'scheduledOften':
      return ofFunctions(scheduled((minutes) => minutes <= 10));
    case 'scheduledSeldom':
      return ofFunctions(scheduled((minutes) => minutes > 10));
    case 'api':
      return { namespace: 'AWS/ApiGateway', dimensions: [{ ApiId: { Ref: 'HttpApi' } }] };
    case 'queue':
      return {
        namespace: 'AWS/SQS',
        dimensions: [{ QueueName: { 'Fn::GetAtt': ['RefusedEvents', 'QueueName'] } }],
      };
    case 'registry': {
      const { GlobalSecondaryIndexes } = read('deployment', 'registry.yml').Resources.Registry.Properties;
      const table = { TableName: { Ref: 'Registry' } };
      return {
        namespace: 'AWS/DynamoDB',
        dimensions: [
          table,
          ...GlobalSecondaryIndexes.map(({ IndexName }) => ({ ...table, GlobalSecondaryIndexName: IndexName })),
        ],
      };
    }
    default:
      throw new Error(`operations.yml: nothing is watched of the kind ${kind}`);
  }
}

/** Each metric of what is watched, as CloudFormation has it. */
function metricsOf({ of, metrics }) {
  const { namespace, dimensions } = watched(of);
  return metrics.flatMap((MetricName) =>
    dimensions.map((each) => ({
      Namespace: namespace,
      MetricName,
      ...(Object.keys(each).length > 0 && {
        Dimensions: Object.entries(each).map(([Name, Value]) => ({ Name, Value })),
      }),
    })),
  );
}

const alarmId = (name) => `${logicalName(name)}Alarm`;
const alarmName = (name) => `\${self:custom.name}-${name}`;
const description = ({ means, runbook }) =>
  `${means} What to do: docs/runbook.md, "${runbook}"; what is measured: docs/operations.md.`;

function alarms(topic) {
  const entries = Object.entries(operations.alarms);
  const waking = entries.filter(([, { wakes }]) => wakes).map(([name]) => name);
  const { wake } = operations;
  return {
    ...Object.fromEntries(entries.map(([name, alarm]) => [alarmId(name), alarmOf(name, alarm, topic)])),
    [alarmId(wake.name)]: {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: {
        AlarmName: alarmName(wake.name),
        AlarmDescription: description(wake),
        AlarmRule: { 'Fn::Sub': waking.map((name) => `ALARM("\${${alarmId(name)}}")`).join(' OR ') },
        AlarmActions: [topic],
        OKActions: [topic],
      },
    },
  };
}

function alarmOf(name, alarm, topic) {
  const read = metricsOf(alarm);
  if (read.length > maxMetrics) throw new Error(`operations.yml: the alarm ${name} reads ${read.length} metrics`);
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: alarmName(name),
      AlarmDescription: description(alarm),
      ...measured(read, alarm),
      EvaluationPeriods: alarm.outOf,
      DatapointsToAlarm: alarm.points,
      ComparisonOperator: operators[alarm.comparison],
      Threshold: alarm.threshold,
      TreatMissingData: alarm.missing,
      AlarmActions: [topic],
    },
  };
}

/** One metric by itself, several by a sum in which a missing value is 0. */
function measured(read, { combine, statistic, period }) {
  if (read.length === 1 && combine !== 'absent') return { ...read[0], Statistic: statistic, Period: period };
  const ids = read.map((_, index) => `m${index + 1}`);
  const term = { sum: (id) => `FILL(${id}, 0)`, absent: (id) => `IF(FILL(${id}, 0) < 1, 1, 0)` }[combine];
  return {
    Metrics: [
      { Id: 'value', Expression: ids.map(term).join(' + '), Label: combine, ReturnData: true },
      ...read.map((Metric, index) => ({
        Id: ids[index],
        MetricStat: { Metric, Period: period, Stat: statistic },
        ReturnData: false,
      })),
    ],
  };
}

function dashboard() {
  const widgets = operations.dashboard.map(({ title, statistics, ...graph }, index) => ({
    type: 'metric',
    x: (index % 2) * width,
    y: Math.floor(index / 2) * height,
    width,
    height,
    properties: {
      title,
      view: 'timeSeries',
      region: '${AWS::Region}',
      period: 300,
      metrics: metricsOf(graph).flatMap(({ Namespace, MetricName, Dimensions = [] }) =>
        statistics.map((stat) => [
          Namespace,
          MetricName,
          ...Dimensions.flatMap(({ Name, Value }) => [Name, inSub(Value)]),
          { stat },
        ]),
      ),
    },
  }));
  return {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardName: '${self:custom.name}',
      DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }) },
    },
  };
}

/** A reference as it stands within Fn::Sub. */
function inSub(value) {
  if (typeof value === 'string') return value;
  return value.Ref === undefined ? `\${${value['Fn::GetAtt'].join('.')}}` : `\${${value.Ref}}`;
}

function queries(steps) {
  if (steps.length > maxLogGroups) throw new Error(`The saved queries read ${steps.length} log groups`);
  return Object.fromEntries(
    Object.entries(operations.queries).map(([name, { title, query }]) => [
      `${logicalName(name)}Query`,
      {
        Type: 'AWS::Logs::QueryDefinition',
        Properties: {
          Name: `\${self:custom.name}/${title}`,
          LogGroupNames: steps.map((step) => ({ Ref: `${step}LogGroup` })),
          QueryString: query,
        },
      },
    ]),
  );
}
