// A deployment with a key of its own: its package, and the key with the policy that docs/deploying.md asks for.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v from 'valibot';
import type { EmptySandbox } from '../../../sandbox/boot.ts';
import { account } from '../../../sandbox/core/account.ts';

export const keyArn = `arn:aws:kms:${account.region}:${account.accountId}:key/44444444-dddd-4ddd-8ddd-444444444444`;
const root = join(import.meta.dirname, '../../..');
const stage = 'sandbox';

const statementSchema = v.looseObject({ Sid: v.optional(v.string()), Action: v.unknown() });
type Statement = v.InferOutput<typeof statementSchema>;
const policySchema = v.object({ Version: v.string(), Statement: v.array(statementSchema) });

/** The policy that the key's owner is asked to give it. */
export function keyPolicy(keeps: (statement: Statement) => boolean = () => true) {
  const text = readFileSync(join(root, 'deployment/key-policy.json'), 'utf8')
    .replaceAll('PARTITION', 'aws')
    .replaceAll('ACCOUNT', account.accountId)
    .replaceAll('REGION', account.region)
    .replaceAll('STAGE', stage);
  const policy = v.parse(v.pipe(v.string(), v.parseJson(), policySchema), text);
  return { ...policy, Statement: policy.Statement.filter(keeps) };
}

/** Makes the key, which is there before the deployment. */
export const withKey =
  (policy = keyPolicy()) =>
  ({ kms }: EmptySandbox): void =>
    kms.createKey({ arn: keyArn, tags: {}, policy });

const roleSchema = v.looseObject({
  Policies: v.tupleWithRest(
    [v.looseObject({ PolicyDocument: v.looseObject({ Statement: v.array(statementSchema) }) })],
    v.unknown(),
  ),
});
const resourceSchema = v.looseObject({
  Type: v.string(),
  Properties: v.optional(v.record(v.string(), v.unknown()), {}),
});
export const templateSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ Resources: v.record(v.string(), resourceSchema) }),
);
/** The template as it is packaged at any time: osls uploads each package into a folder of its own. */
export const timeless = (text: string) => text.replaceAll(/serverless\/infinstor-onboarding\/sandbox\/[^/]+\//g, '');

export type Template = v.InferOutput<typeof templateSchema>;

const require = createRequire(import.meta.url);
const partsOf = (name: string): unknown => require(join(root, 'deployment', name));
const statements = v.array(statementSchema);
const keyUse = v.parse(v.object({ useOfKey: v.function(), useOfKeyByMachine: v.function() }), partsOf('key-use.cjs'));
const makeOverlay = v.parse(v.function(), partsOf('encryption.cjs'));
const overlaid: unknown = await makeOverlay({
  resolveVariable: async (name: string) =>
    ({ 'param:kmsKeyArn': keyArn, 'param:accounts': '{}', 'param:alarmTopic': 'none' })[name],
});
const overlay = v.parse(v.object({ template: v.object({ Resources: v.record(v.string(), resourceSchema) }) }), overlaid)
  .template.Resources;

/** The statements of a role's first policy. */
export function statementsOf(template: Template, role: string): Statement[] {
  return v.parse(roleSchema, template.Resources[role]?.Properties).Policies[0].PolicyDocument.Statement;
}

/**
 * What osls makes of the package without a key when there is one, without packaging again, which takes seconds. A test compares it with
 * what osls makes.
 */
export function encrypted(text: string): Template {
  const template = v.parse(templateSchema, text);
  for (const [id, { Properties }] of Object.entries(overlay))
    Object.assign(template.Resources[id]?.Properties ?? {}, Properties);
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const { Variables = {} } = v.parse(
      v.object({ Variables: v.optional(v.record(v.string(), v.unknown())) }),
      Properties.Environment ?? {},
    );
    if (Object.hasOwn(Variables, 'KMS_KEY_ARN')) Variables.KMS_KEY_ARN = keyArn;
    if (Object.hasOwn(Variables, 'KMS_KEY_ARN')) Properties.Environment = { Variables };
    if (Type !== 'AWS::IAM::Role' || !id.endsWith('Role') || id === 'StackServiceRole') continue;
    const role = v.parse(roleSchema, Properties);
    const own = role.Policies[0].PolicyDocument.Statement;
    const machine = template.Resources[id.slice(0, -'Role'.length)];
    const name = machine?.Type === 'AWS::StepFunctions::StateMachine' ? machine.Properties.StateMachineName : undefined;
    const more: unknown =
      name === undefined
        ? keyUse.useOfKey(own, keyArn)
        : keyUse.useOfKeyByMachine(
            {
              'Fn::Sub': `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:${String(name)}`,
            },
            keyArn,
          );
    own.push(...v.parse(statements, more));
    Properties.Policies = role.Policies;
  }
  return template;
}
