import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { useSandbox, withSandbox } from '../sandbox.ts';
import { fault, functionNameOf } from '../subscriber.ts';
import { accountsPackage } from './elsewhere.ts';

const sandbox = useSandbox();
const day = 24 * 60 * 60_000;
const checkQuotas = { functionName: functionNameOf('check-quotas') };

/** Runs the check, as its schedule does; returns the error that it ended with. */
async function check(given: Sandbox = sandbox()): Promise<string | undefined> {
  const command = new InvokeCommand({ FunctionName: checkQuotas.functionName, Payload: '{}' });
  const { FunctionError } = await new LambdaClient(operatorAt(given.endpoint)).send(command);
  return FunctionError;
}
const keySchema = v.looseObject({ eventKey: v.string() });
const announced = (given: Sandbox = sandbox()) =>
  given.events
    .published()
    .filter((event) => event['detail-type'] === 'QuotaNearlyExhausted')
    .map(({ detail }) => v.parse(keySchema, detail));
/** What of the log are metrics. */
const metrics = () =>
  readFileSync(join(sandbox().logFolder, `${checkQuotas.functionName}.log`), 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"CloudWatchMetrics"') ? [JSON.parse(line)] : []));
const used = () => sandbox().iam.roles().length;
const limitRoles = (limit: number) => sandbox().accounts.quotas.set('roles', account, limit);

// Each test has a day of its own, on which nothing was announced.
afterEach(() => {
  sandbox().faults.clear();
  limitRoles(1_000);
  sandbox().clock.advance(day);
});

describe('the check of quotas', () => {
  it('emits how much of each is used, and announces nothing while there is room', async () => {
    const before = announced().length;
    expect(await check()).toBeUndefined();
    expect(announced()).toHaveLength(before);
    const own = { account: account.accountId, region: 'all Regions' };
    expect(metrics().slice(-4)).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'infinstor-onboarding-sandbox',
              Dimensions: [[]],
              Metrics: [{ Name: 'QuotaUsed', Unit: 'Percent' }],
            },
          ],
        },
        ...{ quota: 'IAM roles', ...own, QuotaUsed: used() / 10 },
      },
      expect.objectContaining({ quota: 'CloudFormation stacks', region: 'us-east-1' }),
      expect.objectContaining({ quota: 'S3 general purpose buckets', ...own }),
      expect.objectContaining({ quota: 'DynamoDB tables', region: 'us-east-1' }),
    ]);
  });

  it('announces a quota of which 80 percent are used, once on a day', async () => {
    const before = announced().length;
    limitRoles(Math.floor(used() / 0.8));
    for (const _ of [1, 2]) await check();
    const first = announced().slice(before);
    expect(first).toEqual([
      {
        ...{ schemaVersion: 1, eventKey: expect.any(String), accountId: account.accountId, region: null },
        ...{ quota: 'IAM roles', quotaCode: 'L-FE177D64', used: used(), limit: Math.floor(used() / 0.8) },
        percentUsed: expect.closeTo(80, -1),
        subscribersThatFit: Math.floor(used() / 0.8) - used(),
        askFor: expect.stringContaining('L-FE177D64'),
      },
    ]);
    sandbox().clock.advance(day);
    await check();
    const [, second, ...others] = announced().slice(before);
    expect(others).toEqual([]);
    expect(second?.eventKey).not.toBe(first[0]?.eventKey);
  });

  it('announces the same event again when it died before it has remembered that', async () => {
    const before = announced().length;
    limitRoles(used());
    fault(sandbox(), 'events:PutEvents:kill', checkQuotas);
    expect(await check()).toBeDefined();
    for (const _ of [1, 2]) await check();
    const [first, second, ...others] = announced().slice(before);
    expect(others).toEqual([]);
    expect(first?.eventKey).toBe(second?.eventKey);
  });

  it('fails when EventBridge does not take the event, and announces it the next time', async () => {
    const before = announced().length;
    limitRoles(used());
    fault(sandbox(), 'events:PutEvents:error=InternalException:3', checkQuotas);
    expect(await check()).toBe('Unhandled');
    await check();
    expect(announced().slice(before)).toHaveLength(1);
  });

  it.each(['iam:GetAccountSummary:error=AccessDenied', 'cloudformation:ListStacks:throttle:9'])(
    'looks at all the others when one cannot be read because of %s',
    async (text) => {
      const before = metrics().length;
      fault(sandbox(), text, checkQuotas);
      expect(await check()).toBeUndefined();
      expect(metrics().slice(before)).toHaveLength(3);
    },
  );

  it('looks at all the others when accounts let nobody in', async () => {
    // The deployment names a hundred accounts, of which none is there.
    await withSandbox(accountsPackage(), async (given) => {
      given.accounts.quotas.set('roles', account, given.iam.roles().length);
      given.accounts.quotas.set('stacks', { accountId: otherAccount.accountId, region: 'us-east-1' }, 1);
      expect(await check(given)).toBeUndefined();
      expect(announced(given)).toMatchObject([{ accountId: account.accountId, percentUsed: 100 }]);
    });
  });
});
