import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { awsOptions, type Reachable } from '../target/target.ts';
import { checkAlarms } from './alarms.ts';
import { checkApi } from './api.ts';
import { type At, checking, type Finding, findingOf } from './finding.ts';
import { checkCredentials } from './identity.ts';
import { checkKeys } from './keys.ts';
import { checkLogGroups } from './log-groups.ts';
import { askQuotas, judgeAccounts } from './quotas.ts';
import { stackResources } from './resources.ts';
import { checkForwarding, checkRules } from './rules.ts';
import { askService, judgeService } from './service.ts';
import { judgeStack } from './stack.ts';
import { checkTemplate } from './template.ts';

interface Wanted {
  /** Keys beside those that subscribers use. */
  keyArns: readonly string[];
  /** The version that the command is of. */
  version: string;
}

/**
 * Looks at a stage as it is. What does not depend on something else is looked at at the same time.
 * @param show is called with each finding as it comes
 * @returns the findings in the order of the checks
 */
export async function examine(
  target: Reachable,
  { keyArns, version }: Wanted,
  { command }: Pick<Session, 'command'>,
  show: (finding: Finding) => void,
): Promise<Finding[]> {
  const shown = (findings: readonly Finding[]) => {
    for (const finding of findings) show(finding);
    return findings;
  };
  const credentials = shown([await checkCredentials(target)]);
  // Without credentials, or without a deployment, every other check would say the same.
  if (credentials.some(({ outcome }) => outcome === 'fail')) return [...credentials];
  const deployment = await findDeployment(target).catch((error: unknown) => ({ error }));
  if ('error' in deployment) {
    return [...credentials, ...shown([findingOf('deployment', 'cloudformation:DescribeStacks', deployment.error)])];
  }
  const options = awsOptions(target);
  const at: At = {
    target,
    deployment,
    command,
    aws: (words) => `aws ${words}${options === '' ? '' : ` ${options}`}`,
  };
  const stack = shown(judgeStack(at, version));

  const invoke = 'lambda:InvokeFunction';
  const service = askService(at);
  const quotas = askQuotas(at);
  const resources = stackResources(at);
  const list = 'cloudformation:ListStackResources';
  const others = [
    checking('InfinStor', invoke, async () => judgeService(await service, at)),
    checking('template', invoke, () => checkTemplate(at)),
    checking('accounts', invoke, async () => judgeAccounts(await quotas, at)),
    // Without the quotas the keys that subscribers use are not known.
    checking('keys', invoke, async () => checkKeys((await quotas).keys, keyArns, at)),
    checking('event rules', list, async () => checkRules(await resources, at)),
    checking('events of other Regions', 'events:ListRuleNamesByTarget', async () =>
      checkForwarding((await service).stackEventRegions, at),
    ),
    checking('HTTP API', 'execute-api:Invoke', () => checkApi(at)),
    checking('log groups', list, async () => checkLogGroups(await resources, at)),
    checkAlarms(resources, at),
  ];
  const found = await Promise.all(others.map(async (check) => shown(await check)));
  return [...credentials, ...stack, ...found.flat()];
}
