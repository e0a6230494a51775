import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import type { AccountRegion } from '../../../../../lib/aws/arns.ts';
import { chooseHome } from '../../../../../lib/preflight/accounts/home.ts';
import type { Request } from '../../../../../lib/requests/onboarding.ts';
import type { Read } from '../../../../../lib/stacks/quotas/room.ts';
import type { SubscriberRecord } from '../../../../../lib/subscribers/record.ts';

const homeAt = (account: string, region = 'us-east-1'): AccountRegion => ({ accountId: account.repeat(12), region });
const [own, second, third] = [homeAt('1'), homeAt('2'), homeAt('3')];
const abroad = homeAt('3', 'eu-west-1');
const homes = [own, second, third, abroad];

/** A request with `auto`. */
function auto({ region, keyOf }: { region?: string; keyOf?: AccountRegion } = {}): Request {
  const keyArn = `arn:aws:kms:us-east-1:${keyOf?.accountId}:key/11111111-aaaa-4aaa-8aaa-111111111111`;
  return {
    subscriber: { userName: 'acme', emailId: 'mlops@acme.example' },
    stack: {
      accountId: 'auto',
      ...(region === undefined ? { region: 'us-east-1', isRegionOpen: true } : { region }),
      ...{ parameters: {}, tags: {} },
    },
    encryption: {
      artifacts: { type: 'sse-s3' },
      tracking: keyOf === undefined ? { type: 'aws-owned' } : { type: 'customer-managed', keyArn },
    },
  };
}

const denied = { error: { name: 'AccessDenied', message: 'no' } };

/** Chooses when so many roles are left in the accounts, in the order above. */
async function choose(request: Request, left: readonly Read[], record?: Partial<SubscriberRecord>) {
  const warned: string[] = [];
  const asked: AccountRegion[] = [];
  const known: SubscriberRecord | undefined = record && {
    ...{ userName: 'acme', status: 'FAILED', executionArn: 'arn', updatedAt: '', attempts: [] },
    ...record,
  };
  const home = await chooseHome(request, known, {
    environment: { QUOTA_RESERVE: 5, STACK_USES: { roles: 1, policies: 0, stacks: 0, buckets: 0, tables: 0 } },
    quotas: {
      kept: async (where) => {
        asked.push(where);
        const free = left[Number(where.accountId[0]) - 1] ?? 0;
        return [{ kind: 'roles', used: 0, limit: free }];
      },
      cloudFormation: () => new CloudFormationClient({ region: 'us-east-1' }),
      hasTime: () => true,
    },
    now: new Date(0),
    homes,
    warn: (message) => warned.push(message),
  });
  return { home, warned, asked: asked.length };
}

describe('the home of a subscriber', () => {
  it.each([
    ['with the most room', auto(), [300, 400, 350], second],
    ['that comes first, of equals', auto(), [300, 400, 400], second],
    ['that can be read', auto(), [300, denied, 250], own],
    ['of the Region, of which nothing has to be read', auto({ region: 'eu-west-1' }), [900, 900, 1], abroad],
    ['that has the key', auto({ keyOf: third }), [900, 900, 1], third],
  ] as const)('is the account %s', async (_, request, left, home) => {
    expect(await choose(request, left)).toMatchObject({ home });
  });

  it('is not asked for again once it is known', async () => {
    expect(await choose(auto(), [1, 900, 900], { home: own })).toEqual({ home: own, warned: [], asked: 0 });
    const stackId = `arn:aws:cloudformation:eu-west-1:${abroad.accountId}:stack/infinstor-subscriber-acme/1`;
    expect(await choose(auto(), [900, 900, 1], { stackId })).toMatchObject({ home: abroad, asked: 0 });
    expect(await choose(auto({ region: 'us-east-1' }), [900, 900, 1], { stackId })).toMatchObject({ home: third });
  });

  it('that the deployment does not have any more is refused, and chosen anew after an offboarding', async () => {
    const gone = homeAt('9');
    await expect(choose(auto(), [1, 2, 3], { home: gone })).rejects.toMatchObject({
      name: 'InvalidRequest',
      field: 'stack.accountId',
    });
    expect(await choose(auto(), [1, 2, 3], { home: gone, status: 'OFFBOARDED' })).toMatchObject({ home: third });
  });

  it("is not guessed when no account can be read: the error has AWS's own name", async () => {
    await expect(choose(auto(), [denied, denied, denied])).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('leaves out whom it cannot read, and says so', async () => {
    const { warned } = await choose(auto(), [300, denied, 250]);
    expect(warned).toEqual([expect.stringContaining(`Account ${second.accountId} in us-east-1 is not chosen`)]);
  });
});
