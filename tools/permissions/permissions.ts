import { resolve } from 'node:path';
import { packageForSandbox } from '../../build/package.ts';
import { bootSandbox, type Sandbox } from '../../sandbox/boot.ts';
import { account, otherAccount } from '../../sandbox/core/account.ts';
import { matchesPattern } from '../../sandbox/core/policies/policy-conditions.ts';
import { parsePolicy } from '../../sandbox/core/policies/policy-document.ts';
import { tour } from './coverage.ts';

/** An action that a role of the deployment is granted, and whether anything needed it. */
export interface Permission {
  role: string;
  action: string;
  used: boolean;
  /** Why it is granted although the tour does not use it. */
  reason?: string;
}

/** Grants that no run in the sandbox can use, and why they are there. */
const exceptions: readonly { actions: RegExp; reason: string }[] = [
  {
    actions: /^logs:(CreateLogStream|PutLogEvents)$/,
    reason: "Lambda's runtime writes logs with it; the sandbox writes files",
  },
  { actions: /^xray:/, reason: 'tracing, which the sandbox does not have' },
  {
    actions: /^logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolic(y|ies)|DescribeLogGroups)$/,
    reason: 'Step Functions delivers its log with it (developer guide, "Logging")',
  },
];

/** What each role of the deployment is granted, and what of it was used since the sandbox was booted. */
export function permissionsOf({ accounts, grants }: Pick<Sandbox, 'accounts' | 'grants'>): Permission[] {
  // In another account its roles are those of deployment/other-account.yaml.
  const roles = [account, otherAccount].flatMap(({ accountId }) => accounts.iam(accountId).roles());
  const ofDeployment = roles.filter(({ roleName }) => /^(infinstor-onboarding|forward-events)-/.test(roleName));
  return ofDeployment.flatMap(({ arn, roleName, policies }) => {
    const used = grants().filter(({ principalArn }) => principalArn === arn);
    const statements = [...policies.values()].flatMap(parsePolicy);
    const granting = statements.filter(({ effect }) => effect === 'Allow');
    return granting.flatMap(({ action: { patterns: actions }, resource: { patterns: resources } }) =>
      actions.map((action): Permission => {
        const isUsed = used.some(
          (grant) =>
            matchesPattern(action.toLowerCase(), grant.action.toLowerCase()) &&
            resources.some((resource) => matchesPattern(resource, grant.resource)),
        );
        const reason = exceptions.find(({ actions: excepted }) => excepted.test(action))?.reason;
        return { role: nameOf(roleName), action, used: isUsed, ...(!isUsed && reason !== undefined && { reason }) };
      }),
    );
  });
}

/** The role's name in the template where it has no other: CloudFormation cuts the stack's, and adds what makes it unique. */
const nameOf = (roleName: string) => /-([^-]+)-[0-9A-F]{12}$/.exec(roleName)?.[1] ?? roleName;

function report(permissions: readonly Permission[]): string {
  const roles = [...new Set(permissions.map(({ role }) => role))].sort();
  const lines = roles.flatMap((role) => [
    `\n${role}`,
    ...permissions
      .filter((permission) => permission.role === role)
      .map(({ action, used, reason }) => `  ${used ? 'used    ' : 'unused  '} ${action}${reason ? `: ${reason}` : ''}`),
  ]);
  const unneeded = permissions.filter(({ used, reason }) => !used && reason === undefined);
  return `${lines.join('\n')}\n\n${permissions.length} granted, ${unneeded.length} of them without use or reason\n`;
}

async function main(): Promise<void> {
  process.stderr.write('Packaging, and running everything once …\n');
  const sandbox = await bootSandbox({ packageFolder: await packageForSandbox(), skipIdle: true });
  try {
    await tour(sandbox);
    const permissions = permissionsOf(sandbox);
    process.stdout.write(report(permissions));
    for (const { principalArn, action, resource } of sandbox.denials()) {
      process.stdout.write(`denied: ${action} on ${resource} to ${principalArn}\n`);
    }
    const isTight = permissions.every(({ used, reason }) => used || reason !== undefined);
    process.exitCode = isTight && sandbox.denials().length === 0 ? 0 : 1;
  } finally {
    await sandbox.close();
  }
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === resolve(import.meta.filename)) await main();
