import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { detailTypes } from '../../../functions/accept-event/requests.ts';
import { dependencies, dependencyOrder } from '../../../sandbox/services/cloudformation/dependencies.ts';
import { parseTemplate } from '../../../sandbox/services/cloudformation/template.ts';
import { environmentSchemas } from '../../../scripts/environment-schemas.ts';
import { hundredAccounts } from '../../../tools/permissions/other-account.ts';

const packageFolder = inject('packageFolder');
const templateIn = (folder: string) =>
  parseTemplate(readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8'));
const template = templateIn(packageFolder);
const ofType = (type: string, { Resources } = template) =>
  Object.entries(Resources).filter(([, resource]) => resource.Type === type);

const functionSchema = v.looseObject({
  Environment: v.object({ Variables: v.record(v.string(), v.unknown()) }),
  Role: v.object({ 'Fn::GetAtt': v.tuple([v.string(), v.literal('Arn')]) }),
  Runtime: v.string(),
});
const functions = ofType('AWS::Lambda::Function').map(([logicalId, { Properties }]) => ({
  name: logicalId.replace('LambdaFunction', ''),
  ...v.parse(functionSchema, Properties),
}));
const statementSchema = v.looseObject({
  Action: v.pipe(
    v.union([v.string(), v.array(v.string())]),
    v.transform((action) => [action].flat()),
  ),
  Effect: v.picklist(['Allow', 'Deny']),
  Resource: v.unknown(),
});
const roleSchema = v.looseObject({
  Policies: v.array(
    v.object({
      PolicyName: v.string(),
      PolicyDocument: v.object({ Version: v.string(), Statement: v.array(statementSchema) }),
    }),
  ),
});
const statementsIn = (parsed = template) =>
  ofType('AWS::IAM::Role', parsed).flatMap(([role, { Properties }]) =>
    v
      .parse(roleSchema, Properties)
      .Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.map((statement) => ({ role, ...statement })))
      // What is denied opens nothing.
      .filter(({ Effect }) => Effect === 'Allow'),
  );
const statements = statementsIn();
const variablesFile = join(import.meta.dirname, '../../../deployment/environment.yml');
const schemas = await environmentSchemas();
const logicalName = (step: string) => step.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Whether a list has these, in whatever order, and no others. */
const hasJust = (expected: readonly unknown[]) => (list: readonly unknown[]) => {
  const texts = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).sort();
  expect(texts(list)).toEqual(texts(expected));
  return true;
};

describe('the packaged template', () => {
  it('has no cycle and no dangling reference', () => {
    const order = dependencyOrder(dependencies(template));
    expect(order).toHaveLength(Object.keys(template.Resources).length);
  });

  it('gives every function a role of its own', () => {
    const roles = functions.map(({ Role }) => Role['Fn::GetAtt'][0]);
    expect(roles).toEqual(functions.map(({ name }) => `${name}Role`));
  });

  it.each([...schemas].map(([step, schema]) => [logicalName(step), schema] as const))(
    'sets exactly the environment that the schema of %s asks for',
    (name, schema) => {
      const declared = functions.find((candidate) => candidate.name === name)?.Environment.Variables ?? {};
      const { POWERTOOLS_LOG_LEVEL, ...variables } = declared;
      expect(POWERTOOLS_LOG_LEVEL).toBe('INFO');
      expect(Object.keys(variables).sort()).toEqual(Object.keys(schema.entries).sort());
      // References are resolved only when deployed; each stands for some string.
      const resolved = Object.entries(variables).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : 'https://resolved.example',
      ]);
      expect(v.safeParse(schema, Object.fromEntries(resolved)).issues).toBeUndefined();
    },
  );

  it('declares each variable by one schema, however many functions have it', () => {
    const declared = [...schemas.values()].flatMap(({ entries }) => Object.entries(entries));
    const byName = Map.groupBy(declared, ([name]) => name);
    const several = [...byName].filter(([, each]) => new Set(each.map(([, schema]) => schema)).size > 1);
    expect(several.map(([name]) => name)).toEqual([]);
  });

  it('has no variable in deployment/environment.yml that no function has', () => {
    const listed = v.parse(v.record(v.string(), v.unknown()), parse(readFileSync(variablesFile, 'utf8')));
    const used = new Set([...schemas.values()].flatMap(({ entries }) => Object.keys(entries)));
    expect(Object.keys(listed).sort()).toEqual([...used].sort());
  });

  it('has a function for each folder, on the current runtime', () => {
    expect(functions.map(({ name }) => name).sort()).toEqual([...schemas.keys()].map(logicalName).sort());
    expect(new Set(functions.map(({ Runtime }) => Runtime))).toEqual(new Set(['nodejs24.x']));
  });

  it('allows no wildcard action, and every resource only for actions that know no narrower one', () => {
    const unrestricted = statements.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
    expect(statements.flatMap(({ Action }) => Action).filter((action) => /^\*|:\*$/.test(action))).toEqual([]);
    const withoutResources =
      /^(xray:(Put\w+|GetSampling(Rules|Targets))|logs:\w+(Delivery|Deliveries|Policy|Policies|LogGroups)|cloudformation:(GetTemplateSummary|ListStacks|DescribeAccountLimits)|dynamodb:ListTables|iam:GetAccountSummary|s3:ListAllMyBuckets|servicequotas:GetAWSDefaultServiceQuota|secretsmanager:ListSecrets|kms:ListAliases)$/;
    expect(unrestricted.filter((action) => !withoutResources.test(action))).toEqual([]);
  });

  it.each([
    {
      deployment: 'as packaged',
      folder: packageFolder,
      writers: ['PatchKeyPolicyRole', 'RestoreKeyPolicyRole', 'WithdrawGrantsRole'],
    },
    {
      deployment: 'that repairs drift',
      folder: inject('repairingPackageFolder'),
      writers: ['DetectKeyPolicyDriftRole', 'PatchKeyPolicyRole', 'RestoreKeyPolicyRole', 'WithdrawGrantsRole'],
    },
  ])(
    'lets, $deployment, only these roles write key policies, and only of tagged keys: $writers',
    ({ folder, writers }) => {
      const writing = statementsIn(templateIn(folder)).filter(({ Action }) => Action.includes('kms:PutKeyPolicy'));
      const Condition = { StringLike: { 'aws:ResourceTag/infinstor-onboarding': '?*' } };
      expect(writing).toMatchObject(writers.map((role) => ({ role, Condition })));
    },
  );

  it('knows the roles that write key policies as its own', () => {
    const { KEY_POLICY_WRITERS } =
      functions.find(({ name }) => name === 'DetectKeyPolicyDrift')?.Environment.Variables ?? {};
    const writers = statementsIn(templateIn(inject('repairingPackageFolder')))
      .filter(({ Action }) => Action.includes('kms:PutKeyPolicy'))
      .map(({ role }) => ({ 'Fn::GetAtt': [role, 'Arn'] }));
    expect(KEY_POLICY_WRITERS).toEqual({ 'Fn::Join': [',', expect.toSatisfy(hasJust(writers))] });
  });

  it('lets nobody assume a role without other accounts, and takes no events of theirs', () => {
    expect(ofType('AWS::IAM::Policy').map(([logicalId]) => logicalId)).toEqual(['PassStackServiceRole']);
    expect(ofType('AWS::Events::EventBusPolicy')).toEqual([]);
    expect(statements.filter(({ Action }) => Action.includes('sts:AssumeRole'))).toEqual([]);
  });

  it('lets the functions that work there assume the roles of other accounts, and no others', () => {
    const withAccounts = templateIn(inject('accountsPackageFolder'));
    const reaching = functions.filter(({ Environment: { Variables } }) => 'ACCOUNTS' in Variables);
    const Resource = Object.values(hundredAccounts).map(({ roleArn }) => roleArn);
    expect(withAccounts.Resources.AssumeRolesOfAccounts?.Properties).toMatchObject({
      PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource }] },
      Roles: expect.toSatisfy(hasJust(reaching.map(({ name }) => ({ Ref: `${name}Role` })))),
    });
    expect(ofType('AWS::IAM::Policy', withAccounts)).toHaveLength(4);
    expect(statementsIn(withAccounts)).toEqual(statements);
  });

  it('lets only these read the external ids, and those that check requests the accounts and Regions', () => {
    const { Accounts, AccountRegions, ...others } = templateIn(inject('accountsPackageFolder')).Resources;
    const readers = (variable: string) =>
      functions
        .filter(({ Environment: { Variables } }) => variable in Variables)
        .map(({ name }) => ({ Ref: `${name}Role` }));
    const reading = (secret: string, variable: string) => ({
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { Ref: secret } }],
      },
      Roles: expect.toSatisfy(hasJust(readers(variable))),
    });
    expect(others.ReadAccounts?.Properties).toMatchObject(reading('Accounts', 'ACCOUNTS'));
    expect(others.ReadAccountRegions?.Properties).toMatchObject(reading('AccountRegions', 'ACCOUNT_REGIONS'));
    expect(readers('ACCOUNT_REGIONS')).toEqual([{ Ref: 'AcceptEventRole' }, { Ref: 'PostSubscribersRole' }]);
    const isIn = (part: unknown) => JSON.stringify(part).includes('sandbox-external-id');
    expect([isIn(Accounts), isIn(AccountRegions), isIn(others)]).toEqual([true, false, false]);
  });

  const trustSchema = v.looseObject({
    AssumeRolePolicyDocument: v.object({
      Version: v.string(),
      Statement: v.tuple([
        v.looseObject({ Principal: v.object({ Service: v.string() }), Condition: v.optional(v.unknown()) }),
      ]),
    }),
  });
  const account = { Ref: 'AWS::AccountId' };

  it.each(ofType('AWS::IAM::Role'))('lets a service assume %s only for this account', (_logicalId, { Properties }) => {
    const [{ Principal, Condition }] = v.parse(trustSchema, Properties).AssumeRolePolicyDocument.Statement;
    const arn = (value: unknown) => expect.objectContaining({ 'Fn::Sub': value });
    const conditions: Record<string, unknown> = {
      'lambda.amazonaws.com': { StringEqualsIfExists: { 'aws:SourceAccount': account } },
      'states.amazonaws.com': {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': arn(expect.stringMatching(/:stateMachine:infinstor-onboarding-sandbox-[\w-]+$/)) },
      },
      'cloudformation.amazonaws.com': {
        StringEqualsIfExists: { 'aws:SourceAccount': account },
        ArnLikeIfExists: {
          'aws:SourceArn': [
            arn(expect.stringMatching(/:stack\/infinstor-subscriber-sandbox-\*$/)),
            arn(expect.stringMatching(/:stack\/infinstor-subscriber-\*$/)),
          ],
        },
      },
    };
    expect(Object.keys(conditions)).toContain(Principal.Service);
    expect(Condition).toEqual(conditions[Principal.Service]);
  });

  it('takes of other accounts what they forward of CloudFormation and KMS, and requests, and nothing else', () => {
    const accountIds = Object.keys(hundredAccounts);
    const policies = ofType('AWS::Events::EventBusPolicy', templateIn(inject('accountsPackageFolder')));
    const opening = (key: string, values: readonly string[]) => ({
      Principal: { AWS: accountIds.map((id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:iam::${id}:root` })) },
      Action: 'events:PutEvents',
      Condition: { 'ForAllValues:StringEquals': { [key]: values }, Null: { [key]: 'false' } },
    });
    expect(policies.map(([, { Properties }]) => Properties)).toMatchObject([
      { EventBusName: 'default', Statement: opening('events:source', ['aws.cloudformation', 'aws.kms']) },
      { EventBusName: { Ref: 'OnboardingBus' }, Statement: opening('events:detail-type', detailTypes) },
    ]);
    expect(ofType('AWS::Events::EventBusPolicy')).toEqual([]);
  });

  it('takes from the bus for requests the events that accept-event knows', () => {
    expect(template.Resources.AcceptEventRule?.Properties).toMatchObject({
      EventPattern: { 'detail-type': detailTypes },
    });
  });

  it('lets no rule and no API run the restore of a key policy', () => {
    const invocable = ofType('AWS::Lambda::Permission').map(([, { Properties }]) => JSON.stringify(Properties));
    expect(invocable.filter((permission) => permission.includes('RestoreKeyPolicy'))).toEqual([]);
  });

  const targetSchema = v.object({ Arn: v.unknown(), DeadLetterConfig: v.optional(v.object({ Arn: v.unknown() })) });
  const rules = ofType('AWS::Events::Rule').map(([rule, { Properties }]) => ({
    rule,
    targets: v.parse(v.array(targetSchema), Properties.Targets),
  }));

  it('lets every rule invoke its function, and no other caller of it', () => {
    const permissions = ofType('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    for (const { rule, targets } of rules) {
      for (const { Arn } of targets) {
        expect(permissions).toContainEqual({
          Action: 'lambda:InvokeFunction',
          FunctionName: Arn,
          Principal: 'events.amazonaws.com',
          SourceArn: { 'Fn::GetAtt': [rule, 'Arn'] },
        });
      }
    }
    expect(permissions.filter(({ Principal }) => Principal === 'events.amazonaws.com')).toHaveLength(rules.length);
    for (const { SourceArn } of permissions) expect(SourceArn).toBeDefined();
  });

  it('lets EventBridge put into the queue what the one rule that names it cannot deliver', () => {
    const withQueue = rules.filter(({ targets }) => targets.some(({ DeadLetterConfig }) => DeadLetterConfig));
    expect(withQueue.map(({ rule }) => rule)).toEqual(['AcceptEventRule']);
    expect(ofType('AWS::SQS::QueuePolicy').map(([, { Properties }]) => Properties)).toMatchObject([
      {
        PolicyDocument: {
          Statement: [
            {
              Principal: { Service: 'events.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['AcceptEventRule', 'Arn'] } } },
            },
          ],
        },
      },
    ]);
  });

  it('keeps every log group for a limited time', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    // One each, and the API's.
    expect(groups).toHaveLength(schemas.size + ofType('AWS::StepFunctions::StateMachine').length + 1);
    for (const [, { Properties }] of groups) expect(Properties.RetentionInDays).toBe(90);
  });

  it('logs only errors of the machines, without execution data, and traces them', () => {
    const Properties = {
      LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    };
    expect(ofType('AWS::StepFunctions::StateMachine')).toMatchObject([
      ['AddUserMachine', { Properties }],
      ['OffboardSubscriber', { Properties }],
      ['OnboardSubscriber', { Properties }],
      ['UpdateSubscriberMachine', { Properties }],
      ['UpgradeSubscriber', { Properties }],
    ]);
  });

  it('has a zip for every function', () => {
    for (const { name } of functions) expect(existsSync(join(packageFolder, `${name}.zip`))).toBe(true);
  });
});
