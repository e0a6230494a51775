// Makes the state machines, their roles, log groups and outputs from the definitions in `statemachine/`: a machine may invoke the
// functions that its states name, and no others. Each Task state gets the retriers that `statemachine/retriers.yml` has for it, after
// its own. serverless.yml reads this file.

const { readdirSync, readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parse } = require('yaml');
const { logicalName } = require('./functions.cjs');
const { keyOf, useOfKeyByMachine } = require('./key-use.cjs');

const root = resolve(__dirname, '..');
const extension = '.asl.json';
const retriers = parse(readFileSync(join(root, 'statemachine', 'retriers.yml'), 'utf8'));

module.exports = async ({ resolveVariable }) => {
  const isTraced = (await resolveVariable('param:tracing')) === 'true';
  const key = await keyOf(resolveVariable);
  const machines = readMachines();
  return {
    stateMachines: Object.fromEntries(machines.map((machine) => [machine.id, entryOf(machine, isTraced)])),
    template: {
      Resources: Object.assign({}, ...machines.map((machine) => resourcesOf(machine, isTraced, key))),
      Outputs: Object.fromEntries(machines.map(({ name, id }) => [`${logicalName(name)}Arn`, { Value: { Ref: id } }])),
    },
    // By name: a reference to a machine, which refers to its functions, would be a cycle.
    arns: machines.map(({ name }) => arn('stateMachine', name)),
    executionArns: machines.map(({ name }) => arn('execution', `${name}:*`)),
  };
};
module.exports.readMachines = readMachines;
module.exports.functionsIn = functionsIn;

function readMachines() {
  return readdirSync(join(root, 'statemachine'))
    .filter((file) => file.endsWith(extension))
    .sort()
    .map(readMachine);
}

function readMachine(file) {
  const name = file.slice(0, -extension.length);
  const definition = JSON.parse(readFileSync(join(root, 'statemachine', file), 'utf8'));
  return { name, id: logicalId(name), definition: withRetriers(definition) };
}

/** The definition with the shared retriers: the last of each state's, as the first that names an error is the one that counts. */
function withRetriers({ States, ...definition }) {
  const states = Object.entries(States).map(([name, state]) => {
    const Retry = [...(state.Retry ?? []), ...sharedRetriers(name)];
    return [name, state.Type === 'Task' ? { ...state, Retry } : state];
  });
  return { ...definition, States: Object.fromEntries(states) };
}

function sharedRetriers(state) {
  return (retriers.states[state] ?? retriers.shared).map(({ errors, ...times }) => ({
    ErrorEquals: errors.flatMap((kind) => retriers.errors[kind]),
    ...times,
  }));
}

function entryOf({ name, id, definition }, isTraced) {
  return {
    id,
    name: `\${self:custom.name}-${name}`,
    type: 'STANDARD',
    role: { 'Fn::GetAtt': [`${id}Role`, 'Arn'] },
    definition,
    tracingConfig: { enabled: isTraced },
    loggingConfig: {
      level: 'ERROR',
      includeExecutionData: false,
      destinations: [{ 'Fn::GetAtt': [`${id}LogGroup`, 'Arn'] }],
    },
  };
}

function resourcesOf({ name, id, definition }, isTraced, key) {
  return {
    [`${id}Role`]: roleOf(name, functionsIn(definition), [
      ...(isTraced ? [traces] : []),
      ...useOfKeyByMachine(arn('stateMachine', name), key),
    ]),
    [`${id}LogGroup`]: {
      Type: 'AWS::Logs::LogGroup',
      Properties: {
        // Step Functions delivers without further policies to log groups whose names begin so.
        LogGroupName: `/aws/vendedlogs/states/\${self:custom.name}-${name}`,
        RetentionInDays: '${param:logRetentionDays}',
      },
    },
  };
}

/** A machine that has its name from a function, as `update-subscriber` has, adds `Machine` to it. */
function logicalId(name) {
  const isFunction = readdirSync(join(root, 'functions')).includes(name);
  return isFunction ? `${logicalName(name)}Machine` : logicalName(name);
}

/** The functions that a definition's states invoke, which it names as `{"Fn::GetAtt": ["<function>", "Arn"]}`. */
function functionsIn(value) {
  if (typeof value !== 'object' || value === null) return [];
  const [name, attribute] = value['Fn::GetAtt'] ?? [];
  if (attribute === 'Arn') return [name];
  return [...new Set(Object.values(value).flatMap(functionsIn))];
}

function arn(type, name) {
  const prefix = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:${type}`;
  return { 'Fn::Sub': `${prefix}:\${self:custom.name}-${name}` };
}

// Step Functions decides on sampling itself (Step Functions developer guide, "X-Ray").
const traces = {
  Effect: 'Allow',
  Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
  Resource: '*',
};

function roleOf(name, invoked, others) {
  const Statement = [
    {
      Effect: 'Allow',
      Action: 'lambda:InvokeFunction',
      Resource: invoked.map((step) => ({ 'Fn::GetAtt': [`${step}LambdaFunction`, 'Arn'] })),
    },
    // Log delivery of Step Functions has no resource-level permissions (Step Functions developer guide, "Logging").
    {
      Effect: 'Allow',
      Action: [
        'logs:CreateLogDelivery',
        'logs:GetLogDelivery',
        'logs:UpdateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:DescribeResourcePolicies',
        'logs:DescribeLogGroups',
      ],
      Resource: '*',
    },
    ...others,
  ];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'states.amazonaws.com' },
            Action: 'sts:AssumeRole',
            // Step Functions developer guide, "Prevent cross-service confused deputy issue".
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLike: { 'aws:SourceArn': arn('stateMachine', name) },
            },
          },
        ],
      },
      Policies: [{ PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement } }],
    },
  };
}
