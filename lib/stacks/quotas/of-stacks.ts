import {
  type CloudFormationClient,
  DescribeAccountLimitsCommand,
  paginateListStacks,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { counted, type QuotaReaders } from './readers.ts';
import { call, globalQuotaRegion, refusal } from './signed-call.ts';

/** The quotas that an account's stacks and roles are read with, in few calls. */
export const stackQuotaKinds = ['roles', 'policies', 'stacks'] as const;

interface StackQuotaClients {
  region: string;
  /** Its credentials also sign the call of IAM. */
  cloudFormation: CloudFormationClient;
  /** @throws Error when there is no time for another page */
  mayGoOn: () => void;
}

/** The statuses of stacks that count; a stack that is deleted is listed for 90 days (API reference, ListStacks). */
const liveStatuses: StackStatus[] = [
  ...(['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'CREATE_COMPLETE'] as const),
  ...(['ROLLBACK_IN_PROGRESS', 'ROLLBACK_FAILED', 'ROLLBACK_COMPLETE'] as const),
  ...(['DELETE_IN_PROGRESS', 'DELETE_FAILED'] as const),
  ...(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_COMPLETE', 'UPDATE_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS'] as const),
  ...(['IMPORT_IN_PROGRESS', 'IMPORT_COMPLETE'] as const),
  ...(['IMPORT_ROLLBACK_IN_PROGRESS', 'IMPORT_ROLLBACK_FAILED', 'IMPORT_ROLLBACK_COMPLETE'] as const),
];

/** How these are read: each service says both numbers of its own, but for the stacks that there are, which are counted. */
export function stackQuotaReaders({
  region,
  cloudFormation,
  mayGoOn,
}: StackQuotaClients): QuotaReaders<(typeof stackQuotaKinds)[number]> {
  // One call has all of IAM's.
  let summary: Promise<string> | undefined;
  const ofIam = (name: string) => async () => {
    summary ??= accountSummary(cloudFormation.config, region);
    const value = new RegExp(`<key>${name}</key>\\s*<value>(\\d+)</value>`).exec(await summary)?.[1];
    return present(value === undefined ? undefined : Number(value), `GetAccountSummary returned no ${name}`);
  };
  return {
    roles: { used: ofIam('Roles'), limit: ofIam('RolesQuota') },
    policies: { used: ofIam('Policies'), limit: ofIam('PoliciesQuota') },
    stacks: {
      used() {
        const pages = paginateListStacks({ client: cloudFormation }, { StackStatusFilter: liveStatuses });
        return counted(pages, ({ StackSummaries }) => StackSummaries, mayGoOn);
      },
      async limit() {
        const { AccountLimits = [] } = await cloudFormation.send(new DescribeAccountLimitsCommand({}));
        const limit = AccountLimits.find(({ Name }) => Name === 'StackLimit')?.Value;
        return present(limit, 'DescribeAccountLimits returned no StackLimit');
      },
    },
  };
}

/** The answer of IAM as it is: the SDK's client would add 25 KB to a bundle that has 6. */
async function accountSummary(signing: CloudFormationClient['config'], region: string): Promise<string> {
  const action = 'iam:GetAccountSummary';
  const answer = await call(signing, {
    ...{ service: 'iam', action, region: globalQuotaRegion(region), method: 'POST' },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=GetAccountSummary&Version=2010-05-08',
  });
  const text = answer.body.toString('utf8');
  if (answer.status === 200) return text;
  throw refusal(answer, action, /<Code>(\w+)</.exec(text)?.[1], /<Message>([^<]*)</.exec(text)?.[1]);
}

function present(value: number | undefined, otherwise: string): number {
  if (value === undefined) throw new Error(otherwise);
  return value;
}
