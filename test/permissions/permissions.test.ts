import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, inject, it } from 'vitest';
import { bootSandbox, type Sandbox } from '../../sandbox/boot.ts';
import { otherAccount } from '../../sandbox/core/account.ts';
import { matchesPattern } from '../../sandbox/core/policies/policy-conditions.ts';
import { overBudget } from '../../scripts/time-budgets.ts';
import { tour } from '../../tools/permissions/coverage.ts';
import { hundredAccounts } from '../../tools/permissions/other-account.ts';
import { permissionsOf } from '../../tools/permissions/permissions.ts';
import { casesInScope, scope } from '../scope.ts';
import { newKey, onboard, requestWithKey } from '../workflow/sandbox.ts';

const deployments = [
  { deployment: 'as packaged', packageFolder: inject('packageFolder') },
  { deployment: 'that repairs drift', packageFolder: inject('repairingPackageFolder') },
  {
    deployment: 'that works in another account',
    packageFolder: inject('accountsPackageFolder'),
    extras: { otherAccount: true },
  },
];
// A tour takes seconds. The last deployment has every role and, of the others', all rights but the one to repair.
const covered = casesInScope(deployments, deployments.slice(-1));
type Deployment = Omit<(typeof deployments)[number], 'extras'> & { extras?: { otherAccount: boolean } };

async function coverageOf(
  { packageFolder, extras }: Deployment,
  editTemplate: (template: string) => string,
  look: (sandbox: Sandbox) => void,
  takeTour: typeof tour = tour,
): Promise<void> {
  const sandbox = await bootSandbox({ packageFolder, skipIdle: true, editTemplate });
  try {
    await takeTour(sandbox, extras);
    look(sandbox);
  } finally {
    await sandbox.close();
  }
}

const asPackaged = (template: string) => template;

const statementSchema = v.looseObject({ Action: v.union([v.string(), v.array(v.string())]) });
const roleSchema = v.looseObject({
  Type: v.literal('AWS::IAM::Role'),
  Properties: v.looseObject({
    Policies: v.array(v.looseObject({ PolicyDocument: v.looseObject({ Statement: v.array(statementSchema) }) })),
  }),
});
const policySchema = v.looseObject({
  Type: v.literal('AWS::IAM::Policy'),
  Properties: v.looseObject({
    PolicyDocument: v.looseObject({ Statement: v.array(statementSchema) }),
    Roles: v.array(v.object({ Ref: v.string() })),
  }),
});
const templateSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ Resources: v.record(v.string(), v.unknown()) }),
);

/** The template without an action in all statements of a role: its own, those of policies that are its alone, and without its part in one that it shares. */
function withoutAction(template: string, roleName: string, removed: string): string {
  const parsed = v.parse(templateSchema, template);
  // The name of a long logical id is cut.
  const role = Object.keys(parsed.Resources).find((id) => id.startsWith(roleName) && id.endsWith('Role')) ?? roleName;
  const resource = v.parse(roleSchema, parsed.Resources[role]);
  const policies = Object.entries(parsed.Resources).flatMap(([logicalId, policy]) => {
    const result = v.safeParse(policySchema, policy);
    return result.success && result.output.Properties.Roles.some(({ Ref }) => Ref === role)
      ? [[logicalId, result.output] as const]
      : [];
  });
  const own = [...resource.Properties.Policies];
  for (const [, { Properties }] of policies) {
    const others = Properties.Roles.filter(({ Ref }) => Ref !== role);
    if (others.length === 0) own.push(Properties);
    // What it shares with other roles is one statement.
    else if (Properties.PolicyDocument.Statement.some(({ Action }) => [Action].flat().includes(removed))) {
      Properties.Roles = others;
    }
  }
  for (const { PolicyDocument } of own) {
    PolicyDocument.Statement = PolicyDocument.Statement.flatMap((statement) => {
      const left = [statement.Action].flat().filter((action) => action !== removed);
      return left.length === 0 ? [] : [{ ...statement, Action: left }];
    });
  }
  return JSON.stringify({
    ...parsed,
    Resources: { ...parsed.Resources, ...Object.fromEntries(policies), [role]: resource },
  });
}

/** Denials that some functions report in words of the project. */
const ownWords: Readonly<Record<string, string>> = {
  'secretsmanager:DescribeSecret': 'may not use its KMS key, or',
  'sts:AssumeRole': 'does not let',
};

/** What callers and operators see: the ends of executions, the stacks' events, and the logs. */
function reportedBy({ states, cloudFormation, logFolder }: Sandbox): string {
  const logs = readdirSync(logFolder).filter((file) => file !== 'denials.log');
  return [
    ...states.executions().map(({ cause }) => cause ?? ''),
    JSON.stringify(cloudFormation.descriptions()),
    ...logs.map((file) => readFileSync(join(logFolder, file), 'utf8')),
  ].join('\n');
}

/** Of the accounts that the deployment names, all but one are not there: what looks at each of them is denied to assume a role there. */
const isOfNoAccount = (resource: string) =>
  Object.values(hundredAccounts).some(({ roleArn }) => roleArn === resource) &&
  !resource.includes(otherAccount.accountId);

it.each(covered)(
  'grants the roles, $deployment, all that the runs need, and nothing that they do not',
  async (deployment) => {
    await coverageOf(deployment, asPackaged, (sandbox) => {
      expect(sandbox.denials().filter(({ resource }) => !isOfNoAccount(resource))).toEqual([]);
      expect(permissionsOf(sandbox).filter(({ used, reason }) => !used && reason === undefined)).toEqual([]);
      expect(overBudget(sandbox.calls())).toEqual([]);
    });
  },
);

/** The shortest way to the one action that is taken away where not all are. */
const grant: typeof tour = async (sandbox) => void (await onboard(sandbox, requestWithKey('denied', newKey(sandbox))));

const needed = new Map<string, Deployment & { role: string; action: string }>();
// A tour for each action takes seconds: `npm run test:long` removes every action, other runs one.
if (scope !== 'long') {
  for (const each of deployments.slice(0, 1)) {
    needed.set('one', { ...each, role: 'PatchKeyPolicyRole', action: 'kms:PutKeyPolicy' });
  }
} else {
  for (const each of deployments) {
    await coverageOf(each, asPackaged, (sandbox) => {
      for (const { role, action, used } of permissionsOf(sandbox)) {
        const name = `${role} ${action}`;
        if (used && !needed.has(name)) needed.set(name, { ...each, role, action });
      }
    });
  }
}

it.each([...needed.values()])('fails when $role may not do $action', async ({ role, action, ...deployment }) => {
  await coverageOf(
    deployment,
    (template) => withoutAction(template, role, action),
    (sandbox) => {
      const denied = sandbox.denials().filter((denial) => matchesPattern(action, denial.action));
      expect(denied.map(({ principalArn }) => principalArn)).toContainEqual(expect.stringContaining(`-${role}-`));
      const reasons = denied.flatMap((denial) => [
        `not authorized to perform: ${denial.action}`,
        ...(ownWords[action] === undefined ? [] : [ownWords[action]]),
      ]);
      expect(reasons).toContainEqual(expect.toSatisfy((reason: string) => reportedBy(sandbox).includes(reason)));
    },
    // Where nothing can be onboarded, what comes next has nothing to work on.
    scope === 'long' ? (sandbox, extras) => tour(sandbox, extras).catch(() => undefined) : grant,
  );
});
