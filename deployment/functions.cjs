// Makes the functions, their roles and their resources from the folders of `functions/`, so that a function's things stand in its
// folder and nothing else lists it. serverless.yml reads this file.
//
// functions/<step>/function.yml has
//   environment           the names of the function's environment variables; environment.yml has what they hold
//   statements            what its role may do, beside what every function needs: its own log streams and traces, and the use of the
//                         deployment's key for these calls (key-use.cjs)
//   optionalPolicies      further policies of its role, each for deployments whose named param is 'true'
//   worksInOtherAccounts  true: the role may also read the param `accounts` and assume the roles there
//   timeout, events       as osls has them for a function
// functions/<step>/resources.yml, if there is one, has its other resources, such as rules, and their outputs, parameters and conditions, as
// CloudFormation has them.

const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parse } = require('yaml');
const { keyOf, useOfKey } = require('./key-use.cjs');

const root = resolve(__dirname, '..');
const read = (...path) => parse(readFileSync(join(root, ...path), 'utf8'));
const steps = readdirSync(join(root, 'functions'))
  .filter((step) => existsSync(join(root, 'functions', step, 'function.yml')))
  .sort();

module.exports = async ({ resolveVariable }) => {
  const variables = read('deployment', 'environment.yml');
  const functions = {};
  const Resources = {};
  const sections = { Parameters: {}, Conditions: {}, Resources, Outputs: {} };
  const rolesInOtherAccounts = [];
  const rolesThatKnowAccounts = [];
  const isTraced = (await resolveVariable('param:tracing')) === 'true';
  const key = await keyOf(resolveVariable);
  // With accounts, these are in secrets, which is no statement of a function's own (accounts.cjs).
  const readsAccounts =
    (await resolveVariable('param:accounts')) === '{}' ? [] : [{ Action: 'secretsmanager:GetSecretValue' }];
  for (const step of steps) {
    const name = logicalName(step);
    const {
      environment,
      statements,
      optionalPolicies = [],
      worksInOtherAccounts = false,
      ...entry
    } = read('functions', step, 'function.yml');
    functions[name] = {
      name: `\${self:custom.name}-${step}`,
      handler: `dist/${step}.handler`,
      role: `${name}Role`,
      package: { patterns: [`dist/${step}.cjs`] },
      environment: Object.fromEntries(environment.map((variable) => [variable, valueIn(variable, variables, step)])),
      // osls refuses fields that it does not have.
      ...entry,
    };
    const optional = [];
    for (const { param, ...policy } of optionalPolicies) {
      if (await isTrue(param, resolveVariable)) optional.push(policy);
    }
    const knowsAccounts = worksInOtherAccounts || environment.includes('ACCOUNT_REGIONS');
    const own = [...statements, ...useOfKey([...statements, ...(knowsAccounts ? readsAccounts : [])], key)];
    add(Resources, {
      [`${name}Role`]: roleOf(name, { name: step, statements: [...(isTraced ? [traces] : []), ...own] }, optional),
    });
    if (worksInOtherAccounts) rolesInOtherAccounts.push(`${name}Role`);
    if (environment.includes('ACCOUNT_REGIONS')) rolesThatKnowAccounts.push(`${name}Role`);
    if (existsSync(join(root, 'functions', step, 'resources.yml'))) {
      const others = read('functions', step, 'resources.yml');
      for (const [name, section] of Object.entries(sections)) add(section, others[name]);
    }
  }
  return { functions, template: sections, rolesInOtherAccounts, rolesThatKnowAccounts, isTraced };
};

/** The step `accept-request` as `AcceptRequest`, which is also the name of its state. */
function logicalName(step) {
  return step.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());
}
module.exports.logicalName = logicalName;
module.exports.steps = steps;

function valueIn(variable, variables, step) {
  if (variables[variable] === undefined) {
    throw new Error(`deployment/environment.yml has no ${variable}, which functions/${step}/function.yml names`);
  }
  return variables[variable];
}

async function isTrue(param, resolveVariable) {
  const value = await resolveVariable(`param:${param}`);
  if (value !== 'true' && value !== 'false') throw new Error(`The param ${param} must be 'true' or 'false'`);
  return value === 'true';
}

// Active tracing needs these, and X-Ray has no resources to restrict them to.
const traces = { Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' };

function roleOf(name, { name: PolicyName, statements }, optionalPolicies) {
  const shared = [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: { 'Fn::GetAtt': [`${name}LogGroup`, 'Arn'] },
    },
  ];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
            // IfExists: what Lambda says of itself when it assumes a role is not documented (docs/decisions/0030-service-role.md).
            Condition: { StringEqualsIfExists: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
        ],
      },
      Policies: [
        { PolicyName, PolicyDocument: { Version: '2012-10-17', Statement: [...shared, ...statements] } },
        ...optionalPolicies.map((policy) => ({
          PolicyName: policy.name,
          PolicyDocument: { Version: '2012-10-17', Statement: policy.statements },
        })),
      ],
    },
  };
}

function add(section, entries = {}) {
  for (const [logicalId, entry] of Object.entries(entries)) {
    if (section[logicalId] !== undefined) throw new Error(`Two functions have a ${logicalId}`);
    section[logicalId] = entry;
  }
}
